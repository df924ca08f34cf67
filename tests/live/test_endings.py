"""What is remembered of matches that ended."""

import pytest

from tests.live.world import GAME_END, IDLE_MS, RESULT_MS, World
from valo_ingest.game import events as happened
from valo_ingest.game.seats import Seat
from valo_ingest.live.endings import MAX_ENDED


@pytest.fixture
def world() -> World:
    return World()


def test_a_result_is_kept_for_an_hour(world: World) -> None:
    observer = world.start("A")
    world.tell(observer, happened.ScoreReported(5, 13))
    world.tell(observer, GAME_END)

    world.wait(RESULT_MS - 1)
    result = world.controller.result("A")
    assert result is not None
    assert result.leading_seat is Seat.RIGHT
    assert result.teams.left.name == "Left"
    assert world.publisher.forgotten == []

    world.wait(1)
    assert world.controller.result("A") is None
    assert world.publisher.forgotten == ["A"]


def test_a_new_match_under_the_code_of_one_that_ended_is_not_forgotten_with_it(world: World) -> None:
    world.tell(world.start("A"), GAME_END)
    world.wait(RESULT_MS - 1)
    world.observe("A", client_id="new")
    assert world.controller.result("A") is not None

    world.wait(1)

    assert world.controller.result("A") is None
    assert world.publisher.forgotten == []
    assert world.controller.running == 1


def test_the_newest_result_of_a_code_counts_from_its_own_end(world: World) -> None:
    world.tell(world.start("A"), GAME_END)
    world.wait(RESULT_MS // 2)
    world.tell(world.start("A"), GAME_END)

    world.wait(RESULT_MS - 1)
    assert world.controller.result("A") is not None
    world.wait(1)
    assert world.controller.result("A") is None


def test_teams_of_a_result_are_those_that_sit_there_at_the_end(world: World) -> None:
    observer = world.start("A")
    world.tell(observer, happened.ScoreReported(13, 5))
    world.tell(observer, happened.SeatsSwapped())
    world.tell(observer, GAME_END)

    result = world.controller.result("A")
    assert result is not None
    assert (result.teams.left.name, result.teams.right.name) == ("Right", "Left")
    assert result.leading_seat is Seat.RIGHT


def test_the_last_state_of_a_removed_match_is_kept_for_an_hour(world: World) -> None:
    world.start("A")
    world.wait(IDLE_MS)
    world.wait(RESULT_MS - 1)
    assert world.publisher.forgotten == []

    world.wait(1)

    assert world.publisher.forgotten == ["A"]


def test_matches_that_ended_are_remembered_for_as_long_as_results(world: World) -> None:
    world.tell(world.start(), GAME_END)
    (ended,) = world.controller.ended_matches
    assert ended.ended_at == world.clock.now_ms()
    assert ended.chronicle.events == 3

    world.wait(RESULT_MS - 1)
    assert len(world.controller.ended_matches) == 1
    world.wait(1)
    assert len(world.controller.ended_matches) == 0


def test_not_more_than_so_many_matches_are_remembered(world: World) -> None:
    for _ in range(MAX_ENDED + 5):
        world.tell(world.start(), GAME_END)

    assert [live.number for live in world.controller.ended_matches] == list(range(6, MAX_ENDED + 6))
