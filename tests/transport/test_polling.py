import io
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import gevent
import pytest
from engineio.payload import Payload
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.builders import make_server
from valo_ingest.transport.polling import PACKETS_PER_TURN, mended, parts_of, socketio_application
from valo_ingest.transport.requests import PACKET_SEPARATOR
from valo_ingest.transport.websocket import MAX_MESSAGE_BYTES

READABLE = [b"1", b"3", b"4", b"42[]", b'42["obs_data","x"]', b"5", b"beHg="]
UNREADABLE = [b"", b"0", b"2", b"2probe", b"6", b"7", b"x", b"\xff", b"bA", b"d=4"]


@given(st.lists(st.sampled_from(READABLE), min_size=1))
def test_a_request_that_can_be_read_stays_as_it_is(packets: list[bytes]) -> None:
    body = PACKET_SEPARATOR.join(packets)

    assert mended(body) == body


@given(st.lists(st.sampled_from(READABLE + UNREADABLE), min_size=1))
def test_only_packets_that_cannot_be_read_are_replaced(packets: list[bytes]) -> None:
    expected = [b"4" if packet in UNREADABLE else packet for packet in packets]

    assert mended(PACKET_SEPARATOR.join(packets)) == PACKET_SEPARATOR.join(expected)


@given(st.binary())
def test_any_body_is_mended_once_and_for_all(body: bytes) -> None:
    assert mended(mended(body)) == mended(body)


@given(st.lists(st.sampled_from([*READABLE, b""]), min_size=1, max_size=3 * PACKETS_PER_TURN))
def test_the_parts_of_a_body_are_all_of_it_and_none_is_too_long(packets: list[bytes]) -> None:
    body = PACKET_SEPARATOR.join(packets)

    parts = list(parts_of(body))

    assert PACKET_SEPARATOR.join(parts) == body
    assert all(1 + part.count(PACKET_SEPARATOR) == PACKETS_PER_TURN for part in parts[:-1])
    assert parts[-1].count(PACKET_SEPARATOR) < PACKETS_PER_TURN


class Request:
    """A request to the application, and how it is answered."""

    def __init__(self, method: str, query: str, *, body: bytes = b"", length: int | None = None) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}
        self.environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": "/socket.io/",
            "QUERY_STRING": f"EIO=4&transport=polling{query}",
            "CONTENT_LENGTH": str(len(body) if length is None else length),
            "wsgi.input": io.BytesIO(body),
        }

    def send(self, application: Any) -> bytes:
        return b"".join(application(self.environ, self._start_response))

    def _start_response(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, dict(headers)


class BrokenBody:
    def read(self, length: int) -> bytes:
        raise OSError("unexpected end of file")


def test_a_client_that_breaks_off_its_request_is_refused() -> None:
    request = Request("POST", "&sid=x", body=b"42[]")
    request.environ["wsgi.input"] = BrokenBody()

    request.send(socketio_application(make_server()))

    assert request.status == "400 Bad Request"


def test_a_body_that_is_too_large_is_not_read() -> None:
    request = Request("POST", "&sid=x", length=MAX_MESSAGE_BYTES + 1)
    request.environ["wsgi.input"] = BrokenBody()

    request.send(socketio_application(make_server()))

    assert request.status.startswith("400 ")


def test_an_error_of_our_own_is_not_taken_for_a_session_that_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sio = make_server()

    def fail(environ: object, start_response: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(sio, "handle_request", fail)

    with pytest.raises(KeyError, match="a bug"):
        Request("GET", "").send(socketio_application(sio))


# --- many packets in one request ------------------------------------------------------------------------------


class Polling:
    """A server with a client that has connected by polling, and the events it has handled."""

    def __init__(self) -> None:
        self.sio = make_server()
        self.heard: list[str] = []
        self.sio.on("tell", lambda sid, text: self.hear(text))
        self.application = socketio_application(self.sio)
        opened = Request("GET", "").send(self.application)
        self.query = "&sid=" + opened.decode().split('"')[3]
        self.post(b"40")

    def hear(self, text: str) -> None:
        self.heard.append(text)
        if text == "go":
            for session in self.sio.eio.sockets.values():
                session.close(wait=False)

    def post(self, body: bytes) -> Request:
        request = Request("POST", self.query, body=body)
        request.send(self.application)
        return request


@pytest.fixture
def polling() -> Iterator[Polling]:
    polling = Polling()
    yield polling
    polling.sio.shutdown()


def told(texts: Iterable[str]) -> bytes:
    return PACKET_SEPARATOR.join(f'42["tell","{text}"]'.encode() for text in texts)


def test_the_library_takes_a_part_whole() -> None:
    assert Payload.max_decode_packets >= PACKETS_PER_TURN


def test_all_packets_of_a_request_are_handled_in_order_and_others_have_turns_meanwhile(
    polling: Polling,
) -> None:
    texts = [str(number) for number in range(1_000)]
    turns = []

    def other() -> None:
        while len(polling.heard) < len(texts):
            turns.append(len(polling.heard))
            gevent.sleep(0)

    looking = gevent.spawn(other)
    request = polling.post(told(texts))
    looking.get(timeout=10)

    assert request.status == "200 OK"
    assert polling.heard == texts
    assert max(late - early for early, late in pairwise(turns)) <= 2 * PACKETS_PER_TURN


def test_a_client_whose_session_ends_within_a_request_is_told_that_not_all_was_taken(
    polling: Polling,
) -> None:
    request = polling.post(told(["go", *map(str, range(100))]))

    assert request.status.startswith("400 ")
    assert polling.heard[0] == "go"
    assert len(polling.heard) <= PACKETS_PER_TURN
