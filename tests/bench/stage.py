"""What happens on stage: matches with their clients on one server, and the proofs that it took in what they said.

valo-ingest is believed when a document shows it: the last message of each connection carries a mark, a number that
occurs nowhere else. The yardstick shows no such thing; it is asked how many events of each connection it has handled.
"""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.bench.connections import DOCUMENT, Connection, LoadError, Loop, tls_context
from tests.bench.frames import argument_of, event_frame
from tests.bench.matches import MARK, MARKED_PLAYER, Match
from tests.bench.measure import Clocks, Cores
from tests.bench.pacing import Schedule
from tests.bench.servers import Server

LOGONS_AT_ONCE: Final = 64
"""Of clients whose logon is not what is measured."""

PROOF_S: Final = 120

Document = dict[str, Any]


@dataclass(frozen=True)
class Logon:
    """An event that introduces a client, and the name of its answer."""

    event: str
    message: object
    answer: str


def observer_logon(match: Match) -> Logon:
    return Logon("obs_logon", match.observer_logon(), "obs_logon_ack")


def auxiliary_logon(match: Match, number: int) -> Logon:
    return Logon("aux_logon", match.auxiliary_logon(number), "aux_logon_ack")


def overlay_logon(match: Match) -> Logon:
    return Logon("logon", {"groupCode": match.group_code}, "logon_success")


@dataclass(frozen=True)
class Script:
    """A match, and what its observer says first: encoded, because what a match says next depends on what it said."""

    match: Match
    opening: Sequence[bytes]

    @staticmethod
    def write(index: int, *, compression: bool) -> "Script":
        match = Match(index)
        opening = [event_frame("obs_data", told, compression=compression) for told in match.opening()]
        return Script(match, opening)


@dataclass(eq=False)
class View:
    """What one overlay has been shown."""

    packet: bytes = b""
    marks: set[int] = field(default_factory=set)
    """All that were seen."""
    newest: list[tuple[float, int]] = field(default_factory=list)
    """Of each document with marks: when it came, and the highest of them."""

    def take(self, connection: Connection, packet: bytes, at: float) -> None:
        if packet.startswith(DOCUMENT):
            self.packet = packet
            found = [int(mark) for mark in MARK.findall(packet)]
            if found:
                self.marks.update(found)
                self.newest.append((at, max(found)))

    def forget(self) -> None:
        """Forget what was seen so far.

        The yardstick shows from the beginning what we showed in the end, with its mark.
        """
        self.marks.clear()
        self.newest.clear()

    def shows(self, *texts: str) -> bool:
        return all(text.encode() in self.packet for text in texts)

    @property
    def document(self) -> Document:
        document: Document = argument_of(self.packet)
        return document


@dataclass(eq=False)
class LiveMatch:
    """The connections of one match."""

    match: Match
    observer: Connection
    overlay: Connection
    view: View
    auxiliaries: Sequence[Connection] = ()

    @property
    def senders(self) -> Sequence[Connection]:
        return [self.observer, *self.auxiliaries]


