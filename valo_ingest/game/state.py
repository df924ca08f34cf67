"""The state of a match: frozen structs, so that every rule returns a new one.

Where a mapping stands in a struct it is never changed in place. Instants are epoch milliseconds.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

from msgspec import Struct

from valo_ingest.game import rules
from valo_ingest.game.catalog import NO_WEAPON
from valo_ingest.game.events import Number
from valo_ingest.game.seats import BySeat, Seat

LOBBY: Final = "LOBBY"
SHOPPING: Final = "shopping"
COMBAT: Final = "combat"
ROUND_END: Final = "end"
GAME_END: Final = "game_end"
"""Phases that rules look at. The feed sends others ("game_start"), and any text is kept."""


class RoundOutcome(Enum):
    """How a round went for one team."""

    UPCOMING = "upcoming"
    KILLS = "kills"
    DETONATED = "detonated"
    DEFUSED = "defused"
    TIMEOUT = "timeout"
    LOST = "lost"


class RoundResult(Struct, frozen=True):
    number: int
    outcome: RoundOutcome
    was_attack: bool


class Abilities(Struct, frozen=True):
    """Charges that are left."""

    grenade: Number = 0
    ability_1: Number = 0
    ability_2: Number = 0


class AuxiliaryData(Struct, frozen=True):
    """Which data of a player's own client can be relied on."""

    has_health: bool = False
    has_abilities: bool = False
    has_scoreboard: bool = False
    """Of this round."""


class Player(Struct, frozen=True):
    """One player of a team. `name` is shown, `roster_name` is what the game calls him.

    `players._after_board` names all fields by their place; a test notices where it does not.
    """

    player_id: str
    roster_name: str
    name: str
    tagline: str
    position: Number
    locked: bool
    agent_internal: str
    is_alive: bool = True
    has_spike: bool = False
    is_observed: bool = False
    health: Number = rules.FULL_HEALTH
    abilities: Abilities = Abilities()
    kills: Number = 0
    deaths: Number = 0
    assists: Number = 0
    kills_this_round: Number = 0
    deaths_this_round: Number = 0
    killed_names: tuple[str, ...] = ()
    ult_points: Number = 0
    max_ult_points: Number = 0
    money: Number = 0
    money_spent: Number = 0
    has_spent: bool = False
    """Money has fallen in this round; from then on every change of it counts as spent or earned back."""
    armor: Number = 0
    weapon: str = NO_WEAPON
    teamkills: int = 0
    headshots: int = 0
    kills_by_weapon: Mapping[str, int] = {}
    kills_of_enemies: Mapping[str, int] = {}
    kills_of_teammates: Mapping[str, int] = {}
    has_scoreboard: bool = False
    """An observer's scoreboard came in this round."""
    auxiliary: AuxiliaryData = AuxiliaryData()
    lost_auxiliary: AuxiliaryData = AuxiliaryData()
    """What there was when the player's own client was lost; it is there again when that client is back."""
    icon_suffix: str = ""

    @property
    def ult_ready(self) -> bool:
        return self.ult_points >= self.max_ult_points > 0


class TeamSetup(Struct, frozen=True, kw_only=True):
    """A team as the logon describes it; what it left out is None."""

    name: str | None = None
    tricode: str | None = None
    url: str | None = None
    attack_start: bool | None = None


class Team(Struct, frozen=True, kw_only=True):
    """A team. What the game reports and what the logon said can come apart: see `swaps.swap_sides`."""

    setup: TeamSetup
    number: int
    is_attacking: bool
    removes_tricode: bool | None
    """Names lose the team's tricode; None where the logon left the setting out."""
    rounds_won: Number = 0
    record: tuple[RoundResult, ...]
    players: tuple[Player, ...] = ()
    has_duplicate_agents: bool = False


