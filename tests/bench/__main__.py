"""`scripts/bench`: measures valo-ingest, and the yardstick in the same run."""

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from tests.bench import report, servers
from tests.bench.connections import LoadError
from tests.bench.hostile import __main__ as hostile
from tests.bench.measure import Cores
from tests.bench.plan import PLAN, Planned
from tests.bench.report import Result
from tests.bench.scenario import Outcome, Scenario
from tests.bench.servers import Server
from tests.bench.stage import Document, Stage
from tests.browser.chromium import find_chromium
from tests.interop import nodejs

ROUNDS: Final = 3
HOSTILE: Final = "--hostile"
"""Measures nothing, but attacks; has options of its own."""

INTERRUPTED: Final = 128 + signal.SIGINT
TERMINATED: Final = 128 + signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if HOSTILE in given:
        given.remove(HOSTILE)
        _allow_many_files()
        return hostile.main(given)
    options = _parse(given)
    cores = Cores.choose()
    cores.pin_load()
    _allow_many_files()
    for line in _introduction(options, cores):
        print(line)
    print(report.header(), flush=True)
    results: list[Result] = []
    failed = False
    left_out: list[str] = []
    for name, planned in PLAN.items():
        if options.only and name not in options.only:
            continue
        scenario = planned.quick if options.quick else planned.full
        if scenario is None or (planned.looks_inside and not hasattr(signal, "SIGUSR2")):
            left_out.append(name)  # there is no quick one, or no signal to ask a server by, as on Windows
            continue
        try:
            result = _measure(name, planned, scenario, options, cores)
        except (LoadError, AssertionError, OSError) as error:
            print(f"{name:<17} FAILED: {error}", flush=True)
            failed = True
            continue
        results.append(result)
        print(*result.rows(), sep="\n", flush=True)
    if options.json is not None:
        _write_json(options.json, results, options, cores)
    if left_out:
        print("left out:", ", ".join(left_out))
    missed = [f"{result.name}: {limit.measure} {limit}" for result in results for limit in result.missed]
    if missed:
        print("missed:", "; ".join(missed))
    return 1 if failed or (options.check and missed) else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure what this checkout costs and how fast it is, next to a yardstick. docs/performance.rst "
        "says what the scenarios are and how to read the table.",
        epilog=f"Scenarios: {', '.join(PLAN)}.",
    )
    parser.add_argument(
        HOSTILE,
        action="store_true",
        help=f"attack the server instead; try {HOSTILE} --help for the options of that",
    )
    parser.add_argument("--quick", action="store_true", help="see within a minute whether all of it works")
    parser.add_argument(
        "--only",
        action="append",
        choices=PLAN,
        metavar="NAME",
        help="this scenario; may be given several times",
    )
    parser.add_argument("--rounds", type=int, help=f"of each scenario (default {ROUNDS}; 1 with --quick)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument(
        "--no-yardstick", action="store_true", help="do without Node; there are no ratios then"
    )
    parser.add_argument(
        "--compression",
        choices=("on", "off"),
        default="on",
        help="whether clients offer permessage-deflate, as the real ones do (default on)",
    )
    parser.add_argument(
        "--chromium",
        action="store_true",
        help="have a real Chromium open the operator's page, where that is open (operated)",
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 if a limit is missed")
    options = parser.parse_args(arguments)
    if options.rounds is None:
        options.rounds = 1 if options.quick else ROUNDS
    if options.rounds < 1:
        parser.error("--rounds: there has to be at least one")
    if options.chromium and find_chromium() is None:
        parser.error("--chromium: there is none here")
    without_node = None if options.no_yardstick else nodejs.missing()
    if without_node is not None:
        parser.error(f"the yardstick cannot run: {without_node}. --no-yardstick does without it")
    return options


def _introduction(options: argparse.Namespace, cores: Cores) -> list[str]:
    pinning = (
        f"server on core {cores.server}, load on core {cores.load}"
        if cores.are_pinned
        else "not pinned to cores, because this system cannot or has only one: read CPU, and no latencies"
    )
    rounds = "1 round" if options.rounds == 1 else f"{options.rounds} rounds"
    return [
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}; {pinning}",
        f"{rounds}: median (lowest-highest); compression {options.compression}"
        + ("; quick: too small for the limits to mean much" if options.quick else ""),
        "",
    ]


def _measure(
    name: str, planned: Planned, scenario: Scenario, options: argparse.Namespace, cores: Cores
) -> Result:
    """Play all rounds of a scenario, the two servers in turn, so that a noisy moment hits both."""
    compression = options.compression == "on"
    ours: list[Outcome] = []
    theirs: list[Outcome] = []
    for _ in range(min(options.rounds, planned.max_rounds or options.rounds)):
        server = servers.valo_ingest(cores, looks_inside=planned.looks_inside)
        ours.append(play(scenario, server, cores, compression=compression, chromium=options.chromium))
        if planned.has_yardstick and not options.no_yardstick:
            shown = ours[-1].document
            theirs.append(
                play(scenario, servers.yardstick(cores), cores, compression=compression, shown=shown)
            )
    return Result(name, planned.limits, ours, theirs)


def play(
    scenario: Scenario,
    starting: AbstractContextManager[Server],
    cores: Cores,
    *,
    compression: bool,
    chromium: bool = False,
    shown: Document | None = None,
) -> Outcome:
    """Play a scenario once, on a server of its own.

    Args:
        chromium: Whether pages are opened in a real browser.

    Raises:
        LoadError: It could not be played to its end.
    """
    with starting as server:
        stage = Stage(server, cores, compression=compression, chromium=chromium)
        try:
            return scenario.play(stage, shown)
        finally:
            stage.close()


def _write_json(path: Path, results: Sequence[Result], options: argparse.Namespace, cores: Cores) -> None:
    content: dict[str, Any] = {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "pinned": cores.are_pinned,
        "python": platform.python_version(),
        "quick": options.quick,
        "rounds": options.rounds,
        "compression": options.compression == "on",
        "scenarios": {result.name: result.as_json() for result in results},
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _allow_many_files() -> None:
    """Let this process have as many connections as the system permits."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _terminate(*_: object) -> None:
    sys.exit(TERMINATED)  # which stops the servers on its way


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminate)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
