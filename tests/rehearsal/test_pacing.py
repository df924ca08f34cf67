from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rehearsal import tapes
from tests.rehearsal.tapes import CODE, Line, gone, logon, opening, phase, recording, score, told
from valo_ingest.game.seats import Seat
from valo_ingest.game.state import Match, TeamTimeout
from valo_ingest.rehearsal.offline import OfflineServer
from valo_ingest.rehearsal.pacing import ANY_VERSION, LATE_MS, Pace, Plan, first_step_of_round, plan
from valo_ingest.rehearsal.recordings import Recording, load
from valo_ingest.rehearsal.steps import Step
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.overlay import document

INSTANT = Pace(speed=None)
TOAST = {
    "title": "Break",
    "message": "",
    "duration": 10_000,
    "eventLogoEnabled": True,
    "selectedTeam": "none",
}


def planned(*lines: Line, pace: Pace = INSTANT) -> Plan:
    return plan(recording(*lines), pace)


def result(made: Plan, versions: VersionRange = ANY_VERSION) -> OfflineServer:
    """Return what a server makes of what is sent, at the times at which it is."""
    server = OfflineServer(versions)
    for due in made.dues:
        server.take(due.step, due.at_ms)
    server.pass_time(made.end_ms)
    return server


def outcome(made: Plan) -> Match:
    return result(made).matches[CODE]


def sent(made: Plan) -> list[str]:
    return [due.step.kind for due in made.dues]


def test_at_speed_one_everything_is_sent_when_it_was() -> None:
    lines = [
        *opening(),
        told(2_000, "left_timeout"),
        told(70_000, "toast", TOAST),
        phase(90_000, 1, "combat"),
    ]

    made = planned(*lines, pace=Pace())

    assert [due.at_ms for due in made.dues] == [line["at_ms"] for line in lines]
    assert [due.step for due in made.dues] == list(recording(*lines).steps)
    assert (made.added, made.omitted, made.differences, made.end_ms) == (0, 0, (), 90_000)


@pytest.mark.parametrize(("speed", "at_ms"), [(20.0, 250), (0.5, 10_000), (3.0, 1_667), (None, 0)])
def test_times_are_divided_by_the_speed(speed: float | None, at_ms: int) -> None:
    made = planned(*opening(), told(5_000, "map", "Port"), pace=Pace(speed=speed))

    assert made.dues[-1].at_ms == made.end_ms == at_ms


def test_what_is_before_a_round_is_sent_at_once() -> None:
    lines = [
        *opening(),
        phase(30_000, 2, "shopping"),
        phase(60_000, 3, "shopping"),
        phase(64_000, 3, "combat"),
    ]
    first = first_step_of_round(recording(*lines), 3)
    assert first == len(lines) - 2

    made = planned(*lines, pace=Pace(speed=2, from_step=first))

    assert [due.at_ms for due in made.dues] == [0] * (len(lines) - 1) + [2_000]


def test_a_round_that_is_missing_begins_with_the_next_one() -> None:
    played = recording(*opening(), phase(60_000, 5, "combat"))

    assert first_step_of_round(played, 3) == first_step_of_round(played, 5) == len(opening())
    assert first_step_of_round(played, 6) is None


# --- timeouts -------------------------------------------------------------------------------------------------


def test_a_timeout_that_had_run_out_does_not_run_on() -> None:
    made = planned(*opening(), told(2_000, "left_timeout"), phase(80_000, 1, "combat"))

    assert sent(made)[-3:] == ["left_timeout", "left_timeout", "round_info"]
    assert outcome(made).pause is None
    assert made.added == 1
    assert made.differences == ("Left Team has 2 timeouts left instead of 1",)


def test_the_next_timeout_starts_and_does_not_cancel_the_one_before() -> None:
    made = planned(*opening(), told(2_000, "left_timeout"), told(80_000, "left_timeout"))

    pause = outcome(made).pause
    assert isinstance(pause, TeamTimeout)
    assert pause.seat is Seat.LEFT


def test_a_timeout_that_runs_in_the_end_of_the_recording_runs_on() -> None:
    made = planned(*opening(), told(2_000, "right_timeout"), phase(3_000, 1, "combat"))

    assert made.added == 0
    assert isinstance(outcome(made).pause, TeamTimeout)


