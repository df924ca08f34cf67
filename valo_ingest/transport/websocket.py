"""The WebSocket of gevent-websocket, made fit for clients that are hasty, hostile or many.

Subclasses of its public classes: one client cannot starve the others, a packet that Engine.IO would crash on ends the
connection instead, and open connections are known, so that a stop can close them.
"""

from typing import Any, Final
from weakref import WeakSet

import gevent
from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.websocket import WebSocket

MESSAGES_PER_TURN: Final = 32
"""Messages read in a row before other connections get a turn. A socket that always has data never yields by itself:
one such client keeps all others out for as long as it sends."""

ENGINE_PACKET_TYPES: Final = "0123456b"
"""First character of an Engine.IO packet; "b" is binary data in base64."""


class FairWebSocket(WebSocket):  # type: ignore[misc]
    """A WebSocket that lets others have a turn and passes on no packet that Engine.IO cannot read."""

    _read = 0

    def receive(self) -> Any:
        self._read += 1
        if self._read % MESSAGES_PER_TURN == 0:
            gevent.sleep(0)
        message = super().receive()
        if isinstance(message, str) and (not message or message[0] not in ENGINE_PACKET_TYPES):
            self.close()
            return None
        return message


class FairWebSocketHandler(WebSocketHandler):  # type: ignore[misc]
    """Upgrades requests to `FairWebSocket`s and remembers them in the `open_websockets` of the server."""

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
