"""Clients that type https:// for http://, or the reverse, at a real listener."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import gevent
import gevent.ssl
import pytest
from gevent import socket

from valo_ingest.transport.limits import Admission
from valo_ingest.transport.line import Line
from valo_ingest.transport.server import Listener, listen
from valo_ingest.transport.tls import self_signed_pair, server_context
from valo_ingest.transport.websocket import Terms

Refusals = list[tuple[str, str, str]]
StartListener = Callable[..., Listener]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    now = datetime.now(UTC)
    pair = self_signed_pair(tmp_path_factory.mktemp("tls"), names=(), addresses=(), now=now)
    return server_context(*pair, now=now)


@pytest.fixture
def refusals() -> Refusals:
    return []


@pytest.fixture
def start(refusals: Refusals) -> Iterator[StartListener]:
    listeners: list[Listener] = []

    def start_one(context: ssl.SSLContext | None = None, deadline_s: float = 5) -> Listener:
        def refuse(address: str, code: str, text: str) -> None:
            refusals.append((address, code, text))

        listener = Listener(
            listen("127.0.0.1", 0, "EXTRAS_PORT"),
            say_hello,
            tls=context,
            terms=Terms(refuse=refuse, deadline_s=deadline_s),
            admission=Admission(max_per_address=10, max_in_all=10),
            line=Line(),
        )
        listener.start()
        listeners.append(listener)
        return listener

    yield start_one
    for each in listeners:
        each.stop(0)


def say_hello(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


def talk(listener: Listener, *pieces: bytes) -> bytes:
    """Send `pieces` and return all that comes back."""
    with gevent.Timeout(5), socket.create_connection(("127.0.0.1", listener.server_port)) as client:
        for piece in pieces:
            client.sendall(piece)
            gevent.sleep(0.01)
        return b"".join(iter(lambda: client.recv(65536), b""))


def client_context() -> ssl.SSLContext:
    """Return a context of gevent's own, which waits without blocking the listener."""
    context: ssl.SSLContext = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def hello_of_tls() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_tls_on_a_plain_port_is_recognised_and_told(start: StartListener, refusals: Refusals) -> None:
    listener = start()

    answer = talk(listener, hello_of_tls())

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    text = f"a client speaks TLS (https://) to port {listener.server_port}, which has none. "
    text += f"Type http:// in it, and port {listener.server_port}"
    assert refusals == [("127.0.0.1", "tls_on_plain_port", text)]
    assert text.encode() in answer


def test_a_handshake_that_comes_in_pieces_without_a_line_break_is_recognised(
    start: StartListener, refusals: Refusals
) -> None:
    talk(start(), b"\x16", b"\x03\x01\x02\x00\x01")

    assert [code for _, code, _ in refusals] == ["tls_on_plain_port"]


def test_a_tls_client_fails_at_once_on_a_plain_port(start: StartListener) -> None:
    listener = start()
    context = client_context()

    with (
        gevent.Timeout(2),
        socket.create_connection(("127.0.0.1", listener.server_port)) as client,
        pytest.raises(ssl.SSLError, match=r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE"),
    ):
        context.wrap_socket(client)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
def test_plain_http_on_a_tls_port_is_recognised_and_answered(
    start: StartListener, refusals: Refusals, tls: ssl.SSLContext, method: str
) -> None:
    listener = start(tls)

    answer = talk(listener, f"{method} /socket.io/?EIO=4 HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    text = f"a client speaks plain http:// to port {listener.server_port}, which has TLS. "
    text += f"Type https:// in it, and port {listener.server_port}"
    assert refusals == [("127.0.0.1", "plain_on_tls_port", text)]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert text.encode() in body


def test_what_is_neither_is_a_bad_handshake_on_a_tls_port(
    start: StartListener, refusals: Refusals, tls: ssl.SSLContext
) -> None:
    with suppress(ConnectionResetError):
        talk(start(tls), b"SSH-2.0-OpenSSH_9.2\r\n")

    assert [code for _, code, _ in refusals] == ["bad_handshake"]


@pytest.mark.parametrize("options", [{}, {"maximum_version": ssl.TLSVersion.TLSv1_2}], ids=["1.3", "1.2"])
def test_a_client_that_does_not_take_the_certificate_is_told_apart(
    start: StartListener, refusals: Refusals, tls: ssl.SSLContext, options: dict[str, Any]
) -> None:
    listener = start(tls)
    context: ssl.SSLContext = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which trusts nobody
    for name, value in options.items():
        setattr(context, name, value)

    with (
        gevent.Timeout(5),
        socket.create_connection(("127.0.0.1", listener.server_port)) as client,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(client, server_hostname="localhost")

    with gevent.Timeout(5):
        while not refusals:
            gevent.sleep(0.001)
    ((_, code, text),) = refusals
    assert code == "certificate_refused"
    assert "UNKNOWN_CA" in text


def test_a_handshake_that_does_not_end_is_ended(
    start: StartListener, refusals: Refusals, tls: ssl.SSLContext
) -> None:
    assert talk(start(tls, deadline_s=0.05), b"\x16\x03\x01\x02\x00\x01") == b""
    assert [code for _, code, _ in refusals] == ["slow_handshake"]


@pytest.mark.parametrize("has_tls", [False, True])
def test_who_types_the_right_scheme_is_served(
    start: StartListener, refusals: Refusals, tls: ssl.SSLContext, has_tls: bool
) -> None:
    listener = start(tls if has_tls else None)
    request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    with gevent.Timeout(5), socket.create_connection(("127.0.0.1", listener.server_port)) as client:
        if has_tls:
            client = client_context().wrap_socket(client)
        client.sendall(request)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
        client.close()

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"hello")
    assert refusals == []
