"""The running matches. The one place where the state of a match is replaced.

Nothing here yields between reading a match and replacing it, so there are no locks: checking an access key may
block, and is done before a match is looked at; publishing and disconnecting only queue.
"""

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from valo_ingest.clock import Clock
from valo_ingest.errors import InvalidMessage, LogonRefused
from valo_ingest.game import events as happened
from valo_ingest.game import milestones
from valo_ingest.game.milestones import Milestone
from valo_ingest.game.presentation import under_service_rules
from valo_ingest.game.reducer import apply, expire
from valo_ingest.game.seats import BySeat, Seat
from valo_ingest.game.state import GAME_END, Match, MatchSetup, TeamSetup, TechPause, new_match
from valo_ingest.live.clients import Auxiliary, Client, Observer
from valo_ingest.live.ports import AccessPolicy, Connections, Publisher
from valo_ingest.wire.messages import AuxiliaryLogon, AuxiliaryMessage, ObserverLogon, ObserverMessage
from valo_ingest.wire.names import AuxiliaryType

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class LiveMatch:
    """A running match and what belongs to it without being part of its state."""

    match: Match
    group_secret: str
    last_event_at: int
    events: int = 0
    observers: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Result:
    """How a match ended, kept for a while."""

    teams: BySeat[TeamSetup]
    leading_seat: Seat
    settings: Mapping[str, Any]


