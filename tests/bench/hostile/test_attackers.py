"""A small attack, some seconds long, so that the tool works when it is needed. Latency and memory are for long runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bench.connections import LoadError
from tests.bench.hostile import __main__ as command
from tests.bench.hostile import rows
from tests.bench.hostile.__main__ import Plan, main, run
from tests.bench.hostile.crew import lost
from tests.bench.hostile.rows import Row
from tests.bench.hostile.verdict import Check, Facts, checks
from tests.bench.measure import Cores
from tests.bench.servers import Holdings

SECONDS = (3.0, 12.0)
"""How long the attack lasts, and how long on a machine that is too busy to get through it in that time."""

MUST_HOLD = ("events", "overlays", "tracebacks", "left behind", "log")
"""Whatever else the machine does meanwhile. Latency and memory mean nothing in so short a time."""


def row(name: str = "a-row", reasons: tuple[str, ...] = ("a_reason",)) -> Row:
    async def nothing(*_: object) -> None: ...

    return Row(name, nothing, per_s=1, at_once=1, reasons=reasons, scheme="", after_s=5)


def good_facts() -> Facts:
    return Facts(
        seconds=60,
        intensity=1,
        told=100,
        second=(100, 0),
        waits=[0.01] * 100,
        agree=True,
        growth_bytes=1e6,
        rss=[100_000_000],
        before=Holdings(connections=1, files=20, greenlets=30),
        after=Holdings(connections=1, files=20, greenlets=30),
        newcomers=[0.1],
        refused={"a_reason": 5},
        log="2026-11-27T20:00:00.000Z WARNING valo_ingest.live.refusals a refusal\n",
        campaign={"attempts": {"a-row": 10}, "not_ended": {}, "faults": {}},
    )


def failed(facts: Facts) -> list[str]:
    return [check.name for check in checks(facts, [row()]) if not check.holds]


def test_a_good_run_is_found_good() -> None:
    assert failed(good_facts()) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"missing": 1}, "events"),
        ({"agree": False}, "overlays"),
        ({"second": (100, 1)}, "second match"),
        ({"waits": [0.01] * 98 + [0.2] * 2}, "latency"),
        ({"newcomers": [0.1, None]}, "newcomers"),
        ({"newcomers": [11.0]}, "newcomers"),
        ({"growth_bytes": 50e6}, "memory"),
        ({"after": Holdings(connections=1, files=21, greenlets=30)}, "left behind"),
        ({"after": Holdings(connections=1, files=20, greenlets=31)}, "left behind"),
        ({"log": "    | Traceback (most recent call last):\n"}, "tracebacks"),
        ({"log": "2026-11-27T20:00:00.000Z WARNING valo_ingest.live.refusals a refusal\n" * 1_000}, "log"),
        ({"refused": {}, "log": ""}, "a-row"),
        ({"campaign": {"attempts": {}, "not_ended": {}, "faults": {}}}, "a-row"),
        ({"campaign": {"attempts": {"a-row": 10}, "not_ended": {"a-row": 5}, "faults": {}}}, "a-row"),
        ({"campaign": {"attempts": {"a-row": 10}, "not_ended": {}, "faults": {"a-row": "KeyError()"}}}, "a-row"),
    ],
)  # fmt: skip
def test_what_did_not_hold_is_found(change: dict[str, object], name: str) -> None:
    facts = good_facts()
    for field, value in change.items():
        setattr(facts, field, value)

    assert failed(facts) == [name]


def test_events_are_lost_that_are_missing_or_out_of_order() -> None:
    told = {"": ["1", "2", "3"], "P": ["a"]}

    assert lost(told, {"": ["0", "1", "2", "3"], "P": ["a", "b"], "Q": []}) == 0
    assert lost(told, {"": ["1", "3"], "P": ["a"]}) >= 1
    assert lost(told, {"": ["1", "3", "2"], "P": ["a"]}) >= 1
    assert lost(told, {"": ["1", "2", "3"]}) == 1


def play(plan: Plan) -> Facts:
    """Play a run, and prove what does not depend on how busy the machine is."""
    facts = run(plan, Cores(server=None, load=None))
    found = {check.name: check for check in checks(facts, plan.rows())}
    assert [str(found[name]) for name in MUST_HOLD if not found[name].holds] == []
    assert facts.campaign["faults"] == {}
    return facts


def play_until(enough: Callable[[set[str]], bool], **parts: Any) -> set[str]:
    """Play a run, and a longer one if that was not enough; return the reasons by which something was refused."""
    reasons: set[str] = set()
    for seconds in SECONDS:
        plan = Plan(seconds=seconds, has_second=False, started_s=0.5, **parts)
        facts = play(plan)
        reasons |= set(facts.refused)
        missing = {row.name for row in plan.rows()} - set(facts.campaign["attempts"])
        if enough(reasons) and not missing:
            break
    assert not missing
    return reasons


def test_every_row_works_and_the_match_goes_on() -> None:
    reasons = play_until(lambda found: len(found) > 8)

    assert len(reasons) > 8


def test_a_server_without_tls_is_attacked_as_well() -> None:
    names = ("tls-on-plain-http", "unlawful-frames")
    wanted = {"tls_on_plain_port", "websocket_protocol"}

    assert wanted <= play_until(lambda found: wanted <= found, tls=False, names=names)


def test_the_command_tells_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(Cores, "pin_load", lambda self: None)
    monkeypatch.setattr(command, "run", lambda plan, cores: good_facts())
    monkeypatch.setattr(command, "checks", lambda facts, rows: [Check("latency", False, "p99 200 ms")])

    assert (
        main(["--minutes", "1", "--json", str(tmp_path / "found.json"), "--log", str(tmp_path / "log")]) == 1
    )
    assert "X latency" in capsys.readouterr().out
    assert "p99 200 ms" in (tmp_path / "found.json").read_text(encoding="utf-8")


def test_a_run_that_cannot_be_played_to_its_end_has_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(plan: Plan, cores: Cores) -> Facts:
        raise LoadError("the server hung up")

    monkeypatch.setattr(Cores, "pin_load", lambda self: None)
    monkeypatch.setattr(command, "run", fail)

    assert main([]) == 1
    assert "the server hung up" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--minutes", "0"], ["--only", "nonsense"], ["--intensity", "-1"]])
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as status:
        main(arguments)

    assert status.value.code == 2


def test_each_row_that_refuses_says_by_which_reason_it_is_counted() -> None:
    from valo_ingest.errors import CODES

    for each in rows.load().values():
        assert set(each.reasons) <= set(CODES), each.name
