"""Looking at all matches, no more often than makes sense however many ask, and without holding up anybody else."""

from collections.abc import Callable, Iterator
from typing import Final

from gevent.lock import BoundedSemaphore
from msgspec import Struct

from valo_ingest.live.facts import Glance, MatchFacts, Overview
from valo_ingest.live.matches import LiveMatch
from valo_ingest.live.scene import Scene
from valo_ingest.live.watch import Watch

FRESH_MS: Final = 200
"""A look that is no older is as good as a new one."""

MATCHES_PER_TURN: Final = 100
"""Looked at before others get a turn: about four milliseconds' worth. A turn of a server that is busy takes far longer,
and whoever looks waits for one each time: with eight a page took ten seconds then."""


class LiveLook(Struct, frozen=True):
    """A live match at a glance, and what changes with every event."""

    glance: Glance
    events_per_s: float
    last_event_at: int | None


class Look(Struct, frozen=True):
    """What was seen: the matches that are live, and those that ended lately, the latest first."""

    overview: Overview
    live: tuple[LiveLook, ...]
    ended: tuple[MatchFacts, ...]


class Looks:
    """Looks, and remembers."""

    def __init__(self, watch: Watch, *, now_ms: Callable[[], int], pause: Callable[[], object]) -> None:
        self._watch = watch
        self._now_ms = now_ms
        self._pause = pause
        self._lock = BoundedSemaphore(1)
        self._latest: Look | None = None
        self._ended: dict[int, MatchFacts] = {}

    def look(self) -> Look:
        """Return what is to be seen now, or was a moment ago."""
        with self._lock:
            if self._latest is None or self._now_ms() - self._latest.overview.at >= FRESH_MS:
                self._latest = self._look()
            return self._latest

    def _look(self) -> Look:
        scene = self._watch.scene()
        portraits = self._watch.portraits
        live = [
            LiveLook(
                portraits.glance(each, scene), each.chronicle.events_per_s(), each.chronicle.last_event_at
            )
            for each in self._one_by_one()
        ]
        return Look(self._watch.overview(scene), tuple(live), self._ended_facts(scene))

    def whole(self) -> tuple[Overview, tuple[MatchFacts, ...]]:
        """Return all details of all matches, those that are live first. It takes twice as long as a look."""
        scene = self._watch.scene()
        live = [self._watch.portraits.facts(each, scene) for each in self._one_by_one()]
        return self._watch.overview(scene), (*live, *self._ended_facts(scene))

    def _one_by_one(self) -> Iterator[LiveMatch]:
        """Yield the live matches, letting others have a turn now and then."""
        for index, each in enumerate(list(self._watch.live_matches)):
            if index % MATCHES_PER_TURN == MATCHES_PER_TURN - 1:
                self._pause()
            if each.ended_at is None:  # else it ended meanwhile
                yield each

    def _ended_facts(self, scene: Scene) -> tuple[MatchFacts, ...]:
        # Nothing changes them any more.
        self._ended = {
            each.number: self._ended.get(each.number) or self._watch.portraits.facts(each, scene)
            for each in self._watch.ended_matches
        }
        return tuple(sorted(self._ended.values(), key=lambda facts: facts.ended_at or 0, reverse=True))
