import struct

import gevent
import pytest
from geventwebsocket.websocket import Stream

from valo_ingest.transport import websocket
from valo_ingest.transport.websocket import MESSAGES_PER_TURN, FairWebSocket

TEXT, BINARY = 0x1, 0x2


class FakeHandler:
    """The part of a WSGI handler that a WebSocket uses; it reads what a client sent and keeps what it is sent."""

    def __init__(self, sent: bytes) -> None:
        self.rfile = self
        self.socket = self
        self.server = self
        self.logger = self
        self.application = None
        self._left = sent
        self.written = b""

    def read(self, length: int) -> bytes:
        content, self._left = self._left[:length], self._left[length:]
        return content

    def sendall(self, content: bytes) -> None:
        self.written += content

    def debug(self, text: str) -> None:
        pass


def frame(content: bytes, opcode: int = TEXT) -> bytes:
    """Return a frame whose mask changes nothing."""
    return bytes([0x80 | opcode, 0xFF]) + struct.pack("!Q", len(content)) + bytes(4) + content


def websocket_that_gets(*contents: bytes, opcode: int = TEXT) -> FairWebSocket:
    handler = FakeHandler(b"".join(frame(content, opcode) for content in contents))
    return FairWebSocket({}, Stream(handler), handler)


def test_packets_are_passed_on_in_order() -> None:
    received = websocket_that_gets(b"2probe", b"5", b'42["x"]')

    assert [received.receive() for _ in range(3)] == ["2probe", "5", '42["x"]']


@pytest.mark.parametrize("content", [b"", b"7", b"x", b"bA", "ä".encode()])
def test_what_is_no_packet_becomes_an_empty_message(content: bytes) -> None:
    received = websocket_that_gets(content, b"42[]")

    assert [received.receive(), received.receive()] == ["4", "42[]"]


def test_binary_data_is_passed_on_as_it_is() -> None:
    assert websocket_that_gets(b"x", opcode=BINARY).receive() == b"x"


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_that_is_too_large_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, opcode: int
) -> None:
    monkeypatch.setattr(websocket, "MAX_MESSAGE_BYTES", 10)
    received = websocket_that_gets(b"4" * 10, b"4" * 11, opcode=opcode)

    assert len(received.receive()) == 10
    assert received.receive() is None
    assert received.closed


def test_the_end_of_the_connection_is_none() -> None:
    assert websocket_that_gets().receive() is None


def test_others_get_a_turn_although_there_is_always_something_to_read() -> None:
    received = websocket_that_gets(*[b"42[]"] * 10 * MESSAGES_PER_TURN)
    turns: list[None] = []

    def take_turns() -> None:
        while True:
            turns.append(None)
            gevent.sleep(0)

    other = gevent.spawn(take_turns)
    for _ in range(10 * MESSAGES_PER_TURN):
        assert received.receive() == "42[]"
    other.kill()

    assert len(turns) >= 10
