"""What belongs to a running match, or to one that has ended, without being part of its state."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from valo_ingest.game.seats import BySeat, Seat
from valo_ingest.game.state import Match, TeamSetup
from valo_ingest.live.chronicle import Chronicle
from valo_ingest.live.clients import Observer
from valo_ingest.wire.record import KeyHolder, Opening


class LiveMatch:
    """A running match, or one that ended lately, and what belongs to it without being part of its state."""

    def __init__(
        self,
        match: Match,
        *,
        number: int,
        opening: Opening,
        key_hash: str,
        secret_hashes: Iterable[str],
        now: int,
    ) -> None:
        self.match = match
        self.number = number
        self.opening = opening
        self.opened_by: KeyHolder = opening.opened_by
        """Whose access key opened it."""
        self.key_hash = key_hash
        """Of the access key that opened it."""
        self.group_secret = ""
        """The secret that was given out last; unknown after a restart, when there are only hashes."""
        self.secret_hashes = set(secret_hashes)
        self.last_event_at = now
        self.observers: dict[str, Observer] = {}
        """Connections of the active observer."""
        self.standbys: dict[str, Observer] = {}
        self.lost_observer: Observer | None = None
        self.lost_at = now
        """Since when nobody observes, where nobody does."""
        self.awaits_observer_until = now
        """Until when nobody else becomes active there, as the one who observed may be on the way back."""
        self.ended_at: int | None = None
        self.chronicle = Chronicle(since=now, is_whole=now == opening.at)

    @property
    def observer_name(self) -> str:
        """Whose events count, or did last."""
        return self.match.observer_name or self.opening.observer_name


class Result(Struct, frozen=True):
    """How a match ended, kept for a while."""

    teams: BySeat[TeamSetup]
    leading_seat: Seat
    settings: Mapping[str, Any]
    is_supporter: bool = False
    """What is said of who holds the access key that opened the match."""


class ControllerLimits(Struct, frozen=True, kw_only=True):
    """Times after which the controller acts by itself, in ms, and how much it lets in."""

    idle_ms: int
    """A match without an event for this long is removed, unless it is in a technical pause."""
    result_ms: int
    """Results and last documents are kept for this long after the end."""
    takeover_after_ms: int | None
    """Nobody observes for this long: the key that opened the match takes it over. None: it never does."""
    max_per_key: int
    """Live matches that one access key may have opened."""
    adopts_by_address: bool = False
    """Whether a connection without a logon may be adopted as the observer that was lost at its address."""
