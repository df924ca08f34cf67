import io
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from tests.e2e import messages
from tests.live.fakes import KEY, SUPPORTERS_KEY, FakeAccess, setup
from valo_ingest.clock import ManualClock
from valo_ingest.errors import LogonRefused
from valo_ingest.game.seats import Seat
from valo_ingest.live.matches import Result
from valo_ingest.live.previews import KEPT_MS, Previews
from valo_ingest.transport.http import MAX_BODY_BYTES, Extras


class FakeMatches:
    running = 3

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}

    def result(self, group_code: str) -> Result | None:
        return self.results.get(group_code)


class Answer:
    """What the application answers."""

    def __init__(self, application: Extras, environ: dict[str, Any]) -> None:
        self.body = b"".join(application(environ, self._start))
        self.json: Any = msgspec.json.decode(self.body) if self.body else None

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, dict(headers)


class Fixture:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.matches = FakeMatches()
        self.access = access = FakeAccess()
        self.extras = Extras(
            matches=self.matches,
            previews=Previews(clock=self.clock, access=access, new_code=lambda: "FRESH1"),
            access=access,
        )

    def ask(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        body: bytes = b"",
        environ: Mapping[str, Any] = MappingProxyType({}),
    ) -> Answer:
        return Answer(
            self.extras,
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": io.BytesIO(body),
                **environ,
            },
        )


@pytest.fixture
def made() -> Fixture:
    return Fixture()


def preview(**changes: Any) -> bytes:
    logon = messages.observer_logon("")
    teams = {name: logon[name] for name in ("leftTeam", "rightTeam", "toolsData")}
    return msgspec.json.encode({"type": "preview", "key": KEY, **teams, **changes})


def test_status(made: Fixture) -> None:
    answer = made.ask("GET", "/status")

    assert answer.status == "200 OK"
    assert answer.json == {"status": "UP", "matchesRunning": 3}
    assert answer.headers["Content-Length"] == str(len(answer.body))


@pytest.mark.parametrize(("seat", "higher"), [(Seat.LEFT, 0), (Seat.RIGHT, 1)])
def test_a_result_names_the_winner_by_seat(made: Fixture, seat: Seat, higher: int) -> None:
    match_setup = setup("A", tournamentInfo={"name": "Cup"})
    made.matches.results["A"] = Result(match_setup.teams, seat, match_setup.presentation.settings)

    result = made.ask("GET", "/getTeamInfoForCode", "groupCode=A").json

    assert result["higherScore"] == higher
    assert result["leftTeam"] == {"name": "Left", "tricode": "LFT", "url": "", "attackStart": True}
    assert result["tournamentInfo"] == {"name": "Cup"}
    assert result["sponsorInfo"] == {"enabled": False, "duration": 5, "sponsors": []}


def test_a_group_code_may_hold_anything(made: Fixture) -> None:
    match_setup = setup("A")
    made.matches.results["ä/&=é"] = Result(match_setup.teams, Seat.LEFT, match_setup.presentation.settings)

    answer = made.ask("GET", "/getTeamInfoForCode", "groupCode=%C3%A4%2F%26%3D%C3%A9")

    assert answer.status == "200 OK"


@pytest.mark.parametrize(
    ("key", "name", "is_supporter"), [(KEY, "Crew", False), (SUPPORTERS_KEY, "Supporter", True)]
)
def test_the_organization_of_a_key(made: Fixture, key: str, name: str, is_supporter: bool) -> None:
    assert made.ask("GET", "/getOrgForKey", f"key={key}").json == {
        "id": name,
        "name": name,
        "isSupporter": is_supporter,
    }


@pytest.mark.parametrize("reason", ["Invalid Key", "Expired Key", "Unknown Error"])
def test_why_a_key_is_not_good_is_told(made: Fixture, reason: str) -> None:
    made.access.refusal = LogonRefused("a_code", reason)

    asked = made.ask("GET", "/getOrgForKey", "key=wrong")
    previewed = made.ask("PUT", "/createPreview", body=preview(key="wrong"))

    assert (asked.status, asked.json) == ("401 Unauthorized", {"error": reason})
    assert (previewed.status, previewed.json) == ("403 Forbidden", {"error": reason})


@pytest.mark.parametrize("is_supporter", [True, False])
def test_a_result_tells_whether_a_supporter_opened_the_match(made: Fixture, is_supporter: bool) -> None:
    match_setup = setup("A")
    made.matches.results["A"] = Result(
        match_setup.teams, Seat.LEFT, match_setup.presentation.settings, is_supporter
    )

    assert made.ask("GET", "/getTeamInfoForCode", "groupCode=A").json["isSupporter"] is is_supporter


def test_a_preview_is_made_and_found_until_it_is_too_old(made: Fixture) -> None:
    assert made.ask("PUT", "/createPreview", body=preview()).json == {"previewCode": "FRESH1"}
    assert made.ask("GET", "/preview/FRESH1").json["groupCode"] == "FRESH1"

    made.clock.advance(KEPT_MS)

    assert made.ask("GET", "/preview/FRESH1").status == "404 Not Found"


@pytest.mark.parametrize(("code", "path"), [("äöü123", "/preview/Ã¤Ã¶Ã¼123"), ("%41%42", "/preview/%41%42")])
def test_a_preview_code_is_read_as_wsgi_passes_it_on(made: Fixture, code: str, path: str) -> None:
    """Decoded by the server already, and as Latin-1."""
    made.ask("PUT", "/createPreview", body=preview(previewCode=code))

    assert made.ask("GET", path).json["groupCode"] == code


@pytest.mark.parametrize("length", ["1000001", "-1", "x", "9" * 4_000, "²"], ids=lambda text: text[:10])
def test_a_length_without_sense_is_refused_before_anything_is_read(made: Fixture, length: str) -> None:
    answer = made.ask("PUT", "/createPreview", environ={"CONTENT_LENGTH": length, "wsgi.input": None})

    assert answer.status.startswith(f"{HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value} ")
    assert str(MAX_BODY_BYTES) in answer.json["error"]


def test_a_body_that_breaks_off_is_refused(made: Fixture) -> None:
    class BrokenBody:
        def read(self, length: int) -> bytes:
            raise OSError("unexpected end of file")

    answer = made.ask("PUT", "/createPreview", environ={"CONTENT_LENGTH": "9", "wsgi.input": BrokenBody()})

    assert answer.status == "400 Bad Request"


@pytest.mark.parametrize("path", ["/status", "/nothing", "/preview/FRESH1"])
def test_head_has_the_headers_of_get_and_no_body(made: Fixture, path: str) -> None:
    get, head = made.ask("GET", path), made.ask("HEAD", path)

    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/status", "/createPreview", "/nothing"])
def test_every_answer_is_for_any_origin(made: Fixture, method: str, path: str) -> None:
    assert made.ask(method, path).headers["Access-Control-Allow-Origin"] == "*"


def test_no_secret_of_a_logon_is_in_a_preview(made: Fixture) -> None:
    cams = {"playercamsInfo": {"enable": True, "secret": "CAMSECRET", "endTime": 5}}
    made.ask("PUT", "/createPreview", body=preview(toolsData=cams))

    body = made.ask("GET", "/preview/FRESH1").body.decode()

    assert "CAMSECRET" not in body
    assert KEY not in body
