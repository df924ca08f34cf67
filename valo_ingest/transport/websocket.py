"""WebSockets for clients that are hasty, hostile or many: subclasses of gevent-websocket's public classes.

Theory of operation
-------------------
Two greenlets use a connection: the reader, in which its handlers run, and Engine.IO's writer. `FairWebSocketHandler`
makes a `FairWebSocket` of an upgraded request, and hands it what came behind the request head in the same packet.

Reading: `receive` passes what the socket had to a `FrameReader` (frames.py) and returns the messages in it one by one.
Every `MESSAGES_PER_TURN` of them all other connections get a turn, because a socket that always has data never yields
by itself. At the same time the rate is looked at: who sends more than agreed waits here, and the kernel makes its
client wait in turn. It cannot answer Engine.IO's pings meanwhile, as the answer is behind all the rest; that it sends
is answer enough, so one is put in its mouth (`ALIVE`).

Writing: a lock keeps the frames of both greenlets apart. A peer that takes nothing for `WRITE_TIMEOUT_S` is given up.
What is sent to a connection that has ended is dropped: its end is learned by reading, in one place.

Ending: `close` says why and gives the peer `CLOSE_TIMEOUT_S` to hang up; `abort` ends the connection at once, and also
wakes who waits for it. When it is the client that broke the protocol, what it still sends is thrown away for a moment:
closing a socket with unread data would destroy the close frame on its way. `sweep` finds peers that died silently.
"""

import binascii
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Final

import gevent
from gevent import socket
from gevent.lock import BoundedSemaphore
from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.websocket import WebSocket

from valo_ingest.transport.deflate import (
    THRESHOLD,
    Agreement,
    Deflater,
    Inflater,
    SharedFrames,
    negotiate,
)
from valo_ingest.transport.frames import (
    BINARY,
    COMPRESSED,
    FIN,
    GOING_AWAY,
    NORMAL,
    NOT_CONSISTENT,
    PONG,
    PROTOCOL_BROKEN,
    TEXT,
    TOO_LARGE,
    FrameReader,
    Ping,
    Violation,
    close_frame,
    frame,
)
from valo_ingest.transport.limits import Bucket
from valo_ingest.transport.packets import EMPTY_MESSAGE, is_engine_packet

MESSAGES_PER_TURN: Final = 32

HIGHEST_PRIORITY: Final = 2
"""Of libev. Waiting for an idle loop at this priority is waiting until every socket has been looked at, once. Sleeping
for 0 s is not: gevent goes on with up to 50 greenlets that slept so before it looks at sockets again."""

MAX_TEXT_BYTES: Final = 1 << 20
"""1 MB, of what a client means to say."""

ENVELOPE_BYTES: Final = 64 << 10
"""Room for what is put around it: JSON escapes, the names of Socket.IO and of the message. Text of 1 MB is refused for
its size as a message, which does not end the connection; only what is larger still does."""

MAX_MESSAGE_BYTES: Final = MAX_TEXT_BYTES + ENVELOPE_BYTES
"""A message of clients, as it comes and inflated."""

RECEIVE_BYTES: Final = 65_536

DEADLINE_S: Final = 10.0
WRITE_TIMEOUT_S: Final = 30.0
CLOSE_WRITE_TIMEOUT_S: Final = 1.0
CLOSE_TIMEOUT_S: Final = 5.0

LINGER_S: Final = 2.0
LINGER_QUIET_S: Final = 0.25
"""A client that has been silent for this long will not lose the close frame any more."""

ALIVE: Final = "3"
"""Engine.IO's answer to a ping."""

ALIVE_EVERY_S: Final = 1.0

VIOLATIONS: Final = {
    PROTOCOL_BROKEN: "websocket_protocol",
    NOT_CONSISTENT: "websocket_content",
    TOO_LARGE: "websocket_size",
}
"""Under which words broken rules are counted."""

PEER_GONE: Final = (OSError, ValueError)
"""What a socket raises that is dead, or was closed under its reader; TLS says it with a ValueError."""


