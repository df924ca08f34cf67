"""WebSockets that break RFC 6455 or RFC 7692, or cost more than they send."""

import struct
import zlib

from tests.bench.frames import COMPRESSED, CONTINUATION, FIN, LENGTH_64, MASKED, TEXT, masked_frame
from tests.bench.hostile.peers import Attacker
from tests.bench.hostile.rows import row, speaking_side_of

FRAGMENT_BYTES = 16_384
BOMB_BYTES = 50_000_000

OVERSIZED = bytes((FIN | TEXT, MASKED | LENGTH_64)) + struct.pack("!Q", 1 << 40) + bytes(4)

UNLAWFUL = (
    b"\x81\x02hi",  # not masked
    b"\xb1\x80" + bytes(4),  # a reserved bit
    b"\x83\x80" + bytes(4),  # a reserved opcode
    b"\x09\x80" + bytes(4),  # a control frame in fragments
    b"\x89\xfe\x00\x7e" + bytes(4 + 126),  # one that is too long
    b"\x88\x81" + bytes(5),  # half a close code
    b"\x88\x82" + bytes(4) + b"\x03\xed",  # a close code that nobody may send
    b"\x80\x80" + bytes(4),  # the end of nothing
    b"\x81\xfe\x00\x01" + bytes(5),  # a length that is longer than it has to be
)

NOT_TEXT = (b"4\xff\xfe", b"4\xed\xa0\x80", b"4\xc0\xaf", b"4\xf4\x90\x80\x80", b'42["\xe2\x82')


@row(per_s=3, reasons=("websocket_size",))
async def messages_that_are_too_large(attacker: Attacker, number: int) -> None:
    peer = await attacker.upgrade(speaking_side_of(number))
    peer.send(OVERSIZED)
    await peer.wait_ended()


@row(per_s=1, reasons=("websocket_size",))
async def fragments_without_end(attacker: Attacker, number: int) -> None:
    peer = await attacker.upgrade(speaking_side_of(number))
    peer.send(masked_frame(b"4", TEXT)[:1].replace(b"\x81", b"\x01") + masked_frame(b"4", TEXT)[1:])
    fragment = masked_frame(b"x" * FRAGMENT_BYTES, CONTINUATION)
    fragment = bytes((CONTINUATION,)) + fragment[1:]
    for _ in range(200):
        peer.send(fragment)
        await peer.drain()
    await peer.wait_ended()


@row(per_s=2, reasons=("websocket_size",))
async def bombs(attacker: Attacker, number: int) -> None:
    peer = await attacker.upgrade(speaking_side_of(number), compression=True)
    peer.send(_bomb())
    await peer.wait_ended()


@row(per_s=2, reasons=("websocket_content",))
async def what_cannot_be_inflated(attacker: Attacker, number: int) -> None:
    peer = await attacker.upgrade(speaking_side_of(number), compression=True)
    broken = masked_frame(bytes(range(200, 250)))
    peer.send(bytes((FIN | COMPRESSED | TEXT,)) + broken[1:])
    await peer.wait_ended()


@row(per_s=5, reasons=("websocket_protocol",))
async def unlawful_frames(attacker: Attacker, number: int) -> None:
    peer = await attacker.upgrade(speaking_side_of(number))
    peer.send(UNLAWFUL[number % len(UNLAWFUL)])
    await peer.wait_ended()


@row(per_s=3, reasons=("websocket_content",))
async def text_that_is_none(attacker: Attacker, number: int) -> None:
    peer = await attacker.upgrade(speaking_side_of(number))
    peer.send(masked_frame(NOT_TEXT[number % len(NOT_TEXT)]))
    await peer.wait_ended()


_bombs: list[bytes] = []


def _bomb() -> bytes:
    """Return a frame of some 50 kB that inflates to 50 MB."""
    if not _bombs:
        stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        content = stream.compress(bytes(BOMB_BYTES)) + stream.flush(zlib.Z_SYNC_FLUSH)
        _bombs.append(bytes((FIN | COMPRESSED | TEXT,)) + masked_frame(content)[1:])
    return _bombs[0]
