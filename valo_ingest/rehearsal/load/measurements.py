"""What a run measures, as rows and by the second."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Row(StrEnum):
    """Kinds of rows; each has one row for each kind of client, or type of event."""

    LOGON = "logon"
    """From the first packet of a connection to the server's word that the client is in."""
    RECONNECT = "reconnect"
    """From the cut of a connection until its client is logged on again."""
    REFUSAL = "refusal"
    """From the first packet of a connection to the server's word that the client is not let in."""
    SEEN = "event seen"
    """From the sending of an event to the document in which an overlay shows it."""
    ANSWERED = "event answered"
    """From the sending of an event to the server's answer to it."""


class Latency(Struct, frozen=True, kw_only=True):
    """Times in ms, of `count` cases; 0 where there was none."""

    count: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


def latency_of(times_ms: Sequence[float]) -> Latency:
    """Return what is told of the times."""
    if not times_ms:
        return Latency()
    ordered = sorted(times_ms)
    return Latency(
        count=len(ordered),
        p50_ms=_percentile(ordered, 50),
        p95_ms=_percentile(ordered, 95),
        p99_ms=_percentile(ordered, 99),
        max_ms=round(ordered[-1], 1),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest time that so many percent of all do not exceed (nearest rank)."""
    rank = -(-len(ordered) * percent // 100)
    return round(ordered[rank - 1], 1)


class Second(Struct, frozen=True, kw_only=True):
    """One second of a run, `at_s` after its beginning."""

    at_s: int
    matches: int
    sent: int
    """Events that were sent in it."""
    seen: Latency
    """Of the events that overlays saw in it."""
    load_cpu: float
    """Share of one core that the load generator took."""
    server_cpu: float | None
    """The same of the server; None where it is not ours to look at."""
    server_memory_mb: float | None
    others_cpu: float = 0.0
    """What other programs of this machine took, in cores; the server is among them if it was not started here."""


class Measurements:
    """Collects the rows of a run."""

    def __init__(self) -> None:
        self._times_ms: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._failures: Counter[tuple[str, str, str]] = Counter()
        self._seen_ms: list[float] = []

    def add(self, row: str, name: str, took_ms: float, failure: str | None = None) -> None:
        """Take in one case of a row; a `failure` says what went wrong."""
        if failure is not None:
            self._failures[row, name, failure] += 1
            return
        self._times_ms[row, name].append(took_ms)
        if row == Row.SEEN:
            self._seen_ms.append(took_ms)

    @property
    def errors(self) -> int:
        """How much went wrong so far."""
        return self._failures.total()

    def failures(self) -> list[tuple[str, int]]:
        """Return what went wrong, and how often; the most frequent first."""
        return [
            (f"{row}, {name}: {text}", count) for (row, name, text), count in self._failures.most_common()
        ]

    def rows(self) -> dict[str, dict[str, Latency]]:
        """Return the times of each row, by kind and name."""
        found: dict[str, dict[str, Latency]] = {row.value: {} for row in Row}
        for (row, name), times in sorted(self._times_ms.items()):
            found.setdefault(row, {})[name] = latency_of(times)
        return found

    def mark(self) -> int:
        """Return a mark for `seen`: now."""
        return len(self._seen_ms)

    def seen(self, since: int = 0) -> Latency:
        """Return how long it took until overlays saw events, since a mark."""
        return latency_of(self._seen_ms[since:])


class LoadSide(Struct, frozen=True, kw_only=True):
    """What the load generator itself took: where it is at its limit, it measures itself."""

    cpu: float = 0.0
    """Mean share of one core."""
    busiest_cpu: float = 0.0
    """Share of one core in its busiest five seconds."""
    late: Latency = Latency()
    """How much later than asked for its greenlets woke up."""
    cores: int = 1
    """Of its machine."""
    others_cpu: float = 0.0
    """What other programs of its machine took in their busiest five seconds, in cores."""

    def warning(self, p99_ms_limit: float) -> str | None:
        """Say that the server must not be blamed, if so; `p99_ms_limit` is what it is judged by."""
        late = f"late by {self.late.p99_ms:g} ms (p99)"
        if self.busiest_cpu >= BUSY_CPU:
            return (
                f"the load generator itself was at its limit: it took {self.busiest_cpu:.0%} of a core at its "
                f"busiest, and was {late}. The latencies hold that in them: do not blame the server. Run the load "
                "from another machine with --url, or play fewer or slower matches"
            )
        if self.late.p99_ms < LATE_SHARE * p99_ms_limit:
            return None
        if self.others_cpu > self.cores * OTHERS_SHARE:
            return (
                f"other programs took {self.others_cpu:.1f} of the {self.cores} cores of this machine at their "
                f"busiest, so that the load generator was {late}, and a server beside it as well. The latencies "
                "hold that in them: do not blame the server. Try again when nothing else runs"
            )
        return (
            f"the load generator was {late}, although it took only {self.busiest_cpu:.0%} of a core at its "
            "busiest. The latencies hold that in them: do not blame the server. See what else runs there"
        )


BUSY_CPU: Final = 0.9
"""Share of one core from which a process of one thread has to wait for itself."""

OTHERS_SHARE: Final = 0.4
"""Share of a machine from which other programs are named as the reason."""

LATE_SHARE: Final = 0.1
"""Share of the p99 limit that the load generator may be late by (p99) without a warning."""

BUSIEST_S: Final = 5


def busiest(shares: Iterable[float]) -> float:
    """Return the highest mean of `BUSIEST_S` values in a row, one a second."""
    values = list(shares)
    if not values:
        return 0.0
    width = min(BUSIEST_S, len(values))
    return max(sum(values[at : at + width]) / width for at in range(len(values) - width + 1))
