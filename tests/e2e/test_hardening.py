"""Clients that mean harm, or have died without a word: each is ended or slowed down, and the others notice nothing."""

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import websocket

from tests.conftest import StartServer
from tests.e2e import messages
from tests.e2e.messages import fresh_code
from tests.e2e.running import ACCESS_KEY, RunningServer, eventually
from tests.e2e.sockets import PATH, PollingClient, WebSocketClient

DEADLINE_S = 1
SHORT = ("--deadline", str(DEADLINE_S), "--ping-interval", "1", "--ping-timeout", "1")

GONE_S = 10
"""Within this time what is over has to be gone, also on a busy machine."""


@pytest.fixture
def strict(start_server: StartServer) -> RunningServer:
    """A server whose clients have little time."""
    return start_server("--insecure", "--auth-key", ACCESS_KEY, *SHORT)


@pytest.fixture
def raw() -> Iterator[Callable[[int], socket.socket]]:
    """Open connections to a port of this machine, which are closed after the test."""
    opened = []

    def connect(port: int) -> socket.socket:
        opened.append(socket.create_connection(("127.0.0.1", port), timeout=GONE_S))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


def is_hung_up_on(connection: socket.socket) -> bool:
    """Tell whether the server ends `connection` in time, whatever it says before."""
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def open_files(server: RunningServer) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def log_on(server: RunningServer) -> tuple[WebSocketClient, str]:
    code = fresh_code()
    observer = WebSocketClient(server.ingest_port)
    observer.emit("obs_logon", messages.observer_logon(code))
    assert observer.wait_for("obs_logon_ack")["value"] is True
    return observer, code


def serves(server: RunningServer) -> bool:
    """Tell whether a well-behaved client is served, and soon."""
    began = time.monotonic()
    observer, _ = log_on(server)
    observer.close()
    return time.monotonic() - began < 2


HALF_REQUESTS = {
    "nothing": b"",
    "half a request line": b"GET /socket.io/?EIO=4",
    "half a head": b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n",
    "half a body": b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n4",
    "half a chunk": b"POST /socket.io/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n4",
}


@pytest.mark.parametrize("begin", HALF_REQUESTS.values(), ids=HALF_REQUESTS.keys())
def test_a_request_that_never_ends_is_ended(
    strict: RunningServer, raw: Callable[[int], socket.socket], begin: bytes
) -> None:
    connections = [raw(port) for port in strict.ports for _ in range(20)]
    for each in connections:
        each.sendall(begin)
    assert serves(strict)

    assert all(map(is_hung_up_on, connections))
    assert strict.refused()["slow_request"] == len(connections)


def test_a_request_that_comes_drop_by_drop_is_ended(
    strict: RunningServer, raw: Callable[[int], socket.socket]
) -> None:
    connection = raw(strict.ingest_port)
    began = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - began < GONE_S:
            connection.sendall(b"GET / HTTP/1.1\r\n" if time.monotonic() - began < 0.05 else b"X: y\r\n")
            time.sleep(0.05)
    assert time.monotonic() - began < DEADLINE_S + 3


def test_a_tls_handshake_that_never_ends_is_ended(
    start_server: StartServer, raw: Callable[[int], socket.socket]
) -> None:
    server = start_server("--self-signed", "--auth-key", ACCESS_KEY, *SHORT, scheme="https")
    silent, half, scanner = ([raw(server.ingest_port) for _ in range(20)] for _ in range(3))
    for each in half:
        each.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    for each in scanner:
        each.sendall(b"GET / HTTP/1.0\r\n\r\n")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    began = time.monotonic()
    with context.wrap_socket(raw(server.extras_port)) as client:
        client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
    assert time.monotonic() - began < 2

    assert all(map(is_hung_up_on, [*silent, *half, *scanner]))


