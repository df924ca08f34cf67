import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rehearsal.tapes import (
    Line,
    auxiliary_logon,
    gone,
    logon,
    opening,
    phase,
    recording,
    reported,
    told,
)
from valo_ingest.rehearsal.inspection import ALL, Inspection, Rate, Refusal, inspect, rates, rounds_of
from valo_ingest.wire.compat import VersionRange


def inspected(*lines: Line) -> Inspection:
    return inspect(recording(*lines), VersionRange(">=0.3.3 <0.3.25"))


def test_matches_are_as_they_were_in_the_end() -> None:
    found = inspected(
        *opening(), told(5_000, "score", {"team_0": 3, "team_1": 1}), phase(6_000, 5, "shopping")
    )

    (match,) = found.matches
    assert [team.rounds_won for team in match.teams] == [3, 1]
    assert rounds_of(match) == 5
    assert [[player.name for player in team.players] for team in match.teams] == [["Player P"], ["Player Q"]]


def test_what_runs_out_until_the_end_of_the_recording_has_run_out() -> None:
    found = inspected(
        *opening(), told(2_000, "left_timeout"), {**told(70_000, "map", "Port"), "client": "other"}
    )

    assert found.matches[0].timeouts_left.left == 1


def test_all_matches_are_told_also_under_the_same_code() -> None:
    found = inspected(*opening(), phase(2_000, 2, "game_end"), logon(3_000), phase(4_000, 7, "combat"))

    assert [match.round_number for match in found.matches] == [2, 7]


def test_clients_are_counted_once() -> None:
    found = inspected(*opening(), auxiliary_logon(1, "P"), gone(2, "aux:P"), auxiliary_logon(3, "P"))

    assert (found.observers, found.auxiliaries) == (1, 1)


def test_refusals_are_told_with_the_first_of_them() -> None:
    bad = told(2_000, "score", {"team_0": 1})

    found = inspected(*opening(), bad, bad, logon(3_000, client="obs2"), told(4_000, "of_tomorrow", 1))

    assert found.refused == {
        "invalid_field": Refusal(
            count=2,
            line=7,
            kind="score",
            detail="The score event was dropped: the score of team 1 is missing.",
        ),
        "group_code_taken": Refusal(count=1, line=9, kind="obs_logon", detail="the match is still live"),
    }
    assert found.accepted == len(opening()) + 1
    assert found.in_vain == {"unknown_type": 1}
    assert found.not_sent == 0


def test_what_follows_the_end_is_not_sent() -> None:
    found = inspected(*opening(), phase(2_000, 1, "game_end"), told(3_000, "map", "Port"))

    assert (found.not_sent, found.refused) == (1, {})


def test_disconnections_are_no_events() -> None:
    found = inspected(
        *opening(), auxiliary_logon(1, "P"), reported(2, "P", "aux_health", 5), gone(3, "aux:P")
    )

    assert found.accepted == len(opening()) + 2
    assert found.rates[ALL].count == len(opening())  # without the logons, and with the health


@pytest.mark.parametrize(
    ("instants", "rate"),
    [
        ([0], Rate(count=1, median_per_s=1, peak_per_s=1)),
        ([0, 999, 1_000], Rate(count=3, median_per_s=1.5, peak_per_s=2)),
        ([0, 1, 2, 60_000, 90_000], Rate(count=5, median_per_s=1, peak_per_s=3)),
    ],
)
def test_the_median_is_of_the_seconds_in_which_anything_came(instants: list[int], rate: Rate) -> None:
    assert rates(("map", at) for at in instants) == {"map": rate, ALL: rate}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 10_000)), min_size=1))
def test_rates_add_up(events: list[tuple[str, int]]) -> None:
    found = rates(events)

    *kinds, last = found
    assert last == ALL
    assert found[ALL].count == len(events) == sum(found[kind].count for kind in kinds)
    assert [found[kind].count for kind in kinds] == sorted(
        (found[kind].count for kind in kinds), reverse=True
    )
    for rate in found.values():
        assert 1 <= rate.median_per_s <= rate.peak_per_s <= rate.count
