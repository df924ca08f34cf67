"""Logons and previews: what a client says of itself and of the match that it opens.

A logon that cannot be read is answered with what is wrong with which field. The checks come in the order in which
clients know the answers: an object, its type, the version, then the other fields.
"""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, pre_load

from valo_ingest import __version__
from valo_ingest.errors import InvalidLogon, InvalidMessage, LogonRefused
from valo_ingest.game import rules
from valo_ingest.game.seats import BySeat
from valo_ingest.game.state import MatchSetup, Presentation, TeamSetup
from valo_ingest.wire import bounds
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.fields import Flag, Number, Opaque, Text, opaque_fault, read_flag, read_number
from valo_ingest.wire.json import Payload, read_object
from valo_ingest.wire.messages import AuxiliaryLogon, ObserverLogon, PreviewRequest
from valo_ingest.wire.names import PacketType
from valo_ingest.wire.schemas import PayloadSchema, first_fault

DEFAULT_SETTINGS: Final[Mapping[str, Any]] = {
    "seriesInfo": {"needed": 1, "wonLeft": 0, "wonRight": 0, "mapInfo": []},
    "seedingInfo": {"left": "", "right": ""},
    "tournamentInfo": {"name": "", "logoUrl": "", "backdropUrl": ""},
    "timeoutDuration": rules.DEFAULT_TIMEOUT_S,
    "timeoutCounter": {"max": rules.DEFAULT_TIMEOUTS},
    "timeoutCancellationGracePeriod": rules.DEFAULT_TIMEOUT_GRACE_S,
    "sponsorInfo": {"enabled": False, "duration": 5, "sponsors": []},
    "watermarkInfo": {"spectraWatermark": True, "customTextEnabled": False, "customText": ""},
    "playercamsInfo": {"enable": False, "removeTricodes": False, "identifier": "", "enabledPlayers": []},
    "nameOverrides": {"overrides": "[]"},
    "roundWinBox": {"type": "disabled", "sponsors": []},
}
"""What overlays read where the logon leaves a setting out. A setting that is given replaces the whole default."""

SECRET_PLAYERCAM_SETTINGS: Final = frozenset({"secret", "endTime"})
"""Meant for the player cam backend; they never leave, so they are not even kept."""

COUNTED_TIMEOUTS: Final = frozenset({"left", "right"})
"""Both seats start with `max`, whatever the logon says; the match counts them."""

SHOWN_VERSION_LENGTH: Final = 64
"""Characters of a refused version that its answer repeats."""


class TeamSetupSchema(PayloadSchema):
    name = Text()
    tricode = Text()
    url = Text(maximum=bounds.MAX_LONG_TEXT)
    attack_start = Flag(data_key="attackStart")

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> TeamSetup:
        return TeamSetup(**values)


class SettingsSchema(Schema):
    """toolsData: sections are objects, two settings are numbers, and what is not listed is passed on."""

    class Meta:
        unknown = "include"

    error_messages = {"type": "not an object"}  # noqa: RUF012 - marshmallow's interface

    seriesInfo = Opaque()
    seedingInfo = Opaque()
    tournamentInfo = Opaque()
    timeoutDuration = Number()
    timeoutCounter = Opaque()
    timeoutCancellationGracePeriod = Number()
    sponsorInfo = Opaque()
    watermarkInfo = Opaque()
    playercamsInfo = Opaque()
    nameOverrides = Opaque()
    roundWinBox = Opaque()

    @pre_load
    def bound_the_rest(self, values: Any, **_: Any) -> Any:
        if isinstance(values, dict):
            rest = {name: value for name, value in values.items() if name not in self.fields}
            fault = opaque_fault(rest)
            if fault is not None:
                raise ValidationError(fault)
        return values

    @post_load
    def build(self, values: dict[str, Any], **_: Any) -> Presentation:
        settings = {**DEFAULT_SETTINGS, **values}
        cams = settings["playercamsInfo"]
        timeouts = settings["timeoutCounter"]
        max_timeouts = read_number(timeouts.get("max"))
        if max_timeouts is not None and abs(max_timeouts) > bounds.MAX_NUMBER:
            raise ValidationError({"timeoutCounter": {"max": ["not a number that fits 32 bits"]}})
        settings["playercamsInfo"] = _without(cams, SECRET_PLAYERCAM_SETTINGS)
        settings["timeoutCounter"] = _without(timeouts, COUNTED_TIMEOUTS)
        if max_timeouts is not None:
            settings["timeoutCounter"]["max"] = max_timeouts
        return Presentation(
            settings=settings,
            timeout_s=settings["timeoutDuration"],
            timeout_grace_s=settings["timeoutCancellationGracePeriod"],
            max_timeouts=max_timeouts,
            removes_tricodes=read_flag(cams["removeTricodes"]) or False if "removeTricodes" in cams else None,
        )


