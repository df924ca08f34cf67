"""Connections over real sockets, both ends in this process."""

import struct
import tracemalloc
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent import socket

from tests.transport.test_frames import client_frame
from valo_ingest.transport import websocket as module
from valo_ingest.transport.deflate import THRESHOLD, Agreement, Broadcast, Inflater, deflate
from valo_ingest.transport.frames import BINARY, CLOSE, FIN, PING, PONG, TEXT, close_frame, frame
from valo_ingest.transport.upgrades import OpenWebSockets
from valo_ingest.transport.websocket import ALIVE, EMPTY_MESSAGE, MAX_MESSAGE_BYTES, FairWebSocket, Terms

NO_CONTEXT = Agreement(server_no_context=True, client_no_context=True)
CONTEXT = Agreement(server_no_context=False, client_no_context=False)


class Connection:
    """A WebSocket of the server and the socket of its client."""

    def __init__(self, *, agreement: Agreement | None = None, received: bytes = b"", **terms: Any) -> None:
        self.refused: list[str] = []
        mine, self.client = socket.socketpair()
        self.client.settimeout(10)
        self.server = FairWebSocket(
            {},
            SimpleNamespace(read=None, write=None),
            SimpleNamespace(socket=mine, client_address=("10.0.0.1", 1)),
            terms=Terms(refuse=lambda address, code, text: self.refused.append(code), **terms),
            agreement=agreement,
            received=received,
        )
        self._mine = mine

    def tell(self, *frames: bytes) -> None:
        self.client.sendall(b"".join(frames))

    def hear(self) -> tuple[int, bytes]:
        """Return first byte and payload of the next frame of the server."""
        first, size = self._exactly(2)
        if size == 126:
            (size,) = struct.unpack("!H", self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._exactly(8))
        return first, self._exactly(size)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.client.recv(count - len(data))
            assert more, f"the connection ended after {data!r}"
            data += more
        return data

    def close(self) -> None:
        self.server.forget()
        self._mine.close()
        self.client.close()


Connect = Callable[..., Connection]


@pytest.fixture
def connect() -> Iterator[Connect]:
    made: list[Connection] = []

    def make(**options: Any) -> Connection:
        made.append(Connection(**options))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def test_messages_are_received_in_order_and_what_came_behind_the_request_head_first(connect: Connect) -> None:
    connection = connect(received=client_frame(FIN | TEXT, b"4zero") + client_frame(FIN | TEXT, b"4on")[:5])
    connection.tell(client_frame(FIN | TEXT, b"4on")[5:], client_frame(FIN | BINARY, b"two"))

    assert [connection.server.receive() for _ in range(3)] == ["4zero", "4on", b"two"]


def test_a_ping_is_answered_with_what_it_said(connect: Connect) -> None:
    connection = connect()
    connection.tell(client_frame(FIN | PING, b"abc"), client_frame(FIN | TEXT, b"4x"))

    assert connection.server.receive() == "4x"
    assert connection.hear() == (FIN | PONG, b"abc")


@pytest.mark.parametrize("payload", [b"", struct.pack("!H", 1000), struct.pack("!H", 4999) + b"bye"])
def test_a_close_is_answered_with_its_own_code_and_reason(connect: Connect, payload: bytes) -> None:
    connection = connect()
    connection.tell(client_frame(FIN | CLOSE, payload))

    assert connection.server.receive() is None
    assert connection.hear() == (FIN | CLOSE, payload)
    assert connection.server.receive() is None


@pytest.mark.parametrize(
    ("data", "code", "counted"),
    [
        (frame(FIN | TEXT, b"4x"), 1002, "websocket_protocol"),
        (client_frame(FIN | TEXT, b"\xff"), 1007, "websocket_content"),
        (client_frame(FIN | TEXT, b"4" * 1_001), 1009, "websocket_size"),
    ],
)
def test_who_breaks_the_protocol_is_told_how_and_counted(
    connect: Connect, data: bytes, code: int, counted: str
) -> None:
    connection = connect(max_message_bytes=1_000)
    connection.tell(data)

    assert connection.server.receive() is None
    first, payload = connection.hear()
    assert (first, payload[:2]) == (FIN | CLOSE, struct.pack("!H", code))
    assert connection.refused == [counted]


def test_nothing_of_a_bomb_is_kept_while_its_client_is_told(connect: Connect) -> None:
    connection = connect(agreement=NO_CONTEXT)
    connection.tell(client_frame(0xC1, deflate(bytes(20_000_000))))
    tracemalloc.start()
    reading = gevent.spawn(connection.server.receive)

    assert connection.hear()[1][:2] == struct.pack("!H", 1009)
    current, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not reading.ready()
    assert current < MAX_MESSAGE_BYTES / 4


def test_who_still_sends_gets_the_close_frame_all_the_same(connect: Connect) -> None:
    connection = connect(max_message_bytes=1_000)

    def flood() -> None:
        connection.tell(client_frame(FIN | TEXT, bytes(5_000_000)))

    sending = gevent.spawn(flood)
    assert connection.server.receive() is None
    sending.get(timeout=10)
    assert connection.hear()[1][:2] == struct.pack("!H", 1009)


