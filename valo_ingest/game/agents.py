"""Rules of single agents: Clove, Veto, Astra and Cypher change their icon on the overlay."""

from typing import Final

from valo_ingest.game.catalog import plain_agent
from valo_ingest.game.events import Number
from valo_ingest.game.state import Player

ASTRA: Final = "Rift"
CLOVE: Final = "Smonk"
CYPHER: Final = "Gumshoe"
VETO: Final = "Pine"

ULT_SUFFIXES: Final = {CLOVE: "NotDeadYet", VETO: "Evolution"}
"""Agents whose ultimate changes the icon for as long as it works."""

ASTRA_TARGETING_SUFFIX: Final = "Targeting"
CYPHER_CAMERA_SUFFIX: Final = "Cam"

SUFFIXES_ENDED_BY_DEATH: Final = frozenset(
    {*ULT_SUFFIXES.values(), ASTRA_TARGETING_SUFFIX, CYPHER_CAMERA_SUFFIX}
)


def suffix_after_board(before: Player, after: Player) -> str:
    """Return the icon suffix of a player whose scoreboard took him from `before` to `after`."""
    agent = plain_agent(after.agent_internal)
    suffix = after.icon_suffix
    if not suffix and agent not in ULT_SUFFIXES:
        return suffix  # as nearly always
    if before.ult_ready and after.ult_points == 0 and (after.kills or after.deaths or after.assists):
        suffix = ULT_SUFFIXES.get(agent, suffix)
    if before.is_alive and not after.is_alive and suffix in SUFFIXES_ENDED_BY_DEATH:
        return ""
    return suffix_after_contribution(
        agent, suffix, kills=after.kills - before.kills, assists=after.assists - before.assists
    )


def suffix_after_contribution(agent_internal: str, suffix: str, *, kills: Number, assists: Number) -> str:
    """Return what is left of `suffix` after that many more kills and assists: Clove's ends with either."""
    if (kills > 0 or assists > 0) and plain_agent(agent_internal) == CLOVE:
        return ""
    return suffix
