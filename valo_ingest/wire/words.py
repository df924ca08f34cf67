"""What is wrong with an event, in the words of those who look at a game and not at its protocol."""

from collections.abc import Mapping
from typing import Final

from valo_ingest.wire.names import AuxiliaryType, ObserverType

DATA: Final = "data"

FIELDS: Final[Mapping[str, str]] = {
    # who
    "playerId": "the player's id",
    "name": "the player's name",
    "tagline": "the player's tagline",
    "startTeam": "the number of the player's team",
    "position": "the player's position",
    "agentInternal": "the player's agent",
    "locked": "whether the agent is locked in",
    # a line of the scoreboard
    "isAlive": "whether the player is alive",
    "initialArmor": "the player's armour",
    "scoreboardWeaponInternal": "the player's weapon",
    "currUltPoints": "the number of ultimate points",
    "maxUltPoints": "the number of ultimate points that are needed",
    "hasSpike": "whether the player has the spike",
    "money": "the player's money",
    "kills": "the number of kills",
    "deaths": "the number of deaths",
    "assists": "the number of assists",
    # a kill
    "attacker": "the name of the attacker",
    "victim": "the name of the victim",
    "killfeed.assists": "the list of those who assisted",
    "weaponKillfeedInternal": "the weapon of the kill",
    "headshotKill": "whether it was a headshot",
    "isTeamkill": "whether it was a team kill",
    # a round
    "roundNumber": "the number of the round",
    "roundPhase": "the phase of the round",
    "team_0": "the score of team 0",
    "team_1": "the score of team 1",
    # abilities, and a toast
    "grenade": "the number of grenade charges",
    "ability_1": "the number of charges of ability 1",
    "ability_2": "the number of charges of ability 2",
    "duration": "the duration of the toast",
}
"""Fields by their last name on the wire, with the type before it where that means something else in one event."""

WHOLE_DATA: Final[Mapping[str, str]] = {
    ObserverType.MAP: "the map",
    ObserverType.GAME_MODE: "the game mode",
    ObserverType.MATCH_START: "the id of the match",
    ObserverType.OBSERVING: "the observed player",
    ObserverType.TOAST: "the toast",
    AuxiliaryType.SCOREBOARD_TEAM: "the team's scoreboard",
    AuxiliaryType.HEALTH: "the player's health",
    AuxiliaryType.ASTRA_TARGETING: "whether Astra is targeting",
    AuxiliaryType.CYPHER_CAM: "whether Cypher's camera is used",
}
"""What `data` as a whole is, by the type of the event. In other events it is an object with fields of its own."""

STATES: Final[Mapping[str, str]] = {
    "Missing data for required field": "missing",
    "Field may not be null": "null",
    "Not a valid list": "not a list",
}
"""What marshmallow says of itself. The faults of our own fields are written to fit."""


def fault(event_type: str, path: str, text: str) -> str:
    """Return a sentence about what a schema found: at `path` of an event of a known type, the fault `text`."""
    state = STATES.get(text, text)
    verb = "" if state.startswith("holds ") else "is "
    return f"The {event_type} event was dropped: {_what(event_type, path)} {verb}{state}."


def _what(event_type: str, path: str) -> str:
    names = [part for part in path.split(".") if not part.isdecimal()]
    entries = [int(part) + 1 for part in path.split(".") if part.isdecimal()]
    last = names[-1]
    if last == DATA:
        words = WHOLE_DATA.get(event_type, "its data")
    else:
        words = FIELDS.get(f"{event_type}.{last}") or FIELDS.get(last, last)
    return f"{words} (entry {entries[0]})" if entries else words
