"""Metrics for Prometheus, made of numbers that are kept anyway at the moment when somebody asks.

So nothing here runs while events come in. No label has a value that a client can make up.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from valo_ingest import __version__
from valo_ingest.errors import CODES, NOT_REFUSED
from valo_ingest.live.clients import Auxiliary, Follower, Observer
from valo_ingest.live.measures import Histogram
from valo_ingest.transport.audience import Audience
from valo_ingest.transport.health import Health
from valo_ingest.transport.ingest import IngestHandlers
from valo_ingest.transport.limits import Admission
from valo_ingest.transport.overlays import OverlayHandlers, OverlayPublisher
from valo_ingest.transport.server import GoodbyeServer

PREFIX: Final = "valo_ingest_"

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

OTHER: Final = "other"
"""A code that is not ours: that of a controller of somebody's own."""

REASONS: Final[Mapping[str, str]] = {
    GoodbyeServer.reason.CLIENT_DISCONNECT: "client_goodbye",
    GoodbyeServer.reason.SERVER_DISCONNECT: "server_goodbye",
    GoodbyeServer.reason.PING_TIMEOUT: "ping_timeout",
    GoodbyeServer.reason.TRANSPORT_CLOSE: "transport_close",
    GoodbyeServer.reason.TRANSPORT_ERROR: "transport_error",
}
"""Why connections end, as labels."""


class Matches(Protocol):
    """What is told of matches."""

    @property
    def running(self) -> int:
        """How many are live."""

    @property
    def standing_by(self) -> int:
        """How many connections of observers stand by."""


class MeasuredJournal(Protocol):
    """What is told of the journal beside its health."""

    commit_times: Histogram
    written: int


class Refused(Protocol):
    """What is told of refusals."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many there were, by code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the numbers are."""

    matches: Matches
    refusals: Refused
    ingest: IngestHandlers
    overlays: OverlayHandlers
    publisher: OverlayPublisher
    audience: Audience
    journal: MeasuredJournal
    admission: Admission
    health: Health


class Metrics:
    """What is told to Prometheus."""

    def __init__(self, sources: Sources) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(ServerCollector(sources))
        self._registry.register(ProcessCollector())

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)


class ServerCollector(Collector):
    """Makes metrics of the sources."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> Iterable[Metric]:
        """Say nothing: the registry would collect everything once, only to learn the names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        yield _gauge("info", "The version that runs.", {(__version__,): 1}, ("version",))
        yield from self._events()
        yield from self._connections()
        yield from self._matches()
        yield from self._journal()
        yield from self._health()

    def _events(self) -> Iterator[Metric]:
        yield _counter(
            "events",
            "Events of clients, by type and by what became of them.",
            {
                (channel.value, event_type, result): count
                for channel, tally in self._sources.ingest.tallies.items()
                for event_type, result, count in tally
            },
            ("channel", "type", "result"),
        )
        counts = dict.fromkeys([code for code in CODES if code not in NOT_REFUSED], 0) | {OTHER: 0}
        for code, count in self._sources.refusals.counts.items():
            counts[code if code in counts else OTHER] += count
        yield _counter(
            "refusals",
            "What was refused, by code. README.rst says what each code means.",
            {(code,): count for code, count in counts.items()},
            ("code",),
        )

    def _connections(self) -> Iterator[Metric]:
        ingest, output = self._sources.ingest, self._sources.overlays
        clients = ingest.clients() + output.clients()
        standing_by = self._sources.matches.standing_by
        yield _gauge(
            "connections",
            "Connections of Socket.IO, by whose they are.",
            {
                ("observer",): clients[Observer.__name__] - standing_by,
                ("stand_by",): standing_by,
                ("auxiliary",): clients[Auxiliary.__name__],
                ("overlay",): clients[Follower.__name__],
                ("not_logged_on",): clients[""],
            },
            ("role",),
        )
        yield _gauge("sockets", "Open TCP connections of all ports.", {(): self._sources.admission.open})
        yield _counter(
            "disconnects",
            "Connections of Socket.IO that ended, by why they did: ping_timeout is a client that is silent.",
            {
                (side, reason): count
                for side, ended in (("ingest", ingest.disconnects), ("output", output.disconnects))
                for reason, count in _by_label(ended).items()
            },
            ("side", "reason"),
        )

    def _matches(self) -> Iterator[Metric]:
        audience = self._sources.audience
        yield _gauge("matches", "Live matches.", {(): self._sources.matches.running})
        yield _histogram(
            "emit_to_send_seconds",
            "From the receipt of an event to when the document with it was sent to overlays.",
            self._sources.publisher.send_times,
        )
        yield _counter(
            "documents_dropped",
            "Documents that a slow overlay was not sent because a newer one took their place.",
            {(): audience.dropped},
        )
        yield _gauge(
            "overlays_waiting", "Overlays that could not take a document yet.", {(): len(audience.owed)}
        )

    def _journal(self) -> Iterator[Metric]:
        journal, health = self._sources.journal, self._sources.health.journal()
        yield _histogram("journal_commit_seconds", "Transactions of the journal.", journal.commit_times)
        yield _counter("journal_entries_written", "Entries that are in the journal.", {(): journal.written})
        yield _gauge(
            "journal_entries_waiting", "Entries that are not in the journal yet.", {(): health.waiting}
        )
        yield _gauge(
            "journal_failing", "1 while the journal cannot be written.", {(): int(bool(health.fault))}
        )

    def _health(self) -> Iterator[Metric]:
        health = self._sources.health
        yield _gauge("ready", "1 while /readyz says so.", {(): int(not health.problems())})
        if health.disk.free_bytes is not None:
            yield _gauge(
                "disk_free_bytes", "Room on the disk of the data directory.", {(): health.disk.free_bytes}
            )


class ProcessCollector(Collector):
    """What the process takes, under the names that are usual. The library's own collector knows Linux only."""

    def __init__(self) -> None:
        self._process = psutil.Process()

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        with self._process.oneshot():
            times = self._process.cpu_times()
            resident = self._process.memory_info().rss
            started = self._process.create_time()
        yield CounterMetricFamily(
            "process_cpu_seconds", "CPU time of the process.", value=times.user + times.system
        )
        yield GaugeMetricFamily("process_resident_memory_bytes", "Memory of the process.", value=resident)
        yield GaugeMetricFamily("process_start_time_seconds", "When the process began.", value=started)


Values = Mapping[tuple[str, ...], float]
"""By the values of the labels."""


def _gauge(name: str, text: str, values: Values, labels: tuple[str, ...] = ()) -> Metric:
    return _filled(GaugeMetricFamily(PREFIX + name, text, labels=labels), values)


def _counter(name: str, text: str, values: Values, labels: tuple[str, ...] = ()) -> Metric:
    return _filled(CounterMetricFamily(PREFIX + name, text, labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> Metric:
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(name: str, text: str, measured: Histogram) -> Metric:
    buckets = [
        ("+Inf" if bound == float("inf") else repr(bound), float(count))
        for bound, count in measured.cumulative()
    ]
    return HistogramMetricFamily(PREFIX + name, text, buckets=buckets, sum_value=measured.total)


def _by_label(ended: Counter[str]) -> Counter[str]:
    labelled = Counter(dict.fromkeys([*REASONS.values(), OTHER], 0))
    for reason, count in ended.items():
        labelled[REASONS.get(reason, OTHER)] += count
    return labelled
