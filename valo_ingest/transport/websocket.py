"""WebSockets for clients that are hasty, hostile or many: a subclass of gevent-websocket's public class.

Theory of operation
-------------------
Two greenlets use a connection: the reader, in which its handlers run, and Engine.IO's writer. `FairWebSocketHandler`
(upgrades.py) makes a `FairWebSocket` of an upgraded request, and hands it what came behind the request head.

Reading: `receive` passes what the socket had to a `FrameReader` (frames.py) and returns the messages in it one by one.
Every `WORK_PER_TURN` frames all other connections get a turn, because a socket that always has data never yields by
itself. At the same time the rate is looked at: who sends more than agreed waits here, and the kernel makes its
client wait in turn. It cannot answer Engine.IO's pings meanwhile, as the answer is behind all the rest; that it sends
is answer enough, so one is put in its mouth (`ALIVE`).

Writing: a lock keeps the frames of both greenlets apart. A peer that takes nothing for `WRITE_TIMEOUT_S` is given up.
What is sent to a connection that has ended is dropped: its end is learned by reading, in one place. `offer` writes past
Engine.IO's writer, without a queue and a switch of greenlets, where nothing else is being written.

Ending: `close` says why and gives the peer `CLOSE_TIMEOUT_S` to hang up; `abort` ends the connection at once, and also
wakes who waits for it. When it is the client that broke the protocol, what it still sends is thrown away for a moment:
closing a socket with unread data would destroy the close frame on its way. `retire` closes it for a stop: what the
client had sent before it heard of that is still received, up to its answer. `sweep` finds peers that died silently.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import gevent
from gevent import socket
from gevent.lock import BoundedSemaphore
from geventwebsocket.websocket import WebSocket

from valo_ingest.transport.deflate import (
    THRESHOLD,
    Agreement,
    Broadcast,
    Deflater,
    Inflater,
    SharedFrames,
)
from valo_ingest.transport.frames import (
    BINARY,
    COMPRESSED,
    FIN,
    NORMAL,
    NOT_CONSISTENT,
    PONG,
    PROTOCOL_BROKEN,
    TEXT,
    TOO_LARGE,
    Close,
    FrameReader,
    Ping,
    Violation,
    close_frame,
    frame,
)
from valo_ingest.transport.limits import Bucket
from valo_ingest.transport.packets import EMPTY_MESSAGE, is_engine_packet

WORK_PER_TURN: Final = 64
"""Of a `FrameReader`: mostly, this is a number of messages."""

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

MESSAGE: Final = "4"
"""First character of an Engine.IO message."""

ALIVE: Final = "3"
"""Engine.IO's answer to a ping."""

ALIVE_EVERY_S: Final = 1.0

READ: Final = 1
"""Of libev: that a socket has bytes, or has ended."""

VIOLATIONS: Final = {
    PROTOCOL_BROKEN: "websocket_protocol",
    NOT_CONSISTENT: "websocket_content",
    TOO_LARGE: "websocket_size",
}
"""Under which words broken rules are counted."""

PEER_GONE: Final = (OSError, ValueError)
"""What a socket raises that is dead, or was closed under its reader; TLS says it with a ValueError."""


