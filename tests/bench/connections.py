"""Socket.IO clients by the thousand: raw sockets, one thread, one selector.

A connection goes through the states of `State`, from the request to upgrade it to the answer of Socket.IO; after that
its `on_packet` gets whatever is not a matter of the protocol. Pings are answered. Whatever ends a connection that did
not want to end is a `LoadError` of the next `step`: no run goes on with fewer clients than it says.

Reading a document costs a client more than sending it costs some servers. So a connection that was told to
`stop_reading` tells documents from pings by their size and notes when they came, without looking into them.
"""

import base64
import os
import selectors
import socket
import ssl
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any, Final, TypeVar

from tests.bench.frames import (
    CLOSE,
    COMPRESSED,
    CONTINUATION,
    FIN,
    OPCODE,
    PING,
    PONG,
    TAIL,
    FrameSplitter,
    event_frame,
    masked_frame,
)

RECEIVE_BYTES: Final = 1 << 18
SEND_BUFFER_BYTES: Final = 1 << 16
TURN_BYTES: Final = 1 << 16
"""What one connection sends before all others get a turn."""

LOOK_S: Final = 0.05
"""How often a condition is looked at when nothing happens."""

MEANWHILE_S: Final = 120
"""How long something may take that is done beside the load."""

Found = TypeVar("Found")

DOCUMENT: Final = b'42["match_data"'
ENGINE_PING: Final = b"2"
SMALLEST_DOCUMENT: Final = 100
"""Bytes of a compressed one, which is never that small; a ping is never that large."""

OFFER: Final = "permessage-deflate; client_max_window_bits"
"""What browsers offer, and the library of the real clients on Node."""

EXTENSION: Final = b"permessage-deflate"


class LoadError(Exception):
    """A run could not be completed; the text says what went wrong."""


class State(Enum):
    UPGRADING = "waiting for the WebSocket"
    OPENING = "waiting for Engine.IO"
    JOINING = "waiting for Socket.IO"
    READY = "ready"
    CLOSED = "closed"


