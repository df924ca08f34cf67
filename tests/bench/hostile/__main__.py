"""`scripts/bench --hostile`: starts the server, its crew and its attackers, and judges."""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench import servers
from tests.bench.connections import LoadError
from tests.bench.crowds import STARTED_S
from tests.bench.hostile import attackers, rows
from tests.bench.hostile.attackers import Orders
from tests.bench.hostile.crew import Crew, SecondMatch, kept, lost
from tests.bench.hostile.peers import Target
from tests.bench.hostile.rows import Row
from tests.bench.hostile.verdict import Facts, checks
from tests.bench.hostile.watch import Watch, health, journal_bytes
from tests.bench.measure import Cores, cpu_s, waited_s
from tests.bench.servers import Holdings, Server
from tests.bench.stage import Stage
from tests.e2e.running import ACCESS_KEY

MINUTES: Final = 10.0

WARM_UP_SHARE: Final = 0.2
WARM_UP_S: Final = 100.0
"""After which those who are held for longest are as many as they will be: half-open peers stay for 90 s."""

GONE_S: Final = 120.0
"""What attackers held must be given back within this time."""

STANDSTILL_S: Final = 10.0
"""A virtual machine that is frozen for longer than a ping may take has all its clients disconnected when it goes on."""

LOG_TAIL: Final = 4_000
"""Characters of the log that are shown when a run cannot be played to its end."""

SETTLE_S: Final = 1.0


