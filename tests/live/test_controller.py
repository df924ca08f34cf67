"""What clients may write into which match, and how a match comes to its end."""

import logging

import pytest

from tests.live.fakes import KEY, observer_logon, reported, told
from tests.live.world import GAME_END, IDLE_MS, MINUTE_MS, World, observe_beside
from valo_ingest.errors import InvalidMessage, LogonRefused
from valo_ingest.game import events as happened
from valo_ingest.game.seats import Seat


@pytest.fixture
def world() -> World:
    return World()


# --- observers ------------------------------------------------------------------------------------------------


def test_a_logon_opens_a_match_and_shows_it(world: World) -> None:
    observer, secret = world.controller.log_on_observer("obs", observer_logon("A"), "127.0.0.1")

    assert (observer.client_id, observer.group_code, observer.name) == ("obs", "A", "Caster")
    assert secret == "SECRET000000"
    assert world.controller.running == 1
    assert [match.group_code for match in world.publisher.published] == ["A"]


def test_a_wrong_key_opens_nothing(world: World) -> None:
    with pytest.raises(LogonRefused, match=r"^Invalid Key$"):
        world.controller.log_on_observer("obs", observer_logon("A", key="wrong"), "127.0.0.1")

    assert world.controller.running == 0
    assert world.publisher.published == []


def test_the_key_is_checked_before_the_group_code_and_also_of_those_who_come_back(world: World) -> None:
    _, secret = world.controller.log_on_observer("1", observer_logon("A"), "127.0.0.1")

    with pytest.raises(LogonRefused, match=r"^Invalid Key$"):
        world.controller.log_on_observer("2", observer_logon("A", key="wrong", secret=secret), "127.0.0.1")
    assert world.access.checked == [KEY, "wrong"]


def test_no_secret_and_no_key_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    observer = world.start("A")
    world.observe("A", client_id="2", secret="SECRET000000")
    with pytest.raises(LogonRefused):
        world.controller.log_on_observer("3", observer_logon("A", secret="GUESSED"), "127.0.0.1")
    world.tell(observer, GAME_END)

    assert "group_code=A match opened by Caster" in caplog.text
    for hidden in (KEY, "SECRET0", "GUESSED"):
        assert hidden not in caplog.text


# --- isolation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claimed", ["B", "", "a", "A "])
def test_an_observer_writes_into_its_own_match_only(world: World, claimed: str) -> None:
    observer, other = world.start("A"), world.start("B", "N")
    before = world.newest("A"), world.newest("B")

    with pytest.raises(InvalidMessage) as caught:
        world.controller.receive_from_observer(observer, told(claimed, happened.MapChosen("Duality")))

    assert (caught.value.code, caught.value.path) == ("foreign_match", "groupCode")
    assert (world.newest("A"), world.newest("B")) == before
    world.tell(other, happened.MapChosen("Duality"))
    assert world.newest("B").map == "Bind"


def test_a_message_without_a_readable_group_code_is_refused(world: World) -> None:
    observer = world.start("A")

    with pytest.raises(InvalidMessage, match="foreign_match"):
        world.controller.receive_from_observer(observer, told(None, GAME_END))

    assert world.controller.running == 1


def test_an_observer_of_an_earlier_match_does_not_write_into_a_new_one_of_the_same_code(world: World) -> None:
    old = world.start("A")
    world.tell(old, GAME_END)
    world.observe("A", client_id="new")
    before = world.newest()

    with pytest.raises(InvalidMessage, match="match_over"):
        world.tell(old, happened.MapChosen("Duality"))
    world.controller.disconnect(old)

    assert world.newest() is before


@pytest.mark.parametrize("claimed", ["N", "", None])
def test_an_auxiliary_client_writes_into_matches_with_its_match_id_only(
    world: World, claimed: str | None
) -> None:
    world.start("A", "M")
    world.start("B", "N")
    client = world.join("M")

    with pytest.raises(InvalidMessage) as caught:
        world.controller.receive_from_auxiliary(client, reported(claimed, happened.HealthReported("P", 5)))

    assert (caught.value.code, caught.value.path) == ("foreign_match", "matchId")
    assert world.player("A").health == world.player("B").health == 100


