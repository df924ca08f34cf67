"""The extras: a small JSON API beside the two Socket.IO sides, as one WSGI application."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

import msgspec

from valo_ingest.errors import LogonRefused
from valo_ingest.game.seats import Seat
from valo_ingest.game.state import TeamSetup
from valo_ingest.live.matches import Result
from valo_ingest.live.ports import AccessPolicy
from valo_ingest.live.previews import CODE_LENGTH, Previews
from valo_ingest.wire import overlay
from valo_ingest.wire.logons import decode_preview_request

Environ = dict[str, Any]

MAX_BODY_BYTES: Final = 1_000_000
"""Of a request for a preview; a real one has some kB."""

CORS_HEADERS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD, PUT, OPTIONS"),
    ("Access-Control-Allow-Headers", "*"),
    ("Access-Control-Max-Age", "86400"),
)


class Matches(Protocol):
    """What the extras tell of matches."""

    @property
    def running(self) -> int:
        """How many matches are live."""

    def result(self, group_code: str) -> Result | None:
        """Return how a match ended."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON value; None is no body at all."""

    status: HTTPStatus
    body: Any = None
    headers: tuple[tuple[str, str], ...] = field(default=())


def refused(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, {"error": text})


Route = Callable[[Environ, str], Answer]


class Extras:
    """A WSGI application with the calls of the original server."""

    def __init__(
        self,
        *,
        matches: Matches,
        previews: Previews,
        access: AccessPolicy,
    ) -> None:
        self._matches = matches
        self._previews = previews
        self._access = access
        self._routes: Mapping[str, Mapping[str, Route]] = {
            "/status": {"GET": self._status},
            "/getTeamInfoForCode": {"GET": self._team_info},
            "/getOrgForKey": {"GET": self._organization},
            "/createPreview": {"PUT": self._create_preview},
            "/preview": {"GET": self._preview},
        }

    def __call__(
        self, environ: Environ, start_response: Callable[[str, list[tuple[str, str]]], object]
    ) -> Iterable[bytes]:
        answer = self._answer(environ)
        headers = [*CORS_HEADERS, *answer.headers]
        body = b""
        if answer.body is not None:
            body = msgspec.json.encode(answer.body)
            headers.append(("Content-Type", "application/json; charset=utf-8"))
        headers.append(("Content-Length", str(len(body))))
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: Environ) -> Answer:
        path, _, rest = environ["PATH_INFO"].removeprefix("/").partition("/")
        routes = self._routes.get(f"/{path}")
        if routes is None or (rest and path != "preview"):
            return refused(
                HTTPStatus.NOT_FOUND, "There is nothing here. Known paths: " + ", ".join(self._routes)
            )
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return Answer(HTTPStatus.NO_CONTENT)
        route = routes.get("GET" if method == "HEAD" else method)
        if route is None:
            allowed = ", ".join(routes)
            return Answer(
                HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"Use {allowed}."}, headers=(("Allow", allowed),)
            )
        return route(environ, rest)

    def _status(self, environ: Environ, rest: str) -> Answer:
        return Answer(HTTPStatus.OK, {"status": "UP", "matchesRunning": self._matches.running})

    def _team_info(self, environ: Environ, rest: str) -> Answer:
        group_code = _query(environ, "groupCode")
        if not group_code:
            return refused(HTTPStatus.BAD_REQUEST, "Group code is required")
        result = self._matches.result(group_code)
        if result is None:
            return refused(HTTPStatus.NOT_FOUND, "Group code not found")
        return Answer(
            HTTPStatus.OK,
            {
                "leftTeam": _team(result.teams.left),
                "rightTeam": _team(result.teams.right),
                "higherScore": 0 if result.leading_seat is Seat.LEFT else 1,
                "tournamentInfo": result.settings["tournamentInfo"],
                "sponsorInfo": result.settings["sponsorInfo"],
                "isSupporter": result.is_supporter,
            },
        )

    def _organization(self, environ: Environ, rest: str) -> Answer:
        key = _query(environ, "key")
        if not key:
            return refused(HTTPStatus.BAD_REQUEST, "Key is required")
        try:
            holder = self._access.holder_of(key)
        except LogonRefused as error:
            return refused(HTTPStatus.UNAUTHORIZED, str(error))
        return Answer(
            HTTPStatus.OK,
            {
                "id": holder.organization,
                "name": holder.organization,
                "isSupporter": holder.is_supporter,
            },
        )

    def _create_preview(self, environ: Environ, rest: str) -> Answer:
        is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        length = str(MAX_BODY_BYTES) if is_chunked else environ.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body may have {MAX_BODY_BYTES} bytes.")
        try:
            request = decode_preview_request(environ["wsgi.input"].read(int(length)))
        except OSError:  # its sender is gone
            return refused(HTTPStatus.BAD_REQUEST, "The body is shorter than its Content-Length.")
        except LogonRefused as error:
            return refused(HTTPStatus.BAD_REQUEST, str(error))
        if not request.key:
            return refused(HTTPStatus.BAD_REQUEST, "Key is required")
        try:
            code = self._previews.create(request)
        except LogonRefused as error:
            return refused(HTTPStatus.FORBIDDEN, str(error))
        return Answer(HTTPStatus.OK, {"previewCode": code})

    def _preview(self, environ: Environ, rest: str) -> Answer:
        code = rest.encode("latin-1").decode(errors="replace")  # a WSGI server decodes every path as Latin-1
        if len(code) != CODE_LENGTH:
            return refused(HTTPStatus.BAD_REQUEST, f"A preview code has {CODE_LENGTH} characters")
        match = self._previews.find(code)
        if match is None:
            return refused(HTTPStatus.NOT_FOUND, "Preview not found")
        return Answer(HTTPStatus.OK, overlay.document(match))


def _team(setup: TeamSetup) -> dict[str, Any]:
    """Return a team as its logon described it; what was left out there is left out here."""
    values = {
        "name": setup.name,
        "tricode": setup.tricode,
        "url": setup.url,
        "attackStart": setup.attack_start,
    }
    return {name: value for name, value in values.items() if value is not None}


def _query(environ: Environ, name: str) -> str:
    query: str = environ.get("QUERY_STRING", "")
    return parse_qs(query).get(name, [""])[0]
