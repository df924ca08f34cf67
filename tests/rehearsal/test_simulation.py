import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from tests.rehearsal.simulated import SEEDS, Played, played
from valo_ingest.game import catalog
from valo_ingest.game.catalog import assisting_agent
from valo_ingest.game.rules import ROUND_CLOCK_MS
from valo_ingest.game.state import RoundOutcome
from valo_ingest.rehearsal.simulation.feed import OBSERVER
from valo_ingest.rehearsal.simulation.matches import SimulatedMatch
from valo_ingest.wire import overlay

MODES = ("bomb", "swift")
ROUNDS_OF_HALF = {"bomb": 12, "swift": 4}
NEEDED = {"bomb": 13, "swift": 5}


@pytest.fixture(
    params=[(mode, seed) for mode in MODES for seed in SEEDS], ids=lambda param: f"{param[0]}-{param[1]}"
)
def match(request: pytest.FixtureRequest) -> Played:
    """A whole match, of which no event was refused and whose states all made sense."""
    mode, seed = request.param
    return played(seed, mode)


def boards(match: Played) -> list[Any]:
    return [step.data for step in match.observed("scoreboard")]


def test_a_match_ends_as_its_rules_say(match: Played) -> None:
    scores = [(step.data["team_0"], step.data["team_1"]) for step in match.observed("score")]
    needed = NEEDED[match.match.mode]

    for before, after in pairwise([(0, 0), *scores]):
        assert sorted((after[0] - before[0], after[1] - before[1])) == [0, 1]
    *earlier, (one, other) = scores
    assert max(one, other) >= needed
    assert abs(one - other) >= (2 if match.match.mode == "bomb" else 1)
    for score in earlier:
        assert max(score) < needed or (match.match.mode == "bomb" and abs(score[0] - score[1]) < 2)


def test_the_last_document_shows_the_score_that_was_simulated(match: Played) -> None:
    by_number = {team.number: team.rounds_won for team in match.end.teams}

    assert (by_number[0], by_number[1]) == match.match.score
    assert match.end.has_ended
    assert match.end.round_number == sum(match.match.score)


def test_the_last_document_has_ten_players_with_agents_and_weapons_by_name(match: Played) -> None:
    document = json.loads(overlay.encode(match.end))

    assert document["isRunning"] is False
    assert document["map"] not in catalog.MAPS.keys() - catalog.MAPS.values()
    for team in document["teams"]:
        assert team["playerCount"] == 5
        assert team["spentThisRound"] == sum(player["moneySpent"] for player in team["players"])
        for player in team["players"]:
            assert player["agentProper"] in catalog.AGENTS.values()
            assert player["highestWeapon"] in {*catalog.WEAPONS_AND_ABILITIES.values(), catalog.NO_WEAPON}
            assert 0 <= player["health"] <= 100
            assert all(0 <= count <= 2 for count in player["abilities"].values())
            assert player["ultReady"] is (player["currUltPoints"] >= player["maxUltPoints"])


def test_every_round_goes_through_its_phases(match: Played) -> None:
    phases = [(step.data["roundNumber"], step.data["roundPhase"]) for step in match.observed("round_info")]
    rounds = sum(match.match.score)

    expected = [
        (number, phase)
        for number in range(1, rounds + 1)
        for phase in ("game_start", "shopping", "combat", "end")
    ]
    assert phases == [*expected, (rounds, "game_end")]


def test_rounds_are_won_for_the_reasons_that_were_played(match: Played) -> None:
    half = ROUNDS_OF_HALF[match.match.mode]
    winners = {RoundOutcome.KILLS, RoundOutcome.DETONATED, RoundOutcome.DEFUSED, RoundOutcome.TIMEOUT}
    score = [0, 0]
    for number, part in enumerate(match.rounds(), start=1):
        at = {step.data["roundPhase"]: step.at_ms for step in part if step.type == "round_info"}
        told = {step.type for step in part}
        new = next([step.data["team_0"], step.data["team_1"]] for step in part if step.type == "score")
        winner = 0 if new[0] > score[0] else 1
        score = new
        attackers = 0 if number <= half else 1
        if number > 24:
            attackers = (number - 25) % 2
        if "spike_detonated" in told:
            expected = RoundOutcome.DETONATED
        elif "spike_defused" in told:
            expected = RoundOutcome.DEFUSED
        elif "spike_planted" not in told and at["end"] - at["combat"] >= ROUND_CLOCK_MS:
            expected = RoundOutcome.TIMEOUT
        else:
            expected = RoundOutcome.KILLS

        for team in match.end.teams:
            result = team.record[number - 1]
            assert result.was_attack is (team.number == attackers)
            assert result.outcome is (expected if team.number == winner else RoundOutcome.LOST)
            assert result.outcome in winners or team.number != winner
        if expected in (RoundOutcome.DEFUSED, RoundOutcome.TIMEOUT):
            assert winner != attackers
        if expected is RoundOutcome.DETONATED:
            assert winner == attackers
            planted = next(step.at_ms for step in part if step.type == "spike_planted")
            assert at["end"] - planted == 45_000


