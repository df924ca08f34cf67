"""The WebSocket of gevent-websocket, made fit for clients that are hasty, hostile or many.

Subclasses of its public classes: one client cannot starve the others, a packet that Engine.IO would crash on becomes
one that is refused like any other, a handshake that makes no sense is refused without a traceback, and open
connections are known, so that a stop can close them.
"""

import binascii
from http.client import HTTPException
from typing import Any, Final
from weakref import WeakSet

import gevent
from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.websocket import WebSocket

from valo_ingest.transport.packets import EMPTY_MESSAGE, is_engine_packet

MESSAGES_PER_TURN: Final = 32
"""Messages read in a row before other connections get a turn. A socket that always has data never yields by itself:
one such client keeps all others out for as long as it sends."""

HIGHEST_PRIORITY: Final = 2
"""Of libev. Waiting for an idle loop at this priority is waiting until every socket has been looked at, once. Sleeping
for 0 s is not: gevent goes on with up to 50 greenlets that slept so before it looks at sockets again, which made
others wait 300 ms for an answer where it is 20 ms now."""

MAX_MESSAGE_BYTES: Final = 4_000_000
"""A message of clients. Far above any that they send (a logon with all its settings is some kB), so that text that
is refused for its size is refused as a message and does not end the connection."""

TOO_LARGE: Final = 1009
"""Close code of RFC 6455, 7.4.1."""


class FairWebSocket(WebSocket):  # type: ignore[misc]
    """A WebSocket that lets others have a turn and passes on nothing that Engine.IO cannot read."""

    _read = 0

    def receive(self) -> Any:
        self._read += 1
        if self._read % MESSAGES_PER_TURN == 0:
            gevent.idle(HIGHEST_PRIORITY)
        message = super().receive()
        if message is not None and len(message) > MAX_MESSAGE_BYTES:
            self.close(TOO_LARGE)
            return None
        return EMPTY_MESSAGE if isinstance(message, str) and not is_engine_packet(message) else message


class FairWebSocketHandler(WebSocketHandler):  # type: ignore[misc]
    """Upgrades requests to `FairWebSocket`s and remembers them in the `open_websockets` of the server."""

    def read_request(self, raw_requestline: str) -> Any:
        try:
            return super().read_request(raw_requestline)
        except HTTPException as error:  # too many headers
            # What the parent takes for a fault of the client.
            raise ValueError(str(error)) from None

    def upgrade_websocket(self) -> Any:
        try:
            refusal = super().upgrade_websocket()
        except binascii.Error:
            self.start_response("400 Bad Request", [])
            refusal = ["Sec-WebSocket-Key is not base64"]
        # The parent refuses with text, which is no body of a response.
        return refusal and [line.encode() for line in refusal]

    def upgrade_connection(self) -> Any:
        result = super().upgrade_connection()
        stock = self.__dict__.get("websocket")
        if stock is not None:
            stock.closed = True  # it was never used: its end must not write to the socket
            self.websocket = FairWebSocket(self.environ, stock.stream, self)
            self.environ["wsgi.websocket"] = self.websocket
            self.server.open_websockets.add(self.websocket)
        return result


OpenWebSockets = WeakSet[FairWebSocket]
