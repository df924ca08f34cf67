import pytest

from tests.live.watched import WatchedWorld
from valo_ingest.errors import InvalidMessage, LogonRefused
from valo_ingest.game import events as happened
from valo_ingest.live.problems import (
    AUXILIARY_QUIET_MS,
    LATELY_MS,
    OBSERVER_QUIET_MS,
    OVERLAY_BEHIND_MS,
)

HEALTH = happened.HealthReported("P", 100)


@pytest.fixture
def world() -> WatchedWorld:
    return WatchedWorld()


def test_a_match_that_is_played_and_watched_has_no_problem(world: WatchedWorld) -> None:
    world.play()

    assert world.problems() == {}


def test_that_nobody_observes_is_an_alarm(world: WatchedWorld) -> None:
    observer = world.play()
    world.clock.advance(5)
    world.controller.disconnect(observer)
    lost_at = world.clock.now_ms()
    world.clock.advance(60_000)

    assert world.problems() == {"no_observer": "alarm"}
    assert world.glance().problems[0].since == lost_at


def test_an_observer_that_sends_nothing_is_an_alarm_in_combat(world: WatchedWorld) -> None:
    world.play()
    world.clock.advance(OBSERVER_QUIET_MS - 1)
    assert world.problems() == {}

    world.clock.advance(1)

    assert world.problems() == {"observer_quiet": "alarm"}
    assert "Caster" in world.glance().problems[0].text


def test_what_others_send_does_not_hide_that_the_observer_is_quiet(world: WatchedWorld) -> None:
    world.play()
    client = world.join()
    world.clock.advance(OBSERVER_QUIET_MS)
    world.report(client, HEALTH)

    assert "observer_quiet" in world.problems()


def test_outside_of_combat_a_quiet_observer_is_no_alarm_yet(world: WatchedWorld) -> None:
    world.play(phase="shopping")
    world.clock.advance(OBSERVER_QUIET_MS)

    assert world.problems() == {"observer_quiet": "warning"}


def test_before_the_first_round_nobody_has_to_send(world: WatchedWorld) -> None:
    world.start()
    world.overlays.add("A")
    world.clock.advance(OBSERVER_QUIET_MS)

    assert world.problems() == {}


def test_in_a_technical_pause_nobody_has_to_send(world: WatchedWorld) -> None:
    observer = world.play()
    world.tell(observer, happened.TechPausePressed())
    world.clock.advance(OBSERVER_QUIET_MS)

    assert world.problems() == {}


def test_a_game_that_has_not_started_is_worth_a_note(world: WatchedWorld) -> None:
    world.observe()
    world.overlays.add("A")

    assert world.problems() == {"not_started": "note"}


def test_a_client_that_was_cut_is_a_warning_with_its_players_name(world: WatchedWorld) -> None:
    world.play()
    client = world.join()
    world.controller.disconnect(client)

    assert world.problems() == {"auxiliary_gone": "warning"}
    assert "Neo" in world.glance().problems[0].text


def test_a_client_that_is_back_is_no_problem_any_more(world: WatchedWorld) -> None:
    world.play()
    world.controller.disconnect(world.join())
    world.join(client_id="again")

    assert world.problems() == {}


def test_a_quiet_client_is_worth_a_note(world: WatchedWorld) -> None:
    observer = world.play()
    client = world.join()
    world.report(client, HEALTH)
    heard_at = world.clock.now_ms()
    world.clock.advance(AUXILIARY_QUIET_MS)
    world.tell(observer, happened.SpikePlanted())

    assert world.problems() == {"auxiliary_quiet": "note"}
    assert world.glance().problems[0].since == heard_at


def test_an_overlay_that_cannot_keep_up_is_a_warning_after_a_moment(world: WatchedWorld) -> None:
    world.play()
    world.overlays.add("A", address="10.0.0.8", A=world.clock.now_ms())
    assert world.problems() == {}

    world.clock.advance(OVERLAY_BEHIND_MS)

    assert world.problems() == {"overlay_behind": "warning"}
    assert "10.0.0.8" in world.glance().problems[0].text


def test_that_nobody_watches_is_worth_a_note(world: WatchedWorld) -> None:
    world.play()
    world.overlays.there.clear()

    assert world.problems() == {"nobody_watches": "note"}


@pytest.mark.parametrize("whose", [{"group_code": "A"}, {"group_code": "-", "match_id": "M"}])
def test_a_refused_message_is_a_warning_for_a_while(world: WatchedWorld, whose: dict[str, str]) -> None:
    observer = world.play()
    error = InvalidMessage("invalid_field", "not a number", path="data.team_0")
    world.refusals.refuse_message(whose["group_code"], error, match_id=whose.get("match_id", ""))
    assert world.problems() == {"refused": "warning"}

    world.clock.advance(LATELY_MS)
    world.tell(observer, happened.SpikePlanted())

    assert world.problems() == {}


def test_what_was_refused_of_another_match_is_no_problem_of_this_one(world: WatchedWorld) -> None:
    world.play()
    world.refusals.refuse_message("B", InvalidMessage("not_json", "not JSON"))

    assert world.problems() == {}


def test_a_refused_logon_is_no_problem_of_the_match_that_is_live(world: WatchedWorld) -> None:
    world.play()
    world.refusals.refuse_logon("A", LogonRefused("group_code_taken", "exists"), address="10.0.0.3")

    assert world.problems() == {}
    assert [problem.code for problem in world.overview().problems] == ["refused_logon"]


def test_the_worst_comes_first(world: WatchedWorld) -> None:
    world.play()
    world.overlays.there.clear()
    world.controller.disconnect(world.join())
    world.clock.advance(OBSERVER_QUIET_MS)

    assert list(world.problems().values()) == ["alarm", "warning", "note"]


def test_a_problem_stays_equal_to_itself_as_long_as_it_lasts(world: WatchedWorld) -> None:
    """So that nobody is told of it again and again."""
    world.play()
    world.controller.disconnect(world.join())
    world.clock.advance(OBSERVER_QUIET_MS)
    first = world.glance().problems
    world.clock.advance(1_000)

    assert world.glance().problems == first
