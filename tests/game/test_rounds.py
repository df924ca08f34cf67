import pytest
from msgspec.structs import replace

from tests.game.builders import (
    DEFUSED,
    DETONATED,
    LEFT_PRESSED,
    PLANTED,
    SIDES_SWAPPED,
    after,
    auxiliary_board,
    board,
    combat,
    join,
    kill,
    make_match,
    make_match_with,
    play,
    player_of,
    round_end,
    score,
    shopping,
    toast,
)
from valo_ingest.game import events as happened
from valo_ingest.game.events import Event
from valo_ingest.game.rounds import with_result
from valo_ingest.game.seats import BySeat, Seat
from valo_ingest.game.state import Match, RoundOutcome, Spike

SWIFT = happened.GameModeChosen("swift")
CLOCK_MS = 99_000


def game_end(number: int) -> happened.RoundPhaseChanged:
    return happened.RoundPhaseChanged(number, "game_end")


def recorded(match: Match, seat: Seat = Seat.LEFT) -> dict[int, tuple[str, bool]]:
    """Return the rounds that have a result: how each went for the team on `seat`, and whether it attacked."""
    return {
        result.number: (result.outcome.value, result.was_attack)
        for result in match.teams[seat].record
        if result.outcome is not RoundOutcome.UPCOMING
    }


def outcomes(match: Match, number: int = 1) -> list[str]:
    return [team.record[number - 1].outcome.value for team in match.teams]


def sides(match: Match) -> list[bool]:
    return [team.is_attacking for team in match.teams]


# --- phases ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["shopping", "combat", "end", "game_start", "anything at all", ""])
def test_number_and_phase_are_taken_as_they_are_sent(phase: str) -> None:
    match = after(make_match(), happened.RoundPhaseChanged(7, phase))

    assert (match.round_number, match.phase) == (7, phase)


def test_an_unknown_phase_does_nothing_else() -> None:
    match = after(make_match(), shopping(1), combat(), PLANTED)

    changed = after(match, happened.RoundPhaseChanged(1, "game_start"))

    assert changed == replace(match, phase="game_start")


def test_shopping_resets_what_players_have_of_a_round() -> None:
    match = after(
        make_match_with("l1", "r1"),
        auxiliary_board("r1", money=900),
        board("l1", money=900),
        board("l1", money=300, kills=2, deaths=1, is_alive=False),
        kill(),
        shopping(1),
    )

    player, other = player_of(match, "l1"), player_of(match, "r1")
    assert (player.kills_this_round, player.deaths_this_round, player.killed_names) == (0, 0, ())
    assert (player.money, player.money_spent, player.has_spent) == (300, 0, False)
    assert (player.is_alive, player.health, player.has_scoreboard) == (True, 100, False)
    assert not other.auxiliary.has_scoreboard
    assert (player.kills, player.deaths) == (2, 1)


def test_shopping_resets_the_spike() -> None:
    match = after(make_match(), combat(), PLANTED, DETONATED, DEFUSED, shopping(2))

    assert match.spike == Spike()


def test_shopping_again_of_a_round_that_has_begun_changes_number_and_phase_only() -> None:
    match = after(
        make_match_with("l1"), shopping(13), combat(13), board("l1", money=900), board("l1", money=0), PLANTED
    )

    again = after(match, shopping(13))

    assert again.phase == "shopping"
    assert sides(again) == [False, True]
    assert (again.teams, again.spike, again.timeouts_left) == (match.teams, match.spike, match.timeouts_left)


def test_shopping_of_an_earlier_round_changes_number_and_phase_only() -> None:
    match = after(make_match(), shopping(12), score(1, 0), shopping(13))

    again = after(match, shopping(5))

    assert (again.round_number, again.phase) == (5, "shopping")
    assert again.teams == match.teams


def test_the_other_phases_act_again_in_a_round_that_has_begun() -> None:
    match = play(make_match(), (0, shopping(5)), (0, combat(3)), (1_000, combat(3)))
    assert match.clock_ends_at == 1_000 + CLOCK_MS

    assert after(match, round_end(3)).clock_ends_at is None


