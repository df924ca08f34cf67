"""Access keys: who may open a match, and for whom."""

import hmac
import logging
from collections.abc import Callable
from typing import Final, Protocol

from valo_ingest.errors import KeyStoreFault, LogonRefused
from valo_ingest.storage.keys import AUTH_KEY_NAME
from valo_ingest.storage.keystore import KeyState, StoredKey
from valo_ingest.wire.record import KeyHolder

logger = logging.getLogger(__name__)

COMPLAIN_MS: Final = 60_000
"""It is complained this often about keys that cannot be read."""


class Keys(Protocol):
    """The keys that were made for crews."""

    def find(self, key: str) -> StoredKey | None:
        """Return what is kept of `key`. Raises `KeyStoreFault`."""


class KeyAccess:
    """Access by the server's own key or by one of those that are kept, or by any where none is required.

    Keys are asked for at each logon anew, so a change counts at once.
    """

    def __init__(
        self,
        *,
        auth_key: str | None,
        is_required: bool,
        organization: str,
        keys: Keys,
        now_ms: Callable[[], int],
    ) -> None:
        """
        Args:
            auth_key: The server's own key, if it has one.
            is_required: Without this, every key is good, also none: for a LAN where everybody is trusted.
            organization: Whose the server's own key is, for those who ask.
            now_ms: The time (epoch ms), by which keys are out of date.
        """
        self._auth_key = auth_key
        self._is_required = is_required
        self._own = KeyHolder(key_name=AUTH_KEY_NAME, organization=organization)
        self._keys = keys
        self._now_ms = now_ms
        self._fault = ""
        self._complain_at = 0

    def check(self, key: str) -> KeyHolder:
        try:
            return self.holder_of(key)
        except LogonRefused:
            if self._is_required:
                raise
            return KeyHolder()

    def holder_of(self, key: str) -> KeyHolder:
        if self._auth_key is not None and _is_same_key(self._auth_key, key):
            return self._own
        now = self._now_ms()
        found = self._find(key, now)
        state = KeyState.REVOKED if found is None else found.state(now)
        if found is not None and state is KeyState.IN_FORCE:
            return found.holder
        if state is KeyState.EXPIRED:
            raise LogonRefused("expired_key", "Expired Key")
        raise LogonRefused("invalid_key", "Invalid Key")

    def _find(self, key: str, now: int) -> StoredKey | None:
        try:
            found = self._keys.find(key)
        except KeyStoreFault as fault:
            self._complain(fault, now)
            raise LogonRefused("keys_unreadable", "Unknown Error") from fault
        if self._fault:
            logger.warning("the access keys can be read again")
            self._fault = ""
        return found

    def _complain(self, fault: KeyStoreFault, now: int) -> None:
        if not self._fault or now >= self._complain_at:
            self._complain_at = now + COMPLAIN_MS
            logger.error("%s Until they can be, only the server's own key is known", fault)
        self._fault = str(fault)


def _is_same_key(expected: str, given: str) -> bool:
    """Compare two keys in a time that does not tell how much of them is equal."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))