@dataclass(frozen=True)
class Plan:
    """How a run is to be."""

    seconds: float
    intensity: float = 1.0
    tls: bool = True
    names: tuple[str, ...] = ()
    """Of the rows; all that mean anything there if there are none."""
    has_second: bool = True
    started_s: float = STARTED_S
    """Between the entry of the crew and that of attackers."""

    def rows(self) -> list[Row]:
        scheme = "https" if self.tls else "http"
        found = [row for row in rows.load().values() if row.scheme in ("", scheme)]
        return [row for row in found if not self.names or row.name in self.names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack a server of our own; return the exit status."""
    options = _parse(arguments)
    plan = Plan(
        seconds=options.minutes * 60,
        intensity=options.intensity,
        tls=not options.insecure,
        names=tuple(options.only or ()),
    )
    cores = Cores.choose()
    cores.pin_load()
    print(
        f"{len(plan.rows())} rows for {options.minutes:g} min, {'TLS' if plan.tls else 'no TLS'}", flush=True
    )
    try:
        facts = run(plan, cores)
    except (LoadError, AssertionError) as error:
        print(f"FAILED: {error}", flush=True)
        return 1
    found = checks(facts, plan.rows())
    print(*found, sep="\n")
    attackers_share = facts.campaign.get("cpu_s", 0.0) / facts.seconds
    print(
        f"of a core, the server used {facts.server_share:.0%}, attackers {attackers_share:.0%}, "
        f"and others {facts.foreign_share:.0%}; the server waited for its core {facts.starved_share:.0%} of the time"
    )
    print(f"refused: {dict(sorted(facts.refused.items()))}")
    if options.log is not None:
        options.log.write_text(facts.log, encoding="utf-8")
    if options.json is not None:
        _write_json(options.json, plan, facts, found)
    failed = [check.name for check in found if not check.holds]
    print(f"failed: {', '.join(failed)}" if failed else "everything held", flush=True)
    return 1 if failed else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench --hostile",
        description="Attack a server in every way that is known here, all at once, while a match is played on it. "
        "docs/hardening.rst says what is done and what has to hold.",
        epilog=f"Rows: {', '.join(rows.load())}.",
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"how long (default {MINUTES:g})")
    parser.add_argument(
        "--intensity", type=float, default=1.0, help="multiplies the rates of all rows (default 1)"
    )
    parser.add_argument("--insecure", action="store_true", help="a server without TLS")
    parser.add_argument(
        "--only",
        action="append",
        choices=rows.load(),
        metavar="ROW",
        help="this row; may be given several times",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--log", type=Path, metavar="FILE", help="keep what the server logged")
    options = parser.parse_args(arguments)
    if options.minutes <= 0 or options.intensity <= 0:
        parser.error("--minutes and --intensity have to be more than 0")
    return options


def run(plan: Plan, cores: Cores) -> Facts:
    """Play the match, have it attacked, and collect the facts.

    Raises:
        LoadError: A client of the crew was disconnected, or an event was not seen in the end.
    """
    facts = Facts(seconds=plan.seconds, intensity=plan.intensity)
    with servers.valo_ingest(cores, looks_inside=True, settings=(), tls=plan.tls) as server:
        running = server.running
        assert running is not None
        stage = Stage(server, cores, compression=True)
        try:
            crew = Crew(stage)
            crew.enter()
            stage.loop.run_for(plan.started_s)
            facts.before = server.holdings()
            second = (
                SecondMatch(running.ingest_url, ACCESS_KEY, running.directory) if plan.has_second else None
            )
            try:
                _attack(plan, server, cores, crew, facts)
                if second is not None:
                    facts.second = second.finish()
            finally:
                if second is not None:
                    second.kill()
            crew.play(SETTLE_S)
            crew.await_last()
            facts.after = _settled(server, stage, facts.before)
            facts.refused = Counter(health(running)["refused"])
            facts.agree = crew.agrees()
        except LoadError as error:
            status = running.process.poll()
            ended = "the server runs" if status is None else f"the server has ended with {status}"
            raise LoadError(f"{error}; {ended}; its log ends with:\n{running.log[-LOG_TAIL:]}") from None
        finally:
            stage.close()
        running.stop()
        facts.log = running.log
        data_dir = running.directory / "data"
        facts.told = sum(map(len, crew.told.values()))
        facts.missing = lost(crew.told, kept(data_dir, crew.match.group_code))
        print(f"the journal has {journal_bytes(data_dir) / 1e6:.1f} MB")
    return facts


def _attack(plan: Plan, server: Server, cores: Cores, crew: Crew, facts: Facts) -> None:
    """Play the match for as long as attackers are at work."""
    running = server.running
    assert running is not None
    ports = dict(zip(rows.SIDES, running.ports, strict=True))
    target = Target(ports, server.is_tls, crew.match.group_code, crew.match.match_id)
    orders = Orders(target, plan.seconds, plan.intensity, [row.name for row in plan.rows()])
    watch = Watch(server)
    began, cpu_before, busy_before = time.perf_counter(), cpu_s(server.pid), cores.busy_s()
    own_before, waited_before = time.process_time(), waited_s(server.pid)
    with _attackers(orders) as process:
        watch.start()
        try:
            try:
                crew.play(plan.seconds)
            finally:
                watch.stop()
        except LoadError as error:
            if watch.longest_gap_s < STANDSTILL_S:
                raise
            raise LoadError(f"{error}; the machine stood still for {watch.longest_gap_s:.0f} s") from None
        took_s = time.perf_counter() - began
        server_s, busy_s = cpu_s(server.pid) - cpu_before, cores.busy_s() - busy_before
        facts.server_share = server_s / took_s
        facts.starved_share = (waited_s(server.pid) - waited_before) / took_s
        facts.campaign = _report(process, crew)
        own_s = time.process_time() - own_before + facts.campaign.get("cpu_s", 0.0)
        facts.foreign_share = max(0.0, busy_s - server_s - own_s) / took_s
    facts.waits = crew.waits()
    facts.newcomers = [sample.newcomer_s for sample in watch.samples]
    facts.rss = [sample.rss for sample in watch.samples]
    warm_up_s = min(WARM_UP_S, WARM_UP_SHARE * plan.seconds)
    facts.growth_bytes = watch.growth_bytes(since=began + warm_up_s)


@contextmanager
def _attackers(orders: Orders) -> Iterator[subprocess.Popen[str]]:
    command, environment, directory = attackers.command()
    process = subprocess.Popen(
        command, cwd=directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdin is not None
        process.stdin.write(orders.as_json() + "\n")
        process.stdin.flush()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _report(process: subprocess.Popen[str], crew: Crew) -> dict[str, Any]:
    """Return what attackers tell in the end. The match goes on until they do."""
    deadline = time.perf_counter() + GONE_S
    while process.poll() is None:
        if time.perf_counter() > deadline:
            raise LoadError("the attackers do not end")
        crew.play(1.0)
    crew.await_last()
    assert process.stdout is not None
    report: dict[str, Any] = json.loads(process.stdout.read() or "{}")
    return report


def _settled(server: Server, stage: Stage, before: Holdings) -> Holdings:
    """Return what the server holds when that is no more than before, or after a while in any case."""
    deadline = time.perf_counter() + GONE_S
    while True:
        now = server.holdings()
        if (
            now.files <= before.files and now.greenlets <= before.greenlets
        ) or time.perf_counter() > deadline:
            return now
        stage.loop.run_for(1.0)


def _write_json(path: Path, plan: Plan, facts: Facts, found: Sequence[Any]) -> None:
    content = {
        "seconds": plan.seconds,
        "intensity": plan.intensity,
        "tls": plan.tls,
        "server_share": facts.server_share,
        "waits_ms": [round(wait * 1e3, 2) for wait in facts.waits],
        "newcomers_s": facts.newcomers,
        "rss": facts.rss,
        "refused": facts.refused,
        "campaign": facts.campaign,
        "checks": [{"name": check.name, "holds": check.holds, "text": check.text} for check in found],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
