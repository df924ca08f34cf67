"""How often clients send what: the simulated matches beside two real recordings."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from statistics import mean, median

import pytest

from tests.rehearsal.simulated import SEEDS, played
from tests.rehearsal.tapes import STREAMS

SEND_OFTEN = 0.01
"""Events per second of types of which one match tells enough; rarer ones are judged over all matches."""


@dataclass(frozen=True)
class Rate:
    """Of one type of event and one client, from the first round on."""

    per_s: float
    median: float
    """In the seconds that have any."""
    peak: int
    """In one second."""


RECORDED = {
    "real-inhouse-2024-08": {
        "scoreboard": Rate(1.1289, 3, 29),
        "killfeed": Rate(0.0617, 1, 2),
        "round_info": Rate(0.0322, 1, 2),
        "score": Rate(0.0086, 1, 1),
        "spike_planted": Rate(0.0050, 1, 1),
        "spike_defused": Rate(0.0023, 1, 1),
    },
    "real-inhouse-2024-03": {
        "scoreboard": Rate(1.7454, 3, 39),
        "killfeed": Rate(0.0910, 1, 2),
        "round_info": Rate(0.0510, 1, 2),
        "score": Rate(0.0127, 1, 1),
        "spike_planted": Rate(0.0073, 1, 1),
        "spike_defused": Rate(0.0018, 1, 1),
    },
    "real-inhouse-2024-03-aux": {
        "aux_scoreboard": Rate(0.1401, 2, 4),
        "aux_scoreboard_team": Rate(0.3613, 1, 4),
    },
}
"""As measured. Types that a recording has once or not at all, such as its start, have no rate."""


def rates(events: Iterable[tuple[int, str, str]], length_ms: int) -> dict[str, Rate]:
    """Return the rates of events (ms, client, type) by type: the mean of its clients, all their seconds together."""
    seconds: dict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
    clients = defaultdict(set)
    for at_ms, client, kind in events:
        seconds[kind][client, at_ms // 1_000] += 1
        clients[kind].add(client)
    return {
        kind: Rate(
            sum(counts.values()) / len(clients[kind]) / (length_ms / 1_000),
            median(counts.values()),
            max(counts.values()),
        )
        for kind, counts in seconds.items()
    }


@cache
def simulated_rates(seed: int) -> dict[str, Rate]:
    match = played(seed)
    begins_ms = next(
        step.at_ms for step in match.observed("round_info") if step.data["roundPhase"] == "shopping"
    )
    events = [(step.at_ms, str(step.sender), step.type) for step in match.steps if step.at_ms >= begins_ms]
    return rates(events, match.steps[-1].at_ms - begins_ms)


@pytest.mark.skipif(not STREAMS.is_dir(), reason="the shared streams are not beside this checkout")
@pytest.mark.parametrize("name", RECORDED)
def test_what_is_recorded_here_is_what_the_recordings_show(name: str) -> None:
    lines = [json.loads(line) for line in (STREAMS / f"{name}.jsonl").read_text("utf-8").splitlines()]
    begins_ms = next(
        line["at_ms"]
        for line in lines
        if line["payload"].get("data") == {"roundNumber": 1, "roundPhase": "shopping"}
    )
    events = [
        (line["at_ms"], line["client"], line["payload"]["type"])
        for line in lines
        if line["channel"] in ("obs_data", "aux_data") and line["at_ms"] >= begins_ms
    ]

    measured = rates(events, lines[-1]["at_ms"] - begins_ms)

    for kind, rate in RECORDED[name].items():
        assert measured[kind] == Rate(pytest.approx(rate.per_s, abs=0.0001), rate.median, rate.peak)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RECORDED)
def test_simulated_matches_send_as_often_as_real_ones_within_a_factor_of_two(name: str) -> None:
    simulated = [simulated_rates(seed) for seed in SEEDS]

    for kind, real in RECORDED[name].items():
        found = [each[kind] for each in simulated if kind in each]
        assert within_a_factor_of_two(sum(rate.per_s for rate in found) / len(simulated), real.per_s), kind
        assert within_a_factor_of_two(median(rate.median for rate in found), real.median), kind
        assert within_a_factor_of_two(mean(rate.peak for rate in found), real.peak), kind
        for rate in found:
            assert within_a_factor_of_two(rate.median, real.median), kind
            assert within_a_factor_of_two(rate.peak, real.peak), kind


def test_each_simulated_match_sends_what_comes_often_as_often_as_a_real_one() -> None:
    real = RECORDED["real-inhouse-2024-08"]  # as long and of the same mode as those that are simulated
    for seed in SEEDS:
        simulated = simulated_rates(seed)
        for kind, rate in real.items():
            if rate.per_s >= SEND_OFTEN:
                assert within_a_factor_of_two(simulated[kind].per_s, rate.per_s), (seed, kind)


def within_a_factor_of_two(value: float, real: float) -> bool:
    return real / 2 <= value <= real * 2