def test_nobody_has_credits_that_he_cannot_have(match: Played) -> None:
    assert all(0 <= board["money"] <= 9_000 for board in boards(match))


def test_credits_are_spent_while_shopping_and_earned_by_plants_in_combat(match: Played) -> None:
    money: dict[str, int] = {}
    phase = ""
    for step in match.observed("scoreboard", "round_info"):
        if step.type == "round_info":
            phase = step.data["roundPhase"]
            continue
        change = step.data["money"] - money.get(step.data["playerId"], step.data["money"])
        money[step.data["playerId"]] = step.data["money"]
        if phase != "shopping":
            assert change == 0 or (phase == "combat" and 0 < change <= 300)


def test_nobody_kills_or_dies_twice_in_a_round_or_after_his_death(match: Played) -> None:
    for part in match.rounds():
        dead: set[str] = set()
        for step in part:
            if step.type == "killfeed":
                assert step.data["attacker"] not in dead
                assert step.data["victim"] not in dead
                dead.add(step.data["victim"])


def test_everybody_has_the_kills_deaths_and_assists_of_the_kill_feed(match: Played) -> None:
    kills = [step.data for step in match.observed("killfeed")]
    killers = Counter(kill["attacker"] for kill in kills)
    victims = Counter(kill["victim"] for kill in kills)
    team_of = {fighter.name: fighter.team for fighter in match.match.fighters}
    assists = Counter(
        (team_of[kill["attacker"]], assisting_agent(icon)) for kill in kills for icon in kill["assists"]
    )

    for team in match.end.teams:
        assert len(team.players) == 5
        assert not team.has_duplicate_agents
        for player in team.players:
            assert (player.kills, player.deaths) == (killers[player.name], victims[player.name])
            assert player.assists == assists[team.number, player.agent_internal]
            assert sum(player.kills_by_weapon.values()) == player.kills


def test_at_most_one_player_of_the_attackers_has_the_spike(match: Played) -> None:
    carriers: set[str] = set()
    for board in boards(match):
        carriers.discard(board["playerId"])
        if board["hasSpike"]:
            carriers.add(board["playerId"])
        assert len(carriers) <= 1


def test_auxiliary_clients_begin_after_the_match_and_end_before_it(match: Played) -> None:
    start = next(step.at_ms for step in match.steps if step.type == "match_start")
    auxiliary = [step.at_ms for step in match.steps if step.sender != OBSERVER]

    assert {step.sender for step in match.steps} == set(range(11))
    assert auxiliary[0] == start + 1_000
    assert auxiliary[-1] < match.steps[-1].at_ms
    assert match.steps[-1].data["roundPhase"] == "game_end"


def test_all_that_a_crew_should_see_happens_in_some_match() -> None:
    seen = {step.type for seed in SEEDS for step in played(seed).steps}
    outcomes = {result.outcome for seed in SEEDS for team in played(seed).end.teams for result in team.record}
    rounds = [sum(played(seed).match.score) for seed in SEEDS]

    assert {
        "map", "game_mode", "match_start", "roster", "scoreboard", "killfeed", "round_info", "score", "observing",
        "spike_planted", "spike_detonated", "spike_defused", "tech_pause", "left_timeout", "right_timeout",
        "switch_kda_credits", "toast", "aux_scoreboard", "aux_scoreboard_team", "aux_abilities", "aux_health",
        "aux_astra_targeting", "aux_cypher_cam",
    } <= seen  # fmt: skip
    assert outcomes == set(RoundOutcome)
    assert 0 < sum(count > 24 for count in rounds) < 8, "overtime comes now and then"


def test_the_same_seed_plays_the_same_match_and_another_one_another() -> None:
    one, again, other = (list(SimulatedMatch(seed, auxiliaries=3).steps()) for seed in (7, 7, 8))

    assert one == again
    assert one != other


def test_how_many_report_of_a_match_changes_nothing_of_it() -> None:
    alone, accompanied = (list(SimulatedMatch(7, auxiliaries=count).steps()) for count in (0, 10))

    assert alone == [step for step in accompanied if step.sender == OBSERVER]


def test_only_those_players_report_who_have_a_client() -> None:
    alone = SimulatedMatch(7)
    with_two = SimulatedMatch(7, auxiliaries=2)

    assert {step.sender for step in alone.steps()} == {OBSERVER}
    assert {step.sender for step in with_two.steps()} == {OBSERVER, 1, 2}
    assert [fighter.team for fighter in with_two.auxiliary_players] == [0, 1]


def test_a_match_can_have_an_id_of_its_own() -> None:
    steps = SimulatedMatch(7, match_id="an id").steps()

    assert next(step.data for step in steps if step.type == "match_start") == "an id"
