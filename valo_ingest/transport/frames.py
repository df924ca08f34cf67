"""WebSocket frames of clients: from bytes to messages, without a socket (RFC 6455, section 5).

Theory of operation
-------------------
`FrameReader.feed` takes what a socket had, whatever that was; `FrameReader.next` returns what comes next in it: a
message, a ping or a close, or None when more bytes are needed. All complete frames of one `feed` are served from one
buffer, of which nothing is copied but the payloads.

A frame is judged by its header, before its payload is waited for: nobody makes this hold more than `limit` bytes of a
message, in whatever number of fragments it comes, and an inflated one is measured while it is inflated. What has come
of an unfinished frame lies in a bytearray: a client that sends it byte by byte costs no more than one that does not.

Every frame is `work`, whatever is in it, and so is what had to be inflated: whoever reads a client's frames can tell by
that how much of its time the client took, and not only by the messages that came of it.

What breaks a rule of the protocol is a `Violation`. After one of those the reader is of no more use.
"""

import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from geventwebsocket.exceptions import ProtocolError

FIN: Final = 0x80
COMPRESSED: Final = 0x40
"""The first reserved bit, as RFC 7692 uses it."""

OTHER_RESERVED_BITS: Final = 0x30
OPCODE: Final = 0x0F
CONTROL: Final = 0x08
"""Set in the opcodes of control frames."""

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

WHOLE_TEXT: Final = FIN | TEXT
"""How nearly every frame begins: a text in one piece, not compressed."""

MASKED: Final = 0x80
SHORT_LENGTH: Final = 125
LENGTH_16: Final = 126
LENGTH_64: Final = 127

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_BROKEN: Final = 1002
NOT_CONSISTENT: Final = 1007
TOO_LARGE: Final = 1009
"""Close codes of RFC 6455, 7.4.1."""

MAX_REASON_BYTES: Final = SHORT_LENGTH - 2

INFLATED_BYTES_PER_WORK: Final = 4_096
"""Inflating and reading so much costs about as much as an event does: 12 microseconds. A kilobyte that comes can become
a megabyte."""

_LENGTH_16: Final = struct.Struct("!BBH")
_LENGTH_64: Final = struct.Struct("!BBQ")
_int = int.from_bytes


