"""What the operator can do to a match."""

import pytest

from tests.live.world import GAME_END, World, connection_of, kinds, observe_beside
from valo_ingest.errors import LeftAside, NotPossible
from valo_ingest.game import events as happened
from valo_ingest.wire.record import Kind


@pytest.fixture
def world() -> World:
    return World()


def number_of(world: World, group_code: str = "A") -> int:
    return next(live.number for live in world.controller.live_matches if live.match.group_code == group_code)


# --- ending ---------------------------------------------------------------------------------------------------


def test_a_match_is_ended_as_one_that_was_given_up(world: World) -> None:
    world.start()
    world.join()
    world.controller.end_match(number_of(world))

    assert world.controller.running == 0
    assert world.publisher.final[0].has_ended
    assert not world.publisher.final[0].is_running
    assert world.connections.disconnected == ["obs-A", "aux"]
    assert world.controller.result("A") is None


def test_the_end_is_in_the_journal_and_comes_before_anything_is_shown(world: World) -> None:
    world.start()
    world.controller.end_match(number_of(world))

    assert kinds(world) == [Kind.ENDED_BY_OPERATOR]
    assert world.journal.ended == [1]
    assert world.order == ["final", "disconnect"]


def test_the_code_of_a_match_that_was_ended_is_free(world: World) -> None:
    world.start()
    world.controller.end_match(number_of(world))

    world.start()

    assert world.controller.running == 1


def test_a_match_that_is_over_cannot_be_ended(world: World) -> None:
    observer = world.start()
    number = number_of(world)
    world.tell(observer, GAME_END)

    with pytest.raises(NotPossible, match="over"):
        world.controller.end_match(number)


# --- handing over ---------------------------------------------------------------------------------------------


def test_the_stand_by_observes_and_who_observed_stands_by(world: World) -> None:
    first = world.start()
    observe_beside(world)
    world.controller.hand_over(number_of(world))

    (live,) = world.controller.live_matches
    assert [observer.name for observer in live.observers.values()] == ["Second"]
    assert [observer.name for observer in live.standbys.values()] == ["Caster"]
    with pytest.raises(LeftAside):
        world.tell(first, happened.MapChosen("Ascent"))
    assert live.match.map == "Loading"
    assert live.match.is_running


def test_what_was_handed_over_can_be_handed_back(world: World) -> None:
    first = world.start()
    observe_beside(world)
    world.controller.hand_over(number_of(world))
    world.controller.hand_over(number_of(world))
    world.tell(first, happened.MapChosen("Ascent"))

    (live,) = world.controller.live_matches
    assert live.match.map == "Ascent"


def test_a_hand_over_is_in_the_journal(world: World) -> None:
    world.start()
    observe_beside(world)
    world.controller.hand_over(number_of(world))

    assert kinds(world) == [Kind.STANDBY_ON, Kind.HANDED_OVER, Kind.OBSERVER_ON]
    assert '"to":"Second"' in world.journal.entries[-2][1].text


def test_nothing_is_handed_over_where_nobody_stands_by(world: World) -> None:
    world.start()

    with pytest.raises(NotPossible, match="Nobody stands by"):
        world.controller.hand_over(number_of(world))


def test_a_stand_by_takes_over_at_once_from_an_observer_that_is_gone(world: World) -> None:
    first = world.start()
    observe_beside(world)
    world.controller.disconnect(first)
    world.controller.hand_over(number_of(world))

    (live,) = world.controller.live_matches
    assert [observer.name for observer in live.observers.values()] == ["Second"]
    assert live.standbys == {}


# --- disconnecting --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", ["obs-A", "second", "aux"])
def test_any_client_of_a_match_can_be_disconnected(world: World, client_id: str) -> None:
    world.start()
    observe_beside(world)
    world.join()
    world.controller.disconnect_client(number_of(world), connection_of(world, client_id))

    assert world.connections.disconnected == [client_id]
    assert kinds(world)[-1] is Kind.DISCONNECTED


def test_a_client_of_another_match_cannot_be_disconnected(world: World) -> None:
    world.start("A", "M")
    world.start("B", "N")

    with pytest.raises(NotPossible, match="gone"):
        world.controller.disconnect_client(number_of(world, "A"), connection_of(world, "obs-B"))
