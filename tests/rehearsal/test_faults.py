from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from valo_ingest.rehearsal.faults import (
    SECOND_OBSERVER,
    Action,
    Breaking,
    Fault,
    Leaving,
    Sending,
    is_spared,
    with_faults,
)
from valo_ingest.rehearsal.simulation.feed import Step
from valo_ingest.rehearsal.simulation.matches import SimulatedMatch
from valo_ingest.wire.names import AuxiliaryType

SEED = 5


def steps_of_a_match() -> list[Step]:
    return list(SimulatedMatch(SEED, mode="swift", auxiliaries=4).steps())


STEPS = steps_of_a_match()
SPARED = [step for step in STEPS if is_spared(step)]


def spoilt(rate: float, *faults: Fault) -> list[Action]:
    return list(with_faults(STEPS, dict.fromkeys(faults, rate), SEED))


def sent(actions: Iterable[Action]) -> list[Step]:
    return [action.step for action in actions if isinstance(action, Sending)]


def of(sender: int, steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if step.sender == sender]


def untimed(steps: Iterable[Step]) -> list[tuple[str, Any]]:
    return [(step.type, step.data) for step in steps]


def test_without_faults_nothing_changes() -> None:
    assert [action.step for action in spoilt(0.0, *Fault) if isinstance(action, Sending)] == STEPS
    assert len(spoilt(0.0, *Fault)) == len(STEPS)


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_hits_about_as_often_as_it_shall_and_the_same_each_time(fault: Fault) -> None:
    actions = spoilt(0.1, fault)
    observed = len(of(0, STEPS)) if fault is Fault.SECOND_OBSERVER else len(STEPS)
    hits = sum(isinstance(action, (Leaving, Breaking)) or fault in action.faults for action in actions)

    assert 0.08 < hits / observed < 0.12
    assert actions == spoilt(0.1, fault)


@pytest.mark.parametrize("fault", Fault)
def test_start_and_end_of_the_match_are_spared_and_the_end_stays_last(fault: Fault) -> None:
    actions = spoilt(1.0, fault)

    assert len(SPARED) == 2
    spared = [action for action in actions if isinstance(action, Sending) and is_spared(action.step)]
    assert [action.step for action in spared] == SPARED
    assert spared[-1] is actions[-1]


@pytest.mark.parametrize("faults", [*[(fault,) for fault in Fault], tuple(Fault)])
def test_actions_come_in_the_order_of_time(faults: tuple[Fault, ...]) -> None:
    instants = [
        action.at_ms if isinstance(action, Breaking) else action.step.at_ms for action in spoilt(0.2, *faults)
    ]

    assert instants == sorted(instants)


def test_drops_leave_events_out() -> None:
    actions = spoilt(0.1, Fault.DROPS)

    left_out = [action.step for action in actions if isinstance(action, Leaving)]
    assert len(left_out) + len(sent(actions)) == len(STEPS)
    assert len(left_out) > 0


def test_duplicates_come_right_behind_their_event() -> None:
    actions = spoilt(1.0, Fault.DUPLICATES)

    first = of(0, sent(actions))
    assert first[0] == first[1]
    assert len(sent(actions)) == 2 * len(STEPS) - len(SPARED)


def test_delays_keep_the_order_of_each_sender() -> None:
    actions = spoilt(0.2, Fault.DELAYS)

    for sender in range(5):
        assert untimed(of(sender, sent(actions))) == untimed(of(sender, STEPS))
    late = [
        step
        for step, meant in zip(of(1, sent(actions)), of(1, STEPS), strict=True)
        if step.at_ms > meant.at_ms
    ]
    assert late


def test_reordering_lets_an_event_be_overtaken_by_the_next_of_its_sender() -> None:
    actions = list(with_faults(STEPS[:4], {Fault.REORDERING: 1.0}, SEED))

    first, second, third, fourth = STEPS[:4]
    assert untimed(sent(actions)) == untimed([second, first, fourth, third])


def test_nulls_are_in_the_data_and_such_events_may_be_refused() -> None:
    actions = spoilt(1.0, Fault.NULLS)

    for action in actions:
        assert isinstance(action, Sending)
        if is_spared(action.step):
            assert not action.may_be_refused
            continue
        assert action.may_be_refused
        data = action.step.data
        if action.step.type == AuxiliaryType.SCOREBOARD_TEAM:
            data = next(board for board in msgspec.json.decode(data) if None in board.values())
        assert data is None or None in data.values()


def test_strings_take_the_place_of_numbers_also_in_team_boards() -> None:
    actions = spoilt(1.0, Fault.STRINGS)

    score = next(step for step in sent(actions) if step.type == "score")
    team_board = next(step for step in sent(actions) if step.type == "aux_scoreboard_team")
    health = next(step for step in sent(actions) if step.type == "aux_health")
    assert set(map(type, score.data.values())) == {str}
    assert type(msgspec.json.decode(team_board.data)[0]["money"]) is str
    assert msgspec.json.decode(team_board.data)[0]["isAlive"] in (True, False)
    assert health.data == "100"
    assert not any(action.may_be_refused for action in actions if isinstance(action, Sending))


def test_a_second_observer_sends_what_the_first_one_sends() -> None:
    actions = spoilt(1.0, Fault.SECOND_OBSERVER)

    spared = untimed(SPARED)
    assert untimed(of(SECOND_OBSERVER, sent(actions))) == [
        step for step in untimed(of(0, STEPS)) if step not in spared
    ]


def test_another_rate_of_one_fault_changes_nothing_of_the_others() -> None:
    rare = list(with_faults(STEPS, {Fault.STRINGS: 0.1, Fault.NULLS: 0.0}, SEED))
    both = list(with_faults(STEPS, {Fault.STRINGS: 0.1, Fault.NULLS: 0.5}, SEED))

    def hit(actions: list[Action]) -> list[bool]:
        return [isinstance(action, Sending) and Fault.STRINGS in action.faults for action in actions]

    assert hit(rare) == hit(both)
