"""Load tests as one types them, against real servers: all at once, since they mostly wait."""

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.e2e.proxy import Proxy
from tests.e2e.running import ACCESS_KEY, RunningServer, clean_environment, eventually, serve_command
from tests.rehearsal.swallowing_proxy import SwallowingProxy
from valo_ingest.rehearsal.load.scenario import SHIPPED

SECONDS: Final = ("3", "20")
"""How long a healthy server is tried, and how long where the machine is too busy for much in that time."""

LONGEST_S: Final = 120

SCENARIO: Final = """
about = "Two matches for a moment"
matches = 2
auxiliaries = 3
overlays = 2
duration_s = 60
speed = 10
reconnects_per_minute = 60
refusals_per_minute = 40

[limits]
p99_ms = 5000  # of tests that run beside others
"""

LONGER: Final = "5"
"""Seconds in which overlays are missed that are shown nothing but the first documents."""

BUSY: Final = (SHIPPED / "lan-final.toml").read_text(encoding="utf-8").replace("speed = 4", "speed = 25")
"""lan-final, but a whole round is played in a few seconds: whenever it begins, there is much to see."""

FIRST_DOCUMENTS: Final = 20_000
"""Bytes that overlays have got when the first of them are shown something."""

CLIENTS: Final = 12
"""Two matches with an observer, three auxiliary clients and two overlays each."""

EVENTS: Final = 100
"""The least that has to be sent, so that what is proved of all of them means something."""

LOST_OF: Final = 10
"""Every such scoreboard is swallowed by the cable."""


@dataclass(frozen=True)
class Done:
    """A load test that has ended, and what it left."""

    status: int
    printed: str
    errors: str
    directory: Path

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode((self.directory / "summary.json").read_bytes())
        return found


class Running:
    """`valo-ingest loadtest` in a directory of its own."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self._directory = directory
        directory.mkdir()
        (directory / "small.toml").write_text(SCENARIO, encoding="utf-8")
        (directory / "busy.toml").write_text(BUSY, encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "valo_ingest", "loadtest", *arguments],
            cwd=directory,
            # Settings of a real server play no role.
            env={**clean_environment(), "VALO_INGEST_MAX_MATCHES_PER_KEY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self) -> Done:
        printed, errors = self.process.communicate(timeout=LONGEST_S)
        found = re.search("Report: (.*)report.html", printed)
        assert found is not None, printed + errors
        return Done(self.process.returncode, printed, errors, self._directory / found[1])


@dataclass(frozen=True)
class AllDone:
    """The load tests of this module."""

    healthy: Done
    stalled: Done
    lossy: Done
    mute: Done
    swallowed: int


class Cable:
    """Swallows every tenth scoreboard of auxiliary clients, and counts. Of an observer's, the first hold a match up."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.swallowed = 0

    def __call__(self, payload: bytes) -> bool:
        if b'"aux_scoreboard' not in payload.replace(b"\\", b"") or next(self._numbers) % LOST_OF:
            return False
        self.swallowed += 1
        return True


def start_server(directory: Path, module: str, running: ExitStack) -> RunningServer:
    directory.mkdir()
    command = [module if part == "valo_ingest" else part for part in serve_command("--insecure")]
    server = RunningServer(directory, [*command, "--auth-key", ACCESS_KEY])
    running.callback(server.close)
    return server


