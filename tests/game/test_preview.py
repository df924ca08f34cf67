from tests.game.builders import make_setup
from valo_ingest.game.preview import made_up_match
from valo_ingest.game.state import COMBAT, RoundOutcome

NOW = 1_700_000_000_000


def test_a_preview_is_a_running_match_in_the_middle_of_a_round() -> None:
    match = made_up_match(make_setup(), NOW)

    assert match.is_running
    assert (match.phase, match.map) == (COMBAT, "Ascent")
    assert match.clock_ends_at == NOW + 99_000
    assert sum(team.rounds_won for team in match.teams) == match.round_number - 1 > 0


def test_a_preview_shows_the_teams_and_settings_that_were_sent() -> None:
    setup = make_setup()

    match = made_up_match(setup, NOW)

    assert [team.setup for team in match.teams] == list(setup.teams)
    assert match.presentation == setup.presentation


def test_a_preview_has_two_full_teams_of_different_agents_and_observes_one_player() -> None:
    match = made_up_match(make_setup(), NOW)

    assert [len(team.players) for team in match.teams] == [5, 5]
    assert [team.has_duplicate_agents for team in match.teams] == [False, False]
    assert sum(player.is_observed for team in match.teams for player in team.players) == 1


def test_every_round_that_a_preview_has_behind_it_has_a_result() -> None:
    match = made_up_match(make_setup(), NOW)

    for team in match.teams:
        played = [result for result in team.record if result.outcome is not RoundOutcome.UPCOMING]
        assert [result.number for result in played] == list(range(1, match.round_number))
        assert team.rounds_won == sum(result.outcome is not RoundOutcome.LOST for result in played)


def test_a_preview_looks_the_same_every_time() -> None:
    assert made_up_match(make_setup(), NOW) == made_up_match(make_setup(), NOW)
