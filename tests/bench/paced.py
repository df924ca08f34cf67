"""Events at a fixed pace: what each costs, and how long it takes to be seen.

Connections take turns, one event each, so that hardly ever two frames of one connection are read at once. Every so
many events one is marked; that is a sample of the time from `emit` to the overlay.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, cycle
from typing import NamedTuple

from tests.bench.frames import event_frame
from tests.bench.matches import FIRST_MARK, Message
from tests.bench.measure import peak_rss_bytes, percentile
from tests.bench.pacing import latencies
from tests.bench.scenario import Outcome
from tests.bench.stage import Document, LiveMatch, Script, Stage


class Told(NamedTuple):
    """One event: which match and which of its clients sends it (the observer first)."""

    match: int
    client: int
    frame: bytes
    mark: int | None


Sent = dict[LiveMatch, list[tuple[int, float]]]
"""The marks that were sent into each match, and when."""


@dataclass(frozen=True)
class Written:
    scripts: Sequence[Script]
    warm_up: Sequence[Told]
    bulk: Sequence[Told]


@dataclass(frozen=True)
class Paced:
    matches: int
    auxiliaries: int
    """Of each match."""
    rate: float
    """Events per second, of all connections together."""
    seconds: float
    mark_every: int
    """One in so many events is a sample."""
    is_shown: bool = False
    """Whether the yardstick shows documents, too. Otherwise it only takes events in."""
    warm_up_s: float = 1.0

    def play(self, stage: Stage, shown: Document | None) -> Outcome:
        written = write(self, compression=stage.loop.compression)
        stage.open_matches(written.scripts, auxiliaries=self.auxiliaries, shown=shown)
        send(stage, self.rate, written.warm_up)
        for live in stage.matches:
            live.view.forget()
            live.overlay.arrivals.clear()
        with stage.clocks() as clocks:
            sent = send(stage, self.rate, written.bulk)
            window = clocks.read()
        stage.check_nothing_refused()
        events = len(written.bulk)
        measures = {
            "event_us": window.server_s / events * 1e6,
            "peak_rss_mb": peak_rss_bytes(stage.server.pid) / 1e6,
        }
        if not stage.shows_documents:
            return Outcome(measures, window)
        samples = [latency for live, marks in sent.items() for latency in latencies(marks, live.view.newest)]
        measures["p50_ms"] = percentile(samples, 0.50) * 1e3
        measures["p99_ms"] = percentile(samples, 0.99) * 1e3
        measures["documents_per_event"] = sum(len(live.overlay.arrivals) for live in stage.matches) / events
        document = stage.matches[0].view.document if self.is_shown else None
        return Outcome(measures, window, document)


def send(stage: Stage, rate: float, told: Sequence[Told]) -> Sent:
    """Send events, and wait until the last marks are seen, or everything is handled where nothing is shown."""
    senders = [live.senders for live in stage.matches]
    times = stage.tell_paced(rate, [(senders[each.match][each.client], each.frame) for each in told])
    sent: Sent = defaultdict(list)
    for each, at in zip(told, times, strict=True):
        if each.mark is not None:
            sent[stage.matches[each.match]].append((each.mark, at))
    if stage.shows_documents:
        stage.await_marks({live: {marks[-1][0]} for live, marks in sent.items()})
    else:
        stage.await_counts()
    return sent


@lru_cache(maxsize=1)
def write(scenario: Paced, *, compression: bool) -> Written:
    """Encode all events of a run, the warm-up included."""
    scripts = [Script.write(index, compression=compression) for index in range(scenario.matches)]
    turns = cycle(list(_clients(scripts, scenario.auxiliaries)))
    marks = count(FIRST_MARK)
    told: list[Told] = []
    for number in range(int(scenario.rate * (scenario.warm_up_s + scenario.seconds))):
        mark = None
        if number % scenario.mark_every:
            index, client, name, stream = next(turns)
            message = next(stream)
        else:
            mark = next(marks)
            index, client, name = mark % scenario.matches, 0, "obs_data"
            message = scripts[index].match.marked_board(mark)
        told.append(Told(index, client, event_frame(name, message, compression=compression), mark))
    warm_up = int(scenario.rate * scenario.warm_up_s)
    return Written(scripts, told[:warm_up], told[warm_up:])


def _clients(
    scripts: Sequence[Script], auxiliaries: int
) -> Iterator[tuple[int, int, str, Iterator[Message]]]:
    """Yield the match, the number, the event and the messages of every client, all observers first."""
    for index, script in enumerate(scripts):
        yield index, 0, "obs_data", script.match.observer_messages()
    for client in range(1, 1 + auxiliaries):
        for index, script in enumerate(scripts):
            yield index, client, "aux_data", script.match.auxiliary_messages(client - 1)
