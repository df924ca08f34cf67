"""Replays against a real server, and by the command as a process of its own."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.messages import auxiliary_logon, fresh_code, observer_data, observer_logon
from tests.e2e.running import ACCESS_KEY, COMMAND_S, START_S, RunningServer, clean_environment, eventually
from tests.e2e.sockets import WebSocketClient
from tests.rehearsal import tapes
from tests.rehearsal.tapes import opening, phase, stream, told
from tests.storage import kept
from valo_ingest.rehearsal.offline import OfflineServer
from valo_ingest.rehearsal.pacing import ANY_VERSION, Pace, plan
from valo_ingest.rehearsal.recordings import parse
from valo_ingest.wire import exports
from valo_ingest.wire.overlay import document

LONGEST = "real-inhouse-2024-08"


def command(server: RunningServer, *arguments: str) -> list[str]:
    options = ["--url", server.ingest_url, "--key", ACCESS_KEY]
    return [sys.executable, "-m", "valo_ingest", "replay", *arguments, *options]


def run(server: RunningServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(server, *arguments),
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=COMMAND_S,
        check=False,
    )


def shown(server: RunningServer, group_code: str) -> Any:
    """Return the document that an overlay gets which logs on now."""
    overlay = WebSocketClient(server.output_port)
    try:
        overlay.emit("logon", {"groupCode": group_code})
        return overlay.wait_for("match_data")
    finally:
        overlay.close()


@pytest.mark.skipif(not tapes.STREAMS.is_dir(), reason="the shared streams are not beside this checkout")
def test_the_longest_real_match_ends_at_once_as_its_golden_says(server: RunningServer) -> None:
    code = fresh_code()
    arguments = [str(tapes.STREAMS / f"{LONGEST}.jsonl"), "--instant", "--group-code", code]

    done = run(server, *arguments)

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Sent 2,766 events: 2,766 accepted, 0 refused, 0 lost.\n")
    assert "rounds 5, 6 won by kills instead of by time" in done.stderr
    assert "Traceback" not in done.stderr
    (golden,) = tapes.golden_documents(LONGEST)
    assert tapes.timeless(shown(server, code)) == golden


@contextmanager
def original(server: RunningServer) -> Iterator[None]:
    """Have a live match with the group code and the match id of the recording, and an auxiliary client in it."""
    observer, auxiliary = WebSocketClient(server.ingest_port), WebSocketClient(server.ingest_port)
    try:
        observer.emit("obs_logon", observer_logon(tapes.CODE))
        assert observer.wait_for("obs_logon_ack")["value"] is True
        observer.emit("obs_data", observer_data(tapes.CODE, "match_start", kept.MATCH_ID))
        eventually(lambda: shown(server, tapes.CODE)["isRunning"], "the match runs")
        auxiliary.emit("aux_logon", auxiliary_logon(kept.MATCH_ID, "l1"))
        assert auxiliary.wait_for("aux_logon_ack")["value"] is True
        yield
        observer.emit(
            "obs_data", observer_data(tapes.CODE, "round_info", {"roundNumber": 1, "roundPhase": "game_end"})
        )
        auxiliary.wait_closed()
    finally:
        observer.close()
        auxiliary.close()


def test_an_exported_match_is_played_beside_the_live_one_that_it_is_of(
    server: RunningServer, tmp_path: Path
) -> None:
    exported = "".join(exports.stream(kept.make_opening(), (*kept.ENTRIES, kept.GAME_END)))
    (tmp_path / "match.jsonl").write_text(exported)
    code = fresh_code()

    with original(server):
        before = shown(server, tapes.CODE)
        done = run(server, str(tmp_path / "match.jsonl"), "--instant", "--group-code", code)
        assert shown(server, tapes.CODE) == before

    assert done.returncode == 0, done.stderr
    sent = exported.count('"obs_data"') + exported.count('"aux_data"')
    made = plan(parse(exported), Pace(speed=None))
    assert made.added > 0  # timers that had run out in the recording
    sent += made.added
    assert done.stdout.endswith(f"Sent {sent} events: {sent} accepted, 0 refused, 0 lost.\n")
    offline = OfflineServer(ANY_VERSION)
    for due in made.dues:
        offline.take(due.step, due.at_ms)
    (match,) = offline.matches.values()
    assert tapes.timeless(shown(server, code)) == tapes.timeless(document(match))


def test_ctrl_c_ends_a_replay_cleanly(server: RunningServer, tmp_path: Path) -> None:
    code = fresh_code()
    lines = [*opening(), phase(50_000, 2, "shopping"), told(900_000, "map", "Port")]
    (tmp_path / "match.jsonl").write_text(stream(*lines))
    arguments = [str(tmp_path / "match.jsonl"), "--from-round", "2", "--group-code", code]
    process = subprocess.Popen(
        command(server, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    try:
        opened = f"group_code={code} match started"
        eventually(lambda: opened in server.log, "the match has started", within_s=START_S)
        eventually(lambda: shown(server, code)["roundNumber"] == 2, "what is before the round is sent")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=COMMAND_S)
    finally:
        process.kill()
        process.wait()

    assert (process.returncode, errors) == (130, "Stopped.\n")
    assert output.endswith("Sent 7 events: 7 accepted, 0 refused, 0 lost.\n")
    assert eventually(lambda: shown(server, code)["roundPhase"] == "game_end", "its group code is free again")
    assert shown(server, code)["roundNumber"] == 2
