"""Who may open a match, and who may come into one that is live.

Whoever knows the group secret of a match is its observer. An observer whose secret is lost may take the match over with
the access key that opened it, or with a good one that the operator calls by the same name: a crew whose key was
replaced is still that crew. That is once nobody has been observing for a while.
"""

import hashlib
import hmac
import logging
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from valo_ingest.clock import Clock
from valo_ingest.errors import LogonRefused
from valo_ingest.game.presentation import under_service_rules
from valo_ingest.game.state import MatchSetup, new_match
from valo_ingest.live.clients import Observer
from valo_ingest.live.matches import ControllerLimits, LiveMatch
from valo_ingest.live.ports import Journal
from valo_ingest.live.running import LiveMatches
from valo_ingest.wire.messages import ObserverLogon, ObserverMessage
from valo_ingest.wire.record import KeyHolder, Opening

logger = logging.getLogger(__name__)

ADOPTION_MS: Final = 120_000
"""A connection without a logon may be adopted as an observer that was lost no longer ago than this."""


class Door:
    """Lets observers in whose access key is good already, and nobody else."""

    def __init__(
        self,
        matches: LiveMatches,
        *,
        clock: Clock,
        journal: Journal,
        new_secret: Callable[[], str],
        limits: ControllerLimits,
        service_sponsor_url: str,
    ) -> None:
        """As `MatchController`; `matches` are only looked at."""
        self._matches = matches
        self._clock = clock
        self._journal = journal
        self._new_secret = new_secret
        self._limits = limits
        self._service_sponsor_url = service_sponsor_url

    def open(self, logon: ObserverLogon, holder: KeyHolder) -> LiveMatch:
        """Return a new match, of which the journal knows.

        Raises:
            LogonRefused: The key has too many matches already.
        """
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
        return live

    def _check_room(self, key_hash: str, holder: KeyHolder) -> None:
        """Refuse one more match of a key that has too many. A key that was replaced has those of the old one."""
        live = sum(
            other.opened_by.key_name == holder.key_name if holder.key_name else other.key_hash == key_hash
            for other in self._matches.by_group_code.values()
        )
        if live >= self._limits.max_per_key:
            whose = "This access key has" if key_hash else "There are"
            raise LogonRefused(
                "too_many_matches",
                f"{whose} {live} live matches already, and there may not be more. End one of them first.",
            )

    def admit(self, live: LiveMatch, logon: ObserverLogon, holder: KeyHolder) -> str:
        """Return how an observer comes into a match that is live, as the journal calls it.

        Raises:
            LogonRefused: It does not: the group code is taken.
        """
        if hash_secret(logon.group_secret) in live.secret_hashes:
            live.group_secret = logon.group_secret
            return "logon"
        if self._may_take_over(live, logon.key, holder):
            self._hand_secret(live)
            lost = live.lost_observer
            logger.warning(
                "group_code=%s taken over from %s by %s with access key %s, which opened it",
                live.match.group_code,
                "an observer of before the restart" if lost is None else lost.name,
                logon.observer_name,
                holder.key_name or "-",
            )
            return "take-over"
        raise LogonRefused(
            "group_code_taken", f"Game with Group Code {logon.group_code} exists and is still live."
        )

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

    def _hand_secret(self, live: LiveMatch) -> None:
        """Have a secret to give out: after a restart nobody knows those that were given out before."""
        if not live.group_secret:
            live.group_secret = self._new_secret()
            live.secret_hashes.add(hash_secret(live.group_secret))
            self._journal.add_secret(live.number, hash_secret(live.group_secret))

    def recognize(self, live: LiveMatch, message: ObserverMessage, address: str) -> Observer | None:
        """Return the observer that was lost and must be who sends `message` without a logon, if there is one."""
        lost = live.lost_observer
        if (
            not self._limits.adopts_by_address
            or live.observers
            or lost is None
            or (lost.name, lost.address) != (message.observer_name, address)
            or self._clock.now_ms() - live.lost_at >= ADOPTION_MS
        ):
            return None
        return lost


def hash_secret(secret: str) -> str:
    """Return what is kept of a key or a group secret, to know it again."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _warn_of_sides(setup: MatchSetup) -> None:
    if (setup.teams.left.attack_start is True) is (setup.teams.right.attack_start is True):
        logger.warning(
            "group_code=%s the logon lets both teams attack first, or neither: the left team's word counts",
            setup.group_code,
        )
