import pytest

from tests.live.fakes import FakeJournal
from valo_ingest.clock import ManualClock
from valo_ingest.live.clients import Auxiliary, Client, Follower, Observer
from valo_ingest.live.sessions import Sessions, hash_token

TTL_MS = 7_200_000
MAX_LOST_PER_ADDRESS = 3
MAX_LOST = 5
ADDRESS = "10.0.0.1"
ANYBODY: tuple[type[Client], ...] = (Observer, Auxiliary, Follower)


class World:
    """Sessions whose tokens are "t1", "t2" and so on, in the order of their connections."""

    def __init__(self, journal: FakeJournal | None = None) -> None:
        self.clock = ManualClock()
        self.journal = journal or FakeJournal()
        numbers = iter(range(1, 1_000))
        self.sessions = Sessions(
            clock=self.clock,
            journal=self.journal,
            new_token=lambda: f"t{next(numbers)}",
            ttl_ms=TTL_MS,
            max_lost_per_address=MAX_LOST_PER_ADDRESS,
            max_lost=MAX_LOST,
        )

    def log_on(self, client_id: str = "a", address: str = ADDRESS) -> str:
        """Connect and log on; return the token."""
        self.sessions.offer(client_id, address)
        self.sessions.start(observer(client_id))
        return str(self.sessions.token_of(client_id))

    def come_back(self, token: object, client_id: str) -> Client | None:
        self.sessions.offer(client_id, ADDRESS)
        resumed = self.sessions.resume(token, client_id, ANYBODY)
        return None if resumed is None else resumed.client


def observer(client_id: str) -> Observer:
    return Observer(client_id=client_id, group_code="A", name="Caster")


@pytest.fixture
def world() -> World:
    return World()


def test_a_lost_client_comes_back_as_who_it_was(world: World) -> None:
    token = world.log_on("a")
    world.sessions.lose("a")

    assert world.come_back(token, "b") == observer("b")


def test_a_connection_that_is_still_there_is_taken_over(world: World) -> None:
    token = world.log_on("a")
    world.sessions.offer("b", ADDRESS)

    resumed = world.sessions.resume(token, "b", ANYBODY)

    assert resumed is not None
    assert resumed.previous == observer("a")


def test_a_used_token_is_good_until_the_client_has_shown_that_it_knows_the_new_one(world: World) -> None:
    token = world.log_on("a")
    world.sessions.lose("a")
    world.come_back(token, "b")
    world.sessions.lose("b")  # before it heard of its new token

    assert world.come_back(token, "c") == observer("c")


def test_a_used_token_is_worth_nothing_once_its_owner_has_used_it(world: World) -> None:
    token = world.log_on("a")
    world.sessions.lose("a")
    world.come_back(token, "b")
    world.sessions.confirm("b")

    assert world.come_back(token, "thief") is None
    assert world.come_back(world.sessions.token_of("b"), "c") == observer("c")


@pytest.mark.parametrize("token", [None, "", 5, "t999", "x" * 65, {"pid": "t1"}, "\ud800"])
def test_what_is_no_token_of_ours_is_nobody(world: World, token: object) -> None:
    world.log_on("a")

    assert world.come_back(token, "b") is None


def test_a_token_without_a_logon_is_nobody(world: World) -> None:
    world.sessions.offer("a", ADDRESS)
    token = world.sessions.token_of("a")
    world.sessions.lose("a")

    assert world.come_back(token, "b") is None


def test_a_token_is_good_only_where_its_kind_of_client_connects(world: World) -> None:
    token = world.log_on("a")
    world.sessions.lose("a")
    world.sessions.offer("b", ADDRESS)

    assert world.sessions.resume(token, "b", (Follower,)) is None
    assert world.come_back(token, "c") == observer("c")


def test_a_deliberate_disconnect_ends_the_session(world: World) -> None:
    token = world.log_on("a")
    world.sessions.end("a")

    assert world.come_back(token, "b") is None
    assert world.journal.sessions == {}


