"""The running matches. The one place where the state of a match is replaced.

Nothing here yields between reading a match and replacing it, so there are no locks: checking an access key may
block, and is done before a match is looked at; publishing, disconnecting and the journal only queue.

Observers of a match
--------------------
The *active* observer is the one whose events count. Connections under its name are all read: the same observer may
come back beside a connection that is dead and does not know it yet. Another observer that has the group secret is a
*stand-by* while the active one is there: its events are validated and left aside, and it becomes active when the
active one has been gone for two seconds. An observer whose secret is lost may take a match over with the access key
that opened it, or with a good one that the operator calls by the same name: a crew whose key was replaced is still
that crew. That is once nobody has been observing for a while.
"""

import hashlib
import hmac
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from valo_ingest.clock import Clock
from valo_ingest.errors import InvalidMessage, LeftAside, LogonRefused, NotPossible
from valo_ingest.game import events as happened
from valo_ingest.game import milestones
from valo_ingest.game.milestones import Milestone
from valo_ingest.game.presentation import under_service_rules
from valo_ingest.game.reducer import apply, counts, expire
from valo_ingest.game.state import GAME_END, Match, MatchSetup, TechPause, new_match
from valo_ingest.live.activity import Activities
from valo_ingest.live.clients import Auxiliary, Client, Observer, Sender
from valo_ingest.live.matches import ControllerLimits, LiveMatch, Result
from valo_ingest.live.ports import AccessPolicy, Connections, Journal, KeptMatch, Publisher
from valo_ingest.live.turns import Turns
from valo_ingest.wire.messages import AuxiliaryLogon, AuxiliaryMessage, ObserverLogon, ObserverMessage
from valo_ingest.wire.record import Entry, KeyHolder, Kind, Opening, event_of

logger = logging.getLogger(__name__)

STANDBY_MS: Final = 2_000
"""A stand-by becomes active when the active observer has been gone for this long."""

MAX_ENDED: Final = 100
"""Matches that ended and are still looked at from memory; the others are in the archive."""

