import pytest

from tests.bench.measure import percentile
from tests.bench.pacing import Schedule, latencies


def test_the_first_event_is_due_at_once_and_the_others_at_even_distances() -> None:
    schedule = Schedule(rate=100, total=5)

    assert [schedule.due(elapsed) for elapsed in (0, 0.009, 0.011, 0.035, 1)] == [1, 1, 2, 4, 5]
    assert schedule.due_at(3) == pytest.approx(0.03)


@pytest.mark.parametrize("rate", [3, 57, 1_000, 5_000])
def test_an_event_is_due_when_it_is_said_to_be(rate: float) -> None:
    schedule = Schedule(rate, total=1_000)

    for number in range(1_000):
        assert schedule.due(schedule.due_at(number) + 1e-9) == number + 1


def test_the_time_until_a_mark_is_seen_is_measured() -> None:
    sent = [(7, 1.0), (8, 2.0)]
    seen = [(0.5, 6), (1.25, 7), (1.5, 7), (2.125, 8)]

    assert latencies(sent, seen) == [0.25, 0.125]


def test_a_mark_that_was_overwritten_is_seen_with_the_next_one() -> None:
    assert latencies([(7, 1.0), (8, 2.0)], [(2.5, 8)]) == [1.5, 0.5]


def test_a_mark_that_is_never_seen_is_an_error() -> None:
    with pytest.raises(ValueError, match="mark 9 was never seen"):
        latencies([(8, 1.0), (9, 1.0)], [(2.0, 8)])


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(100, 0, -1)]

    assert percentile(values, 0.50) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100
    assert percentile([5.0], 0.01) == 5
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
