import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.builders import make_server
from valo_ingest.transport.polling import SEPARATOR, mended, socketio_application
from valo_ingest.transport.websocket import MAX_MESSAGE_BYTES

READABLE = [b"1", b"3", b"4", b"42[]", b'42["obs_data","x"]', b"5", b"beHg="]
UNREADABLE = [b"", b"0", b"2", b"2probe", b"6", b"7", b"x", b"\xff", b"bA", b"d=4"]


@given(st.lists(st.sampled_from(READABLE), min_size=1))
def test_a_request_that_can_be_read_stays_as_it_is(packets: list[bytes]) -> None:
    body = SEPARATOR.join(packets)

    assert mended(body) == body


@given(st.lists(st.sampled_from(READABLE + UNREADABLE), min_size=1))
def test_only_packets_that_cannot_be_read_are_replaced(packets: list[bytes]) -> None:
    expected = [b"4" if packet in UNREADABLE else packet for packet in packets]

    assert mended(SEPARATOR.join(packets)) == SEPARATOR.join(expected)


@given(st.binary())
def test_any_body_is_mended_once_and_for_all(body: bytes) -> None:
    assert mended(mended(body)) == mended(body)


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
