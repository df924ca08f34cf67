"""Messages and logons as clients send them, with defaults."""

from enum import Enum
from typing import Any, Final

Json = dict[str, Any]

ROSTER: Final[Json] = {
    "name": "Ash",
    "tagline": "TAG",
    "startTeam": 0,
    "agentInternal": "Wushu",
    "playerId": "p-1",
    "position": 0,
    "locked": True,
    "rank": 20,
}
BOARD: Final[Json] = {
    "name": "Ash",
    "tagline": "TAG",
    "playerId": "p-1",
    "startTeam": 0,
    "agentInternal": "Wushu",
    "isAlive": True,
    "initialArmor": 2,
    "scoreboardWeaponInternal": "TX_Hud_Volcano",
    "currUltPoints": 3,
    "maxUltPoints": 7,
    "hasSpike": False,
    "money": 4000,
    "kills": 5,
    "deaths": 4,
    "assists": 3,
}
KILL: Final[Json] = {
    "attacker": "Ash",
    "victim": "Bo",
    "weaponKillfeedInternal": "TX_Hud_Volcano",
    "headshotKill": True,
    "assists": ["TX_Killfeed_Sova"],
    "isTeamkill": False,
}
TOAST: Final[Json] = {
    "title": "Break",
    "message": "Back in five",
    "duration": 5000,
    "eventLogoEnabled": True,
    "selectedTeam": "left",
    "active": True,
}

OBSERVER_DATA: Final[Json] = {
    "map": "Ascent",
    "game_mode": "bomb",
    "match_start": "m-1",
    "roster": ROSTER,
    "scoreboard": BOARD,
    "killfeed": KILL,
    "round_info": {"roundNumber": 3, "roundPhase": "combat"},
    "score": {"team_0": 4, "team_1": 2},
    "observing": "Ash #TAG",
    "team_is_attacker": True,
    "spike_planted": True,
    "spike_detonated": True,
    "spike_defused": True,
    "tech_pause": True,
    "left_timeout": True,
    "right_timeout": True,
    "switch_kda_credits": True,
    "toast": TOAST,
    "swap_left_right": True,
    "swap_attacker_defender": True,
}
"""Data of each type of message in `obs_data`."""

AUXILIARY_DATA: Final[Json] = {
    "aux_scoreboard": BOARD,
    "aux_scoreboard_team": [BOARD, {**BOARD, "playerId": "p-2"}],  # sent as text: see `auxiliary_message`
    "aux_abilities": {"grenade": 2, "ability_1": 1, "ability_2": 0},
    "aux_health": 72,
    "aux_astra_targeting": True,
    "aux_cypher_cam": False,
}
"""Data of each type of message in `aux_data`."""


class Mark(Enum):
    """Stands in place of a value, and has the same name in every process that collects tests."""

    USUAL = "usual"
    ABSENT = "absent"


USUAL: Final = Mark.USUAL
"""In place of data: what is usual for the type of message."""

ABSENT: Final = Mark.ABSENT
"""In place of a value: leave the field out."""


def changed(value: Json, **changes: Any) -> Json:
    """Return `value` with fields replaced, added or left out."""
    return {name: part for name, part in {**value, **changes}.items() if part is not ABSENT}


def observer_message(message_type: str, data: Any = USUAL, **envelope: Any) -> Json:
    """Return an `obs_data` message, with the usual data of its type unless told otherwise."""
    data = OBSERVER_DATA.get(message_type) if data is USUAL else data
    message = {"obsName": "Observer", "groupCode": "CODE01", "type": message_type, "data": data}
    return changed(message, **envelope)


def auxiliary_message(message_type: str, data: Any = USUAL, **envelope: Any) -> Json:
    """Return an `aux_data` message, with the usual data of its type unless told otherwise."""
    data = AUXILIARY_DATA.get(message_type) if data is USUAL else data
    message = {"playerId": "p-1", "matchId": "m-1", "type": message_type, "data": data}
    return changed(message, **envelope)


TEAM: Final[Json] = {
    "name": "Alder",
    "tricode": "ALD",
    "url": "https://example.org/alder.png",
    "attackStart": True,
}


def observer_logon(**changes: Any) -> Json:
    return changed(
        {
            "type": "authenticate",
            "clientVersion": "0.3.20",
            "obsName": "Observer",
            "key": "KEY",
            "groupCode": "CODE01",
            "groupSecret": "",
            "leftTeam": TEAM,
            "rightTeam": {**TEAM, "name": "Birch", "tricode": "BIR", "attackStart": False},
            "toolsData": {},
        },
        **changes,
    )


def auxiliary_logon(**changes: Any) -> Json:
    return changed(
        {
            "type": "aux_authenticate",
            "clientVersion": "0.3.20",
            "name": "Ash",
            "matchId": "m-1",
            "playerId": "p-1",
        },
        **changes,
    )


def preview_request(**changes: Any) -> Json:
    return changed({**observer_logon(), "type": "preview", "previewCode": "ABC123"}, **changes)
