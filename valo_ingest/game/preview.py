"""A made-up match in the middle of a round, for trying an overlay out."""

from typing import Final

from valo_ingest.game import events as happened
from valo_ingest.game import rules
from valo_ingest.game.reducer import apply
from valo_ingest.game.state import COMBAT, ROUND_END, SHOPPING, Match, MatchSetup, new_match

ROUNDS_PLAYED: Final = (0, 1, 1, 0, 0, 1, 0)
"""Team number that won each of the rounds before the one shown."""

LINE_UP: Final = (
    ("Anvil", "Wushu"),
    ("Birch", "Hunter"),
    ("Comet", "Wraith"),
    ("Delta", "Killjoy"),
    ("Ember", "Breach"),
    ("Flint", "Clay"),
    ("Grove", "Rift"),
    ("Heron", "Smonk"),
    ("Indigo", "Gumshoe"),
    ("Jasper", "Vampire"),
)
"""Name and agent of the players; the first five are of team 0."""

WEAPONS: Final = ("TX_Hud_Volcano", "TX_Hud_Assault_AR10A2_S", "TX_Hud_Sniper_Operater", "TX_Hud_SMG_MP5_S")

ROUND_MS: Final = 100_000


def made_up_match(setup: MatchSetup, at: int) -> Match:
    """Return a live match with the teams and settings of `setup`, as it stands at `at` (epoch ms)."""
    match = new_match(setup)
    begins_at = at - ROUND_MS * (len(ROUNDS_PLAYED) + 1)
    for event in _opening():
        match = apply(match, event, begins_at)
    wins = [0, 0]
    for number, winner in enumerate(ROUNDS_PLAYED, start=1):
        wins[winner] += 1
        for event in (
            happened.RoundPhaseChanged(number, SHOPPING),
            happened.RoundPhaseChanged(number, COMBAT),
            happened.ScoreReported(*wins),
            happened.RoundPhaseChanged(number, ROUND_END),
        ):
            match = apply(match, event, begins_at + number * ROUND_MS)
    current = len(ROUNDS_PLAYED) + 1
    match = apply(match, happened.RoundPhaseChanged(current, SHOPPING), at)
    for index in range(len(LINE_UP)):
        match = apply(match, _board(index), at)
    match = apply(match, happened.RoundPhaseChanged(current, COMBAT), at)
    return apply(match, happened.PlayerObserved(f"{LINE_UP[0][0]} #DEMO"), at)


def _opening() -> list[happened.Event]:
    roster: list[happened.Event] = [
        happened.RosterReported(
            team_number=index // rules.MAX_PLAYERS_PER_TEAM,
            player_id=f"preview-{index}",
            name=name,
            tagline="DEMO",
            agent_internal=agent,
            position=index,
            locked=True,
        )
        for index, (name, agent) in enumerate(LINE_UP)
    ]
    return [happened.MapChosen("Ascent"), *roster, happened.MatchStarted("preview")]


def _board(index: int) -> happened.Event:
    """Return the scoreboard of a player; the numbers only have to look like a match."""
    return happened.ScoreboardReported(
        index // rules.MAX_PLAYERS_PER_TEAM,
        happened.Board(
            player_id=f"preview-{index}",
            agent_internal=LINE_UP[index][1],
            is_alive=True,
            armor=2 if index % 3 else 1,
            weapon_internal=WEAPONS[index % len(WEAPONS)],
            ult_points=index % 8,
            max_ult_points=7,
            has_spike=index == 1,
            money=1_500 + 350 * index,
            kills=4 + (index * 3) % 7,
            deaths=3 + (index * 5) % 4,
            assists=index % 5,
        ),
    )
