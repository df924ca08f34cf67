from typing import Any

import pytest
from msgspec.structs import replace

from tests.game.builders import (
    PLANTED,
    SIDES_SWAPPED,
    after,
    agent_of,
    auxiliary_board,
    board,
    combat,
    join,
    kill,
    line,
    make_match,
    make_match_with,
    play,
    player_of,
    shopping,
)
from valo_ingest.game import events as happened
from valo_ingest.game.players import search_name
from valo_ingest.game.state import Abilities, AuxiliaryData, Match, TeamSetup

TRICODES_REMOVED = {"removes_tricodes": True}


def names_of(match: Match) -> list[list[str]]:
    return [[player.name for player in team.players] for team in match.teams]


# --- roster ---------------------------------------------------------------------------------------------------


def test_a_player_joins_the_team_that_has_his_number() -> None:
    match = after(make_match(), join("l1"), join("r1"), join("l2"))

    assert names_of(match) == [["L1", "L2"], ["R1"]]


def test_a_roster_entry_of_no_team_changes_nothing() -> None:
    match = make_match()

    assert after(match, join(team_number=2)) is match


def test_the_first_roster_entry_stamps_the_start_of_agent_select() -> None:
    match = play(make_match(), (1_000, join("l1")), (2_000, join("r1")))

    assert match.agent_select_started_at == 1_000


def test_a_roster_entry_of_no_team_stamps_nothing() -> None:
    assert after(make_match(), join(team_number=2)).agent_select_started_at is None


@pytest.mark.parametrize("field", ["player_id", "name", "tagline"])
def test_a_roster_entry_without_id_name_or_tagline_stamps_the_start_and_nothing_else(field: str) -> None:
    match = play(make_match(), (1_000, replace(join("l1"), **{field: ""})))

    assert match.agent_select_started_at == 1_000
    assert names_of(match) == [[], []]


def test_a_known_player_takes_name_tagline_agent_and_locked_but_keeps_his_place() -> None:
    match = make_match_with("l1", "l2")

    match = after(
        match, join("l1", name="New", tagline="NEW", agent_internal="Rift", locked=True, position=4)
    )

    player = match.teams.left.players[0]
    assert (player.name, player.tagline, player.agent_internal, player.locked) == ("New", "NEW", "Rift", True)
    assert player.position == 0


def test_a_known_player_keeps_what_the_game_said_of_him() -> None:
    match = after(make_match_with("l1"), board("l1", kills=7, money=900), join("l1", name="New"))

    assert (player_of(match).kills, player_of(match).money) == (7, 900)


def test_a_sixth_player_is_refused_but_the_five_can_still_change() -> None:
    match = make_match_with("l1", "l2", "l3", "l4", "l5")

    assert after(match, join("l6")).teams == match.teams
    assert player_of(after(match, join("l5", name="New")), "l5").name == "New"


def test_a_late_player_never_changes_the_side_of_his_team() -> None:
    match = after(make_match_with("l1"), shopping(13), join("l2"), join("r1"))

    assert [team.is_attacking for team in match.teams] == [False, True]


@pytest.mark.parametrize(
    ("roster_name", "shown"),
    [
        ("ALD Ash", "Ash"),
        ("ALDAsh ", "Ash"),
        ("ALDALD", "ALD"),
        ("ald Ash", "ald Ash"),
        (" ALD Ash ", " ALD Ash "),
        ("Ash ALD", "Ash ALD"),
        ("BIR Ash", "BIR Ash"),
        (" Ash ", " Ash "),
        ("ALD", "ALD"),
        ("ALD  ", "ALD  "),
    ],
)
def test_a_name_loses_the_tricode_of_its_team_but_is_never_empty(roster_name: str, shown: str) -> None:
    match = after(make_match(**TRICODES_REMOVED), join("l1", name=roster_name))

    assert player_of(match).name == shown


