"""Who is connected to which match.

The *active* observer of a match is the one whose events count. Connections under its name are all read: the same
observer may come back beside a connection that is dead and does not know it yet. Another observer that has been let in
is a *stand-by* while the active one is there, and becomes active when that has been gone for a while.

Whoever comes or goes changes the match as well. That is not done here: the changes are returned, and the controller
takes them in.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from msgspec import Struct

from valo_ingest.clock import Clock
from valo_ingest.live.activity import Activities
from valo_ingest.live.clients import Auxiliary, Client, Observer, Sender
from valo_ingest.live.matches import LiveMatch
from valo_ingest.live.running import LiveMatches, codes_of
from valo_ingest.wire.record import Kind

logger = logging.getLogger(__name__)


STANDBY_MS: Final = 2_000
"""A stand-by becomes active when the active observer has been gone for this long."""

RETURN_MS: Final = 8_000
"""And a stand-by that was cut itself, when it has been back for this long: so may the active one have been, and whoever
comes back first must not take its place. Today's clients try again after 7.5 s at the latest."""


RECOVERED: Final = "recovered"
"""How an observer joins that brings the token of its session, as the journal calls it."""


class Change(Struct, frozen=True):
    """What has to be taken in by a match, with the `values` that the journal keeps of it."""

    live: LiveMatch
    kind: Kind
    values: dict[str, str] = {}


