"""Whether everything held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.bench.hostile.rows import Row
from tests.bench.hostile.watch import lines_by_level
from tests.bench.measure import percentile
from tests.bench.servers import Holdings

P99_MS: Final = 100.0
"""From `emit` to overlay."""

GROWTH_MB: Final = 20.0
"""Memory is called flat when it grows by no more than this from after the warm-up to the end: a run of ten minutes
brings tens of thousands of clients, and what the process got from the system for their peak it does not give back."""

NEWCOMER_S: Final = 10.0
"""Nobody new waits for longer."""

LOGGED_PER_WINDOW: Final = 6
WINDOW_S: Final = 10.0
"""Of each reason so many lines are logged within a window: five refusals, and how many more there were."""

ENDED_SLACK: Final = 0.02
"""The share of attempts of a row that may be ended late because attackers get little of the processor."""


@dataclass(frozen=True)
class Check:
    name: str
    holds: bool
    text: str

    def __str__(self) -> str:
        return f"{'+' if self.holds else 'X'} {self.name:<16} {self.text}"


@dataclass
class Facts:
    """What a run has shown."""

    seconds: float
    intensity: float
    told: int = 0
    missing: int = 0
    second: tuple[int, int] | None = None
    """Of the second match: events that were sent, and lost."""
    waits: Sequence[float] = ()
    agree: bool = False
    """Whether all overlays show the same in the end."""
    growth_bytes: float = 0.0
    rss: Sequence[int] = ()
    before: Holdings | None = None
    after: Holdings | None = None
    newcomers: Sequence[float | None] = ()
    server_share: float = 0.0
    """Of a core."""
    starved_share: float = 0.0
    """Of the time, in which the server could not go on because somebody else had its core."""
    foreign_share: float = 0.0
    """What other processes used, the second match among them."""
    refused: Mapping[str, int] = field(default_factory=dict)
    log: str = ""
    campaign: Mapping[str, Any] = field(default_factory=dict)


def checks(facts: Facts, rows: Sequence[Row]) -> list[Check]:
    """Judge a run."""
    found = [
        Check(
            "events", facts.missing == 0 and facts.told > 0, f"{facts.told:,} sent, {facts.missing:,} lost"
        ),
        Check(
            "overlays", facts.agree, "all show the same in the end" if facts.agree else "they do not agree"
        ),
    ]
    if facts.second is not None:
        sent, missing = facts.second
        found.append(Check("second match", missing == 0 and sent > 0, f"{sent:,} sent, {missing:,} lost"))
    p50, p99, worst = (percentile(facts.waits, share) * 1e3 for share in (0.5, 0.99, 1.0))
    found.append(
        Check(
            "latency",
            p99 < P99_MS,
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms (limit {P99_MS:.0f}), worst {worst:.0f} ms",
        )
    )
    found.append(_newcomers(facts))
    grown, peak = facts.growth_bytes / 1e6, max(facts.rss, default=0) / 1e6
    found.append(
        Check(
            "memory",
            grown <= GROWTH_MB,
            f"{grown:+.1f} MB after the warm-up (limit {GROWTH_MB:.0f}), peak {peak:.0f} MB",
        )
    )
    found.append(_holdings(facts))
    found.append(
        Check("tracebacks", "Traceback" not in facts.log, f"{facts.log.count('Traceback')} in the log")
    )
    found.append(_log(facts))
    found.extend(_rows(facts, rows))
    return found


def _newcomers(facts: Facts) -> Check:
    waits = [wait for wait in facts.newcomers if wait is not None]
    missed = len(facts.newcomers) - len(waits)
    worst = max(waits, default=0.0)
    middle = percentile(waits, 0.5) if waits else 0.0
    return Check(
        "newcomers",
        bool(waits) and missed == 0 and worst < NEWCOMER_S,
        f"{len(waits)} answered, {missed} not; half within {middle * 1e3:.0f} ms, the last after {worst:.1f} s",
    )


def _holdings(facts: Facts) -> Check:
    before, after = facts.before, facts.after
    assert before is not None and after is not None
    return Check(
        "left behind",
        after.files <= before.files and after.greenlets <= before.greenlets,
        f"files {before.files} before, {after.files} after; greenlets {before.greenlets} and {after.greenlets}",
    )


def _log(facts: Facts) -> Check:
    levels = lines_by_level(facts.log)
    warnings = sum(levels.values()) - levels["INFO"] - levels["DEBUG"]
    windows = facts.seconds / WINDOW_S + 2
    allowed = int(len(facts.refused) * LOGGED_PER_WINDOW * windows)
    refused = sum(facts.refused.values())
    return Check(
        "log",
        warnings <= allowed,
        f"{warnings:,} lines of {refused:,} refusals (limit {allowed:,}), {levels['INFO']:,} of clients and matches, "
        f"{len(facts.log) / 1e6:.2f} MB",
    )


def _rows(facts: Facts, rows: Sequence[Row]) -> list[Check]:
    campaign = facts.campaign
    attempts, not_ended, faults = (campaign.get(name, {}) for name in ("attempts", "not_ended", "faults"))
    found = []
    for row in rows:
        problems = []
        if row.name in faults:
            problems.append(f"the attacker itself failed: {faults[row.name]}")
        if not attempts.get(row.name):
            problems.append("it was never tried")
        late = not_ended.get(row.name, 0)
        if late > ENDED_SLACK * attempts.get(row.name, 0):
            problems.append(f"{late} were not ended")
        if facts.seconds >= row.after_s:
            problems += [
                f"nothing was refused as {reason}" for reason in row.reasons if not facts.refused.get(reason)
            ]
        counted = ", ".join(f"{reason} {facts.refused.get(reason, 0):,}" for reason in row.reasons)
        text = f"{attempts.get(row.name, 0):,} attempts" + (f"; {counted}" if counted else "")
        found.append(Check(row.name, not problems, "; ".join([text, *problems])))
    return found
