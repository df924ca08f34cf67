"""The operator's two corrections: which team sits where, and which team started on which side."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from valo_ingest.game.events import SeatsSwapped, SidesSwapped
from valo_ingest.game.players import display_name
from valo_ingest.game.seats import BySeat
from valo_ingest.game.state import Match, Team, TeamTimeout

SEATED_SETTINGS: Final = {
    "seriesInfo": (("wonLeft", "wonRight"), ("seedingLeft", "seedingRight")),
    "seedingInfo": (("left", "right"),),
}
"""Settings of the presentation that belong to a seat, by the section that holds them."""

SEATED_MAP_INFO: Final = ("left", "right")


def swap_seats(match: Match, event: SeatsSwapped, at: int) -> Match:
    """Swap left and right: teams, timeouts, a running timeout and what the series says of each seat."""
    pause = match.pause
    if isinstance(pause, TeamTimeout):
        pause = replace(pause, seat=pause.seat.other)
    return replace(
        match,
        teams=match.teams.swapped(),
        timeouts_left=match.timeouts_left.swapped(),
        pause=pause,
        presentation=replace(match.presentation, settings=_with_seats_swapped(match.presentation.settings)),
    )


def _with_seats_swapped(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    swapped = dict(settings)
    for section, pairs in SEATED_SETTINGS.items():
        swapped[section] = _with_keys_swapped(swapped[section], pairs)
    maps = swapped["seriesInfo"].get("mapInfo")
    if isinstance(maps, list):
        swapped["seriesInfo"]["mapInfo"] = [
            _with_keys_swapped(entry, (SEATED_MAP_INFO,)) if isinstance(entry, Mapping) else entry
            for entry in maps
        ]
    return swapped


def _with_keys_swapped(section: Mapping[str, Any], pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Return `section` with the values of each pair of keys exchanged; what one lacks, the other lacks then."""
    partner = dict(pairs) | {right: left for left, right in pairs}
    return {partner.get(key, key): value for key, value in section.items()}


def swap_sides(match: Match, event: SidesSwapped, at: int) -> Match:
    """Exchange all that the game reports between the teams; names, logos and what belongs to a seat stay."""
    left, right = match.teams
    return replace(match, teams=BySeat(_with_game_side_of(left, right), _with_game_side_of(right, left)))


def _with_game_side_of(team: Team, source: Team) -> Team:
    return replace(
        team,
        number=source.number,
        is_attacking=source.is_attacking,
        rounds_won=source.rounds_won,
        record=source.record,
        has_duplicate_agents=source.has_duplicate_agents,
        players=tuple(
            replace(player, name=display_name(team, player.roster_name)) for player in source.players
        ),
    )