@pytest.mark.parametrize("removes", [False, None])
def test_a_name_keeps_the_tricode_unless_that_is_set(removes: bool | None) -> None:
    match = after(make_match(removes_tricodes=removes), join("l1", name="ALD Ash"))

    assert player_of(match).name == "ALD Ash"


@pytest.mark.parametrize("tricode", [None, ""])
def test_a_team_without_tricode_removes_nothing(tricode: str | None) -> None:
    match = make_match(left=TeamSetup(tricode=tricode, attack_start=True), **TRICODES_REMOVED)

    assert player_of(after(match, join("l1", name=" Ash "))).name == " Ash "


def test_a_tricode_is_removed_from_a_new_name_too() -> None:
    match = after(make_match(**TRICODES_REMOVED), join("l1", name="ALD Ash"), join("l1", name="ALD Bo"))

    assert player_of(match).name == "Bo"


def test_search_and_full_name_are_of_the_last_name_that_the_game_uses() -> None:
    match = after(
        make_match(**TRICODES_REMOVED), join("l1", name="Ash"), join("l1", name="ALD Bo", tagline="X")
    )

    assert search_name(player_of(match)) == "ALD Bo #X"


# --- observing ------------------------------------------------------------------------------------------------


def observed(match: Match) -> list[str]:
    return [player.player_id for team in match.teams for player in team.players if player.is_observed]


def test_one_player_is_observed_and_all_others_are_not() -> None:
    match = make_match_with("l1", "l2", "r1")

    match = after(match, happened.PlayerObserved("L1 #TAG"))
    assert observed(match) == ["l1"]
    match = after(match, happened.PlayerObserved("R1 #TAG"))
    assert observed(match) == ["r1"]
    match = after(match, happened.PlayerObserved(""))
    assert observed(match) == []


def test_observing_the_same_player_again_changes_nothing() -> None:
    match = after(make_match_with("l1", "r1"), happened.PlayerObserved("R1 #TAG"))

    assert after(match, happened.PlayerObserved("R1 #TAG")) is match


def test_a_player_is_observed_by_the_name_that_the_game_uses() -> None:
    match = after(make_match(**TRICODES_REMOVED), join("l1", name="ALD Ash"))

    assert observed(after(match, happened.PlayerObserved("Ash #TAG"))) == []
    assert observed(after(match, happened.PlayerObserved("ALD Ash #TAG"))) == ["l1"]


def test_a_rename_does_not_end_being_observed() -> None:
    match = after(make_match_with("l1"), happened.PlayerObserved("L1 #TAG"), join("l1", name="New"))

    assert observed(match) == ["l1"]


# --- scoreboards ----------------------------------------------------------------------------------------------


def test_a_scoreboard_is_taken_over() -> None:
    match = after(
        make_match_with("l1"),
        board(
            "l1",
            agent_internal="Rift_PC_C",
            armor=2,
            weapon_internal="TX_Hud_Volcano",
            ult_points=3,
            has_spike=True,
            money=4_000,
            kills=5,
            deaths=4,
            assists=3,
        ),
    )

    player = player_of(match)
    assert (player.agent_internal, player.armor, player.weapon) == ("Rift_PC_C", 2, "Vandal")
    assert (player.ult_points, player.max_ult_points, player.has_spike, player.money) == (3, 7, True, 4_000)
    assert (player.kills, player.deaths, player.assists) == (5, 4, 3)
    assert player.has_scoreboard


def test_totals_are_taken_over_downwards_too() -> None:
    match = after(make_match_with("l1"), board("l1", kills=5, deaths=4), board("l1", kills=3, deaths=1))

    assert (player_of(match).kills, player_of(match).deaths) == (3, 1)


@pytest.mark.parametrize(
    "event",
    [board("l9"), board("l1", team_number=1), board("l1", team_number=2), board("r1", team_number=2)],
)
def test_a_scoreboard_of_a_player_that_the_team_does_not_have_changes_nothing(
    event: happened.ScoreboardReported,
) -> None:
    match = make_match_with("l1", "r1")

    assert after(match, event) is match