def _ignore(*what: str) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all WebSockets of a listener are given."""

    refuse: Callable[[str, str, str], None] = _ignore
    """Is told the address, a word that is counted, and what happened."""
    slow_down: Callable[[str], None] = _ignore
    """Is told the session of Engine.IO whose client has to wait, as it sends too fast."""
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
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(self._socket.fileno(), READ)
        self._is_drained = False
        """Whether the last bytes were all there were: looking for more before there are some is in vain. TLS may hold
        bytes back that no socket shows."""
        self.address: str = handler.client_address[0] if handler.client_address else ""
        self._terms = terms
        self._lock = BoundedSemaphore(1)
        self._spoke_at = 0.0
        self._closing: Any = None
        self._is_retiring = False
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
        self.session_id = ""
        """Of Engine.IO, where that is known."""
        self.heard = True
        """Whether the peer has sent anything since this was last set to False."""

    # --- reading

    def receive(self) -> str | bytes | None:
        """Return the next message; None when the connection has ended."""
        reader = self._reader
        broken: tuple[int, str] | None = None
        try:
            while not self.closed or self._is_retiring:
                if reader.work >= WORK_PER_TURN and self._take_turn():
                    return ALIVE
                item = reader.next()
                if item is None:
                    if not self._feed():
                        self.abort()
                        return None
                    continue
                if isinstance(item, str):
                    # Nearly all are messages, whose first character is enough.
                    return item if item[:1] == MESSAGE or is_engine_packet(item) else EMPTY_MESSAGE
                if isinstance(item, bytes):
                    return item
                if isinstance(item, Ping):
                    self._write(frame(FIN | PONG, item.payload))
                elif isinstance(item, Close):
                    self._is_retiring = False
                    self._finish(close_frame(item.code, item.reason))
        except Violation as error:
            broken = error.code, str(error)  # the error itself holds on to what was read and inflated
        except PEER_GONE:
            self.abort()
        if broken is not None:
            self._terms.refuse(self.address, VIOLATIONS[broken[0]], broken[1])
            if not self.closed:
                self.close(*broken)
                self._linger()
        return None

    def _feed(self) -> bool:
        """Wait for more bytes and give them to the reader; tell whether there were any."""
        if self._is_drained:
            self._hub.wait(self._readable)
        data = self._socket.recv(RECEIVE_BYTES)
        if not data:
            return False
        self.heard = True
        self._reader.feed(data)
        is_all = len(data) < RECEIVE_BYTES
        self._is_drained = is_all and self._is_plain
        if not is_all:  # there is more, and there may always be
            gevent.idle(HIGHEST_PRIORITY)
        return True

    def _take_turn(self) -> bool:
        """Let others have a turn, and have this one wait that sends too fast; tell whether to say that it is alive."""
        work, self._reader.work = self._reader.work, 0
        now = time.monotonic()
        wait = 0.0 if self._bucket is None else self._bucket.take(work, now)
        if wait:
            gevent.sleep(wait)
        else:
            gevent.idle(HIGHEST_PRIORITY)
        if not wait or now - self._spoke_at < ALIVE_EVERY_S:
            return False
        self._spoke_at = now
        self._terms.refuse(self.address, "events_slowed_down", "it has to wait, as it sends too fast")
        self._terms.slow_down(self.session_id)
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

    def offer(self, message: Broadcast) -> bool:
        """Begin to send `message`, if nothing else is being sent; tell whether that was so. Does not block.

        What the kernel does not take at once is sent by a greenlet of its own, and until then nothing more is taken.
        """
        if self.closed or self._lock.locked():
            return False
        content = message.frame(self._bits) if self._deflater is None else self._frame_of(message.text)
        try:
            sent = self._send_now(content)
        except PEER_GONE:
            self.abort()
            return True
        if sent < len(content):
            self._lock.acquire()  # it is free: nobody had a turn since it was looked at
            gevent.spawn(self._finish_offer, memoryview(content)[sent:])
        return True

    def _finish_offer(self, rest: memoryview) -> None:
        try:
            self._send_rest(rest, self._terms.write_timeout_s)
        finally:
            self._lock.release()

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
            sent = self._send_now(content)
        except PEER_GONE:
            self.abort()
            return
        if sent < len(content):
            self._send_rest(memoryview(content)[sent:], timeout_s)

    def _send_now(self, content: bytes) -> int:
        """Send what the kernel takes at once, which nearly always is all; return how much that was.

        TLS has to be offered all of it again when it does not take everything.
        """
        if self._is_plain:
            try:
                return int(self._socket.send(content, 0, 0.0))
            except BlockingIOError:
                return 0
        timeout = self._socket.gettimeout()
        self._socket.settimeout(0.0)
        try:
            return int(self._socket.send(content))  # 0 where the kernel takes nothing
        finally:
            self._socket.settimeout(timeout)

    def _send_rest(self, content: memoryview, timeout_s: float) -> None:
        try:
            with gevent.Timeout(timeout_s, TimeoutError()):
                self._socket.sendall(content)
        except TimeoutError:
            self._terms.refuse(
                self.address, "stuck_peer", f"it did not take a message within {timeout_s:.0f} s"
            )
            self.abort()
        except PEER_GONE:
            self.abort()

    # --- ending

    def close(self, code: int = NORMAL, message: str | bytes = b"") -> None:
        """Tell the peer why, and expect it to hang up soon."""
        reason = message.encode() if isinstance(message, str) else bytes(message or b"")
        self._finish(close_frame(code, reason))

    def retire(self, code: int) -> None:
        """Tell the peer that it has to go, and go on receiving what it had sent before it heard that."""
        self._is_retiring = not self.closed
        self.close(code)
        with suppress(OSError):
            # A client that has answered waits for the end of TCP, and loses what it sends until then.
            socket.socket.shutdown(self._socket, socket.SHUT_WR)

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
        self._is_retiring = False
        with suppress(OSError):
            # That of TLS would shut down only what is above TCP.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def forget(self) -> None:
        """Nobody uses it any more, and its socket is being closed."""
        self.closed = True
        self._readable.close()
        if self._closing is not None:
            self._closing.kill(block=False)
