"""One simulated match, as its clients play it together: each sends its own part, at its time."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from random import Random
from typing import Any, Final
from uuid import uuid4

import gevent
from gevent.event import Event
from msgspec import Struct

from valo_ingest.rehearsal.faults import is_game_end
from valo_ingest.rehearsal.load.scenario import Scenario
from valo_ingest.rehearsal.load.sightings import Sent
from valo_ingest.rehearsal.simulation.feed import OBSERVER, Step
from valo_ingest.rehearsal.simulation.matches import SimulatedMatch
from valo_ingest.wire.names import ObserverType

SKIPPED_MS: Final[Mapping[str, int]] = {"bomb": 15 * 60_000, "swift": 3 * 60_000}
"""So much of a match is left out at most, by mode. Matches that all begin at once would shop and fight at once, too."""

OPENING_APART_MS: Final = 10
"""Between two messages that tell an observer's server how things stand."""

BREATHE_EVERY: Final = 200
"""So many steps are left out in one go: about a ms of work."""

OPENING_TYPES: Final = (
    ObserverType.MAP,
    ObserverType.GAME_MODE,
    ObserverType.ROSTER,
    ObserverType.MATCH_START,
    ObserverType.ROUND_INFO,
    ObserverType.SCORE,
    ObserverType.SCOREBOARD,
)
"""What an observer that comes in later tells first, in this order: the newest of each, players one by one."""

OF_A_PLAYER: Final = frozenset({ObserverType.ROSTER, ObserverType.SCOREBOARD})


class Lineup(Struct, frozen=True, kw_only=True):
    """Who plays in a match."""

    match_id: str
    left_team: Mapping[str, Any] = {}
    right_team: Mapping[str, Any] = {}
    """As an observer's logon has them."""
    player_ids: Sequence[str] = ()
    """Of the auxiliary clients."""


class Play:
    """A match that is being played. It begins when its observer is in."""

    def __init__(self, group_code: str, lineup: Lineup, steps: Iterator[Step], *, speed: float) -> None:
        """
        Args:
            steps: In the order of time.
        """
        self.group_code = group_code
        self.lineup = lineup
        self.sent = Sent()
        self.is_known = Event()
        """The server knows the match id, so that auxiliary clients can log on."""
        self.is_ending = Event()
        """Auxiliary clients stop: the observer is about to end the match."""
        self.is_over = Event()
        self.busy = 0
        """Auxiliary clients that log on or still send."""
        self.round_number = 0
        """As the observer has told it last."""
        self._steps = steps
        self._parts: dict[int, deque[Step]] = {
            number: deque() for number in range(len(lineup.player_ids) + 1)
        }
        self._speed = speed
        self._began_s: float | None = None

    def begin(self, now_s: float) -> None:
        """Let the time of the match run from now on."""
        self._began_s = now_s

    def next_of(self, sender: int) -> Step | None:
        """Take the next thing that a sender is to send; None when there is no more."""
        part = self._parts[sender]
        while not part:
            step = next(self._steps, None)
            if step is None:
                return None
            self._parts[step.sender].append(step)
        return part.popleft()

    def due_s(self, step: Step) -> float:
        """Return the instant at which something is to be sent, of the clock that `begin` was given."""
        assert self._began_s is not None, "the match has not begun"
        return self._began_s + step.at_ms / 1000 / self._speed


def simulated(scenario: Scenario, group_code: str, seed: int) -> Play:
    """Return a match of the simulator, which is to be played under `group_code`.

    It has a match id of its own: auxiliary data goes to all matches with the same one, and an earlier run may have
    left some on the server.
    """
    match = SimulatedMatch(seed, mode=scenario.mode, auxiliaries=scenario.auxiliaries)
    lineup = Lineup(
        match_id=str(uuid4()),
        left_team=match.team_setup(is_left=True),
        right_team=match.team_setup(is_left=False),
        player_ids=[fighter.player_id for fighter in match.auxiliary_players],
    )
    skipped_ms = Random(seed).randrange(SKIPPED_MS[scenario.mode])
    steps = joined_late(match.steps(), skipped_ms, lineup.match_id, breathe=lambda: gevent.sleep(0))
    return Play(group_code, lineup, steps, speed=scenario.speed)


def joined_late(
    steps: Iterator[Step], skipped_ms: int, match_id: str, *, breathe: Callable[[], None] = lambda: None
) -> Iterator[Step]:
    """Yield the steps of a match as an observer sends them who comes in so long after its start.

    Agent select is left out in any case: for a minute it is no load at all.

    Args:
        match_id: Is told instead of that of the match.
        breathe: Is called now and then while steps are left out, which takes some ms.
    """
    state: dict[tuple[str, str], Step] = {}
    until_ms: int | None = None
    first: Step | None = None
    for number, step in enumerate(steps):
        if until_ms is not None and step.at_ms >= until_ms:
            first = step
            break
        if step.type == ObserverType.MATCH_START:
            until_ms = step.at_ms + skipped_ms
            state[step.type, ""] = Step(step.at_ms, OBSERVER, step.type, match_id)
        elif _tells_how_things_stand(step):
            state[step.type, step.data["playerId"] if step.type in OF_A_PLAYER else ""] = step
        if number % BREATHE_EVERY == 0:
            breathe()
    told = sorted(state.values(), key=lambda step: OPENING_TYPES.index(step.type))
    yield from (
        Step(number * OPENING_APART_MS, OBSERVER, step.type, step.data) for number, step in enumerate(told)
    )
    if first is not None:
        moved_ms = first.at_ms - len(told) * OPENING_APART_MS
        for step in chain((first,), steps):
            yield Step(step.at_ms - moved_ms, step.sender, step.type, step.data)


def _tells_how_things_stand(step: Step) -> bool:
    return step.sender == OBSERVER and step.type in OPENING_TYPES and not is_game_end(step)