def test_kills_and_deaths_of_the_round_grow_by_the_difference_and_never_fall() -> None:
    match = after(
        make_match_with("l1"),
        board("l1", kills=3, deaths=1),
        board("l1", kills=1),
        board("l1", kills=2, deaths=2),
    )

    assert (player_of(match).kills_this_round, player_of(match).deaths_this_round) == (4, 3)


@pytest.mark.parametrize("event", [board, auxiliary_board])
def test_a_death_takes_all_health_and_a_revival_gives_it_back(event: Any) -> None:
    match = after(make_match_with("l1"), event("l1", is_alive=False))
    assert (player_of(match).is_alive, player_of(match).health) == (False, 0)

    match = after(match, event("l1", is_alive=True))
    assert (player_of(match).is_alive, player_of(match).health) == (True, 100)


def test_a_scoreboard_of_a_living_player_keeps_his_health() -> None:
    match = after(make_match_with("l1"), happened.HealthReported("l1", 37), board("l1"))

    assert player_of(match).health == 37


def test_once_money_has_fallen_every_change_of_it_counts_as_spent_or_earned_back() -> None:
    match = after(make_match_with("l1"), board("l1", money=4_000))
    assert (player_of(match).money_spent, player_of(match).has_spent) == (0, False)

    match = after(match, board("l1", money=1_000))
    assert (player_of(match).money_spent, player_of(match).has_spent) == (3_000, True)

    match = after(match, board("l1", money=1_500))
    assert (player_of(match).money_spent, player_of(match).has_spent) == (2_500, True)


@pytest.mark.parametrize(("money", "has_spent"), [(501, False), (500, False), (499, True)])
def test_money_is_spent_as_soon_as_it_falls(money: int, has_spent: bool) -> None:
    match = after(make_match_with("l1"), board("l1", money=500), board("l1", money=money))

    assert player_of(match).has_spent is has_spent


def test_a_new_round_forgets_what_was_spent() -> None:
    match = after(make_match_with("l1"), board("l1", money=800), board("l1", money=100), shopping(1))

    assert (player_of(match).money_spent, player_of(match).has_spent) == (0, False)


# --- auxiliary scoreboards ------------------------------------------------------------------------------------


def test_an_auxiliary_scoreboard_stands_in_for_the_observers() -> None:
    match = after(make_match_with("l1"), auxiliary_board("l1", kills=5))

    assert player_of(match).kills == 5
    assert (player_of(match).has_scoreboard, player_of(match).auxiliary.has_scoreboard) == (False, True)


def test_an_auxiliary_scoreboard_is_ignored_after_the_observers_until_the_next_round() -> None:
    match = after(make_match_with("l1"), board("l1", kills=5))

    assert after(match, auxiliary_board("l1", kills=9)) is match
    assert player_of(after(match, shopping(1), auxiliary_board("l1", kills=9))).kills == 9


def test_an_observers_scoreboard_wins_over_an_auxiliary_one() -> None:
    match = after(make_match_with("l1"), auxiliary_board("l1", kills=9), board("l1", kills=5))

    assert player_of(match).kills == 5
    assert player_of(match).auxiliary.has_scoreboard


@pytest.mark.parametrize(
    "event",
    [
        auxiliary_board("l9"),
        auxiliary_board("l1", team_number=1),
        auxiliary_board("l1", team_number=2),
        auxiliary_board("r1", team_number=2),
    ],
)
def test_an_auxiliary_scoreboard_of_a_player_that_the_team_does_not_have_changes_nothing(
    event: happened.AuxiliaryScoreboardReported,
) -> None:
    match = make_match_with("l1", "r1")

    assert after(match, event) is match


