"""Clients that mean harm, or have died without a word: each is ended or slowed down, and the others notice nothing."""

import os
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import websocket

from tests.conftest import StartServer
from tests.e2e import messages
from tests.e2e.conftest import Counting
from tests.e2e.messages import fresh_code
from tests.e2e.running import ACCESS_KEY, RunningServer, eventually, serve_command
from tests.e2e.sockets import PATH, PollingClient, WebSocketClient

DEADLINE_S = 2
"""Long enough for a client of these tests, which takes some ms, also where the machine is busy."""

SHORT = ("--deadline", str(DEADLINE_S), "--ping-interval", "1", "--ping-timeout", "1")

GONE_S = 20
"""Within this time what is over has to be gone, also on a busy machine."""

PER_ADDRESS = 10

StartShared = Callable[..., RunningServer]


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartShared]:
    """Start servers for all tests of this module; each test waits until what came before it is gone."""
    with ExitStack() as running:

        def start(*arguments: str) -> RunningServer:
            command = serve_command("--insecure", "--auth-key", ACCESS_KEY, *arguments)
            server = RunningServer(tmp_path_factory.mktemp("server"), command)
            running.callback(server.close)
            return server

        yield start


@pytest.fixture(scope="module")
def hasty_server(start_shared: StartShared) -> RunningServer:
    return start_shared(*SHORT)


@pytest.fixture
def strict(hasty_server: RunningServer) -> RunningServer:
    """A server whose clients have little time."""
    return at_rest(hasty_server)


@pytest.fixture(scope="module")
def unhurried_server(start_shared: StartShared) -> RunningServer:
    return start_shared("--deadline", str(DEADLINE_S))


@pytest.fixture
def patient(unhurried_server: RunningServer) -> RunningServer:
    """A server whose clients have little time to log on, and much to answer pings."""
    return at_rest(unhurried_server)


@pytest.fixture(scope="module")
def tight_server(start_shared: StartShared) -> RunningServer:
    return start_shared(
        *("--max-connections-per-address", str(PER_ADDRESS), "--max-events-per-second", "100"),
        *("--ping-interval", "1", "--ping-timeout", "2"),
    )


@pytest.fixture
def narrow(tight_server: RunningServer) -> RunningServer:
    """A server that takes few connections of an address, and few events a second."""
    return at_rest(tight_server)


def at_rest(server: RunningServer) -> RunningServer:
    """Return a server once nobody is connected to it."""
    eventually(lambda: sockets_of(server) == (1, 0), "nobody is connected", within_s=2 * GONE_S)
    return server


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


def assert_serves(server: RunningServer) -> None:
    """Prove that a well-behaved client is served; one who has to wait for others takes too long for its deadline."""
    observer, _ = log_on(server)
    observer.close()


HALF_REQUESTS = {
    "nothing": b"",
    "half a request line": b"GET /socket.io/?EIO=4",
    "half a head": b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n",
    "half a body": b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n4",
    "half a chunk": b"POST /socket.io/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n4",
}


def test_a_request_that_never_ends_is_ended(
    strict: RunningServer, raw: Callable[[int], socket.socket]
) -> None:
    counting = Counting(strict)
    begun: dict[str, list[socket.socket]] = {name: [] for name in HALF_REQUESTS}
    for name, begin in HALF_REQUESTS.items():
        for port in strict.ports * 8:
            begun[name].append(raw(port))
            begun[name][-1].sendall(begin)
    assert_serves(strict)

    assert {name: all(map(is_hung_up_on, each)) for name, each in begun.items()} == dict.fromkeys(begun, True)
    assert counting.new() == {"slow_request": sum(map(len, begun.values()))}


def test_a_request_that_comes_drop_by_drop_is_ended(
    strict: RunningServer, raw: Callable[[int], socket.socket]
) -> None:
    counting = Counting(strict)
    connection = raw(strict.ingest_port)
    connection.sendall(b"GET / HTTP/1.1\r\n")
    began = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - began < GONE_S:
            connection.sendall(b"X: y\r\n")
            time.sleep(0.05)
    assert counting.new() == {"slow_request": 1}


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
    with context.wrap_socket(raw(server.extras_port)) as client:
        client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"

    assert all(map(is_hung_up_on, [*silent, *half, *scanner]))


