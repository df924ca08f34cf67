import pytest

from valo_ingest.rehearsal.load.measurements import (
    Latency,
    LoadSide,
    Measurements,
    Row,
    busiest,
    latency_of,
)


def test_a_percentile_is_a_time_that_was_measured() -> None:
    found = latency_of([float(time) for time in range(1, 101)])

    assert found == Latency(count=100, p50_ms=50, p95_ms=95, p99_ms=99, max_ms=100)


@pytest.mark.parametrize(
    ("times", "p50_ms", "p99_ms"), [([7.0], 7, 7), ([1.0, 9.0], 1, 9), ([3.0, 2.0, 1.0], 2, 3)]
)
def test_of_few_times_the_99th_percentile_is_the_longest(
    times: list[float], p50_ms: float, p99_ms: float
) -> None:
    found = latency_of(times)

    assert (found.p50_ms, found.p99_ms) == (p50_ms, p99_ms)


def test_nothing_measured_is_no_time() -> None:
    assert latency_of([]) == Latency()


def test_two_of_a_hundred_that_stall_are_in_the_99th_percentile_and_one_is_not() -> None:
    assert latency_of([*[5.0] * 98, 200.0, 200.0]).p99_ms == 200
    assert latency_of([*[5.0] * 99, 200.0]).p99_ms == 5


def test_a_failure_is_an_error_and_no_time() -> None:
    measurements = Measurements()
    measurements.add(Row.LOGON, "observer", 5)
    measurements.add(Row.LOGON, "observer", 900, "Invalid Key")
    measurements.add(Row.LOGON, "observer", 900, "Invalid Key")

    assert measurements.errors == 2
    assert measurements.failures() == [("logon, observer: Invalid Key", 2)]
    assert measurements.rows()[Row.LOGON] == {"observer": latency_of([5])}


def test_every_kind_of_row_is_there_though_nothing_was_measured() -> None:
    assert Measurements().rows() == {row.value: {} for row in Row}


def test_only_events_that_overlays_saw_are_in_the_latency() -> None:
    measurements = Measurements()
    measurements.add(Row.LOGON, "overlay", 500)
    measurements.add(Row.ANSWERED, "score", 400)
    measurements.add(Row.SEEN, "score", 30)
    measurements.add(Row.SEEN, "scoreboard", 40)

    assert measurements.seen() == latency_of([30, 40])


def test_a_mark_leaves_out_what_came_before() -> None:
    measurements = Measurements()
    measurements.add(Row.SEEN, "score", 30)
    mark = measurements.mark()
    measurements.add(Row.SEEN, "score", 50)

    assert measurements.seen(mark) == latency_of([50])


def test_the_busiest_seconds_are_five_in_a_row() -> None:
    assert busiest([0.1, 0.1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1]) == pytest.approx(0.5)
    assert busiest([1.0, 0.0]) == pytest.approx(0.5)
    assert busiest([]) == 0


@pytest.mark.parametrize(
    ("load", "says"),
    [
        (LoadSide(busiest_cpu=0.5, late=latency_of([5])), None),
        (LoadSide(busiest_cpu=0.95, late=latency_of([5])), "itself was at its limit: it took 95% of a core"),
        (LoadSide(busiest_cpu=0.04, late=latency_of([30])), "the load generator was late by 30 ms (p99)"),
        (
            LoadSide(cores=2, others_cpu=1.5, late=latency_of([30])),
            "other programs took 1.5 of the 2 cores of this machine",
        ),
        (LoadSide(cores=2, others_cpu=1.5, late=latency_of([5])), None),
    ],
)
def test_a_load_generator_at_its_limit_says_that_the_server_is_not_to_blame(
    load: LoadSide, says: str | None
) -> None:
    warning = load.warning(100)

    if says is None:
        assert warning is None
    else:
        assert warning is not None and says in warning and "do not blame the server" in warning
