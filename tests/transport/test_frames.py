"""The frame reader, without a socket: whatever comes, in whatever pieces."""

import struct
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valo_ingest.transport.deflate import Agreement, Inflater, deflate
from valo_ingest.transport.frames import (
    BINARY,
    CLOSE,
    COMPRESSED,
    CONTINUATION,
    FIN,
    INFLATED_BYTES_PER_WORK,
    PING,
    PONG,
    SILENCE,
    TEXT,
    Close,
    FrameReader,
    Item,
    Ping,
    Violation,
    close_frame,
    frame,
    is_close_code,
    unmask,
    unmask_by_numbers,
)

LIMIT = 100_000
KEY = b"\x12\x34\x56\x78"
NO_CONTEXT = Agreement(server_no_context=True, client_no_context=True)


def client_frame(first: int, payload: bytes = b"", *, length: bytes | None = None, key: bytes = KEY) -> bytes:
    """Return a frame as clients send it; `length` takes the place of the right one."""
    size = len(payload)
    if length is None:
        if size < 126:
            length = bytes((0x80 | size,))
        elif size < 65_536:
            length = struct.pack("!BH", 0xFE, size)
        else:
            length = struct.pack("!BQ", 0xFF, size)
    return bytes((first,)) + length + key + unmask(payload, key)


@given(st.binary(max_size=2_000), st.binary(min_size=4, max_size=4))
def test_both_ways_to_unmask_do_what_the_rfc_says(payload: bytes, key: bytes) -> None:
    plain = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))

    assert unmask(payload, key) == unmask_by_numbers(payload, key) == plain


def make_reader(*, limit: int = LIMIT, compressed: bool = False) -> FrameReader:
    return FrameReader(limit=limit, inflater=Inflater(NO_CONTEXT, limit) if compressed else None)


def read(chunks: Iterable[bytes], reader: FrameReader | None = None) -> list[Item]:
    """Return everything that is in `chunks`, as a connection would read them."""
    reader = reader or make_reader()
    found = []
    for chunk in chunks:
        reader.feed(chunk)
        while (item := reader.next()) is not None:
            if item is not SILENCE:
                found.append(item)
    return found


def violation(data: bytes, *, compressed: bool = False) -> Violation:
    with pytest.raises(Violation) as caught:
        read([data], make_reader(compressed=compressed))
    return caught.value


def test_all_frames_of_one_packet_are_served_in_order() -> None:
    data = (
        client_frame(FIN | TEXT, b"one") + client_frame(FIN | PING, b"p") + client_frame(FIN | BINARY, b"two")
    )

    assert read([data]) == ["one", Ping(b"p"), b"two"]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 125, 126, 127, 65_535, 65_536, LIMIT])
def test_a_message_of_any_length_up_to_the_limit_is_read(size: int) -> None:
    payload = bytes(number % 128 for number in range(size))

    assert read([client_frame(FIN | BINARY, payload)]) == [payload]
    assert read([client_frame(FIN | TEXT, payload)]) == [payload.decode()]


def test_fragments_are_put_together_also_with_control_frames_between_them() -> None:
    data = (
        client_frame(TEXT, "ä".encode()[:1])
        + client_frame(FIN | PING, b"")
        + client_frame(CONTINUATION)
        + client_frame(FIN | PONG, b"x")
        + client_frame(FIN | CONTINUATION, "ä".encode()[1:])
        + client_frame(FIN | TEXT, b"next")
    )

    assert read([data]) == [Ping(b""), "ä", "next"]


def test_a_compressed_message_may_come_in_fragments() -> None:
    payload = deflate(b"a" * 5_000)
    data = client_frame(COMPRESSED | TEXT, payload[:7]) + client_frame(FIN | CONTINUATION, payload[7:])

    assert read([data], make_reader(compressed=True)) == ["a" * 5_000]


