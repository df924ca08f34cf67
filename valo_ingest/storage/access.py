"""Access keys: who may open a match, and for whom."""

import hmac

from valo_ingest.errors import LogonRefused
from valo_ingest.live.ports import Organization


class ConfiguredAccess:
    """Access by the one key of the configuration, or by any key where none is required."""

    def __init__(self, *, auth_key: str | None, is_required: bool, organization: str) -> None:
        """
        Args:
            auth_key: The key, if there is one.
            is_required: Without this, every key is good, also none: for a LAN where everybody is trusted.
            organization: Whose key it is, for those who ask.
        """
        self._auth_key = auth_key
        self._is_required = is_required
        self._organization = Organization(id=organization, name=organization, is_supporter=False)

    def check(self, key: str) -> None:
        if self._is_required and self.organization_of(key) is None:
            raise LogonRefused("invalid_key", "Invalid Key")

    def organization_of(self, key: str) -> Organization | None:
        if self._auth_key is None or not _is_same_key(self._auth_key, key):
            return None
        return self._organization


def _is_same_key(expected: str, given: str) -> bool:
    """Compare two keys in a time that does not tell how much of them is equal."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))