def test_auxiliary_data_goes_to_every_match_with_the_match_id(world: World) -> None:
    for group_code in ("A", "B"):
        world.start(group_code, "M")
    world.start("C", "N")

    world.report(world.join("M"), happened.HealthReported("P", 5))

    assert [world.player(group_code).health for group_code in "ABC"] == [5, 5, 100]


def test_an_event_that_changes_nothing_is_not_shown_again(world: World) -> None:
    observer = world.start("A")
    shown = len(world.publisher.published)

    world.tell(observer, happened.UnknownReported())
    world.controller.tick()

    assert len(world.publisher.published) == shown


def test_what_is_refused_counts_neither_as_an_event_nor_as_activity(world: World) -> None:
    observer = world.start()
    (live,) = world.controller.live_matches
    events, told_at = live.chronicle.events, dict(world.controller.activities["obs-A"].told_at)
    world.clock.advance(MINUTE_MS)

    with pytest.raises(InvalidMessage):
        world.tell(observer, happened.MapChosen("Ascent"), group_code="B")

    assert live.chronicle.events == events
    assert world.controller.activities["obs-A"].told_at == told_at


# --- auxiliary clients ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("match_id", ["M", "", "A"])
def test_no_auxiliary_client_without_a_match(world: World, match_id: str) -> None:
    world.observe("A")  # its match id is not known yet, and so is empty

    with pytest.raises(LogonRefused) as caught:
        world.join(match_id)

    assert caught.value.code == "match_not_found"
    assert str(caught.value) == f"Game with Match ID {match_id} not found."


def test_an_empty_match_id_matches_nothing_even_if_a_match_starts_with_it(world: World) -> None:
    world.start("A", "")

    with pytest.raises(LogonRefused):
        world.join("")


def test_a_match_is_found_by_its_newest_match_id_only(world: World) -> None:
    observer = world.start("A", "M")
    client = world.join("M")
    world.tell(observer, happened.MatchStarted("REMAKE"))

    with pytest.raises(LogonRefused):
        world.join("M", client_id="2")
    with pytest.raises(InvalidMessage, match="match_over"):
        world.report(client, happened.HealthReported("P", 5))
    world.join("REMAKE", client_id="3")


BOARD = happened.AuxiliaryScoreboardReported(
    0,
    happened.Board(
        player_id="P",
        agent_internal="Wushu",
        is_alive=True,
        armor=0,
        weapon_internal="",
        ult_points=0,
        max_ult_points=7,
        has_spike=False,
        money=800,
        kills=0,
        deaths=0,
        assists=0,
    ),
)


def test_an_empty_player_id_is_supplied_by_the_first_scoreboard_only(world: World) -> None:
    world.start("A")
    client = world.join(player_id="")
    for event, player_id in ((happened.HealthReported("H", 5), "H"), (BOARD, "P"), (BOARD, "Q")):
        client = world.controller.receive_from_auxiliary(client, reported("M", event, player_id=player_id))

    assert client.player_id == "P"


@pytest.mark.parametrize("player_id", ["", None])
def test_a_scoreboard_in_an_empty_envelope_tells_the_player_by_itself(
    world: World, player_id: str | None
) -> None:
    world.start("A")
    client = world.join(player_id="")

    client = world.controller.receive_from_auxiliary(client, reported("M", BOARD, player_id=player_id))
    assert world.player("A").auxiliary.has_scoreboard
    world.controller.disconnect(client)

    assert not world.player("A").auxiliary.has_scoreboard


def test_a_scoreboard_of_a_team_that_there_is_not_does_not_keep_a_match_alive(world: World) -> None:
    observer = world.start("A")
    world.wait(IDLE_MS - 1)
    world.tell(observer, happened.ScoreboardReported(7, BOARD.board))
    world.wait(1)

    assert world.controller.running == 0


def test_a_player_id_of_the_logon_is_not_replaced(world: World) -> None:
    world.start("A")
    client = world.join(player_id="P")

    world.controller.receive_from_auxiliary(client, reported("M", BOARD, player_id="Q"))

    assert client.player_id == "P"


def test_auxiliary_data_behind_the_end_of_the_match_is_refused(world: World) -> None:
    observer = world.start("A")
    client = world.join()
    world.tell(observer, GAME_END)

    with pytest.raises(InvalidMessage, match="match_over"):
        world.report(client, happened.HealthReported("P", 5))


