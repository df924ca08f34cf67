"""permessage-deflate: compressed WebSocket messages (RFC 7692).

Theory of operation
-------------------
`negotiate` reads what a client offers and returns what was agreed on. By default both sides are told to keep no
context from one message to the next. That costs a little size and buys two things: no idle connection holds a window
of zlib (44 kB to read, up to 192 kB to write), and a document is compressed once for all who get it (`Broadcast`,
and `SharedFrames` where it goes through Engine.IO).

Only messages of `THRESHOLD` bytes or more are compressed, as clients of this protocol do it. Where no context is kept,
ISA-L does it, in a third of the time that zlib takes and to a size that is 5 % larger. Where a machine has none, or a
context or another window is wanted, zlib does, with the level and memory level of the original server. What is inflated
is measured while it is inflated: a bomb costs no more than the limit.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from valo_ingest.transport.frames import (
    BINARY,
    COMPRESSED,
    FIN,
    NOT_CONSISTENT,
    TEXT,
    TOO_LARGE,
    Violation,
    frame,
)

try:
    from isal import isal_zlib
except ImportError:
    HAS_FAST_STREAMS = False
else:
    HAS_FAST_STREAMS = True
"""Whether there is a build of ISA-L for this machine."""

EXTENSION: Final = "permessage-deflate"

THRESHOLD: Final = 1_024
"""Bytes from which on a message is compressed."""

LEVEL: Final = 3
MEMORY_LEVEL: Final = 7
FAST_LEVEL: Final = 1
"""Of ISA-L: 27 microseconds for a document of 18 kB that takes zlib 95, and 3.8 kB instead of 3.6."""

MAX_WINDOW_BITS: Final = 15
MIN_WINDOW_BITS: Final = 8

ZLIB_MIN_WINDOW_BITS: Final = 9
"""zlib writes no raw stream with a window of 256 bytes, so a client that asks for one is not given compression."""

TAIL: Final = b"\x00\x00\xff\xff"
"""Ends every flushed stream. It is left off on the wire."""

AFTER_FINAL_BLOCK: Final = frozenset({b"", TAIL, b"\x00" + TAIL})
"""What may follow a block that says it is the last (RFC 7692, 7.2.3.4): an empty one."""

SERVER_NO_CONTEXT: Final = "server_no_context_takeover"
CLIENT_NO_CONTEXT: Final = "client_no_context_takeover"
SERVER_BITS: Final = "server_max_window_bits"
CLIENT_BITS: Final = "client_max_window_bits"

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER: Final = re.compile(rf'[ \t]*;[ \t]*({_TOKEN})(?:[ \t]*=[ \t]*(?:({_TOKEN})|"({_TOKEN})"))?')
_NAME: Final = re.compile(rf"[ \t]*({_TOKEN})")
_END: Final = re.compile(r"[ \t]*(?:,|$)")
_BITS: Final = re.compile(r"[89]|1[0-5]")

Parameters = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides of a connection keep to."""

    server_no_context: bool
    client_no_context: bool
    server_bits: int = MAX_WINDOW_BITS
    client_bits: int = MAX_WINDOW_BITS
    names_server_bits: bool = False
    """Whether the client set `server_bits`, which then has to be said again."""

    @property
    def header(self) -> str:
        """The answer to the client: a value of Sec-WebSocket-Extensions."""
        parts = [EXTENSION]
        if self.server_no_context:
            parts.append(SERVER_NO_CONTEXT)
        if self.client_no_context:
            parts.append(CLIENT_NO_CONTEXT)
        if self.names_server_bits:
            parts.append(f"{SERVER_BITS}={self.server_bits}")
        if self.client_bits < MAX_WINDOW_BITS:
            parts.append(f"{CLIENT_BITS}={self.client_bits}")
        return "; ".join(parts)


def negotiate(offers: str, *, keep_context: bool = False) -> Agreement | None:
    """Return what to agree on with a client that sent `offers`, or None to do without compression.

    Args:
        offers: The value of Sec-WebSocket-Extensions.
        keep_context: Keep context between messages, unless the client asks not to.
    """
    for name, parameters in _read_offers(offers):
        if name == EXTENSION and parameters is not None and _is_sound(parameters):
            client_bits = parameters.get(CLIENT_BITS)
            return Agreement(
                server_no_context=not keep_context or SERVER_NO_CONTEXT in parameters,
                client_no_context=not keep_context or CLIENT_NO_CONTEXT in parameters,
                server_bits=int(parameters.get(SERVER_BITS) or MAX_WINDOW_BITS),
                client_bits=int(client_bits or MAX_WINDOW_BITS),
                names_server_bits=SERVER_BITS in parameters,
            )
    return None