class Presence:
    """Knows the clients of the live matches."""

    def __init__(self, matches: LiveMatches, *, clock: Clock) -> None:
        self._matches = matches
        self._clock = clock
        self.auxiliaries: dict[str, Auxiliary] = {}
        self.activities = Activities()

    # --- observers --------------------------------------------------------------------------------------------

    def begin(self, live: LiveMatch, observer: Observer) -> None:
        """An observer has opened a match."""
        self.activities.begin(observer.client_id, self._clock.now_ms())
        live.observers[observer.client_id] = observer

    def join(self, live: LiveMatch, observer: Observer, *, how: str) -> Change:
        """Let an observer in: as the active one, or beside it as a stand-by."""
        if self.activities.get(observer.client_id) is None:
            self.activities.begin(observer.client_id, self._clock.now_ms())
        active = next(iter(live.observers.values()), None)
        name = live.observer_name if active is None else active.name
        if observer.name != name and (active is not None or how == RECOVERED):
            if active is None and not live.standbys:
                live.awaits_observer_until = max(live.awaits_observer_until, self._clock.now_ms() + RETURN_MS)
            live.standbys[observer.client_id] = observer
            logger.info(
                "group_code=%s observer %s stands by for %s",
                live.match.group_code,
                observer.name,
                name,
            )
            return Change(live, Kind.STANDBY_ON, {"name": observer.name})
        live.observers[observer.client_id] = observer
        live.last_event_at = self._clock.now_ms()
        logger.info("group_code=%s observer %s is back (%s)", live.match.group_code, observer.name, how)
        return Change(live, Kind.OBSERVER_ON, {"name": observer.name, "how": how})

    def let_stand_by_in(self, live: LiveMatch) -> Sequence[Change]:
        """Have the first stand-by, on all its connections, be the active observer from now on."""
        name = next(iter(live.standbys.values())).name
        coming = [standby for standby in live.standbys.values() if standby.name == name]
        for observer in coming:
            del live.standbys[observer.client_id]
        return [self.join(live, observer, how="stand-by") for observer in coming]

    def hand_over(self, live: LiveMatch) -> Sequence[Change]:
        """Have the first stand-by observe, and who observed stand by, if somebody did."""
        changes = []
        if live.observers:
            before = next(iter(live.observers.values())).name
            after = next(iter(live.standbys.values())).name
            logger.warning("group_code=%s handed over from %s to %s", live.match.group_code, before, after)
            changes.append(Change(live, Kind.HANDED_OVER, {"name": before, "to": after}))
        demoted, live.observers = live.observers, {}
        changes.extend(self.let_stand_by_in(live))
        live.standbys.update(demoted)
        return changes

    # --- auxiliary clients ------------------------------------------------------------------------------------

    def log_on(self, auxiliary: Auxiliary, lives: Sequence[LiveMatch]) -> Sequence[Change]:
        """An auxiliary client of `lives` has logged on."""
        logger.info("group_code=%s auxiliary client %s logged on", codes_of(lives), auxiliary.name)
        return self._add(auxiliary, lives, Kind.AUXILIARY_ON)

    def come_back(self, auxiliary: Auxiliary, lives: Sequence[LiveMatch]) -> Sequence[Change]:
        """An auxiliary client of `lives` is back on another connection."""
        logger.info("group_code=%s auxiliary client %s is back", codes_of(lives), auxiliary.name)
        return self._add(auxiliary, lives, Kind.AUXILIARY_BACK)

    def _add(self, auxiliary: Auxiliary, lives: Iterable[LiveMatch], kind: Kind) -> Sequence[Change]:
        self.auxiliaries[auxiliary.client_id] = auxiliary
        self.activities.begin(auxiliary.client_id, self._clock.now_ms())
        return _changes_by(auxiliary, lives, kind)

    # --- all of them ------------------------------------------------------------------------------------------

    def leave(self, sender: Sender) -> Sequence[Change]:
        """A connection is gone that logged on or came back."""
        self.activities.end(sender.client_id)
        return (
            self._observer_leaves(sender) if isinstance(sender, Observer) else self._auxiliary_leaves(sender)
        )

    def _observer_leaves(self, observer: Observer) -> Sequence[Change]:
        live = self._matches.by_group_code.get(observer.group_code)
        if live is None:
            return []
        if live.standbys.pop(observer.client_id, None) is not None:
            logger.info("group_code=%s stand-by %s is gone", observer.group_code, observer.name)
            return [Change(live, Kind.STANDBY_GONE, {"name": observer.name})]
        if live.observers.pop(observer.client_id, None) is None:
            return []  # its match is over
        logger.info("group_code=%s observer %s is gone", observer.group_code, observer.name)
        if live.observers:
            return []
        live.lost_observer = observer
        return [self.lose_observers(live, name=observer.name)]

    def _auxiliary_leaves(self, sender: Auxiliary) -> Sequence[Change]:
        known = self.auxiliaries.pop(sender.client_id, None)
        if known is None:
            return []
        lives = self._matches.with_match_id(known.match_id)
        logger.info("group_code=%s auxiliary client %s is gone", codes_of(lives), known.name)
        if any(
            (other.match_id, other.player_id) == (known.match_id, known.player_id)
            for other in self.auxiliaries.values()
        ):
            return []  # it is back already, on another connection
        return _changes_by(known, lives, Kind.AUXILIARY_GONE)

    def lose_observers(self, live: LiveMatch, *, name: str) -> Change:
        """Nobody observes a match from now on; the last was of `name`, "" if nobody knows."""
        live.lost_at = self._clock.now_ms()
        live.awaits_observer_until = live.lost_at + STANDBY_MS
        return Change(live, Kind.OBSERVERS_GONE, {"name": name})

    def lose(self, connected: Iterable[Client]) -> Sequence[Change]:
        """The clients that an earlier server had are lost until they come back."""
        changes: list[Change] = []
        for client in connected:
            if isinstance(client, Auxiliary):
                lives = self._matches.with_match_id(client.match_id)
                changes.extend(_changes_by(client, lives, Kind.AUXILIARY_GONE))
            elif isinstance(client, Observer):
                observed = self._matches.by_group_code.get(client.group_code)
                if (
                    observed is not None
                    and observed.number == client.match_number
                    and observed.observer_name == client.name
                ):
                    observed.lost_observer = client
        return changes

    def find(self, live: LiveMatch, connection: int) -> Sender | None:
        """Return the client of a match that is on a connection, as `Activity` numbers them."""
        match_id = live.match.match_id
        clients: list[Sender] = [*live.observers.values(), *live.standbys.values()]
        clients += [known for known in self.auxiliaries.values() if known.match_id == match_id]
        for client in clients:
            activity = self.activities.get(client.client_id)
            if activity is not None and activity.connection == connection:
                return client
        return None

    def only_of(self, live: LiveMatch) -> Collection[str]:
        """Return the ids of the clients of a match that no other live match has."""
        match_id = live.match.match_id
        strays = []
        if match_id and all(other is live for other in self._matches.with_match_id(match_id)):
            strays = [key for key, auxiliary in self.auxiliaries.items() if auxiliary.match_id == match_id]
        return [*live.observers, *live.standbys, *strays]


def _changes_by(auxiliary: Auxiliary, lives: Iterable[LiveMatch], kind: Kind) -> Sequence[Change]:
    values = {"name": auxiliary.name, "playerId": auxiliary.player_id}
    return [Change(live, kind, values) for live in lives]
