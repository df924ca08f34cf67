"""HTTP requests that become WebSockets, and the WebSockets that a listener has."""

import re
from collections.abc import Iterable
from http.client import HTTPException
from typing import Any, Final

import gevent
from geventwebsocket.handler import WebSocketHandler

from valo_ingest.transport.deflate import Agreement, negotiate
from valo_ingest.transport.frames import GOING_AWAY
from valo_ingest.transport.websocket import FairWebSocket

UPGRADE: Final = "upgrade"

_TOKENS: Final = re.compile(r"[ \t]*,[ \t]*")
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")


class OpenWebSockets:
    """The WebSockets of a listener."""

    def __init__(self) -> None:
        self._open: set[FairWebSocket] = set()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, websocket: FairWebSocket) -> None:
        self._open.add(websocket)

    def discard(self, websocket: FairWebSocket) -> None:
        self._open.discard(websocket)

    def close(self, code: int = GOING_AWAY) -> None:
        """Close all at the same time; what their clients had sent before they heard of it is still received."""
        gevent.joinall([gevent.spawn(websocket.retire, code) for websocket in self._open])

    def sweep(self) -> Iterable[str]:
        """End those that were silent since the last call; return their addresses.

        Every client answers pings, so who is silent for longer than a ping may take is dead.
        """
        silent = [websocket for websocket in self._open if not websocket.heard]
        for websocket in silent:
            websocket.abort()
        for websocket in self._open:
            websocket.heard = False
        return [websocket.address for websocket in silent]


class FairWebSocketHandler(WebSocketHandler):  # type: ignore[misc]
    """Upgrades requests to `FairWebSocket`s and remembers them in the `open_websockets` of the server.

    The server has to have `terms` and a `websocket_path` as well: whatever is asked for elsewhere is plain HTTP.
    """

    _agreement: Agreement | None = None

    def read_request(self, raw_requestline: str) -> Any:
        try:
            return super().read_request(raw_requestline)
        except HTTPException as error:  # too many headers
            raise ValueError(str(error)) from None  # which the parent takes for a client's fault

    def upgrade_websocket(self) -> Any:
        if not self.environ["PATH_INFO"].startswith(self.server.websocket_path):
            return None  # nobody would read it; an answer of HTTP tells its client more
        refusal = self._missing_upgrade() or super().upgrade_websocket()
        # The parent refuses with text, which is no body of a response.
        return refusal and [line.encode() for line in refusal]

    def _missing_upgrade(self) -> list[str] | None:
        """Refuse a request that a proxy took the upgrade from, which only works from hop to hop; None if it has one.

        The parent also takes words for one of which it is a part.
        """
        wanted = self.environ.get("HTTP_UPGRADE", "").strip().lower()
        if self.environ["REQUEST_METHOD"] != "GET" or wanted != "websocket":
            return None
        if UPGRADE in _TOKENS.split(self.environ.get("HTTP_CONNECTION", "").strip().lower()):
            return None
        self.start_response("400 Bad Request", [])
        return ["Connection has to say: Upgrade. A proxy in between may have taken it out"]

    def upgrade_connection(self) -> Any:
        if not _KEY.fullmatch(self.environ.get("HTTP_SEC_WEBSOCKET_KEY", "").strip()):
            self.start_response("400 Bad Request", [])
            return ["Sec-WebSocket-Key has to be 16 bytes in base64"]
        offers = self.environ.get("HTTP_SEC_WEBSOCKET_EXTENSIONS", "")
        self._agreement = negotiate(offers, keep_context=self.server.terms.keep_context)
        result = super().upgrade_connection()
        stock = self.__dict__.get("websocket")
        if stock is not None:
            stock.closed = True  # it was never used: its end must not write to the socket
            self.websocket = FairWebSocket(
                self.environ,
                stock.stream,
                self,
                terms=self.server.terms,
                agreement=self._agreement,
                received=self._take_buffered(),
            )
            self.environ["wsgi.websocket"] = self.websocket
        return result

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if self._agreement is not None and status.startswith("101 "):
            headers = [*headers, ("Sec-WebSocket-Extensions", self._agreement.header)]
        return super().start_response(status, headers, exc_info)

    def run_websocket(self) -> None:
        websocket = self.websocket
        self.socket.settimeout(None)  # `sweep` finds the dead, which takes no timer per read
        self.headers = None  # what is needed of them is in `environ`
        self.server.open_websockets.add(websocket)
        try:
            super().run_websocket()
        finally:
            self.server.open_websockets.discard(websocket)
            websocket.forget()

    def _take_buffered(self) -> bytes:
        """Return what was read ahead of the request head, without waiting for more. Nothing is read so after that."""
        before = self.socket.gettimeout()
        self.socket.settimeout(0.0)
        try:
            count = len(self.rfile.peek(1))
            return self.rfile.read(count) if count else b""
        except OSError:  # nothing there
            return b""
        finally:
            self.socket.settimeout(before)
            self.rfile.close()  # its buffer has 8 kB, a seventh of what an idle client costs
