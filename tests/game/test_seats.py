import pytest

from valo_ingest.game.seats import BySeat, Seat


def test_each_seat_is_the_other_of_the_other() -> None:
    assert Seat.LEFT.other is Seat.RIGHT
    assert Seat.RIGHT.other is Seat.LEFT


def test_a_pair_is_read_by_seat_and_from_left_to_right() -> None:
    pair = BySeat("a", "b")

    assert (pair[Seat.LEFT], pair[Seat.RIGHT]) == ("a", "b")
    assert list(pair) == ["a", "b"]


@pytest.mark.parametrize("seat", Seat)
def test_one_value_of_a_pair_is_replaced(seat: Seat) -> None:
    pair = BySeat("a", "b")

    changed = pair.with_value(seat, "c")

    assert changed[seat] == "c"
    assert changed[seat.other] == pair[seat.other]


@pytest.mark.parametrize("seat", Seat)
def test_a_pair_with_the_value_that_was_there_is_the_same_pair(seat: Seat) -> None:
    pair = BySeat("a", "b")

    assert pair.with_value(seat, pair[seat]) is pair
    assert pair.updated(seat, lambda value: value) is pair


def test_one_value_is_changed_by_a_function() -> None:
    assert BySeat(1, 5).updated(Seat.RIGHT, lambda count: count - 1) == BySeat(1, 4)


def test_both_values_are_changed_by_a_function() -> None:
    assert BySeat(1, 5).map(str) == BySeat("1", "5")


def test_swapping_twice_gives_the_pair_back() -> None:
    pair = BySeat("a", "b")

    assert pair.swapped() == BySeat("b", "a")
    assert pair.swapped().swapped() == pair