def test_who_never_logs_on_is_disconnected(patient: RunningServer) -> None:
    counting = Counting(patient)
    idle = websocket.create_connection(f"ws://127.0.0.1:{patient.ingest_port}{PATH}websocket", timeout=GONE_S)
    joined, overlay = WebSocketClient(patient.ingest_port), WebSocketClient(patient.output_port)
    observer, code = log_on(patient)
    follower = WebSocketClient(patient.output_port)
    follower.emit("logon", {"groupCode": code})

    for each in (joined, overlay):
        each.wait_closed()
    assert idle.sock is not None
    assert is_hung_up_on(idle.sock)
    assert counting.new() == {"no_logon": 3}
    observer.emit("obs_data", messages.observer_data(code, "map", "Ascent"))
    follower.wait_for("match_data", lambda document: document["map"] == "Ascent")
    observer.close()
    follower.close()


def test_who_says_goodbye_and_stays_is_disconnected(patient: RunningServer) -> None:
    counting = Counting(patient)
    observer, code = log_on(patient)
    overlay = WebSocketClient(patient.output_port)
    overlay.emit("logon", {"groupCode": code})
    overlay.wait_for("logon_success")

    for each in (observer, overlay):
        each.send_packet("41")

    for each in (observer, overlay):
        each.wait_closed()
    assert counting.new() == {"no_logon": 2}


def test_who_polls_and_never_logs_on_is_disconnected(patient: RunningServer) -> None:
    counting = Counting(patient)
    client = PollingClient(patient.ingest_port)
    eventually(lambda: counting.new().get("no_logon"), "the session is ended")

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
        assert_serves(server)
        return True
    except (ConnectionError, websocket.WebSocketException):
        return False


def test_an_address_may_have_so_many_connections_and_no_more(
    narrow: RunningServer, raw: Callable[[int], socket.socket]
) -> None:
    counting = Counting(narrow)
    held = [raw(port) for port in narrow.ports for _ in range(PER_ADDRESS // 3)]
    held.append(raw(narrow.ingest_port))
    refused = [raw(narrow.ingest_port) for _ in range(5)]
    assert all(map(is_hung_up_on, refused))

    for each in held:
        each.close()
    eventually(lambda: takes_one_more(narrow), "a connection is free again")
    assert counting.new()["too_many_connections_of_address"] >= len(refused)


def test_one_who_sends_without_end_is_slowed_down_and_stays_while_others_are_served(
    narrow: RunningServer,
) -> None:
    flooding, code = log_on(narrow)
    overlay = WebSocketClient(narrow.output_port)
    overlay.emit("logon", {"groupCode": code})
    for rounds in range(900):
        flooding.emit("obs_data", messages.observer_data(code, "score", {"team_0": rounds % 99, "team_1": 0}))
    flooding.emit("obs_data", messages.observer_data(code, "map", "Ascent"))
    assert_serves(narrow)

    overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")
    assert narrow.refused()["events_slowed_down"] >= 1
    flooding.close()
    overlay.close()


FIREHOSE_S = 60
"""So long a firehose runs at most, if nobody ends it."""

ANSWER_S = 3
"""An answer takes some ms. Who is starved gets none as long as the firehose runs."""


def test_a_firehose_without_a_limit_starves_nobody(start_server: StartServer) -> None:
    server = start_server("--insecure", "--auth-key", ACCESS_KEY, "--max-events-per-second", "0")
    flooding, code = log_on(server)
    packet = "42" + f'["obs_data",{messages.observer_data(code, "no_such_type", 1)!r}]'.replace("'", '"')
    pid = os.fork()
    if pid == 0:  # a process of its own, that does nothing but send
        try:
            end = time.monotonic() + FIREHOSE_S
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
        assert os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None, (
            "the firehose has ended"
        )
        assert sorted(waits)[2] < ANSWER_S
    finally:
        os.kill(pid, signal.SIGKILL)
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
    counting = Counting(strict)
    client = PollingClient(strict.ingest_port)

    with pytest.raises(AssertionError, match="413"):
        client.send_packets(*["3"] * 30_001)

    assert counting.new()["large_request"] == 1
    client.close()


def test_who_has_itself_answered_and_takes_no_answer_is_disconnected(patient: RunningServer) -> None:
    client = PollingClient(patient.output_port)
    client.send_packets(*['42["logon","{\\"groupCode\\":\\"CODE\\"}"]'] * 4_200)

    eventually(lambda: patient.refused().get("stuck_peer"), "it is disconnected")

    client.close()