def test_a_session_ends_when_its_client_stays_away_too_long(world: World) -> None:
    token = world.log_on("a")
    world.sessions.lose("a")
    world.clock.advance(TTL_MS)

    assert world.come_back(token, "b") is None


def test_old_sessions_are_cleared_away(world: World) -> None:
    world.log_on("a")
    world.sessions.lose("a")
    world.clock.advance(TTL_MS - 1)
    world.sessions.tick()
    assert len(world.journal.sessions) == 1

    world.clock.advance(1)
    world.sessions.tick()
    assert world.journal.sessions == {}


def test_sessions_outlast_the_server(world: World) -> None:
    token = world.log_on("a")
    restarted = World(world.journal)
    restarted.sessions.restore(list(world.journal.sessions.values()))

    assert restarted.come_back(token, "b") == observer("b")


def test_what_the_journal_keeps_is_hashed(world: World) -> None:
    token = world.log_on("a")

    (kept,) = world.journal.sessions.values()
    assert token not in repr(kept)
    assert kept.token_hashes == (hash_token(token),)


def test_a_client_that_is_known_better_later_is_kept_so(world: World) -> None:
    world.sessions.offer("x", ADDRESS)
    world.sessions.start(Auxiliary(client_id="x", match_id="M", player_id="", name="N"))
    known = Auxiliary(client_id="x", match_id="M", player_id="P", name="N")
    world.sessions.start(known)

    assert [kept.client for kept in world.journal.sessions.values()] == [known]


def test_a_token_is_in_the_journal_before_the_client_hears_of_it(world: World) -> None:
    token = world.log_on("a")
    world.sessions.lose("a")
    before = world.journal.commits

    world.come_back(token, "b")

    assert world.journal.commits > before


def lose(world: World, client_id: str, address: str = ADDRESS) -> str:
    """Log a client on and lose it; return its token."""
    token = world.log_on(client_id, address)
    world.sessions.lose(client_id)
    return token


def test_of_one_address_only_so_many_lost_clients_are_kept_and_the_first_one_makes_room(world: World) -> None:
    tokens = [lose(world, f"lost-{number}") for number in range(MAX_LOST_PER_ADDRESS + 1)]
    elsewhere = lose(world, "elsewhere", "10.0.0.2")

    assert world.come_back(tokens[0], "b") is None
    assert len(world.journal.sessions) == MAX_LOST_PER_ADDRESS + 1
    assert [world.come_back(token, f"b-{token}") for token in (*tokens[1:], elsewhere)].count(None) == 0


def test_who_came_back_is_not_counted_as_lost(world: World) -> None:
    first = lose(world, "first")
    world.come_back(first, "back")
    world.sessions.confirm("back")
    for number in range(MAX_LOST_PER_ADDRESS):
        lose(world, f"lost-{number}")

    assert len(world.journal.sessions) == MAX_LOST_PER_ADDRESS + 1


def test_of_all_addresses_together_only_so_many_lost_clients_are_kept(world: World) -> None:
    tokens = [lose(world, f"lost-{number}", f"10.0.1.{number}") for number in range(MAX_LOST + 2)]

    assert len(world.journal.sessions) == MAX_LOST
    assert world.come_back(tokens[1], "b") is None
    assert world.come_back(tokens[2], "c") is not None


def test_lost_overlays_do_not_take_the_place_of_lost_observers(world: World) -> None:
    token = lose(world, "observer")
    for number in range(2 * MAX_LOST):
        world.sessions.offer(f"overlay-{number}", ADDRESS)
        world.sessions.start(Follower(client_id=f"overlay-{number}", group_codes=("A",)))
        world.sessions.lose(f"overlay-{number}")

    assert len(world.journal.sessions) == 1 + MAX_LOST_PER_ADDRESS
    assert world.come_back(token, "b") == observer("b")


def test_after_a_restart_nobody_makes_room_whose_address_is_not_known(world: World) -> None:
    for number in range(MAX_LOST):
        world.log_on(f"live-{number}")
    restarted = World(world.journal)

    restarted.sessions.restore(list(world.journal.sessions.values()))

    assert len(world.journal.sessions) == MAX_LOST
