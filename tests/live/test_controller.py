import logging

import pytest
from msgspec.structs import replace

from tests.live.fakes import (
    KEY,
    FakeAccess,
    FakeConnections,
    FakeJournal,
    FakePublisher,
    auxiliary_logon,
    observer_logon,
    reported,
    told,
)
from valo_ingest.clock import ManualClock
from valo_ingest.errors import InvalidMessage, LeftAside, LogonRefused
from valo_ingest.game import events as happened
from valo_ingest.game.seats import Seat
from valo_ingest.game.state import Match, Player
from valo_ingest.live.clients import Auxiliary, Observer
from valo_ingest.live.controller import MatchController
from valo_ingest.live.matches import ControllerLimits
from valo_ingest.live.turns import Turns

MINUTE_MS = 60_000
IDLE_MS = 30 * MINUTE_MS
RESULT_MS = 60 * MINUTE_MS

PLAYER = happened.RosterReported(
    team_number=0, player_id="P", name="Neo", tagline="EU", agent_internal="Wushu", position=0, locked=True
)
GAME_END = happened.RoundPhaseChanged(number=20, phase="game_end")


class World:
    """A controller between fakes."""

    def __init__(
        self, *, service_sponsor_url: str = "", takeover_after_ms: int | None = None, max_per_key: int = 100
    ) -> None:
        self.clock = ManualClock()
        self.access = FakeAccess()
        self.order: list[str] = []
        self.publisher = FakePublisher(self.order)
        self.connections = FakeConnections(self.order)
        self.journal = FakeJournal()
        self._secrets = iter(f"SECRET{number:06}" for number in range(1_000))
        self.controller = MatchController(
            clock=self.clock,
            access=self.access,
            publisher=self.publisher,
            connections=self.connections,
            new_secret=lambda: next(self._secrets),
            journal=self.journal,
            turns=Turns(clock=self.clock, call_later=lambda seconds, *call: None, commit=self.journal.commit),
            limits=ControllerLimits(
                idle_ms=IDLE_MS,
                result_ms=RESULT_MS,
                takeover_after_ms=takeover_after_ms,
                max_per_key=max_per_key,
            ),
            service_sponsor_url=service_sponsor_url,
        )

    def observe(self, group_code: str = "A", *, client_id: str = "", secret: str = "") -> Observer:
        observer, _ = self.controller.log_on_observer(
            client_id or f"obs-{group_code}", observer_logon(group_code, secret=secret), "127.0.0.1"
        )
        return observer

    def start(self, group_code: str = "A", match_id: str = "M") -> Observer:
        """Open a match that has started, with one player in it."""
        observer = self.observe(group_code)
        self.tell(observer, PLAYER)
        self.tell(observer, happened.MatchStarted(match_id))
        return observer

    def join(self, match_id: str = "M", *, client_id: str = "aux", player_id: str = "P") -> Auxiliary:
        return self.controller.log_on_auxiliary(client_id, auxiliary_logon(match_id, player_id))

    def tell(self, observer: Observer, event: happened.Event, *, group_code: str | None = None) -> None:
        self.controller.receive_from_observer(observer, told(group_code or observer.group_code, event))

    def report(self, client: Auxiliary, event: happened.Event, *, match_id: str | None = None) -> None:
        self.controller.receive_from_auxiliary(client, reported(match_id or client.match_id, event))

    def newest(self, group_code: str = "A") -> Match:
        return self.publisher.newest(group_code)

    def player(self, group_code: str = "A") -> Player:
        return self.newest(group_code).teams.left.players[0]

    def wait(self, duration_ms: int) -> None:
        self.clock.advance(duration_ms)
        self.controller.tick()


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


def test_every_match_has_a_secret_of_its_own(world: World) -> None:
    _, first = world.controller.log_on_observer("1", observer_logon("A"), "127.0.0.1")
    _, second = world.controller.log_on_observer("2", observer_logon("B"), "127.0.0.1")

    assert first != second


def test_a_wrong_key_opens_nothing(world: World) -> None:
    with pytest.raises(LogonRefused, match=r"^Invalid Key$"):
        world.controller.log_on_observer("obs", observer_logon("A", key="wrong"), "127.0.0.1")

    assert world.controller.running == 0
    assert world.publisher.published == []