def test_a_team_board_reaches_each_player_that_it_names_in_whichever_team() -> None:
    match = after(
        make_match_with("l1", "l2", "r1"),
        happened.AuxiliaryTeamBoardReported((line("l1", kills=1), line("r1", kills=2), line("l9", kills=3))),
    )

    assert [player_of(match, player_id).kills for player_id in ("l1", "l2", "r1")] == [1, 0, 2]
    assert not player_of(match, "l2").auxiliary.has_scoreboard


def test_a_team_board_reaches_a_player_that_both_teams_have() -> None:
    match = after(make_match_with("l1"), join("l1", team_number=1))

    match = after(match, happened.AuxiliaryTeamBoardReported((line("l1", kills=4),)))

    assert [player.kills for team in match.teams for player in team.players] == [4, 4]


def test_a_team_board_is_ignored_for_those_of_whom_the_observer_told() -> None:
    match = after(make_match_with("l1", "l2"), board("l1", kills=5))

    match = after(match, happened.AuxiliaryTeamBoardReported((line("l1", kills=9), line("l2", kills=9))))

    assert (player_of(match, "l1").kills, player_of(match, "l2").kills) == (5, 9)


# --- the plant, seen in money ---------------------------------------------------------------------------------


def team_board(player_id: str, **values: Any) -> happened.AuxiliaryTeamBoardReported:
    return happened.AuxiliaryTeamBoardReported((line(player_id, **values),))


EVERY_BOARD = pytest.mark.parametrize("event", [board, auxiliary_board, team_board])


@EVERY_BOARD
def test_exactly_300_credits_more_in_combat_are_a_plant(event: Any) -> None:
    match = play(
        make_match_with("l1"), (0, board("l1", money=500)), (0, combat()), (5_000, event("l1", money=800))
    )

    assert match.spike.is_planted
    assert match.spike.detonates_at == 50_000
    assert match.clock_ends_at is None


@EVERY_BOARD
@pytest.mark.parametrize("money", [799, 801, 500, 200])
def test_any_other_change_of_money_is_no_plant(event: Any, money: int) -> None:
    match = after(make_match_with("l1"), board("l1", money=500), combat(), event("l1", money=money))

    assert not match.spike.is_planted


@EVERY_BOARD
def test_outside_combat_nobody_plants(event: Any) -> None:
    match = after(make_match_with("l1"), board("l1", money=500), shopping(1), event("l1", money=800))

    assert not match.spike.is_planted


@EVERY_BOARD
def test_money_of_an_unknown_player_is_no_plant(event: Any) -> None:
    assert not after(make_match_with("l1"), combat(), event("l9", money=300)).spike.is_planted


@pytest.mark.parametrize("event", [board, auxiliary_board])
def test_money_of_a_player_of_the_other_team_is_no_plant(event: Any) -> None:
    match = after(make_match_with("l1"), combat(), event("l1", team_number=1, money=300))

    assert not match.spike.is_planted


@EVERY_BOARD
def test_a_second_plant_does_not_restart_the_fuse(event: Any) -> None:
    match = play(make_match_with("l1"), (0, combat()), (1_000, PLANTED), (9_000, event("l1", money=300)))

    assert match.spike.detonates_at == 46_000


def test_an_auxiliary_board_that_is_otherwise_ignored_still_shows_a_plant() -> None:
    match = after(make_match_with("l1"), combat(), board("l1", money=500), auxiliary_board("l1", money=800))

    assert match.spike.is_planted
    assert player_of(match).money == 500


def test_a_team_board_shows_a_plant_by_the_money_known_before_any_of_its_lines() -> None:
    lines = (line("l1", money=300), line("l1", money=600))

    match = after(make_match_with("l1"), combat(), happened.AuxiliaryTeamBoardReported(lines[::-1]))

    assert match.spike.is_planted


# --- kill feed ------------------------------------------------------------------------------------------------


def test_a_kill_counts_for_the_attacker_by_weapon_and_enemy() -> None:
    match = after(make_match_with("l1", "r1"), kill(), kill(), kill(weapon_internal="knife"))

    player = player_of(match)
    assert player.kills_by_weapon == {"TX_Hud_Volcano": 2, "knife": 1}
    assert player.kills_of_enemies == {"R1": 3}
    assert player.killed_names == ("R1", "R1", "R1")
    assert (player.teamkills, player.headshots) == (0, 0)