class Violation(ProtocolError):  # type: ignore[misc]
    """A client broke the protocol; `code` is the close code that tells it so."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Ping(NamedTuple):
    """To be answered with the same payload."""

    payload: bytes


class Close(NamedTuple):
    """The client says good-bye, perhaps with a code."""

    code: int | None
    reason: bytes


class Silence(NamedTuple):
    """There was a frame that is for nobody, or is not all of a message yet."""


SILENCE: Final = Silence()

Item = str | bytes | Ping | Close | Silence


class Inflates(Protocol):
    """What the reader needs of compression."""

    def inflate(self, payload: bytes) -> bytes:
        """Return the message; raises Violation."""


def unmask_by_numbers(payload: bytes, key: bytes) -> bytes:
    """Return `payload` with `key` (4 bytes) taken off: as two big numbers, which is fast for Python."""
    size = len(payload)
    stream = (key * ((size >> 2) + 1))[:size]
    return (_int(payload, "little") ^ _int(stream, "little")).to_bytes(size, "little")


def _fastest_unmask() -> Callable[[bytes, bytes], bytes]:
    try:
        from websockets.speedups import apply_mask
    except ImportError:  # where the library was built without its C part
        return unmask_by_numbers
    return apply_mask


unmask: Final = _fastest_unmask()
"""Return a payload with its key taken off: 0.1 microseconds for 450 bytes in C, 1.7 without."""


def frame(first: int, payload: bytes) -> bytes:
    """Return a frame of the server: `first` is its first byte. Servers do not mask."""
    size = len(payload)
    if size <= SHORT_LENGTH:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return _LENGTH_16.pack(first, LENGTH_16, size) + payload
    return _LENGTH_64.pack(first, LENGTH_64, size) + payload


def close_frame(code: int | None, reason: bytes = b"") -> bytes:
    """Return a close frame; without a code it says nothing."""
    payload = b"" if code is None else code.to_bytes(2, "big") + reason[:MAX_REASON_BYTES]
    return frame(FIN | CLOSE, payload)


class FrameReader:
    """Reads the frames of one client."""

    __slots__ = (
        "_buffer",
        "_compressed",
        "_fragments",
        "_inflater",
        "_limit",
        "_opcode",
        "_partial",
        "_position",
        "_wanted",
        "work",
    )

    def __init__(self, *, limit: int, inflater: Inflates | None = None) -> None:
        """
        Args:
            limit: Bytes that a message may have, both as it comes and inflated.
            inflater: Inflates compressed messages; without one they are a violation.
        """
        self._limit = limit
        self._inflater = inflater
        self._buffer = b""
        self._position = 0
        self._partial: bytearray | None = None
        """The beginning of something of which `_wanted` bytes are needed."""
        self._wanted = 0
        self._opcode = 0
        """Of the message whose fragments are being collected; 0 if there is none."""
        self._compressed = False
        self._fragments = bytearray()
        self.work = 0
        """How much there was to do since somebody set this to 0: frames, and what was inflated."""

    def feed(self, data: bytes) -> None:
        """Take in the next bytes. Everything before them must have been read: `next` has returned None."""
        partial = self._partial
        if partial is not None:
            partial += data
            if len(partial) < self._wanted:
                return
            self._partial = None
            data = bytes(partial)
        self._buffer = data
        self._position = 0

    def next(self) -> Item | None:
        """Return what the next frame brings; None if it has not come whole.

        Raises:
            Violation: The client broke the protocol.
        """
        buffer, start = self._buffer, self._position
        have = len(buffer) - start
        if have < 2:
            if self._partial is None:
                self._need(2)
            return None
        first, length = buffer[start], buffer[start + 1] - MASKED
        room = self._limit if first == WHOLE_TEXT and not self._opcode else self._judge(first, length)
        if length < 0:
            raise Violation(PROTOCOL_BROKEN, "a frame without a mask")
        if length <= SHORT_LENGTH:
            body = start + 6
        elif length == LENGTH_16:
            if have < 4:
                self._need(4)
                return None
            length = buffer[start + 2] << 8 | buffer[start + 3]
            body = start + 8
            if length <= SHORT_LENGTH:
                raise Violation(PROTOCOL_BROKEN, "a length that is longer than it need be")
        else:
            if have < 10:
                self._need(10)
                return None
            length = _int(buffer[start + 2 : start + 10], "big")
            body = start + 14
            if length < 1 << 16 or length >= 1 << 63:
                raise Violation(PROTOCOL_BROKEN, "a length of eight bytes that may not be")
        if length > room:
            raise Violation(TOO_LARGE, f"a message of more than {self._limit} bytes")
        end = body + length
        if end - start > have:
            self._need(end - start)
            return None
        self._position = end
        self.work += 1
        payload = unmask(buffer[body:end], buffer[body - 4 : body])
        return _text(payload) if first == WHOLE_TEXT else self._accept(first, payload)

    def _need(self, count: int) -> None:
        """Have `feed` collect until there are `count` bytes of what comes next."""
        rest = self._buffer[self._position :]
        self._buffer, self._position = b"", 0
        self._partial = bytearray(rest) if rest else None
        self._wanted = count

    def _judge(self, first: int, length: int) -> int:
        """Return how long the payload of a frame may be that begins with `first` and has this short length."""
        opcode = first & OPCODE
        if first & OTHER_RESERVED_BITS:
            raise Violation(PROTOCOL_BROKEN, "a reserved bit is set")
        if opcode & CONTROL:
            if opcode > PONG:
                raise Violation(PROTOCOL_BROKEN, "a reserved opcode")
            if not first & FIN or length > SHORT_LENGTH or first & COMPRESSED:
                raise Violation(PROTOCOL_BROKEN, "a control frame that is long, compressed or in pieces")
            return SHORT_LENGTH
        if first & COMPRESSED and (opcode == CONTINUATION or self._inflater is None):
            raise Violation(PROTOCOL_BROKEN, "compressed where nothing may be")
        if opcode == CONTINUATION:
            if not self._opcode:
                raise Violation(PROTOCOL_BROKEN, "a continuation of nothing")
        elif opcode > BINARY:
            raise Violation(PROTOCOL_BROKEN, "a reserved opcode")
        elif self._opcode:
            raise Violation(PROTOCOL_BROKEN, "a message within another")
        return self._limit - len(self._fragments)

    def _accept(self, first: int, payload: bytes) -> Item:
        """Take in a frame whose header was judged; return what it completes."""
        opcode = first & OPCODE
        if opcode == PING:
            return Ping(payload)
        if opcode == CLOSE:
            return _read_close(payload)
        if opcode == PONG:
            return SILENCE
        if opcode != CONTINUATION:
            self._opcode, self._compressed = opcode, bool(first & COMPRESSED)
        if self._fragments or not first & FIN:
            self._fragments += payload
            if not first & FIN:
                return SILENCE
            payload, self._fragments = bytes(self._fragments), bytearray()
        opcode, self._opcode = self._opcode, 0
        if self._compressed and self._inflater is not None:
            payload = self._inflater.inflate(payload)
            self.work += len(payload) // INFLATED_BYTES_PER_WORK
        return payload if opcode == BINARY else _text(payload)


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Violation(NOT_CONSISTENT, "text that is not UTF-8") from None


def _read_close(payload: bytes) -> Close:
    if not payload:
        return Close(None, b"")
    if len(payload) == 1:
        raise Violation(PROTOCOL_BROKEN, "half a close code")
    code, reason = _int(payload[:2], "big"), payload[2:]
    if not is_close_code(code):
        raise Violation(PROTOCOL_BROKEN, "a close code that nobody may send")
    _text(reason)
    return Close(code, reason)


def is_close_code(code: Any) -> bool:
    """Tell whether `code` may be in a close frame: defined for that by RFC 6455 or registered, or somebody's own."""
    return code in (1000, 1001, 1002, 1003) or 1007 <= code <= 1014 or 3000 <= code <= 4999
