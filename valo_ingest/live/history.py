"""Matches that are not in memory, or not from their beginning: told again from what was kept of them.

Reading the journal blocks, so it is done elsewhere (`elsewhere`, a thread); playing a record takes some 25 microseconds
an entry, so others get a turn in between (`pause`).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from valo_ingest.errors import UnknownMatch
from valo_ingest.live.chronicle import Chronicle, told_again
from valo_ingest.live.matches import LiveMatch
from valo_ingest.live.ports import ArchivedMatch, Records
from valo_ingest.wire.record import Entry

Found = TypeVar("Found")

Elsewhere = Callable[[Callable[[], Any]], Any]
"""Runs a function that blocks and returns its result, while others go on."""

READ_AT_ONCE: Final = 500
PLAYED_AT_ONCE: Final = 40
"""Entries, about a millisecond's worth."""

KEPT: Final = 8
"""Matches that were told again and are remembered, for somebody who goes to and fro between pages."""


class History:
    """Finds matches that were kept, with all that happened in them."""

    def __init__(self, records: Records, *, elsewhere: Elsewhere, pause: Callable[[], object]) -> None:
        self._records = records
        self._elsewhere = elsewhere
        self._pause = pause
        self._told: OrderedDict[int, LiveMatch] = OrderedDict()

    def find(self, name: str) -> ArchivedMatch:
        """Return a match by its group code, or by its number: "#12".

        Raises:
            UnknownMatch: There is none.
            JournalFault: It cannot be read.
        """
        return self._blocking(lambda: self._records.find(name))

    def latest(self, count: int) -> Sequence[ArchivedMatch]:
        """Return the matches that ended, the newest first. Raises `JournalFault`."""
        return self._blocking(lambda: self._records.latest(count))

    def entries(self, archived: ArchivedMatch) -> Iterator[Entry]:
        """Yield the entries of a match, letting others have a turn now and then. Raises `JournalFault`."""
        entries = self._records.entries(archived)
        while portion := self._blocking(lambda: list(islice(entries, READ_AT_ONCE))):
            for index, entry in enumerate(portion):
                if index % PLAYED_AT_ONCE == 0:
                    self._pause()
                yield entry

    def tell(self, name: str) -> LiveMatch:
        """Return a match that ended, with its chronicle. Raises as `find`, and `UnknownMatch` also for one that is
        live: that one is in memory."""
        archived = self.find(name)
        if archived.is_live:
            raise UnknownMatch(name)
        told = self._told.pop(archived.number, None) or self._tell(archived)
        self._told[archived.number] = told
        while len(self._told) > KEPT:
            self._told.popitem(last=False)
        return told

    def _tell(self, archived: ArchivedMatch) -> LiveMatch:
        told = LiveMatch(
            archived.match,
            number=archived.number,
            opening=archived.opening,
            key_hash="",
            secret_hashes=(),
            now=archived.opening.at,
        )
        told.ended_at = archived.ended_at
        for _ in told_again(archived.opening, self.entries(archived), told.chronicle):
            pass
        return told

    def complete(self, live: LiveMatch) -> None:
        """Give a match that came back after a restart what happened in it before.

        Raises:
            JournalFault: It cannot be read.
        """
        chronicle = live.chronicle
        if chronicle.is_whole:
            return
        archived = self.find(f"#{live.number}")
        before = Chronicle(since=live.opening.at)
        earlier = (entry for entry in self.entries(archived) if entry.at < chronicle.since)
        for _ in told_again(archived.opening, earlier, before):
            pass
        chronicle.begin_with(before)

    def _blocking(self, work: Callable[[], Found]) -> Found:
        result: Found = self._elsewhere(work)
        return result