BROKEN = {
    "no mask": frame(FIN | TEXT, b"x"),
    "reserved bit 2": client_frame(FIN | 0x20 | TEXT, b"x"),
    "reserved bit 3": client_frame(FIN | 0x10 | TEXT, b"x"),
    "compressed without an agreement": client_frame(FIN | COMPRESSED | TEXT, b"x"),
    **{
        f"opcode {opcode}": client_frame(FIN | opcode, b"x") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    },
    "a ping in pieces": client_frame(PING, b"x"),
    "a long ping": client_frame(FIN | PING, b"x" * 126),
    "a compressed ping": client_frame(FIN | COMPRESSED | PING, b"x"),
    "a close in pieces": client_frame(CLOSE, b""),
    "half a close code": client_frame(FIN | CLOSE, b"\x03"),
    **{
        f"close code {code}": client_frame(FIN | CLOSE, struct.pack("!H", code))
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535)
    },
    "a continuation of nothing": client_frame(FIN | CONTINUATION, b"x"),
    "a message within another": client_frame(TEXT, b"x") + client_frame(FIN | TEXT, b"y"),
    "16 bits for a short length": client_frame(FIN | TEXT, b"x" * 125, length=struct.pack("!BH", 0xFE, 125)),
    "64 bits for a short length": client_frame(FIN | TEXT, b"x" * 126, length=struct.pack("!BQ", 0xFF, 126)),
    "a negative length": client_frame(FIN | TEXT, b"x", length=struct.pack("!BQ", 0xFF, 1 << 63)),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_what_breaks_the_protocol_is_1002(data: bytes) -> None:
    assert violation(data).code == 1002


def test_a_compressed_continuation_is_1002() -> None:
    data = client_frame(COMPRESSED | TEXT, b"x") + client_frame(FIN | COMPRESSED | CONTINUATION, b"y")

    assert violation(data, compressed=True).code == 1002


@pytest.mark.parametrize(
    "data",
    [
        client_frame(FIN | TEXT, b"\xff"),
        client_frame(FIN | TEXT, b"\xed\xa0\x80"),
        client_frame(FIN | TEXT, "ä".encode()[:1]),
        client_frame(TEXT, b"a") + client_frame(FIN | CONTINUATION, b"\xc3"),
        client_frame(FIN | CLOSE, b"\x03\xe8\xff"),
    ],
)
def test_text_that_is_not_utf8_is_1007_also_in_the_reason_of_a_close(data: bytes) -> None:
    assert violation(data).code == 1007


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999])
def test_a_close_is_told_with_its_code_and_reason(code: int) -> None:
    assert is_close_code(code)
    assert read([client_frame(FIN | CLOSE, struct.pack("!H", code) + b"bye")]) == [Close(code, b"bye")]


def test_a_close_may_say_nothing() -> None:
    assert read([client_frame(FIN | CLOSE)]) == [Close(None, b"")]
    assert close_frame(None) == b"\x88\x00"


def test_a_reason_is_cut_to_what_a_control_frame_can_hold() -> None:
    assert close_frame(1002, b"x" * 500) == b"\x88\x7d\x03\xea" + b"x" * 123


def test_a_message_over_the_limit_is_1009_as_soon_as_its_header_is_there() -> None:
    header = client_frame(FIN | TEXT, b"x" * (LIMIT + 1))[:10]

    assert violation(header).code == 1009
    assert (
        violation(client_frame(FIN | BINARY, b"", length=struct.pack("!BQ", 0xFF, (1 << 63) - 1))).code
        == 1009
    )


