"""A controller between fakes."""

from msgspec.structs import replace

from tests.live.fakes import (
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
from valo_ingest.game import events as happened
from valo_ingest.game.state import Match, Player
from valo_ingest.live.clients import Auxiliary, Client, Observer
from valo_ingest.live.controller import MatchController
from valo_ingest.live.matches import ControllerLimits
from valo_ingest.live.ports import KeptMatch
from valo_ingest.live.turns import Turns
from valo_ingest.wire.record import Kind

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


def kinds(world: World) -> list[Kind]:
    return [entry.kind for _, entry in world.journal.entries if entry.kind > Kind.AUXILIARY_MESSAGE]


def connection_of(world: World, client_id: str) -> int:
    return world.controller.activities[client_id].connection


def observe_beside(world: World) -> Observer:
    """Have a second observer stand by."""
    logon = replace(observer_logon("A", secret="SECRET000000"), observer_name="Second")
    observer, _ = world.controller.log_on_observer("second", logon, "127.0.0.1")
    return observer


def restarted(world: World, *connected: Client) -> World:
    """Return a server that has found the match of `world` in its journal, and its clients gone."""
    kept = KeptMatch(
        number=1,
        opening=world.journal.openings[0],
        match=world.newest(),
        key_hash="",
        secret_hashes=frozenset(),
        last_entry=0,
        entry_count=0,
        ended_at=None,
    )
    again = World()
    again.controller.restore([kept], connected)
    return again