# --- the end --------------------------------------------------------------------------------------------------


def test_at_the_end_the_final_state_is_shown_before_clients_are_let_go(world: World) -> None:
    observer = world.start("A")
    world.join()
    world.tell(observer, happened.ScoreReported(13, 5))

    world.tell(observer, GAME_END)

    (final,) = world.publisher.final
    assert (final.phase, final.is_running, final.teams.left.rounds_won) == ("game_end", False, 13)
    assert world.connections.disconnected == ["obs-A", "aux"]
    assert world.order == ["final", "disconnect"]
    assert world.controller.running == 0


# --- time -----------------------------------------------------------------------------------------------------


def test_a_match_without_an_event_for_half_an_hour_is_removed(world: World) -> None:
    observer = world.start("A")
    world.join()
    world.wait(IDLE_MS - 1)
    assert world.controller.running == 1

    world.wait(1)

    assert world.controller.running == 0
    (final,) = world.publisher.final
    assert not final.is_running
    assert final.match_id == "M"
    assert world.connections.disconnected == ["obs-A", "aux"]
    assert world.controller.result("A") is None  # nobody won
    with pytest.raises(InvalidMessage, match="match_over"):
        world.tell(observer, GAME_END)


@pytest.mark.parametrize("event", [happened.UnknownReported(), happened.MapChosen("Duality")])
def test_any_event_keeps_a_match(world: World, event: happened.Event) -> None:
    observer = world.start("A")
    world.wait(IDLE_MS - 1)
    world.tell(observer, event)

    world.wait(IDLE_MS - 1)

    assert world.controller.running == 1


def test_auxiliary_data_keeps_a_match(world: World) -> None:
    world.start("A")
    client = world.join()
    world.wait(IDLE_MS - 1)
    world.report(client, happened.HealthReported("P", 5))

    world.wait(IDLE_MS - 1)

    assert world.controller.running == 1


def test_what_is_refused_does_not_keep_a_match(world: World) -> None:
    observer = world.start("A")
    world.wait(IDLE_MS - 1)
    with pytest.raises(InvalidMessage):
        world.tell(observer, happened.UnknownReported(), group_code="B")

    world.wait(1)

    assert world.controller.running == 0


def test_a_match_in_a_technical_pause_is_not_removed(world: World) -> None:
    observer = world.start("A")
    world.tell(observer, happened.TechPausePressed())
    world.wait(10 * IDLE_MS)
    assert world.controller.running == 1

    world.tell(observer, happened.TechPausePressed())
    world.wait(IDLE_MS - 1)
    assert world.controller.running == 1
    world.wait(1)
    assert world.controller.running == 0


def test_a_code_is_free_again_when_its_match_was_removed(world: World) -> None:
    world.start("A")
    world.wait(IDLE_MS)

    _, secret = world.controller.log_on_observer("new", observer_logon("A"), "127.0.0.1")

    assert secret == "SECRET000001"
    assert world.newest().match_id == ""


def test_a_tick_shows_a_countdown(world: World) -> None:
    observer = world.start("A")
    world.tell(observer, happened.TeamTimeoutPressed(Seat.LEFT))
    assert world.newest().timeout_remaining_s == 60

    world.wait(1_000)
    assert world.newest().timeout_remaining_s == 59

    world.wait(59_000)
    assert world.newest().pause is None
    assert world.newest().timeouts_left.left == 1


def test_a_tick_tells_whether_something_is_about_to_run_out(world: World) -> None:
    observer = world.start()
    timeout = happened.TeamTimeoutPressed(Seat.LEFT)
    assert not world.controller.tick()

    world.tell(observer, timeout)
    assert world.controller.tick()
    world.tell(observer, timeout)
    assert not world.controller.tick()

    world.tell(observer, happened.ToastPressed({"title": "Hello"}, 5_000))
    assert world.controller.tick()
    world.wait(5_000)
    assert not world.controller.tick()

    world.tell(observer, happened.ToastPressed({"title": "It stays"}, None))
    world.tell(observer, happened.TechPausePressed())
    assert not world.controller.tick()

    observe_beside(world)
    assert not world.controller.tick()
    world.controller.disconnect(observer)
    assert world.controller.tick()
    world.wait(2_000)
    assert not world.controller.tick()