def _ignore(address: str, code: str, text: str) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all WebSockets of a listener are given."""

    refuse: Callable[[str, str, str], None] = _ignore
    """Is told the address, a word that is counted, and what happened."""
    max_message_bytes: int = MAX_MESSAGE_BYTES
    max_events_per_s: int = 0
    """0: as many as the client likes."""
    burst_events: int = 0
    deadline_s: float = DEADLINE_S
    """For whatever a client owes before it is logged on."""
    write_timeout_s: float = WRITE_TIMEOUT_S
    keep_context: bool = False
    """Whether compression may keep a context between messages."""
    frames: SharedFrames = field(default_factory=SharedFrames)


class FairWebSocket(WebSocket):  # type: ignore[misc]
    """A WebSocket that lets others have a turn and passes on nothing that Engine.IO cannot read."""

    closed: bool

    def __init__(
        self,
        environ: dict[str, Any],
        stream: Any,
        handler: Any,
        *,
        terms: Terms,
        agreement: Agreement | None = None,
        received: bytes = b"",
    ) -> None:
        """
        Args:
            agreement: How messages are compressed; None if they are not.
            received: What came behind the request head.
        """
        super().__init__(environ, stream, handler)
        self._socket: socket.socket = handler.socket
        self._is_plain = type(self._socket) is socket.socket
        self.address: str = handler.client_address[0] if handler.client_address else ""
        self._terms = terms
        self._lock = BoundedSemaphore(1)
        self._turn = 0
        self._spoke_at = 0.0
        self._closing: Any = None
        self._bits = None if agreement is None else agreement.server_bits
        keeps = agreement is not None and not agreement.server_no_context
        self._deflater = Deflater(agreement) if agreement is not None and keeps else None
        inflater = None if agreement is None else Inflater(agreement, terms.max_message_bytes)
        self._reader = FrameReader(limit=terms.max_message_bytes, inflater=inflater)
        if received:
            self._reader.feed(received)
        self._bucket = (
            Bucket(terms.max_events_per_s, terms.burst_events, time.monotonic())
            if terms.max_events_per_s
            else None
        )
        self.heard = True
        """Whether the peer has sent anything since this was last set to False."""

    # --- reading

    def receive(self) -> str | bytes | None:
        """Return the next message; None when the connection has ended."""
        try:
            return self._receive()
        except Violation as error:
            self._terms.refuse(self.address, VIOLATIONS[error.code], str(error))
            if not self.closed:
                self.close(error.code, str(error))
                self._linger()
        except PEER_GONE:
            self.abort()
        return None

    def _receive(self) -> str | bytes | None:
        reader = self._reader
        while not self.closed:
            if self._turn >= MESSAGES_PER_TURN and self._take_turn():
                return ALIVE
            item = reader.next()
            if item is None:
                data = self._socket.recv(RECEIVE_BYTES)
                if not data:
                    self.abort()
                    break
                self.heard = True
                reader.feed(data)
                if len(data) == RECEIVE_BYTES:  # there is more, and there may always be
                    gevent.idle(HIGHEST_PRIORITY)
                continue
            self._turn += 1
            if isinstance(item, str):
                return item if is_engine_packet(item) else EMPTY_MESSAGE
            if isinstance(item, bytes):
                return item
            if isinstance(item, Ping):
                self._write(frame(FIN | PONG, item.payload))
            else:
                self._finish(close_frame(item.code, item.reason))
        return None

    def _take_turn(self) -> bool:
        """Let others have a turn, and have this one wait that sends too fast; tell whether to say that it is alive."""
        messages, self._turn = self._turn, 0
        now = time.monotonic()
        wait = 0.0 if self._bucket is None else self._bucket.take(messages, now)
        if wait:
            gevent.sleep(wait)
        else:
            gevent.idle(HIGHEST_PRIORITY)
        if not wait or now - self._spoke_at < ALIVE_EVERY_S:
            return False
        self._spoke_at = now
        self._terms.refuse(self.address, "events_slowed_down", "it has to wait, as it sends too fast")
        return True

    def _linger(self) -> None:
        """Throw away what still comes, until nothing does."""
        deadline = time.monotonic() + LINGER_S
        try:
            while time.monotonic() < deadline:
                with gevent.Timeout(LINGER_QUIET_S, TimeoutError()):
                    if not self._socket.recv(RECEIVE_BYTES):
                        return
                gevent.idle(HIGHEST_PRIORITY)
        except PEER_GONE:
            return

    # --- writing

    def send(self, message: str | bytes, binary: bool | None = None) -> None:
        """Send a message: text as text, bytes as binary. A connection that has ended is sent nothing.

        Args:
            binary: Send text as binary.
        """
        content = message.encode() if binary and isinstance(message, str) else message
        with self._lock:
            if not self.closed:
                self._send_all(self._frame_of(content), self._terms.write_timeout_s)

    def _frame_of(self, content: str | bytes) -> bytes:
        if self._deflater is None:
            return self._terms.frames.of(content, self._bits)
        opcode, data = (TEXT, content.encode()) if isinstance(content, str) else (BINARY, content)
        if len(data) < THRESHOLD:
            return frame(FIN | opcode, data)
        return frame(FIN | COMPRESSED | opcode, self._deflater.deflate(data))

    def send_frame(self, message: str | bytes, opcode: int) -> None:
        """Send a frame as it is."""
        self._write(frame(FIN | opcode, message.encode() if isinstance(message, str) else message))

    def _write(self, content: bytes) -> None:
        with self._lock:
            if not self.closed:
                self._send_all(content, self._terms.write_timeout_s)

    def _send_all(self, content: bytes, timeout_s: float) -> None:
        """Send `content` within this time, or give the peer up."""
        try:
            try:
                # Nearly always the kernel takes all of it, and no timer is needed. (TLS waits where this does not.)
                sent = self._socket.send(content, 0, 0.0) if self._is_plain else 0
            except BlockingIOError:
                sent = 0
            if sent < len(content):
                with gevent.Timeout(timeout_s, TimeoutError()):
                    self._socket.sendall(memoryview(content)[sent:])
        except TimeoutError:
            self._terms.refuse(self.address, "stuck_peer", f"it took nothing for {timeout_s:.0f} s")
            self.abort()
        except PEER_GONE:
            self.abort()

    # --- ending

    def close(self, code: int = NORMAL, message: str | bytes = b"") -> None:
        """Tell the peer why, and expect it to hang up soon."""
        reason = message.encode() if isinstance(message, str) else bytes(message or b"")
        self._finish(close_frame(code, reason))

    def _finish(self, content: bytes) -> None:
        """Send a close frame, unless there was one."""
        if self.closed:
            return
        if not self._lock.acquire(timeout=CLOSE_WRITE_TIMEOUT_S):
            self.abort()  # something else is stuck half-way: no frame can follow it
            return
        try:
            if self.closed:
                return
            self.closed = True
            self._send_all(content, CLOSE_WRITE_TIMEOUT_S)
        finally:
            self._lock.release()
        self._closing = gevent.spawn_later(CLOSE_TIMEOUT_S, self.abort)

    def abort(self) -> None:
        """End the connection at once, also under a greenlet that waits for it."""
        self.closed = True
        with suppress(OSError):
            # That of TLS would shut down only what is above TCP.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def forget(self) -> None:
        """Nobody uses it any more, and its socket is being closed."""
        self.closed = True
        if self._closing is not None:
            self._closing.kill(block=False)


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

    The server has to have `terms` as well.
    """

    _agreement: Agreement | None = None

    def read_request(self, raw_requestline: str) -> Any:
        try:
            return super().read_request(raw_requestline)
        except HTTPException as error:  # too many headers
            raise ValueError(str(error)) from None  # which the parent takes for a client's fault

    def upgrade_websocket(self) -> Any:
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
        """Return what was read ahead of the request head, without waiting for more."""
        before = self.socket.gettimeout()
        self.socket.settimeout(0.0)
        try:
            count = len(self.rfile.peek(1))
            return self.rfile.read(count) if count else b""
        except OSError:  # nothing there
            return b""
        finally:
            self.socket.settimeout(before)
