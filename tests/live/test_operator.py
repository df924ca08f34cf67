"""What the operator can do to a match."""

import pytest
from msgspec.structs import replace

from tests.live.fakes import observer_logon
from tests.live.test_controller import GAME_END, MINUTE_MS, RESULT_MS, World
from valo_ingest.errors import InvalidMessage, LeftAside, LogonRefused, NotPossible
from valo_ingest.game import events as happened
from valo_ingest.live.controller import MAX_ENDED
from valo_ingest.wire.record import Kind


@pytest.fixture
def world() -> World:
    return World()


def number_of(world: World, group_code: str = "A") -> int:
    return next(live.number for live in world.controller.live_matches if live.match.group_code == group_code)


def kinds(world: World) -> list[Kind]:
    return [entry.kind for _, entry in world.journal.entries if entry.kind > Kind.AUXILIARY_MESSAGE]


def connection_of(world: World, client_id: str) -> int:
    return world.controller.activities[client_id].connection


def observe_beside(world: World) -> None:
    """Have a second observer stand by."""
    logon = replace(observer_logon("A", secret="SECRET000000"), observer_name="Second")
    world.controller.log_on_observer("second", logon, "127.0.0.1")


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


def test_connections_are_never_named_alike(world: World) -> None:
    world.start()
    first = connection_of(world, "obs-A")
    client = world.join()
    second = connection_of(world, "aux")
    world.controller.disconnect(client)
    world.join()

    assert len({first, second, connection_of(world, "aux")}) == 3


# --- who is there ---------------------------------------------------------------------------------------------


def test_nothing_is_remembered_of_clients_that_are_gone_or_were_never_let_in(world: World) -> None:
    observer, client = world.start(), world.join()
    with pytest.raises(LogonRefused):
        world.observe("A", client_id="refused")
    world.controller.disconnect(observer)
    world.controller.disconnect(client)

    assert world.controller.activities == {}


def test_a_stand_by_that_goes_is_in_the_journal(world: World) -> None:
    world.start()
    observe_beside(world)
    (live,) = world.controller.live_matches
    world.controller.disconnect(next(iter(live.standbys.values())))

    assert kinds(world) == [Kind.STANDBY_ON, Kind.STANDBY_GONE]


def test_what_is_refused_counts_neither_as_an_event_nor_as_activity(world: World) -> None:
    observer = world.start()
    (live,) = world.controller.live_matches
    events, told_at = live.chronicle.events, dict(world.controller.activities["obs-A"].told_at)
    world.clock.advance(MINUTE_MS)

    with pytest.raises(InvalidMessage):
        world.tell(observer, happened.MapChosen("Ascent"), group_code="B")

    assert live.chronicle.events == events
    assert world.controller.activities["obs-A"].told_at == told_at
