"""What the clients of a run share: the matches they are in, and what they measure."""

import secrets
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

from gevent.event import Event

from valo_ingest.rehearsal.accounting import Accounts, Tally
from valo_ingest.rehearsal.load.measurements import Row
from valo_ingest.rehearsal.load.play import Play
from valo_ingest.rehearsal.load.scenario import Scenario
from valo_ingest.rehearsal.load.servers import Target
from valo_ingest.rehearsal.load.summary import Events

Report = Callable[[Row, str, float, str | None], None]
"""Takes one case of a row: the row, its name, the ms that it took, and what went wrong."""

MakePlay = Callable[[Scenario, str, int], Play]
"""Makes the match of a group code, from a seed."""


class Member(Protocol):
    """A client, as far as the venue looks at it."""

    is_to_be_cut: bool

    @property
    def kind(self) -> str:
        """What kind of client it is."""

    @property
    def may_be_cut(self) -> bool:
        """Whether it has a connection that may be broken."""


ENTERED_PER_S: Final = 25
"""Logons in a second, evenly spread. With TLS one takes the load generator 25 ms, and it has other things to do."""

SEEDS_APART: Final = 1_000
"""Seeds of one slot's matches lie so far from those of the next slot."""


class Slot:
    """A place in which one match after the other is played, by the same clients."""

    def __init__(self, number: int, run: str, scenario: Scenario, make_play: MakePlay) -> None:
        self._number = number
        self._run = run
        self._scenario = scenario
        self._make_play = make_play
        self._plays = 0
        self.current: Play | None = None
        self.has_play = Event()

    def open(self) -> Play:
        """Begin a new match."""
        self._plays += 1
        seed = self._scenario.seed + SEEDS_APART * self._number + self._plays
        play = self._make_play(self._scenario, f"LOAD-{self._run}-{self._number}-{self._plays}", seed)
        self.current = play
        self.has_play.set()
        return play

    def close(self, play: Play) -> None:
        """End a match: its clients leave it, and wait for the next."""
        self.current = None
        self.has_play.clear()
        play.is_over.set()


class Venue:
    """All matches of a run, and who is in which."""

    def __init__(self, scenario: Scenario, target: Target, make_play: MakePlay, report: Report) -> None:
        self.scenario = scenario
        self.target = target
        self.report = report
        self.is_ending = Event()
        """Nobody sends any more."""
        self.may_leave = Event()
        """All is accounted for."""
        self.members: list[Member] = []
        self.connected = 0
        """Clients that are logged on."""
        self.most_connected = 0
        self._next_entry_s = 0.0
        self._make_play = make_play
        self._run = secrets.token_hex(3).upper()
        self._slots: list[Slot] = []
        self._taken: Counter[str] = Counter()
        self._tallies: list[Tally] = []

    def place(self, kind: str, of_each_match: int) -> tuple[Slot, int]:
        """Return a match for one more client of a kind, and which of its kind it is there (from 0)."""
        taken = self._taken[kind]
        self._taken[kind] += 1
        slot, number = divmod(taken, of_each_match)
        while len(self._slots) <= slot:
            self._slots.append(Slot(len(self._slots) + 1, self._run, self.scenario, self._make_play))
        return self._slots[slot], number

    def turn_s(self, now_s: float) -> float:
        """Return how long the next client has to wait until it is its turn to log on."""
        turn = max(now_s, self._next_entry_s)
        self._next_entry_s = turn + 1 / ENTERED_PER_S
        return turn - now_s

    def enter(self) -> None:
        """Count a client that is in."""
        self.connected += 1
        self.most_connected = max(self.most_connected, self.connected)

    def leave(self) -> None:
        """Count one that is gone."""
        self.connected -= 1

    @property
    def matches(self) -> int:
        """How many matches are being played."""
        return sum(slot.current is not None and slot.current.is_known.is_set() for slot in self._slots)

    def new_tally(self) -> Tally:
        """Return the accounts of one more connection."""
        tally = Tally(on_answer=self._on_answer)
        self._tallies.append(tally)
        return tally

    def _on_answer(self, kind: str, code: str, took_s: float) -> None:
        failure = None if code == "accepted" else f"refused: {code}"
        self.report(Row.ANSWERED, kind, took_s * 1000, failure)

    @property
    def sent(self) -> int:
        """How many events were sent so far."""
        return sum(tally.sent for tally in self._tallies)

    @property
    def open_plays(self) -> int:
        """How many matches have not come to their end."""
        return sum(slot.current is not None for slot in self._slots)

    def events(self) -> Events:
        """Return what became of all events so far."""
        return added_up([tally.accounts() for tally in self._tallies])

    def settle(self) -> Events:
        """Return what became of all events; what has no answer by now is lost."""
        return added_up([tally.settle(0) for tally in self._tallies])


def added_up(accounts: list[Accounts]) -> Events:
    """Add up the accounts of all connections.

    A server that answers on some of them answers: what is unconfirmed on the others is lost then.
    """
    refused: Counter[str] = Counter()
    lost_by_type: Counter[str] = Counter()
    answers = any(each.accepted or each.refused for each in accounts)
    for each in accounts:
        refused.update(each.refused)
        lost_by_type.update(each.sent_by_type if answers and each.unconfirmed else each.lost_by_type)
    unconfirmed = sum(each.unconfirmed for each in accounts)
    return Events(
        sent=sum(each.sent for each in accounts),
        applied=sum(each.accepted for each in accounts),
        refused=dict(refused),
        lost=sum(each.lost for each in accounts) + (unconfirmed if answers else 0),
        unconfirmed=0 if answers else unconfirmed,
        lost_by_type=dict(lost_by_type),
    )