def test_fragments_are_added_up() -> None:
    half = client_frame(TEXT, b"x" * (LIMIT // 2))
    rest = client_frame(CONTINUATION, b"x" * (LIMIT // 2))

    assert read([half, rest]) == []
    assert violation(half + rest + client_frame(FIN | CONTINUATION, b"x")[:2]).code == 1009


def test_a_control_frame_passes_where_a_message_is_as_long_as_it_may_be() -> None:
    data = client_frame(TEXT, b"x" * LIMIT) + client_frame(FIN | PING, b"p" * 125)

    assert read([data, client_frame(FIN | CONTINUATION)]) == [Ping(b"p" * 125), "x" * LIMIT]


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    bomb = client_frame(FIN | COMPRESSED | BINARY, deflate(bytes(50_000_000)))
    reader = make_reader(compressed=True)
    tracemalloc.start()
    reader.feed(bomb)
    with pytest.raises(Violation) as caught:
        reader.next()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert caught.value.code == 1009
    assert peak < 10 * LIMIT


def test_a_message_that_comes_byte_by_byte_costs_no_more_than_its_length() -> None:
    data = client_frame(FIN | TEXT, b"x" * LIMIT)
    reader = make_reader()
    tracemalloc.start()
    found = read((data[at : at + 1] for at in range(len(data))), reader)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == ["x" * LIMIT]
    assert peak < 10 * LIMIT


def test_a_million_empty_fragments_cost_nothing() -> None:
    reader = make_reader()
    reader.feed(client_frame(TEXT))
    assert reader.next() is SILENCE
    tracemalloc.start()
    for _ in range(100):
        assert read([client_frame(CONTINUATION) * 1_000], reader) == []
    current, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert current < LIMIT


@pytest.mark.parametrize(
    "data",
    [
        client_frame(FIN | TEXT, b"x") * 3,
        client_frame(FIN | PONG) * 3,
        client_frame(FIN | PING) * 3,
        client_frame(TEXT) + client_frame(CONTINUATION) + client_frame(FIN | CONTINUATION),
    ],
    ids=["messages", "pongs", "pings", "pieces"],
)
def test_every_frame_is_work(data: bytes) -> None:
    reader = make_reader()

    read([data[:-1]], reader)
    assert reader.work == 2
    read([data[-1:]], reader)
    assert reader.work == 3


def test_what_has_to_be_inflated_is_work() -> None:
    reader = make_reader(compressed=True)

    read([client_frame(FIN | COMPRESSED | BINARY, deflate(bytes(10 * INFLATED_BYTES_PER_WORK)))], reader)

    assert reader.work == 1 + 10


# --- properties ---------------------------------------------------------------------------------------------------

MESSAGES = st.one_of(st.text(max_size=300), st.binary(max_size=300), st.binary(max_size=100).map(Ping))


@st.composite
def sent(draw: st.DrawFn) -> tuple[list[Item], bytes]:
    """Return messages and the bytes of a client that sent them, some compressed and some in fragments."""
    messages: list[Item] = [*draw(st.lists(MESSAGES, max_size=8))]
    data = b""
    for message in messages:
        key = draw(st.binary(min_size=4, max_size=4))
        if isinstance(message, Ping):
            data += client_frame(FIN | PING, message.payload, key=key)
            continue
        assert isinstance(message, str | bytes)
        opcode, payload = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
        if draw(st.booleans()):
            opcode, payload = opcode | COMPRESSED, deflate(payload)
        for cut in sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)), reverse=True):
            if draw(st.booleans()):
                data += client_frame(opcode, payload[: len(payload) - cut], key=key)
                opcode, payload = CONTINUATION, payload[len(payload) - cut :]
        data += client_frame(FIN | opcode, payload, key=key)
    return messages, data


@given(sent(), st.data())
def test_however_the_bytes_are_split_the_same_messages_come_out(
    given_messages: tuple[list[Item], bytes], data: st.DataObject
) -> None:
    messages, content = given_messages
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=12)))
    chunks = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]

    assert read(filter(None, chunks), make_reader(compressed=True)) == messages


@settings(max_examples=300)
@given(st.lists(st.binary(min_size=1, max_size=200), max_size=10), st.booleans())
def test_arbitrary_bytes_end_in_messages_or_in_a_violation(chunks: list[bytes], compressed: bool) -> None:
    try:
        found = read(chunks, make_reader(limit=1_000, compressed=compressed))
    except Violation as error:
        assert error.code in (1002, 1007, 1009)
    else:
        assert all(len(item) <= 1_000 for item in found if isinstance(item, str | bytes))


HEADS = st.builds(
    lambda first, length, payload: bytes((first, length)) + KEY + payload,
    st.integers(0, 255),
    st.integers(0x80, 0xFF),
    st.binary(max_size=200),
)


@settings(max_examples=300)
@given(st.lists(HEADS, max_size=6))
def test_the_same_for_bytes_that_look_like_frames(chunks: list[bytes]) -> None:
    try:
        read(chunks, make_reader(limit=1_000, compressed=True))
    except Violation as error:
        assert error.code in (1002, 1007, 1009)