def _read_offers(offers: str) -> list[tuple[str, Parameters | None]]:
    """Return the offered extensions with their parameters, None where one is named twice.

    A header that does not follow the grammar is no offer at all.
    """
    found: list[tuple[str, Parameters | None]] = []
    position = 0
    while position < len(offers):
        name = _NAME.match(offers, position)
        if name is None:
            return []
        position = name.end()
        pairs: list[tuple[str, str | None]] = []
        while parameter := _PARAMETER.match(offers, position):
            pairs.append((parameter[1], parameter[2] or parameter[3]))
            position = parameter.end()
        end = _END.match(offers, position)
        if end is None:
            return []
        position = end.end()
        parameters = dict(pairs)
        found.append((name[1], parameters if len(parameters) == len(pairs) else None))
    return found


def _is_sound(parameters: Parameters) -> bool:
    for name, value in parameters.items():
        if name in (SERVER_NO_CONTEXT, CLIENT_NO_CONTEXT):
            if value is not None:
                return False
        elif name == SERVER_BITS:
            if value is None or not _BITS.fullmatch(value) or int(value) < ZLIB_MIN_WINDOW_BITS:
                return False
        elif name == CLIENT_BITS:
            if value is not None and not _BITS.fullmatch(value):
                return False
        else:
            return False
    return True


class Inflater:
    """Inflates the messages of one client."""

    __slots__ = ("_agreement", "_limit", "_stream")

    def __init__(self, agreement: Agreement, limit: int) -> None:
        self._agreement = agreement
        self._limit = limit
        self._stream: zlib._Decompress | None = None
        """Holds the window, where a context is kept."""

    def inflate(self, payload: bytes) -> bytes:
        """Return the message.

        Raises:
            Violation: It has more bytes than the limit, or cannot be inflated.
        """
        # The largest window reads all smaller ones.
        stream = self._stream or zlib.decompressobj(-MAX_WINDOW_BITS)
        try:
            message = stream.decompress(payload + TAIL, self._limit + 1)
        except zlib.error:
            raise Violation(NOT_CONSISTENT, "compressed data that cannot be inflated") from None
        if len(message) > self._limit:
            raise Violation(TOO_LARGE, f"a message that inflates to more than {self._limit} bytes")
        if stream.unused_data not in AFTER_FINAL_BLOCK:
            raise Violation(NOT_CONSISTENT, "something follows the last compressed block")
        ends = stream.eof or self._agreement.client_no_context
        self._stream = None if ends else stream
        return message


class Deflater:
    """Compresses the messages for one client, where its context is kept."""

    __slots__ = ("_stream",)

    def __init__(self, agreement: Agreement) -> None:
        self._stream = _new_stream(agreement.server_bits)

    def deflate(self, message: bytes) -> bytes:
        return _flush(self._stream, message)


def deflate(message: bytes, window_bits: int = MAX_WINDOW_BITS) -> bytes:
    """Return `message` compressed without any context."""
    if window_bits == MAX_WINDOW_BITS and HAS_FAST_STREAMS:
        return _flush(isal_zlib.compressobj(FAST_LEVEL, zlib.DEFLATED, -MAX_WINDOW_BITS), message)
    return _flush(_new_stream(window_bits), message)


class _Stream(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self, mode: int, /) -> bytes: ...


def _new_stream(window_bits: int) -> "zlib._Compress":
    return zlib.compressobj(LEVEL, zlib.DEFLATED, -window_bits, MEMORY_LEVEL)


def _flush(stream: _Stream, message: bytes) -> bytes:
    return (stream.compress(message) + stream.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


def message_frame(message: str | bytes, window_bits: int | None) -> bytes:
    """Return the frame of a message: without context, or as it is where `window_bits` is None."""
    opcode, content = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, bytes(message))
    if window_bits is None or len(content) < THRESHOLD:
        return frame(FIN | opcode, content)
    return frame(FIN | COMPRESSED | opcode, deflate(content, window_bits))


class Broadcast:
    """A text that is sent to many at once, and framed once for all who agreed on the same window."""

    __slots__ = ("_frames", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._frames: dict[int | None, bytes] = {}

    def frame(self, window_bits: int | None) -> bytes:
        """Return the frame for a client with this agreed window; None if it takes no compression."""
        found = self._frames.get(window_bits)
        if found is None:
            found = self._frames[window_bits] = message_frame(self.text, window_bits)
        return found


class SharedFrames:
    """The frames of the last messages: what many get is encoded and compressed once."""

    KEPT: Final = 16
    """Matches send in turn; each of their documents is soon sent to all who look, and then never again."""

    def __init__(self) -> None:
        self._frames: dict[tuple[str | bytes, int | None], bytes] = {}

    def of(self, message: str | bytes, window_bits: int | None) -> bytes:
        """Return the frame of `message` for a client with this agreed window; None if it takes no compression."""
        if len(message) < THRESHOLD or not isinstance(message, str):
            return message_frame(message, window_bits)
        key = message, window_bits
        found = self._frames.get(key)
        if found is None:
            while len(self._frames) >= self.KEPT:
                del self._frames[next(iter(self._frames))]
            found = self._frames[key] = message_frame(message, window_bits)
        return found
