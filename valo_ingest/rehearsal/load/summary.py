"""What came of a run, for people and for programs, and whether it has passed."""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from valo_ingest.rehearsal.load.measurements import Latency, LoadSide, Row, Second
from valo_ingest.rehearsal.load.scenario import Limits, Scenario

FORMAT = 1
"""Of the JSON summary. A key may be added under the same number; none changes its meaning."""


class Events(Struct, frozen=True, kw_only=True):
    """What became of all events: sent = applied + refused + lost + unconfirmed."""

    sent: int = 0
    applied: int = 0
    refused: Mapping[str, int] = {}
    """By reason."""
    lost: int = 0
    """The server never told what became of them."""
    unconfirmed: int = 0
    """Sent to a server that answers no event at all, as the original does: nobody can tell."""
    lost_by_type: Mapping[str, int] = {}


class ServerSide(Struct, frozen=True, kw_only=True):
    """What the server took; its CPU and memory are known only where the load test started it."""

    url: str
    started_here: bool
    cpu: float | None = None
    """Mean share of one core."""
    busiest_cpu: float | None = None
    memory_mb: float | None = None
    """The most that it took."""


class CapacityStep(Struct, frozen=True, kw_only=True):
    """One step of a search for the capacity."""

    matches: int
    seen: Latency
    errors: int
    lost: int
    load_cpu: float
    server_cpu: float | None
    over: list[str] = []
    """The limits that it crossed, one line for each."""


class CapacityResult(Struct, frozen=True, kw_only=True):
    """How many matches the server held on this machine."""

    matches: int
    """The most that kept within the limits; 0 if not even the first step did."""
    is_limit: bool
    """Whether more were tried, and crossed a limit."""
    steps: list[CapacityStep]


class Summary(Struct, frozen=True, kw_only=True):
    """All that a run has found."""

    format: int = FORMAT
    version: str
    scenario: str
    settings: Scenario
    started_at: str
    """ISO 8601, of this machine's clock."""
    took_s: float
    server: ServerSide
    matches: int
    """The most at once."""
    clients: int
    events: Events
    seen: Latency
    """Of all events together; `rows` has them by type."""
    rows: Mapping[str, Mapping[str, Latency]]
    failures: Mapping[str, int]
    load: LoadSide
    interrupted: bool = False
    capacity: CapacityResult | None = None
    missed: list[str] = []
    """The limits that were missed, one line for each; none if the run has passed."""
    warnings: list[str] = []
    seconds: list[Second] = []

    @property
    def passed(self) -> bool:
        return not self.missed


def missed_limits(limits: Limits, *, seen: Latency, errors: int, lost: int) -> list[str]:
    """Return a line for each limit that is missed."""
    missed = []
    if not seen.count:
        missed.append("no event was seen at any overlay: nothing was measured")
    elif seen.p99_ms > limits.p99_ms:
        missed.append(f"p99_ms: {seen.p99_ms:g} ms from event to overlay, limit {limits.p99_ms:g} ms")
    if errors > limits.errors:
        missed.append(f"errors: {errors}, limit {limits.errors}")
    if lost > limits.lost:
        missed.append(f"lost: {lost} events lost, limit {limits.lost}")
    return missed


def warnings_of(limits: Limits, load: LoadSide, events: Events) -> list[str]:
    """Return what a reader must know before he believes the numbers."""
    warnings = []
    if (of_load := load.warning(limits.p99_ms)) is not None:
        warnings.append(of_load)
    if events.unconfirmed:
        warnings.append(
            f"the server did not answer {events.unconfirmed} events, as servers other than valo-ingest do not: "
            "whether any of them was lost or refused cannot be told"
        )
    return warnings


def to_json(summary: Summary) -> bytes:
    """Return the summary as JSON, laid out for people."""
    return msgspec.json.format(msgspec.json.encode(summary), indent=2)


def lines(summary: Summary) -> Iterator[str]:
    """Yield the summary for a terminal."""
    events = summary.events
    yield f"{summary.scenario}: {what_is_played(summary)}"
    yield f"  {matches_at_most(summary)}, {summary.clients} clients, {summary.took_s:.0f} s"
    yield f"  event to overlay: {_times(summary.seen)}"
    for row in (Row.LOGON, Row.RECONNECT, Row.REFUSAL):
        for name, latency in summary.rows.get(row, {}).items():
            yield f"  {row} ({name}): {_times(latency)}"
    refused = ", ".join(f"{count} {reason}" for reason, count in events.refused.items()) or "0"
    told = f"applied {events.applied}, refused {refused}, lost {events.lost}"
    if events.unconfirmed:
        told += f", unconfirmed {events.unconfirmed}"
    yield f"  events: sent {events.sent}: {told}"
    load = summary.load
    yield f"  load generator: {_side(load.cpu, load.busiest_cpu)}, late by {load.late.p99_ms:g} ms (p99)"
    yield f"  other programs: {load.others_cpu:.1f} of {load.cores} cores at their busiest"
    server = summary.server
    if server.cpu is not None and server.busiest_cpu is not None:
        yield f"  server: {_side(server.cpu, server.busiest_cpu)}, {server.memory_mb:.0f} MB"
    for text, count in summary.failures.items():
        yield f"  failed {_often(count)}: {text}"
    if summary.capacity is not None:
        yield f"{capacity_line(summary.capacity)}."
    for text in summary.warnings:
        yield f"Beware: {text}."
    for text in summary.missed:
        yield f"Limit missed: {text}."


def matches_at_most(summary: Summary) -> str:
    """Return how many matches were played at a time."""
    return "1 match" if summary.matches == 1 else f"{summary.matches} matches at most"


def what_is_played(summary: Summary) -> str:
    """Return in a few words what a run has played."""
    about = summary.settings.about
    return about if summary.capacity is None else f"More and more matches, of those of: {about}"


def capacity_line(capacity: CapacityResult) -> str:
    """Return in one sentence how many matches this machine holds."""
    if not capacity.steps:
        return "No step was carried out to its end: nothing is known of the capacity"
    last = capacity.steps[-1]
    if not capacity.is_limit:
        return f"This machine holds at least {capacity.matches} matches; more were not tried"
    why = "; ".join(last.over)
    if not capacity.matches:
        return f"This machine does not even hold {last.matches} matches ({why})"
    return f"This machine holds {capacity.matches} matches; with {last.matches} it is over the limit ({why})"


def _times(latency: Latency) -> str:
    if not latency.count:
        return "never"
    return (
        f"p50 {latency.p50_ms:g} ms, p95 {latency.p95_ms:g}, p99 {latency.p99_ms:g}, "
        f"max {latency.max_ms:g} ({_often(latency.count)})"
    )


def _often(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _side(cpu: float, busiest_cpu: float) -> str:
    return f"{cpu:.0%} of a core ({busiest_cpu:.0%} at its busiest)"