def test_a_teamkill_counts_as_one_whoever_the_victim_is() -> None:
    match = after(make_match_with("l1", "l2", "r1"), kill(victim="L2", teamkill=True), kill(teamkill=True))

    player = player_of(match)
    assert player.kills_of_teammates == {"L2": 1, "R1": 1}
    assert player.kills_of_enemies == {}
    assert player.teamkills == 2


def test_headshots_are_counted() -> None:
    match = after(make_match_with("l1", "r1"), kill(headshot=True), kill(), kill(headshot=True))

    assert player_of(match).headshots == 2


def test_the_kill_feed_stands_in_while_nobody_sent_a_scoreboard() -> None:
    match = after(make_match_with("l1", "r1"), kill())

    attacker, victim = player_of(match, "l1"), player_of(match, "r1")
    assert (attacker.kills, attacker.kills_this_round) == (1, 1)
    assert (victim.deaths, victim.deaths_this_round, victim.is_alive, victim.health) == (1, 1, False, 0)


@pytest.mark.parametrize("event", [board, auxiliary_board])
def test_the_kill_feed_does_not_stand_in_for_players_with_a_scoreboard_this_round(event: Any) -> None:
    match = after(
        make_match_with("l1", "l2", "r1"), event("l1", kills=1), event("l2", assists=1), event("r1", deaths=1)
    )

    match = after(match, kill(assists=("TX_Killfeed_Viper",)))

    assert player_of(match, "l1").kills == 1
    assert player_of(match, "l2").assists == 1
    assert (player_of(match, "r1").deaths, player_of(match, "r1").is_alive) == (1, True)
    assert player_of(match, "l1").kills_of_enemies == {"R1": 1}


def test_the_kill_feed_stands_in_again_in_the_next_round() -> None:
    match = after(make_match_with("l1", "r1"), board("l1", kills=1), shopping(1), kill())

    assert player_of(match).kills == 2


def test_who_kills_himself_dies_and_has_a_kill() -> None:
    match = after(make_match_with("l1"), kill(victim="L1", teamkill=True))

    player = player_of(match)
    assert (player.kills, player.deaths, player.is_alive) == (1, 1, False)
    assert player.kills_of_teammates == {"L1": 1}


def test_a_kill_by_nobody_still_has_a_victim() -> None:
    match = after(make_match_with("l1", "r1"), kill(attacker=""))

    assert player_of(match, "r1").deaths == 1
    assert player_of(match, "l1").killed_names == ()


def test_an_unknown_victim_is_counted_by_the_name_that_was_sent() -> None:
    match = after(make_match_with("l1"), kill(victim="Stranger"))

    assert player_of(match).killed_names == ("Stranger",)
    assert player_of(match).kills_of_enemies == {"Stranger": 1}


def test_a_kill_among_strangers_changes_nothing() -> None:
    match = make_match_with("l1", "r1")

    assert after(match, kill("Stranger", "Nobody")) is match


@pytest.mark.parametrize("spelling", ["Ash", "ALD Ash"])
def test_the_kill_feed_may_use_either_form_of_a_name(spelling: str) -> None:
    match = after(make_match(**TRICODES_REMOVED), join("l1", name="ALD Ash"), join("r1"))

    match = after(match, kill(attacker=spelling), kill("R1", victim=spelling))

    assert player_of(match, "l1").kills == 1
    assert player_of(match, "r1").killed_names == ("Ash",)
    assert player_of(match, "r1").kills_of_enemies == {"Ash": 1}


def test_of_two_players_with_one_name_the_first_of_each_team_counts() -> None:
    match = after(
        make_match(),
        *(join(player_id, name="Same") for player_id in ("l1", "l2", "r1", "r2")),
        kill("Same", "Same"),
    )

    assert [player.kills for team in match.teams for player in team.players] == [1, 0, 1, 0]
    assert [player.deaths for team in match.teams for player in team.players] == [1, 0, 1, 0]


