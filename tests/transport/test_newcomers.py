"""Those who come to a listener stand in line: for each step of a TLS handshake, and with each request."""

import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import gevent
import gevent.ssl
import pytest
from gevent import socket
from gevent.event import Event

from valo_ingest.transport.limits import Admission
from valo_ingest.transport.line import Line
from valo_ingest.transport.server import Listener, listen
from valo_ingest.transport.tls import self_signed_pair, server_context
from valo_ingest.transport.websocket import Terms

DEADLINE_S = 0.4
"""Long for what is done within it, which takes a few ms."""


class ClosedLine(Line):
    """Lets nobody through until it is opened, and keeps who stands in it."""

    def __init__(self) -> None:
        super().__init__()
        self.joined: list[str] = []
        self._opened = Event()

    def wait(self, address: str) -> None:
        self.joined.append(address)
        self._opened.wait()

    def open(self) -> None:
        self._opened.set()


class Served:
    """A listener with such a line."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.line = ClosedLine()
        self.refused: list[str] = []
        self.listener = Listener(
            listen("127.0.0.1", 0, "EXTRAS_PORT"),
            self._answer,
            tls=context,
            terms=Terms(refuse=lambda address, code, text: self.refused.append(code), deadline_s=DEADLINE_S),
            admission=Admission(max_per_address=10, max_in_all=10),
            line=self.line,
        )
        self.asked = 0
        self.listener.start()

    def _answer(self, environ: Any, start_response: Any) -> list[bytes]:
        self.asked += 1
        start_response("200 OK", [("Content-Length", "5")])
        return [b"hello"]

    def dial(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.listener.server_port))


Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    now = datetime.now(UTC)
    directory = tmp_path_factory.mktemp("tls")
    return server_context(*self_signed_pair(directory, names=[], addresses=[], now=now), now=now)


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[Served] = []

    def start(context: ssl.SSLContext | None = None) -> Served:
        started.append(Served(context))
        return started[-1]

    yield start
    for each in started:
        each.line.open()
        each.listener.stop(0)


def wait_until(condition: Callable[[], object]) -> None:
    with gevent.Timeout(20):
        while not condition():
            gevent.sleep(0.001)


def client_context() -> ssl.SSLContext:
    context: ssl.SSLContext = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_a_request_is_served_when_its_turn_has_come(serve: Serve) -> None:
    served = serve()
    with served.dial() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        wait_until(lambda: served.line.joined)
        assert served.asked == 0

        served.line.open()
        assert b"hello" in b"".join(iter(lambda: client.recv(1_000), b""))


HALVES = (
    b"",
    b"GET / HTTP/1.1\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
)


@pytest.mark.parametrize("half", HALVES, ids=["nothing", "head", "body"])
def test_half_a_request_is_in_nobodys_way_and_takes_a_turn_to_be_ended(serve: Serve, half: bytes) -> None:
    """Those who connected at the same moment are late at the same moment."""
    served = serve()
    began = time.monotonic()
    with served.dial() as client:
        client.sendall(half)
        wait_until(lambda: served.line.joined)
        assert time.monotonic() - began >= DEADLINE_S
        assert served.refused == []

        served.line.open()
        wait_until(lambda: served.refused)
    assert served.refused == ["slow_request"]


def test_the_time_in_the_line_is_not_taken_from_a_request(serve: Serve) -> None:
    served = serve()
    with served.dial() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1")
        wait_until(lambda: served.line.joined)
        gevent.sleep(2 * DEADLINE_S)
        served.line.open()

        assert b"hello" in b"".join(iter(lambda: client.recv(1_000), b""))
    assert served.refused == []


def test_who_says_nothing_stands_in_line_only_to_be_ended(serve: Serve, context: ssl.SSLContext) -> None:
    served = serve(context)
    began = time.monotonic()
    with served.dial() as client:
        wait_until(lambda: served.line.joined)
        assert time.monotonic() - began >= DEADLINE_S
        assert served.refused == []

        served.line.open()
        assert client.recv(1) == b""
    assert served.refused == ["slow_handshake"]


def test_a_handshake_is_begun_when_its_turn_has_come_and_the_time_in_the_line_is_not_taken_from_it(
    serve: Serve, context: ssl.SSLContext
) -> None:
    served = serve(context)
    with served.dial() as client:
        shaking = gevent.spawn(client_context().wrap_socket, client)
        wait_until(lambda: served.line.joined)
        gevent.sleep(2 * DEADLINE_S)
        assert not shaking.ready()
        assert served.refused == []

        served.line.open()
        with shaking.get(timeout=20) as wrapped:
            wrapped.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"hello" in b"".join(iter(lambda: wrapped.recv(1_000), b""))
    assert served.line.joined == ["127.0.0.1"] * 3  # the hello, the client's finish, the request


def test_every_step_of_a_handshake_takes_a_turn(serve: Serve, context: ssl.SSLContext) -> None:
    """Otherwise many could begin one by one, and then all go on at the same moment."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client_context().wrap_bio(incoming, outgoing).do_handshake()
    hello = outgoing.read()
    served = serve(context)
    served.line.open()
    with served.dial() as client:
        client.sendall(hello[:100])
        wait_until(lambda: len(served.line.joined) == 1)
        client.sendall(hello[100:])
        wait_until(lambda: len(served.line.joined) == 2)
        assert client.recv(1) == b"\x16"
