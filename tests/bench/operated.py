"""Many live matches, and operators who look at them: what that costs whoever sends events, and how fast the page is.

Windows with and without the page open take turns on one server, each pair in the other order than the one before, so
that what drifts hits both. In those with it some operators have it open, each following its feed. The ratio is that of
the middle pair: a noisy moment makes one of them wrong, and not the ratio. How fast the page answers is looked at
behind them: there it is opened again and again, while the others still look and events come as before.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple

from tests.bench.measure import Window, peak_rss_bytes, percentile
from tests.bench.onlookers import Caller, Onlooker, browsers, onlookers
from tests.bench.paced import Paced, Told, Written, send, write
from tests.bench.pacing import latencies
from tests.bench.scenario import Outcome
from tests.bench.stage import Document, Stage

SETTLE_S: Final = 2.0
"""For what comes once when the page is opened: it is made, and the feed begins."""


class Seen(NamedTuple):
    """What one window used, how long its marked events took to be seen (s), and the updates that one page got."""

    window: Window
    latencies_s: Sequence[float]
    updates: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Operated:
    matches: int
    auxiliaries: int
    """Of each match."""
    rate: float
    """Events per second, of all connections together."""
    seconds: float
    """Of each window."""
    pairs: int
    """Of windows."""
    pages: int
    """How many operators have the page open."""
    mark_every: int
    warm_up_events: int
    """Enough for every client to have told of everything once: that is news on the page, and happens once a match."""
    warm_up_rate: float = 3_000
    open_every_s: float = 0.25

    def play(self, stage: Stage, shown: Document | None) -> Outcome:
        written = self._write(compression=stage.loop.compression)
        each = len(written.bulk) // (2 * self.pairs + 1)
        parts = [written.bulk[start : start + each] for start in range(0, len(written.bulk), each)]
        stage.open_matches(written.scripts, auxiliaries=self.auxiliaries)
        send(stage, self.warm_up_rate, written.warm_up)
        alone: list[Seen] = []
        watched: list[Seen] = []
        for number in range(self.pairs):
            first, second = parts[2 * number : 2 * number + 2]
            if number % 2:
                watched.append(self._watched(stage, first))
                alone.append(self._window(stage, second))
            else:
                alone.append(self._window(stage, first))
                watched.append(self._watched(stage, second))
        caller = self._call(stage, parts[2 * self.pairs])
        stage.check_nothing_refused()
        measures = {
            "event_us": _event_us(alone, each),
            "watched_event_us": _event_us(watched, each),
            "watched_ratio": median(
                with_pages.window.server_s / without.window.server_s
                for with_pages, without in zip(watched, alone, strict=True)
            ),
            **_latencies("", alone),
            **_latencies("watched_", watched),
            "page_p50_ms": percentile(caller.times_s, 0.5) * 1e3,
            "page_max_ms": max(caller.times_s) * 1e3,
            "page_kb": caller.bytes / 1e3,
            "update_kb": sum(seen.bytes for seen in watched)
            / max(1, sum(seen.updates for seen in watched))
            / 1e3,
            "peak_rss_mb": peak_rss_bytes(stage.server.pid) / 1e6,
        }
        return Outcome(measures, watched[0].window)

    def _write(self, *, compression: bool) -> Written:
        seconds = self.seconds * (2 * self.pairs + 1)
        warm_up_s = self.warm_up_events / self.rate
        paced = Paced(
            self.matches, self.auxiliaries, self.rate, seconds, self.mark_every, warm_up_s=warm_up_s
        )
        return write(paced, compression=compression)

    def _watched(self, stage: Stage, told: Sequence[Told]) -> Seen:
        """Send events while the page is open."""
        port = stage.server.extras_port
        with ExitStack() as stack:
            looking: Onlooker = stack.enter_context(onlookers(stage.loop, port, self.pages))[0]
            if stage.chromium:
                stack.enter_context(browsers(stage.loop, port, self.pages))
            stage.loop.run_for(SETTLE_S)
            messages, received = looking.messages, looking.bytes
            seen = self._window(stage, told)
            return seen._replace(updates=looking.messages - messages, bytes=looking.bytes - received)

    def _window(self, stage: Stage, told: Sequence[Told]) -> Seen:
        for live in stage.matches:
            live.view.forget()
        with stage.clocks() as clocks:
            sent = send(stage, self.rate, told)
            window = clocks.read()
        found = [latency for live, marks in sent.items() for latency in latencies(marks, live.view.newest)]
        return Seen(window, found)

    def _call(self, stage: Stage, told: Sequence[Told]) -> Caller:
        """Send events while the page is opened again and again."""
        port = stage.server.extras_port
        caller = Caller(port, self.open_every_s)
        with onlookers(stage.loop, port, self.pages):
            caller.start()
            send(stage, self.rate, told)
            stage.loop.meanwhile(caller.end)
        return caller


def _event_us(seen: Sequence[Seen], events: int) -> float:
    return median(each.window.server_s for each in seen) / events * 1e6


def _latencies(prefix: str, seen: Sequence[Seen]) -> dict[str, float]:
    samples = [latency for each in seen for latency in each.latencies_s]
    return {
        f"{prefix}p50_ms": percentile(samples, 0.50) * 1e3,
        f"{prefix}p99_ms": percentile(samples, 0.99) * 1e3,
    }
