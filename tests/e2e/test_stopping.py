"""The end of a server, and one that cannot begin."""

import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest
import websocket

from tests.conftest import StartServer
from tests.e2e.conftest import WatchedMatch
from tests.e2e.running import ACCESS_KEY, START_S, STOP_S, clean_environment, serve_command
from tests.e2e.sockets import CLOSED, PATH, TIMEOUT_S, PollingClient, WebSocketClient
from tests.ports import closed_ports

GOES_AWAY = 1001

AT_ONCE_S = 1
"""It takes some 30 ms; where somebody is connected who does not hang up, the server waits for 2 s."""


def close_code(connection: websocket.WebSocket) -> int:
    """Return the code with which a server closes a WebSocket, once it has."""
    opcode, payload = websocket.ABNF.OPCODE_TEXT, b""
    while opcode != websocket.ABNF.OPCODE_CLOSE:
        opcode, payload = connection.recv_data(control_frame=True)
    connection.close()
    return int.from_bytes(payload[:2], "big")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_time_whoever_is_connected(
    start_server: StartServer, number: signal.Signals
) -> None:
    server = start_server("--insecure", "--auth-key", ACCESS_KEY)
    match = WatchedMatch(server, WebSocketClient(server.ingest_port))
    match.prepare()
    hanging = HangingPoll(server.output_port)
    silent = socket.create_connection(("127.0.0.1", server.extras_port), TIMEOUT_S)
    listening = websocket.create_connection(
        f"ws://127.0.0.1:{server.ingest_port}{PATH}websocket", timeout=TIMEOUT_S
    )

    took = server.stop(number)

    assert took < STOP_S
    assert close_code(listening) == GOES_AWAY
    for client in (match.observer, match.overlay):
        # So a client of the real library comes back; after a disconnect it would not.
        assert client.wait_closed() == CLOSED
    hanging.wait_ended()
    assert silent.recv(1) == b""
    silent.close()
    assert "stopped" in server.log.splitlines()[-1]


def test_a_second_signal_does_no_harm(start_server: StartServer) -> None:
    server = start_server("--insecure", "--auth-key", ACCESS_KEY)
    hanging = HangingPoll(server.output_port)

    server.process.send_signal(signal.SIGINT)
    server.process.send_signal(signal.SIGINT)

    assert server.stop() < STOP_S
    hanging.wait_ended()


@pytest.mark.parametrize(("taken", "setting"), [(0, "INGEST_PORT"), (1, "OUTPUT_PORT"), (2, "EXTRAS_PORT")])
def test_a_port_in_use_is_named_with_its_setting(tmp_path: Path, taken: int, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = [0, 0, 0]
        ports[taken] = other.getsockname()[1]

        result = subprocess.run(
            serve_command("--insecure", "--auth-key", ACCESS_KEY, ports=ports),
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )

    assert result.returncode == 1
    assert str(ports[taken]) in result.stderr
    assert setting in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_ports_are_free_again_at_once_and_a_server_without_clients_ends_at_once(
    start_server: StartServer,
) -> None:
    first = start_server("--insecure", "--auth-key", ACCESS_KEY, ports=closed_ports())
    match = WatchedMatch(first, WebSocketClient(first.ingest_port))
    first.stop()
    match.close()

    second = start_server("--insecure", "--auth-key", ACCESS_KEY, ports=first.ports)

    assert second.ports == first.ports
    assert second.stop() < AT_ONCE_S


class HangingPoll:
    """A client that polls and waits for an answer which does not come."""

    def __init__(self, port: int) -> None:
        client = PollingClient(port)
        client.close()
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self._socket.sendall(f"GET {PATH}polling&sid={client.sid} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def wait_ended(self) -> None:
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()
        self._socket.close()

    def _wait(self) -> None:
        try:
            while self._socket.recv(4_096):
                pass
        except ConnectionResetError:
            pass