def test_a_round_0_begins_too() -> None:
    match = after(make_match_with("l1"), board("l1", is_alive=False), shopping(0))

    assert player_of(match).is_alive
    assert recorded(match) == {}


def test_a_remake_under_the_same_code_begins_its_rounds_anew() -> None:
    played = after(
        make_match_with("l1"), happened.MatchStarted("m-1"), shopping(5), board("l1", is_alive=False)
    )

    assert not player_of(after(played, happened.MatchStarted("m-1"), shopping(1))).is_alive
    assert player_of(after(played, happened.MatchStarted("m-2"), shopping(1))).is_alive


def test_combat_starts_the_clock() -> None:
    assert play(make_match(), (5_000, combat())).clock_ends_at == 5_000 + CLOCK_MS


def test_combat_with_a_planted_spike_does_not_start_the_clock() -> None:
    assert after(make_match(), combat(), PLANTED, combat()).clock_ends_at is None


def test_combat_closes_a_toast_and_its_timer() -> None:
    match = play(make_match(), (0, toast(60_000)), (1_000, combat()))

    assert not match.toast.is_shown
    assert match.toast.closes_at is None


def test_duplicate_agents_are_looked_for_afresh_at_each_combat() -> None:
    match = after(make_match(), join("l1", agent_internal="Clay"), join("l2", agent_internal="Clay_PC_C"))
    assert not match.teams.left.has_duplicate_agents

    match = after(match, combat())
    assert [team.has_duplicate_agents for team in match.teams] == [True, False]

    match = after(match, join("l2", agent_internal="Rift"))
    assert match.teams.left.has_duplicate_agents
    assert not after(match, combat()).teams.left.has_duplicate_agents


def test_two_players_without_agent_count_as_duplicates() -> None:
    match = after(make_match(), join("l1", agent_internal=""), join("l2", agent_internal=""), combat())

    assert match.teams.left.has_duplicate_agents


def test_the_end_clears_clock_and_fuse() -> None:
    match = after(make_match(), combat(), PLANTED, round_end())

    assert (match.clock_ends_at, match.spike.detonates_at) == (None, None)
    assert match.spike.is_planted
    assert after(make_match(), combat(), round_end()).clock_ends_at is None


# --- the spike ------------------------------------------------------------------------------------------------


def test_a_plant_in_combat_stops_the_clock_and_lights_the_fuse() -> None:
    match = play(make_match(), (0, combat()), (10_000, PLANTED))

    assert match.spike == Spike(is_planted=True, detonates_at=55_000)
    assert match.clock_ends_at is None


@pytest.mark.parametrize("phase", ["shopping", "end", "LOBBY", "game_start"])
def test_outside_combat_there_is_no_plant(phase: str) -> None:
    match = after(make_match(), happened.RoundPhaseChanged(1, phase))

    assert after(match, PLANTED) is match


def test_a_planted_spike_is_not_planted_again() -> None:
    match = play(make_match(), (0, combat()), (1_000, PLANTED), (2_000, PLANTED))

    assert match.spike.detonates_at == 46_000


def test_a_detonation_clears_the_fuse() -> None:
    match = after(make_match(), combat(), PLANTED, DETONATED)

    assert match.spike == Spike(is_planted=True, has_detonated=True)


def test_a_defuse_clears_the_fuse() -> None:
    match = after(make_match(), combat(), PLANTED, DEFUSED)

    assert match.spike == Spike(is_planted=True, is_defused=True)


def test_spike_detonation_and_defuse_count_at_any_time() -> None:
    assert after(make_match(), DETONATED).spike.has_detonated
    assert after(make_match(), DEFUSED).spike.is_defused


# --- score ----------------------------------------------------------------------------------------------------


def test_the_score_is_taken_over_by_team_number() -> None:
    match = after(make_match(), SIDES_SWAPPED, score(3, 5))

    assert [team.rounds_won for team in match.teams] == [5, 3]


def test_a_lower_score_is_taken_over_and_wins_nothing() -> None:
    match = after(make_match(), score(3, 0), score(2, 0))

    assert match.teams.left.rounds_won == 2
    assert match.attackers_won


