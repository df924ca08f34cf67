"""The WebSocket as its clients see it: bytes to send, made before a clock starts, and frames out of what comes."""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

FIN: Final = 0x80
COMPRESSED: Final = 0x40
OPCODE: Final = 0x0F
CONTINUATION: Final = 0x0
TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

MASKED: Final = 0x80
SHORT_LENGTH: Final = 125
LENGTH_16: Final = 126
LENGTH_64: Final = 127

THRESHOLD: Final = 1_024
"""Bytes from which on the library of the real clients compresses a message."""

CLIENT_LEVEL: Final = 6
"""zlib's default, which real clients leave as it is."""

TAIL: Final = b"\x00\x00\xff\xff"
"""Ends a flushed stream; left off on the wire (RFC 7692, 7.2.1)."""

CHUNK_BYTES: Final = 16_384


def text_of(message: object) -> str:
    """Return `message` as JavaScript writes it: compact, and not escaped to ASCII."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def masked_frame(payload: bytes, opcode: int = TEXT, *, compression: bool = False) -> bytes:
    """Return a whole frame of a client. Equal payloads give equal frames, so that all servers get the same bytes."""
    first = FIN | opcode
    if compression and len(payload) >= THRESHOLD:
        payload, first = _deflate(payload), first | COMPRESSED
    size = len(payload)
    if size <= SHORT_LENGTH:
        head = bytes((first, MASKED | size))
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, MASKED | LENGTH_16, size)
    else:
        head = struct.pack("!BBQ", first, MASKED | LENGTH_64, size)
    key = zlib.crc32(payload).to_bytes(4, "big")
    return head + key + _mask(payload, key)


def _mask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def _deflate(payload: bytes) -> bytes:
    """Return `payload` compressed without context, which every peer reads, whatever was agreed on."""
    stream = zlib.compressobj(CLIENT_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


def event_frame(name: str, message: object, *, compression: bool) -> bytes:
    """Return the frame of a Socket.IO event whose argument is `message` as a JSON text."""
    packet = "42" + text_of([name, text_of(message)])
    return masked_frame(packet.encode(), compression=compression)


def in_chunks(frames: Iterable[bytes], size: int = CHUNK_BYTES) -> list[bytes]:
    """Join whole frames to chunks of at least `size` bytes, the last one excepted."""
    chunks: list[bytes] = []
    gathered: list[bytes] = []
    length = 0
    for frame in frames:
        gathered.append(frame)
        length += len(frame)
        if length >= size:
            chunks.append(b"".join(gathered))
            gathered, length = [], 0
    if gathered:
        chunks.append(b"".join(gathered))
    return chunks


class FrameSplitter:
    """Splits what a server sends into frames."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def split(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the first byte and the payload of each frame that is complete with `data`."""
        data = self._rest + data if self._rest else data
        start, size = 0, len(data)
        while size - start >= 2:
            length, body = data[start + 1], start + 2
            if length == LENGTH_16:
                body += 2
            elif length == LENGTH_64:
                body += 8
            if body > size:
                break
            if length > SHORT_LENGTH:
                length = int.from_bytes(data[start + 2 : body], "big")
            if body + length > size:
                break
            yield data[start], data[body : body + length]
            start = body + length
        self._rest = data[start:]


def argument_of(packet: bytes) -> Any:
    """Return the JSON value of the argument of an event: the first one, a JSON text in a JSON list."""
    return json.loads(json.loads(packet[2:])[1])
