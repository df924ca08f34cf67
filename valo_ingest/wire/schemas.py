"""The contract: a marshmallow schema for every payload, and the verdict on every doubtful one.

A schema loads the whole envelope of a message, so that the path of a fault reads as the sender wrote it
("data.money"). Fields that can be read are read, unknown ones are dropped, and one that a rule needs and that
cannot be read refuses the message whole. Each schema builds the event that the message means.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load

from valo_ingest.errors import InvalidMessage
from valo_ingest.game import events as happened
from valo_ingest.game import rules
from valo_ingest.game.seats import Seat
from valo_ingest.wire import bounds
from valo_ingest.wire.fields import Flag, Number, Opaque, Text, read_number
from valo_ingest.wire.json import read
from valo_ingest.wire.names import AuxiliaryType, ObserverType


class PayloadSchema(Schema):
    """Base of all schemas: clients may be newer than we are, so unknown fields are dropped."""

    class Meta:
        unknown = EXCLUDE

    error_messages = {"type": "not an object"}  # noqa: RUF012 - marshmallow's interface


class EventSchema(PayloadSchema):
    """Base of the schemas whose fields are the fields of an event."""

    event: Callable[..., happened.Event]

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.Event:
        return self.event(**values)


# --- obs_data -------------------------------------------------------------------------------------------------


class MapSchema(EventSchema):
    event = happened.MapChosen
    internal_name = Text(data_key="data", required=True)


class GameModeSchema(EventSchema):
    event = happened.GameModeChosen
    mode = Text(data_key="data", required=True)


class MatchStartSchema(EventSchema):
    event = happened.MatchStarted
    match_id = Text(data_key="data", required=True)


class ObservingSchema(EventSchema):
    event = happened.PlayerObserved
    search_name = Text(data_key="data", required=True)


class RosterEntrySchema(PayloadSchema):
    team_number = Number(data_key="startTeam", required=True)
    player_id = Text(data_key="playerId", required=True)
    name = Text(required=True)
    tagline = Text(required=True)
    agent_internal = Text(data_key="agentInternal", required=True)
    position = Number(required=True)
    locked = Flag(required=True)


class RosterSchema(PayloadSchema):
    data = fields.Nested(RosterEntrySchema, required=True)

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.RosterReported:
        return happened.RosterReported(**values["data"])


class BoardSchema(PayloadSchema):
    """One line of a scoreboard: name and tagline of the player are sent along and not used."""

    player_id = Text(data_key="playerId", required=True)
    agent_internal = Text(data_key="agentInternal", required=True)
    is_alive = Flag(data_key="isAlive", required=True)
    armor = Number(data_key="initialArmor", required=True)
    weapon_internal = Text(data_key="scoreboardWeaponInternal", required=True)
    ult_points = Number(data_key="currUltPoints", required=True)
    max_ult_points = Number(data_key="maxUltPoints", required=True)
    has_spike = Flag(data_key="hasSpike", required=True)
    money = Number(required=True)
    kills = Number(required=True)
    deaths = Number(required=True)
    assists = Number(required=True)


class TeamBoardEntrySchema(BoardSchema):
    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.Board:
        return happened.Board(**values)


class ScoreboardEntrySchema(BoardSchema):
    team_number = Number(data_key="startTeam", required=True)


class ScoreboardSchema(PayloadSchema):
    event: Callable[[happened.Number, happened.Board], happened.Event] = happened.ScoreboardReported
    data = fields.Nested(ScoreboardEntrySchema, required=True)

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.Event:
        board = values["data"]
        return self.event(board.pop("team_number"), happened.Board(**board))


class KillSchema(PayloadSchema):
    attacker = Text(required=True)
    victim = Text(required=True)
    weapon_internal = Text(data_key="weaponKillfeedInternal", required=True)
    headshot = Flag(data_key="headshotKill", required=True)
    assists = fields.List(Text(), required=True)
    teamkill = Flag(data_key="isTeamkill", required=True)

    @pre_load
    def bound_assists(self, values: Any, **_: Any) -> Any:
        _refuse_long_list(values.get("assists") if isinstance(values, dict) else None, "assists")
        return values


class KillfeedSchema(PayloadSchema):
    data = fields.Nested(KillSchema, required=True)

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.KillReported:
        kill = values["data"]
        return happened.KillReported(**{**kill, "assists": tuple(kill["assists"])})


class RoundSchema(PayloadSchema):
    number = Number(
        data_key="roundNumber", required=True, minimum=0, maximum=rules.MAX_ROUND_NUMBER, whole=True
    )
    phase = Text(data_key="roundPhase", required=True)


class RoundInfoSchema(PayloadSchema):
    data = fields.Nested(RoundSchema, required=True)

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.RoundPhaseChanged:
        return happened.RoundPhaseChanged(**values["data"])


class TeamScoresSchema(PayloadSchema):
    team_0 = Number(required=True)
    team_1 = Number(required=True)


class ScoreSchema(PayloadSchema):
    data = fields.Nested(TeamScoresSchema, required=True)

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.ScoreReported:
        return happened.ScoreReported(**values["data"])


class ToastSchema(PayloadSchema):
    """A toast is passed on whole; its duration is the one part that a rule reads."""

    content = Opaque(data_key="data", required=True, longest_text=bounds.MAX_SHORT_TEXT)

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.ToastPressed:
        content = values["content"]
        duration = content.get("duration")
        if duration is None:
            return happened.ToastPressed(content, None)
        duration_ms = read_number(duration)
        if duration_ms is None or not bounds.MIN_NUMBER <= duration_ms <= bounds.MAX_NUMBER:
            raise ValidationError({"data": {"duration": ["not a number of milliseconds"]}})
        return happened.ToastPressed({**content, "duration": duration_ms}, duration_ms)


class PressSchema(PayloadSchema):
    """A key was pressed, or something happened that needs no data: `data` is there and is not looked at."""

    def __init__(self, make: Callable[[], happened.Event]) -> None:
        super().__init__()
        self._make = make

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.Event:
        return self._make()


# --- aux_data -------------------------------------------------------------------------------------------------


class AuxiliaryScoreboardSchema(ScoreboardSchema):
    event = happened.AuxiliaryScoreboardReported


class TeamBoardSchema(PayloadSchema):
    """`data` is a JSON text that holds the list of boards; the bare list is refused."""

    boards = fields.Nested(TeamBoardEntrySchema, many=True, data_key="data", required=True)

    @pre_load
    def read_inner_text(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        text = values.get("data")
        if not isinstance(text, str) or len(text) > bounds.MAX_LONG_TEXT:
            raise ValidationError({"data": [f"not a JSON text of at most {bounds.MAX_LONG_TEXT} characters"]})
        try:
            boards = read(text)
        except InvalidMessage:
            raise ValidationError({"data": ["no JSON that can be read"]}) from None
        if not isinstance(boards, list):
            raise ValidationError({"data": ["not a list"]})
        _refuse_long_list(boards, "data")
        return {"data": boards}

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.AuxiliaryTeamBoardReported:
        return happened.AuxiliaryTeamBoardReported(tuple(values["boards"]))


class ChargesSchema(PayloadSchema):
    grenade = Number(required=True)
    ability_1 = Number(required=True)
    ability_2 = Number(required=True)


class AbilitiesSchema(PayloadSchema):
    player_id = Text(data_key="playerId", required=True)
    data = fields.Nested(ChargesSchema, required=True)

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> happened.AbilitiesReported:
        return happened.AbilitiesReported(values["player_id"], **values["data"])


class HealthSchema(EventSchema):
    event = happened.HealthReported
    player_id = Text(data_key="playerId", required=True)
    health = Number(data_key="data", required=True)


class AstraTargetingSchema(EventSchema):
    event: Callable[[str, bool], happened.Event] = happened.AstraTargetingReported
    player_id = Text(data_key="playerId", required=True)
    active = Flag(data_key="data", required=True)


class CypherCameraSchema(AstraTargetingSchema):
    event = happened.CypherCameraReported


def _refuse_long_list(value: object, name: str) -> None:
    if isinstance(value, list) and len(value) > bounds.MAX_ENTRIES:
        raise ValidationError({name: [f"more than {bounds.MAX_ENTRIES} entries"]})


OBSERVER_SCHEMAS: Final[Mapping[str, Schema]] = {
    ObserverType.MAP: MapSchema(),
    ObserverType.GAME_MODE: GameModeSchema(),
    ObserverType.MATCH_START: MatchStartSchema(),
    ObserverType.ROSTER: RosterSchema(),
    ObserverType.SCOREBOARD: ScoreboardSchema(),
    ObserverType.KILLFEED: KillfeedSchema(),
    ObserverType.ROUND_INFO: RoundInfoSchema(),
    ObserverType.SCORE: ScoreSchema(),
    ObserverType.OBSERVING: ObservingSchema(),
    # The side of a team follows from the rounds; older clients still send this.
    ObserverType.TEAM_IS_ATTACKER: PressSchema(happened.UnknownReported),
    ObserverType.SPIKE_PLANTED: PressSchema(happened.SpikePlanted),
    ObserverType.SPIKE_DETONATED: PressSchema(happened.SpikeDetonated),
    ObserverType.SPIKE_DEFUSED: PressSchema(happened.SpikeDefused),
    ObserverType.TECH_PAUSE: PressSchema(happened.TechPausePressed),
    ObserverType.LEFT_TIMEOUT: PressSchema(lambda: happened.TeamTimeoutPressed(Seat.LEFT)),
    ObserverType.RIGHT_TIMEOUT: PressSchema(lambda: happened.TeamTimeoutPressed(Seat.RIGHT)),
    ObserverType.SWITCH_KDA_CREDITS: PressSchema(happened.AliveKdaPressed),
    ObserverType.TOAST: ToastSchema(),
    ObserverType.SWAP_LEFT_RIGHT: PressSchema(happened.SeatsSwapped),
    ObserverType.SWAP_ATTACKER_DEFENDER: PressSchema(happened.SidesSwapped),
}
"""Schema of each type of message in `obs_data`, built once: building one takes longer than using it."""

AUXILIARY_SCHEMAS: Final[Mapping[str, Schema]] = {
    AuxiliaryType.SCOREBOARD: AuxiliaryScoreboardSchema(),
    AuxiliaryType.SCOREBOARD_TEAM: TeamBoardSchema(),
    AuxiliaryType.ABILITIES: AbilitiesSchema(),
    AuxiliaryType.HEALTH: HealthSchema(),
    AuxiliaryType.ASTRA_TARGETING: AstraTargetingSchema(),
    AuxiliaryType.CYPHER_CAM: CypherCameraSchema(),
}
"""Schema of each type of message in `aux_data`."""


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Return path and text of the first fault that a schema found; neither holds a value that was sent."""
    path: list[str] = []
    messages: Any = error.messages
    while isinstance(messages, dict) and messages:
        key, messages = next(iter(messages.items()))
        if key != "_schema":
            path.append(str(key))
    text = messages[0] if isinstance(messages, list) and messages else messages
    return ".".join(path), str(text).rstrip(".")