class MatchController:
    """Logs clients on, takes in what they tell, and ends matches."""

    def __init__(
        self,
        *,
        clock: Clock,
        access: AccessPolicy,
        publisher: Publisher,
        connections: Connections,
        new_secret: Callable[[], str],
        idle_ms: int,
        result_ms: int,
        service_sponsor_url: str = "",
    ) -> None:
        """
        Args:
            new_secret: Makes the group secret of a match.
            idle_ms: A match without an event for this long is removed, unless it is in a technical pause.
            result_ms: Results and last documents are kept for this long after the end.
            service_sponsor_url: If set, matches follow the presentation rules of the original service.
        """
        self._clock = clock
        self._access = access
        self._publisher = publisher
        self._connections = connections
        self._new_secret = new_secret
        self._idle_ms = idle_ms
        self._result_ms = result_ms
        self._service_sponsor_url = service_sponsor_url
        self._live: dict[str, LiveMatch] = {}
        self._live_by_match_id: dict[str, list[LiveMatch]] = {}
        self._auxiliaries: dict[str, Auxiliary] = {}
        self._results: dict[str, Result] = {}
        self._ended_at: dict[str, int] = {}

    @property
    def running(self) -> int:
        """How many matches are live."""
        return len(self._live)

    def result(self, group_code: str) -> Result | None:
        """Return how the last match of that code ended, if it came to its end not too long ago."""
        return self._results.get(group_code)

    # --- logging on and off -----------------------------------------------------------------------------------

    def log_on_observer(self, client_id: str, logon: ObserverLogon) -> tuple[Observer, str]:
        self._access.check(logon.key)
        observer = Observer(client_id, logon.group_code, logon.observer_name)
        live = self._live.get(logon.group_code)
        if live is None:
            live = self._open(logon.setup)
            live.observers.add(client_id)
            logger.info("group_code=%s match opened by %s", logon.group_code, logon.observer_name)
            self._publisher.publish(live.match)
        elif _is_same_secret(live.group_secret, logon.group_secret):
            live.observers.add(client_id)
            logger.info("group_code=%s observer %s is back", logon.group_code, logon.observer_name)
            self._apply(live, happened.ObserverJoined())
        else:
            raise LogonRefused(
                "group_code_taken", f"Game with Group Code {logon.group_code} exists and is still live."
            )
        return observer, live.group_secret

    def _open(self, setup: MatchSetup) -> LiveMatch:
        if self._service_sponsor_url:
            setup = MatchSetup(
                group_code=setup.group_code,
                teams=setup.teams,
                presentation=under_service_rules(setup.presentation, self._service_sponsor_url),
            )
        if (setup.teams.left.attack_start is True) is (setup.teams.right.attack_start is True):
            logger.warning(
                "group_code=%s the logon lets both teams attack first, or neither: the left team's word counts",
                setup.group_code,
            )
        live = LiveMatch(new_match(setup), self._new_secret(), last_event_at=self._clock.now_ms())
        self._live[setup.group_code] = live
        return live

    def log_on_auxiliary(self, client_id: str, logon: AuxiliaryLogon) -> Auxiliary:
        if not self._matches_with(logon.match_id):
            raise LogonRefused("match_not_found", f"Game with Match ID {logon.match_id} not found.")
        auxiliary = Auxiliary(client_id, logon.match_id, logon.player_id, logon.name)
        self._auxiliaries[client_id] = auxiliary
        logger.info("match_id=%s auxiliary client %s logged on", logon.match_id, logon.name)
        return auxiliary

    def disconnect(self, client: Client) -> None:
        if isinstance(client, Observer):
            live = self._live.get(client.group_code)
            if live is None or client.client_id not in live.observers:
                return  # its match is over
            live.observers.discard(client.client_id)
            logger.info("group_code=%s observer %s is gone", client.group_code, client.name)
            if not live.observers:
                self._apply(live, happened.ObserversGone())
        elif self._auxiliaries.pop(client.client_id, None) is not None:
            logger.info("match_id=%s auxiliary client %s is gone", client.match_id, client.name)
            for live in self._matches_with(client.match_id):
                self._apply(live, happened.AuxiliaryGone(client.player_id))

    # --- what clients tell ------------------------------------------------------------------------------------

    def receive_from_observer(self, sender: Observer, message: ObserverMessage) -> None:
        if message.group_code != sender.group_code:
            raise InvalidMessage("foreign_match", "names another match than the sender's", path="groupCode")
        live = self._live.get(sender.group_code)
        if live is None or sender.client_id not in live.observers:
            raise InvalidMessage("match_over", "the match of the sender is over")
        self._receive(live, message.event)

    def receive_from_auxiliary(self, sender: Auxiliary, message: AuxiliaryMessage) -> None:
        if message.match_id != sender.match_id:
            raise InvalidMessage("foreign_match", "names another match than the sender's", path="matchId")
        lives = self._matches_with(sender.match_id)
        if not lives:
            raise InvalidMessage("match_over", "the match of the sender is over")
        if not sender.player_id and message.type == AuxiliaryType.SCOREBOARD and message.player_id:
            sender.player_id = message.player_id
        for live in lives:
            self._receive(live, message.event)

    def _receive(self, live: LiveMatch, event: happened.Event) -> None:
        live.events += 1
        live.last_event_at = self._clock.now_ms()
        self._apply(live, event)

    # --- the state --------------------------------------------------------------------------------------------

    def _apply(self, live: LiveMatch, event: happened.Event) -> None:
        self._replace(live, apply(live.match, event, self._clock.now_ms()))

    def _replace(self, live: LiveMatch, after: Match) -> None:
        before = live.match
        if after is before:
            return
        live.match = after
        if after.match_id != before.match_id:
            self._index_match_ids()
        for milestone in milestones.between(before, after):
            self._tell(milestone, after)
        if after.has_ended:
            self._close(live)
        else:
            self._publisher.publish(after)

    def _tell(self, milestone: Milestone, match: Match) -> None:
        left, right = match.teams
        logger.info(
            "group_code=%s match %s round=%d score=%s:%s",
            match.group_code,
            milestone.value,
            match.round_number,
            left.rounds_won,
            right.rounds_won,
        )

    def _close(self, live: LiveMatch) -> None:
        """Show the last state, keep the result, and let the clients of the match go."""
        match = live.match
        del self._live[match.group_code]
        self._index_match_ids()
        self._ended_at[match.group_code] = self._clock.now_ms()
        if match.phase == GAME_END:
            self._results[match.group_code] = Result(
                teams=match.teams.map(lambda team: team.setup),
                leading_seat=milestones.leading_seat(match),
                settings=match.presentation.settings,
            )
        self._publisher.publish_final(match)
        self._let_go(live)

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
        self._connections.disconnect([*live.observers, *strays])

    def _matches_with(self, match_id: str) -> list[LiveMatch]:
        return self._live_by_match_id.get(match_id, []) if match_id else []

    def _index_match_ids(self) -> None:
        index: dict[str, list[LiveMatch]] = {}
        for live in self._live.values():
            index.setdefault(live.match.match_id, []).append(live)
        self._live_by_match_id = index

    # --- as time goes by --------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Carry out what ran out, remove idle matches and forget old results. Call it several times a second."""
        now = self._clock.now_ms()
        for live in list(self._live.values()):
            self._replace(live, expire(live.match, now))
            if now - live.last_event_at >= self._idle_ms and not isinstance(live.match.pause, TechPause):
                logger.info("group_code=%s match removed: no event for too long", live.match.group_code)
                self._apply(live, happened.MatchAbandoned())
        for group_code in [code for code, at in self._ended_at.items() if now - at >= self._result_ms]:
            self._forget(group_code)

    def _forget(self, group_code: str) -> None:
        del self._ended_at[group_code]
        self._results.pop(group_code, None)
        if group_code not in self._live:
            self._publisher.forget(group_code)


def _is_same_secret(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())
