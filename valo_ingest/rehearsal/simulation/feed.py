"""What the clients send of what happens: the observer everything, each auxiliary client its player and his team."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import msgspec

from valo_ingest.rehearsal.simulation import measured
from valo_ingest.rehearsal.simulation.agenda import Agenda
from valo_ingest.rehearsal.simulation.fighters import Fighter
from valo_ingest.wire.names import AuxiliaryType, ObserverType

OBSERVER: Final = 0
"""The sender that is the observer; auxiliary clients count from 1."""


@dataclass(frozen=True, slots=True)
class Step:
    """One message: when it is sent (ms since the match was opened), by whom, and what it says."""

    at_ms: int
    sender: int
    type: str
    data: Any


class _Auxiliary:
    """The client of one player."""

    def __init__(self, sender: int, fighter: Fighter, phase_ms: int) -> None:
        self.sender = sender
        self.fighter = fighter
        self.phase_ms = phase_ms
        """Where its grid begins."""
        self.changed_mates: dict[str, Fighter] = {}
        """Team-mates of whom something has changed since it told of them."""


class Feed:
    """Writes down messages, in the order of their instants."""

    def __init__(self, agenda: Agenda, auxiliary_players: Sequence[Fighter], rng: Random) -> None:
        """
        Args:
            auxiliary_players: Whose clients send; they are senders 1, 2, ...
        """
        self._agenda = agenda
        self._steps: list[Step] = []
        self._auxiliaries = [
            _Auxiliary(number, fighter, rng.randrange(measured.TEAM_BOARD_GRID_MS))
            for number, fighter in enumerate(auxiliary_players, start=1)
        ]
        self._by_player = {auxiliary.fighter.index: auxiliary for auxiliary in self._auxiliaries}
        self.has_auxiliaries = False
        """Whether the auxiliary clients are logged on already: they need the match id."""

    def take(self) -> list[Step]:
        """Return what was written down since the last call."""
        steps, self._steps = self._steps, []
        return steps

    def observe(self, kind: ObserverType, data: Any = True) -> None:
        """The observer sends something."""
        self._write(OBSERVER, kind.value, data)

    def show_board(self, fighter: Fighter) -> None:
        """Something on the scoreboard of `fighter` is new."""
        self.observe(ObserverType.SCOREBOARD, fighter.board())
        if not self.has_auxiliaries:
            return
        own = self._by_player.get(fighter.index)
        if own is not None:
            self._write(own.sender, AuxiliaryType.SCOREBOARD.value, fighter.board())
        for auxiliary in self._auxiliaries:
            if auxiliary.fighter is not fighter and auxiliary.fighter.team == fighter.team:
                self._tell_of_mate(auxiliary, fighter)

    def show_health(self, fighter: Fighter) -> None:
        """`fighter` has been hurt, or is well again."""
        self._tell_own(fighter, AuxiliaryType.HEALTH, fighter.health)

    def show_charges(self, fighter: Fighter) -> None:
        """`fighter` has bought or used an ability."""
        grenade, ability_1, ability_2 = fighter.charges
        data = {"grenade": grenade, "ability_1": ability_1, "ability_2": ability_2}
        self._tell_own(fighter, AuxiliaryType.ABILITIES, data)

    def show_special(self, fighter: Fighter, kind: AuxiliaryType, *, is_on: bool) -> None:
        """`fighter` has begun or ended what only his agent does."""
        self._tell_own(fighter, kind, is_on)

    def _tell_own(self, fighter: Fighter, kind: AuxiliaryType, data: Any) -> None:
        own = self._by_player.get(fighter.index)
        if own is not None and self.has_auxiliaries:
            self._write(own.sender, kind.value, data)

    def _tell_of_mate(self, auxiliary: _Auxiliary, mate: Fighter) -> None:
        if not auxiliary.changed_mates:
            grid = measured.TEAM_BOARD_GRID_MS
            passed = (self._agenda.now_ms - auxiliary.phase_ms) % grid
            self._agenda.after(grid - passed, lambda: self._send_team_board(auxiliary))
        auxiliary.changed_mates[mate.player_id] = mate

    def _send_team_board(self, auxiliary: _Auxiliary) -> None:
        boards = [mate.team_board() for mate in auxiliary.changed_mates.values()]
        auxiliary.changed_mates.clear()
        # A text in the message, which is a text itself: so the real client sends it.
        text = msgspec.json.encode(boards).decode()
        self._write(auxiliary.sender, AuxiliaryType.SCOREBOARD_TEAM.value, text)

    def _write(self, sender: int, kind: str, data: Any) -> None:
        self._steps.append(Step(self._agenda.now_ms, sender, kind, data))
