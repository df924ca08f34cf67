"""What an operator wants to see of the course of a match, kept in memory beside its state.

Taking note of an event costs a counter and an append; whatever has to be read or reckoned is put off until somebody
looks. A match that came back after a restart, or that is only kept in the journal, has its chronicle made again from
its record (`told_again`), by the same functions.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from msgspec import Struct

from valo_ingest.errors import InvalidMessage
from valo_ingest.game.events import Number
from valo_ingest.game.reducer import apply
from valo_ingest.game.state import COMBAT, Match, Team, new_match
from valo_ingest.wire.json import read_object
from valo_ingest.wire.record import Entry, Kind, Opening, event_of

RECENT: Final = 200
"""Events that are kept to be looked at."""

MAX_KEPT_TEXT: Final = 4_096
"""Characters of an event that is kept so; real ones are smaller, and of a larger one only its arrival is."""

CONNECTIONS: Final = 400
"""Comings and goings that are kept."""

MAX_GONE: Final = 64
"""Players who are remembered to have lost their client. A match has ten, but a client may name anybody."""

SAMPLES: Final = 61
"""Of the number of events, one a second: those of the last minute."""

RATE_SAMPLES: Final = 6
"""Over which a rate is taken: the last five seconds."""

MESSAGES: Final = frozenset({Kind.OBSERVER_MESSAGE, Kind.AUXILIARY_MESSAGE})


class Purse(Struct, frozen=True):
    """What a team had when a round began: credits spent on it, and credits left."""

    spent: Number
    left: Number


class RoundPurses(Struct, frozen=True):
    """The purses of both teams in one round, by their team numbers: seats may be swapped."""

    number: int
    purses: dict[int, Purse]


class Chronicle:
    """The course of one match."""

    def __init__(self, *, since: int, is_whole: bool = True) -> None:
        """
        Args:
            since: From when on it is told (epoch ms).
            is_whole: Whether the match began then, too.
        """
        self.since = since
        self.is_whole = is_whole
        self.events = 0
        """Messages that were taken in since then."""
        self.events_before = 0
        """And before, where that was told later."""
        self.recent: deque[Entry] = deque(maxlen=RECENT)
        self.connections: deque[Entry] = deque(maxlen=CONNECTIONS)
        self.gone_at: dict[str, int] = {}
        """Players whose client is gone, by their ids."""
        self.rounds: dict[int, RoundPurses] = {}
        self.samples: deque[tuple[int, int]] = deque(maxlen=SAMPLES)
        """When it was looked at, and how many events there had been."""

    @property
    def last_event_at(self) -> int | None:
        return self.recent[-1].at if self.recent else None

    def note_event(self, entry: Entry) -> None:
        """A message was taken in."""
        self.events += 1
        self.recent.append(entry if len(entry.text) <= MAX_KEPT_TEXT else Entry(entry.at, entry.kind, ""))

    def note_connection(self, entry: Entry) -> None:
        """Somebody came or went, or the operator did something."""
        self.connections.append(entry)
        if entry.kind in (Kind.AUXILIARY_ON, Kind.AUXILIARY_BACK):
            self.gone_at.pop(_player_id(entry), None)
        elif entry.kind is Kind.AUXILIARY_GONE and len(self.gone_at) < MAX_GONE:
            self.gone_at[_player_id(entry)] = entry.at

    def note_phase(self, match: Match) -> None:
        """The phase is another one now. When combat begins, everything is bought."""
        if match.phase == COMBAT:
            purses = {team.number: _purse(team) for team in match.teams}
            self.rounds[match.round_number] = RoundPurses(match.round_number, purses)

    def sample(self, now: int) -> None:
        """Remember how many events there have been. Call it once a second."""
        self.samples.append((now, self.events))

    def events_per_s(self) -> float:
        """Return the rate of the last seconds."""
        if len(self.samples) < 2:
            return 0.0
        at, events = self.samples[max(-RATE_SAMPLES, -len(self.samples))]
        latest_at, latest = self.samples[-1]
        return (latest - events) * 1_000 / (latest_at - at) if latest_at > at else 0.0

    def each_second(self) -> list[int]:
        """Return how many events came between one sample and the next, the oldest first."""
        counts = [events for _, events in self.samples]
        return [after - before for before, after in pairwise(counts)]

    def begin_with(self, earlier: "Chronicle") -> None:
        """Put what happened before this one began in front of it; from then on it is whole."""
        if self.is_whole:
            return
        self.is_whole = True
        self.events_before += earlier.events
        self.rounds = {**earlier.rounds, **self.rounds}
        _put_in_front(self.recent, earlier.recent, RECENT)
        _put_in_front(self.connections, earlier.connections, CONNECTIONS)


def _put_in_front(newer: deque[Entry], older: deque[Entry], maximum: int) -> None:
    room = maximum - len(newer)
    newer.extendleft(list(older)[: -room - 1 : -1])


def _player_id(entry: Entry) -> str:
    return str(read_object(entry.text).get("playerId", ""))


def _purse(team: Team) -> Purse:
    return Purse(
        spent=max(0, sum(player.money_spent for player in team.players)),
        left=sum(player.money for player in team.players),
    )


def told_again(opening: Opening, entries: Iterable[Entry], into: Chronicle) -> Iterator[Match]:
    """Tell the record of a match into a chronicle, entry by entry; yield the match after each.

    An entry that cannot be read is left out, as it is where a record is played.
    """
    match = new_match(opening.setup)
    for entry in entries:
        try:
            event = event_of(entry)
        except InvalidMessage:
            continue
        before, match = match, apply(match, event, entry.at)
        if entry.kind in MESSAGES:
            into.note_event(entry)
        else:
            into.note_connection(entry)
        if match.phase != before.phase:
            into.note_phase(match)
        yield match
