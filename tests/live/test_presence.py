"""Who is connected to which match, and what it means for the match that somebody comes or goes."""

import pytest
from msgspec.structs import replace

from tests.live.fakes import observer_logon
from tests.live.world import GAME_END, World, connection_of, kinds, observe_beside, restarted
from valo_ingest.errors import LeftAside, LogonRefused
from valo_ingest.game import events as happened
from valo_ingest.wire.record import Kind


@pytest.fixture
def world() -> World:
    return World()


# --- observers ------------------------------------------------------------------------------------------------


def test_a_match_stops_running_with_its_last_observer_and_runs_again_with_the_next(world: World) -> None:
    first = world.start("A")
    second = world.observe("A", client_id="2", secret="SECRET000000")
    world.controller.disconnect(first)
    assert world.newest().is_running

    world.controller.disconnect(second)
    assert not world.newest().is_running
    assert world.controller.running == 1

    world.observe("A", client_id="3", secret="SECRET000000")
    assert world.newest().is_running


def test_a_match_that_has_not_started_does_not_run_when_an_observer_joins(world: World) -> None:
    world.controller.disconnect(world.observe("A"))
    world.observe("A", client_id="2", secret="SECRET000000")

    assert not world.newest().is_running


def test_an_observer_is_gone_only_once(world: World) -> None:
    observer = world.start("A")
    other = world.observe("A", client_id="2", secret="SECRET000000")

    world.controller.disconnect(observer)
    world.controller.disconnect(observer)
    assert world.newest().is_running
    world.controller.disconnect(other)
    assert not world.newest().is_running


def test_the_events_of_a_stand_by_are_left_aside_until_it_is_active(world: World) -> None:
    active = world.start()
    logon = replace(observer_logon("A", secret="SECRET000000"), observer_name="Backup")
    stand_by, _ = world.controller.log_on_observer("2", logon, "127.0.0.1")
    before = world.newest()

    with pytest.raises(LeftAside, match="stand_by: You are a stand-by"):
        world.tell(stand_by, happened.ScoreReported(1, 0))
    assert world.newest() is before
    assert world.controller.standing_by == 1

    world.controller.disconnect(active)
    world.wait(2_000)
    world.tell(stand_by, happened.ScoreReported(1, 0))
    assert world.newest().teams.left.rounds_won == 1
    assert world.controller.standing_by == 0


@pytest.mark.parametrize("is_restarted", [False, True])
def test_who_observed_is_active_again_although_a_stand_by_is_back_first(is_restarted: bool) -> None:
    world = World()
    active = world.start()
    standby = observe_beside(world)
    if is_restarted:
        world = restarted(world, active, standby)
    else:
        world.controller.disconnect(standby)
        world.controller.disconnect(active)
        world.wait(20_000)

    world.controller.resume(replace(standby, client_id="second again"))
    world.wait(7_999)
    assert not world.newest().is_running
    active = replace(active, client_id="active again")
    world.controller.resume(active)
    world.wait(10_000)

    assert world.controller.standing_by == 1
    world.tell(active, happened.ScoreReported(1, 0))
    assert world.newest().teams.left.rounds_won == 1


def test_who_has_taken_over_is_active_again_after_a_restart(world: World) -> None:
    active = world.start()
    standby = observe_beside(world)
    world.controller.disconnect(active)
    world.wait(2_000)
    first = replace(active, client_id="first again")
    world.controller.resume(first)
    again = restarted(world, first, standby)

    again.controller.resume(first)
    again.controller.resume(standby)

    assert again.controller.standing_by == 1
    again.tell(standby, happened.ScoreReported(1, 0))
    assert again.newest().teams.left.rounds_won == 1


@pytest.mark.parametrize("is_first", [True, False])
def test_who_was_lost_by_a_restart_is_who_observed_and_not_a_stand_by(world: World, is_first: bool) -> None:
    active, standby = world.start(), observe_beside(world)

    again = restarted(world, *((active, standby) if is_first else (standby, active)))

    (live,) = again.controller.live_matches
    assert live.lost_observer == active


def test_a_stand_by_is_active_when_who_observed_does_not_come_back(world: World) -> None:
    active = world.start()
    standby = observe_beside(world)
    world.controller.disconnect(active)
    world.controller.disconnect(standby)
    world.wait(1_000)

    standby = replace(standby, client_id="second again")
    world.controller.resume(standby)
    world.controller.resume(replace(standby, client_id="and once more"))
    world.wait(8_000)

    assert sorted(world.order[-2:]) == ["and once more is active", "second again is active"]
    world.tell(standby, happened.ScoreReported(1, 0))
    assert world.newest().teams.left.rounds_won == 1

    world.controller.resume(replace(active, client_id="active again"))
    assert world.controller.standing_by == 1, "it has been replaced meanwhile"


# --- auxiliary clients ----------------------------------------------------------------------------------------


def test_the_data_of_a_player_is_unavailable_when_its_client_is_gone(world: World) -> None:
    for group_code in ("A", "B"):
        world.start(group_code, "M")
    client = world.join("M")
    world.report(client, happened.HealthReported("P", 5))
    assert world.player("B").auxiliary.has_health

    world.controller.disconnect(client)

    assert not world.player("A").auxiliary.has_health
    assert not world.player("B").auxiliary.has_health


# --- who is let go --------------------------------------------------------------------------------------------


def test_clients_of_other_matches_stay_when_one_ends(world: World) -> None:
    ending = world.start("A", "M")
    world.start("B", "N")
    world.join("N", client_id="aux-N")

    world.tell(ending, GAME_END)

    assert world.connections.disconnected == ["obs-A"]


def test_an_auxiliary_client_stays_while_another_live_match_has_its_match_id(world: World) -> None:
    first, second = world.start("A", "M"), world.start("B", "M")
    client = world.join("M")

    world.tell(first, GAME_END)
    assert world.connections.disconnected == ["obs-A"]
    world.report(client, happened.HealthReported("P", 5))
    assert world.player("B").health == 5

    world.tell(second, GAME_END)
    assert world.connections.disconnected == ["obs-A", "obs-B", "aux"]


def test_clients_that_leave_after_the_end_change_nothing(world: World) -> None:
    observer = world.start("A")
    client = world.join()
    world.tell(observer, GAME_END)
    shown = len(world.publisher.published)

    world.controller.disconnect(observer)
    world.controller.disconnect(client)

    assert len(world.publisher.published) == shown
    assert len(world.publisher.final) == 1


def test_a_group_code_can_be_disconnected_while_its_match_goes_on(world: World) -> None:
    world.start("A", "M")
    world.observe("A", client_id="2", secret="SECRET000000")
    world.join("M")
    world.start("B", "N")

    world.controller.disconnect_group_code("A")
    world.controller.disconnect_group_code("NOSUCH")

    assert sorted(world.connections.disconnected) == ["2", "aux", "obs-A"]
    assert world.controller.running == 2


# --- who is there ---------------------------------------------------------------------------------------------


def test_connections_are_never_named_alike(world: World) -> None:
    world.start()
    first = connection_of(world, "obs-A")
    client = world.join()
    second = connection_of(world, "aux")
    world.controller.disconnect(client)
    world.join()

    assert len({first, second, connection_of(world, "aux")}) == 3


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