@pytest.mark.parametrize(
    ("scores", "attackers_won"), [(score(1, 0), True), (score(0, 1), False), (score(1, 1), True)]
)
def test_the_team_whose_score_rose_won_and_team_0_if_both_did(
    scores: happened.ScoreReported, attackers_won: bool
) -> None:
    assert after(make_match(), scores).attackers_won is attackers_won


def test_who_won_is_kept_while_no_score_rises() -> None:
    assert after(make_match(), score(1, 0), score(1, 0)).attackers_won


def test_after_the_change_of_sides_the_winner_counts_by_his_side_of_today() -> None:
    assert not after(make_match(), shopping(13), score(1, 0)).attackers_won


def test_any_score_ends_the_plant() -> None:
    match = play(make_match(), (0, combat()), (0, PLANTED), (0, score(0, 0)))

    assert not match.spike.is_planted
    assert match.spike.detonates_at == 45_000


# --- did the round run out of time? ---------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "ran_out"), [(CLOCK_MS - 1, False), (CLOCK_MS, True)])
@pytest.mark.parametrize("first", [round_end(), score(0, 1)])
def test_a_round_ran_out_of_time_if_its_end_or_score_comes_when_the_clock_has_ended(
    first: Event, at: int, ran_out: bool
) -> None:
    assert play(make_match(), (0, combat()), (at, first)).ran_out_of_time is ran_out


@pytest.mark.parametrize(("first", "second"), [(round_end(), score(0, 1)), (score(0, 1), round_end())])
def test_it_is_judged_once_a_round_by_whichever_comes_first(first: Event, second: Event) -> None:
    in_time = play(make_match(), (0, combat()), (CLOCK_MS - 1, first), (CLOCK_MS + 1, second))
    too_late = play(make_match(), (0, combat()), (CLOCK_MS, first), (CLOCK_MS + 1, second))

    assert not in_time.ran_out_of_time
    assert too_late.ran_out_of_time
    assert outcomes(after(too_late, shopping(2))) == ["lost", "timeout"]


def test_a_score_that_raises_nothing_judges_nothing() -> None:
    match = play(make_match(), (0, combat()), (1_000, score(0, 0)), (CLOCK_MS, round_end()))

    assert match.ran_out_of_time


def test_a_round_with_a_plant_never_runs_out_of_time() -> None:
    match = play(
        make_match(), (0, combat()), (1_000, PLANTED), (CLOCK_MS, score(0, 1)), (CLOCK_MS, round_end())
    )

    assert not match.ran_out_of_time


def test_without_combat_nothing_runs_out_of_time() -> None:
    assert not play(make_match(), (CLOCK_MS, score(0, 1))).ran_out_of_time


def test_the_judgement_is_kept_until_the_next_one() -> None:
    match = play(
        make_match(), (0, combat()), (CLOCK_MS, round_end()), (CLOCK_MS, shopping(2)), (CLOCK_MS, combat(2))
    )
    assert match.ran_out_of_time

    assert not play(match, (CLOCK_MS + 1, round_end(2))).ran_out_of_time


def test_shopping_of_a_new_round_opens_the_judgement_again() -> None:
    match = play(make_match(), (0, combat()), (CLOCK_MS, round_end()), (CLOCK_MS, shopping(2)))

    assert not play(match, (CLOCK_MS, score(0, 1))).ran_out_of_time


def test_combat_opens_the_judgement_again_unless_the_spike_is_planted() -> None:
    judged = play(make_match(), (0, combat()), (1_000, score(0, 1)))

    assert play(judged, (2_000, combat()), (2_000 + CLOCK_MS, round_end())).ran_out_of_time
    planted = play(judged, (2_000, PLANTED), (3_000, combat()), (200_000, round_end()))
    assert not planted.ran_out_of_time


def test_the_clock_is_shown_until_the_end_even_after_the_score() -> None:
    assert play(make_match(), (0, combat()), (1_000, score(0, 1))).clock_ends_at == CLOCK_MS


