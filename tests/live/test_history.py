from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.storage.kept import ENTRIES, GAME_END, START, KeptMatches, make_opening, match_after
from valo_ingest.errors import UnknownMatch
from valo_ingest.live.history import KEPT, PLAYED_AT_ONCE, History
from valo_ingest.live.matches import LiveMatch
from valo_ingest.storage.archive import Archive

WHOLE = (*ENTRIES, GAME_END)


class Fixture:
    """A history of what a journal keeps, and how it went about it."""

    def __init__(self, data_dir: Path) -> None:
        self.kept = KeptMatches(data_dir)
        self.blocked = 0
        self.pauses = 0
        self.history = History(
            Archive(data_dir, now_ms=lambda: START), elsewhere=self._elsewhere, pause=self._pause
        )

    def _elsewhere(self, work: Callable[[], Any]) -> Any:
        self.blocked += 1
        return work()

    def _pause(self) -> None:
        self.pauses += 1


@pytest.fixture
def made(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


def test_a_match_that_ended_is_told_with_all_that_happened(made: Fixture) -> None:
    made.kept.keep(make_opening(), WHOLE, ended_at=99_000)

    told = made.history.tell("FINALS")

    assert told.match == match_after(make_opening(), WHOLE)
    assert told.ended_at == START + 99_000
    assert told.opening == make_opening()
    assert told.chronicle.rounds.keys() == {1, 2}
    assert len(told.chronicle.connections) == 10


def test_others_have_a_turn_while_a_match_is_told(made: Fixture) -> None:
    made.kept.keep(make_opening(), WHOLE * 5)

    made.history.tell("FINALS")

    assert made.pauses >= len(WHOLE) * 5 // PLAYED_AT_ONCE


def test_a_match_is_told_once_for_those_who_go_to_and_fro(made: Fixture) -> None:
    made.kept.keep(make_opening(), WHOLE)

    assert made.history.tell("FINALS") is made.history.tell("#1")


def test_only_some_matches_are_remembered(made: Fixture) -> None:
    for number in range(KEPT + 1):
        made.kept.keep(make_opening(f"CODE {number}"), ())
    first = made.history.tell("#1")
    for number in range(2, KEPT + 2):
        made.history.tell(f"#{number}")

    assert made.history.tell("#1") is not first


@pytest.mark.parametrize("name", ["NONE", "#99", ""])
def test_a_match_that_is_not_kept_is_unknown(made: Fixture, name: str) -> None:
    with pytest.raises(UnknownMatch):
        made.history.tell(name)


def test_a_live_match_is_not_told_from_what_was_kept(made: Fixture) -> None:
    made.kept.keep(make_opening(), ENTRIES, ended_at=None)

    with pytest.raises(UnknownMatch):
        made.history.tell("FINALS")


def test_a_match_that_came_back_gets_what_happened_before(made: Fixture) -> None:
    made.kept.keep(make_opening(), ENTRIES, ended_at=None)
    opening = make_opening()
    live = LiveMatch(
        match_after(opening, ENTRIES),
        number=1,
        opening=opening,
        key_hash="",
        secret_hashes=(),
        now=START + 100_000,
    )
    assert not live.chronicle.is_whole

    made.history.complete(live)
    read = made.blocked
    made.history.complete(live)

    assert live.chronicle.is_whole
    assert live.chronicle.rounds.keys() == {1, 2}
    assert live.chronicle.events_before == len(ENTRIES) - 10
    assert made.blocked == read, "it was read again"
