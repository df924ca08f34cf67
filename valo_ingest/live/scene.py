"""A moment of a running server: who is there, by the match that it belongs to."""

from collections import defaultdict
from collections.abc import Collection
from typing import Protocol

from valo_ingest.game.state import Match
from valo_ingest.live.activity import Activities
from valo_ingest.live.clients import Auxiliary
from valo_ingest.live.last_hour import Refusal
from valo_ingest.live.matches import LiveMatch
from valo_ingest.live.ports import WatchingOverlay


class Matches(Protocol):
    """The matches that are watched: those of the controller."""

    activities: Activities

    @property
    def live_matches(self) -> Collection[LiveMatch]:
        """Return those that are live."""

    @property
    def ended_matches(self) -> Collection[LiveMatch]:
        """Return those that ended lately, the oldest first."""

    @property
    def auxiliaries(self) -> Collection[Auxiliary]:
        """Return all auxiliary clients."""


class Scene:
    """What has to be sorted only once for all matches at one moment: by the match that it belongs to."""

    def __init__(
        self,
        now: int,
        auxiliaries: Collection[Auxiliary],
        overlays: Collection[WatchingOverlay],
        refusals: Collection[Refusal],
    ) -> None:
        """
        Args:
            refusals: Those of the last hour, the latest first.
        """
        self.now = now
        self.watching = len(overlays)
        self.refusals: defaultdict[str, list[Refusal]] = defaultdict(list)
        for refusal in refusals:
            self.refusals[refusal.group_code or refusal.match_id].append(refusal)
        self.auxiliaries: defaultdict[str, list[Auxiliary]] = defaultdict(list)
        for auxiliary in auxiliaries:
            self.auxiliaries[auxiliary.match_id].append(auxiliary)
        self.overlays: defaultdict[str, list[WatchingOverlay]] = defaultdict(list)
        for overlay in overlays:
            for group_code in overlay.group_codes:
                self.overlays[group_code].append(overlay)

    def clients_of(self, live: LiveMatch) -> dict[str, Auxiliary]:
        """Return the auxiliary clients of a match, by the ids of their players."""
        match_id = live.match.match_id
        if live.ended_at is not None or not match_id:
            return {}
        return {client.player_id: client for client in self.auxiliaries.get(match_id, ())}

    def refusals_of(self, match: Match) -> list[Refusal]:
        """Return what was refused of a match, the latest first."""
        return [*self.refusals.get(match.group_code, ()), *self.refusals.get(match.match_id or "-", ())]
