"""A controller of one's own may block: other connections go on, and each one's messages stay in order."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import messages
from tests.e2e.running import RunningServer, eventually
from tests.e2e.sockets import PollingClient, WebSocketClient

SERVER = Path(__file__).with_name("blocking_server.py")

HELD = "HELD"


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("slow-server"), [sys.executable, str(SERVER)])
    yield running
    running.close()


def calls(server: RunningServer, group_code: str) -> list[str]:
    """Return what the controller was called with for this group code, in order."""
    lines = [line.rsplit(" ", 1) for line in server.printed.splitlines() if " " in line]
    return [what for code, what in lines if code == group_code]


def let_go(server: RunningServer, group_code: str) -> None:
    """End the call that blocks for this group code."""
    (server.directory / group_code).touch()


def test_a_call_that_blocks_stalls_no_other_connection(slow_server: RunningServer) -> None:
    slow, quick = WebSocketClient(slow_server.ingest_port), WebSocketClient(slow_server.ingest_port)
    quick.emit("obs_logon", messages.observer_logon("QUICK"))
    quick.wait_for("obs_logon_ack")
    slow.emit("obs_logon", messages.observer_logon(HELD))

    for number in range(50):
        quick.emit("obs_data", messages.observer_data("QUICK", "map", str(number)))
    eventually(lambda: len(calls(slow_server, "QUICK")) == 51, "all calls of the quick client")

    assert calls(slow_server, HELD) == []  # still blocking in its logon
    let_go(slow_server, HELD)
    slow.wait_for("obs_logon_ack")
    slow.close()
    quick.close()
    eventually(lambda: calls(slow_server, HELD) == ["logon", "gone"], "the slow client is gone")


@pytest.mark.parametrize("kind", [WebSocketClient, PollingClient])
def test_messages_of_one_connection_stay_in_order_behind_a_logon_that_blocks(
    slow_server: RunningServer, kind: type[WebSocketClient | PollingClient]
) -> None:
    code = "SLOW20" if kind is WebSocketClient else "SLOW21"
    client = kind(slow_server.ingest_port)
    client.emit("obs_logon", messages.observer_logon(code))
    expected = [str(number) for number in range(10)]
    for number in expected:
        client.emit("obs_data", messages.observer_data(code, "map", number))

    eventually(lambda: len(calls(slow_server, code)) == 11, "all calls")
    assert calls(slow_server, code) == ["logon", *expected]
    client.close()


def test_auxiliary_clients_reach_a_controller_of_ones_own_as_well(slow_server: RunningServer) -> None:
    client = WebSocketClient(slow_server.ingest_port)
    client.emit("aux_logon", messages.auxiliary_logon("AUX", "P"))
    assert client.wait_for("aux_logon_ack") == {"type": "aux_authenticate", "value": True}

    client.emit("aux_data", messages.auxiliary_data("AUX", "P", "aux_health", 5))
    eventually(lambda: calls(slow_server, "AUX") == ["logon", "5"], "its data")
    client.close()
    eventually(lambda: calls(slow_server, "AUX") == ["logon", "5", "gone"], "its end")


def test_a_client_that_goes_during_its_logon_is_told_to_be_gone(slow_server: RunningServer) -> None:
    client = WebSocketClient(slow_server.ingest_port)
    client.emit("obs_logon", messages.observer_logon("HELD TOO"))
    client.close()
    let_go(slow_server, "HELD TOO")

    eventually(lambda: calls(slow_server, "HELD TOO") == ["logon", "gone"], "logon and end")
