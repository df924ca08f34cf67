"""How a round goes: who wins it and why, who kills whom, and when. Decided before it is played."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final

from valo_ingest.game import rules
from valo_ingest.rehearsal.simulation import measured
from valo_ingest.rehearsal.simulation.fighters import Fighter

Spread = tuple[float, float, float, float]
"""Median, spread of the logarithm, least and most."""

LAST_MOMENT_MS: Final = 3_000
"""Rounds that are not to run out of time are over this long before."""

ATTACKERS: Final = 0
DEFENDERS: Final = 1


class Outcome(Enum):
    """Why a round is won."""

    ATTACKERS_KILL = "attackers by kills"
    ATTACKERS_KILL_PLANTED = "attackers by kills after a plant"
    BLAST = "blast"
    DEFUSE = "defuse"
    DEFENDERS_KILL = "defenders by kills"
    TIME = "time"

    @property
    def winners(self) -> int:
        """`ATTACKERS` or `DEFENDERS`."""
        return DEFENDERS if self in (Outcome.DEFUSE, Outcome.DEFENDERS_KILL, Outcome.TIME) else ATTACKERS

    @property
    def has_plant(self) -> bool:
        return self in (Outcome.ATTACKERS_KILL_PLANTED, Outcome.BLAST, Outcome.DEFUSE)


@dataclass(frozen=True, slots=True)
class Kill:
    """`at_ms` counts from the beginning of combat, as all times of a plan."""

    at_ms: int
    killer: Fighter
    victim: Fighter
    is_headshot: bool
    assisting: tuple[Fighter, ...]


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """A round from combat to its end."""

    outcome: Outcome
    kills: tuple[Kill, ...]
    planted_at_ms: int | None
    ends_at_ms: int


def drawn_time(rng: Random, spread: Spread) -> float:
    """Return a time of a lognormal distribution, cut off at both ends."""
    median, sigma, least, most = spread
    return min(max(median * math.exp(rng.gauss(0.0, sigma)), least), most)


def draw_plan(
    rng: Random, attackers: Sequence[Fighter], defenders: Sequence[Fighter], attack_share: float
) -> RoundPlan:
    """Return how a round goes.

    Args:
        attack_share: How likely it is that the attackers win.
    """
    winners = ATTACKERS if rng.random() < attack_share else DEFENDERS
    outcomes = [outcome for outcome in Outcome if outcome.winners == winners]
    shares = [measured.OUTCOME_SHARES[outcome.value] for outcome in outcomes]
    outcome = rng.choices(outcomes, shares)[0]
    victims = _draw_victims(rng, outcome)
    times = _draw_kill_times(rng, len(victims))
    planted_at = ends_at = None
    if outcome.has_plant:
        times, planted_at, ends_at = _fit_to_plant(rng, outcome, victims, times)
    elif outcome is Outcome.TIME:
        ends_at = measured.ROUND_LENGTH_MS
        times = _squeezed(times, ends_at - LAST_MOMENT_MS)
    else:
        times = _squeezed(times, measured.ROUND_LENGTH_MS - LAST_MOMENT_MS)
    kills = _draw_kills(rng, (list(attackers), list(defenders)), victims, times)
    if ends_at is None:
        ends_at = times[-1] + rng.randint(2, 30)
    return RoundPlan(outcome, kills, planted_at, ends_at)


def _draw_victims(rng: Random, outcome: Outcome) -> list[int]:
    """Return of which side each victim is, in order."""
    everybody = rules.MAX_PLAYERS_PER_TEAM
    some = rng.choices(range(everybody), (2, 4, 6, 6, 4))[0]
    if outcome in (Outcome.ATTACKERS_KILL, Outcome.ATTACKERS_KILL_PLANTED):
        return _shuffled_with_last(rng, some, everybody, last=DEFENDERS)
    if outcome is Outcome.DEFENDERS_KILL:
        return _shuffled_with_last(rng, everybody, some, last=ATTACKERS)
    if outcome is Outcome.DEFUSE and rng.random() < 0.85:
        return _shuffled_with_last(rng, everybody, some, last=ATTACKERS)
    others = rng.randint(1, everybody - 1)
    victims = [ATTACKERS] * some + [DEFENDERS] * others
    rng.shuffle(victims)
    return victims


def _shuffled_with_last(rng: Random, attackers: int, defenders: int, *, last: int) -> list[int]:
    victims = [ATTACKERS] * attackers + [DEFENDERS] * defenders
    victims.remove(last)
    rng.shuffle(victims)
    return [*victims, last]


def _draw_kill_times(rng: Random, count: int) -> list[int]:
    at_s = drawn_time(rng, measured.FIRST_KILL_S)
    times = []
    for _ in range(count):
        times.append(round(at_s * 1_000))
        at_s += drawn_time(rng, measured.KILL_GAP_S)
    return times


def _squeezed(times: list[int], limit_ms: int) -> list[int]:
    """Return times of which none is later than `limit_ms`, in proportion."""
    if not times or times[-1] <= limit_ms:
        return times
    return [at * limit_ms // times[-1] for at in times]


def _fit_to_plant(
    rng: Random, outcome: Outcome, victims: list[int], times: list[int]
) -> tuple[list[int], int, int | None]:
    """Return the times of the kills, of the plant and of the end (None: with the last kill) of a round with a plant.

    Before the plant fall as many kills as came before its time, but at least one attacker is left to plant, and one
    victim whose side has to be wiped out after it.
    """
    planted_at = round(drawn_time(rng, measured.PLANT_S) * 1_000)
    before = sum(at < planted_at for at in times)
    before = min(before, _most_before_plant(outcome, victims))
    early, late = _squeezed(times[:before], planted_at - 200), times[before:]
    if late and late[0] <= planted_at:
        shift = planted_at + rng.randint(600, 6_000) - late[0]
        late = [at + shift for at in late]
    if outcome is Outcome.BLAST:
        ends_at = planted_at + rules.SPIKE_FUSE_MS
        return early + _squeezed_after(late, planted_at, ends_at - 300), planted_at, ends_at
    if outcome is Outcome.DEFUSE:
        least, most = measured.DEFUSE_S
        ends_at = planted_at + round(rng.uniform(least, most) * 1_000)
        return early + _squeezed_after(late, planted_at, ends_at - 200), planted_at, ends_at
    return early + _squeezed_after(late, planted_at, planted_at + rules.SPIKE_FUSE_MS - 500), planted_at, None


def _most_before_plant(outcome: Outcome, victims: list[int]) -> int:
    everybody = rules.MAX_PLAYERS_PER_TEAM
    for count in range(len(victims) + 1):
        if victims[:count].count(ATTACKERS) == everybody or victims[:count].count(DEFENDERS) == everybody:
            return count - 1
    return len(victims)


def _squeezed_after(times: list[int], begin_ms: int, limit_ms: int) -> list[int]:
    return [begin_ms + at for at in _squeezed([at - begin_ms for at in times], limit_ms - begin_ms)]


def _draw_kills(
    rng: Random, sides: tuple[list[Fighter], list[Fighter]], victims: list[int], times: list[int]
) -> tuple[Kill, ...]:
    kills = []
    for side, at_ms in zip(victims, times, strict=True):
        victim = rng.choice(sides[side])
        sides[side].remove(victim)
        killers = sides[1 - side]
        killer = rng.choice(killers)
        helpers = [fighter for fighter in killers if fighter is not killer]
        count = rng.choices((0, 1, 2), measured.ASSISTS_SHARES)[0]
        assisting = tuple(rng.sample(helpers, min(count, len(helpers))))
        kills.append(Kill(at_ms, killer, victim, rng.random() < measured.HEADSHOT_SHARE, assisting))
    return tuple(kills)