class Stage:
    """The clients of one run."""

    def __init__(self, server: Server, cores: Cores, *, compression: bool, chromium: bool = False) -> None:
        """
        Args:
            chromium: Whether whoever looks at pages does so with a real browser.
        """
        self.server = server
        self.chromium = chromium
        self.loop = Loop(compression=compression, tls=tls_context() if server.is_tls else None)
        self.matches: list[LiveMatch] = []
        self.shows_documents = server.keeps_matches
        """Whether what is told can be seen."""
        self._cores = cores
        self._told: Counter[Connection] = Counter()

    def close(self) -> None:
        self.loop.close()

    # --- entering

    def log_on(
        self,
        port: int,
        logons: Sequence[Logon],
        *,
        at_once: int = LOGONS_AT_ONCE,
        views: Sequence[View] | None = None,
    ) -> tuple[list[Connection], list[float]]:
        """Connect a client for each of `logons`; return them, and when each was let in.

        Args:
            views: What is to hear of everything behind the answer, for each client.
        """
        if not logons:
            return [], []
        connections: list[Connection] = []
        admitted: dict[Connection, float] = {}

        def connect(number: int) -> Connection:
            logon = logons[number]
            answer = f'42["{logon.answer}"'.encode()
            then = None if views is None else views[number].take

            def hear(connection: Connection, packet: bytes, at: float) -> None:
                if packet.startswith(answer):
                    if argument_of(packet).get("value") is False:
                        raise LoadError(f"a logon is refused: {packet!r}")
                    admitted[connection] = at
                    connection.on_packet = then

            def introduce(connection: Connection) -> None:
                connection.on_packet = hear
                connection.emit(logon.event, logon.message)

            return Connection(self.loop, port, on_ready=introduce)

        def all_are_in() -> bool:
            while len(connections) < len(logons) and len(connections) - len(admitted) < at_once:
                connections.append(connect(len(connections)))
            return len(admitted) == len(logons)

        self.loop.run_until(all_are_in, f"{len(logons)} clients have sent {logons[0].event} and are let in")
        return connections, [admitted[connection] for connection in connections]

    def open_matches(
        self, scripts: Sequence[Script], *, auxiliaries: int = 0, shown: Document | None = None
    ) -> None:
        """Bring matches to where the first round begins, each with one overlay.

        Args:
            auxiliaries: How many each match has.
            shown: What the yardstick is to show of every match; None if it shows nothing.
        """
        server, loop = self.server, self.loop
        observers, _ = self.log_on(server.ingest_port, [observer_logon(script.match) for script in scripts])
        views = [View() for _ in scripts]
        followings = [overlay_logon(script.match) for script in scripts]
        overlays, _ = self.log_on(server.output_port, followings, views=views)
        for script, observer, overlay, view in zip(scripts, observers, overlays, views, strict=True):
            self.matches.append(LiveMatch(script.match, observer, overlay, view))
            self.tell(observer, script.opening, events=len(script.opening))
        if server.keeps_matches:
            loop.run_until(lambda: all(map(_has_begun, self.matches)), "all matches are seen to have begun")
        else:
            self.await_counts()
            if shown is not None:
                self._have_shown(shown)
        logons = [
            auxiliary_logon(script.match, number) for script in scripts for number in range(auxiliaries)
        ]
        clients, _ = self.log_on(server.ingest_port, logons)
        for place, live in enumerate(self.matches):
            live.auxiliaries = clients[place * auxiliaries : (place + 1) * auxiliaries]

    def _have_shown(self, document: Document) -> None:
        """Have the yardstick show `document`, which is of the first match, of every match."""
        self.shows_documents = True
        marked = self.matches[0].match.players[MARKED_PLAYER]["playerId"]
        answered = _Answers(b'42["shown"')
        for live in self.matches:
            live.observer.on_packet = answered.take
            told = {"groupCode": live.match.group_code, "playerId": marked, "document": document}
            live.observer.emit("show", told)
        self.loop.run_until(lambda: len(answered.packets) == len(self.matches), "the yardstick has documents")

    # --- telling

    def tell(self, connection: Connection, chunks: Iterable[bytes], *, events: int) -> None:
        """Send chunks of frames with so many events, as fast as they are taken."""
        self._told[connection] += events
        connection.feed(chunks)

    def tell_paced(self, rate: float, events: Sequence[tuple[Connection, bytes]]) -> list[float]:
        """Send the frames of events evenly, so many a second; return when each was sent."""
        schedule = Schedule(rate, len(events))
        times: list[float] = []
        began = time.perf_counter()
        while len(times) < len(events):
            for connection, frame in events[len(times) : schedule.due(time.perf_counter() - began)]:
                times.append(time.perf_counter())
                self._told[connection] += 1
                connection.send(frame)
            self.loop.step(began + schedule.due_at(len(times)) - time.perf_counter())
        return times

    # --- proofs

    def await_marks(self, marks: Mapping[LiveMatch, set[int]]) -> None:
        """Return when the document of each match has shown these marks."""
        for live, awaited in marks.items():
            what = f"the last marks of {live.match.group_code} are seen"
            self.loop.run_until(_sees(live.view, awaited), what, within_s=PROOF_S)

    def await_counts(self) -> None:
        """Return when the yardstick has handled as many events of each connection as it was told."""
        answered = _Answers(b'42["counted"')
        connections = list(self._told)
        for connection in connections:
            connection.on_packet = answered.take
            connection.feed([event_frame("count", {}, compression=False)])
        is_done = lambda: len(answered.packets) == len(connections)  # noqa: E731
        self.loop.run_until(is_done, "the yardstick has handled everything", within_s=PROOF_S)
        for connection, packet in answered.packets.items():
            counted = argument_of(packet)["events"]
            if counted != self._told[connection]:
                raise LoadError(f"the yardstick handled {counted} of {self._told[connection]} events")

    def check_nothing_refused(self) -> None:
        """
        Raises:
            LoadError: The server refused something: then it did less work than it seems.
        """
        refused = self.server.refused()
        if refused:
            raise LoadError(f"the server refused: {refused}")

    # --- measuring

    @contextmanager
    def clocks(self) -> Iterator[Clocks]:
        """Measure, while this process collects no garbage."""
        gc.collect()
        gc.disable()
        try:
            yield Clocks(self.server.pid, self._cores)
        finally:
            gc.enable()


class _Answers:
    """Collects one answer of each connection."""

    def __init__(self, start: bytes) -> None:
        self._start = start
        self.packets: dict[Connection, bytes] = {}

    def take(self, connection: Connection, packet: bytes, at: float) -> None:
        if packet.startswith(self._start):
            self.packets[connection] = packet


def _has_begun(live: LiveMatch) -> bool:
    return live.view.shows(live.match.match_id, live.match.players[MARKED_PLAYER]["playerId"])


def _sees(view: View, marks: set[int]) -> Callable[[], bool]:
    return lambda: marks <= view.marks
