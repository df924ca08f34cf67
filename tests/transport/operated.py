"""The operator's pages in front of a controller between fakes, asked as a WSGI server asks."""

import io
import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from tests.live.watched import WatchedWorld
from tests.storage.kept import START, KeptMatches
from valo_ingest.live.history import History
from valo_ingest.storage.archive import Archive
from valo_ingest.transport.feeds import Feeds
from valo_ingest.transport.guard import Guard
from valo_ingest.transport.looks import Looks
from valo_ingest.transport.site import Site

PASSWORD: Final = "correct horse"

LOCAL: Final = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:5101"}
FAR: Final = {
    "REMOTE_ADDR": "192.168.1.7",
    "HTTP_HOST": "192.168.1.2:5101",
    "HTTP_ORIGIN": "http://192.168.1.2:5101",
}

FORM_TOKEN: Final = re.compile(r'name="token" value="([^"]+)"')


class Answer:
    """What the site answers. A feed is not read, but for its first piece."""

    def __init__(self, site: Site, environ: dict[str, Any]) -> None:
        result = site(environ, self._start)
        if self.headers.get("Content-Type", "").startswith("text/event-stream"):
            self.stream: Any = result
            self.body = b""
        else:
            self.body = b"".join(result)
        self.text = self.body.decode()

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, dict(headers)

    @property
    def code(self) -> int:
        return int(self.status[:3])

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def elsewhere(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("404 Not Found", [("X-Answered-By", "the extras")])
    return [b"elsewhere"]


class Operated(WatchedWorld):
    """A watched world with pages."""

    def __init__(self, data_dir: Path, *, password: str | None = PASSWORD, is_tls: bool = False) -> None:
        super().__init__()
        self.kept = KeptMatches(data_dir)
        self.feeds = Feeds()
        numbers = itertools.count()
        self.guard = Guard(
            password=password,
            is_tls=is_tls,
            new_token=lambda: f"token-{next(numbers)}",
            refuse=self.refusals.refuse_connection,
            now=lambda: self.clock.now_ms() / 1_000,
        )
        self.site = Site(
            watch=self.watch,
            history=History(
                Archive(data_dir, now_ms=lambda: START), elsewhere=lambda work: work(), pause=lambda: None
            ),
            controls=self.controller,
            guard=self.guard,
            looks=Looks(self.watch, now_ms=self.clock.now_ms, pause=lambda: None),
            feeds=self.feeds,
            pause=lambda: None,
            elsewhere=elsewhere,
        )

    def ask(
        self, path: str, *, method: str = "GET", environ: dict[str, Any] = LOCAL, body: bytes = b""
    ) -> Answer:
        path, _, asked = path.partition("?")
        return Answer(
            self.site,
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "QUERY_STRING": asked,
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": io.BytesIO(body),
                **environ,
            },
        )

    def post(self, path: str, environ: dict[str, Any], **fields: str) -> Answer:
        return self.ask(path, method="POST", environ=environ, body=urlencode(fields).encode())

    def log_in(self, environ: dict[str, Any] = FAR) -> dict[str, Any]:
        """Log in; return the environment of later requests."""
        answer = self.post("/login", environ, password=PASSWORD)
        assert answer.code == 303, answer.text
        return {**environ, "HTTP_COOKIE": answer.headers["Set-Cookie"].partition(";")[0]}

    def act(self, environ: dict[str, Any], do: str, group_code: str = "A") -> Answer:
        """Press a button on the page of a match."""
        page = self.ask(f"/matches/{group_code}", environ=environ)
        token = FORM_TOKEN.findall(page.text)[-1]
        return self.post("/act", environ, token=token, number=str(self.live(group_code).number), do=do)

    def advance(self, feed: str | int = "dashboard") -> dict[str, Any]:
        """Let a second pass; return the message that page.js gets."""
        self.clock.advance(1_000)
        self.watch.sample()
        source = self.feeds.feed(feed, lambda: None).source  # type: ignore[arg-type, return-value]
        message: dict[str, Any] = msgspec.json.decode(source.changes())
        return message
