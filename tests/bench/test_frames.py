"""The frames of the load against the reader of the server, and the other way round."""

import json

import pytest

from tests.bench.frames import (
    COMPRESSED,
    PING,
    FrameSplitter,
    argument_of,
    event_frame,
    in_chunks,
    masked_frame,
)
from valo_ingest.transport import frames as server
from valo_ingest.transport.deflate import Agreement, Inflater

SIZES = (0, 1, 125, 126, 1_023, 1_024, 65_535, 65_536)
LIMIT = 1 << 20


def reader() -> server.FrameReader:
    agreement = Agreement(server_no_context=True, client_no_context=True)
    return server.FrameReader(limit=LIMIT, inflater=Inflater(agreement, LIMIT))


@pytest.mark.parametrize("compression", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_the_server_reads_what_the_load_writes(size: int, compression: bool) -> None:
    text = ("läuft " * size)[:size]
    reading = reader()
    reading.feed(masked_frame(text.encode(), compression=compression))

    assert reading.next() == text
    assert reading.next() is None


def test_the_server_reads_control_frames_of_the_load() -> None:
    reading = reader()
    reading.feed(masked_frame(b"hello", PING))

    assert reading.next() == server.Ping(b"hello")


def test_an_event_is_a_text_with_a_json_text_in_it() -> None:
    reading = reader()
    reading.feed(event_frame("obs_data", {"name": "Zoë", "data": [1, True]}, compression=False))
    packet = reading.next()

    assert packet == '42["obs_data","{\\"name\\":\\"Zoë\\",\\"data\\":[1,true]}"]'
    assert argument_of(packet.encode()) == {"name": "Zoë", "data": [1, True]}


def test_short_messages_are_not_compressed() -> None:
    assert not masked_frame(b"a" * 1_023, compression=True)[0] & COMPRESSED
    assert masked_frame(b"a" * 1_024, compression=True)[0] & COMPRESSED


def test_equal_messages_are_equal_frames() -> None:
    message = {"text": "a" * 2_000}

    assert event_frame("a", message, compression=True) == event_frame("a", message, compression=True)


def test_chunks_hold_whole_frames_in_order() -> None:
    frames = [bytes([number]) * 30 for number in range(10)]

    chunks = in_chunks(frames, size=70)

    assert b"".join(chunks) == b"".join(frames)
    assert [len(chunk) for chunk in chunks] == [90, 90, 90, 30]
    assert in_chunks([]) == []


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100, 1_000_000])
def test_what_a_server_sends_is_split_into_frames_wherever_it_is_cut(step: int) -> None:
    payloads = [bytes([number]) * size for number, size in enumerate((0, 1, 125, 126, 300, 65_535, 65_536))]
    data = b"".join(server.frame(server.FIN | server.TEXT, payload) for payload in payloads)
    splitter = FrameSplitter()

    found = [
        frame for start in range(0, len(data), step) for frame in splitter.split(data[start : start + step])
    ]

    assert found == [(server.FIN | server.TEXT, payload) for payload in payloads]


def test_the_argument_of_an_event_is_read() -> None:
    packet = f"42{json.dumps(['match_data', json.dumps({'a': 1})])}".encode()

    assert argument_of(packet) == {"a": 1}
