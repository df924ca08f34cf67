"""Messages: JSON text to game events.

Theory of operation
-------------------
The schemas of `schemas` are the contract, and they take about 100 microseconds a message. So a typed msgspec
decoder looks at the text first, in about one: it takes only what the schema would take unchanged (exact JSON types,
within the bounds), and it knows nothing about errors. Whatever it declines, for whatever reason, goes to the schema
from the start, which reads it, or refuses it with the path of the field. A property test holds the two equal.
The typed decoder only skims what it skips, where it overlooks bytes that are no UTF-8 and numbers beyond all bounds.
So its types are *closed*: they have all that today's clients send, and nothing is skipped. A text with something else
in it (clients may be newer) is read by open types, and then once more without types, in a microsecond.

Both ways end in the same events. What a message claims to belong to is returned beside its event: whether the sender
may write there is not decided here.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeAlias, TypeVar, Union, get_type_hints

import msgspec
from marshmallow import Schema, ValidationError
from msgspec import Meta, Struct

from valo_ingest.errors import InvalidMessage
from valo_ingest.game import events as happened
from valo_ingest.game import rules
from valo_ingest.wire import bounds, words
from valo_ingest.wire.fields import Text
from valo_ingest.wire.json import UNREADABLE, Payload, read_object, text_of
from valo_ingest.wire.messages import AuxiliaryMessage, ObserverMessage
from valo_ingest.wire.names import AuxiliaryType, ObserverType
from valo_ingest.wire.schemas import AUXILIARY_SCHEMAS, OBSERVER_SCHEMAS, first_fault

_Count: TypeAlias = Annotated[int, Meta(ge=bounds.MIN_NUMBER, le=bounds.MAX_NUMBER)]
_Short: TypeAlias = Annotated[str, Meta(max_length=bounds.MAX_SHORT_TEXT)]
_InnerJson: TypeAlias = Annotated[str, Meta(max_length=bounds.MAX_LONG_TEXT)]


# --- what is sent, exactly as it is sent ----------------------------------------------------------------------


class _Roster(Struct):
    startTeam: _Count
    playerId: _Short
    name: _Short
    tagline: _Short
    agentInternal: _Short
    position: _Count
    locked: bool
    rank: Any = None


class _Board(Struct):
    playerId: _Short
    agentInternal: _Short
    isAlive: bool
    initialArmor: _Count
    scoreboardWeaponInternal: _Short
    currUltPoints: _Count
    maxUltPoints: _Count
    hasSpike: bool
    money: _Count
    kills: _Count
    deaths: _Count
    assists: _Count


class _Scoreboard(_Board, kw_only=True):
    startTeam: _Count
    name: Any = None
    tagline: Any = None


class _Kill(Struct):
    attacker: _Short
    victim: _Short
    weaponKillfeedInternal: _Short
    headshotKill: bool
    assists: Annotated[tuple[_Short, ...], Meta(max_length=bounds.MAX_ENTRIES)]
    isTeamkill: bool


class _Round(Struct):
    roundNumber: Annotated[int, Meta(ge=0, le=rules.MAX_ROUND_NUMBER)]
    roundPhase: _Short


class _Scores(Struct):
    team_0: _Count
    team_1: _Count


class _Charges(Struct):
    grenade: _Count
    ability_1: _Count
    ability_2: _Count


class _ObserverEnvelope(Struct, tag_field="type", rename={"match": "groupCode", "sender": "obsName"}):
    match: _Short
    sender: _Short


class _RosterMessage(_ObserverEnvelope, tag=ObserverType.ROSTER.value):
    data: _Roster


class _ScoreboardMessage(_ObserverEnvelope, tag=ObserverType.SCOREBOARD.value):
    data: _Scoreboard


class _KillMessage(_ObserverEnvelope, tag=ObserverType.KILLFEED.value):
    data: _Kill


class _RoundMessage(_ObserverEnvelope, tag=ObserverType.ROUND_INFO.value):
    data: _Round


class _ScoreMessage(_ObserverEnvelope, tag=ObserverType.SCORE.value):
    data: _Scores


class _ObservingMessage(_ObserverEnvelope, tag=ObserverType.OBSERVING.value):
    data: _Short


class _AuxiliaryEnvelope(Struct, tag_field="type", rename={"match": "matchId", "sender": "playerId"}):
    match: _Short
    sender: _Short


class _AuxiliaryScoreboardMessage(_AuxiliaryEnvelope, tag=AuxiliaryType.SCOREBOARD.value):
    data: _Scoreboard


class _TeamBoardMessage(_AuxiliaryEnvelope, tag=AuxiliaryType.SCOREBOARD_TEAM.value):
    data: _InnerJson


class _AbilitiesMessage(_AuxiliaryEnvelope, tag=AuxiliaryType.ABILITIES.value):
    data: _Charges


class _HealthMessage(_AuxiliaryEnvelope, tag=AuxiliaryType.HEALTH.value):
    data: _Count


class _AstraMessage(_AuxiliaryEnvelope, tag=AuxiliaryType.ASTRA_TARGETING.value):
    data: bool


class _CypherMessage(_AuxiliaryEnvelope, tag=AuxiliaryType.CYPHER_CAM.value):
    data: bool


# --- what it means --------------------------------------------------------------------------------------------


def _board(board: _Board) -> happened.Board:
    # By place: nearly every event is a board, and by name this takes three times as long (0.4 microseconds).
    return happened.Board(
        board.playerId,
        board.agentInternal,
        board.isAlive,
        board.initialArmor,
        board.scoreboardWeaponInternal,
        board.currUltPoints,
        board.maxUltPoints,
        board.hasSpike,
        board.money,
        board.kills,
        board.deaths,
        board.assists,
    )


def _roster_event(message: _RosterMessage) -> happened.Event:
    data = message.data
    return happened.RosterReported(
        team_number=data.startTeam,
        player_id=data.playerId,
        name=data.name,
        tagline=data.tagline,
        agent_internal=data.agentInternal,
        position=data.position,
        locked=data.locked,
    )


def _kill_event(message: _KillMessage) -> happened.Event:
    data = message.data
    return happened.KillReported(
        attacker=data.attacker,
        victim=data.victim,
        weapon_internal=data.weaponKillfeedInternal,
        headshot=data.headshotKill,
        assists=data.assists,
        teamkill=data.isTeamkill,
    )


def _team_board_event(message: _TeamBoardMessage) -> happened.Event:
    try:
        boards = _decode_boards(message.data)
    except msgspec.ValidationError:
        boards = _decode_newer_boards(message.data)
    return happened.AuxiliaryTeamBoardReported(tuple([_board(board) for board in boards]))


def _abilities_event(message: _AbilitiesMessage) -> happened.Event:
    data = message.data
    return happened.AbilitiesReported(message.sender, data.grenade, data.ability_1, data.ability_2)


_OBSERVER_EVENTS: Final[Mapping[type, tuple[str, Callable[[Any], happened.Event]]]] = {
    _RosterMessage: (ObserverType.ROSTER.value, _roster_event),
    _ScoreboardMessage: (
        ObserverType.SCOREBOARD.value,
        lambda message: happened.ScoreboardReported(message.data.startTeam, _board(message.data)),
    ),
    _KillMessage: (ObserverType.KILLFEED.value, _kill_event),
    _RoundMessage: (
        ObserverType.ROUND_INFO.value,
        lambda message: happened.RoundPhaseChanged(message.data.roundNumber, message.data.roundPhase),
    ),
    _ScoreMessage: (
        ObserverType.SCORE.value,
        lambda message: happened.ScoreReported(message.data.team_0, message.data.team_1),
    ),
    _ObservingMessage: (
        ObserverType.OBSERVING.value,
        lambda message: happened.PlayerObserved(message.data),
    ),
}

_AUXILIARY_EVENTS: Final[Mapping[type, tuple[str, Callable[[Any], happened.Event]]]] = {
    _AuxiliaryScoreboardMessage: (
        AuxiliaryType.SCOREBOARD.value,
        lambda message: happened.AuxiliaryScoreboardReported(message.data.startTeam, _board(message.data)),
    ),
    _TeamBoardMessage: (AuxiliaryType.SCOREBOARD_TEAM.value, _team_board_event),
    _AbilitiesMessage: (AuxiliaryType.ABILITIES.value, _abilities_event),
    _HealthMessage: (
        AuxiliaryType.HEALTH.value,
        lambda message: happened.HealthReported(message.sender, message.data),
    ),
    _AstraMessage: (
        AuxiliaryType.ASTRA_TARGETING.value,
        lambda message: happened.AstraTargetingReported(message.sender, message.data),
    ),
    _CypherMessage: (
        AuxiliaryType.CYPHER_CAM.value,
        lambda message: happened.CypherCameraReported(message.sender, message.data),
    ),
}

_decode_anything: Final = msgspec.json.Decoder().decode


def _closed(kind: type[Struct]) -> type[Struct]:
    """Return `kind` as a type that takes no fields but its own."""
    return msgspec.defstruct(f"Closed{kind.__name__}", [], bases=(kind,), forbid_unknown_fields=True)


def _closed_message(kind: type[Struct]) -> type[Struct]:
    data = get_type_hints(kind, include_extras=True)["data"]
    if isinstance(data, type) and issubclass(data, Struct):
        data = _closed(data)
    return msgspec.defstruct(
        f"Closed{kind.__name__}", [("data", data)], bases=(kind,), forbid_unknown_fields=True
    )


Decode = Callable[[str | bytes], Any]
"""Decodes a text. It raises what is in `UNREADABLE`."""


def _decoders(closed: Any, opened: Any) -> tuple[Decode, Decode]:
    """Return what decodes a text by closed types, and what does it by open ones where the first cannot."""
    decode_open = msgspec.json.Decoder(opened).decode

    def decode_newer(text: str | bytes) -> Any:
        value = decode_open(text)
        _decode_anything(text)
        return value

    return msgspec.json.Decoder(closed).decode, decode_newer


_Boards: TypeAlias = Annotated[list[_Board], Meta(max_length=bounds.MAX_ENTRIES)]
_ClosedBoards: TypeAlias = Annotated[list[_closed(_Board)], Meta(max_length=bounds.MAX_ENTRIES)]  # type: ignore[misc, valid-type]
_decode_boards, _decode_newer_boards = _decoders(_ClosedBoards, _Boards)


# --- by the schema --------------------------------------------------------------------------------------------


def observer_message_by_schema(payload: Payload) -> ObserverMessage:
    """Read an `obs_data` message by its schema alone. Raises as `decode_observer_message`."""
    envelope = read_envelope(payload)
    name, event = _event_by_schema(envelope, OBSERVER_SCHEMAS, foreign=AUXILIARY_SCHEMAS)
    return ObserverMessage(
        _optional_text(envelope, "groupCode"),
        _optional_text(envelope, "obsName"),
        name,
        event,
        text_of(payload),
    )


def auxiliary_message_by_schema(payload: Payload) -> AuxiliaryMessage:
    """Read an `aux_data` message by its schema alone. Raises as `decode_auxiliary_message`."""
    envelope = read_envelope(payload)
    name, event = _event_by_schema(envelope, AUXILIARY_SCHEMAS, foreign=OBSERVER_SCHEMAS)
    return AuxiliaryMessage(
        _optional_text(envelope, "matchId"),
        _optional_text(envelope, "playerId"),
        name,
        event,
        text_of(payload),
    )


ENVELOPE_PARTS: Final = (("obsName", "playerId"), ("groupCode", "matchId"), ("type",), ("data",))
"""What has to be there of every message: one of each."""


def read_envelope(payload: Payload) -> dict[str, Any]:
    """Return the JSON object around a message, with everything that has to be there.

    Raises:
        InvalidMessage: It is no JSON object, or a part is missing.
    """
    envelope = read_object(payload)
    for names in ENVELOPE_PARTS:
        if not any(name in envelope for name in names):
            path = " or ".join(names)
            raise InvalidMessage("missing_field", f"The event has no {path}.", path=path)
    return envelope


def _event_by_schema(
    envelope: Mapping[str, Any], schemas: Mapping[str, Schema], *, foreign: Mapping[str, Schema]
) -> tuple[str, happened.Event]:
    name = _optional_text(envelope, "type")
    if name is None:
        raise InvalidMessage("invalid_field", "The type of the event is not a short text.", path="type")
    if name in foreign:
        raise InvalidMessage(
            "wrong_channel", f"Events of type {name} come from the other kind of client.", event_type=name
        )
    schema = schemas.get(name)
    if schema is None:
        return name, happened.UnknownReported()
    try:
        event: happened.Event = schema.load(envelope)
    except ValidationError as error:
        path, text = first_fault(error)
        raise InvalidMessage(
            "invalid_field", words.fault(name, path, text), path=path, event_type=name
        ) from None
    return name, event


_SHORT_TEXT: Final = Text()


def _optional_text(envelope: Mapping[str, Any], name: str) -> str | None:
    try:
        return str(_SHORT_TEXT.deserialize(envelope.get(name)))
    except ValidationError:
        return None


# --- whichever way it goes ------------------------------------------------------------------------------------

Message = TypeVar("Message")


def _reader(
    events: Mapping[type, tuple[str, Callable[[Any], happened.Event]]],
    message_of: Callable[[str, str, str, happened.Event, str], Message],
    by_schema: Callable[[Payload], Message],
) -> Callable[[Payload], Message]:
    """Return what reads messages of these types: the typed decoder where it can, and the schema otherwise."""
    closed = {_closed_message(kind): meaning for kind, meaning in events.items()}
    decode, decode_newer = _decoders(Union[tuple(closed)], Union[tuple(events)])  # noqa: UP007 (made of a tuple)
    meanings = {**events, **closed}

    def read_message(payload: Payload) -> Message:
        if isinstance(payload, (str, bytes)):
            try:
                try:
                    told = decode(payload)
                except msgspec.ValidationError:
                    told = decode_newer(payload)
                name, event_of = meanings[type(told)]
                text = payload if isinstance(payload, str) else text_of(payload)
                return message_of(told.match, told.sender, name, event_of(told), text)
            except UNREADABLE:
                pass  # the schema reads it, or knows what is wrong with it
        return by_schema(payload)

    return read_message


decode_observer_message: Final = _reader(_OBSERVER_EVENTS, ObserverMessage, observer_message_by_schema)
"""Read an `obs_data` message.

Raises:
    InvalidMessage: It cannot be read, or its type does not belong to observers.
"""

decode_auxiliary_message: Final = _reader(_AUXILIARY_EVENTS, AuxiliaryMessage, auxiliary_message_by_schema)
"""Read an `aux_data` message.

Raises:
    InvalidMessage: It cannot be read, or its type does not belong to auxiliary clients.
"""
