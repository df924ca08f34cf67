import math

from valo_ingest.live.measures import DURATIONS_S, Histogram


def test_durations_are_counted_up_to_each_bound() -> None:
    histogram = Histogram((0.1, 1))
    for seconds in (0.05, 0.1, 0.5, 3):
        histogram.observe(seconds)

    assert list(histogram.cumulative()) == [(0.1, 2), (1, 3), (math.inf, 4)]
    assert histogram.total == 3.65


def test_nothing_was_counted_before_anything_was_observed() -> None:
    histogram = Histogram()

    assert list(histogram.cumulative()) == [(bound, 0) for bound in (*DURATIONS_S, math.inf)]
    assert histogram.total == 0


def test_the_bounds_ascend() -> None:
    assert sorted(set(DURATIONS_S)) == list(DURATIONS_S)
