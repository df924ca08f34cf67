import json
from types import SimpleNamespace
from typing import Any

import pytest

from valo_ingest.clock import ManualClock
from valo_ingest.errors import InvalidMessage
from valo_ingest.live.notices import TOLD_EVERY_MS
from valo_ingest.transport.telling import MAX_WAITING, Teller

SCORE = InvalidMessage("invalid_field", "The score of team 0 is missing.", path="data.team_0")


class Fixture:
    """A teller with the clients "c" and "d", whose sessions are called the same, and what they were told."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.waiting: dict[str, int] = {"c": 0, "d": 0}
        self.told: list[tuple[str, dict[str, Any]]] = []
        manager = SimpleNamespace(
            eio_sid_from_sid=lambda client_id, namespace: client_id if client_id in self.waiting else None
        )
        sio = SimpleNamespace(manager=manager, emit=self._emit)
        self.teller = Teller(sio, waiting=self.waiting.get, now_ms=self.clock.now_ms)

    def _emit(self, event: str, text: str, *, to: str) -> None:
        assert event == "message"
        self.told.append((to, json.loads(text)))


@pytest.fixture
def made() -> Fixture:
    return Fixture()


def test_a_refusal_is_told_with_its_code_its_field_and_the_number_of_the_event(made: Fixture) -> None:
    made.teller.refuse("c", SCORE, 118)

    notice = {
        "type": "error",
        "code": "invalid_field",
        "message": "The score of team 0 is missing.",
        "path": "data.team_0",
        "event": 118,
    }
    assert made.told == [("c", notice)]


def test_a_thousand_refusals_in_a_second_are_told_once_and_then_counted(made: Fixture) -> None:
    for number in range(1, 1_001):
        made.teller.refuse("c", SCORE, number)
        made.clock.advance(1)
    made.teller.refuse("c", SCORE, 1_001)

    assert [(notice["event"], notice.get("repeated")) for _, notice in made.told] == [(1, None), (1_001, 999)]


def test_codes_and_clients_do_not_wait_for_each_other(made: Fixture) -> None:
    other = InvalidMessage("not_json", "The text is not JSON.")
    for _ in range(3):
        for client in ("c", "d"):
            made.teller.refuse(client, SCORE, 1)
            made.teller.refuse(client, other, 1)

    assert [(client, notice["code"]) for client, notice in made.told] == [
        ("c", "invalid_field"),
        ("c", "not_json"),
        ("d", "invalid_field"),
        ("d", "not_json"),
    ]


def test_a_client_that_does_not_read_is_told_nothing_until_it_does(made: Fixture) -> None:
    made.waiting["c"] = MAX_WAITING
    for number in range(1, 5):
        made.teller.refuse("c", SCORE, number)
        made.clock.advance(TOLD_EVERY_MS)
    assert made.told == []

    made.waiting["c"] = 0
    made.teller.refuse("c", SCORE, 5)

    assert [(notice["event"], notice["repeated"]) for _, notice in made.told] == [(5, 4)]


def test_a_notice_says_whether_it_was_told(made: Fixture) -> None:
    assert made.teller.notify("c", "stand_by", "You are a stand-by.", 1)
    assert not made.teller.notify("c", "stand_by", "You are a stand-by.", 2)
    made.waiting["c"] = MAX_WAITING
    assert not made.teller.notify("c", "active", "You are active.", 3)

    assert [notice["type"] for _, notice in made.told] == ["notice"]


def test_somebody_who_is_gone_is_told_nothing_and_is_forgotten(made: Fixture) -> None:
    made.teller.refuse("c", SCORE, 1)
    made.teller.forget("c")
    del made.waiting["c"]
    made.teller.refuse("c", SCORE, 2)
    made.waiting["c"] = 0  # another client, as far as the teller can know
    made.teller.refuse("c", SCORE, 3)

    assert [notice["event"] for _, notice in made.told] == [1, 3]
    assert "repeated" not in made.told[-1][1]
