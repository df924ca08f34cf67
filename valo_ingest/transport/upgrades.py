"""HTTP requests that become WebSockets, and the WebSockets that a listener has."""

import binascii
from collections.abc import Iterable
from http.client import HTTPException
from typing import Any

import gevent
from geventwebsocket.handler import WebSocketHandler

from valo_ingest.transport.deflate import Agreement, negotiate
from valo_ingest.transport.frames import GOING_AWAY
from valo_ingest.transport.websocket import FairWebSocket


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
        """Close all at the same time."""
        gevent.joinall([gevent.spawn(websocket.close, code) for websocket in self._open])

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
        try:
            refusal = super().upgrade_websocket()
        except binascii.Error:
            self.start_response("400 Bad Request", [])
            refusal = ["Sec-WebSocket-Key is not base64"]
        # The parent refuses with text, which is no body of a response.
        return refusal and [line.encode() for line in refusal]

    def upgrade_connection(self) -> Any:
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