def at(server: RunningServer, port: int = 0) -> tuple[str, ...]:
    ingest_url = f"http://127.0.0.1:{port or server.ingest_port}"
    return "--url", ingest_url, "--output-url", server.output_url, "--key", ACCESS_KEY


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AllDone]:
    directory = tmp_path_factory.mktemp("load")
    cable = Cable()
    with ExitStack() as running:
        healthy = try_healthy(directory / "healthy", SECONDS[0], running)
        stalling = start_server(directory / "stalling", "tests.rehearsal.stalling_server", running)
        stalled = Running(directory / "stalled", "busy.toml", "--duration", LONGER, *at(stalling))
        running.callback(stalled.process.kill)
        server = start_server(directory / "server", "valo_ingest", running)
        proxy = SwallowingProxy(server.ingest_port, cable)
        running.callback(proxy.close)
        lossy = Running(directory / "lossy", "busy.toml", "--duration", LONGER, *at(server, proxy.port))
        running.callback(lossy.process.kill)
        overlays = Proxy(server.output_port)
        running.callback(overlays.close)
        arguments = ("--url", server.ingest_url, "--output-url", overlays.url, "--key", ACCESS_KEY)
        mute = Running(directory / "mute", "busy.toml", "--duration", LONGER, *arguments)
        running.callback(mute.process.kill)
        eventually(
            lambda: sum(len(link.downstream) for link in overlays.links) > FIRST_DOCUMENTS,
            "overlays are shown something",
            within_s=LONGEST_S,
        )
        overlays.blackhole()
        tried, *others = healthy.wait(), stalled.wait(), lossy.wait(), mute.wait()
        if not is_much(tried):
            tried = try_healthy(directory / "healthy for longer", SECONDS[1], running).wait()
        yield AllDone(tried, *others, cable.swallowed)


def try_healthy(directory: Path, seconds: str, running: ExitStack) -> Running:
    healthy = Running(directory, "small.toml", "--duration", seconds)
    running.callback(healthy.process.kill)
    return healthy


def is_much(run: Done) -> bool:
    """Tell whether so much was done that all of it can be judged."""
    rows = run.summary["rows"]
    logons = sum(row["count"] for row in rows.get("logon", {}).values())
    is_everybody_in = logons == CLIENTS and rows.get("reconnect") and rows.get("refusal")
    return bool(is_everybody_in) and run.summary["events"]["sent"] > 2 * EVENTS


def test_a_healthy_server_passes(done: AllDone) -> None:
    run = done.healthy

    assert run.status == 0, run.printed + run.errors
    assert "Passed." in run.printed
    assert run.errors == ""
    assert run.summary["missed"] == []


def test_every_event_that_was_sent_is_accounted_for(done: AllDone) -> None:
    events = done.healthy.summary["events"]

    assert events["sent"] > EVENTS
    assert (events["applied"], events["lost"], events["unconfirmed"]) == (events["sent"], 0, 0)


def test_logons_reconnects_and_refusals_have_rows_of_their_own(done: AllDone) -> None:
    rows = done.healthy.summary["rows"]

    assert {name: row["count"] for name, row in rows["logon"].items()} == {
        "auxiliary": 6,
        "observer": 2,
        "overlay": 4,
    }
    assert rows["reconnect"], "nobody was cut off"
    assert rows["refusal"]["auxiliary"]["count"] >= 1
    assert rows["event seen"]["scoreboard"]["count"] > 10


def test_it_leaves_a_report_tables_and_the_log_of_its_server(done: AllDone) -> None:
    names = sorted(path.name for path in done.healthy.directory.iterdir())

    assert names == ["failures.csv", "report.html", "seconds.csv", "server.log", "stats.csv", "summary.json"]
    report = (done.healthy.directory / "report.html").read_text(encoding="utf-8")
    assert "<svg" in report and "Locust" in report
    assert "Traceback" not in (done.healthy.directory / "server.log").read_text(encoding="utf-8")


def test_a_server_that_stalls_for_200_ms_fails(done: AllDone) -> None:
    run = done.stalled

    assert run.status == 1, run.printed + run.errors
    assert re.search(
        r"^Limit missed: p99_ms: \d+(\.\d)? ms from event to overlay, limit 100 ms\.$", run.printed, re.M
    )
    assert run.summary["seen"]["p99_ms"] > 120


def test_overlays_that_are_shown_nothing_any_more_fail_it(done: AllDone) -> None:
    run = done.mute

    assert run.status == 1, run.printed + run.errors
    assert run.summary["events"]["lost"] == 0
    assert re.search(
        r"^  failed (once|\d+ times): event seen, overlay: it was shown nothing any more", run.printed, re.M
    )


def test_the_accounts_find_exactly_what_a_cable_has_lost(done: AllDone) -> None:
    run = done.lossy

    assert run.status == 1, run.printed + run.errors
    assert done.swallowed > 0
    assert run.summary["events"]["lost"] == done.swallowed
    assert f"Limit missed: lost: {done.swallowed} events lost, limit 0." in run.printed
    events = run.summary["events"]
    assert events["sent"] == events["applied"] + events["lost"]
