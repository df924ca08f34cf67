"""Saturation: every client sends as fast as it is read from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice
from typing import Final

from tests.bench.connections import LoadError
from tests.bench.frames import event_frame, in_chunks
from tests.bench.matches import FIRST_MARK, Match, Message
from tests.bench.measure import peak_rss_bytes
from tests.bench.scenario import Outcome
from tests.bench.stage import Document, LiveMatch, Script, Stage

WARM_UP: Final = 0.1
"""Of the events are sent before the window opens: programs get faster in the first moments of their lives."""


@dataclass(frozen=True)
class Part:
    """What one connection sends in one go; the last event carries the mark."""

    chunks: Sequence[bytes]
    events: int
    mark: int


@dataclass(frozen=True)
class Written:
    """Everything that is sent in a run."""

    scripts: Sequence[Script]
    warm_up: Sequence[Sequence[Part]]
    """By match, then by client: the observer first."""
    bulk: Sequence[Sequence[Part]]
    headshots: Sequence[int]


@dataclass(frozen=True)
class Saturation:
    matches: int
    auxiliaries: int
    """Of each match."""
    events: int
    """Of all connections together, each sending as many as the others."""

    def play(self, stage: Stage, shown: Document | None) -> Outcome:
        written = write(self, compression=stage.loop.compression)
        stage.open_matches(written.scripts, auxiliaries=self.auxiliaries)
        _send(stage, written.warm_up)
        with stage.clocks() as clocks:
            _send(stage, written.bulk)
            window = clocks.read()
        stage.check_nothing_refused()
        if stage.server.keeps_matches:
            for live, headshots in zip(stage.matches, written.headshots, strict=True):
                _check_headshots(live, headshots)
        events = sum(part.events for parts in written.bulk for part in parts)
        measures = {
            "event_us": window.server_s / events * 1e6,
            "events_per_s": events / window.wall_s,
            "peak_rss_mb": peak_rss_bytes(stage.server.pid) / 1e6,
        }
        return Outcome(measures, window)


def _send(stage: Stage, parts: Sequence[Sequence[Part]]) -> None:
    """Send the parts of all clients at the same time, and wait until the last event of each is taken in."""
    marks: dict[LiveMatch, set[int]] = {}
    for live, of_match in zip(stage.matches, parts, strict=True):
        marks[live] = {part.mark for part in of_match}
        for sender, part in zip(live.senders, of_match, strict=True):
            stage.tell(sender, part.chunks, events=part.events)
    if stage.server.keeps_matches:
        stage.await_marks(marks)
    else:
        stage.await_counts()


def _check_headshots(live: LiveMatch, headshots: int) -> None:
    """The server adds them up, so one lost kill would show."""
    seen = sum(player["headshotKills"] for team in live.view.document["teams"] for player in team["players"])
    if seen != headshots:
        raise LoadError(f"{live.match.group_code} shows {seen} headshots of {headshots}")


@lru_cache(maxsize=1)
def write(scenario: Saturation, *, compression: bool) -> Written:
    """Encode all events of a run."""
    marks = count(FIRST_MARK)
    each = max(1, scenario.events // (scenario.matches * (1 + scenario.auxiliaries)))
    sizes = [max(1, int(each * WARM_UP)), each]
    scripts: list[Script] = []
    phases: tuple[list[list[Part]], list[list[Part]]] = ([], [])
    for index in range(scenario.matches):
        script = Script.write(index, compression=compression)
        scripts.append(script)
        clients = _clients(script.match, scenario.auxiliaries)
        for phase, size in zip(phases, sizes, strict=True):
            phase.append([client.part(size, next(marks), compression=compression) for client in clients])
    return Written(scripts, *phases, headshots=[script.match.headshots for script in scripts])


def _clients(match: Match, auxiliaries: int) -> list["_Client"]:
    # Auxiliary clients know the first game only; without them there can be as many as it takes.
    observer = match.observer_messages(games=1 if auxiliaries else None)
    streams = [match.auxiliary_messages(number) for number in range(auxiliaries)]
    return [
        _Client(match, None, observer),
        *(_Client(match, number, stream) for number, stream in enumerate(streams)),
    ]


class _Client:
    """One client's stream: of the auxiliary client with this number, or of the observer if it is None."""

    def __init__(self, match: Match, number: int | None, stream: Iterator[Message]) -> None:
        self._match = match
        self._number = number
        self._stream = stream
        self._name = "obs_data" if number is None else "aux_data"

    def part(self, events: int, mark: int, *, compression: bool) -> Part:
        """Encode the next `events` of the stream, the last of them marked."""
        frames = [
            event_frame(self._name, message, compression=compression)
            for message in islice(self._stream, events - 1)
        ]
        frames.append(event_frame(self._name, self._marked(mark), compression=compression))
        if len(frames) < events:
            raise LoadError(f"a match has no {events} events of its observer")
        return Part(in_chunks(frames), events, mark)

    def _marked(self, mark: int) -> Message:
        if self._number is None:
            return self._match.marked_board(mark)
        return self._match.marked_charges(self._number, mark)