def test_who_never_logs_on_is_disconnected(start_server: StartServer) -> None:
    strict = start_server("--insecure", "--auth-key", ACCESS_KEY, "--deadline", str(DEADLINE_S))
    idle = websocket.create_connection(f"ws://127.0.0.1:{strict.ingest_port}{PATH}websocket", timeout=GONE_S)
    joined, overlay = WebSocketClient(strict.ingest_port), WebSocketClient(strict.output_port)
    observer, code = log_on(strict)
    follower = WebSocketClient(strict.output_port)
    follower.emit("logon", {"groupCode": code})

    for each in (joined, overlay):
        each.wait_closed()
    assert idle.sock is not None
    assert is_hung_up_on(idle.sock)
    assert strict.refused()["no_logon"] == 3
    observer.emit("obs_data", messages.observer_data(code, "map", "Ascent"))
    follower.wait_for("match_data", lambda document: document["map"] == "Ascent")
    observer.close()
    follower.close()


def test_who_says_goodbye_and_stays_is_disconnected(start_server: StartServer) -> None:
    strict = start_server("--insecure", "--auth-key", ACCESS_KEY, "--deadline", str(DEADLINE_S))
    observer, code = log_on(strict)
    overlay = WebSocketClient(strict.output_port)
    overlay.emit("logon", {"groupCode": code})
    overlay.wait_for("logon_success")

    for each in (observer, overlay):
        each.send_packet("41")

    for each in (observer, overlay):
        each.wait_closed()
    assert strict.refused()["no_logon"] == 2


def test_who_polls_and_never_logs_on_is_disconnected(strict: RunningServer) -> None:
    client = PollingClient(strict.ingest_port)
    eventually(lambda: strict.refused().get("no_logon"), "the session is ended")

    with pytest.raises((AssertionError, OSError)):  # refused, or closed already
        client.send_packets("42[]")
    client.close()


def test_a_ping_that_is_not_answered_closes_the_connection_below(strict: RunningServer) -> None:
    base = most = open_files(strict)
    dead = []
    for _ in range(20):
        dead.append(log_on(strict)[0])  # it answers nothing from here on
        most = max(most, open_files(strict))
    assert most > base  # by how much depends on how many are closed before the last is there

    eventually(lambda: open_files(strict) <= base, "the connections are closed", within_s=2 * GONE_S)
    for each in dead:
        each.close()


def takes_one_more(server: RunningServer) -> bool:
    """Tell whether a client gets in. It may take a moment until those who have gone are gone for the server as well."""
    try:
        return serves(server)
    except (ConnectionError, websocket.WebSocketException):
        return False


def test_an_address_may_have_so_many_connections_and_no_more(
    start_server: StartServer, raw: Callable[[int], socket.socket]
) -> None:
    server = start_server("--insecure", "--auth-key", ACCESS_KEY, "--max-connections-per-address", "10")
    held = [raw(port) for port in server.ports for _ in range(3)]
    observer = raw(server.ingest_port)
    refused = [raw(server.ingest_port) for _ in range(5)]
    assert all(map(is_hung_up_on, refused))

    for each in held:
        each.close()
    observer.close()
    eventually(lambda: takes_one_more(server), "a connection is free again")
    assert server.refused()["too_many_connections_of_address"] >= len(refused)


def test_one_who_sends_without_end_is_slowed_down_and_stays_while_others_are_served(
    start_server: StartServer,
) -> None:
    server = start_server(
        "--insecure", "--auth-key", ACCESS_KEY, "--max-events-per-second", "100", "--ping-interval", "1",
        "--ping-timeout", "2",
    )  # fmt: skip
    flooding, code = log_on(server)
    overlay = WebSocketClient(server.output_port)
    overlay.emit("logon", {"groupCode": code})
    for rounds in range(900):
        flooding.emit("obs_data", messages.observer_data(code, "score", {"team_0": rounds % 99, "team_1": 0}))
    flooding.emit("obs_data", messages.observer_data(code, "map", "Ascent"))
    assert serves(server)

    overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")
    assert server.refused()["events_slowed_down"] >= 1
    flooding.close()
    overlay.close()


