from collections.abc import Callable
from typing import Any

import pytest

from valo_ingest.clock import ManualClock
from valo_ingest.live.turns import BUSY_PER_MS, BUSY_TURN_MS, TURN_MS, Turns


class World:
    """Turns with timers that fire when the clock is moved."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.happened: list[str] = []
        self.written = 0
        self.again_at: int | None = None
        self.was_busy = False
        self._timers: list[tuple[int, Callable[..., None], tuple[Any, ...]]] = []
        self.turns = Turns(clock=self.clock, call_later=self._call_later, commit=self._commit)
        self.turns.show_by(self._show)

    def _call_later(self, seconds: float, function: Callable[..., None], *arguments: Any) -> None:
        self._timers.append((self.clock.now_ms() + round(seconds * 1000), function, arguments))

    def _commit(self) -> int:
        self.happened.append("commit")
        return self.written

    def _show(self, now: int, *, is_busy: bool) -> int | None:
        self.happened.append("show")
        self.was_busy = is_busy
        return self.again_at

    def wait(self, duration_ms: int) -> None:
        for step in range(duration_ms + 1):
            self.clock.advance(min(step, 1))
            due = [timer for timer in self._timers if timer[0] <= self.clock.now_ms()]
            self._timers = [timer for timer in self._timers if timer not in due]
            for _, function, arguments in due:
                function(*arguments)


@pytest.fixture
def world() -> World:
    return World()


def test_a_turn_ends_at_once_and_writes_before_it_shows(world: World) -> None:
    world.turns.request()
    world.turns.request()
    world.wait(0)

    assert world.happened == ["commit", "show"]


def test_the_next_turn_ends_a_little_later(world: World) -> None:
    world.turns.request()
    world.wait(0)
    world.turns.request()
    world.wait(TURN_MS - 1)
    assert world.happened.count("commit") == 1

    world.wait(1)
    assert world.happened.count("commit") == 2


def test_a_busy_turn_is_longer(world: World) -> None:
    world.turns.request()
    world.wait(0)
    world.written = BUSY_PER_MS * TURN_MS
    world.turns.request()
    world.wait(TURN_MS)
    assert world.happened.count("commit") == 2

    assert world.was_busy

    world.written = 0
    world.turns.request()
    world.wait(BUSY_TURN_MS - 1)
    assert world.happened.count("commit") == 2

    world.wait(1)
    assert world.happened.count("commit") == 3
    assert not world.was_busy


def test_a_turn_after_a_long_silence_is_not_a_busy_one(world: World) -> None:
    world.turns.request()
    world.wait(0)
    world.wait(1_000)
    world.written = BUSY_PER_MS * TURN_MS
    world.turns.request()
    world.wait(0)

    world.turns.request()
    world.wait(TURN_MS)

    assert world.happened.count("commit") == 3


def test_who_asks_only_where_no_turn_is_soon_misses_none(world: World) -> None:
    world.turns.request(world.clock.now_ms() + 10 * TURN_MS)
    for count in range(1, 4):
        assert not world.turns.is_soon
        world.turns.request()
        assert world.turns.is_soon
        world.wait(TURN_MS)
        assert world.happened.count("commit") == count


def test_a_turn_may_be_called_for_at_an_instant_and_then_for_earlier(world: World) -> None:
    world.turns.request(world.clock.now_ms() + 50)
    world.wait(10)
    assert world.happened == []

    world.turns.request()
    world.wait(50)
    assert world.happened == ["commit", "show"]


def test_what_shows_may_ask_for_another_turn(world: World) -> None:
    world.again_at = world.clock.now_ms() + 20
    world.turns.request()
    world.wait(0)
    world.again_at = None
    world.wait(20)

    assert world.happened == ["commit", "show"] * 2
