import itertools
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valo_ingest.transport import deflate as module
from valo_ingest.transport.deflate import (
    TAIL,
    THRESHOLD,
    Agreement,
    Broadcast,
    Deflater,
    Inflater,
    SharedFrames,
    deflate,
    negotiate,
)
from valo_ingest.transport.frames import Violation

LIMIT = 100_000
NO_CONTEXT = Agreement(server_no_context=True, client_no_context=True)
CONTEXT = Agreement(server_no_context=False, client_no_context=False)


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        ("permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        (
            "permessage-deflate; client_max_window_bits=10",
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=15",
        ),
        ("permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9"),
        ('permessage-deflate; server_max_window_bits="9"', "permessage-deflate; server_max_window_bits=9"),
        (
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover",
        ),
        ("x-webkit-deflate-frame, permessage-deflate", "permessage-deflate"),
        ('other; x="1"; y , permessage-deflate', "permessage-deflate"),
        ("permessage-deflate; unknown, permessage-deflate", "permessage-deflate"),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            "permessage-deflate",
        ),
    ],
)
def test_an_offer_is_answered_with_what_was_agreed_on(offers: str, answer: str) -> None:
    agreement = negotiate(offers, keep_context=True)

    assert agreement is not None
    assert agreement.header == answer


@pytest.mark.parametrize(
    "offers",
    [
        "",
        ",",
        ";",
        "permessage-bzip2",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=1O",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=٩",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=",
        'permessage-deflate; client_max_window_bits="9',
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; unknown",
        "permessage-deflate;",
        "permessage-deflate permessage-deflate",
        "permessage-deflate; =",
    ],
)
def test_an_offer_that_cannot_be_met_or_makes_no_sense_is_declined(offers: str) -> None:
    assert negotiate(offers) is None


def test_by_default_nobody_keeps_a_context() -> None:
    agreement = negotiate("permessage-deflate; client_max_window_bits")

    assert agreement is not None
    assert agreement.header == "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@given(st.text(max_size=200))
def test_no_offer_is_too_odd_to_be_read(offers: str) -> None:
    negotiate(offers)
    negotiate(f"permessage-deflate; {offers}")


class Peer:
    """A client that compresses as it may."""

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._writes = self._new()

    def _new(self) -> "zlib._Compress":
        return zlib.compressobj(6, zlib.DEFLATED, -max(9, self._agreement.client_bits))

    def deflate(self, message: bytes) -> bytes:
        payload = self._writes.compress(message) + self._writes.flush(zlib.Z_SYNC_FLUSH)
        if self._agreement.client_no_context:
            self._writes = self._new()
        return payload.removesuffix(TAIL)


@pytest.mark.parametrize(
    "agreement",
    [
        Agreement(server_no_context=server, client_no_context=client, server_bits=ours, client_bits=theirs)
        for server, client in itertools.product((False, True), repeat=2)
        for ours in (9, 12, 15)
        for theirs in (8, 9, 12, 15)
    ],
    ids=repr,
)
def test_messages_survive_both_ways_under_all_parameters(agreement: Agreement) -> None:
    @settings(max_examples=20)
    @given(st.lists(st.one_of(st.binary(max_size=2_000), st.text(max_size=500).map(str.encode)), max_size=6))
    def check(messages: list[bytes]) -> None:
        ours, theirs = Deflater(agreement), Peer(agreement)
        inflater = Inflater(agreement, LIMIT)
        stream = zlib.decompressobj(-agreement.server_bits)
        for message in [*messages, *messages]:
            assert inflater.inflate(theirs.deflate(message)) == message
            if agreement.server_no_context:
                alone = zlib.decompressobj(-agreement.server_bits)
                assert alone.decompress(deflate(message, agreement.server_bits) + TAIL) == message
            else:
                assert stream.decompress(ours.deflate(message) + TAIL) == message

    check()


def test_a_context_makes_the_second_message_small() -> None:
    deflater = Deflater(CONTEXT)
    message = bytes(range(256)) * 4

    assert len(deflater.deflate(message)) > 5 * len(deflater.deflate(message))


def test_no_window_is_kept_where_none_was_agreed_on() -> None:
    inflaters = [Inflater(NO_CONTEXT, LIMIT) for _ in range(100)]
    payload = deflate(b"x" * 5_000)
    tracemalloc.start()
    for inflater in inflaters:
        inflater.inflate(payload)
    current, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert current < 40_000


