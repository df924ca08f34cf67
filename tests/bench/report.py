"""What is printed and written: medians, ratios, and whether each limit is kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from tests.bench.measure import NOISE
from tests.bench.scenario import Outcome

LOAD_BOUND: Final = 0.85
"""From this share of a core on, the load may be slower than the server."""

COLUMNS: Final = "{:<17} {:<22} {:>24} {:>24} {:>7}  {}"


@dataclass(frozen=True)
class Measure:
    """How a number is shown."""

    title: str
    digits: int = 1


MEASURES: Final[Mapping[str, Measure]] = {
    "event_us": Measure("CPU per event, µs"),
    "document_us": Measure("CPU per document, µs"),
    "logon_us": Measure("CPU per logon, µs", 0),
    "watched_event_us": Measure("the same, pages open"),
    "watched_ratio": Measure("ratio of these two", 2),
    "events_per_s": Measure("events per second", 0),
    "documents_per_s": Measure("documents per second", 0),
    "documents_per_event": Measure("documents per event", 2),
    "document_bytes": Measure("bytes per document", 0),
    "p50_ms": Measure("latency p50, ms"),
    "p99_ms": Measure("latency p99, ms"),
    "watched_p50_ms": Measure("p50 with pages open, ms"),
    "watched_p99_ms": Measure("p99 with pages open, ms"),
    "page_p50_ms": Measure("page answers, p50, ms"),
    "page_max_ms": Measure("page answers, max, ms"),
    "page_kb": Measure("page, kB", 0),
    "update_kb": Measure("update of a page, kB"),
    "client_kb": Measure("RSS per client, kB"),
    "held": Measure("clients held", 0),
    "pings": Measure("pings answered", 0),
    "idle_share": Measure("CPU while idle, %"),
    "left_connections": Measure("connections left", 0),
    "left_files": Measure("files left", 0),
    "left_greenlets": Measure("greenlets left", 0),
    "left_kb": Measure("RSS left per client, kB", 2),
    "peak_rss_mb": Measure("peak RSS, MB", 0),
}
"""Everything that is measured, in the order of the table."""


@dataclass(frozen=True)
class Limit:
    """What a median of valo-ingest may be at most, as a number or as a ratio to that of the yardstick."""

    measure: str
    at_most: float
    is_ratio: bool = False
    is_stretch: bool = False
    """A wish: missing it fails nothing."""

    def __str__(self) -> str:
        return f"{'stretch ' if self.is_stretch else ''}≤ {self.at_most:g}{'x' if self.is_ratio else ''}"


@dataclass(frozen=True)
class Result:
    """All rounds of a scenario."""

    name: str
    limits: Sequence[Limit]
    ours: Sequence[Outcome]
    yardstick: Sequence[Outcome] = ()

    def median_of(self, measure: str, *, of_yardstick: bool = False) -> float | None:
        """Return the median over all rounds; None if it was not measured."""
        values = _values(self.yardstick if of_yardstick else self.ours, measure)
        return median(values) if values else None

    def ratio(self, measure: str) -> float | None:
        """Return the median of valo-ingest as a multiple of the yardstick's."""
        ours, theirs = self.median_of(measure), self.median_of(measure, of_yardstick=True)
        return ours / theirs if ours is not None and theirs else None

    def is_kept(self, limit: Limit) -> bool | None:
        """Tell whether a limit is kept; None if there is nothing to tell it by."""
        value = self.ratio(limit.measure) if limit.is_ratio else self.median_of(limit.measure)
        return None if value is None else value <= limit.at_most

    @property
    def missed(self) -> list[Limit]:
        return [limit for limit in self.limits if not limit.is_stretch and self.is_kept(limit) is False]

    @property
    def noise(self) -> list[str]:
        """What speaks against believing the numbers."""
        outcomes = [*self.ours, *self.yardstick]
        foreign = [outcome.window.foreign_share for outcome in outcomes]
        load = max(outcome.window.load_share for outcome in outcomes)
        found = []
        if noisy := sum(share > NOISE for share in foreign):
            found.append(
                f"noisy: others used up to {max(foreign):.2f} cores, in {noisy} of {len(foreign)} runs"
            )
        if load > LOAD_BOUND:
            found.append(f"the load was busy for {load:.0%} of the time: it may be what was measured")
        return found

    def rows(self) -> Iterator[str]:
        """Yield the lines of the table."""
        name = self.name
        for measure, shown in MEASURES.items():
            ours, theirs = _values(self.ours, measure), _values(self.yardstick, measure)
            if ours:
                ratio = self.ratio(measure)
                verdicts = [self._verdict(limit) for limit in self.limits if limit.measure == measure]
                yield COLUMNS.format(
                    name,
                    shown.title,
                    _spread(ours, shown.digits),
                    _spread(theirs, shown.digits),
                    "" if ratio is None else f"{ratio:.2f}",
                    "; ".join(verdicts),
                ).rstrip()
                name = ""
        for text in self.noise:
            yield f"{'':<17} ! {text}"

    def _verdict(self, limit: Limit) -> str:
        verdict = {True: "ok", False: "MISSED", None: "no yardstick"}[self.is_kept(limit)]
        return f"{limit} {verdict}"

    def as_json(self) -> dict[str, Any]:
        ratios = {measure: self.ratio(measure) for measure in MEASURES}
        return {
            "valo-ingest": [_outcome_as_json(outcome) for outcome in self.ours],
            "yardstick": [_outcome_as_json(outcome) for outcome in self.yardstick],
            "medians": {
                measure: value for measure in MEASURES if (value := self.median_of(measure)) is not None
            },
            "ratios": {measure: ratio for measure, ratio in ratios.items() if ratio is not None},
            "limits": [{**asdict(limit), "is_kept": self.is_kept(limit)} for limit in self.limits],
            "noise": self.noise,
        }


def header() -> str:
    return COLUMNS.format("scenario", "measure", "valo-ingest", "yardstick", "ratio", "limit")


def _values(outcomes: Sequence[Outcome], measure: str) -> list[float]:
    return [outcome.measures[measure] for outcome in outcomes if measure in outcome.measures]


def _spread(values: Sequence[float], digits: int) -> str:
    """Return the median, and how far the rounds are apart if there are several."""
    if not values:
        return ""
    middle, lowest, highest = (_number(value, digits) for value in (median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({lowest}-{highest})"


def _number(value: float, digits: int) -> str:
    """Return a number without digits that nobody needs."""
    return f"{value:,.{0 if abs(value) >= 100 else digits}f}"


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    return {"measures": outcome.measures, "window": asdict(outcome.window)}