# --- reasons --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([score(1, 0)], ["kills", "lost"]),
        ([PLANTED, score(1, 0)], ["kills", "lost"]),
        ([PLANTED, DETONATED, score(1, 0)], ["detonated", "lost"]),
        ([score(0, 1)], ["lost", "kills"]),
        ([PLANTED, DEFUSED, score(0, 1)], ["lost", "defused"]),
        ([PLANTED, DETONATED, score(0, 1)], ["lost", "kills"]),
        ([PLANTED, DEFUSED, score(1, 0)], ["kills", "lost"]),
    ],
)
def test_the_reason_of_a_round_is_written_when_the_next_one_begins(
    events: list[Event], outcome: list[str]
) -> None:
    match = after(make_match(), shopping(1), combat(), *events, round_end())
    assert outcomes(match) == ["upcoming", "upcoming"]

    assert outcomes(after(match, shopping(2))) == outcome


def test_a_round_that_attackers_won_is_no_timeout() -> None:
    match = play(make_match(), (0, combat()), (CLOCK_MS, score(1, 0)), (CLOCK_MS, shopping(2)))

    assert outcomes(match) == ["kills", "lost"]


def test_a_defuse_wins_over_the_time_that_ran_out() -> None:
    match = play(
        make_match(), (0, combat()), (CLOCK_MS, score(0, 1)), (CLOCK_MS, DEFUSED), (CLOCK_MS, shopping(2))
    )

    assert outcomes(match) == ["lost", "defused"]


def test_the_side_of_a_round_is_the_one_played_in_it() -> None:
    match = after(make_match(), SWIFT, shopping(1), score(1, 0), shopping(5), score(2, 0), shopping(6))

    assert recorded(match) == {4: ("kills", True), 5: ("kills", False)}
    assert recorded(match, Seat.RIGHT) == {4: ("lost", False), 5: ("lost", True)}


def test_the_first_round_that_is_seen_writes_no_round_0() -> None:
    assert recorded(after(make_match(), shopping(1))) == {}


def test_a_skipped_round_is_upcoming() -> None:
    match = after(make_match(), shopping(1), score(1, 0), shopping(4))

    assert recorded(match) == {3: ("kills", True)}
    assert [result.number for result in match.teams.left.record] == list(range(1, 26))


def test_behind_a_result_five_more_rounds_are_laid_out_with_the_side_of_today() -> None:
    match = after(make_match(), shopping(22), score(1, 0), shopping(23))

    record = match.teams.left.record
    assert [result.number for result in record] == list(range(1, 28))
    assert {result.was_attack for result in record[22:]} == {True}


def test_laying_out_corrects_the_side_of_upcoming_rounds_but_no_result() -> None:
    record = make_match().teams.left.record
    record = with_result(record, 3, RoundOutcome.KILLS, was_attack=True)

    record = with_result(record, 1, RoundOutcome.LOST, was_attack=False)

    assert [(result.outcome.value, result.was_attack) for result in record[:7]] == [
        ("lost", False),
        ("upcoming", False),
        ("kills", True),
        ("upcoming", False),
        ("upcoming", False),
        ("upcoming", False),
        ("upcoming", True),
    ]


def test_holes_before_a_result_become_upcoming_rounds() -> None:
    record = with_result((), 3, RoundOutcome.KILLS, was_attack=False)

    assert [result.number for result in record] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [result.outcome.value for result in record[:3]] == ["upcoming", "upcoming", "kills"]


# --- sides and overtime ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "switches"), [(12, False), (13, True), (14, False), (24, False), (25, True), (40, True)]
)
def test_sides_change_in_the_switch_round_and_in_every_round_of_overtime(number: int, switches: bool) -> None:
    assert sides(after(make_match(), shopping(number))) == [not switches, switches]


def test_each_round_of_overtime_changes_sides_once() -> None:
    match = after(make_match(), shopping(25))
    assert sides(match) == [False, True]

    assert sides(after(match, shopping(25))) == [False, True]
    assert sides(after(match, shopping(26))) == [True, False]


@pytest.mark.parametrize(
    ("number", "switches"), [(4, False), (5, True), (13, False), (25, False), (98, False), (99, True)]
)
def test_swift_play_changes_sides_in_round_5_and_has_overtime_from_99(number: int, switches: bool) -> None:
    assert sides(after(make_match(), SWIFT, shopping(number))) == [not switches, switches]


