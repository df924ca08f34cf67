"""The running matches. The one place where the state of a match is replaced.

Nothing here yields between reading a match and replacing it, so there are no locks: checking an access key may
block, and is done before a match is looked at; publishing, disconnecting and the journal only queue.

Beside it, `running` finds matches, `door` says who may open or enter one, `presence` knows who is connected, and
`endings` remembers what is over. None of them changes the state of a match: they tell the controller what is to change.
"""

import logging
from collections.abc import Callable, Collection, Iterable

import msgspec
from msgspec.structs import replace

from valo_ingest.clock import Clock
from valo_ingest.errors import InvalidMessage, LeftAside, LogonRefused, NotPossible
from valo_ingest.game import events as happened
from valo_ingest.game import milestones
from valo_ingest.game.milestones import Milestone
from valo_ingest.game.reducer import apply, counts, expire, runs_out
from valo_ingest.game.state import Match, TechPause
from valo_ingest.live.clients import Auxiliary, Client, Observer, Sender
from valo_ingest.live.door import Door
from valo_ingest.live.endings import Endings
from valo_ingest.live.matches import ControllerLimits, LiveMatch, Result
from valo_ingest.live.ports import AccessPolicy, Connections, Journal, KeptMatch, Publisher
from valo_ingest.live.presence import RECOVERED, Change, Presence
from valo_ingest.live.running import LiveMatches
from valo_ingest.live.turns import Turns
from valo_ingest.wire.messages import AuxiliaryLogon, AuxiliaryMessage, ObserverLogon, ObserverMessage
from valo_ingest.wire.record import Entry, Kind, event_of

logger = logging.getLogger(__name__)


