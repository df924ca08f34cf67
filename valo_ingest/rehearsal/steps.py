"""Steps: what clients of a match did, one after the other."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from valo_ingest.game.state import GAME_END
from valo_ingest.rehearsal.clients import CLIENT_VERSION
from valo_ingest.wire.names import ObserverType, PacketType

GROUP_SECRET: Final = "${secret}"
"""Stands in a logon for the group secret that was told last for the group code."""

NO_TYPE: Final = "(no type)"
"""What a message is counted as that says no type."""


class Channel(StrEnum):
    """What a step is: an event that is sent, or the end of a connection."""

    OBSERVER_LOGON = "obs_logon"
    AUXILIARY_LOGON = "aux_logon"
    OBSERVER_DATA = "obs_data"
    AUXILIARY_DATA = "aux_data"
    DISCONNECT = "disconnect"


LOGONS: Final = frozenset({Channel.OBSERVER_LOGON, Channel.AUXILIARY_LOGON})
DATA: Final = frozenset({Channel.OBSERVER_DATA, Channel.AUXILIARY_DATA})


class Step(Struct, frozen=True, kw_only=True):
    """Something that `client` did, `at_ms` after the first step. A logon is one on a new connection."""

    line: int
    at_ms: int
    client: str
    channel: Channel
    payload: Mapping[str, Any]
    raw: str | None = None
    """Is sent as it stands, in place of the payload: a message that is no JSON on purpose."""
    keeps_version: bool = False
    """It is about its client version, which is not to be replaced."""
    is_made_up: bool = False
    """It is not in the file."""

    @property
    def kind(self) -> str:
        """The type of a message; of anything else its channel."""
        if self.channel not in DATA:
            return self.channel.value
        kind = self.payload.get("type")
        return kind if isinstance(kind, str) and kind and self.raw is None else NO_TYPE

    def round_info(self) -> tuple[int, str] | None:
        """Return number and phase of the round that an observer tells of; None if the step is nothing like that."""
        data = self.payload.get("data")
        if self.kind != ObserverType.ROUND_INFO or not isinstance(data, dict):
            return None
        number, phase = data.get("roundNumber"), data.get("roundPhase")
        if not isinstance(number, int) or isinstance(number, bool) or not isinstance(phase, str):
            return None
        return number, phase


def texts(values: Mapping[str, Any], *names: str) -> dict[str, str]:
    """Return those of `values` with these names that are texts, and not empty."""
    return {name: value for name in names if isinstance(value := values.get(name), str) and value}


# --- steps that are made up -----------------------------------------------------------------------------------


def observer_message(
    client: str, name: str, group_code: str, kind: ObserverType, data: object, at_ms: int
) -> Step:
    """Return a message that is not in the file."""
    return Step(
        line=0,
        at_ms=at_ms,
        client=client,
        channel=Channel.OBSERVER_DATA,
        payload={"obsName": name, "groupCode": group_code, "type": kind.value, "data": data},
        is_made_up=True,
    )


def game_end(client: str, name: str, group_code: str, round_number: int, at_ms: int) -> Step:
    """Return what ends a match that the file leaves running."""
    data = {"roundNumber": round_number, "roundPhase": GAME_END}
    return observer_message(client, name, group_code, ObserverType.ROUND_INFO, data, at_ms)


def observer_logon(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return an observer's logon with what is known of it; the rest is made up, and there is no secret in it."""
    parts = ("leftTeam", "rightTeam", "toolsData")
    return {
        "type": PacketType.OBSERVER_LOGON.value,
        "clientVersion": CLIENT_VERSION,
        "obsName": "Replay",
        "groupCode": "REPLAY",
        **texts(said, "clientVersion", "obsName", "groupCode"),
        "key": "",
        "groupSecret": "",
        "leftTeam": {"name": "Left Team", "tricode": "LEFT", "url": "", "attackStart": True},
        "rightTeam": {"name": "Right Team", "tricode": "RIGHT", "url": "", "attackStart": False},
        "toolsData": {},
        **{name: said[name] for name in parts if isinstance(said.get(name), dict)},
    }


def auxiliary_logon(message: Mapping[str, Any], *, name: str = "") -> dict[str, Any]:
    """Return the logon of the auxiliary client that sent `message`."""
    return {
        "type": PacketType.AUXILIARY_LOGON.value,
        "clientVersion": CLIENT_VERSION,
        "name": name or "Replay",
        "matchId": "",
        "playerId": "",
        **texts(message, "matchId", "playerId"),
    }
