"""A cable that loses messages: it reads the WebSocket frames of clients, and swallows some of them."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

CHUNK: Final = 65_536
HEAD_END: Final = b"\r\n\r\n"

Swallows = Callable[[bytes], bool]
"""Tells of the payload of a frame whether it is lost."""


class SwallowingProxy:
    """Listens on this machine and carries everything on to a server, except what `swallows` takes."""

    def __init__(self, server_port: int, swallows: Swallows) -> None:
        self._server_port = server_port
        self._swallows = swallows
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those that are open end with their clients."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                threading.Thread(target=self._carry_up, args=(client, server), daemon=True).start()
                threading.Thread(target=_carry, args=(server, client), daemon=True).start()

    def _carry_up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            head = _read_head(client)
            server.sendall(head)
            if b"upgrade: websocket" not in head.lower():
                _carry(client, server)
                return
            for frame, payload in _frames(client):
                if not self._swallows(payload):
                    server.sendall(frame)
        _end(server)


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    _end(target)


def _end(target: socket.socket) -> None:
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _read_head(client: socket.socket) -> bytes:
    """Return the first request up to its empty line, and no more of it: a client waits for the answer then."""
    head = b""
    while HEAD_END not in head and (chunk := client.recv(CHUNK)):
        head += chunk
    return head


def _frames(client: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """Yield each frame as it came, and its payload without the mask."""
    with client.makefile("rb") as stream:
        while len(head := stream.read(2)) == 2:
            size = head[1] & 0x7F
            longer = stream.read({126: 2, 127: 8}.get(size, 0))
            if longer:
                size = int.from_bytes(longer, "big")
            mask = stream.read(4)
            masked = stream.read(size)
            key = (mask * (size // 4 + 1))[:size]
            payload = (int.from_bytes(masked, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
            yield head + longer + mask + masked, payload
