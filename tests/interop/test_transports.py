"""The real client reaches both Socket.IO sides on every transport it knows."""

import json
from collections.abc import Iterator

import pytest

from tests.conftest import StartServer
from tests.e2e import messages
from tests.e2e.running import ACCESS_KEY, RunningServer, serve_command
from tests.interop.conftest import Connect, Follow, LogOn, tell, text
from tests.ports import closed_ports

TRANSPORTS = {
    "polling, then an upgrade": (["polling", "websocket"], ["open", "connect", "upgrade"]),
    "WebSocket only": (["websocket"], ["open", "connect"]),
    "polling only": (["polling"], ["open", "connect"]),
}


@pytest.mark.parametrize(("transports", "expected"), TRANSPORTS.values(), ids=TRANSPORTS.keys())
def test_an_observer_is_served_on_every_transport(
    connect: Connect,
    follow: Follow,
    server: RunningServer,
    code: str,
    transports: list[str],
    expected: list[str],
) -> None:
    observer = connect(server.ingest_url, transports=transports)
    observer.wait_until_happened(*expected)
    assert len(observer.names()) == len(expected)

    observer.emit("obs_logon", text(messages.observer_logon(code)))
    assert observer.wait_for("obs_logon_ack")["value"] is True
    tell(observer, code, "map", "Ascent")
    assert follow(code).wait_for("match_data", lambda document: document["map"] == "Ascent")


@pytest.mark.parametrize(("transports", "expected"), TRANSPORTS.values(), ids=TRANSPORTS.keys())
def test_an_overlay_is_served_on_every_transport(
    connect: Connect,
    observe: LogOn,
    server: RunningServer,
    code: str,
    transports: list[str],
    expected: list[str],
) -> None:
    observer = observe(code)
    observer.wait_for("obs_logon_ack")
    overlay = connect(server.output_url, transports=transports)
    overlay.wait_until_happened(*expected)

    overlay.emit("logon", text({"groupCode": code}))
    assert overlay.wait_for("logon_success")["groupCode"] == code
    assert overlay.wait_for("match_data")["map"] == "Loading"
    tell(observer, code, "map", "Ascent")
    assert overlay.wait_for("match_data")["map"] == "Ascent"


def test_events_sent_before_and_during_the_upgrade_arrive_in_order(
    connect: Connect, follow: Follow, server: RunningServer, code: str
) -> None:
    observer = connect(server.ingest_url)
    observer.emit("obs_logon", text(messages.observer_logon(code)))
    for number in range(60):
        tell(observer, code, "score", {"team_0": number, "team_1": 0})
    overlay = follow(code)

    observer.wait_for("obs_logon_ack")
    assert overlay.wait_for("match_data", lambda document: document["teams"][0]["roundsWon"] == 59)
    scores = [document["teams"][0]["roundsWon"] for document in map(json.loads, overlay.texts("match_data"))]
    assert scores == sorted(set(scores))


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    command = serve_command("--self-signed", "--auth-key", ACCESS_KEY)
    running = RunningServer(tmp_path_factory.mktemp("tls-server"), command, scheme="https")
    yield running
    running.close()


@pytest.mark.parametrize("transports", [["polling", "websocket"], ["websocket"], ["polling"]], ids="+".join)
def test_tls_with_a_certificate_that_nobody_signed_is_taken_as_real_clients_take_it(
    tls_server: RunningServer, connect: Connect, code: str, transports: list[str]
) -> None:
    trusting = {"rejectUnauthorized": False, "transports": transports}

    observer = connect(tls_server.ingest_url, **trusting)
    observer.emit("obs_logon", text(messages.observer_logon(code)))
    assert observer.wait_for("obs_logon_ack")["value"] is True
    overlay = connect(tls_server.output_url, **trusting)
    overlay.emit("logon", text({"groupCode": code}))
    assert overlay.wait_for("match_data")["groupCode"] == code


def test_a_client_that_checks_certificates_does_not_connect(
    tls_server: RunningServer, connect: Connect
) -> None:
    client = connect(tls_server.ingest_url, rejectUnauthorized=True, transports=["websocket"])

    assert client.wait_for("connect_error")


def test_a_stop_lets_clients_come_back_to_the_next_server(
    start_server: StartServer, connect: Connect, code: str
) -> None:
    first = start_server("--insecure", "--auth-key", ACCESS_KEY, ports=closed_ports())
    options = {"reconnection": True, "reconnectionDelay": 50, "reconnectionDelayMax": 100}
    observer = connect(first.ingest_url, **options)
    overlay = connect(first.output_url, **options)
    polling = connect(first.ingest_url, transports=["polling"], **options)
    observer.emit("obs_logon", text(messages.observer_logon(code)))
    observer.wait_for("obs_logon_ack")
    for client in (observer, overlay):
        client.wait_until_happened("upgrade")
    polling.wait_for("connect")

    first.stop()
    assert observer.wait_for("disconnect") == "transport close"
    assert overlay.wait_for("disconnect") == "transport close"
    assert polling.wait_for("disconnect") == "transport error"

    start_server("--insecure", "--auth-key", ACCESS_KEY, ports=first.ports)
    for client in (observer, overlay, polling):
        client.wait_for("connect")