def test_a_key_opens_so_many_matches_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    world = World(max_per_key=2)
    first = world.start("A")
    world.observe("B")

    with pytest.raises(LogonRefused, match="2 live matches already") as caught:
        world.observe("C")
    assert caught.value.code == "too_many_matches"
    assert world.controller.running == 2

    world.tell(first, GAME_END)
    world.observe("C")


def test_a_key_with_as_many_matches_as_it_may_have_still_comes_back_to_them() -> None:
    world = World(max_per_key=1)
    _, secret = world.controller.log_on_observer("1", observer_logon("A"), "127.0.0.1")

    world.observe("A", client_id="2", secret=secret)


def test_the_key_is_checked_before_the_group_code_and_also_of_those_who_come_back(world: World) -> None:
    _, secret = world.controller.log_on_observer("1", observer_logon("A"), "127.0.0.1")

    with pytest.raises(LogonRefused, match=r"^Invalid Key$"):
        world.controller.log_on_observer("2", observer_logon("A", key="wrong", secret=secret), "127.0.0.1")
    assert world.access.checked == [KEY, "wrong"]


@pytest.mark.parametrize(
    "secret", ["", "secret000000", "SECRET00000", "SECRET0000000", "SÉCRET000000", "\x00"]
)
def test_a_live_match_is_closed_to_those_who_do_not_know_its_secret(world: World, secret: str) -> None:
    world.start("A")
    before = world.newest()

    with pytest.raises(LogonRefused, match=r"^Game with Group Code A exists and is still live\.$") as caught:
        world.controller.log_on_observer("2", observer_logon("A", secret=secret), "127.0.0.1")

    assert caught.value.code == "group_code_taken"
    assert world.newest() is before


def test_who_knows_the_secret_gets_it_again_and_the_match_keeps_its_setup(world: World) -> None:
    _, secret = world.controller.log_on_observer("1", observer_logon("A", timeoutDuration=33), "127.0.0.1")

    observer, again = world.controller.log_on_observer(
        "2", observer_logon("A", secret=secret, timeoutDuration=44), "127.0.0.1"
    )

    assert again == secret
    assert (observer.client_id, observer.group_code, observer.name) == ("2", "A", "Caster")
    assert world.newest().presentation.timeout_s == 33


def test_the_secret_of_one_match_opens_no_other(world: World) -> None:
    _, secret = world.controller.log_on_observer("1", observer_logon("A"), "127.0.0.1")
    world.observe("B")

    with pytest.raises(LogonRefused):
        world.controller.log_on_observer("2", observer_logon("B", secret=secret), "127.0.0.1")


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


def test_both_teams_attacking_is_a_warning(world: World, caplog: pytest.LogCaptureFixture) -> None:
    logon = observer_logon("A")
    left = logon.setup.teams.left
    setup = type(logon.setup)(
        group_code="A", teams=type(logon.setup.teams)(left, left), presentation=logon.setup.presentation
    )
    both = type(logon)(
        client_version="0.3.20", observer_name="C", key=KEY, group_code="A", group_secret="", setup=setup
    )

    world.controller.log_on_observer("1", both, "127.0.0.1")

    assert "group_code=A the logon lets both teams attack first" in caplog.text
    assert [team.is_attacking for team in world.newest().teams] == [True, False]


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


def test_the_data_of_a_player_is_unavailable_when_its_client_is_gone(world: World) -> None:
    for group_code in ("A", "B"):
        world.start(group_code, "M")
    client = world.join("M")
    world.report(client, happened.HealthReported("P", 5))
    assert world.player("B").auxiliary.has_health

    world.controller.disconnect(client)

    assert not world.player("A").auxiliary.has_health
    assert not world.player("B").auxiliary.has_health


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


def test_the_last_state_of_a_removed_match_is_kept_for_an_hour(world: World) -> None:
    world.start("A")
    world.wait(IDLE_MS)
    world.wait(RESULT_MS - 1)
    assert world.publisher.forgotten == []

    world.wait(1)

    assert world.publisher.forgotten == ["A"]


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


@pytest.mark.parametrize(("url", "shown"), [("", ["own"]), ("http://service", ["own", "http://service"])])
def test_service_rules_hold_where_they_are_set(url: str, shown: list[str]) -> None:
    world = World(service_sponsor_url=url)

    world.controller.log_on_observer(
        "1", observer_logon("A", sponsorInfo={"enabled": True, "sponsors": ["own"]}), "127.0.0.1"
    )

    assert world.newest().presentation.settings["sponsorInfo"]["sponsors"] == shown
