"""What clients of the protocol send, with defaults for everything."""

import itertools
from typing import Any, Final

from tests.e2e.running import ACCESS_KEY

Message = dict[str, Any]

VERSION: Final = "0.3.20"

_numbers = itertools.count(1)


def fresh_code() -> str:
    """Return a group code, or a match id, that no other test uses."""
    return f"CODE{next(_numbers):04}"


def observer_logon(group_code: str, **changes: Any) -> Message:
    return {
        "type": "authenticate",
        "clientVersion": VERSION,
        "obsName": "Caster#OBS",
        "key": ACCESS_KEY,
        "groupCode": group_code,
        "groupSecret": "",
        "leftTeam": {"name": "Left Team", "tricode": "LFT", "url": "http://left", "attackStart": True},
        "rightTeam": {"name": "Right Team", "tricode": "RGT", "url": "http://right", "attackStart": False},
        "toolsData": {},
        **changes,
    }


def auxiliary_logon(match_id: str, player_id: str, **changes: Any) -> Message:
    return {
        "type": "aux_authenticate",
        "clientVersion": VERSION,
        "name": "Player",
        "matchId": match_id,
        "playerId": player_id,
        **changes,
    }


def observer_data(group_code: str, kind: str, data: Any, **changes: Any) -> Message:
    return {"obsName": "Caster#OBS", "groupCode": group_code, "type": kind, "data": data, **changes}


def auxiliary_data(match_id: str, player_id: str, kind: str, data: Any, **changes: Any) -> Message:
    return {"playerId": player_id, "matchId": match_id, "type": kind, "data": data, **changes}


def roster(player_id: str, *, team: int = 0, position: int = 0, **changes: Any) -> Message:
    """Return the data of a `roster` message: team 0 starts on attack."""
    return {
        "name": f"Player {player_id}",
        "tagline": "EU",
        "startTeam": team,
        "agentInternal": "Wushu",
        "playerId": player_id,
        "position": position,
        "locked": True,
        "rank": 0,
        **changes,
    }


def scoreboard(player_id: str, *, team: int = 0, **changes: Any) -> Message:
    """Return the data of a `scoreboard` or `aux_scoreboard` message."""
    return {
        "name": f"Player {player_id}",
        "tagline": "EU",
        "playerId": player_id,
        "startTeam": team,
        "agentInternal": "Wushu",
        "isAlive": True,
        "initialArmor": 0,
        "scoreboardWeaponInternal": "TX_Hud_Pistol_Classic",
        "currUltPoints": 0,
        "maxUltPoints": 7,
        "hasSpike": False,
        "money": 800,
        "kills": 0,
        "deaths": 0,
        "assists": 0,
        **changes,
    }
