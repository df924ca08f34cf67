from collections.abc import Callable
from typing import get_args

import pytest
from msgspec.structs import replace

from tests.game.builders import (
    ENDED,
    LEFT_PRESSED,
    after,
    auxiliary_board,
    board,
    combat,
    join,
    make_match,
    make_match_with,
    play,
    score,
    shopping,
    toast,
)
from valo_ingest.game import events as happened
from valo_ingest.game.events import Event
from valo_ingest.game.reducer import HANDLERS, apply, counts, expire


def test_every_event_has_a_handler() -> None:
    assert set(HANDLERS) == set(get_args(Event))


def test_the_map_shows_by_its_name() -> None:
    assert after(make_match(), happened.MapChosen("Triad")).map == "Haven"
    assert after(make_match(), happened.MapChosen("Atlantis")).map == "Atlantis"


def test_swift_play_has_rounds_of_its_own_and_every_other_mode_the_standard_ones() -> None:
    match = after(make_match(), happened.GameModeChosen("swift"))
    assert (match.mode, match.switch_round, match.first_overtime_round) == ("swift", 5, 99)

    match = after(match, happened.GameModeChosen("whatever"))
    assert (match.mode, match.switch_round, match.first_overtime_round) == ("whatever", 13, 25)


def test_a_match_runs_from_its_start() -> None:
    match = after(make_match(), happened.MatchStarted("m-1"))

    assert (match.match_id, match.is_running) == ("m-1", True)


def test_the_same_match_id_again_forgets_no_round() -> None:
    match = after(make_match(), happened.MatchStarted("m-1"), shopping(7), happened.MatchStarted("m-1"))

    assert match.last_begun_round == 7


def test_the_first_match_id_forgets_no_round() -> None:
    assert after(make_match(), shopping(7), happened.MatchStarted("m-1")).last_begun_round == 7


def test_the_key_for_living_players_switches_back_and_forth() -> None:
    match = after(make_match(), happened.AliveKdaPressed())
    assert match.shows_alive_kda

    assert not after(match, happened.AliveKdaPressed()).shows_alive_kda


def test_an_unknown_event_changes_nothing() -> None:
    match = make_match_with("l1")

    assert after(match, happened.UnknownReported()) is match


def test_without_observers_a_match_does_not_run_until_one_is_back() -> None:
    match = after(make_match(), happened.MatchStarted("m-1"), happened.ObserversGone())
    assert not match.is_running

    joined = after(match, happened.ObserverJoined("Second"))
    assert (joined.is_running, joined.observer_name) == (True, "Second")


def test_an_observer_that_joins_before_the_start_leaves_the_match_not_running() -> None:
    assert not after(make_match(), happened.ObserverJoined()).is_running


def test_an_abandoned_match_has_ended_without_the_phase_of_an_end() -> None:
    match = after(make_match(), happened.MatchStarted("m-1"), combat(), happened.MatchAbandoned())

    assert (match.has_ended, match.is_running, match.phase) == (True, False, "combat")


@pytest.mark.parametrize("end", [ENDED, happened.MatchAbandoned()])
def test_a_match_that_has_ended_stays_as_it_is(end: Event) -> None:
    match = play(make_match_with("l1"), (0, toast(1_000)), (0, LEFT_PRESSED), (0, end))

    assert apply(match, score(5, 5), 99_000) is match
    assert apply(match, happened.ObserverJoined(), 99_000) is match
    assert expire(match, 99_000) is match


def test_an_event_finds_carried_out_what_has_run_out_by_then() -> None:
    match = play(make_match(), (0, LEFT_PRESSED), (0, toast(500)), (61_000, happened.UnknownReported()))

    assert match.pause is None
    assert match.timeouts_left.left == 1
    assert not match.toast.is_shown


def test_there_is_nothing_to_carry_out_without_a_pause_and_a_toast() -> None:
    match = after(make_match_with("l1"), shopping(1), combat())

    assert expire(match, 10**9) is match


def test_a_match_is_not_changed_by_what_comes_after_it() -> None:
    match = make_match_with("l1")

    after(match, join("l2"), shopping(1), score(1, 0))

    assert match == make_match_with("l1")


@pytest.mark.parametrize("report", [join, board, auxiliary_board])
def test_what_names_a_team_that_there_is_not_does_not_count(report: Callable[..., Event]) -> None:
    assert counts(make_match(), report("l1"))
    assert not counts(make_match(), replace(report("l1"), team_number=7))


def test_everything_else_counts() -> None:
    assert counts(make_match(), happened.UnknownReported())
