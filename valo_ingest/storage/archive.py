"""The archive: what the journal of a data directory keeps, for people who look at it, beside a server or without one.

Theory of operation
-------------------
A match that ended is kept with its last state. One that is live is kept in the state of some hundred entries ago, and
is brought up to its last entry by playing those that came since.

Nothing here holds the database for longer than a single look at it, not even while an export is waiting for somebody
to page through it: what is there is never changed, and a server only appends. Deleting, too, is done in small
portions with pauses between them, for the server waits as long as somebody else is writing. The row of a match goes
last, so deleting that was broken off can be repeated.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from valo_ingest import __version__
from valo_ingest.errors import JournalFault, UnknownMatch
from valo_ingest.game.state import Match, new_match
from valo_ingest.live.ports import ArchivedMatch
from valo_ingest.storage.tables import FILE_NAME
from valo_ingest.wire.fields import is_writable
from valo_ingest.wire.record import FORMAT, Entry, Kind, Opening, replay

BUSY_S: Final = 10.0
"""How long to wait for others who write."""

READ_AT_ONCE: Final = 5_000
"""Entries that one look at the database returns."""

DELETED_AT_ONCE: Final = 100
"""Entries that are deleted in one transaction, which takes about three milliseconds.

Of a server that commits every 5 ms meanwhile, one commit in a hundred takes longer than 23 ms, and none 100 ms. With
1,000 at once it is 140 ms and 230 ms.
"""

PAUSE_S: Final = 0.005
"""Between two such transactions, for a server that wants to write."""

DAY_MS: Final = 86_400_000

MAX_DIGITS: Final = 18
"""Digits of the largest numbers that the database surely takes."""

COLUMNS: Final = (
    "number, group_code, opening, first_entry, last_entry, entry_count, state, state_version, ended_at"
)

UNREADABLE: Final = (msgspec.MsgspecError, TypeError)
"""What reading a damaged value raises: it may not even be bytes."""


class Listing(Struct, frozen=True):
    """All matches, the oldest first, and those of which nothing can be told but why."""

    matches: Sequence[ArchivedMatch]
    faults: Sequence[JournalFault]


class _Written(Struct):
    """What an opening of any format says of itself."""

    format: int = FORMAT


class Archive:
    """The matches that are kept in a data directory."""

    def __init__(self, data_dir: Path, *, now_ms: Callable[[], int]) -> None:
        self._data_dir = data_dir
        self._path = data_dir / FILE_NAME
        self._now_ms = now_ms

    # --- looking ----------------------------------------------------------------------------------------------

    def matches(self) -> Listing:
        """Return all matches.

        Raises:
            JournalFault: The journal cannot be read.
        """
        if not self._is_there():
            return Listing((), ())
        matches, faults = [], []
        with self._database("ro") as database:
            for row in database.execute(f"SELECT {COLUMNS} FROM matches ORDER BY number"):
                try:
                    matches.append(_kept(row))
                except JournalFault as fault:
                    faults.append(fault)
            return Listing(_played_on(database, matches), faults)

    def find(self, name: str) -> ArchivedMatch:
        """Return the latest match of a group code, or the one of a number: "12" if no group code is that, or "#12".

        Raises:
            UnknownMatch: There is none.
            JournalFault: The journal cannot be read, or not what it keeps of that match.
        """
        if not (self._is_there() and is_writable(name)):
            raise UnknownMatch(name)
        with self._database("ro") as database:
            for where, value in _meanings(name):
                row = database.execute(
                    f"SELECT {COLUMNS} FROM matches WHERE {where} = ? ORDER BY number DESC LIMIT 1", (value,)
                ).fetchone()
                if row is not None:
                    return _played_on(database, (_kept(row),))[0]
        raise UnknownMatch(name)

    def openings(self) -> list[Opening]:
        """Return how the matches began of which that can be told, the oldest first. Raises as `matches`."""
        if not self._is_there():
            return []
        openings = []
        with self._database("ro") as database:
            for row in database.execute("SELECT opening, number, group_code FROM matches ORDER BY number"):
                with suppress(JournalFault):
                    openings.append(_opened(*row))
        return openings

    def latest(self, count: int) -> Sequence[ArchivedMatch]:
        """Return the matches that ended, the newest first, and no more than `count`; none that cannot be read.

        Raises:
            JournalFault: The journal cannot be read.
        """
        if not self._is_there():
            return ()
        matches = []
        with self._database("ro") as database:
            rows = database.execute(
                f"SELECT {COLUMNS} FROM matches WHERE ended_at IS NOT NULL ORDER BY number DESC LIMIT ?",
                (count,),
            )
            for row in rows:
                with suppress(JournalFault):
                    matches.append(_kept(row))
        return matches

    def entries(self, archived: ArchivedMatch) -> Iterator[Entry]:
        """Yield the entries that led to `archived`.

        Raises:
            JournalFault: The journal cannot be read.
        """
        after = archived.first_entry - 1
        while True:
            with self._database("ro") as database:
                rows = database.execute(
                    "SELECT id, at, kind, text FROM entries WHERE id > ? AND id <= ? AND match = ? "
                    "ORDER BY id LIMIT ?",
                    (after, archived.last_entry, archived.number, READ_AT_ONCE),
                ).fetchall()
            for _, at, kind, text in rows:
                yield _entry(at, kind, text)
            if len(rows) < READ_AT_ONCE:
                return
            after = rows[-1][0]

    def ended_before_days(self, days: int) -> list[ArchivedMatch]:
        """Return the matches that ended more than so many days ago. Raises as `matches`."""
        instant = self._now_ms() - days * DAY_MS
        return [
            archived
            for archived in self.matches().matches
            if archived.ended_at is not None and archived.ended_at < instant
        ]

    # --- deleting ---------------------------------------------------------------------------------------------

    def delete(self, matches: Iterable[ArchivedMatch]) -> None:
        """Delete matches with all that is kept of them; none of them, if one is live.

        Raises:
            MatchIsLive: A match goes on.
            JournalFault: The journal cannot be changed.
        """
        matches = tuple(matches)
        for archived in matches:
            archived.check_ended()
        with self._database("rw") as database:
            database.execute("PRAGMA synchronous = NORMAL")
            for archived in matches:
                self._delete_entries(database, archived)
                database.execute(
                    "DELETE FROM matches WHERE number = ? AND ended_at IS NOT NULL", (archived.number,)
                )

    def _delete_entries(self, database: sqlite3.Connection, archived: ArchivedMatch) -> None:
        after = archived.first_entry - 1
        while True:
            ids = database.execute(
                "SELECT id FROM entries WHERE id > ? AND id <= ? AND match = ? ORDER BY id LIMIT ?",
                (after, archived.last_entry, archived.number, DELETED_AT_ONCE),
            ).fetchall()
            if not ids:
                return
            database.execute("BEGIN IMMEDIATE")
            database.executemany("DELETE FROM entries WHERE id = ?", ids)
            database.execute("COMMIT")
            (after,) = ids[-1]
            time.sleep(PAUSE_S)

    # --- the database -----------------------------------------------------------------------------------------

    def _is_there(self) -> bool:
        try:
            return self._path.is_file()
        except OSError as error:
            raise JournalFault(
                f"The journal in {self._data_dir}", f"cannot be read: {error.strerror}."
            ) from None

    @contextmanager
    def _database(self, mode: Literal["ro", "rw"]) -> Iterator[sqlite3.Connection]:
        uri = f"{self._path.absolute().as_uri()}?mode={mode}"
        try:
            with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S)) as database:
                yield database
        except sqlite3.Error as error:
            verb = "read" if mode == "ro" else "changed"
            raise JournalFault(f"The journal in {self._data_dir}", f"cannot be {verb}: {error}.") from error


def _meanings(name: str) -> Iterator[tuple[str, str | int]]:
    """Yield what `name` may mean, a column and its value, the likelier first."""
    digits = name.removeprefix("#")
    is_number = digits.isdecimal() and digits.isascii() and len(digits) <= MAX_DIGITS
    if is_number and name != digits:
        yield "number", int(digits)
    yield "group_code", name
    if is_number and name == digits:
        yield "number", int(digits)


def _kept(row: tuple[Any, ...]) -> ArchivedMatch:
    """Return a match from a row of `COLUMNS`, as far as its state was kept.

    A live match whose state other rules have kept begins anew, as it does in the server. So does one whose state
    cannot be read any more.

    Raises:
        JournalFault: It is kept in a newer format, or damaged.
    """
    number, group_code, opening, first_entry, last_entry, entry_count, state, version, ended_at = row
    opened = _opened(opening, number, group_code)
    begun = ArchivedMatch(
        number=number,
        opening=opened,
        match=new_match(opened.setup),
        first_entry=first_entry,
        last_entry=first_entry - 1,
        entry_count=0,
        ended_at=ended_at,
    )
    if begun.is_live and version != __version__:
        return begun
    try:
        match = msgspec.msgpack.decode(state, type=Match)
    except UNREADABLE:
        return begun
    return replace(begun, match=match, last_entry=last_entry, entry_count=entry_count)


def _opened(opening: bytes, number: int, group_code: str) -> Opening:
    what = f"Match #{number} {group_code!r}"
    try:
        written = msgspec.msgpack.decode(opening, type=_Written)
        if written.format > FORMAT:
            raise JournalFault(
                what,
                f"is kept in format {written.format}, and this version of valo-ingest reads formats up to {FORMAT}: "
                "take a newer one.",
            )
        return msgspec.msgpack.decode(opening, type=Opening)
    except UNREADABLE as error:
        raise JournalFault(what, f"is damaged: {error}.") from None


def _played_on(database: sqlite3.Connection, kept: Sequence[ArchivedMatch]) -> list[ArchivedMatch]:
    """Return matches after their last entry."""
    behind = {archived.number: archived for archived in kept if archived.is_live or not archived.entry_count}
    if not behind:
        return list(kept)
    numbers = ", ".join(str(int(number)) for number in behind)
    missing: dict[int, list[tuple[int, Entry]]] = {number: [] for number in behind}
    for entry_id, number, at, kind, text in database.execute(
        f"SELECT id, match, at, kind, text FROM entries WHERE id > ? AND match IN ({numbers}) ORDER BY id",
        (min(archived.last_entry for archived in behind.values()),),
    ):
        if entry_id > behind[number].last_entry:
            missing[number].append((entry_id, _entry(at, kind, text)))
    return [_after(archived, missing.get(archived.number, ())) for archived in kept]


def _after(archived: ArchivedMatch, entries: Sequence[tuple[int, Entry]]) -> ArchivedMatch:
    if not entries:
        return archived
    return replace(
        archived,
        match=replay(archived.match, (entry for _, entry in entries)),
        last_entry=entries[-1][0],
        entry_count=archived.entry_count + len(entries),
    )


def _entry(at: int, kind: int, text: str) -> Entry:
    try:
        return Entry(at, Kind(kind), text)
    except ValueError:
        raise JournalFault(
            "The journal",
            f"holds an entry of kind {kind}, which this version does not know: take a newer one.",
        ) from None
