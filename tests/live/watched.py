"""A controller between fakes, and somebody who watches it."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.live.fakes import FakeOverlays
from tests.live.world import World
from valo_ingest.game import events as happened
from valo_ingest.live.clients import Observer
from valo_ingest.live.facts import (
    Glance,
    MatchDetails,
    MatchFacts,
    Overview,
    PlayerGlance,
    Problem,
    ServerFacts,
)
from valo_ingest.live.matches import LiveMatch
from valo_ingest.live.refusals import Refusals
from valo_ingest.live.watch import Watch

SERVER = ServerFacts(
    version="0.1.0",
    scheme="http",
    ingest_port=5100,
    output_port=5200,
    extras_port=5101,
    client_versions=">=0.3.3",
    requires_key=True,
    started_at=0,
)


class WatchedWorld(World):
    """A world that is watched."""

    def __init__(self, *, own_problems: Callable[[], Iterable[Problem]] = tuple, **options: Any) -> None:
        super().__init__(**options)
        self.overlays = FakeOverlays()
        self.refusals = Refusals(self.clock)
        self.watch = Watch(
            clock=self.clock,
            matches=self.controller,
            overlays=self.overlays,
            connections=self.connections,
            journal=self.journal,
            refused=self.refusals.last_hour,
            server=SERVER,
            own_problems=own_problems,
        )

    def play(self, group_code: str = "A", match_id: str = "M", *, phase: str = "combat") -> Observer:
        """Have a match played, with one player in it, and an overlay that follows it."""
        observer = self.start(group_code, match_id)
        self.tell(observer, happened.RoundPhaseChanged(number=1, phase=phase))
        self.overlays.add(group_code)
        return observer

    def live(self, group_code: str = "A") -> LiveMatch:
        found = self.watch.find(group_code)
        assert found is not None
        return found

    def glance(self, group_code: str = "A") -> Glance:
        return self.watch.portraits.glance(self.live(group_code), self.watch.scene())

    def facts(self, group_code: str = "A") -> MatchFacts:
        return self.watch.portraits.facts(self.live(group_code), self.watch.scene())

    def details(self, group_code: str = "A") -> MatchDetails:
        return self.watch.portraits.details(self.live(group_code), self.watch.scene())

    def overview(self) -> Overview:
        return self.watch.overview(self.watch.scene())

    def problems(self, group_code: str = "A") -> dict[str, str]:
        """Return the problems of a match by their codes: how bad each is."""
        return {problem.code: problem.severity.value for problem in self.glance(group_code).problems}

    def player_glance(self) -> PlayerGlance:
        return self.glance().players[0]
