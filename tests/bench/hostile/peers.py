"""Connections that do what no honest client does: each byte is the attacker's own affair."""

import asyncio
import base64
import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.connections import OFFER
from tests.bench.frames import OPCODE, FrameSplitter, event_frame, masked_frame

ANSWER_S: Final = 60.0
"""For an answer that is owed. Newcomers may have to wait in line; whoever waits longer than this was forgotten."""

ENDED_S: Final = 60.0
"""Within this time the server has to end what is over: its deadlines are 10 s, and a stuck peer has 30 s."""

READ_BYTES: Final = 1 << 16


class NotEnded(Exception):
    """The server should have ended a connection, and did not."""


@dataclass(frozen=True)
class Target:
    """The server that is attacked, and what attackers have found out about it."""

    ports: Mapping[str, int]
    """By side: ingest, output, extras."""
    is_tls: bool
    group_code: str
    match_id: str
    """Of the real match. No attacker should know it; these do."""


def unverified() -> ssl.SSLContext:
    """Return a context that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Attacker:
    """Somebody at an address, with as many connections as it likes."""

    def __init__(self, target: Target, address: str) -> None:
        self.target = target
        self.address = address
        self._context = unverified() if target.is_tls else None

    async def dial(self, side: str) -> "Peer":
        """Open a TCP connection and say nothing."""
        return await self._open(side, None)

    async def connect(self, side: str) -> "Peer":
        """Open a connection as a client of that side would, with TLS where the server has it."""
        return await self._open(side, self._context)

    async def _open(self, side: str, context: ssl.SSLContext | None) -> "Peer":
        options: dict[str, Any] = (
            {} if context is None else {"ssl": context, "ssl_handshake_timeout": ANSWER_S}
        )
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.target.ports[side], local_addr=(self.address, 0), **options
        )
        return Peer(reader, writer)

    async def upgrade(self, side: str, *, compression: bool = False) -> "Peer":
        """Open a WebSocket and say nothing."""
        peer = await self.connect(side)
        key = base64.b64encode(os.urandom(16)).decode()
        peer.send(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
            % key.encode()
            + (b"Sec-WebSocket-Extensions: %s\r\n\r\n" % OFFER.encode() if compression else b"\r\n")
        )
        await peer.read_head()
        return peer

    async def join(self, side: str, *, token: str | None = None, compression: bool = False) -> "Peer":
        """Connect to the namespace of Socket.IO, and log on to nothing."""
        peer = await self.upgrade(side, compression=compression)
        peer.send(masked_frame(b"40" if token is None else b'40{"pid":"%s"}' % token.encode()))
        await peer.hear(b"40")
        return peer

    async def request(self, side: str, content: bytes) -> bytes:
        """Send a whole request on a connection of its own; return the first line of the answer."""
        peer = await self.connect(side)
        try:
            peer.send(content)
            return await asyncio.wait_for(peer.reader.readline(), ANSWER_S)
        finally:
            peer.abort()


class Peer:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer
        self._splitter = FrameSplitter()
        self._heard: list[bytes] = []

    def send(self, content: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(content)

    async def drain(self) -> None:
        """Wait until the server takes more."""
        await self._writer.drain()

    def emit(self, name: str, message: object) -> None:
        self.send(event_frame(name, message, compression=False))

    async def read_head(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), ANSWER_S)

    async def hear(self, start: bytes) -> bytes:
        """Return the next packet that begins so. Pings are answered, and whatever else comes is thrown away."""
        async with asyncio.timeout(ANSWER_S):
            while True:
                while self._heard:
                    packet = self._heard.pop(0)
                    if packet.startswith(start):
                        return packet
                await self._read_packets()

    async def _read_packets(self) -> None:
        data = await self.reader.read(READ_BYTES)
        if not data:
            raise ConnectionResetError("the server hung up")
        for first, payload in self._splitter.split(data):
            if payload == b"2":
                self.send(masked_frame(b"3"))
            elif first & OPCODE == 1:
                self._heard.append(payload)

    async def stay(self, seconds: float) -> None:
        """Answer pings for so long, or until the server hangs up."""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(seconds):
                while True:
                    await self._read_packets()
                    self._heard.clear()

    def stop_reading(self) -> None:
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    async def wait_ended(self, within_s: float = ENDED_S) -> None:
        """Return when the server has ended the connection, whatever it says before.

        Raises:
            NotEnded: It did not.
        """
        try:
            async with asyncio.timeout(within_s):
                while await self.reader.read(READ_BYTES):
                    pass
        except ConnectionError:
            return
        except TimeoutError:
            raise NotEnded from None

    async def leave(self) -> None:
        """Hang up."""
        self._writer.close()
        with suppress(ConnectionError, ssl.SSLError, TimeoutError):
            await self._writer.wait_closed()

    def abort(self) -> None:
        """Go without a word."""
        self._writer.transport.abort()
