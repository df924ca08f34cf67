"""The operator's side of the extras: pages, their feeds, the API for scripts, downloads, and what one can do.

What is here is for the operator alone; `guard` decides who that is. Everything else is passed on to the application for
overlays and clients, whose answers are for everybody.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import quote

from valo_ingest.errors import JournalFault, NotPossible, UnknownMatch, WrongPassword
from valo_ingest.live.history import History
from valo_ingest.live.matches import LiveMatch
from valo_ingest.live.watch import Watch
from valo_ingest.transport import downloads
from valo_ingest.transport.api import Api
from valo_ingest.transport.board import Dashboard, MatchPage
from valo_ingest.transport.feeds import Feed, Feeds
from valo_ingest.transport.guard import CHALLENGE, Guard, Session
from valo_ingest.transport.looks import Looks
from valo_ingest.transport.responses import (
    EVENTS,
    KEPT_FOR_EVER,
    NEVER_KEPT,
    Environ,
    Response,
    StartResponse,
    error,
    form,
    in_json,
    query,
    redirect,
    rest_of_path,
    whole_number,
)
from valo_ingest.web import pages, words

logger = logging.getLogger(__name__)

OLDER_SHOWN: Final = 200

HOST_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\]")

WsgiApplication = Callable[[Environ, StartResponse], Iterable[bytes]]
Route = Callable[[Environ, str], Response]


class Controls(Protocol):
    """What the operator can do to a match. Everything raises `NotPossible`."""

    def end_match(self, number: int) -> None:
        """End it for good."""

    def hand_over(self, number: int) -> None:
        """Let the stand-by observe it."""

    def disconnect_client(self, number: int, connection: int) -> None:
        """Disconnect one of its clients."""


class Site:
    """A WSGI application: what is the operator's here, and the rest elsewhere."""

    def __init__(
        self,
        *,
        watch: Watch,
        history: History,
        controls: Controls,
        guard: Guard,
        looks: Looks,
        feeds: Feeds,
        pause: Callable[[], object],
        elsewhere: WsgiApplication,
    ) -> None:
        """
        Args:
            pause: Lets others have a turn.
            elsewhere: Answers what is not for the operator alone.
        """
        self._watch = watch
        self._history = history
        self._controls = controls
        self._guard = guard
        self._feeds = feeds
        self._elsewhere = elsewhere
        self._looks = looks
        self._pause = pause
        self._dashboard = Dashboard(looks, pause=pause)
        self._api = Api(looks)
        for_readers = self._for_readers
        self._routes: Mapping[str, Mapping[str, Route]] = {
            "": {"GET": for_readers(self._show_dashboard)},
            "matches": {"GET": for_readers(self._show_match)},
            "older": {"GET": for_readers(self._show_older)},
            "exports": {"GET": for_readers(self._download)},
            "events": {"GET": self._for_scripts(self._follow)},
            "api": {"GET": self._for_scripts(self._answer_script)},
            "act": {"POST": self._act},
            "login": {"GET": self._ask_password, "POST": self._log_in},
            "logout": {"POST": self._log_out},
            "static": {"GET": self._static},
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path, _, rest = environ["PATH_INFO"].removeprefix("/").partition("/")
        routes = self._routes.get(path)
        if routes is None or (path == "" and rest):
            return self._elsewhere(environ, start_response)
        method = environ["REQUEST_METHOD"]
        route = routes.get("GET" if method == "HEAD" else method)
        if route is None:
            allowed = ", ".join(routes)
            response = error(HTTPStatus.METHOD_NOT_ALLOWED, f"Use {allowed}.", ("Allow", allowed))
        else:
            response = route(environ, rest_of_path(rest))
        return response.start(environ, start_response)

    # --- who may ----------------------------------------------------------------------------------------------

    def _for_readers(self, route: Route) -> Route:
        """Answer those who may read; ask others for the password."""

        def guarded(environ: Environ, rest: str) -> Response:
            if not self._guard.may_read(environ):
                return self._login_page(environ, HTTPStatus.UNAUTHORIZED, _own_path(environ))
            try:
                return route(environ, rest)
            except UnknownMatch:
                text = "No match of that code or number is live, and none is kept."
                return self._message(environ, HTTPStatus.NOT_FOUND, "There is no such match", text)
            except JournalFault as fault:
                return self._message(
                    environ, HTTPStatus.SERVICE_UNAVAILABLE, "The journal cannot be read", str(fault)
                )

        return guarded

    def _for_scripts(self, route: Route) -> Route:
        """Answer those who may read, or who bring the password as a token; tell others, in JSON."""

        def guarded(environ: Environ, rest: str) -> Response:
            try:
                # A token that is wrong is said to be, also to those who need none: elsewhere it would not do.
                if not (self._guard.check_bearer(environ) or self._guard.may_read(environ)):
                    return error(
                        HTTPStatus.UNAUTHORIZED,
                        "Send the operator's password as a bearer token.",
                        CHALLENGE,
                    )
                return route(environ, rest)
            except WrongPassword as wrong:
                return error(_status_of(wrong), str(wrong), CHALLENGE, *_retry_after(wrong))
            except UnknownMatch as unknown:
                return error(HTTPStatus.NOT_FOUND, str(unknown))
            except JournalFault as fault:
                return error(HTTPStatus.SERVICE_UNAVAILABLE, str(fault))

        return guarded

    def _ask_password(self, environ: Environ, rest: str) -> Response:
        return self._login_page(environ, HTTPStatus.OK, query(environ, "next"))

    def _log_in(self, environ: Environ, rest: str) -> Response:
        fields = form(environ)
        after = fields.get("next", "/")
        if not self._guard.is_of_our_origin(environ):
            return self._login_page(environ, HTTPStatus.FORBIDDEN, after, "That form was not sent from here.")
        try:
            cookie = self._guard.log_in(environ, fields.get("password", ""))
        except WrongPassword as wrong:
            return self._login_page(environ, _status_of(wrong), after, str(wrong), *_retry_after(wrong))
        logger.info("address=%s the operator logged in", environ.get("REMOTE_ADDR", ""))
        return redirect(after if _is_own(after) else "/", ("Set-Cookie", cookie))

    def _log_out(self, environ: Environ, rest: str) -> Response:
        if not self._guard.may_act(environ, form(environ).get("token", "")):
            return self._not_from_here(environ)
        return redirect("/login", ("Set-Cookie", self._guard.log_out(environ)))

    # --- pages ------------------------------------------------------------------------------------------------

    def _show_dashboard(self, environ: Environ, rest: str) -> Response:
        feed = self._feeds.feed("dashboard", lambda: self._dashboard)
        return self._page(
            lambda number: self._dashboard.page(
                feed=f"/events?after={number}",
                host=_host(environ),
                has_password=self._guard.has_password,
                session=self._guard.session(environ),
            ),
            feed,
        )

    def _show_match(self, environ: Environ, rest: str) -> Response:
        number = whole_number(query(environ, "number"))
        if not rest and number is None:
            return redirect("/")
        live = self._find(rest, number)
        session = self._guard.session(environ)
        if live.ended_at is not None:
            return Response(HTTPStatus.OK, self._match_page(live).page(session=session))
        feed = self._match_feed(live)
        page = feed.source
        assert isinstance(page, MatchPage)
        return self._page(
            lambda after: page.page(session=session, feed=f"/events?number={live.number}&after={after}"), feed
        )

    def _page(self, render: Callable[[int], str], feed: Feed) -> Response:
        """Return a page that goes on where its feed is now."""
        feed.settle()
        return Response(HTTPStatus.OK, render(feed.number))

    def _find(self, group_code: str, number: int | None) -> LiveMatch:
        """Return a match, with its whole chronicle."""
        live = self._watch.find(group_code, number)
        if live is None:
            return self._history.tell(group_code if number is None else f"#{number}")
        try:
            self._history.complete(live)
        except (JournalFault, UnknownMatch) as fault:
            logger.warning("what happened before the restart is not shown: %s", fault)
        return live

    def _match_feed(self, live: LiveMatch) -> Feed:
        return self._feeds.feed(live.number, lambda: self._match_page(live))

    def _match_page(self, live: LiveMatch) -> MatchPage:
        return MatchPage(self._watch, live, pause=self._pause)

    def _show_older(self, environ: Environ, rest: str) -> Response:
        matches = self._history.latest(OLDER_SHOWN)
        session = self._guard.session(environ)
        return Response(
            HTTPStatus.OK, pages.render("older.html", matches=matches, count=OLDER_SHOWN, session=session)
        )

    def _login_page(
        self,
        environ: Environ,
        status: HTTPStatus,
        after: str,
        refusal: str = "",
        *headers: tuple[str, str],
    ) -> Response:
        page = pages.render(
            "login.html",
            has_password=self._guard.has_password,
            next=after if _is_own(after) else "/",
            refusal=refusal,
            session=self._guard.session(environ),
        )
        return Response(status, page, headers=(*NEVER_KEPT, *headers))

    def _message(
        self, environ: Environ, status: HTTPStatus, title: str, text: str, back: str = "/"
    ) -> Response:
        session = self._guard.session(environ)
        return Response(
            status, pages.render("message.html", title=title, text=text, back=back, session=session)
        )

    def _static(self, environ: Environ, rest: str) -> Response:
        found = pages.static_file(rest)
        if found is None:
            return error(HTTPStatus.NOT_FOUND, "There is nothing here.")
        content, content_type = found
        return Response(HTTPStatus.OK, content, content_type, KEPT_FOR_EVER)

    # --- feeds and the API ------------------------------------------------------------------------------------

    def _follow(self, environ: Environ, rest: str) -> Response:
        """Send what changes on a page."""
        number = whole_number(query(environ, "number"))
        last = environ.get("HTTP_LAST_EVENT_ID") or query(environ, "after")
        after = whole_number(str(last)) or 0
        if number is None:
            feed = self._feeds.feed("dashboard", lambda: self._dashboard)
        else:
            live = self._watch.find("", number)
            if live is None:
                raise UnknownMatch(f"#{number}")
            feed = self._match_feed(live)
        return self._stream(environ, feed, after)

    def _answer_script(self, environ: Environ, rest: str) -> Response:
        what, _, group_code = rest.partition("/")
        if what == "events" and not group_code:
            feed = self._feeds.feed("api", lambda: self._api)
            after = feed.number
            return self._stream(environ, feed, after, self._api.first_event())
        if what != "matches":
            return error(
                HTTPStatus.NOT_FOUND,
                "There is nothing here. Known: /api/matches, /api/matches/CODE, /api/events",
            )
        number = whole_number(query(environ, "number"))
        if not group_code and number is None:
            return Response(HTTPStatus.OK, self._api.whole(), "application/json; charset=utf-8")
        live = self._find(group_code, number)
        return in_json(self._watch.portraits.details(live, self._watch.scene()))

    def _stream(self, environ: Environ, feed: Feed, after: int, first: bytes = b"") -> Response:
        session = self._guard.session(environ)
        stream = self._feeds.stream(
            feed, str(environ.get("REMOTE_ADDR", "")), after, self._may_still_look(session), first
        )
        if stream is None:
            return error(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many look already. Close pages that nobody needs.",
                ("Retry-After", "10"),
            )
        # A stream ends when the server stops: its connection has to end then, too. And no proxy shall collect it.
        headers = (*NEVER_KEPT, ("Connection", "close"), ("X-Accel-Buffering", "no"))
        return Response(HTTPStatus.OK, stream, EVENTS, headers)

    def _may_still_look(self, session: Session | None) -> Callable[[], bool]:
        """Return what tells whether a feed may go on: as long as the session does that opened it."""
        if session is None:
            return lambda: True
        return lambda: self._guard.session_of(session.token_hash) is not None

    def _download(self, environ: Environ, rest: str) -> Response:
        name, _, extension = rest.rpartition(".")
        number = whole_number(name)
        if number is None or extension not in downloads.FORMATS:
            raise UnknownMatch(rest)
        kept = self._history.find(f"#{number}")
        content_type, write = downloads.FORMATS[extension]
        disposition = f'attachment; filename="{downloads.file_name(kept, extension)}"'
        return Response(
            HTTPStatus.OK,
            downloads.pieces(write(self._history, kept)),
            content_type,
            (*NEVER_KEPT, ("Content-Disposition", disposition)),
        )

    # --- acting -----------------------------------------------------------------------------------------------

    def _act(self, environ: Environ, rest: str) -> Response:
        fields = form(environ)
        if not self._guard.may_act(environ, fields.get("token", "")):
            return self._not_from_here(environ)
        number = whole_number(fields.get("number", ""))
        action, _, of_whom = fields.get("do", "").partition(":")
        if number is None:
            return self._message(environ, HTTPStatus.BAD_REQUEST, "Nothing was done", "No match was named.")
        live = self._watch.find("", number)
        back = "/" if live is None else words.match_path(live.match.group_code, number)
        address = environ.get("REMOTE_ADDR", "")
        logger.warning("address=%s the operator asks for %s in match #%d", address, action[:20], number)
        try:
            if action == "end":
                self._controls.end_match(number)
            elif action == "hand-over":
                self._controls.hand_over(number)
            elif action == "disconnect":
                self._controls.disconnect_client(number, whole_number(of_whom) or 0)
            else:
                raise NotPossible("That cannot be done here.")
        except NotPossible as reason:
            return self._message(environ, HTTPStatus.CONFLICT, "Nothing was done", str(reason), back)
        return redirect(back)

    def _not_from_here(self, environ: Environ) -> Response:
        text = "You are not logged in any more, or the form was not sent from here. Log in, and try again."
        return self._message(environ, HTTPStatus.FORBIDDEN, "Nothing was done", text, "/login")


def _status_of(wrong: WrongPassword) -> HTTPStatus:
    return HTTPStatus.TOO_MANY_REQUESTS if wrong.wait_s else HTTPStatus.UNAUTHORIZED


def _retry_after(wrong: WrongPassword) -> tuple[tuple[str, str], ...]:
    return (("Retry-After", str(wrong.wait_s)),) if wrong.wait_s else ()


def _is_own(path: str) -> bool:
    """Tell whether a path is one of this server: some browsers take "//" and "/\\" for the beginning of another."""
    return re.fullmatch(r"/(?![/\\])[\x21-\x7e]*", path) is not None


def _own_path(environ: Environ) -> str:
    """Return where a request wanted to go."""
    path = quote(environ["PATH_INFO"].encode("latin-1", errors="replace"), safe="/")
    asked = environ.get("QUERY_STRING", "")
    return f"{path}?{asked}" if asked else path


def _host(environ: Environ) -> str:
    """Return under which name this server is known to who asks."""
    host = str(environ.get("HTTP_HOST", ""))
    name = host if host.endswith("]") else host.rpartition(":")[0] if ":" in host else host
    return name if HOST_NAME.fullmatch(name) else "SERVER"
