"""Who may open a match or come into one, whose access key opened it, and what follows from it."""

import logging

import pytest

from tests.live.fakes import CREW, KEY, SUPPORTER, SUPPORTERS_KEY, observer_logon
from tests.live.world import GAME_END, World
from valo_ingest.errors import LogonRefused
from valo_ingest.game import events as happened
from valo_ingest.game.state import new_match
from valo_ingest.live.clients import Observer
from valo_ingest.live.door import hash_secret
from valo_ingest.live.ports import KeptMatch
from valo_ingest.wire.record import KeyHolder

TAKEOVER_MS = 15_000

NEW_KEY = "the key that CREW got after its old one was revoked"
OTHER_KEY = "the key of another crew"
OTHER = KeyHolder(key_name="other crew", organization=CREW.organization)


@pytest.fixture
def world() -> World:
    return World(takeover_after_ms=TAKEOVER_MS)


def log_on(
    world: World, client_id: str, *, key: str = KEY, secret: str = "", group_code: str = "A"
) -> Observer:
    logon = observer_logon(group_code, key=key, secret=secret)
    return world.controller.log_on_observer(client_id, logon, "127.0.0.1")[0]


def revoke(world: World, key: str) -> None:
    del world.access.holders[key]


def kept(world: World, *, key_hash: str = "", ended_at: int | None = None) -> KeptMatch:
    """Return the first match of `world` as a journal keeps it."""
    opening = world.journal.openings[0]
    match = new_match(opening.setup) if ended_at is None else world.publisher.final[0]
    return KeptMatch(
        number=1,
        opening=opening,
        match=match,
        key_hash=key_hash,
        secret_hashes=frozenset(),
        last_entry=0,
        entry_count=0,
        ended_at=ended_at,
    )


def assert_taken_over(world: World, key: str) -> None:
    """Prove that `key` takes match A over, after the time for it and not before."""
    with pytest.raises(LogonRefused, match="exists and is still live"):
        log_on(world, "early", key=key)
    world.clock.advance(TAKEOVER_MS)
    observer = log_on(world, "second", key=key)
    world.tell(observer, happened.ScoreReported(7, 0))
    assert world.newest().teams.left.rounds_won == 7


# --- what is known of a key -----------------------------------------------------------------------------------


def test_the_record_of_a_match_names_the_key_and_does_not_hold_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    log_on(world, "obs")

    (opening,) = world.journal.openings
    assert opening.opened_by == CREW
    assert KEY not in repr(opening)
    assert "match opened by Caster at 127.0.0.1 with access key crew" in caplog.text
    assert KEY not in caplog.text


def test_a_match_stays_that_of_the_key_that_opened_it(world: World) -> None:
    _, secret = world.controller.log_on_observer("1", observer_logon("A"), "127.0.0.1")

    log_on(world, "2", key=SUPPORTERS_KEY, secret=secret)

    assert [opening.opened_by for opening in world.journal.openings] == [CREW]


@pytest.mark.parametrize(("key", "is_supporter"), [(KEY, False), (SUPPORTERS_KEY, True)])
def test_a_result_tells_whether_a_supporter_opened_the_match(
    world: World, key: str, is_supporter: bool
) -> None:
    world.tell(log_on(world, "obs", key=key), GAME_END)
    result = world.controller.result("A")
    assert result is not None
    assert result.is_supporter is is_supporter

    restarted = World()
    restarted.controller.restore([kept(world, ended_at=world.clock.now_ms())], [])

    assert restarted.controller.result("A") == result


@pytest.mark.parametrize(("key", "shown"), [(KEY, ["own", "http://service"]), (SUPPORTERS_KEY, ["own"])])
def test_service_rules_are_not_for_supporters(key: str, shown: list[str]) -> None:
    world = World(service_sponsor_url="http://service")

    logon = observer_logon("A", key=key, sponsorInfo={"enabled": True, "sponsors": ["own"]})
    world.controller.log_on_observer("1", logon, "127.0.0.1")

    assert world.newest().presentation.settings["sponsorInfo"]["sponsors"] == shown


# --- revoked keys ---------------------------------------------------------------------------------------------


def test_a_match_goes_on_when_its_key_is_revoked(world: World) -> None:
    observer = log_on(world, "obs")
    revoke(world, KEY)

    world.tell(observer, happened.ScoreReported(3, 0))
    world.controller.disconnect(observer)
    assert world.controller.resume(observer)
    world.tell(observer, happened.ScoreReported(4, 0))

    assert world.newest().teams.left.rounds_won == 4
    for secret in ("", "SECRET000000"):
        with pytest.raises(LogonRefused, match=r"^Invalid Key$"):
            log_on(world, "again", secret=secret)


