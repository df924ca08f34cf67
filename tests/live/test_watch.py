import pytest

from tests.live.watched import WatchedWorld
from valo_ingest.errors import InvalidMessage, LogonRefused
from valo_ingest.game import events as happened
from valo_ingest.live.facts import Problem, Severity
from valo_ingest.live.ports import JournalHealth
from valo_ingest.live.problems import LATELY_MS
from valo_ingest.live.watch import MAX_WAITING


@pytest.fixture
def world() -> WatchedWorld:
    return WatchedWorld()


def codes(world: WatchedWorld) -> list[str]:
    return [problem.code for problem in world.overview().problems]


def test_all_is_well(world: WatchedWorld) -> None:
    world.play()

    assert codes(world) == []
    assert world.overview().overlays == 1


def test_an_overlay_that_waits_for_a_code_without_a_match_is_told_which_was_meant(
    world: WatchedWorld,
) -> None:
    world.play("FINALS")
    world.overlays.add("finals", address="10.0.0.4")

    (waiting,) = world.overview().waiting
    assert (waiting.group_code, waiting.overlays, waiting.addresses) == ("finals", 1, ("10.0.0.4",))
    assert (waiting.nearest, waiting.difference) == ("FINALS", "differs only in capital letters")
    assert codes(world) == ["overlay_waits"]


def test_who_was_meant_is_looked_for_again_when_there_are_other_matches(world: WatchedWorld) -> None:
    world.play("FINALS")
    world.overlays.add("SEMIS")
    assert world.overview().waiting[0].nearest == "FINALS"

    world.play("SEMI", "N")

    assert world.overview().waiting[0].nearest == "SEMI"


def test_an_overlay_of_a_match_that_just_ended_does_not_wait(world: WatchedWorld) -> None:
    observer = world.play()
    world.tell(observer, happened.RoundPhaseChanged(number=1, phase="game_end"))

    assert world.overview().waiting == ()


def test_an_overlay_may_follow_several_codes(world: WatchedWorld) -> None:
    world.play("A")
    world.overlays.add("A", "B")

    assert [waiting.group_code for waiting in world.overview().waiting] == ["B"]
    assert world.glance("A").overlays == 2


def test_of_many_codes_those_with_the_most_overlays_are_told(world: WatchedWorld) -> None:
    for number in range(MAX_WAITING + 10):
        world.overlays.add(f"CODE {number}")
    world.overlays.add("CODE 25")

    overview = world.overview()
    assert len(overview.waiting) == MAX_WAITING
    assert overview.waiting[0].group_code == "CODE 25"
    assert overview.more_waiting == 10


def test_a_failing_journal_comes_first(world: WatchedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.overlays.add("B")
    monkeypatch.setattr(world.journal, "health", lambda: JournalHealth(fault="disk full", waiting=3))

    assert codes(world) == ["journal_failing", "overlay_waits"]
    assert "disk full" in world.overview().problems[0].text


def test_a_refused_logon_is_told_with_words_and_address_for_a_while(world: WatchedWorld) -> None:
    world.refusals.refuse_logon("A", LogonRefused("invalid_key", "Invalid Key"), address="10.0.0.3")

    (problem,) = world.overview().problems
    assert problem.text == "From 10.0.0.3: a logon with a wrong access key"
    assert "Type the key anew" in problem.advice

    world.clock.advance(LATELY_MS)
    assert codes(world) == []
    assert [refused.code for refused in world.overview().refused] == ["invalid_key"]


def test_who_types_the_wrong_scheme_or_takes_no_certificate_is_a_problem_too(world: WatchedWorld) -> None:
    for number, code in enumerate(("tls_on_plain_port", "plain_on_tls_port", "certificate_refused")):
        world.refusals.refuse_connection(f"10.0.0.{number}", code, "what happened")

    assert codes(world) == ["refused_logon"] * 3
    assert {problem.text for problem in world.overview().problems} == {
        "From 10.0.0.0: https:// was typed for a port without TLS",
        "From 10.0.0.1: http:// was typed for a port with TLS",
        "From 10.0.0.2: a client that does not take the certificate of this server",
    }


def test_all_who_were_refused_for_the_same_reason_are_named(world: WatchedWorld) -> None:
    for address in ("10.0.0.3", "10.0.0.4", "10.0.0.3"):
        world.refusals.refuse_connection(address, "no_logon", "it did not log on")

    (problem,) = world.overview().problems
    assert problem.text == "From 10.0.0.3, 10.0.0.4: connected, but did not log on"


def test_who_has_not_been_refused_lately_is_not_named_for_what_others_do(world: WatchedWorld) -> None:
    world.refusals.refuse_connection("10.0.0.3", "no_logon", "it did not log on")
    world.clock.advance(LATELY_MS)
    world.refusals.refuse_connection("10.0.0.4", "no_logon", "it did not log on")

    (problem,) = world.overview().problems
    assert problem.text == "From 10.0.0.4: connected, but did not log on"


def test_what_is_wrong_with_the_server_comes_before_what_is_refused() -> None:
    own = Problem(code="disk_full", severity=Severity.ALARM, text="full", advice="free some")
    world = WatchedWorld(own_problems=lambda: (own,))
    world.overlays.add("B")

    assert codes(world) == ["disk_full", "overlay_waits"]


def test_refused_messages_are_counted_and_are_no_problem_of_the_server(world: WatchedWorld) -> None:
    for _ in range(3):
        world.refusals.refuse_message("A", InvalidMessage("not_json", "not JSON"), address="10.0.0.3")

    (refused,) = world.overview().refused
    assert (refused.count, refused.title) == (3, "A message that is no JSON")
    assert refused.latest.address == "10.0.0.3"
    assert codes(world) == []


def test_a_match_is_found_by_code_or_number_the_live_one_before_those_that_ended(world: WatchedWorld) -> None:
    observer = world.play("A")
    first = world.live("A").number
    world.tell(observer, happened.RoundPhaseChanged(number=1, phase="game_end"))
    world.play("A", "N")

    assert world.live("A").ended_at is None
    ended = world.watch.find("", first)
    assert ended is not None and ended.ended_at is not None
    assert world.watch.find("B") is None


def test_rates_are_sampled(world: WatchedWorld) -> None:
    observer = world.play()
    world.watch.sample()
    for _ in range(10):
        world.tell(observer, happened.SpikePlanted())
    world.clock.advance(1_000)
    world.watch.sample()

    assert world.facts().events_per_s == 10
