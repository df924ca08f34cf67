"""Somebody sets the clock of the machine back, and matches go on."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import messages
from tests.e2e.messages import fresh_code
from tests.e2e.running import ACCESS_KEY, RunningServer, serve_command
from tests.e2e.sockets import WebSocketClient

WITH_A_CLOCK_THAT_STANDS_STILL = """
from valo_ingest.__main__ import main
import time
began = time.time_ns()
time.time_ns = lambda: began
main()
"""
"""What the server's clock does when that of the machine is set back, since it never runs backwards."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    _, _, _, *arguments = serve_command("--insecure", "--auth-key", ACCESS_KEY)
    running = RunningServer(tmp_path, [sys.executable, "-c", WITH_A_CLOCK_THAT_STANDS_STILL, *arguments])
    yield running
    running.close()


def test_overlays_still_see_every_change(server: RunningServer) -> None:
    code = fresh_code()
    observer, overlay = WebSocketClient(server.ingest_port), WebSocketClient(server.output_port)
    observer.emit("obs_logon", messages.observer_logon(code))
    assert observer.wait_for("obs_logon_ack")["value"]
    overlay.emit("logon", {"groupCode": code})

    for score in range(1, 4):
        observer.emit("obs_data", messages.observer_data(code, "score", {"team_0": score, "team_1": 0}))
        overlay.wait_for("match_data", lambda document, won=score: document["teams"][0]["roundsWon"] == won)
