"""How much one client, or one address, may ask of the server."""

import ipaddress
import time
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

IPV6_NETWORK_BITS: Final = 64
"""Of what one machine has as many addresses as it likes."""

KNOWN_ADDRESSES: Final = 4_096


@lru_cache(KNOWN_ADDRESSES)
def network_of(address: str) -> str:
    """Return by what clients of an address are counted: the address itself, or its network where that is IPv6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4 or parsed.ipv4_mapped is not None:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, IPV6_NETWORK_BITS), strict=False))


PRUNE_ABOVE: Final = 1_024
"""Buckets that are kept before full ones are looked for and forgotten."""


class Bucket:
    """A token bucket that may run into debt: whoever took too much has to wait until it is paid."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """
        Args:
            rate: Tokens that come in per second.
            burst: Tokens that fit in; it begins full.
            now: In seconds, on whatever clock; the same for `take`.
        """
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = now

    def take(self, count: float, now: float) -> float:
        """Take `count` tokens; return how long to wait until there is no debt, in seconds."""
        self._level = min(self._burst, self._level + (now - self._at) * self._rate) - count
        self._at = now
        return max(0.0, -self._level / self._rate)

    def is_full(self, now: float) -> bool:
        return self._level + (now - self._at) * self._rate >= self._burst


class Buckets:
    """A bucket for everybody who is known by some key. One that is full again is forgotten: a new one is the same."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._buckets: dict[Hashable, Bucket] = {}
        self._prune_above = PRUNE_ABOVE

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: Hashable, count: float) -> float:
        """Take tokens from somebody's bucket; return how long to wait, in seconds."""
        now = self._now()
        bucket = self._buckets.get(key)
        if bucket is None:
            if not count:
                return 0.0
            self._prune(now)
            bucket = self._buckets[key] = Bucket(self._rate, self._burst, now)
        return bucket.take(count, now)

    def _prune(self, now: float) -> None:
        if len(self._buckets) >= self._prune_above:
            self._buckets = {key: kept for key, kept in self._buckets.items() if not kept.is_full(now)}
            self._prune_above = max(PRUNE_ABOVE, 2 * len(self._buckets))


FAILED_LOGONS_PER_S: Final = 1.0
FAILED_LOGONS_BURST: Final = 50.0
"""Refused logons of one address that cost nothing: a crew mistypes, and a whole venue may sit behind one address."""

MAX_LOGON_DELAY_S: Final = 5.0
"""Well below the time within which a client has to log on."""


class LogonDelays:
    """Makes those wait whose address failed to log on again and again: the more often, the longer."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._failures = Buckets(FAILED_LOGONS_PER_S, FAILED_LOGONS_BURST, now)

    def failed(self, address: str) -> None:
        if self.delay_s(address) < MAX_LOGON_DELAY_S:  # a debt that grew on would outlast who made it
            self._failures.take(network_of(address), 1)

    def delay_s(self, address: str) -> float:
        """Return how long the next logon from `address` has to wait, in seconds."""
        return min(MAX_LOGON_DELAY_S, self._failures.take(network_of(address), 0))


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """Why a connection is not taken: a word that is counted, and what is logged."""

    code: str
    text: str


def allow_open_files(wanted: int) -> int:
    """Let this process open as many files, sockets among them, as it wants, and return how many it may."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    if soft != endless and soft < wanted:
        soft = wanted if hard == endless else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == endless else soft


class Admission:
    """Counts open connections, of all listeners together."""

    def __init__(self, *, max_per_address: int, max_in_all: int) -> None:
        self._max_per_address = max_per_address
        self._max_in_all = max_in_all
        self._by_address: Counter[str] = Counter()
        self._in_all = 0

    @property
    def open(self) -> int:
        return self._in_all

    def enter(self, address: str) -> NotAdmitted | None:
        """Count one more connection; return None, or why it must not be taken."""
        if self._in_all >= self._max_in_all:
            return NotAdmitted("too_many_connections", f"{self._in_all} are open")
        network = network_of(address)
        if self._by_address[network] >= self._max_per_address:
            return NotAdmitted(
                "too_many_connections_of_address", f"{self._by_address[network]} of this address are open"
            )
        self._in_all += 1
        self._by_address[network] += 1
        return None

    def leave(self, address: str) -> None:
        """Count one less: one that had been let in."""
        network = network_of(address)
        self._in_all -= 1
        self._by_address[network] -= 1
        if not self._by_address[network]:
            del self._by_address[network]
