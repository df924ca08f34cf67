"""What is fuzzed: functions of bytes that may raise nothing but the refusal of their input.

The tests run them as well, on the corpus and on what hypothesis makes up (tests/test_fuzz_targets.py).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from valo_ingest.errors import InvalidMessage
from valo_ingest.transport.deflate import Agreement, Inflater, negotiate
from valo_ingest.transport.frames import FrameReader, Violation
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message

LIMIT: Final = 10_000
CORPUS: Final = Path(__file__).with_name("corpus")

CONTEXT: Final = Agreement(server_no_context=False, client_no_context=False)


def read_frames(data: bytes) -> None:
    """Read `data` as a client's frames; its first byte says in pieces of what length they come."""
    if not data:
        return
    size, reader = data[0] + 1, FrameReader(limit=LIMIT, inflater=Inflater(CONTEXT, LIMIT))
    try:
        for at in range(1, len(data), size):
            reader.feed(data[at : at + size])
            while (item := reader.next()) is not None:
                assert not isinstance(item, str | bytes) or len(item) <= LIMIT
    except Violation as error:
        assert error.code in (1002, 1007, 1009)


def inflate(data: bytes) -> None:
    """Inflate `data` twice, as two messages with a common context."""
    inflater = Inflater(CONTEXT, LIMIT)
    try:
        for _ in range(2):
            assert len(inflater.inflate(data)) <= LIMIT
    except Violation as error:
        assert error.code in (1007, 1009)


def read_offers(data: bytes) -> None:
    """Read `data` as the header that offers compression."""
    agreement = negotiate(data.decode("latin-1"))
    assert agreement is None or 9 <= agreement.server_bits <= 15


def decode(data: bytes) -> None:
    """Read `data` as a message of both kinds of clients, as bytes and as text."""
    for payload in (data, data.decode(errors="replace")):
        for read in (decode_observer_message, decode_auxiliary_message):
            with suppress(InvalidMessage):
                read(payload)


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "frames": read_frames,
    "inflate": inflate,
    "offers": read_offers,
    "decode": decode,
}