class Presentation(Struct, frozen=True, kw_only=True):
    """What the crew set up in the observer client, for the rules (numbers) and for overlays (settings).

    `settings` never holds a secret, nor the timeouts that are left: those change.
    """

    settings: Mapping[str, Any]
    timeout_s: Number = rules.DEFAULT_TIMEOUT_S
    timeout_grace_s: Number = rules.DEFAULT_TIMEOUT_GRACE_S
    max_timeouts: Number | None = rules.DEFAULT_TIMEOUTS
    """None where the logon set timeouts up without a number that can be read: nobody has any then."""
    removes_tricodes: bool | None = False


class MatchSetup(Struct, frozen=True, kw_only=True):
    """What a logon says about the match that it opens."""

    group_code: str
    teams: BySeat[TeamSetup]
    presentation: Presentation


class TechPause(Struct, frozen=True, tag=True):
    pass


class TeamTimeout(Struct, frozen=True, tag=True):
    seat: Seat
    started_at: int


Pause: TypeAlias = TechPause | TeamTimeout | None


class Toast(Struct, frozen=True):
    """A short notice. `content` is the last one that was shown; without `closes_at` it stays."""

    content: Mapping[str, Any]
    is_shown: bool = False
    closes_at: int | None = None


class Spike(Struct, frozen=True):
    is_planted: bool = False
    has_detonated: bool = False
    is_defused: bool = False
    detonates_at: int | None = None


NO_TOAST: Final = Toast({"title": "", "message": "", "duration": None, "eventLogoEnabled": True})


class Match(Struct, frozen=True, kw_only=True):
    """One play of the game on one map, as far as it is known."""

    group_code: str
    presentation: Presentation
    teams: BySeat[Team]
    timeouts_left: BySeat[Number | None]
    match_id: str = ""
    mode: str = rules.STANDARD_MODE
    switch_round: int = rules.SWITCH_ROUND
    first_overtime_round: int = rules.FIRST_OVERTIME_ROUND
    map: str = "Loading"
    is_running: bool = False
    has_ended: bool = False
    """The match came to its end, or was given up; nothing changes it any more."""
    agent_select_started_at: int | None = None
    round_number: int = 0
    phase: str = LOBBY
    last_begun_round: int = -1
    """The highest round whose shopping was seen; nothing of it happens twice."""
    clock_ends_at: int | None = None
    is_clock_judged: bool = False
    """Whether it is settled that this round ran out of time, or not."""
    ran_out_of_time: bool = False
    spike: Spike = Spike()
    attackers_won: bool = False
    has_unrecorded_score: bool = False
    """A score rose since a round's reason was last written."""
    has_entered_overtime: bool = False
    shows_alive_kda: bool = False
    pause: Pause = None
    timeout_remaining_s: Number = 0
    is_timeout_grace_over: bool = False
    toast: Toast = NO_TOAST
    observer_name: str = ""
    """Who joined last as the one whose events count; "" as long as that is who opened the match."""


def new_match(setup: MatchSetup) -> Match:
    """Return the match that a logon opens.

    One team has to attack: if both claim it, or neither, the left team's word counts.
    """
    left_attacks = setup.teams.left.attack_start is True
    presentation = setup.presentation
    return Match(
        group_code=setup.group_code,
        presentation=presentation,
        teams=BySeat(
            _new_team(setup.teams.left, presentation, is_attacking=left_attacks),
            _new_team(setup.teams.right, presentation, is_attacking=not left_attacks),
        ),
        timeouts_left=BySeat(presentation.max_timeouts, presentation.max_timeouts),
    )


def _new_team(setup: TeamSetup, presentation: Presentation, *, is_attacking: bool) -> Team:
    return Team(
        setup=setup,
        number=0 if is_attacking else 1,
        is_attacking=is_attacking,
        removes_tricode=presentation.removes_tricodes,
        record=tuple(
            RoundResult(number, RoundOutcome.UPCOMING, is_attacking)
            for number in range(1, rules.FIRST_ROUNDS_SHOWN + 1)
        ),
    )


def seat_of(match: Match, team_number: Number) -> Seat | None:
    """Return where the team with `team_number` sits, or None if there is no such team."""
    if match.teams.left.number == team_number:
        return Seat.LEFT
    if match.teams.right.number == team_number:
        return Seat.RIGHT
    return None