def test_a_timeout_is_ended_by_the_key_of_the_seat_where_it_is_now() -> None:
    lines = [told(2_000, "left_timeout"), told(3_000, "swap_left_right"), phase(80_000, 1, "combat")]

    assert sent(planned(*opening(), *lines))[-2] == "right_timeout"


def test_a_timeout_that_is_about_to_run_out_is_waited_for() -> None:
    lines = [*opening(), told(1_000, "left_timeout"), phase(70_000, 1, "combat"), phase(71_000, 1, "end")]

    made = planned(*lines, pace=Pace(speed=1.16))

    assert (made.added, made.differences) == (0, ())
    pressed, after, later = (due.at_ms for due in made.dues[-3:])
    assert after == pressed + 60_000 + LATE_MS
    assert later - after == pytest.approx(1_000 / 1.16, abs=1)
    assert outcome(made).timeouts_left[Seat.LEFT] == 1


def test_a_cancel_of_what_has_run_out_in_slow_motion_is_left_out() -> None:
    cancelled = [told(2_000, "left_timeout"), told(42_000, "left_timeout")]

    made = planned(*opening(), *cancelled, phase(50_000, 1, "combat"), pace=Pace(speed=0.5))

    assert sent(made).count("left_timeout") == 1
    assert made.omitted == 1
    assert outcome(made).pause is None


def test_where_nobody_observes_nothing_is_pressed() -> None:
    lines = [*opening(), told(2_000, "left_timeout"), gone(3_000)]
    late = {**told(80_000, "map", "Port"), "client": "other"}

    assert planned(*lines, late).added == 0


def test_a_timeout_is_pressed_away_by_the_observer_of_its_match() -> None:
    other = [
        logon(0, client="obs2", code="B", obsName="Second"),
        told(2_000, "left_timeout", client="obs2", code="B"),
    ]

    made = planned(*opening(), *other, phase(80_000, 1, "combat"))

    added = made.dues[-2].step
    assert added.is_made_up
    assert (added.client, added.payload["groupCode"], added.payload["obsName"]) == ("obs2", "B", "Second")


# --- toasts and the clock -------------------------------------------------------------------------------------


def test_a_toast_that_was_closed_by_its_time_is_closed_by_its_key() -> None:
    again = {**TOAST, "title": "Welcome back"}

    made = planned(*opening(), told(2_000, "toast", TOAST), told(40_000, "toast", again))

    assert sent(made)[-3:] == ["toast"] * 3
    assert outcome(made).toast.is_shown
    assert outcome(made).toast.content["title"] == "Welcome back"
    assert made.differences == ()


def test_a_short_toast_is_waited_for() -> None:
    made = planned(
        *opening(), told(2_000, "toast", {**TOAST, "duration": 1_500}), phase(9_000, 1, "shopping")
    )

    assert made.added == 0
    assert made.dues[-1].at_ms == made.end_ms == 1_500 + LATE_MS


def test_a_toast_without_an_end_stays() -> None:
    made = planned(
        *opening(), told(2_000, "toast", {**TOAST, "duration": None}), phase(99_000, 1, "shopping")
    )

    assert made.added == 0
    assert outcome(made).toast.is_shown


def by_time() -> list[Line]:
    """Return a round that ran out of time."""
    return [
        phase(10_000, 1, "combat"),
        phase(110_000, 1, "end"),
        score(110_000, 0, 1),
        phase(117_000, 2, "shopping"),
    ]


def test_rounds_that_come_out_otherwise_are_told() -> None:
    assert planned(*opening(), *by_time()).differences == ("round 1 won by kills instead of by time",)
    assert planned(*opening(), *by_time(), pace=Pace()).differences == ()


def test_a_round_that_runs_out_of_time_in_slow_motion_only_is_told() -> None:
    lines = [
        phase(10_000, 1, "combat"),
        phase(70_000, 1, "end"),
        score(70_000, 0, 1),
        phase(77_000, 2, "shopping"),
    ]

    made = planned(*opening(), *lines, pace=Pace(speed=0.5))

    assert made.differences == ("round 1 won by time instead of by kills",)


# --- the end --------------------------------------------------------------------------------------------------


def ended(made: Plan) -> bool:
    server = result(made)
    for step in made.goodbyes:
        assert server.take(step, made.end_ms).code == "accepted"
    return server.open_codes == ()