@pytest.mark.parametrize("text", ["", "7", "x", "²", "bA", "bä"])
def test_what_engine_io_cannot_read_is_passed_on_as_an_empty_message(connect: Connect, text: str) -> None:
    connection = connect()
    connection.tell(client_frame(FIN | TEXT, text.encode()), client_frame(FIN | TEXT, b"beHg="))

    assert connection.server.receive() == EMPTY_MESSAGE
    assert connection.server.receive() == "beHg="


@pytest.mark.parametrize("ending", ["close", "half a frame"])
def test_a_client_that_vanishes_ends_the_connection(connect: Connect, ending: str) -> None:
    connection = connect()
    if ending == "half a frame":
        connection.tell(client_frame(FIN | TEXT, b"4x")[:-1])
    connection.client.close()

    assert connection.server.receive() is None
    connection.server.send("to nobody")
    connection.server.close()


def test_what_is_sent_arrives_as_text_or_binary(connect: Connect) -> None:
    connection = connect()
    connection.server.send("ä")
    connection.server.send(b"b")
    connection.server.send("c", binary=True)

    assert [connection.hear() for _ in range(3)] == [
        (FIN | TEXT, "ä".encode()),
        (FIN | BINARY, b"b"),
        (FIN | BINARY, b"c"),
    ]


@pytest.mark.parametrize("agreement", [NO_CONTEXT, CONTEXT], ids=["no context", "context"])
def test_long_messages_are_compressed_where_that_was_agreed_on(
    connect: Connect, agreement: Agreement
) -> None:
    connection = connect(agreement=agreement)
    inflater = Inflater(Agreement(False, agreement.server_no_context), 1_000_000)
    messages: list[str | bytes] = ["x" * THRESHOLD, "short", "x" * THRESHOLD, b"y" * THRESHOLD]
    for message in messages:
        connection.server.send(message)

    heard = [connection.hear() for _ in messages]
    assert [first for first, _ in heard] == [0xC1, 0x81, 0xC1, 0xC2]
    read = [inflater.inflate(payload) if first & 0x40 else payload for first, payload in heard]
    assert read == [message.encode() if isinstance(message, str) else message for message in messages]


def test_frames_of_two_writers_are_never_mixed(connect: Connect) -> None:
    connection = connect()
    texts = [letter * 300_000 for letter in "abcdef"]
    writing = [gevent.spawn(connection.server.send, text) for text in texts]

    heard = {connection.hear()[1].decode() for _ in texts}
    gevent.joinall(writing, timeout=10, raise_error=True)
    assert heard == set(texts)


def test_a_peer_that_takes_nothing_is_given_up(connect: Connect) -> None:
    connection = connect(write_timeout_s=0.05)
    reading = gevent.spawn(connection.server.receive)
    connection.server.send("x" * 20_000_000)

    assert connection.server.closed
    assert connection.refused == ["stuck_peer"]
    assert reading.get(timeout=10) is None


