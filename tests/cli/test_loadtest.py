import importlib
import os
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from valo_ingest.rehearsal.load import openfiles

TWO_MATCHES = """
about = "Two matches"
matches = 2
auxiliaries = 1
overlays = 1
duration_s = 60
ramp_s = 30
[limits]
p99_ms = 100
"""


def refusal(valo_ingest: CommandLine, *arguments: str, status: int) -> str:
    """Return the one line that says why a load test does not begin."""
    result = valo_ingest("loadtest", *arguments)
    assert result.exit_code == status, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    return lines[0].removeprefix("Error: ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nope",), "nope: cannot be read: No such file or directory. Shipped scenarios: lan-final, "),
        (("lan-final", "stress"), "Name one scenario, or `capacity` and one."),
        (("lan-final", "--output-url", "http://127.0.0.1:1"), "--output-url goes with --url."),
        (("capacity", "--web"), "capacity has no web UI"),
        (("capacity", "nope"), "nope: cannot be read"),
        (("lan-final", "--duration", "1"), "Invalid value for '--duration'"),
        (("lan-final", "--key", "\udcff"), "Invalid value for '--key'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    valo_ingest: CommandLine, arguments: tuple[str, ...], says: str
) -> None:
    assert refusal(valo_ingest, *arguments, status=2).startswith(says)


def test_a_scenario_that_makes_no_sense_is_refused_by_file_and_key(valo_ingest: CommandLine) -> None:
    Path("mine.toml").write_text(TWO_MATCHES.replace("matches = 2", "matches = -2"), encoding="utf-8")

    assert refusal(valo_ingest, "mine.toml", status=2) == "mine.toml: matches: Expected `int` >= 1."


def test_more_connections_than_the_machine_allows_are_refused(
    valo_ingest: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("valo_ingest.cli.loadtest.allow_clients", lambda count: 256)

    assert refusal(valo_ingest, "stress", status=2) == (
        "stress: matches: 50 matches are 600 connections, but this machine lets one program open 256 files. "
        "Play fewer matches, or allow more (ulimit -n)."
    )


def test_without_locust_one_is_told_how_to_get_it(
    valo_ingest: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'locust'", name="locust")

    monkeypatch.setattr(importlib, "import_module", missing)

    assert "pip install 'valo-ingest[loadtest]'" in refusal(valo_ingest, "lan-final", status=1)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize(
    ("hard", "allowed", "answer"), [(100_000, 3_200, None), (-1, 3_200, None), (2_000, 2_000, 2_000)]
)
def test_as_many_files_are_allowed_as_the_clients_need_and_the_system_permits(
    monkeypatch: pytest.MonkeyPatch, hard: int, allowed: int, answer: int | None
) -> None:
    import resource

    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, pair: limits.append(pair))

    assert openfiles.allow_clients(1_000) == answer
    assert limits == [(allowed, hard)]


def test_a_limit_that_is_high_enough_is_left_alone() -> None:
    assert openfiles.allow_clients(1) is None


def test_results_that_cannot_be_written_are_one_line(valo_ingest: CommandLine) -> None:
    Path("file").touch()

    said = refusal(valo_ingest, "lan-final", "--results", "file/below", status=1)

    assert said.startswith(str(Path("file/below")))
    assert said.endswith(". Name another directory with --results.")
