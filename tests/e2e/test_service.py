"""A server as what looks after services sees it: systemd, health checks, Prometheus."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import WatchedMatch, as_text
from tests.e2e.messages import observer_data
from tests.e2e.running import (
    ACCESS_KEY,
    ROOT,
    RunningServer,
    clean_environment,
    eventually,
    serve_command,
)
from tests.e2e.sockets import PollingClient, WebSocketClient, event_packet
from tests.e2e.test_stopping import HangingPoll

WATCHDOG_US = 300_000

needs_systemd = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has systemd")


class Systemd:
    """What a service manager hears at a path."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(WATCHDOG_US)}

    def wait_for(self, word: str, within_s: float = 10) -> str:
        """Return what came with the next `word`."""
        self._socket.settimeout(within_s)
        while True:
            first, _, status = self._socket.recv(4_096).decode().partition("\n")
            if first == word:
                return status

    def drain(self) -> None:
        """Forget what has come already."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(4_096)
        except BlockingIOError:
            pass

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    listening = Systemd(tmp_path / "notify")
    yield listening
    listening.close()


@needs_systemd
def test_systemd_hears_of_the_start_of_life_of_a_reload_and_of_the_stop_and_nothing_while_it_hangs(
    tmp_path: Path, systemd: Systemd
) -> None:
    server = RunningServer(
        tmp_path,
        serve_command("--insecure", "--tls-reload", "--auth-key", ACCESS_KEY),
        environment=systemd.environment,
    )
    assert systemd.wait_for("READY=1") == "STATUS=0 matches are live."
    match = WatchedMatch(server, WebSocketClient(server.ingest_port))
    eventually(lambda: systemd.wait_for("WATCHDOG=1") == "STATUS=1 matches are live.", "a sign of life")

    server.process.send_signal(signal.SIGSTOP)
    process = psutil.Process(server.process.pid)
    eventually(lambda: process.status() == psutil.STATUS_STOPPED, "the server hangs")
    systemd.drain()
    with pytest.raises(TimeoutError):
        systemd.wait_for("WATCHDOG=1", within_s=WATCHDOG_US / 1e6)
    server.process.send_signal(signal.SIGCONT)

    server.process.send_signal(signal.SIGHUP)
    assert systemd.wait_for("RELOADING=1").startswith("MONOTONIC_USEC=")
    systemd.wait_for("READY=1")

    hanging = HangingPoll(server.output_port)  # which makes the stop take its time
    server.process.send_signal(signal.SIGTERM)
    systemd.wait_for("STOPPING=1")
    status, _, ready = server.extras("GET", "/readyz")
    assert (status, ready["problems"]) == (503, ["The server is stopping."])
    server.close()
    hanging.wait_ended()
    match.close()


RATE = 20
"""Events a second that the slow server takes."""

BURST = 4 * RATE
"""So many come at once before anybody is slowed down."""

SENT = 10 * RATE
"""More than the burst and what a busy machine takes in meanwhile: this is sent in some ms, and would have 6 s."""


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    command = serve_command("--insecure", "--auth-key", ACCESS_KEY, "--max-events-per-second", str(RATE))
    server = RunningServer(tmp_path_factory.mktemp("slow"), command)
    yield server
    server.close()


def test_a_server_without_its_data_directory_is_not_ready(slow_server: RunningServer) -> None:
    server, data = slow_server, slow_server.directory / "data"
    elsewhere = data.with_name("elsewhere")
    assert server.extras("GET", "/readyz")[0] == 200

    data.rename(elsewhere)
    try:
        eventually(lambda: server.extras("GET", "/readyz")[0] == 503, "the server is not ready")
        assert server.extras("GET", "/healthz")[0] == 200
        (problem,) = server.extras("GET", "/readyz")[2]["problems"]
        assert problem == "The data directory cannot be written: No such file or directory."
    finally:
        elsewhere.rename(data)
    eventually(lambda: server.extras("GET", "/readyz")[0] == 200, "the server is ready again")


def test_the_health_check_of_the_image_tells_whether_the_server_lives(slow_server: RunningServer) -> None:
    def check(port: int) -> tuple[int, str]:
        result = subprocess.run(
            [sys.executable, ROOT / "deploy" / "docker" / "healthcheck.py"],
            env={**clean_environment(), "VALO_INGEST_EXTRAS_PORT": str(port)},
            capture_output=True,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout

    assert check(slow_server.extras_port) == (0, "ok\n")
    status, told = check(slow_server.ingest_port)
    assert status == 1
    assert told.startswith("no answer: ")


def metrics(server: RunningServer) -> dict[tuple[str, ...], float]:
    """Return what the server tells Prometheus: by name and values of labels, in their order."""
    status, headers, text = server.extras("GET", "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain")
    return {
        (sample.name.removeprefix("valo_ingest_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_happens_is_seen_in_metrics(watched: WatchedMatch, server: RunningServer) -> None:
    before = metrics(server)
    for number in range(5):
        watched.tell("score", {"team_0": number, "team_1": 0})
    watched.tell("score", {"team_0": "many", "team_1": 0})
    watched.overlay.wait_for("match_data", lambda document: document["teams"][0]["roundsWon"] == 4)
    watched.observer.wait_for("message")

    def kept() -> dict[tuple[str, ...], float]:
        now = metrics(server)
        written = ("journal_entries_written_total",)
        return now if now[written] >= before[written] + 5 else {}

    after = eventually(kept, "the journal has written all")
    grown = {name: value - before[name] for name, value in after.items() if value > before[name]}
    assert grown["events_total", "obs_data", "accepted", "score"] == 5
    assert grown["events_total", "obs_data", "refused", "score"] == 1
    assert grown["refusals_total", "invalid_field"] == 1
    assert grown["journal_entries_written_total",] == 5
    assert grown["journal_commit_seconds_count",] >= 1
    assert 1 <= grown["emit_to_send_seconds_count",] <= 5
    assert (after["matches",], after["ready",]) == (1, 1)
    assert (after["connections", "observer"], after["connections", "overlay"]) == (1, 1)
    assert after["process_cpu_seconds_total",] >= before["process_cpu_seconds_total",] > 0


def test_a_client_that_sends_too_fast_is_told(slow_server: RunningServer) -> None:
    match = WatchedMatch(slow_server, WebSocketClient(slow_server.ingest_port))
    for _ in range(SENT):
        match.observer.emit("obs_data", as_text(observer_data(match.code, "map", "Duality")))

    notice = match.observer.wait_for("message")

    assert (notice["type"], notice["code"]) == ("notice", "events_slowed_down")
    assert BURST <= notice["event"] <= SENT
    match.close()


def test_a_polling_client_that_sends_too_fast_is_told(slow_server: RunningServer) -> None:
    match = WatchedMatch(slow_server, PollingClient(slow_server.ingest_port))
    event = event_packet("obs_data", as_text(observer_data(match.code, "map", "Duality")))
    for _ in range(2):
        match.observer.send_packets(*[event] * (SENT // 2))

    notice = match.observer.wait_for("message")

    assert (notice["type"], notice["code"]) == ("notice", "events_slowed_down")
    match.close()
