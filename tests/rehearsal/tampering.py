"""A proxy that has a hand in what clients send over WebSockets: it swallows events, or changes them."""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

CHUNK: Final = 65_536
HEAD_END: Final = b"\r\n\r\n"
TEXT: Final = 0x81
NO_MASK: Final = bytes(4)

EVENT: Final = re.compile(rb'42(\d*)(\["(?:obs|aux)_data".*)', re.DOTALL)
"""Data of a client, as Socket.IO packs it: with a number if the client wants an answer."""

Tamper = Callable[[bytes], bytes | None]
"""Returns what the server is given of a text message; None: nothing."""


def swallowing_every(count: int) -> tuple[Tamper, Callable[[], int]]:
    """Return what swallows every `count`th event, and how many it has swallowed."""
    lock = threading.Lock()
    seen = 0

    def tamper(text: bytes) -> bytes | None:
        nonlocal seen
        if not EVENT.fullmatch(text):
            return text
        with lock:
            seen += 1
            return None if seen % count == 0 else text

    return tamper, lambda: seen // count


def without_question(text: bytes) -> bytes:
    """Return an event so that the server does not know that it is to answer it: the original never does."""
    event = EVENT.fullmatch(text)
    return b"42" + event[2] if event else text


class TamperingProxy:
    """Carries connections on to a port, and passes what clients say over WebSockets through `tamper`."""

    def __init__(self, target_port: int, tamper: Tamper) -> None:
        self._target_port = target_port
        self._tamper = tamper
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target_port))
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._sockets.append(each)
                for carry in (self._carry_up, self._carry_down):
                    self._threads.append(threading.Thread(target=carry, args=(client, server), daemon=True))
                    self._threads[-1].start()

    def _carry_down(self, client: socket.socket, server: socket.socket) -> None:
        _carry(server, client)

    def _carry_up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            head = b""
            while HEAD_END not in head:
                chunk = client.recv(CHUNK)
                if not chunk:
                    return
                head += chunk
            server.sendall(head)
            if b"upgrade: websocket" in head.lower():
                self._carry_frames(client, server)
        _carry(client, server)

    def _carry_frames(self, client: socket.socket, server: socket.socket) -> None:
        stream = client.makefile("rb")
        while start := stream.read(2):
            length = start[1] & 0x7F
            if length >= 126:
                length = int.from_bytes(stream.read(2 if length == 126 else 8), "big")
            mask, masked = stream.read(4), stream.read(length)
            content: bytes | None = bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked))
            if start[0] == TEXT and content is not None:
                content = self._tamper(content)
            if content is not None:
                server.sendall(_frame(start[0], content))


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _frame(first: int, content: bytes) -> bytes:
    """Return a frame of a client whose mask changes nothing."""
    if len(content) < 126:
        return bytes([first, 0x80 | len(content)]) + NO_MASK + content
    if len(content) < 65_536:
        return bytes([first, 0x80 | 126]) + len(content).to_bytes(2, "big") + NO_MASK + content
    return bytes([first, 0x80 | 127]) + len(content).to_bytes(8, "big") + NO_MASK + content