class Loop:
    """Waits for all connections at once."""

    def __init__(self, *, compression: bool, tls: ssl.SSLContext | None = None) -> None:
        """
        Args:
            compression: Offer compression, and insist on getting it.
            tls: Made by `tls_context`; connections then shake hands before anything else, which holds up the others.
        """
        self.compression = compression
        self.tls = tls
        self.faults: list[str] = []
        self.pings = 0
        self._selector = selectors.DefaultSelector()

    def step(self, timeout_s: float) -> None:
        """Do what can be done; wait for it at most `timeout_s`.

        Raises:
            LoadError: A connection ended that should not have.
        """
        for key, events in self._selector.select(max(0.0, timeout_s)):
            connection: Connection = key.data
            if events & selectors.EVENT_READ:
                connection.read()
            if events & selectors.EVENT_WRITE:
                connection.write()
        if self.faults:
            raise LoadError(f"{self.faults[0]} ({len(self.faults)} like this)")

    def run_until(self, is_done: Callable[[], bool], what: str, *, within_s: float = 60) -> None:
        """Step until `is_done`.

        Raises:
            LoadError: It does not come true in time.
        """
        deadline = time.perf_counter() + within_s
        while not is_done():
            if time.perf_counter() > deadline:
                raise LoadError(f"not within {within_s:.0f} s: {what}")
            self.step(LOOK_S)

    def run_for(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.step(min(left, LOOK_S))

    def meanwhile(self, work: Callable[[], Found]) -> Found:
        """Return what `work` returns, which waits for the server: it is done in a thread, and pings are answered.

        Raises:
            LoadError: It does not end.
        """
        with ThreadPoolExecutor(1) as executor:
            doing = executor.submit(work)
            self.run_until(doing.done, "what is done meanwhile has ended", within_s=MEANWHILE_S)
            return doing.result()

    def register(self, connection: "Connection", events: int) -> None:
        self._selector.register(connection.socket, events, connection)

    def change(self, connection: "Connection", events: int) -> None:
        self._selector.modify(connection.socket, events, connection)

    def unregister(self, connection: "Connection") -> None:
        self._selector.unregister(connection.socket)

    def close(self) -> None:
        """Close all connections."""
        for connection in [key.data for key in self._selector.get_map().values()]:
            connection.close()
        self._selector.close()


class _TlsSocket(ssl.SSLSocket):
    """A TLS connection that says like a plain one that there is nothing, and gives out at once what it has."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        received: list[bytes] = []
        try:
            while data := super().recv(buflen, flags):
                received.append(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if not received:
                raise BlockingIOError from None
        return b"".join(received)

    def send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None


def tls_context() -> ssl.SSLContext:
    """Return a context for a `Loop` that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.sslsocket_class = _TlsSocket
    return context


OnPacket = Callable[["Connection", bytes, float], None]
"""Is given a Socket.IO packet, and when it came."""


class Connection:
    """One client."""

    def __init__(self, loop: Loop, port: int, *, on_ready: Callable[["Connection"], None]) -> None:
        """
        Args:
            on_ready: Is called when events can be sent.
        """
        self.state = State.UPGRADING
        self.began_at = time.perf_counter()
        self.on_packet: OnPacket | None = None
        self.arrivals: list[float] = []
        """When documents came."""
        self.received_bytes = 0
        self._loop = loop
        self._on_ready = on_ready
        self._reads = True
        self._splitter = FrameSplitter()
        self._head = b""
        self._fragments: list[bytes] = []
        self._first = 0
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._queue: deque[memoryview] = deque()
        self._is_half_sent = False
        self._waits_to_write = True
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if loop.tls is not None:
            self.socket.connect(("127.0.0.1", port))
            self.socket = loop.tls.wrap_socket(self.socket)
        self.socket.setblocking(False)
        if loop.tls is None:
            self.socket.connect_ex(("127.0.0.1", port))
        self._queue.append(memoryview(_upgrade_request(port, compression=loop.compression)))
        loop.register(self, selectors.EVENT_READ | selectors.EVENT_WRITE)

    # --- sending

    def emit(self, name: str, message: object) -> None:
        self.send(event_frame(name, message, compression=self._loop.compression))

    def send(self, frame: bytes) -> None:
        """Send a frame, now if possible."""
        self._queue.append(memoryview(frame))
        if not self._waits_to_write:
            self.write()

    def feed(self, chunks: Iterable[bytes]) -> None:
        """Send much, as fast as it is taken and in turn with other connections."""
        self._queue.extend(map(memoryview, chunks))
        self._wait_to_write(bool(self._queue))

    @property
    def is_open(self) -> bool:
        return self.state is not State.CLOSED

    def write(self) -> None:
        if self.state is State.CLOSED:
            return
        left = TURN_BYTES
        queue = self._queue
        try:
            while queue and left > 0:
                sent = self.socket.send(queue[0])
                left -= sent
                self._is_half_sent = sent < len(queue[0])
                if self._is_half_sent:
                    queue[0] = queue[0][sent:]
                else:
                    queue.popleft()
        except BlockingIOError:
            self._is_half_sent = True  # TLS has to be offered the same again
        except OSError as error:
            self._fail(f"cannot send: {error}")
            return
        self._wait_to_write(bool(queue))

    def _wait_to_write(self, waits: bool) -> None:
        if waits != self._waits_to_write and self.state is not State.CLOSED:
            self._waits_to_write = waits
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if waits else 0)
            self._loop.change(self, events)

    def _answer(self, frame: bytes) -> None:
        """Send what must not wait behind everything else."""
        self._queue.insert(1 if self._is_half_sent else 0, memoryview(frame))
        if not self._waits_to_write:
            self.write()

    # --- receiving

    def stop_reading(self) -> None:
        """Look into nothing that is compressed any more. There is no way back: later messages build on earlier ones."""
        self._reads = False

    def read(self) -> None:
        if self.state is State.CLOSED:
            return
        at = time.perf_counter()
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(f"cannot receive: {error}")
            return
        if not data:
            self._fail("the server hung up")
            return
        self.received_bytes += len(data)
        if self.state is State.UPGRADING:
            data = self._take_head(data)
        for first, payload in self._splitter.split(data):
            self._take_frame(first, payload, at)
            if not self.is_open:
                return

    def _take_head(self, data: bytes) -> bytes:
        """Take in the answer to the request; return what is behind it."""
        head, end, rest = (self._head + data).partition(b"\r\n\r\n")
        if not end:
            self._head = head
            return b""
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self._fail(f"no WebSocket: {head[:100]!r}")
        elif self._loop.compression != (EXTENSION in head):
            self._fail("the server declines compression")
        else:
            self.state = State.OPENING
        return rest

    def _take_frame(self, first: int, payload: bytes, at: float) -> None:
        opcode = first & OPCODE
        if opcode == PING:
            self._answer(masked_frame(payload, PONG))
        elif opcode == CLOSE:
            self._fail(f"the server closes it: {payload!r}")
        elif opcode != PONG:
            if opcode != CONTINUATION:
                self._first = first
            if self._fragments or not first & FIN:
                self._fragments.append(payload)
                if not first & FIN:
                    return
                payload, self._fragments = b"".join(self._fragments), []
            if not self._first & COMPRESSED:
                self._take_packet(payload, at)
            elif self._reads:
                self._take_packet(self._inflater.decompress(payload + TAIL), at)
            else:
                self._guess_packet(len(payload), at)

    def _take_packet(self, packet: bytes, at: float) -> None:
        if packet == ENGINE_PING:
            self._loop.pings += 1
            self._answer(masked_frame(b"3"))
        elif self.state is State.READY:
            if packet[:2] in (b"41", b"1"):
                self._fail("the server disconnects it")
                return
            if packet.startswith(DOCUMENT):
                self.arrivals.append(at)
            if self.on_packet is not None:
                self.on_packet(self, packet, at)
        elif self.state is State.OPENING and packet.startswith(b"0"):
            self.state = State.JOINING
            self.send(masked_frame(b"40"))
        elif self.state is State.JOINING and packet.startswith(b"40"):
            self.state = State.READY
            self._on_ready(self)
        else:
            self._fail(f"unexpected: {packet[:100]!r}")

    def _guess_packet(self, size: int, at: float) -> None:
        if size < SMALLEST_DOCUMENT:
            self._take_packet(ENGINE_PING, at)
        else:
            self.arrivals.append(at)

    # --- ending

    def _fail(self, why: str) -> None:
        self._loop.faults.append(f"a connection that was {self.state.value}: {why}")
        self.close()

    def close(self) -> None:
        if self.state is not State.CLOSED:
            self._loop.unregister(self)
            self.socket.close()
            self.state = State.CLOSED


def _upgrade_request(port: int, *, compression: bool) -> bytes:
    lines = [
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Extensions: {OFFER}"] if compression else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode()
