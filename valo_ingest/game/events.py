"""Everything that can happen to a match, as frozen structs named for what happened.

`Event` is their union; `reducer.HANDLERS` has one function for each.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from valo_ingest.game.seats import Seat

Number: TypeAlias = int | float
"""A number of the feed. Nearly always whole, but the feed does not promise it."""


class MapChosen(Struct, frozen=True):
    internal_name: str


class GameModeChosen(Struct, frozen=True):
    mode: str


class MatchStarted(Struct, frozen=True):
    match_id: str


class RosterReported(Struct, frozen=True, kw_only=True):
    """One player's entry of the roster."""

    team_number: Number
    player_id: str
    name: str
    tagline: str
    agent_internal: str
    position: Number
    locked: bool


class Board(Struct, frozen=True):
    """One player's line of a scoreboard. Not an event by itself."""

    player_id: str
    agent_internal: str
    is_alive: bool
    armor: Number
    weapon_internal: str
    ult_points: Number
    max_ult_points: Number
    has_spike: bool
    money: Number
    kills: Number
    deaths: Number
    assists: Number


class ScoreboardReported(Struct, frozen=True):
    """The observer's scoreboard of one player."""

    team_number: Number
    board: Board


class AuxiliaryScoreboardReported(Struct, frozen=True):
    """A player's own client tells his scoreboard."""

    team_number: Number
    board: Board


class AuxiliaryTeamBoardReported(Struct, frozen=True):
    """A player's own client tells the scoreboards of his team mates."""

    boards: tuple[Board, ...]


class AbilitiesReported(Struct, frozen=True):
    player_id: str
    grenade: Number
    ability_1: Number
    ability_2: Number


class HealthReported(Struct, frozen=True):
    player_id: str
    health: Number


class AstraTargetingReported(Struct, frozen=True):
    """Astra went into her astral form, or left it."""

    player_id: str
    active: bool


class CypherCameraReported(Struct, frozen=True):
    """Cypher looks through his camera, or stopped."""

    player_id: str
    active: bool


class KillReported(Struct, frozen=True, kw_only=True):
    """One line of the kill feed. `assists` are icon names of agents."""

    attacker: str
    victim: str
    weapon_internal: str
    headshot: bool
    assists: tuple[str, ...]
    teamkill: bool


class RoundPhaseChanged(Struct, frozen=True):
    number: int
    phase: str


class ScoreReported(Struct, frozen=True):
    """Rounds won by team number 0 and 1."""

    team_0: Number
    team_1: Number


class PlayerObserved(Struct, frozen=True):
    """The camera follows the player whose `search_name` this is ("name #tagline")."""

    search_name: str


class SpikePlanted(Struct, frozen=True):
    pass


class SpikeDetonated(Struct, frozen=True):
    pass


class SpikeDefused(Struct, frozen=True):
    pass


class TechPausePressed(Struct, frozen=True):
    """The operator pressed the key of the technical pause: it starts or ends one."""


class TeamTimeoutPressed(Struct, frozen=True):
    """The operator pressed the timeout key of `seat`: it starts or cancels one."""

    seat: Seat


class AliveKdaPressed(Struct, frozen=True):
    """The operator switched between credits and kills/deaths/assists for living players."""


class ToastPressed(Struct, frozen=True):
    """The operator pressed the toast key: it shows one, or closes the one that is shown.

    `content` is passed on to overlays as it is; without `duration_ms` the toast stays until it is closed.
    """

    content: Mapping[str, Any]
    duration_ms: Number | None


class SeatsSwapped(Struct, frozen=True):
    """The operator swapped left and right."""


class SidesSwapped(Struct, frozen=True):
    """The operator says that the logon had the starting sides the wrong way round."""


class UnknownReported(Struct, frozen=True):
    """A message type that changes nothing: unknown, or kept by clients from older times."""


class ObserverJoined(Struct, frozen=True):
    """An observer came back to a match that goes on, or another one has taken over."""

    name: str = ""


class ObserversGone(Struct, frozen=True):
    """The last observer of the match is gone."""


class AuxiliaryGone(Struct, frozen=True):
    """The auxiliary client of a player is gone."""

    player_id: str


class AuxiliaryReturned(Struct, frozen=True):
    """The auxiliary client of a player is back, without having logged on anew."""

    player_id: str


class MatchAbandoned(Struct, frozen=True):
    """The match was removed without having come to its end."""


Event: TypeAlias = (
    MapChosen
    | GameModeChosen
    | MatchStarted
    | RosterReported
    | ScoreboardReported
    | AuxiliaryScoreboardReported
    | AuxiliaryTeamBoardReported
    | AbilitiesReported
    | HealthReported
    | AstraTargetingReported
    | CypherCameraReported
    | KillReported
    | RoundPhaseChanged
    | ScoreReported
    | PlayerObserved
    | SpikePlanted
    | SpikeDetonated
    | SpikeDefused
    | TechPausePressed
    | TeamTimeoutPressed
    | AliveKdaPressed
    | ToastPressed
    | SeatsSwapped
    | SidesSwapped
    | UnknownReported
    | ObserverJoined
    | ObserversGone
    | AuxiliaryGone
    | AuxiliaryReturned
    | MatchAbandoned
)
