import msgspec
import pytest

from tests.live.fakes import KEY
from tests.live.watched import WatchedWorld
from valo_ingest.game import events as happened
from valo_ingest.live.facts import ClientState, PurseFacts, RoundFacts
from valo_ingest.live.problems import AUXILIARY_QUIET_MS

HEALTH = happened.HealthReported("P", 100)
CHARGES = happened.AbilitiesReported("P", 1, 2, 0)


def board(**changes: object) -> happened.Board:
    values = {
        "player_id": "P",
        "agent_internal": "Wushu",
        "is_alive": True,
        "armor": 2,
        "weapon_internal": "TX_Hud_Volcano",
        "ult_points": 1,
        "max_ult_points": 7,
        "has_spike": False,
        "money": 900,
        "kills": 1,
        "deaths": 2,
        "assists": 3,
    }
    return happened.Board(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def world() -> WatchedWorld:
    return WatchedWorld()


def test_the_observer_is_told_with_address_version_and_since_when(world: WatchedWorld) -> None:
    opened_at = world.clock.now_ms()
    world.play()
    world.clock.advance(10)

    (observer,) = world.facts().observers
    assert (observer.name, observer.address, observer.client_version) == ("Caster", "127.0.0.1", "0.3.20")
    assert observer.connected_at == opened_at
    assert observer.last_event_at == opened_at


def test_an_observer_that_came_back_is_there_since_then(world: WatchedWorld) -> None:
    observer = world.play()
    world.controller.disconnect(observer)
    world.clock.advance(1_000)
    assert world.controller.resume(msgspec.structs.replace(observer, client_id="again"))

    (back,) = world.facts().observers
    assert back.connected_at == world.clock.now_ms()
    assert back.client_version == "0.3.20"


def test_a_player_without_a_client_has_none(world: WatchedWorld) -> None:
    world.play()

    assert world.player_glance().state is ClientState.NONE
    assert world.facts().players[0].auxiliary.client is None


def test_what_a_client_delivers_is_told_and_how_lately(world: WatchedWorld) -> None:
    world.play()
    client = world.join()
    assert world.player_glance().delivers == ()
    world.report(client, HEALTH)
    health_at = world.clock.now_ms()
    world.clock.advance(1_000)
    world.report(client, CHARGES)
    world.report(client, happened.AuxiliaryTeamBoardReported((board(),)))

    own = world.facts().players[0].auxiliary
    assert own.delivers == world.player_glance().delivers == ("health", "abilities", "scoreboard")
    assert (own.health_at, own.abilities_at) == (health_at, health_at + 1_000)
    assert own.scoreboard_at == health_at + 1_000
    assert own.client is not None and own.client.address == "10.0.0.9"


def test_a_board_counts_as_delivered_also_where_that_of_the_observer_is_used(world: WatchedWorld) -> None:
    observer = world.play()
    world.tell(observer, happened.ScoreboardReported(0, board()))
    client = world.join()
    world.report(client, happened.AuxiliaryScoreboardReported(0, board()))

    assert not world.live().match.teams.left.players[0].auxiliary.has_scoreboard
    assert world.player_glance().delivers == ("scoreboard",)


def test_a_client_is_fresh_quiet_or_gone(world: WatchedWorld) -> None:
    world.play()
    client = world.join()
    world.report(client, HEALTH)
    assert world.player_glance().state is ClientState.FRESH

    world.clock.advance(AUXILIARY_QUIET_MS)
    assert world.player_glance().state is ClientState.QUIET

    world.controller.disconnect(client)
    assert world.player_glance().state is ClientState.GONE
    assert world.player_glance().since == world.clock.now_ms()


def test_a_client_that_names_its_player_late_is_his(world: WatchedWorld) -> None:
    world.play()
    client = world.join(player_id="")
    assert [other.name for other in world.facts().other_auxiliaries] == ["Player"]

    world.report(client, happened.AuxiliaryScoreboardReported(0, board()))

    assert world.facts().other_auxiliaries == ()
    assert world.player_glance().state is ClientState.FRESH


def test_what_changes_with_every_event_is_not_in_a_glance(world: WatchedWorld) -> None:
    observer = world.play()
    client = world.join()
    world.report(client, HEALTH)
    before = world.glance()
    world.clock.advance(1_000)
    world.watch.sample()
    world.tell(observer, happened.ScoreboardReported(0, board(kills=5, money=100)))
    world.report(client, HEALTH)

    assert world.glance() == before


def test_pauses_have_words(world: WatchedWorld) -> None:
    observer = world.play()
    world.tell(observer, happened.TechPausePressed())

    assert world.glance().pause == "technical pause"


def test_rounds_have_winner_reason_and_purses(world: WatchedWorld) -> None:
    observer = world.start()
    for event in (
        happened.RoundPhaseChanged(number=1, phase="shopping"),
        happened.ScoreboardReported(0, board(money=800)),
        happened.ScoreboardReported(0, board(money=300)),
        happened.RoundPhaseChanged(number=1, phase="combat"),
        happened.SpikePlanted(),
        happened.SpikeDetonated(),
        happened.RoundPhaseChanged(number=1, phase="end"),
        happened.ScoreReported(1, 0),
        happened.RoundPhaseChanged(number=2, phase="shopping"),
        happened.RoundPhaseChanged(number=2, phase="combat"),
    ):
        world.tell(observer, event)

    assert world.details().rounds == [
        RoundFacts(
            number=1,
            winner="left",
            reason="detonated",
            attackers="left",
            left=PurseFacts(500, 300),
            right=PurseFacts(0, 0),
        ),
        RoundFacts(
            number=2,
            winner="",
            reason="",
            attackers="",
            left=PurseFacts(0, 300),
            right=PurseFacts(0, 0),
        ),
    ]


def test_a_match_that_ended_is_told_without_clients_and_problems(world: WatchedWorld) -> None:
    observer = world.play()
    world.join()
    world.tell(observer, happened.RoundPhaseChanged(number=1, phase="game_end"))

    facts = world.facts()
    assert (facts.is_live, facts.is_finished, facts.ended_at) == (False, True, world.clock.now_ms())
    assert facts.observers == facts.problems == facts.other_auxiliaries == ()
    assert len(facts.players) == 1


def test_the_latest_events_and_comings_come_first(world: WatchedWorld) -> None:
    world.play()
    world.join()

    details = world.details()
    assert [event.type for event in details.events][:1] == [""]  # the fakes have no texts
    assert details.connections[0].kind == "auxiliary_on"


def test_no_secret_is_in_anything_that_is_told(world: WatchedWorld) -> None:
    world.play()
    world.join()

    told = msgspec.json.encode((world.details(), world.overview())).decode()

    assert KEY not in told
    assert "SECRET" not in told
    assert "client_id" not in told and "clientId" not in told