def test_a_close_does_not_wait_behind_a_peer_that_takes_nothing(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_WRITE_TIMEOUT_S", 0.05)
    connection = connect()
    writing = gevent.spawn(connection.server.send, "x" * 20_000_000)
    gevent.sleep(0)  # it has begun, and is stuck

    connection.server.close(1001)
    writing.get(timeout=10)
    assert connection.server.closed


def test_a_peer_that_does_not_hang_up_after_a_close_is_hung_up_on(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_S", 0.05)
    connection = connect()
    reading = gevent.spawn(connection.server.receive)
    gevent.sleep(0)
    connection.server.close(1001)

    assert connection.hear()[1] == struct.pack("!H", 1001)
    assert reading.get(timeout=10) is None
    assert connection.client.recv(1) == b""


def test_who_has_to_go_is_told_so_and_what_it_had_sent_before_it_heard_is_received(connect: Connect) -> None:
    connection = connect()
    connection.tell(*(client_frame(FIN | TEXT, b"4%d" % number) for number in range(100)))
    assert connection.server.receive() == "40"
    connection.server.retire(1001)
    assert connection.hear() == (FIN | CLOSE, struct.pack("!H", 1001))
    assert connection.client.recv(1) == b""  # so that its library does not send on in vain

    connection.tell(
        client_frame(FIN | TEXT, b"4late"), client_frame(FIN | CLOSE), client_frame(FIN | TEXT, b"4x")
    )
    received = []
    while (message := connection.server.receive()) is not None:
        received.append(message)
    assert received == [*(f"4{number}" for number in range(1, 100)), "4late"]


def test_who_was_closed_already_is_not_listened_to_once_more(connect: Connect) -> None:
    connection = connect()
    connection.server.close(1000)
    connection.tell(client_frame(FIN | TEXT, b"4x"))

    connection.server.retire(1001)

    assert connection.server.receive() is None


def test_who_has_to_go_and_vanishes_instead_ends_the_connection(connect: Connect) -> None:
    connection = connect()
    connection.server.retire(1001)
    connection.client.close()

    assert connection.server.receive() is None
    assert connection.server.receive() is None


def test_who_sends_too_fast_waits_and_counts_as_alive(connect: Connect) -> None:
    connection = connect(max_events_per_s=400, burst_events=100)
    connection.tell(*(client_frame(FIN | TEXT, b"4%d" % number) for number in range(300)))

    with gevent.Timeout(10):
        received = [connection.server.receive() for _ in range(301)]
    assert [each for each in received if each != ALIVE] == [f"4{number}" for number in range(300)]
    assert received.count(ALIVE) == 1
    assert connection.refused == ["events_slowed_down"]


SILENT_FRAMES = {
    "pongs": client_frame(FIN | PONG),
    "pieces": client_frame(0),
}


@pytest.mark.parametrize("silent", SILENT_FRAMES.values(), ids=SILENT_FRAMES.keys())
def test_who_sends_frames_without_a_message_too_fast_waits_as_well(connect: Connect, silent: bytes) -> None:
    connection = connect(max_events_per_s=400, burst_events=100)
    connection.tell(
        client_frame(TEXT, b"4"), silent * 300, client_frame(0x80), client_frame(FIN | TEXT, b"4x")
    )

    with gevent.Timeout(10):
        received = [connection.server.receive() for _ in range(3)]
    assert received == [ALIVE, "4", "4x"]
    assert connection.refused == ["events_slowed_down"]


def test_one_who_always_has_data_does_not_starve_the_others(connect: Connect) -> None:
    connection = connect()
    turns = []

    def other() -> None:
        for _ in range(10):
            turns.append(len(received))
            gevent.sleep(0)

    received: list[Any] = []
    connection.tell(*(client_frame(FIN | TEXT, b"4x") for _ in range(1_000)))
    gevent.spawn(other)
    for _ in range(1_000):
        received.append(connection.server.receive())
    assert 0 < turns[1] < 100


def test_one_who_sends_little_that_inflates_to_much_does_not_starve_the_others(connect: Connect) -> None:
    connection = connect(agreement=NO_CONTEXT)
    connection.tell(client_frame(0xC1, deflate(b"4" * 1_000_000)) * 3)
    turns = []
    gevent.spawn(lambda: turns.append(len(received)))

    received: list[Any] = []
    for _ in range(3):
        received.append(connection.server.receive())

    assert turns == [1]


def test_all_of_a_listener_are_closed_together_and_the_silent_are_found(connect: Connect) -> None:
    open_websockets = OpenWebSockets()
    first, second = connect(), connect()
    open_websockets.add(first.server)
    open_websockets.add(second.server)
    assert list(open_websockets.sweep()) == []

    first.tell(client_frame(FIN | TEXT, b"4x"))
    first.server.receive()
    assert list(open_websockets.sweep()) == ["10.0.0.1"]
    assert second.client.recv(1) == b""

    open_websockets.close()
    assert first.hear() == (FIN | CLOSE, close_frame(1001)[2:])


# --- writing past the writer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("agreement", [None, NO_CONTEXT, CONTEXT], ids=["plain", "no context", "context"])
def test_what_is_offered_is_sent_at_once(connect: Connect, agreement: Agreement | None) -> None:
    connection = connect(agreement=agreement)

    assert connection.server.offer(Broadcast("a" * 2_000))

    first, payload = connection.hear()
    if agreement is not None:
        payload = Inflater(agreement, 1 << 20).inflate(payload)
    assert payload == b"a" * 2_000
    assert bool(first & 0x40) is (agreement is not None)


def test_nothing_more_is_taken_while_something_is_being_sent(connect: Connect) -> None:
    connection = connect()
    large = "a" * 4_000_000
    # More than the kernel holds: the rest is still to be sent.
    assert connection.server.offer(Broadcast(large))

    assert not connection.server.offer(Broadcast("b"))

    assert connection.hear() == (FIN | TEXT, large.encode())
    gevent.sleep(0)
    assert connection.server.offer(Broadcast("b"))
    assert connection.hear() == (FIN | TEXT, b"b")


def test_a_peer_that_takes_nothing_that_is_offered_is_given_up(connect: Connect) -> None:
    connection = connect(write_timeout_s=0.05)
    assert connection.server.offer(Broadcast("a" * 4_000_000))

    assert connection.server.receive() is None

    assert connection.refused == ["stuck_peer"]
    assert connection.server.closed
    assert not connection.server.offer(Broadcast("b"))


def test_what_is_offered_to_a_peer_that_is_gone_is_dropped(connect: Connect) -> None:
    connection = connect()
    connection.client.close()
    connection.server.offer(Broadcast("a" * 4_000_000))

    assert connection.server.receive() is None
    assert not connection.server.offer(Broadcast("b"))