ADOPTION_MS: Final = 120_000
"""A connection without a logon may be adopted as an observer that was lost no longer ago than this."""


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
        self._new_secret = new_secret
        self._limits = limits
        self._service_sponsor_url = service_sponsor_url
        self._live: dict[str, LiveMatch] = {}
        self._live_by_match_id: dict[str, list[LiveMatch]] = {}
        self._auxiliaries: dict[str, Auxiliary] = {}
        self._results: dict[str, tuple[int, Result]] = {}
        """How matches ended, and when."""
        self._ended_at: dict[str, int] = {}
        self._ended: dict[int, LiveMatch] = {}
        """Matches that ended lately, by their numbers."""
        self.activities = Activities()

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
        _, result = self._results.get(group_code, (0, None))
        return result

    @property
    def live_matches(self) -> Collection[LiveMatch]:
        """Return the matches that are live, the oldest first."""
        return self._live.values()

    @property
    def ended_matches(self) -> Collection[LiveMatch]:
        """Return matches that ended lately, the oldest first."""
        return self._ended.values()

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
                self._remember_end(live, kept.ended_at)
                self._publisher.recall(kept.match)
                continue
            self._live[kept.match.group_code] = live
            self._publisher.recall(kept.match)
            self._lose_observers(live, name="")
            logger.info("group_code=%s match is back from the journal", kept.match.group_code)
        self._index_match_ids()
        for client in connected:
            if isinstance(client, Auxiliary):
                self._lose_auxiliary(client)
            elif isinstance(client, Observer):
                observed = self._live.get(client.group_code)
                if observed is not None and observed.number == client.match_number:
                    observed.lost_observer = client

    # --- logging on and off -----------------------------------------------------------------------------------

    def log_on_observer(self, client_id: str, logon: ObserverLogon, address: str) -> tuple[Observer, str]:
        holder = self._access.check(logon.key)
        known = self._live.get(logon.group_code)
        live = known or self._open(logon, holder)
        observer = Observer(
            client_id=client_id,
            group_code=logon.group_code,
            name=logon.observer_name,
            address=address,
            match_number=live.number,
            client_version=logon.client_version,
        )
        if known is None:
            self.activities.begin(client_id, self._clock.now_ms())
            live.observers[client_id] = observer
            logger.info(
                "group_code=%s match opened by %s at %s with access key %s",
                logon.group_code,
                observer.name,
                address,
                holder.key_name or "-",
            )
            self._publisher.publish(live.match)
        elif hash_secret(logon.group_secret) in live.secret_hashes:
            live.group_secret = logon.group_secret
            self._join(live, observer, how="logon")
        elif self._may_take_over(live, logon.key, holder):
            self._take_over(live, observer, holder)
        else:
            raise LogonRefused(
                "group_code_taken", f"Game with Group Code {logon.group_code} exists and is still live."
            )
        self._journal.commit()  # before the client hears that it is logged on
        return observer, live.group_secret

    def _open(self, logon: ObserverLogon, holder: KeyHolder) -> LiveMatch:
        key_hash = "" if self._limits.takeover_after_ms is None else hash_secret(logon.key)
        self._check_room(key_hash, holder)
        setup = logon.setup
        if self._service_sponsor_url and not holder.is_supporter:
            setup = replace(
                setup, presentation=under_service_rules(setup.presentation, self._service_sponsor_url)
            )
        _warn_of_sides(setup)
        now = self._clock.now_ms()
        match = new_match(setup)
        secret = self._new_secret()
        opening = Opening(
            setup=setup,
            at=now,
            observer_name=logon.observer_name,
            client_version=logon.client_version,
            opened_by=holder,
        )
        number = self._journal.open_match(
            opening,
            match,
            key_hash=key_hash,
            secret_hash=hash_secret(secret),
        )
        live = LiveMatch(
            match,
            number=number,
            opening=opening,
            key_hash=key_hash,
            secret_hashes=(hash_secret(secret),),
            now=now,
        )
        live.group_secret = secret
        self._live[setup.group_code] = live
        return live

    def _check_room(self, key_hash: str, holder: KeyHolder) -> None:
        """Refuse one more match of a key that has too many. A key that was replaced has those of the old one."""
        live = sum(
            other.opened_by.key_name == holder.key_name if holder.key_name else other.key_hash == key_hash
            for other in self._live.values()
        )
        if live >= self._limits.max_per_key:
            whose = "This access key has" if key_hash else "There are"
            raise LogonRefused(
                "too_many_matches",
                f"{whose} {live} live matches already, and there may not be more. End one of them first.",
            )

    def _join(self, live: LiveMatch, observer: Observer, *, how: str) -> None:
        """Let an observer in: as the active one, or beside it as a stand-by."""
        if self.activities.get(observer.client_id) is None:
            self.activities.begin(observer.client_id, self._clock.now_ms())
        active = next(iter(live.observers.values()), None)
        if active is not None and active.name != observer.name:
            live.standbys[observer.client_id] = observer
            logger.info(
                "group_code=%s observer %s stands by for %s",
                live.match.group_code,
                observer.name,
                active.name,
            )
            self._record(live, Kind.STANDBY_ON, name=observer.name)
            return
        live.observers[observer.client_id] = observer
        live.last_event_at = self._clock.now_ms()
        logger.info("group_code=%s observer %s is back (%s)", live.match.group_code, observer.name, how)
        self._record(live, Kind.OBSERVER_ON, name=observer.name, how=how)

    def _may_take_over(self, live: LiveMatch, key: str, holder: KeyHolder) -> bool:
        after_ms = self._limits.takeover_after_ms
        return (
            after_ms is not None
            and not live.observers
            and self._clock.now_ms() - live.lost_at >= after_ms
            and (
                hmac.compare_digest(live.key_hash, hash_secret(key))
                or (holder.key_name != "" and holder.key_name == live.opened_by.key_name)
            )
        )

    def _take_over(self, live: LiveMatch, observer: Observer, holder: KeyHolder) -> None:
        if not live.group_secret:
            live.group_secret = self._new_secret()
            live.secret_hashes.add(hash_secret(live.group_secret))
            self._journal.add_secret(live.number, hash_secret(live.group_secret))
        lost = live.lost_observer
        logger.warning(
            "group_code=%s taken over from %s by %s with access key %s, which opened it",
            live.match.group_code,
            "an observer of before the restart" if lost is None else lost.name,
            observer.name,
            holder.key_name or "-",
        )
        self._join(live, observer, how="take-over")

    def log_on_auxiliary(self, client_id: str, logon: AuxiliaryLogon) -> Auxiliary:
        lives = self._matches_with(logon.match_id)
        if not lives:
            raise LogonRefused("match_not_found", f"Game with Match ID {logon.match_id} not found.")
        auxiliary = Auxiliary(
            client_id=client_id,
            match_id=logon.match_id,
            player_id=logon.player_id,
            name=logon.name,
            client_version=logon.client_version,
        )
        self._auxiliaries[client_id] = auxiliary
        self.activities.begin(client_id, self._clock.now_ms())
        logger.info("group_code=%s auxiliary client %s logged on", _codes(lives), logon.name)
        for live in lives:
            self._record(live, Kind.AUXILIARY_ON, name=logon.name, playerId=logon.player_id)
        self._journal.commit()  # before the client hears that it is logged on
        return auxiliary

    def resume(self, sender: Sender) -> bool:
        if isinstance(sender, Observer):
            live = self._live.get(sender.group_code)
            if live is None or live.number != sender.match_number:
                return False
            self._join(live, sender, how="recovered")
            return True
        lives = self._matches_with(sender.match_id)
        if not lives:
            return False
        self._auxiliaries[sender.client_id] = sender
        self.activities.begin(sender.client_id, self._clock.now_ms())
        logger.info("group_code=%s auxiliary client %s is back", _codes(lives), sender.name)
        for live in lives:
            self._record(live, Kind.AUXILIARY_BACK, name=sender.name, playerId=sender.player_id)
        return True

    def adopt(self, client_id: str, message: ObserverMessage, address: str) -> Observer | None:
        live = self._live.get(message.group_code or "")
        if not self._limits.adopts_by_address or live is None or live.observers:
            return None
        lost = live.lost_observer
        if (
            lost is None
            or (lost.name, lost.address) != (message.observer_name, address)
            or self._clock.now_ms() - live.lost_at >= ADOPTION_MS
        ):
            return None
        observer = replace(lost, client_id=client_id)
        logger.warning(
            "group_code=%s a connection from %s is adopted as observer %s",
            lost.group_code,
            address,
            lost.name,
        )
        self._join(live, observer, how="adopted")
        return observer

    def disconnect(self, sender: Sender) -> None:
        self.activities.end(sender.client_id)
        if isinstance(sender, Observer):
            live = self._live.get(sender.group_code)
            if live is None:
                return
            if live.standbys.pop(sender.client_id, None) is not None:
                logger.info("group_code=%s stand-by %s is gone", sender.group_code, sender.name)
                self._record(live, Kind.STANDBY_GONE, name=sender.name)
                return
            if live.observers.pop(sender.client_id, None) is None:
                return  # its match is over
            logger.info("group_code=%s observer %s is gone", sender.group_code, sender.name)
            if not live.observers:
                live.lost_observer = sender
                self._lose_observers(live, name=sender.name)
        else:
            known = self._auxiliaries.pop(sender.client_id, None)
            if known is None:
                return
            codes = _codes(self._matches_with(known.match_id))
            logger.info("group_code=%s auxiliary client %s is gone", codes, known.name)
            if any(
                (other.match_id, other.player_id) == (known.match_id, known.player_id)
                for other in self._auxiliaries.values()
            ):
                return  # it is back already, on another connection
            self._lose_auxiliary(known)

    def _lose_auxiliary(self, auxiliary: Auxiliary) -> None:
        for live in self._matches_with(auxiliary.match_id):
            self._record(live, Kind.AUXILIARY_GONE, name=auxiliary.name, playerId=auxiliary.player_id)

    def _lose_observers(self, live: LiveMatch, *, name: str) -> None:
        live.lost_at = self._clock.now_ms()
        self._record(live, Kind.OBSERVERS_GONE, name=name)

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
        lives = self._matches_with(sender.match_id)
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

    def _record(self, live: LiveMatch, kind: Kind, **values: str) -> None:
        """Take in something that a connection means for the match."""
        entry = Entry(self._clock.now_ms(), kind, msgspec.json.encode(values).decode())
        live.chronicle.note_connection(entry)
        self._take_in(live, entry, event_of(entry))

    def _take_in(self, live: LiveMatch, entry: Entry, event: happened.Event) -> None:
        after = apply(live.match, event, entry.at)
        self._journal.append(live.number, entry, after)
        self._turns.request()
        if after is not live.match:
            self._replace(live, after)

    def _replace(self, live: LiveMatch, after: Match) -> None:
        before = live.match
        live.match = after
        if after.match_id != before.match_id:
            self._index_match_ids()
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
        self._index_match_ids()
        self._remember_end(live, now)
        self._journal.end_match(live.number, now)
        self._journal.commit()
        self._publisher.publish_final(match)
        self._let_go(live)

    def _remember_end(self, live: LiveMatch, at: int) -> None:
        match = live.match
        live.ended_at = at
        self._ended[live.number] = live
        while len(self._ended) > MAX_ENDED:
            del self._ended[next(iter(self._ended))]
        self._ended_at[match.group_code] = at
        if match.phase == GAME_END:
            result = Result(
                teams=match.teams.map(lambda team: team.setup),
                leading_seat=milestones.leading_seat(match),
                settings=match.presentation.settings,
                is_supporter=live.opened_by.is_supporter,
            )
            self._results[match.group_code] = (at, result)

    def disconnect_group_code(self, group_code: str) -> None:
        """Disconnect every client of a match. The match itself goes on."""
        live = self._live.get(group_code)
        if live is not None:
            self._let_go(live)

    def _let_go(self, live: LiveMatch) -> None:
        """Disconnect the clients of `live`; auxiliary clients stay if another live match has their match id."""
        match_id = live.match.match_id
        strays = []
        if match_id and all(other is live for other in self._matches_with(match_id)):
            strays = [key for key, auxiliary in self._auxiliaries.items() if auxiliary.match_id == match_id]
        self._connections.disconnect([*live.observers, *live.standbys, *strays])

    # --- what the operator wants ------------------------------------------------------------------------------

    def end_match(self, number: int) -> None:
        """End a match for good, as if it had been given up.

        Raises:
            NotPossible: It is over.
        """
        live = self._running(number)
        logger.warning("group_code=%s match ended by the operator", live.match.group_code)
        self._record(live, Kind.ENDED_BY_OPERATOR)

    def hand_over(self, number: int) -> None:
        """Have the stand-by of a match observe it from now on, and who observed it stand by.

        Raises:
            NotPossible: The match is over, or nobody stands by.
        """
        live = self._running(number)
        if not live.standbys:
            raise NotPossible("Nobody stands by. Have a second observer log on with the group secret first.")
        if not live.observers:
            self._let_stand_by_in(live)
            return
        before = next(iter(live.observers.values())).name
        after = next(iter(live.standbys.values())).name
        logger.warning("group_code=%s handed over from %s to %s", live.match.group_code, before, after)
        self._record(live, Kind.HANDED_OVER, name=before, to=after)
        demoted, live.observers = live.observers, {}
        self._let_stand_by_in(live)
        live.standbys.update(demoted)

    def disconnect_client(self, number: int, connection: int) -> None:
        """Disconnect an observer, a stand-by or an auxiliary client of a match; it has to log on anew.

        Raises:
            NotPossible: The match is over, or that client is gone.
        """
        live = self._running(number)
        match_id = live.match.match_id
        clients: list[Sender] = [*live.observers.values(), *live.standbys.values()]
        clients += [known for known in self._auxiliaries.values() if known.match_id == match_id]
        for client in clients:
            activity = self.activities.get(client.client_id)
            if activity is not None and activity.connection == connection:
                logger.warning(
                    "group_code=%s %s disconnected by the operator", live.match.group_code, client.name
                )
                self._record(live, Kind.DISCONNECTED, name=client.name)
                self._connections.disconnect([client.client_id])
                return
        raise NotPossible("That client is gone already.")

    def _running(self, number: int) -> LiveMatch:
        for live in self._live.values():
            if live.number == number:
                return live
        raise NotPossible("That match is over.")

    def _matches_with(self, match_id: str) -> list[LiveMatch]:
        return self._live_by_match_id.get(match_id, []) if match_id else []

    def _index_match_ids(self) -> None:
        index: dict[str, list[LiveMatch]] = {}
        for live in self._live.values():
            index.setdefault(live.match.match_id, []).append(live)
        self._live_by_match_id = index

    # --- as time goes by --------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Carry out what ran out, let stand-bys in, remove idle matches and forget old results.

        Call it several times a second.
        """
        now = self._clock.now_ms()
        for live in list(self._live.values()):
            after = expire(live.match, now)
            if after is not live.match:
                self._replace(live, after)
            if live.standbys and not live.observers and now - live.lost_at >= STANDBY_MS:
                self._let_stand_by_in(live)
            if now - live.last_event_at >= self._limits.idle_ms and not isinstance(
                live.match.pause, TechPause
            ):
                logger.info("group_code=%s match removed: no event for too long", live.match.group_code)
                self._record(live, Kind.ABANDONED)
        self._forget_before(now - self._limits.result_ms)

    def _let_stand_by_in(self, live: LiveMatch) -> None:
        name = next(iter(live.standbys.values())).name
        for observer in [standby for standby in live.standbys.values() if standby.name == name]:
            del live.standbys[observer.client_id]
            self._join(live, observer, how="stand-by")

    def _forget_before(self, instant: int) -> None:
        """Forget results and last documents of matches that ended until `instant`."""
        for group_code in [code for code, (at, _) in self._results.items() if at <= instant]:
            del self._results[group_code]
        for number in [number for number, live in self._ended.items() if (live.ended_at or 0) <= instant]:
            del self._ended[number]
        for group_code in [code for code, at in self._ended_at.items() if at <= instant]:
            del self._ended_at[group_code]
            if group_code not in self._live:
                self._publisher.forget(group_code)


def hash_secret(secret: str) -> str:
    """Return what is kept of a key or a group secret, to know it again."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _warn_of_sides(setup: MatchSetup) -> None:
    if (setup.teams.left.attack_start is True) is (setup.teams.right.attack_start is True):
        logger.warning(
            "group_code=%s the logon lets both teams attack first, or neither: the left team's word counts",
            setup.group_code,
        )


def _codes(lives: Iterable[LiveMatch]) -> str:
    return ",".join(live.match.group_code for live in lives)


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