def test_a_firehose_without_a_limit_starves_nobody(start_server: StartServer) -> None:
    server = start_server("--insecure", "--auth-key", ACCESS_KEY, "--max-events-per-second", "0")
    flooding, code = log_on(server)
    packet = "42" + f'["obs_data",{messages.observer_data(code, "no_such_type", 1)!r}]'.replace("'", '"')
    pid = os.fork()
    if pid == 0:  # a process of its own, that does nothing but send
        try:
            end = time.monotonic() + 3
            while time.monotonic() < end:
                flooding.send_packet(packet)
        finally:
            os._exit(0)
    try:
        waits = []
        for _ in range(5):
            began = time.monotonic()
            assert server.extras("GET", "/status")[0] == 200
            waits.append(time.monotonic() - began)
        assert sorted(waits)[2] < 0.5
    finally:
        os.waitpid(pid, 0)
        flooding.close()


UNREADABLE = ("", "7", "x", "²", "bA", "42", '451-["x",{"_placeholder":true,"num":0}]')
"""No packets of Engine.IO or Socket.IO, the last one not a whole one."""


def test_three_hundred_connections_leave_nothing_whatever_was_sent_there(strict: RunningServer) -> None:
    base = open_files(strict)
    for number in range(300):
        client: Any = (WebSocketClient, PollingClient)[number % 2](strict.ingest_port)
        if number % 3 and isinstance(client, WebSocketClient):
            for packet in UNREADABLE:
                client.send_packet(packet)
        elif number % 3:
            client.send_packets(*UNREADABLE)
        client.close()

    eventually(lambda: open_files(strict) <= base, "all files are closed", within_s=2 * GONE_S)
    eventually(lambda: sockets_of(strict) == (1, 0), "there is no connection", within_s=2 * GONE_S)


def sockets_of(server: RunningServer) -> tuple[int, int]:
    """Return how many connections there are, that which asks among them, and how many of them are Socket.IO's."""
    _, _, text = server.extras("GET", "/metrics")
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    counts = {name: float(value) for name, value in values.items()}
    clients = sum(value for name, value in counts.items() if name.startswith("valo_ingest_connections{"))
    return int(counts["valo_ingest_sockets"]), int(clients)


def test_a_polling_request_may_be_so_large_and_no_larger(
    strict: RunningServer, raw: Callable[[int], socket.socket]
) -> None:
    connection = raw(strict.ingest_port)
    connection.sendall(b"POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")

    assert connection.recv(12) == b"HTTP/1.1 413"
    assert is_hung_up_on(connection)


def test_a_polling_request_of_more_packets_than_make_sense_is_refused_and_not_dropped(
    strict: RunningServer,
) -> None:
    client = PollingClient(strict.ingest_port)

    with pytest.raises(AssertionError, match="413"):
        client.send_packets(*["3"] * 30_001)

    assert strict.refused()["large_request"] == 1
    client.close()


def test_who_has_itself_answered_and_takes_no_answer_is_disconnected(strict: RunningServer) -> None:
    client = PollingClient(strict.output_port)
    client.send_packets(*['42["logon","{\\"groupCode\\":\\"CODE\\"}"]'] * 4_200)

    eventually(lambda: strict.refused().get("stuck_peer"), "it is disconnected")

    client.close()


def test_a_stop_tells_clients_that_the_server_goes_away(strict: RunningServer) -> None:
    connection = websocket.create_connection(
        f"ws://127.0.0.1:{strict.ingest_port}{PATH}websocket", timeout=GONE_S
    )
    connection.recv()
    strict.process.terminate()

    opcode, payload = websocket.ABNF.OPCODE_TEXT, b""
    while opcode != websocket.ABNF.OPCODE_CLOSE:
        opcode, payload = connection.recv_data(control_frame=True)
    assert payload == (1001).to_bytes(2, "big")
    connection.close()