class MatchController:
    """Logs clients on, takes in what they tell, and ends matches."""

    def __init__(
        self,
        *,
        clock: Clock,
        access: AccessPolicy,
        journal: Journal,
        publisher: Publisher,
        turns: Turns,
        connections: Connections,
        new_secret: Callable[[], str],
        limits: ControllerLimits,
        service_sponsor_url: str = "",
    ) -> None:
        """
        Args:
            new_secret: Makes the group secret of a match.
            service_sponsor_url: If set, matches follow the presentation rules of the original service, but for those of
                its supporters.
        """
        self._clock = clock
        self._access = access
        self._journal = journal
        self._publisher = publisher
        self._turns = turns
        self._connections = connections
        self._limits = limits
        self._matches = LiveMatches()
        self._door = Door(
            self._matches,
            clock=clock,
            journal=journal,
            new_secret=new_secret,
            limits=limits,
            service_sponsor_url=service_sponsor_url,
        )
        self._presence = Presence(self._matches, clock=clock)
        self._endings = Endings()
        # What every event looks at is at hand here, too.
        self._live = self._matches.by_group_code
        self._by_match_id = self._matches.by_match_id
        self._auxiliaries = self._presence.auxiliaries
        self.activities = self._presence.activities

    @property
    def running(self) -> int:
        """How many matches are live."""
        return len(self._live)

    @property
    def standing_by(self) -> int:
        """How many connections of observers stand by."""
        return sum(len(live.standbys) for live in self._live.values())

    def result(self, group_code: str) -> Result | None:
        """Return how the last match of that code ended, if it came to its end not too long ago."""
        return self._endings.result(group_code)

    @property
    def live_matches(self) -> Collection[LiveMatch]:
        """Return the matches that are live, the oldest first."""
        return self._live.values()

    @property
    def ended_matches(self) -> Collection[LiveMatch]:
        """Return matches that ended lately, the oldest first."""
        return self._endings.matches

    @property
    def auxiliaries(self) -> Collection[Auxiliary]:
        """Return all auxiliary clients that are connected."""
        return self._auxiliaries.values()

    def restore(self, kept_matches: Iterable[KeptMatch], connected: Iterable[Client]) -> None:
        """Take over the matches of an earlier server.

        Args:
            connected: The clients that it had in the end. All of them are lost until they come back.
        """
        for kept in sorted(kept_matches, key=lambda match: match.number):
            live = LiveMatch(
                kept.match,
                number=kept.number,
                opening=kept.opening,
                key_hash=kept.key_hash,
                secret_hashes=kept.secret_hashes,
                now=self._clock.now_ms(),
            )
            if kept.ended_at is not None:
                self._endings.remember(live, kept.ended_at)
                self._publisher.recall(kept.match)
                continue
            self._live[kept.match.group_code] = live
            self._publisher.recall(kept.match)
            self._record(self._presence.lose_observers(live, name=""))
            logger.info("group_code=%s match is back from the journal", kept.match.group_code)
        self._matches.index()
        self._record(*self._presence.lose(connected))

    # --- logging on and off -----------------------------------------------------------------------------------

    def log_on_observer(self, client_id: str, logon: ObserverLogon, address: str) -> tuple[Observer, str]:
        holder = self._access.check(logon.key)
        known = self._live.get(logon.group_code)
        live = known or self._door.open(logon, holder)
        observer = Observer(
            client_id=client_id,
            group_code=logon.group_code,
            name=logon.observer_name,
            address=address,
            match_number=live.number,
            client_version=logon.client_version,
        )
        if known is None:
            self._live[logon.group_code] = live
            self._presence.begin(live, observer)
            logger.info(
                "group_code=%s match opened by %s at %s with access key %s",
                logon.group_code,
                observer.name,
                address,
                holder.key_name or "-",
            )
            self._publisher.publish(live.match)
        else:
            how = self._door.admit(live, logon, holder)
            self._record(self._presence.join(live, observer, how=how))
        self._journal.commit()  # before the client hears that it is logged on
        return observer, live.group_secret

    def log_on_auxiliary(self, client_id: str, logon: AuxiliaryLogon) -> Auxiliary:
        lives = self._matches.with_match_id(logon.match_id)
        if not lives:
            raise LogonRefused("match_not_found", f"Game with Match ID {logon.match_id} not found.")
        auxiliary = Auxiliary(
            client_id=client_id,
            match_id=logon.match_id,
            player_id=logon.player_id,
            name=logon.name,
            client_version=logon.client_version,
        )
        self._record(*self._presence.log_on(auxiliary, lives))
        self._journal.commit()  # before the client hears that it is logged on
        return auxiliary

    def resume(self, sender: Sender) -> bool:
        if isinstance(sender, Observer):
            live = self._live.get(sender.group_code)
            if live is None or live.number != sender.match_number:
                return False
            self._record(self._presence.join(live, sender, how=RECOVERED))
            return True
        lives = self._matches.with_match_id(sender.match_id)
        if not lives:
            return False
        self._record(*self._presence.come_back(sender, lives))
        return True

    def adopt(self, client_id: str, message: ObserverMessage, address: str) -> Observer | None:
        live = self._live.get(message.group_code or "")
        if live is None:
            return None
        lost = self._door.recognize(live, message, address)
        if lost is None:
            return None
        logger.warning(
            "group_code=%s a connection from %s is adopted as observer %s",
            lost.group_code,
            address,
            lost.name,
        )
        observer = replace(lost, client_id=client_id)
        self._record(self._presence.join(live, observer, how="adopted"))
        return observer

    def disconnect(self, sender: Sender) -> None:
        self._record(*self._presence.leave(sender))

    # --- what clients tell ------------------------------------------------------------------------------------

    def receive_from_observer(self, sender: Observer, message: ObserverMessage) -> None:
        if message.group_code != sender.group_code:
            raise InvalidMessage(
                "foreign_match", "The event names another match than the one of this logon.", path="groupCode"
            )
        live = self._live.get(sender.group_code)
        if live is None or not (
            (is_active := sender.client_id in live.observers) or sender.client_id in live.standbys
        ):
            raise InvalidMessage("match_over", "The match is over.")
        now = self._clock.now_ms()
        activity = self.activities.get(sender.client_id)
        if activity is not None:
            activity.told_at[type(message.event)] = now
        if is_active:
            self._receive(live, Entry(now, Kind.OBSERVER_MESSAGE, message.text), message.event)
        else:
            raise LeftAside("You are a stand-by: another observer is active, and your events are left aside.")

    def receive_from_auxiliary(self, sender: Auxiliary, message: AuxiliaryMessage) -> Auxiliary:
        if message.match_id != sender.match_id:
            raise InvalidMessage(
                "foreign_match", "The event names another match than the one of this logon.", path="matchId"
            )
        lives = self._by_match_id.get(sender.match_id)
        if not lives:
            raise InvalidMessage("match_over", "The match is over.")
        if not sender.player_id and isinstance(message.event, happened.AuxiliaryScoreboardReported):
            sender = replace(sender, player_id=message.player_id or message.event.board.player_id)
            self._auxiliaries[sender.client_id] = sender
        now = self._clock.now_ms()
        activity = self.activities.get(sender.client_id)
        if activity is not None:
            activity.told_at[type(message.event)] = now
        entry = Entry(now, Kind.AUXILIARY_MESSAGE, message.text)
        for live in lives:
            self._receive(live, entry, message.event)
        return sender

    def _receive(self, live: LiveMatch, entry: Entry, event: happened.Event) -> None:
        if counts(live.match, event):
            live.last_event_at = entry.at
        live.chronicle.note_event(entry)
        self._take_in(live, entry, event)

    # --- the state --------------------------------------------------------------------------------------------

    def _record(self, *changes: Change) -> None:
        """Take in what comings and goings, the operator or the passing of time mean for matches."""
        for change in changes:
            text = msgspec.json.encode(change.values).decode()
            entry = Entry(self._clock.now_ms(), change.kind, text)
            change.live.chronicle.note_connection(entry)
            self._take_in(change.live, entry, event_of(entry))

    def _take_in(self, live: LiveMatch, entry: Entry, event: happened.Event) -> None:
        after = apply(live.match, event, entry.at)
        self._journal.append(live.number, entry, after)
        if not self._turns.is_soon:
            self._turns.request()
        if after is not live.match:
            self._replace(live, after)

    def _replace(self, live: LiveMatch, after: Match) -> None:
        before = live.match
        live.match = after
        if after.match_id != before.match_id:
            self._matches.index()
        if after.phase != before.phase:
            live.chronicle.note_phase(after)
        for milestone in milestones.between(before, after):
            _tell(milestone, after)
        if after.has_ended:
            self._close(live)
        else:
            self._publisher.publish(after)

    def _close(self, live: LiveMatch) -> None:
        """Show the last state, keep the result, and let the clients of the match go."""
        match = live.match
        now = self._clock.now_ms()
        del self._live[match.group_code]
        self._matches.index()
        self._endings.remember(live, now)
        self._journal.end_match(live.number, now)
        self._journal.commit()
        self._publisher.publish_final(match)
        self._connections.disconnect(self._presence.only_of(live))

    # --- what the operator wants ------------------------------------------------------------------------------

    def disconnect_group_code(self, group_code: str) -> None:
        """Disconnect every client of a match. The match itself goes on."""
        live = self._live.get(group_code)
        if live is not None:
            self._connections.disconnect(self._presence.only_of(live))

    def end_match(self, number: int) -> None:
        """End a match for good, as if it had been given up.

        Raises:
            NotPossible: It is over.
        """
        live = self._matches.numbered(number)
        logger.warning("group_code=%s match ended by the operator", live.match.group_code)
        self._record(Change(live, Kind.ENDED_BY_OPERATOR))

    def hand_over(self, number: int) -> None:
        """Have the stand-by of a match observe it from now on, and who observed it stand by.

        Raises:
            NotPossible: The match is over, or nobody stands by.
        """
        live = self._matches.numbered(number)
        if not live.standbys:
            raise NotPossible("Nobody stands by. Have a second observer log on with the group secret first.")
        self._promote(live, self._presence.hand_over)

    def _promote(self, live: LiveMatch, how: Callable[[LiveMatch], Iterable[Change]]) -> None:
        """Have a stand-by observe, and tell it so."""
        before = set(live.observers)
        self._record(*how(live))
        for client_id in live.observers.keys() - before:
            self._connections.tell_active(client_id)

    def disconnect_client(self, number: int, connection: int) -> None:
        """Disconnect an observer, a stand-by or an auxiliary client of a match; it has to log on anew.

        Raises:
            NotPossible: The match is over, or that client is gone.
        """
        live = self._matches.numbered(number)
        client = self._presence.find(live, connection)
        if client is None:
            raise NotPossible("That client is gone already.")
        logger.warning("group_code=%s %s disconnected by the operator", live.match.group_code, client.name)
        self._record(Change(live, Kind.DISCONNECTED, {"name": client.name}))
        self._connections.disconnect([client.client_id])

    # --- as time goes by --------------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Carry out what ran out, let stand-bys in, remove idle matches and forget old results.

        Call it several times a second, and oftener while it returns True: something is about to run out.
        """
        now = self._clock.now_ms()
        is_awaited = False
        for live in list(self._live.values()):
            if runs_out(live.match):
                is_awaited = True
                after = expire(live.match, now)
                if after is not live.match:
                    self._replace(live, after)
            if live.standbys and not live.observers:
                is_awaited = True
                if now >= live.awaits_observer_until:
                    self._promote(live, self._presence.let_stand_by_in)
            if now - live.last_event_at >= self._limits.idle_ms and not isinstance(
                live.match.pause, TechPause
            ):
                logger.info("group_code=%s match removed: no event for too long", live.match.group_code)
                self._record(Change(live, Kind.ABANDONED))
        for group_code in self._endings.forget_before(now - self._limits.result_ms):
            if group_code not in self._live:
                self._publisher.forget(group_code)
        return is_awaited


def _tell(milestone: Milestone, match: Match) -> None:
    left, right = match.teams
    logger.info(
        "group_code=%s match %s round=%d score=%s:%s",
        match.group_code,
        milestone.value,
        match.round_number,
        left.rounds_won,
        right.rounds_won,
    )
