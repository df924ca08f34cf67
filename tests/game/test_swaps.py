from typing import Any

import pytest

from tests.game.builders import (
    LEFT_PRESSED,
    SEATS_SWAPPED,
    SIDES_SWAPPED,
    after,
    board,
    combat,
    join,
    make_match,
    make_match_with,
    make_settings,
    play,
    player_of,
    round_end,
    score,
    shopping,
    toast,
)
from valo_ingest.game.seats import BySeat, Seat
from valo_ingest.game.state import Match, RoundOutcome, TeamTimeout


def make_match_with_settings(**sections: Any) -> Match:
    return make_match(settings=make_settings(**sections))


def settings_after_swap(**sections: Any) -> Any:
    return after(make_match_with_settings(**sections), SEATS_SWAPPED).presentation.settings


def make_played_match() -> Match:
    """Return a match in round 2 in which the teams differ in all that can differ."""
    return after(
        make_match_with("l1", "r1", "r2"),
        shopping(1),
        combat(),
        score(1, 0),
        round_end(),
        shopping(2),
        join("r3", agent_internal="Clay"),
        join("r4", agent_internal="Clay"),
        combat(2),
        board("l1", money=4_000),
        board("l1", money=1_000, kills=3),
    )


# --- left and right -------------------------------------------------------------------------------------------


def test_teams_change_seats_as_they_are() -> None:
    match = make_played_match()

    assert after(match, SEATS_SWAPPED).teams == match.teams.swapped()


def test_timeouts_that_are_left_change_seats() -> None:
    match = after(make_match(timeout_grace_s=0), LEFT_PRESSED, LEFT_PRESSED)

    assert after(match, SEATS_SWAPPED).timeouts_left == BySeat(2, 1)


def test_a_running_timeout_changes_seats_and_goes_on() -> None:
    match = play(make_match(), (0, LEFT_PRESSED), (7_000, SEATS_SWAPPED))

    assert match.pause == TeamTimeout(Seat.RIGHT, started_at=0)
    assert match.timeout_remaining_s == 53


def test_series_score_and_seeding_change_seats() -> None:
    settings = settings_after_swap(
        seriesInfo={
            "needed": 2,
            "wonLeft": 1,
            "wonRight": 0,
            "seedingLeft": "#1",
            "seedingRight": "#4",
            "x": 5,
        },
        seedingInfo={"left": "#1", "right": "#4"},
    )

    assert settings["seriesInfo"] == {
        "needed": 2,
        "wonLeft": 0,
        "wonRight": 1,
        "seedingLeft": "#4",
        "seedingRight": "#1",
        "x": 5,
    }
    assert settings["seedingInfo"] == {"left": "#4", "right": "#1"}


def test_both_parts_of_every_map_change_seats() -> None:
    settings = settings_after_swap(
        seriesInfo={
            "mapInfo": [
                {"type": "past", "left": {"score": 13}, "right": {"score": 9}},
                {"type": "present", "logo": "l"},
                "no object",
            ]
        }
    )

    assert settings["seriesInfo"]["mapInfo"] == [
        {"type": "past", "left": {"score": 9}, "right": {"score": 13}},
        {"type": "present", "logo": "l"},
        "no object",
    ]


def test_what_one_seat_lacks_the_other_lacks_afterwards() -> None:
    settings = settings_after_swap(
        seriesInfo={"wonLeft": 1, "mapInfo": [{"left": 5}]}, seedingInfo={"right": "#4"}
    )

    assert settings["seriesInfo"] == {"wonRight": 1, "mapInfo": [{"right": 5}]}
    assert settings["seedingInfo"] == {"left": "#4"}


@pytest.mark.parametrize("series", [{}, {"mapInfo": None}, {"mapInfo": "maps"}, {"mapInfo": {"left": 1}}])
def test_a_series_without_a_list_of_maps_stays_as_it_is(series: dict[str, Any]) -> None:
    assert settings_after_swap(seriesInfo=series)["seriesInfo"] == series


def test_who_won_a_sponsors_box_and_the_toasts_team_stay_as_sent() -> None:
    box = {"type": "sponsors", "sponsors": [{"wonTeam": "left"}]}
    match = after(make_match_with_settings(roundWinBox=box), toast())

    swapped = after(match, SEATS_SWAPPED)

    assert swapped.presentation.settings["roundWinBox"] == box
    assert swapped.toast == match.toast


def test_a_swap_leaves_the_settings_of_the_match_before_alone() -> None:
    match = make_match_with_settings(seriesInfo={"wonLeft": 1, "mapInfo": [{"left": 5}]})

    after(match, SEATS_SWAPPED)

    assert match == make_match_with_settings(seriesInfo={"wonLeft": 1, "mapInfo": [{"left": 5}]})


def test_events_still_reach_their_team_after_a_change_of_seats() -> None:
    match = after(make_match_with("l1"), SEATS_SWAPPED, board("l1", kills=5), join("l2"), score(1, 0))

    assert player_of(match).kills == 5
    assert [len(team.players) for team in match.teams] == [0, 2]
    assert [team.rounds_won for team in match.teams] == [0, 1]


# --- attackers and defenders ----------------------------------------------------------------------------------


def test_all_that_the_game_reports_is_exchanged() -> None:
    match = make_played_match()
    left, right = match.teams

    swapped = after(match, SIDES_SWAPPED).teams.left

    assert (swapped.number, swapped.is_attacking) == (right.number, right.is_attacking)
    assert (swapped.players, swapped.rounds_won, swapped.record) == (
        right.players,
        right.rounds_won,
        right.record,
    )
    assert swapped.has_duplicate_agents is right.has_duplicate_agents is True
    assert swapped.setup == left.setup


def test_what_belongs_to_a_seat_or_to_the_round_stays() -> None:
    match = play(make_match(timeout_grace_s=0), (0, LEFT_PRESSED), (0, LEFT_PRESSED), (0, score(1, 0)))

    swapped = after(match, SIDES_SWAPPED)

    assert swapped.timeouts_left == match.timeouts_left
    assert swapped.attackers_won is match.attackers_won is True
    assert swapped.presentation == match.presentation


def test_later_events_fit_after_sides_were_put_right() -> None:
    match = after(make_match_with("l1"), SIDES_SWAPPED, shopping(1), score(1, 0), shopping(2))

    assert [team.rounds_won for team in match.teams] == [0, 1]
    assert [team.record[0].outcome for team in match.teams] == [RoundOutcome.LOST, RoundOutcome.KILLS]
    assert [len(team.players) for team in match.teams] == [0, 1]


def test_display_names_are_formed_from_the_tricode_of_the_team_that_the_player_is_in_now() -> None:
    match = after(make_match(removes_tricodes=True), join("l1", name="BIR Ash"), join("r1", name="BIR Bo"))

    swapped = after(match, SIDES_SWAPPED)

    assert [player_of(match, "l1").name, player_of(match, "r1").name] == ["BIR Ash", "Bo"]
    assert [player_of(swapped, "l1").name, player_of(swapped, "r1").name] == ["Ash", "BIR Bo"]
