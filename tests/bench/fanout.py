"""Fan-out: many overlays follow one match.

Every event of the window is marked, so each document tells which event it shows. All overlays get the same documents in
the same order: the first one reads them, and of the others it is enough to know when they came.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final

from tests.bench.connections import Connection
from tests.bench.frames import event_frame
from tests.bench.matches import FIRST_MARK, Message
from tests.bench.measure import peak_rss_bytes, percentile
from tests.bench.pacing import latencies
from tests.bench.scenario import Outcome
from tests.bench.stage import PROOF_S, Document, Script, Stage, overlay_logon

PLAYED_EVENTS: Final = 1_700
"""Twelve rounds: the document has its usual size by then."""

WARM_UP_EVENTS: Final = 50
QUIET_S: Final = 0.5
"""Nothing more is on its way when nothing has come for this long."""

Told = tuple[int, bytes]
"""An event with its mark."""


@dataclass(frozen=True)
class Written:
    """Everything that is sent in a run."""

    script: Script
    played: Sequence[bytes]
    """What makes the document what it is in the middle of a match; the last event carries `FIRST_MARK`."""
    warm_up: Sequence[Told]
    bulk: Sequence[Told]


@dataclass(frozen=True)
class FanOut:
    overlays: int
    rate: float
    """Events per second."""
    seconds: float

    def play(self, stage: Stage, shown: Document | None) -> Outcome:
        written = write(self, compression=stage.loop.compression)
        stage.open_matches([written.script], shown=shown)
        overlays = self._gather(stage, written)
        self._send(stage, written.warm_up)
        _settle(stage, overlays)
        view = stage.matches[0].view
        view.forget()
        for overlay in overlays:
            overlay.arrivals.clear()
        bytes_before = sum(overlay.received_bytes for overlay in overlays)
        with stage.clocks() as clocks:
            sent = self._send(stage, written.bulk)
            stage.loop.run_until(
                _all_have_as_many(overlays), "all overlays have all documents", within_s=PROOF_S
            )
            window = clocks.read()
        stage.check_nothing_refused()
        marks = [mark for _, mark in view.newest]
        deliveries = len(marks) * len(overlays)
        received = sum(overlay.received_bytes for overlay in overlays) - bytes_before
        samples = [
            latency
            for overlay in overlays
            for latency in latencies(sent, list(zip(overlay.arrivals, marks, strict=True)))
        ]
        measures = {
            "document_us": window.server_s / deliveries * 1e6,
            "documents_per_s": deliveries / window.wall_s,
            "documents_per_event": len(marks) / len(sent),
            "document_bytes": received / deliveries,
            "p50_ms": percentile(samples, 0.50) * 1e3,
            "p99_ms": percentile(samples, 0.99) * 1e3,
            "peak_rss_mb": peak_rss_bytes(stage.server.pid) / 1e6,
        }
        return Outcome(measures, window, view.document)

    def _gather(self, stage: Stage, written: Written) -> list[Connection]:
        """Play the match up to its middle, and let all overlays follow it; return them."""
        live = stage.matches[0]
        stage.tell(live.observer, written.played, events=len(written.played))
        stage.await_marks({live: {FIRST_MARK}})
        logons = [overlay_logon(live.match)] * (self.overlays - 1)
        others, _ = stage.log_on(stage.server.output_port, logons)
        for other in others:
            other.stop_reading()
        return [live.overlay, *others]

    def _send(self, stage: Stage, told: Sequence[Told]) -> list[tuple[int, float]]:
        """Send marked events, and wait until the last is seen; return when each was sent."""
        live = stage.matches[0]
        times = stage.tell_paced(self.rate, [(live.observer, frame) for _, frame in told])
        stage.await_marks({live: {told[-1][0]}})
        return [(mark, at) for (mark, _), at in zip(told, times, strict=True)]


def _settle(stage: Stage, overlays: Sequence[Connection]) -> None:
    before = -1
    while before != (now := sum(len(overlay.arrivals) for overlay in overlays)):
        before = now
        stage.loop.run_for(QUIET_S)


def _all_have_as_many(overlays: Sequence[Connection]) -> Callable[[], bool]:
    """Tell whether all have as many documents as the first one, which has the last."""
    first = overlays[0]
    return lambda: all(len(overlay.arrivals) == len(first.arrivals) for overlay in overlays)


@lru_cache(maxsize=1)
def write(scenario: FanOut, *, compression: bool) -> Written:
    """Encode all events of a run."""
    script = Script.write(0, compression=compression)
    match = script.match
    played = [*islice(match.observer_messages(), PLAYED_EVENTS), match.marked_board(FIRST_MARK)]
    marks = range(FIRST_MARK + 1, FIRST_MARK + 1 + WARM_UP_EVENTS + int(scenario.rate * scenario.seconds))
    told = [(mark, _frame(match.marked_board(mark), compression=compression)) for mark in marks]
    return Written(
        script,
        [_frame(message, compression=compression) for message in played],
        told[:WARM_UP_EVENTS],
        told[WARM_UP_EVENTS:],
    )


def _frame(message: Message, *, compression: bool) -> bytes:
    return event_frame("obs_data", message, compression=compression)
