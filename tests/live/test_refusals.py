import logging

import pytest

from valo_ingest.clock import ManualClock
from valo_ingest.errors import InvalidLogon, InvalidMessage, LogonRefused
from valo_ingest.live.refusals import LOGGED_PER_WINDOW, WINDOW_MS, Refusals

NOT_JSON = InvalidMessage("not_json", "not JSON")


def test_refusals_are_counted_by_reason() -> None:
    refusals = Refusals(ManualClock())

    refusals.refuse_message("A", NOT_JSON)
    refusals.refuse_message("B", NOT_JSON)
    refusals.refuse_logon("A", LogonRefused("invalid_key", "Invalid Key"))
    refusals.refuse_logon("-", InvalidLogon("type: has to be 'authenticate'."))

    assert refusals.counts == {"not_json": 2, "invalid_key": 1, "invalid_packet": 1}


def test_a_refusal_is_logged_with_its_match_and_the_field_at_fault(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals(ManualClock())

    refusals.refuse_message("A", InvalidMessage("invalid_field", "score: not a number", path="data.team_0"))
    refusals.refuse_logon("B", LogonRefused("invalid_key", "Invalid Key"))

    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "group_code=A message dropped: invalid_field: data.team_0: score: not a number"),
        (logging.WARNING, "group_code=B logon refused: Invalid Key"),
    ]


def test_only_the_first_refusals_of_a_reason_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    for _ in range(1_000):
        refusals.refuse_message("A", NOT_JSON)
        clock.advance(1)
    refusals.refuse_logon("A", LogonRefused("invalid_key", "Invalid Key"))

    assert refusals.counts["not_json"] == 1_000
    assert len(caplog.records) == LOGGED_PER_WINDOW + 1  # another reason has a limit of its own


def test_how_many_were_not_logged_is_told_with_the_next_that_is(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    for _ in range(12):
        refusals.refuse_message("A", NOT_JSON)
    clock.advance(WINDOW_MS - 1)
    refusals.refuse_message("A", NOT_JSON)
    caplog.clear()

    clock.advance(1)
    refusals.refuse_message("A", NOT_JSON)

    assert [record.getMessage() for record in caplog.records] == [
        f"{13 - LOGGED_PER_WINDOW} more refusals of reason not_json were not logged",
        "group_code=A message dropped: not_json: not JSON",
    ]


def test_a_quiet_reason_says_nothing_of_what_was_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    refusals.refuse_message("A", NOT_JSON)
    clock.advance(WINDOW_MS)
    refusals.refuse_message("A", NOT_JSON)

    assert len(caplog.records) == 2