def test_matches_that_go_on_can_be_ended() -> None:
    made = planned(*opening(), logon(client="obs2", code="B"), phase(5_000, 4, "combat"))

    assert [step.payload["groupCode"] for step in made.goodbyes] == [CODE, "B"]
    assert made.goodbyes[0].payload["data"] == {"roundNumber": 4, "roundPhase": "game_end"}
    assert ended(made)


def test_an_observer_that_is_gone_comes_back_for_it() -> None:
    made = planned(*opening(), gone(5_000))

    assert [step.kind for step in made.goodbyes] == ["obs_logon", "round_info"]
    assert made.goodbyes[0].payload["groupSecret"] == "${secret}"
    assert ended(made)


def test_a_match_that_has_ended_is_not_ended_again() -> None:
    assert planned(*opening(), phase(5_000, 1, "game_end")).goodbyes == ()


# --- whatever is played ---------------------------------------------------------------------------------------


def pauses_and_time() -> st.SearchStrategy[list[tuple[int, str]]]:
    keys = st.sampled_from(["left_timeout", "right_timeout", "tech_pause", "toast", "swap_left_right", "map"])
    return st.lists(st.tuples(st.integers(0, 90_000), keys), max_size=20)


def lines_of(pressed: Iterable[tuple[int, str]]) -> list[Line]:
    at_ms, lines = 2_000, opening()
    data: dict[str, Any] = {"toast": TOAST, "map": "Port"}
    for after_ms, key in pressed:
        at_ms += after_ms
        lines.append(told(at_ms, key, data.get(key, True)))
    return lines


@given(pauses_and_time(), st.sampled_from([None, 50.0, 7.0, 1.3, 1.0]))
def test_at_no_speed_anything_is_shown_in_the_end_that_was_not(
    pressed: list[tuple[int, str]], speed: float | None
) -> None:
    played = recording(*lines_of(pressed))

    fast, real = outcome(plan(played, Pace(speed=speed))), outcome(plan(played, Pace()))

    assert seat_of_timeout(fast) in (None, seat_of_timeout(real))
    assert fast.toast.is_shown <= real.toast.is_shown


@given(pauses_and_time(), st.sampled_from([None, 20.0, 1.0, 0.4]))
def test_every_step_is_sent_or_counted_and_none_before_another(
    pressed: list[tuple[int, str]], speed: float | None
) -> None:
    played = recording(*lines_of(pressed))

    made = plan(played, Pace(speed=speed))

    ours = [due.step for due in made.dues if due.step.is_made_up]
    theirs: list[Step] = [due.step for due in made.dues if not due.step.is_made_up]
    assert len(ours) == made.added
    assert len(theirs) == len(played.steps) - made.omitted
    assert [due.at_ms for due in made.dues] == sorted(due.at_ms for due in made.dues)
    assert [step.line for step in theirs] == sorted(step.line for step in theirs)


def seat_of_timeout(match: Match) -> Seat | None:
    return match.pause.seat if isinstance(match.pause, TeamTimeout) else None


SENSITIVE = {
    "quirk-swap": {"timeoutState", "timeoutGracePeriodPassed"},
    "sim-swaps": {"timeoutState", "timeoutGracePeriodPassed"},
    "sim-timeout-99s": {"teams"},
    "sim-timeouts": {"timeoutState", "timeoutGracePeriodPassed", "tools"},
}
"""Streams whose end depends on time, and in what: seconds left, timeouts spent, rounds decided by the clock."""


@pytest.mark.skipif(not tapes.STREAMS.is_dir(), reason="the shared streams are not beside this checkout")
@pytest.mark.parametrize("name", tapes.shared_streams())
def test_a_stream_that_is_sent_at_once_ends_as_its_golden_but_for_time(name: str) -> None:
    played = load(tapes.STREAMS / f"{name}.jsonl")

    server = result(plan(played, INSTANT), VersionRange(">=0.3.3 <0.3.25"))

    differing = set()
    for wanted, match in zip(tapes.golden_documents(name), server.matches.values(), strict=False):
        got = tapes.timeless(document(match))
        differing |= {key for key in wanted or () if wanted[key] != got.get(key)}
    assert differing == SENSITIVE.get(name, set())


def test_a_plan_is_a_function_of_the_recording_and_the_pace() -> None:
    played: Recording = recording(*opening(), *by_time(), told(120_000, "left_timeout"))

    assert plan(played, INSTANT) == plan(played, INSTANT)
