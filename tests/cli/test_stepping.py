from collections.abc import Iterable

import pytest

from tests.rehearsal.tapes import gone, opening, recording, told
from valo_ingest.cli.stepping import STEP_WIDTH, Stepper, step_text
from valo_ingest.rehearsal.pacing import Due

STEPS = recording(*opening(), gone(5_000)).steps


def sent(typed: Iterable[str], *, first: int = 0) -> list[int]:
    """Return which steps are sent, until there is nothing more to do."""
    answers = iter(typed)
    stepper = Stepper(STEPS[first], total=len(STEPS), read=lambda: next(answers), write=lambda text: None)
    found = []
    for index, step in enumerate(STEPS):
        if not stepper(Due(0, step)):
            break
        found.append(index)
    return found


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        (["\n", "\n", "q\n"], 2),
        (["\n", ""], 1),
        (["Q\n"], 0),
        (["3\n", "q\n"], 3),
        (["100\n", "0\n", "-1\n", "x\n", "²\n", "\n", "q\n"], 1),
        (["7\n"], 7),
    ],
)
def test_what_is_typed_decides(typed: list[str], count: int) -> None:
    assert len(sent(typed)) == count


def test_what_is_before_the_first_is_not_asked_for() -> None:
    assert sent(["\n", "q\n"], first=4) == [0, 1, 2, 3, 4]


def test_a_step_is_shown_on_one_line() -> None:
    long = recording(*opening(), told(5, "map", "x\n" * 500)).steps[-1]
    made_up = recording(told(0, "map", "Ascent")).steps[0]

    assert step_text(7, 7, STEPS[-1]) == "7/7  0:05  obs  disconnect"
    assert len(step_text(1, 1, long)) == STEP_WIDTH
    assert "\n" not in step_text(1, 1, long)
    assert "obs_logon  (not in the file)" in step_text(1, 2, made_up)
    assert "toolsData" not in step_text(1, 2, made_up)
