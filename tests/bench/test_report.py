import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.bench.measure import Window
from tests.bench.plan import PLAN
from tests.bench.report import MEASURES, Limit, Result
from tests.bench.scenario import Outcome

QUIET = Window(wall_s=10, server_s=5, load_s=1, foreign_s=0.1)


def outcomes(*event_us: float, window: Window = QUIET) -> list[Outcome]:
    return [Outcome({"event_us": value}, window) for value in event_us]


def result(
    *limits: Limit, ours: Sequence[float] = (12, 10, 30), theirs: Sequence[float] = (8, 8, 9)
) -> Result:
    return Result("saturation", limits, outcomes(*ours), outcomes(*theirs))


def test_medians_are_compared() -> None:
    assert result().median_of("event_us") == 12
    assert result().median_of("event_us", of_yardstick=True) == 8
    assert result().ratio("event_us") == 1.5


@pytest.mark.parametrize(
    ("limit", "is_kept"),
    [
        (Limit("event_us", 12), True),
        (Limit("event_us", 11.9), False),
        (Limit("event_us", 1.5, is_ratio=True), True),
        (Limit("event_us", 1.49, is_ratio=True), False),
        (Limit("p50_ms", 5), None),
    ],
)
def test_a_limit_is_kept_or_missed_or_cannot_be_told(limit: Limit, is_kept: bool | None) -> None:
    assert result().is_kept(limit) is is_kept


def test_a_ratio_cannot_be_told_without_the_yardstick() -> None:
    assert result(theirs=()).is_kept(Limit("event_us", 1.5, is_ratio=True)) is None


def test_only_what_was_promised_can_be_missed() -> None:
    promised, wished = Limit("event_us", 1.0, is_ratio=True), Limit("event_us", 1.0, is_stretch=True)

    assert result(promised, wished).missed == [promised]
    assert result(Limit("event_us", 12)).missed == []


def test_a_row_shows_medians_ratio_and_verdict() -> None:
    (row,) = result(Limit("event_us", 1.5, is_ratio=True), Limit("event_us", 10, is_stretch=True)).rows()

    assert " ".join(row.split()) == (
        "saturation CPU per event, µs 12.0 (10.0-30.0) 8.0 (8.0-9.0) 1.50 ≤ 1.5x ok; stretch ≤ 10 MISSED"
    )


def test_noise_is_told() -> None:
    noisy = replace(QUIET, foreign_s=3.0)
    busy_load = replace(QUIET, load_s=9.0)
    heard = Result("a", (), [*outcomes(1), *outcomes(1, window=noisy)], outcomes(1, window=busy_load))

    assert heard.noise == [
        "noisy: others used up to 0.30 cores, in 1 of 3 runs",
        "the load was busy for 90% of the time: it may be what was measured",
    ]
    assert result().noise == []


def test_everything_goes_into_json() -> None:
    content = json.loads(json.dumps(result(Limit("event_us", 1.5, is_ratio=True)).as_json()))

    assert content["ratios"] == {"event_us": 1.5}
    assert [outcome["measures"]["event_us"] for outcome in content["valo-ingest"]] == [12, 10, 30]
    assert content["limits"][0]["is_kept"] is True


@pytest.mark.parametrize("name", PLAN)
def test_limits_are_of_what_is_measured(name: str) -> None:
    assert {limit.measure for limit in PLAN[name].limits} <= set(MEASURES)