def test_killed_names_are_of_this_round_only() -> None:
    match = after(make_match_with("l1", "r1"), kill(), shopping(1))

    assert player_of(match).killed_names == ()
    assert player_of(match).kills_of_enemies == {"R1": 1}


def test_an_assist_goes_to_the_player_of_the_attackers_team_with_that_agent() -> None:
    match = after(
        make_match_with("l1", "l2", "l3", "r2"),
        kill(assists=("TX_Killfeed_Viper", "TX_Killfeed_Sage")),
        kill("R2"),
    )

    assert [player_of(match, player_id).assists for player_id in ("l1", "l2", "l3", "r2")] == [0, 1, 0, 0]


def test_an_agent_named_twice_has_one_assist() -> None:
    match = after(make_match_with("l1", "l2"), kill(assists=("TX_Killfeed_Viper", "TX_Killfeed_Viper1")))

    assert player_of(match, "l2").assists == 1


def test_an_agent_with_its_ending_gets_his_assist() -> None:
    match = after(
        make_match_with("l1"), join("l2", agent_internal="Rift_PC_C"), kill(assists=("TX_Killfeed_Astra",))
    )

    assert player_of(match, "l2").assists == 1


def test_a_team_with_duplicate_agents_gets_no_assists() -> None:
    match = after(make_match_with("l1", "l2", "r2"), join("l3", agent_internal=agent_of("l2")), combat())

    match = after(match, kill(assists=("TX_Killfeed_Viper",)), kill("R2", assists=("TX_Killfeed_Viper",)))

    assert player_of(match, "l2").assists == player_of(match, "l3").assists == 0
    assert player_of(match, "r2").assists == 1


def test_until_duplicates_are_looked_for_the_first_player_with_the_agent_gets_the_assist() -> None:
    match = after(make_match_with("l1", "l2"), join("l3", agent_internal=agent_of("l2")))

    match = after(match, kill(assists=("TX_Killfeed_Viper",)))

    assert (player_of(match, "l2").assists, player_of(match, "l3").assists) == (1, 0)


def test_the_assist_of_an_unknown_icon_is_nobodys_even_where_players_have_no_agent() -> None:
    match = after(make_match(), join("l1", agent_internal=""), kill(assists=("TX_Killfeed_Newcomer",)))

    assert player_of(match).assists == 0


# --- auxiliary data -------------------------------------------------------------------------------------------


def test_abilities_are_taken_over_for_the_player_in_whichever_team() -> None:
    match = after(make_match_with("l1", "r1"), happened.AbilitiesReported("r1", 3, 2, 1))

    abilities = player_of(match, "r1").abilities
    assert (abilities.grenade, abilities.ability_1, abilities.ability_2) == (3, 2, 1)
    assert player_of(match, "r1").auxiliary.has_abilities
    assert not player_of(match, "l1").auxiliary.has_abilities


def test_health_is_taken_over() -> None:
    match = after(make_match_with("r1"), happened.HealthReported("r1", 37))

    assert (player_of(match, "r1").health, player_of(match, "r1").auxiliary.has_health) == (37, True)


def test_a_lost_auxiliary_client_makes_all_its_data_unavailable() -> None:
    match = after(
        make_match_with("l1", "l2"),
        *(happened.HealthReported(player_id, 37) for player_id in ("l1", "l2")),
        happened.AbilitiesReported("l1", 3, 2, 1),
        auxiliary_board("l1"),
        happened.AuxiliaryGone("l1"),
    )

    player = player_of(match, "l1")
    assert not (
        player.auxiliary.has_health or player.auxiliary.has_abilities or player.auxiliary.has_scoreboard
    )
    assert player.health == 37
    assert player_of(match, "l2").auxiliary.has_health


