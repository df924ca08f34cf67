"""Simulated matches, played through the real decoder and the real rules in made-up time."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.e2e.messages import auxiliary_data, observer_data, observer_logon
from tests.e2e.stage import as_text
from tests.game.test_properties import assert_makes_sense
from valo_ingest.game.events import Event
from valo_ingest.game.reducer import apply
from valo_ingest.game.state import Match, new_match
from valo_ingest.rehearsal.simulation.feed import OBSERVER, Step
from valo_ingest.rehearsal.simulation.matches import SimulatedMatch
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message
from valo_ingest.wire.logons import decode_observer_logon

SEEDS = range(1, 21)

CODE = "SIM"
BEGINS_AT = 1_700_000_000_000
"""Epoch ms of the logon."""

LOOK_EVERY = 40
"""Every so many steps it is looked whether the state makes sense, and at every change of phase."""


@dataclass(frozen=True)
class Played:
    """A match that was played to its end."""

    match: SimulatedMatch
    steps: tuple[Step, ...]
    end: Match

    def observed(self, *kinds: str) -> list[Step]:
        """Return what the observer sent of these types."""
        return [step for step in self.steps if step.sender == OBSERVER and step.type in kinds]

    def rounds(self) -> Iterator[list[Step]]:
        """Yield what was sent from each announcement of a round to the next."""
        part: list[Step] = []
        for step in self.steps:
            if step.type == "round_info" and step.data["roundPhase"] == "game_start":
                if part:
                    yield part
                part = []
            if part or step.type == "round_info":
                part.append(step)
        yield part


def played(seed: int, mode: str = "bomb") -> Played:
    """Return the match of a seed. An event that is refused raises; a state that makes no sense fails."""
    return _played(seed, mode)


@cache
def _played(seed: int, mode: str) -> Played:
    match = SimulatedMatch(seed, mode=mode, auxiliaries=10)
    state = opened(match)
    steps: list[Step] = []
    for step in match.steps():
        assert not steps or step.at_ms >= steps[-1].at_ms
        steps.append(step)
        state = apply(state, decoded(match, step), BEGINS_AT + step.at_ms)
        if len(steps) % LOOK_EVERY == 0 or step.type == "round_info":
            assert_makes_sense(state)
    return Played(match, tuple(steps), state)


def opened(match: SimulatedMatch) -> Match:
    logon: dict[str, Any] = observer_logon(
        CODE, leftTeam=match.team_setup(is_left=True), rightTeam=match.team_setup(is_left=False)
    )
    return new_match(decode_observer_logon(logon, VersionRange(">=0.3.3 <0.3.25")).setup)


def decoded(match: SimulatedMatch, step: Step) -> Event:
    """Return what a step means to the server. Raises `InvalidMessage` if it means nothing."""
    if step.sender == OBSERVER:
        return decode_observer_message(as_text(observer_data(CODE, step.type, step.data))).event
    player_id = match.auxiliary_players[step.sender - 1].player_id
    message = auxiliary_data(match.match_id, player_id, step.type, step.data)
    return decode_auxiliary_message(as_text(message)).event