@pytest.mark.parametrize("after", [b"", b"\x00"])
@pytest.mark.parametrize("agreement", [CONTEXT, NO_CONTEXT], ids=["context", "no context"])
def test_a_block_that_says_it_is_the_last_ends_only_the_message(agreement: Agreement, after: bytes) -> None:
    inflater = Inflater(agreement, LIMIT)
    stream = zlib.compressobj(wbits=-15)
    payload = stream.compress(b"Hello") + stream.flush(zlib.Z_FINISH) + after

    assert inflater.inflate(payload) == b"Hello"
    assert inflater.inflate(payload) == b"Hello"
    assert inflater.inflate(deflate(b"next")) == b"next"


def test_nothing_may_follow_the_last_block() -> None:
    with pytest.raises(Violation) as caught:
        Inflater(NO_CONTEXT, LIMIT).inflate(b"\x03\x00" * 1_000)

    assert caught.value.code == 1007


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT, LIMIT + 1, 10 * LIMIT])
def test_what_is_inflated_may_be_as_long_as_the_limit(size: int) -> None:
    inflater, payload = Inflater(NO_CONTEXT, LIMIT), deflate(bytes(size))
    if size <= LIMIT:
        assert inflater.inflate(payload) == bytes(size)
    else:
        with pytest.raises(Violation) as caught:
            inflater.inflate(payload)
        assert caught.value.code == 1009


@given(st.lists(st.binary(max_size=300), max_size=4), st.sampled_from([CONTEXT, NO_CONTEXT]))
def test_arbitrary_data_ends_in_a_message_or_in_a_violation(
    payloads: list[bytes], agreement: Agreement
) -> None:
    inflater = Inflater(agreement, 1_000)
    try:
        assert all(len(inflater.inflate(payload)) <= 1_000 for payload in payloads)
    except Violation as error:
        assert error.code in (1007, 1009)


def test_a_document_is_compressed_once_for_all_who_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    compressed = []

    def counted(message: bytes, window_bits: int) -> bytes:
        compressed.append(message)
        return deflate(message, window_bits)

    monkeypatch.setattr(module, "deflate", counted)
    frames = SharedFrames()
    document = "x" * THRESHOLD

    first = frames.of(document, 15)
    assert all(frames.of("x" * THRESHOLD, 15) is first for _ in range(500))
    assert len(compressed) == 1
    assert frames.of(document, None) is frames.of(document, None) is not first


def test_a_broadcast_is_framed_once_for_each_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    broadcast = Broadcast("x" * THRESHOLD)
    frames = [broadcast.frame(bits) for bits in (15, 9, None)]
    monkeypatch.setattr(module, "message_frame", None)  # what would fail if it were called

    assert [broadcast.frame(bits) for bits in (15, 9, None)] == frames
    assert len({*frames}) == 3


@pytest.mark.parametrize("is_fast", [True, False], ids=["ISA-L", "zlib"])
@given(message=st.one_of(st.binary(max_size=60_000), st.text(max_size=20_000).map(str.encode)))
@settings(max_examples=30)
def test_messages_survive_with_and_without_fast_streams(is_fast: bool, message: bytes) -> None:
    if is_fast and not module.HAS_FAST_STREAMS:
        pytest.skip("there is no build of ISA-L for this machine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "HAS_FAST_STREAMS", is_fast)
        payload = deflate(message * 3)

    assert zlib.decompressobj(-15).decompress(payload + TAIL) == message * 3


def test_what_is_short_is_not_compressed() -> None:
    frames = SharedFrames()

    assert frames.of("x" * (THRESHOLD - 1), 15)[:1] == b"\x81"
    assert frames.of("x" * THRESHOLD, 15)[:1] == b"\xc1"
    assert frames.of("ä" * (THRESHOLD // 2), 15)[:1] == b"\xc1"
    assert frames.of(b"x" * THRESHOLD, 15)[:1] == b"\xc2"
    assert frames.of("x" * THRESHOLD, None)[:1] == b"\x81"


def test_only_the_last_frames_are_kept() -> None:
    frames = SharedFrames()
    first = frames.of("0" * THRESHOLD, 15)
    for number in range(SharedFrames.KEPT):
        frames.of(f"{number:02}" * THRESHOLD, 15)

    assert frames.of("0" * THRESHOLD, 15) is not first
