import pytest

from tests.game.builders import (
    LEFT_PRESSED,
    RIGHT_PRESSED,
    SEATS_SWAPPED,
    TECH_PRESSED,
    after,
    make_match,
    play,
    toast,
)
from valo_ingest.game.reducer import expire
from valo_ingest.game.seats import BySeat, Seat
from valo_ingest.game.state import TeamTimeout, TechPause

MINUTE_MS = 60_000


# --- technical pauses -----------------------------------------------------------------------------------------


def test_a_technical_pause_starts_and_ends_by_the_same_key() -> None:
    match = after(make_match(), TECH_PRESSED)
    assert match.pause == TechPause()

    assert after(match, TECH_PRESSED).pause is None


def test_a_technical_pause_ends_a_timeout_free_of_charge() -> None:
    match = play(make_match(), (0, LEFT_PRESSED), (30_000, TECH_PRESSED))

    assert match.pause == TechPause()
    assert match.timeouts_left == BySeat(2, 2)
    assert match.timeout_remaining_s == 30


def test_a_timeout_ends_a_technical_pause() -> None:
    assert play(make_match(), (0, TECH_PRESSED), (5, LEFT_PRESSED)).pause == TeamTimeout(
        Seat.LEFT, started_at=5
    )


def test_a_technical_pause_never_ends_by_itself() -> None:
    match = after(make_match(), TECH_PRESSED)

    assert expire(match, 24 * 60 * MINUTE_MS) is match


# --- team timeouts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("event", "seat"), [(LEFT_PRESSED, Seat.LEFT), (RIGHT_PRESSED, Seat.RIGHT)])
def test_a_timeout_starts_with_its_whole_duration(event: object, seat: Seat) -> None:
    match = play(make_match(timeout_s=45), (1_000, event))  # type: ignore[arg-type]

    assert match.pause == TeamTimeout(seat, started_at=1_000)
    assert match.timeout_remaining_s == 45
    assert match.timeouts_left == BySeat(2, 2)


@pytest.mark.parametrize(
    ("at", "remaining_s"),
    [(0, 60), (999, 60), (1_000, 59), (1_999, 59), (59_000, 1), (59_999, 1), (60_000, 0)],
)
def test_a_timeout_counts_down_in_whole_seconds_from_its_start(at: int, remaining_s: int) -> None:
    match = play(make_match(), (5_000, LEFT_PRESSED))

    assert expire(match, 5_000 + at).timeout_remaining_s == remaining_s


def test_a_timeout_runs_through_its_last_second() -> None:
    match = expire(play(make_match(), (0, LEFT_PRESSED)), 59_999)

    assert match.pause == TeamTimeout(Seat.LEFT, started_at=0)
    assert match.timeouts_left == BySeat(2, 2)


def test_nothing_changes_within_a_second() -> None:
    match = expire(play(make_match(), (0, LEFT_PRESSED)), 1_000)

    assert expire(match, 1_999) is match


def test_a_timeout_that_has_run_out_is_over_and_spent() -> None:
    match = expire(play(make_match(), (0, LEFT_PRESSED)), MINUTE_MS)

    assert match.pause is None
    assert match.timeouts_left == BySeat(1, 2)
    assert match.timeout_remaining_s == 0


@pytest.mark.parametrize(("timeout_s", "ends_at"), [(0, 0), (-5, 0), (2.5, 3_000), (0.5, 1_000)])
def test_a_timeout_of_any_length_ends_with_nothing_remaining(timeout_s: float, ends_at: int) -> None:
    match = play(make_match(timeout_s=timeout_s), (0, LEFT_PRESSED))
    assert match.pause is not None

    match = expire(match, ends_at)
    assert (match.pause, match.timeout_remaining_s, match.timeouts_left.left) == (None, 0, 1)


def test_a_timeout_cancelled_within_the_grace_period_is_free() -> None:
    match = play(make_match(), (0, LEFT_PRESSED), (9_999, LEFT_PRESSED))

    assert match.pause is None
    assert match.timeouts_left[Seat.LEFT] == 2


def test_a_timeout_cancelled_after_the_grace_period_is_spent() -> None:
    match = play(make_match(), (0, LEFT_PRESSED), (10_000, LEFT_PRESSED))

    assert match.pause is None
    assert match.timeouts_left[Seat.LEFT] == 1


def test_without_a_grace_period_every_timeout_is_spent() -> None:
    match = play(make_match(timeout_grace_s=0), (0, RIGHT_PRESSED), (0, RIGHT_PRESSED))

    assert match.timeouts_left == BySeat(2, 1)