def _without(section: Mapping[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key not in keys}


class MatchSetupSchema(PayloadSchema):
    """What an observer's logon and a request for a preview have in common."""

    left_team = fields.Nested(TeamSetupSchema, data_key="leftTeam", required=True)
    right_team = fields.Nested(TeamSetupSchema, data_key="rightTeam", required=True)
    presentation = fields.Nested(
        SettingsSchema, data_key="toolsData", load_default=lambda: SettingsSchema().load({})
    )


class ObserverLogonSchema(MatchSetupSchema):
    group_code = Text(data_key="groupCode", required=True, may_be_empty=False, maximum=bounds.MAX_GROUP_CODE)


class AuxiliaryLogonSchema(PayloadSchema):
    match_id = Text(data_key="matchId", required=True)
    player_id = Text(data_key="playerId", load_default="")


class PreviewSchema(MatchSetupSchema):
    pass


_OBSERVER_LOGON: Final = ObserverLogonSchema()
_AUXILIARY_LOGON: Final = AuxiliaryLogonSchema()
_PREVIEW: Final = PreviewSchema()


def decode_observer_logon(payload: Payload, accepted: VersionRange) -> ObserverLogon:
    """Read an `obs_logon`.

    Raises:
        InvalidLogon: It cannot be read; the text says which field and why.
        LogonRefused: Its version is not accepted.
    """
    logon = _logon_object(payload, PacketType.OBSERVER_LOGON)
    version = _accepted_version(logon, accepted)
    values = _loaded(_OBSERVER_LOGON, logon)
    return ObserverLogon(
        client_version=version,
        observer_name=_optional_text(logon, "obsName"),
        key=_optional_text(logon, "key"),
        group_code=values["group_code"],
        group_secret=_optional_text(logon, "groupSecret"),
        setup=_match_setup(values["group_code"], values),
    )


def decode_auxiliary_logon(payload: Payload, accepted: VersionRange) -> AuxiliaryLogon:
    """Read an `aux_logon`. Raises as `decode_observer_logon`."""
    logon = _logon_object(payload, PacketType.AUXILIARY_LOGON)
    version = _accepted_version(logon, accepted)
    values = _loaded(_AUXILIARY_LOGON, logon)
    return AuxiliaryLogon(client_version=version, name=_optional_text(logon, "name"), **values)


def decode_preview_request(payload: Payload) -> PreviewRequest:
    """Read the body of /createPreview. A code that is no text is none at all.

    Raises:
        InvalidLogon: It cannot be read; the text says which field and why.
    """
    request = _logon_object(payload, PacketType.PREVIEW)
    code = request.get("previewCode")
    values = _loaded(_PREVIEW, request)
    return PreviewRequest(
        key=_optional_text(request, "key"),
        preview_code=code if isinstance(code, str) else None,
        setup=_match_setup("", values),
    )


def _logon_object(payload: Payload, expected: PacketType) -> dict[str, Any]:
    try:
        logon = read_object(payload)
    except InvalidMessage as error:
        what = "JSON that can be read" if error.code == "not_json" else "a JSON object"
        raise InvalidLogon(f"The logon is not {what}.") from None
    if logon.get("type") != expected:
        raise InvalidLogon(f"type: has to be {expected.value!r}.")
    return logon


def _accepted_version(logon: Mapping[str, Any], accepted: VersionRange) -> str:
    version = logon.get("clientVersion")
    if not isinstance(version, str):
        raise InvalidLogon("clientVersion: not a text.")
    if not accepted.accepts(version):
        shown = version[:SHOWN_VERSION_LENGTH].encode(errors="replace").decode()
        raise LogonRefused(
            "client_version", f"Client version {shown} is not compatible with server version {__version__}."
        )
    return version


def _loaded(schema: Schema, value: Mapping[str, Any]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        path, text = first_fault(error)
        raise InvalidLogon(f"{path}: {text}.") from None
    return loaded


def _optional_text(logon: Mapping[str, Any], name: str) -> str:
    """Return a text that may be missing; one that is no text counts as missing.

    Raises:
        InvalidLogon: It is longer than any that a client sends.
    """
    value = logon.get(name)
    if not isinstance(value, str):
        return ""
    try:
        return str(Text().deserialize(value))
    except ValidationError as error:
        raise InvalidLogon(f"{name}: {first_fault(error)[1]}.") from None


def _match_setup(group_code: str, values: Mapping[str, Any]) -> MatchSetup:
    return MatchSetup(
        group_code=group_code,
        teams=BySeat(values["left_team"], values["right_team"]),
        presentation=values["presentation"],
    )