@pytest.mark.parametrize(
    "event",
    [
        happened.AbilitiesReported("l9", 3, 2, 1),
        happened.HealthReported("l9", 1),
        happened.AstraTargetingReported("l9", True),
        happened.CypherCameraReported("l9", True),
        happened.AuxiliaryGone("l9"),
        happened.AuxiliaryTeamBoardReported(()),
    ],
)
def test_auxiliary_data_of_nobody_changes_nothing(event: happened.Event) -> None:
    match = make_match_with("l1")

    assert after(match, event) is match


def test_names_are_formed_anew_when_the_teams_change_their_players() -> None:
    match = after(make_match(**TRICODES_REMOVED), join("l1", name="ALD Ash"), join("r1", name="ALD Bo"))
    assert names_of(match) == [["Ash"], ["ALD Bo"]]

    assert names_of(after(match, SIDES_SWAPPED)) == [["Bo"], ["ALD Ash"]]


def test_an_auxiliary_client_that_is_back_shows_as_available_again() -> None:
    gone = after(
        make_match_with("l1"),
        happened.HealthReported("l1", 37),
        auxiliary_board("l1"),
        happened.AuxiliaryGone("l1"),
    )

    back = player_of(after(gone, happened.AuxiliaryReturned("l1")))

    assert (back.auxiliary.has_health, back.auxiliary.has_abilities, back.auxiliary.has_scoreboard) == (
        True,
        False,
        True,
    )


def test_a_board_of_the_round_before_is_not_available_again() -> None:
    match = after(
        make_match_with("l1"),
        auxiliary_board("l1"),
        happened.AuxiliaryGone("l1"),
        shopping(2),
        happened.AuxiliaryReturned("l1"),
    )

    assert not player_of(match).auxiliary.has_scoreboard


TOLD_BY_BOARDS = {
    "agent_internal": "Hunter",
    "is_alive": False,
    "has_spike": True,
    "health": 0,
    "kills": 11,
    "deaths": 12,
    "assists": 13,
    "kills_this_round": 9,
    "deaths_this_round": 9,
    "ult_points": 3,
    "max_ult_points": 8,
    "money": 400,
    "money_spent": 105,
    "has_spent": True,
    "armor": 25,
    "weapon": "Vandal",
}
"""What a board makes of the player of the next test, field by field."""


def test_a_board_sets_what_it_tells_and_leaves_alone_what_it_does_not() -> None:
    numbers = {"kills": 5, "deaths": 6, "kills_this_round": 3, "deaths_this_round": 3, "money_spent": 5}
    counters = {name: {name: 1} for name in ("kills_by_weapon", "kills_of_enemies", "kills_of_teammates")}
    delivers, lost = AuxiliaryData(has_health=True), AuxiliaryData(has_abilities=True)
    match = make_match_with("l1")
    player = replace(
        player_of(match),
        **numbers,
        **counters,
        money=500,
        position=4,
        locked=True,
        is_observed=True,
        abilities=Abilities(1, 2, 3),
        killed_names=("Bo",),
        teamkills=1,
        headshots=2,
        auxiliary=delivers,
        lost_auxiliary=lost,
        icon_suffix="",
    )
    left = replace(match.teams.left, players=(player,))
    match = replace(match, teams=replace(match.teams, left=left))
    told = board(
        "l1",
        agent_internal="Hunter",
        is_alive=False,
        has_spike=True,
        kills=11,
        deaths=12,
        assists=13,
        ult_points=3,
        max_ult_points=8,
        money=400,
        armor=25,
        weapon_internal="TX_Hud_Volcano",
    )

    changed = player_of(after(match, told))

    for name in player.__struct_fields__:
        if name in TOLD_BY_BOARDS:
            assert getattr(changed, name) == TOLD_BY_BOARDS[name], name
        elif name == "has_scoreboard":
            assert changed.has_scoreboard
        else:
            assert getattr(changed, name) is getattr(player, name), name
