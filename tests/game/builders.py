"""Matches and events with defaults: a test states only what it is about.

The left team starts on attack and has the team number 0; its players are "l1" to "l5", those of the right team "r1" to
"r5". A player's name is his id in capitals.
"""

from typing import Any, Final

from valo_ingest.game import events as happened
from valo_ingest.game.events import Event, Number
from valo_ingest.game.reducer import apply
from valo_ingest.game.seats import BySeat, Seat
from valo_ingest.game.state import (
    COMBAT,
    ROUND_END,
    SHOPPING,
    Match,
    MatchSetup,
    Player,
    Presentation,
    TeamSetup,
    new_match,
)

LEFT_PRESSED: Final = happened.TeamTimeoutPressed(Seat.LEFT)
RIGHT_PRESSED: Final = happened.TeamTimeoutPressed(Seat.RIGHT)
TECH_PRESSED: Final = happened.TechPausePressed()
PLANTED: Final = happened.SpikePlanted()
DETONATED: Final = happened.SpikeDetonated()
DEFUSED: Final = happened.SpikeDefused()
SEATS_SWAPPED: Final = happened.SeatsSwapped()
SIDES_SWAPPED: Final = happened.SidesSwapped()
ENDED: Final = happened.RoundPhaseChanged(1, "game_end")

AGENTS: Final = ("Wushu", "Clay", "Pandemic", "Gumshoe", "Hunter")

LEFT_TEAM: Final = TeamSetup(
    name="Alder", tricode="ALD", url="https://example.org/alder.png", attack_start=True
)
RIGHT_TEAM: Final = TeamSetup(
    name="Birch", tricode="BIR", url="https://example.org/birch.png", attack_start=False
)


def make_settings(**sections: Any) -> dict[str, Any]:
    """Return the settings of a presentation: every section is there, as the wire promises."""
    return {
        "seriesInfo": {"needed": 1, "wonLeft": 0, "wonRight": 0, "mapInfo": []},
        "seedingInfo": {"left": "", "right": ""},
        "timeoutCounter": {"max": 2},
        "sponsorInfo": {"enabled": False, "duration": 5, "sponsors": []},
        "watermarkInfo": {"spectraWatermark": False, "customTextEnabled": False, "customText": ""},
        "roundWinBox": {"type": "disabled", "sponsors": []},
        **sections,
    }


def make_setup(
    *, left: TeamSetup = LEFT_TEAM, right: TeamSetup = RIGHT_TEAM, settings: Any = None, **presentation: Any
) -> MatchSetup:
    return MatchSetup(
        group_code="GROUP1",
        teams=BySeat(left, right),
        presentation=Presentation(settings=settings or make_settings(), **presentation),
    )


def make_match(**setup: Any) -> Match:
    """Return a new match without players."""
    return new_match(make_setup(**setup))


def make_match_with(*player_ids: str, **setup: Any) -> Match:
    """Return a new match with these players."""
    return play(make_match(**setup), *((0, join(player_id)) for player_id in player_ids))


def play(match: Match, *steps: tuple[int, Event]) -> Match:
    """Return `match` after events at instants (ms)."""
    for at, event in steps:
        match = apply(match, event, at)
    return match


def after(match: Match, *happened_now: Event) -> Match:
    """Return `match` after events for which the time plays no role."""
    return play(match, *((0, event) for event in happened_now))


def team_number_of(player_id: str) -> int:
    return 0 if player_id.startswith("l") else 1


def agent_of(player_id: str) -> str:
    """Return the agent that a player plays unless told otherwise: no two of a team play the same."""
    return AGENTS[int(player_id[1:]) % len(AGENTS)]


def join(player_id: str = "l1", **values: Any) -> happened.RosterReported:
    """A roster entry."""
    return happened.RosterReported(
        **{
            "team_number": team_number_of(player_id),
            "player_id": player_id,
            "name": player_id.upper(),
            "tagline": "TAG",
            "agent_internal": agent_of(player_id),
            "position": 0,
            "locked": False,
            **values,
        }
    )


def line(player_id: str = "l1", **values: Any) -> happened.Board:
    """A line of a scoreboard."""
    return happened.Board(
        **{
            "player_id": player_id,
            "agent_internal": agent_of(player_id),
            "is_alive": True,
            "armor": 0,
            "weapon_internal": "",
            "ult_points": 0,
            "max_ult_points": 7,
            "has_spike": False,
            "money": 0,
            "kills": 0,
            "deaths": 0,
            "assists": 0,
            **values,
        }
    )


def board(player_id: str = "l1", **values: Any) -> happened.ScoreboardReported:
    """An observer's scoreboard."""
    team_number = values.pop("team_number", team_number_of(player_id))
    return happened.ScoreboardReported(team_number, line(player_id, **values))


def auxiliary_board(player_id: str = "l1", **values: Any) -> happened.AuxiliaryScoreboardReported:
    """A scoreboard of a player's own client."""
    team_number = values.pop("team_number", team_number_of(player_id))
    return happened.AuxiliaryScoreboardReported(team_number, line(player_id, **values))


def kill(attacker: str = "L1", victim: str = "R1", **values: Any) -> happened.KillReported:
    return happened.KillReported(
        **{
            "attacker": attacker,
            "victim": victim,
            "weapon_internal": "TX_Hud_Volcano",
            "headshot": False,
            "assists": (),
            "teamkill": False,
            **values,
        }
    )


def shopping(number: int) -> happened.RoundPhaseChanged:
    return happened.RoundPhaseChanged(number, SHOPPING)


def combat(number: int = 1) -> happened.RoundPhaseChanged:
    return happened.RoundPhaseChanged(number, COMBAT)


def round_end(number: int = 1) -> happened.RoundPhaseChanged:
    return happened.RoundPhaseChanged(number, ROUND_END)


def score(team_0: Number, team_1: Number) -> happened.ScoreReported:
    return happened.ScoreReported(team_0, team_1)


def toast(duration_ms: Number | None = None, title: str = "Break") -> happened.ToastPressed:
    return happened.ToastPressed({"title": title, "duration": duration_ms}, duration_ms)


def player_of(match: Match, player_id: str = "l1") -> Player:
    """Return the player with that id, of whichever team."""
    return next(player for team in match.teams for player in team.players if player.player_id == player_id)