# --- taking a match over --------------------------------------------------------------------------------------


def test_the_key_that_opened_a_match_takes_it_over(world: World) -> None:
    world.controller.disconnect(log_on(world, "obs"))

    assert_taken_over(world, KEY)


def test_so_does_the_next_key_of_the_same_name(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.controller.disconnect(log_on(world, "obs"))
    revoke(world, KEY)
    world.access.holders[NEW_KEY] = CREW

    assert_taken_over(world, NEW_KEY)

    assert "taken over from Caster by Caster with access key crew" in caplog.text
    assert NEW_KEY not in caplog.text


@pytest.mark.parametrize("holder", [OTHER, SUPPORTER, KeyHolder(organization=CREW.organization)])
def test_a_key_of_another_name_does_not(world: World, holder: KeyHolder) -> None:
    world.controller.disconnect(log_on(world, "obs"))
    world.access.holders[OTHER_KEY] = holder
    world.clock.advance(TAKEOVER_MS)

    with pytest.raises(LogonRefused, match="exists and is still live"):
        log_on(world, "second", key=OTHER_KEY)


def test_keys_without_a_name_are_not_one_key(world: World) -> None:
    world.access.holders |= {KEY: KeyHolder(), OTHER_KEY: KeyHolder()}
    world.controller.disconnect(log_on(world, "obs"))
    world.clock.advance(TAKEOVER_MS)

    with pytest.raises(LogonRefused, match="exists and is still live"):
        log_on(world, "second", key=OTHER_KEY)
    log_on(world, "third", key=KEY)


def test_nothing_is_taken_over_while_somebody_observes(world: World) -> None:
    log_on(world, "obs")
    world.clock.advance(TAKEOVER_MS)

    with pytest.raises(LogonRefused, match="exists and is still live"):
        log_on(world, "second")


def test_nothing_is_taken_over_where_no_key_is_required() -> None:
    world = World(takeover_after_ms=None)
    world.controller.disconnect(log_on(world, "obs"))
    world.clock.advance(TAKEOVER_MS)

    with pytest.raises(LogonRefused, match="exists and is still live"):
        log_on(world, "second")


@pytest.mark.parametrize("key", [KEY, NEW_KEY])
def test_a_match_is_taken_over_after_a_restart_too(world: World, key: str) -> None:
    log_on(world, "obs")
    restarted = World(takeover_after_ms=TAKEOVER_MS)
    restarted.access.holders[NEW_KEY] = CREW
    restarted.controller.restore([kept(world)], [])

    assert_taken_over(restarted, key)


def test_who_takes_a_match_over_after_a_restart_gets_a_secret_with_which_it_can_come_back(
    world: World,
) -> None:
    log_on(world, "obs")
    restarted = World(takeover_after_ms=TAKEOVER_MS)
    restarted.controller.restore([kept(world)], [])
    restarted.clock.advance(TAKEOVER_MS)

    _, secret = restarted.controller.log_on_observer("second", observer_logon("A", key=KEY), "127.0.0.1")

    assert secret
    log_on(restarted, "third", secret=secret)


def test_a_match_of_an_older_journal_is_taken_over_with_its_very_key(world: World) -> None:
    world.access.holders[KEY] = KeyHolder()  # as versions before names of keys kept it
    log_on(world, "obs")
    restarted = World(takeover_after_ms=TAKEOVER_MS)
    restarted.access.holders[NEW_KEY] = CREW
    restarted.controller.restore([kept(world, key_hash=hash_secret(KEY))], [])
    restarted.clock.advance(TAKEOVER_MS)

    with pytest.raises(LogonRefused, match="exists and is still live"):
        log_on(restarted, "second", key=NEW_KEY)
    log_on(restarted, "third", key=KEY)


# --- secrets and room -----------------------------------------------------------------------------------------


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


def test_every_match_has_a_secret_of_its_own(world: World) -> None:
    _, first = world.controller.log_on_observer("1", observer_logon("A"), "127.0.0.1")
    _, second = world.controller.log_on_observer("2", observer_logon("B"), "127.0.0.1")

    assert first != second


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


@pytest.mark.parametrize(("url", "shown"), [("", ["own"]), ("http://service", ["own", "http://service"])])
def test_service_rules_hold_where_they_are_set(url: str, shown: list[str]) -> None:
    world = World(service_sponsor_url=url)

    world.controller.log_on_observer(
        "1", observer_logon("A", sponsorInfo={"enabled": True, "sponsors": ["own"]}), "127.0.0.1"
    )

    assert world.newest().presentation.settings["sponsorInfo"]["sponsors"] == shown
