"""What was refused in the last hour: the latest refusals themselves, and how many there were of each reason.

Whoever floods the server with nonsense must not make it remember more for that: a refusal costs a counter, an append
and an address, and all are bounded.
"""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS

LATEST: Final = 1_000
"""Refusals that are kept as they were, of all reasons together."""

LATEST_OF_REASON: Final = 5
"""And of each reason at least, however many came of others since."""

ADDRESSES_OF_REASON: Final = 5
"""Addresses that are known of each reason, however often one of them is refused."""

MAX_TEXT: Final = 300
"""Characters of what was wrong that are kept."""

UNKNOWN_MATCH: Final = "-"
"""Stands for the group code in the log where a client has none."""


class Refusal(Struct, frozen=True, kw_only=True, rename="camel"):
    """One logon, message or connection that was refused, and as far as it is known whose."""

    at: int
    code: str
    text: str
    path: str = ""
    group_code: str = ""
    match_id: str = ""
    address: str = ""


class RefusalCount(Struct, frozen=True, kw_only=True):
    """How many refusals of one reason there were in an hour, and the latest."""

    code: str
    count: int
    latest: Refusal
    addresses: tuple[str, ...] = ()
    """As `LastHour.addresses`."""


class LastHour:
    """Remembers refusals for an hour."""

    def __init__(self) -> None:
        self._latest: deque[Refusal] = deque(maxlen=LATEST)
        self._by_code: dict[str, deque[Refusal]] = {}
        self._addresses: dict[str, dict[str, int]] = {}
        """By reason, when each of the latest addresses was refused last, the last one at the end."""
        self._minutes: deque[tuple[int, Counter[str]]] = deque(maxlen=HOUR_MS // MINUTE_MS + 1)

    def add(self, refusal: Refusal) -> None:
        self._latest.append(refusal)
        self._by_code.setdefault(refusal.code, deque(maxlen=LATEST_OF_REASON)).append(refusal)
        if refusal.address:
            known = self._addresses.setdefault(refusal.code, {})
            known.pop(refusal.address, None)
            known[refusal.address] = refusal.at
            if len(known) > ADDRESSES_OF_REASON:
                del known[next(iter(known))]
        minute = refusal.at // MINUTE_MS
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, Counter()))
        self._minutes[-1][1][refusal.code] += 1

    def counts(self, now: int) -> list[RefusalCount]:
        """Return how many there were of each reason in the hour before `now`, the reason of the latest first."""
        total: Counter[str] = Counter()
        for minute, counter in self._minutes:
            if minute > (now - HOUR_MS) // MINUTE_MS:
                total.update(counter)
        found = [
            RefusalCount(
                code=code,
                count=count,
                latest=self._by_code[code][-1],
                addresses=self.addresses(code, now - HOUR_MS),
            )
            for code, count in total.items()
        ]
        return sorted(found, key=lambda each: each.latest.at, reverse=True)

    def addresses(self, code: str, since: int) -> tuple[str, ...]:
        """Return who was refused for a reason after `since` (epoch ms), the last one first."""
        known = self._addresses.get(code, {})
        return tuple(address for address, at in reversed(known.items()) if at > since)

    def latest(self, now: int) -> list[Refusal]:
        """Return refusals of the hour before `now`, the latest first."""
        kept = {id(refusal): refusal for each in (*self._by_code.values(), self._latest) for refusal in each}
        return _newest_first(refusal for refusal in kept.values() if now - refusal.at < HOUR_MS)


def _newest_first(refusals: Iterable[Refusal]) -> list[Refusal]:
    return sorted(refusals, key=lambda refusal: refusal.at, reverse=True)