def test_a_cancelled_timeout_keeps_its_remaining_time() -> None:
    match = play(make_match(), (0, LEFT_PRESSED), (3_500, LEFT_PRESSED))

    assert expire(match, 50_000).timeout_remaining_s == 57


def test_the_grace_period_is_over_from_its_last_second_until_the_next_start() -> None:
    match = play(make_match(), (0, LEFT_PRESSED))
    assert not expire(match, 9_999).is_timeout_grace_over
    assert expire(match, 10_000).is_timeout_grace_over

    match = play(match, (11_000, LEFT_PRESSED))
    assert match.is_timeout_grace_over
    assert not play(match, (12_000, RIGHT_PRESSED)).is_timeout_grace_over


def test_the_other_teams_timeout_ends_the_running_one_at_its_price() -> None:
    early = play(make_match(), (0, LEFT_PRESSED), (5_000, RIGHT_PRESSED))
    late = play(make_match(), (0, LEFT_PRESSED), (10_000, RIGHT_PRESSED))

    assert early.pause == TeamTimeout(Seat.RIGHT, started_at=5_000)
    assert early.timeouts_left == BySeat(2, 2)
    assert late.timeouts_left == BySeat(1, 2)
    assert late.timeout_remaining_s == 60


@pytest.mark.parametrize("most", [0, -1, None])
def test_a_team_without_timeouts_cannot_start_one(most: int | None) -> None:
    match = make_match(max_timeouts=most)

    assert after(match, LEFT_PRESSED) is match


def test_a_start_that_is_refused_leaves_the_running_timeout() -> None:
    match = play(make_match(max_timeouts=1), (0, RIGHT_PRESSED), (60_000, LEFT_PRESSED))
    assert match.timeouts_left == BySeat(1, 0)

    assert play(match, (61_000, RIGHT_PRESSED)).pause == TeamTimeout(Seat.LEFT, started_at=60_000)


def test_a_running_timeout_goes_with_its_seat() -> None:
    match = play(make_match(), (0, LEFT_PRESSED), (5_000, SEATS_SWAPPED))
    assert match.pause == TeamTimeout(Seat.RIGHT, started_at=0)

    assert expire(match, MINUTE_MS).timeouts_left == BySeat(2, 1)


# --- toasts ---------------------------------------------------------------------------------------------------


def test_a_toast_is_shown_with_its_content() -> None:
    match = play(make_match(), (1_000, toast(5_000, "Hello")))

    assert match.toast.is_shown
    assert match.toast.content["title"] == "Hello"
    assert match.toast.closes_at == 6_000


@pytest.mark.parametrize(("at", "is_shown"), [(5_999, True), (6_000, False)])
def test_a_toast_closes_when_its_duration_is_over(at: int, is_shown: bool) -> None:
    assert expire(play(make_match(), (1_000, toast(5_000))), at).toast.is_shown is is_shown


def test_a_toast_without_duration_stays_until_it_is_closed() -> None:
    match = after(make_match(), toast(None))
    assert expire(match, 24 * 60 * MINUTE_MS) is match

    assert not after(match, toast(None)).toast.is_shown


def test_a_toast_key_closes_a_shown_toast_and_its_data_is_not_taken_over() -> None:
    match = play(make_match(), (0, toast(5_000, "First")), (1_000, toast(9_000, "Second")))

    assert not match.toast.is_shown
    assert match.toast.closes_at is None
    assert match.toast.content["title"] == "First"


def test_a_closed_toast_takes_its_timer_with_it() -> None:
    match = play(make_match(), (0, toast(5_000)), (1_000, toast()), (2_000, toast(None, "Stays")))

    assert expire(match, 5_000).toast.is_shown


def test_a_toast_that_ran_out_is_no_longer_shown_when_the_key_is_pressed() -> None:
    match = play(make_match(), (0, toast(5_000, "First")), (5_000, toast(5_000, "Second")))

    assert match.toast.is_shown
    assert match.toast.content["title"] == "Second"


def test_a_duration_may_have_a_fraction() -> None:
    assert play(make_match(), (0, toast(0.5))).toast.closes_at == 0


def test_timeout_and_toast_run_out_by_themselves() -> None:
    match = play(make_match(), (0, LEFT_PRESSED), (0, toast(70_000)))

    assert expire(match, MINUTE_MS).toast.is_shown
    assert not expire(match, 70_000).toast.is_shown
    assert expire(match, 70_000).pause is None