def test_every_player_has_800_credits_after_a_change_of_sides() -> None:
    match = after(make_match_with("l1", "r1"), board("l1", money=5_000), shopping(12))
    assert player_of(match).money == 5_000

    match = after(match, shopping(13))
    assert [player_of(match, player_id).money for player_id in ("l1", "r1")] == [800, 800]


@pytest.mark.parametrize(("most", "left"), [(0, 0), (1, 2), (2, 2), (3, 3), (None, None)])
def test_overtime_gives_one_more_timeout_to_at_most_two_and_takes_none(
    most: int | None, left: int | None
) -> None:
    match = after(make_match(max_timeouts=most), shopping(25))

    assert match.timeouts_left == BySeat(left, left)
    assert match.has_entered_overtime


def test_overtime_gives_its_timeout_to_each_team_by_what_it_has() -> None:
    match = play(
        make_match(timeout_grace_s=0),
        (0, LEFT_PRESSED),
        (0, LEFT_PRESSED),
        (0, LEFT_PRESSED),
        (0, LEFT_PRESSED),
    )
    assert match.timeouts_left == BySeat(0, 2)

    assert after(match, shopping(25)).timeouts_left == BySeat(1, 2)


def test_overtime_gives_its_timeout_once() -> None:
    match = after(make_match(timeout_grace_s=0), *[LEFT_PRESSED] * 4, shopping(25), shopping(26))

    assert match.timeouts_left == BySeat(1, 2)


def test_a_match_that_is_seen_late_enters_overtime_at_its_first_shopping_there() -> None:
    assert not after(make_match(), shopping(24)).has_entered_overtime
    assert after(make_match(), shopping(30)).has_entered_overtime


# --- the end of the game --------------------------------------------------------------------------------------


def test_the_last_round_gets_its_reason_at_the_end_of_the_game() -> None:
    match = after(make_match(), shopping(21), score(13, 8), game_end(21))

    assert recorded(match)[21] == ("kills", True)
    assert (match.is_running, match.has_ended, match.phase) == (False, True, "game_end")


@pytest.mark.parametrize("number", [0, 22])
def test_a_match_that_is_broken_off_has_no_result_for_its_last_round(number: int) -> None:
    match = after(make_match(), shopping(1), score(1, 0), shopping(22), game_end(number))

    assert recorded(match) == {21: ("kills", True)}


def test_a_match_that_is_broken_off_before_any_score_has_no_result() -> None:
    assert recorded(after(make_match(), shopping(1), game_end(1))) == {}


def test_the_end_of_the_game_in_round_0_writes_nothing() -> None:
    assert recorded(after(make_match(), score(1, 0), game_end(0))) == {}


def test_the_end_of_the_game_overwrites_no_result() -> None:
    match = after(make_match(), shopping(2), score(1, 0), game_end(1))

    assert recorded(match) == {1: ("lost", True)}


def test_a_game_may_end_in_its_first_round() -> None:
    assert recorded(after(make_match(), shopping(1), score(1, 0), game_end(1))) == {1: ("kills", True)}


def test_the_end_of_the_game_is_written_far_behind_the_rounds_laid_out() -> None:
    match = after(make_match(), score(0, 1), game_end(100))

    assert recorded(match) == {100: ("lost", True)}
    assert len(match.teams.left.record) == 105


def test_the_end_of_the_game_keeps_everything_else() -> None:
    match = play(make_match(), (0, combat()), (0, toast()), (0, LEFT_PRESSED), (1_500, game_end(1)))

    assert match.toast.is_shown
    assert (match.pause is not None, match.timeout_remaining_s) == (True, 59)
    assert match.clock_ends_at == CLOCK_MS


def test_a_fuse_burns_on_where_nobody_said_that_the_round_is_over() -> None:
    match = after(make_match(), shopping(1), combat(1), happened.SpikePlanted(), score(1, 0), shopping(2))

    assert match.spike.detonates_at is not None
    assert not match.spike.is_planted
