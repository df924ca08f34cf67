"""A cable between clients and a server that a test can cut, in all the ways in which cables are cut.

What went over it is kept, so that a test can look at what was really sent.
"""

import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

CHUNK: Final = 65_536

HEAD_END: Final = b"\r\n\r\n"
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)

COMPRESSED: Final = 0x40
TEXT_OPCODE: Final = 1
TEXT_OPCODES: Final = frozenset({0, 1})
EMPTY_BLOCK: Final = b"\x00\x00\xff\xff"
"""What RFC 7692 has left out at the end of a compressed message."""


class Link:
    """One TCP connection of a client, carried on to the server."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client, self._server = client, server
        self._lock = threading.Lock()
        self._is_silent = False
        self._is_ending = False
        self._directions = 2
        self._upstream, self._downstream = bytearray(), bytearray()
        self.server_has_closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._carry_up, daemon=True),
            threading.Thread(target=self._carry_down, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def upstream(self) -> bytes:
        """What the client sent and the server was given."""
        with self._lock:  # in which it is given, and noted: what has been answered is in it
            return bytes(self._upstream)

    @property
    def downstream(self) -> bytes:
        """What the server sent and the client was given."""
        with self._lock:
            return bytes(self._downstream)

    @property
    def is_open(self) -> bool:
        """Whether something is still carried, or somebody still believes so."""
        return any(thread.is_alive() for thread in self._threads)

    def end(self) -> None:
        """Close it cleanly: the client is told, and what it sends until it has heard arrives."""
        with self._lock:
            self._is_ending = True
            with suppress(OSError):
                self._client.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close it on both sides as a machine does that knows nothing of it (RST): what is on its way is lost."""
        with self._lock:
            self._is_silent = True
            for side in (self._client, self._server):
                with suppress(OSError):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                    side.shutdown(socket.SHUT_RD)  # ends the thread that waits for it
                    side.close()

    def abandon_server(self) -> None:
        """Close it on the client's side only: the server is told nothing, and what it sends is dropped."""
        with self._lock:
            self._is_silent = True
            with suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def silence(self) -> None:
        """Drop from now on what either side sends, and tell nobody."""
        with self._lock:
            self._is_silent = True

    def close(self) -> None:
        for side in (self._client, self._server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
        for thread in self._threads:
            thread.join()

    def _carry_up(self) -> None:
        with suppress(OSError):
            while chunk := self._client.recv(CHUNK):
                with self._lock:
                    if not self._is_silent:
                        self._server.sendall(chunk)
                        self._upstream += chunk
        self._finish(self._server)

    def _carry_down(self) -> None:
        with suppress(OSError):
            while chunk := self._server.recv(CHUNK):
                with self._lock:
                    if not self._is_silent and not self._is_ending:
                        self._client.sendall(chunk)
                        self._downstream += chunk
        self.server_has_closed.set()
        self._finish(self._client)

    def _finish(self, other: socket.socket) -> None:
        """One direction is over: pass that on, and give the sockets free if it was the last."""
        if not self._is_silent:
            with suppress(OSError):
                other.shutdown(socket.SHUT_WR)
        with self._lock:
            self._directions -= 1
            if not self._directions:
                self._client.close()
                self._server.close()


class Proxy:
    """Listens on a port of its own and carries every connection on to `target_port`."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._is_closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        # Accepted sockets inherit it.
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._listener.getsockname()[1]
        self.links: list[Link] = []
        self._linking = threading.Lock()
        """Held while a connection is let in, so that a cut misses none that is half in."""
        self.lets_in = True
        """Whether new connections are carried; otherwise they are closed at once."""
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Close all connections cleanly (FIN)."""
        with self._linking:
            for link in self.links:
                link.end()

    def reset(self) -> None:
        """Reset all connections (RST)."""
        with self._linking:
            for link in self.links:
                link.reset()

    def blackhole(self) -> None:
        """Let all connections go silent without closing them. New ones are carried."""
        with self._linking:
            for link in self.links:
                link.silence()

    def abandon_server(self) -> None:
        """Close all connections on the clients' side; the server has half-open ones then."""
        with self._linking:
            for link in self.links:
                link.abandon_server()

    def sent(self) -> list[str]:
        """Return all Engine.IO packets that clients sent over it, whatever the transport."""
        return [packet for link in self.links for packet in packets_of(link.upstream)]

    def close(self) -> None:
        self._is_closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends the thread that waits for it
        self._accepting.join()
        self._listener.close()
        for link in self.links:
            link.close()

    def _accept(self) -> None:
        while not self._is_closed:
            with suppress(OSError):
                client, _ = self._listener.accept()
                with self._linking:
                    try:
                        self.links.append(Link(client, self._connect()))
                    except OSError:
                        client.close()

    def _connect(self) -> socket.socket:
        if not self.lets_in:
            raise ConnectionRefusedError
        server = socket.create_connection(("127.0.0.1", self._target_port))
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return server


class Exchange:
    """A WebSocket that went over a cable: the heads of its request and its answer, and the frames so far."""

    def __init__(self, link: Link) -> None:
        self.request, _, self.sent = link.upstream.partition(HEAD_END)
        self.answer, _, self.got = link.downstream.partition(HEAD_END)

    @property
    def agreed(self) -> str:
        """The extensions that the server agreed to."""
        for line in self.answer.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "sec-websocket-extensions":
                return value.strip()
        return ""


def websockets(proxy: Proxy) -> list[Exchange]:
    """Return the WebSockets that a cable has carried, in their order."""
    return [found for found in map(Exchange, proxy.links) if b" 101 " in found.answer]


def lengths_of_texts(stream: bytes) -> tuple[list[int], list[int]]:
    """Return the lengths of all texts in the frames of either side: of those that are compressed, and of the others."""
    compressed: list[int] = []
    others: list[int] = []
    while len(stream) >= 2:
        first, second = stream[:2]
        length, start = second & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(stream[2:start], "big")
        start += 4 * (second >> 7)
        if first & 0x0F == TEXT_OPCODE:
            (compressed if first & COMPRESSED else others).append(length)
        stream = stream[start + length :]
    return compressed, others


def packets_of(stream: bytes) -> Iterator[str]:
    """Yield the Engine.IO packets in what a client sent over one connection: requests, and frames after an upgrade."""
    while HEAD_END in stream:
        head, stream = stream.split(HEAD_END, 1)
        _, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "upgrade" in headers.get("connection", "").lower():
            yield from _messages(stream)
            return
        length = int(headers.get("content-length", 0))
        if length:
            yield from stream[:length].decode().split("\x1e")
        stream = stream[length:]


def _messages(stream: bytes) -> Iterator[str]:
    """Yield the text messages in the frames of a client (RFC 6455), also those that are compressed."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    message, is_compressed = b"", False
    while len(stream) >= 6:
        first, second = stream[:2]
        length, start = second & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(stream[2:start], "big")
        mask, content = stream[start : start + 4], stream[start + 4 : start + 4 + length]
        stream = stream[start + 4 + length :]
        if first & 0x0F not in TEXT_OPCODES:
            continue
        key = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
        message += (int.from_bytes(content, "big") ^ key).to_bytes(length, "big")
        is_compressed = is_compressed or bool(first & COMPRESSED)
        if first & 0x80:
            if is_compressed:
                message = inflater.decompress(message + EMPTY_BLOCK)
            yield message.decode()
            message, is_compressed = b"", False
