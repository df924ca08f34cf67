import pytest

from tests.game.builders import after, board, make_match, make_match_with, player_of
from valo_ingest.game.seats import BySeat, Seat
from valo_ingest.game.state import LOBBY, Abilities, RoundOutcome, Spike, TeamSetup, seat_of


def test_a_new_match_is_in_the_lobby_and_does_not_run() -> None:
    match = make_match()

    assert (match.phase, match.round_number, match.map, match.mode) == (LOBBY, 0, "Loading", "bomb")
    assert (match.switch_round, match.first_overtime_round) == (13, 25)
    assert (match.match_id, match.is_running, match.has_ended) == ("", False, False)
    assert (match.pause, match.timeout_remaining_s, match.is_timeout_grace_over) == (None, 0, False)
    assert (match.spike, match.attackers_won, match.ran_out_of_time) == (Spike(), False, False)
    assert not (match.toast.is_shown or match.shows_alive_kda or match.has_entered_overtime)


def test_the_teams_of_a_new_match_sit_as_the_logon_says() -> None:
    match = make_match()

    assert [team.setup.name for team in match.teams] == ["Alder", "Birch"]


@pytest.mark.parametrize(
    ("left_claims", "right_claims", "left_attacks"),
    [
        (True, False, True),
        (False, True, False),
        (True, True, True),
        (False, False, False),
        (None, True, False),
        (None, False, False),
        (None, None, False),
        (True, None, True),
    ],
)
def test_one_team_attacks_and_in_doubt_the_left_teams_word_counts(
    left_claims: bool | None, right_claims: bool | None, left_attacks: bool
) -> None:
    match = make_match(left=TeamSetup(attack_start=left_claims), right=TeamSetup(attack_start=right_claims))

    assert [team.is_attacking for team in match.teams] == [left_attacks, not left_attacks]
    assert [team.number for team in match.teams] == ([0, 1] if left_attacks else [1, 0])


def test_25_rounds_are_laid_out_as_upcoming_for_each_team() -> None:
    for team in make_match().teams:
        assert [result.number for result in team.record] == list(range(1, 26))
        assert {result.outcome for result in team.record} == {RoundOutcome.UPCOMING}
        assert {result.was_attack for result in team.record} == {team.is_attacking}


@pytest.mark.parametrize("most", [0, 1, 2, 5, None])
def test_both_teams_start_with_the_most_timeouts(most: int | None) -> None:
    assert make_match(max_timeouts=most).timeouts_left == BySeat(most, most)


@pytest.mark.parametrize("removes", [True, False, None])
def test_both_teams_have_the_setting_that_removes_tricodes(removes: bool | None) -> None:
    assert [team.removes_tricode for team in make_match(removes_tricodes=removes).teams] == [removes] * 2


def test_a_team_is_found_by_its_number() -> None:
    match = make_match(left=TeamSetup(attack_start=False), right=TeamSetup(attack_start=True))

    assert seat_of(match, 0) is Seat.RIGHT
    assert seat_of(match, 1) is Seat.LEFT
    assert seat_of(match, 1.0) is Seat.LEFT


@pytest.mark.parametrize("number", [-1, 2, 0.5])
def test_no_team_has_another_number_than_0_and_1(number: float) -> None:
    assert seat_of(make_match(), number) is None


def test_a_new_player_is_alive_and_has_nothing_yet() -> None:
    player = player_of(make_match_with("l1"))

    assert (player.is_alive, player.health, player.weapon, player.icon_suffix) == (True, 100, "Unknown", "")
    assert (player.ult_points, player.max_ult_points, player.armor, player.abilities) == (
        0,
        0,
        0,
        Abilities(0, 0, 0),
    )
    assert (player.kills, player.deaths, player.assists, player.money, player.money_spent) == (0, 0, 0, 0, 0)
    assert (player.teamkills, player.headshots, player.kills_by_weapon) == (0, 0, {})
    assert not (player.has_spike or player.is_observed or player.has_spent)
    assert not (player.has_scoreboard or player.auxiliary.has_scoreboard)
    assert not (player.auxiliary.has_health or player.auxiliary.has_abilities)


@pytest.mark.parametrize(
    ("points", "most", "is_ready"),
    [(6, 7, False), (7, 7, True), (8, 7, True), (1, 1, True), (0, 0, False), (3, 0, False)],
)
def test_an_ult_is_ready_with_all_its_points_and_never_without_any_to_reach(
    points: int, most: int, is_ready: bool
) -> None:
    match = after(make_match_with("l1"), board("l1", ult_points=points, max_ult_points=most))

    assert player_of(match).ult_ready is is_ready


def test_states_are_values() -> None:
    assert make_match() == make_match()
    with pytest.raises(AttributeError):
        make_match().map = "Ascent"  # type: ignore[misc]
