import pytest

from tests.game.builders import (
    ENDED,
    SEATS_SWAPPED,
    SIDES_SWAPPED,
    after,
    board,
    make_match,
    make_match_with,
    score,
)
from valo_ingest.game import events as happened
from valo_ingest.game import milestones
from valo_ingest.game.events import Event
from valo_ingest.game.milestones import Milestone
from valo_ingest.game.seats import Seat
from valo_ingest.game.state import Match

STARTED = happened.MatchStarted("m-1")


def reached(match: Match, *events: Event) -> tuple[Milestone, ...]:
    return milestones.between(match, after(match, *events))


def test_nothing_is_reached_while_nothing_changes() -> None:
    match = make_match()

    assert milestones.between(match, match) == ()


def test_a_change_of_something_else_reaches_nothing() -> None:
    assert reached(make_match_with("l1"), board("l1", kills=5)) == ()


def test_a_match_starts_with_its_match_id() -> None:
    match = make_match()

    assert reached(match, STARTED) == (Milestone.STARTED,)
    assert reached(after(match, STARTED), STARTED) == ()
    assert reached(after(match, STARTED), happened.MatchStarted("m-2")) == (Milestone.STARTED,)


@pytest.mark.parametrize("scores", [score(1, 0), score(0, 1), score(2, 2)])
def test_a_round_is_won_when_a_score_rises(scores: happened.ScoreReported) -> None:
    assert reached(make_match(), scores) == (Milestone.ROUND_WON,)


@pytest.mark.parametrize("event", [score(3, 1), score(2, 1), SEATS_SWAPPED, SIDES_SWAPPED])
def test_a_score_that_does_not_rise_or_changes_its_place_wins_no_round(event: Event) -> None:
    assert reached(after(make_match(), score(3, 1)), event) == ()


@pytest.mark.parametrize("end", [ENDED, happened.MatchAbandoned()])
def test_a_match_ends_once(end: Event) -> None:
    match = after(make_match(), STARTED)

    assert reached(match, end) == (Milestone.ENDED,)
    assert reached(after(match, end), end) == ()


def test_a_running_match_loses_its_observers() -> None:
    match = after(make_match(), STARTED)

    assert reached(match, happened.ObserversGone()) == (Milestone.OBSERVER_GONE,)
    assert reached(make_match(), happened.ObserversGone()) == ()


def test_several_milestones_can_be_reached_at_once() -> None:
    assert reached(make_match(), STARTED, score(13, 5), ENDED) == (Milestone.ROUND_WON, Milestone.ENDED)


@pytest.mark.parametrize(
    ("scores", "seat"), [(score(13, 5), Seat.LEFT), (score(5, 13), Seat.RIGHT), (score(12, 12), Seat.RIGHT)]
)
def test_the_seat_with_more_rounds_leads_and_the_right_one_on_a_tie(
    scores: happened.ScoreReported, seat: Seat
) -> None:
    assert milestones.leading_seat(after(make_match(), scores)) is seat


def test_who_leads_is_said_by_the_seat_of_today() -> None:
    assert milestones.leading_seat(after(make_match(), score(13, 5), SEATS_SWAPPED)) is Seat.RIGHT
