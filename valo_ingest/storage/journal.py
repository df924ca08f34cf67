"""The journal: every match as it was received, in an embedded database, before anybody sees its effect.

Theory of operation
-------------------
The methods of the journal only queue; `commit` writes the queue in one transaction. Whoever shows a state calls it
first, so what a viewer has seen is never taken back, and under load many events share one transaction.

Entries are only ever added at the end of a table that has no other index, which takes two to five microseconds. What
belongs to a match is found by reading the table from where its last kept state ends; a state is kept every few hundred
entries, so that the server is back soon after it was stopped.

Where the disk fails, the queue simply grows: the server goes on from memory, the journal tries again every second and
says so once a minute. A journal that cannot be read at the start is kept aside under another name.

The database is in WAL mode: the commands that list and export matches read it while the server writes. What is in the
log of that mode is carried into the database beside the server (checkpoints.py).
"""

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from filelock import FileLock, Timeout

from valo_ingest import __version__
from valo_ingest.errors import ConfigError, DataDirInUse
from valo_ingest.game.state import Match
from valo_ingest.live.measures import Histogram
from valo_ingest.live.ports import JournalHealth, Kept, KeptMatch, KeptSession
from valo_ingest.storage.tables import (
    FILE_NAME,
    INSERT_ENTRY,
    MATCH_COLUMNS,
    PAGE_BYTES,
    TABLES,
    insert_entries,
    read_match,
)
from valo_ingest.wire.record import Entry, Kind, Opening, replay

logger = logging.getLogger(__name__)

LOCK_NAME: Final = "lock"

ENTRIES_PER_STATE: Final = 500
"""Entries of a match after which its state is kept again."""

RETRY_MS: Final = 1_000
COMPLAIN_MS: Final = 60_000
"""A failing disk is tried again, and complained about, this often."""

DURABILITIES: Final = {"process": "NORMAL", "power": "FULL"}
"""SQLite's `synchronous` for what has to survive: the death of the process, or a power cut as well."""

UNREADABLE: Final = (sqlite3.DatabaseError, msgspec.MsgspecError, ValueError, TypeError)
"""What reading a database that is damaged, or out of reach, was seen to raise."""

FAULTS_OF_DISK: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""Errors that say nothing about whether the database is damaged."""

PAGES_IN_LOG: Final = 4_000
"""After so many a transaction carries into the database what `Checkpoints` have left, and the log begins anew."""


class _Tracked:
    """What the journal knows of a live match without asking the database."""

    def __init__(self, *, last_entry: int, entry_count: int, state: Match) -> None:
        self.last_entry = last_entry
        self.entry_count = entry_count
        self.kept_count = entry_count
        self.state = state


class SqliteJournal:
    """The `Journal` of a server, in the data directory."""

    def __init__(self, data_dir: Path, *, durability: str, now_ms: Callable[[], int]) -> None:
        """
        Args:
            durability: One of `DURABILITIES`.
            now_ms: The time, for retrying and complaining about a failing disk (epoch ms).
        """
        self._data_dir = data_dir
        self._path = data_dir / FILE_NAME
        self._durability = durability
        self._now_ms = now_ms
        self._lock = FileLock(data_dir / LOCK_NAME)
        self._database: sqlite3.Connection | None = None
        self._entries: list[tuple[int, int, int, int, str]] = []
        self._statements: list[tuple[str, tuple[Any, ...]]] = []
        self._tracked: dict[int, _Tracked] = {}
        self._next_match = 1
        self._next_entry = 1
        self._fault = ""
        self._retry_at = 0
        self._complain_at = 0
        self.commit_times = Histogram()
        """How long transactions took that wrote something."""
        self.written = 0
        """Entries that were written since the start."""

    # --- opening and closing ----------------------------------------------------------------------------------

    def open(self, *, ended_since: int) -> Kept:
        """Lock the data directory, open the database and return what is needed to go on.

        Args:
            ended_since: Matches that ended since this instant (epoch ms) are returned, too.

        Raises:
            ConfigError: The data directory cannot be used.
            DataDirInUse: Another server uses it.
        """
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise DataDirInUse(str(self._data_dir)) from None
        except OSError as error:
            raise ConfigError("DATA_DIR", f"cannot write in {self._data_dir}: {error.strerror}") from error
        try:
            return self._open_database(ended_since)
        except UNREADABLE as error:
            self._disconnect()
            if not _is_of_disk(error):
                self._set_aside(error)
                return self._open_database(ended_since)
            # What is there cannot be seen now, so count from where no earlier server can have come to.
            self._next_match = self._now_ms()
            self._next_entry = self._now_ms() * 1_000
            self._complain(error)
        return Kept()

    def _open_database(self, ended_since: int) -> Kept:
        self._connect()
        kept = self._load(ended_since)
        # Never one that was given before: sessions tell matches apart by their numbers.
        self._next_match = 1 + self._ask(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'matches'), 0)"
        )
        # Where the last entries were deleted, a match that has none yet still counts from behind them.
        self._next_entry = 1 + max(
            self._ask("SELECT coalesce(max(id), 0) FROM entries"),
            self._ask("SELECT coalesce(max(last_entry), 0) FROM matches"),
        )
        return kept

    def _connect(self) -> sqlite3.Connection:
        new = not self._path.exists()
        database = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
        try:
            if new:
                self._path.chmod(0o600)  # it holds what was said in a match, and hashes of keys
            database.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # counts for a new file only
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(f"PRAGMA synchronous = {DURABILITIES[self._durability]}")
            database.execute(f"PRAGMA wal_autocheckpoint = {PAGES_IN_LOG}")
            database.executescript(TABLES)
        except sqlite3.Error:
            database.close()
            raise
        self._database = database
        return database

    def _disconnect(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _ask(self, query: str) -> int:
        assert self._database is not None
        return int(self._database.execute(query).fetchone()[0])

    def _set_aside(self, error: Exception) -> None:
        aside = self._path.with_name(f"{self._path.stem}.damaged-{self._now_ms()}{self._path.suffix}")
        for suffix in ("", "-wal", "-shm"):
            part = self._path.with_name(self._path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        logger.error(
            "the journal is damaged (%s): it is kept as %s, and this server starts without what is in it",
            error,
            aside,
        )

    def close(self) -> None:
        """Keep the state of every live match, write what is queued, and give the data directory free."""
        for number in self._tracked:
            self._keep_state(number)
        self._retry_at = 0
        self.commit()
        self._disconnect()
        self._lock.release()

    # --- reading what is there --------------------------------------------------------------------------------

    def _load(self, ended_since: int) -> Kept:
        assert self._database is not None
        rows = self._database.execute(
            f"SELECT {MATCH_COLUMNS} FROM matches WHERE ended_at IS NULL OR ended_at >= ?", (ended_since,)
        )
        matches = {row[0]: read_match(row) for row in rows}
        live = {number: kept for number, kept in matches.items() if kept.ended_at is None}
        if live:
            self._play_on(live)
        for number, kept in live.items():
            self._tracked[number] = _Tracked(
                last_entry=kept.last_entry, entry_count=kept.entry_count, state=kept.match
            )
        sessions = [
            msgspec.msgpack.decode(content, type=KeptSession)
            for (content,) in self._database.execute("SELECT content FROM sessions")
        ]
        latest = self._ask("SELECT coalesce((SELECT at FROM entries ORDER BY id DESC LIMIT 1), 0)")
        return Kept(list(matches.values()), sessions, latest)

    def _play_on(self, live: dict[int, KeptMatch]) -> None:
        """Bring live matches from their last kept state to their last entry."""
        assert self._database is not None
        entries = self._database.execute(
            "SELECT id, match, at, kind, text FROM entries WHERE id > ? ORDER BY id",
            (min(kept.last_entry for kept in live.values()),),
        )
        for entry_id, number, at, kind, text in entries:
            kept = live.get(number)
            if kept is not None and entry_id > kept.last_entry:
                kept.match = replay(kept.match, (Entry(at, Kind(kind), text),))
                kept.last_entry = entry_id
                kept.entry_count += 1

    # --- writing ----------------------------------------------------------------------------------------------

    def open_match(self, opening: Opening, match: Match, *, key_hash: str, secret_hash: str) -> int:
        number = self._next_match
        self._next_match += 1
        tracked = _Tracked(last_entry=self._next_entry - 1, entry_count=0, state=match)
        self._tracked[number] = tracked
        self._statements.append(
            (
                "INSERT INTO matches VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, NULL)",
                (
                    number,
                    opening.setup.group_code,
                    msgspec.msgpack.encode(opening),
                    key_hash,
                    secret_hash,
                    self._next_entry,
                    tracked.last_entry,
                    msgspec.msgpack.encode(match),
                    __version__,
                ),
            )
        )
        return number

    def add_secret(self, number: int, secret_hash: str) -> None:
        self._statements.append(
            (
                "UPDATE matches SET secret_hashes = secret_hashes || ' ' || ? WHERE number = ?",
                (secret_hash, number),
            )
        )

    def append(self, number: int, entry: Entry, after: Match) -> None:
        tracked = self._tracked[number]
        entry_id = self._next_entry
        self._next_entry = entry_id + 1
        # SQLite takes much longer over an enum than over the plain number that it is.
        self._entries.append((entry_id, number, entry.at, int(entry.kind), entry.text))
        tracked.last_entry = entry_id
        tracked.entry_count += 1
        tracked.state = after
        if tracked.entry_count - tracked.kept_count >= ENTRIES_PER_STATE:
            self._keep_state(number)

    def _keep_state(self, number: int) -> None:
        tracked = self._tracked[number]
        tracked.kept_count = tracked.entry_count
        self._statements.append(
            (
                "UPDATE matches SET last_entry = ?, entry_count = ?, state = ?, state_version = ? "
                "WHERE number = ?",
                (
                    tracked.last_entry,
                    tracked.entry_count,
                    msgspec.msgpack.encode(tracked.state),
                    __version__,
                    number,
                ),
            )
        )

    def end_match(self, number: int, at: int) -> None:
        self._keep_state(number)
        del self._tracked[number]
        self._statements.append(("UPDATE matches SET ended_at = ? WHERE number = ?", (at, number)))

    def keep_session(self, session: KeptSession) -> None:
        self._statements.append(
            (
                "INSERT OR REPLACE INTO sessions VALUES (?, ?)",
                (session.session_id, msgspec.msgpack.encode(session)),
            )
        )

    def drop_session(self, session_id: str) -> None:
        self._statements.append(("DELETE FROM sessions WHERE session = ?", (session_id,)))

    def commit(self) -> int:
        if not (self._entries or self._statements) or self._now_ms() < self._retry_at:
            return 0
        began = time.perf_counter()
        try:
            self._write(self._database or self._connect())
        except sqlite3.Error as error:
            self._complain(error)
            return 0
        self.commit_times.observe(time.perf_counter() - began)
        written = len(self._entries)
        self.written += written
        self._entries.clear()
        self._statements.clear()
        if self._fault:
            logger.warning("the journal works again; nothing was lost")
            self._fault = ""
        return written

    def _write(self, database: sqlite3.Connection) -> None:
        """Write what is queued in one transaction. Raises `sqlite3.Error`, and has written nothing then."""
        if len(self._entries) == 1 and not self._statements:  # as in most turns of a quiet server
            database.execute(INSERT_ENTRY, self._entries[0])
            return
        database.execute("BEGIN")
        try:
            for statement, values in self._statements:
                database.execute(statement, values)
            insert_entries(database, self._entries)
            database.execute("COMMIT")
        except sqlite3.Error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    # --- a failing disk ---------------------------------------------------------------------------------------

    def _complain(self, error: Exception) -> None:
        now = self._now_ms()
        self._retry_at = now + RETRY_MS
        if not self._fault or now >= self._complain_at:
            self._complain_at = now + COMPLAIN_MS
            logger.error(
                "the journal cannot be written (%s): the server goes on from memory and keeps trying; "
                "free space on the disk of %s. %d entries wait",
                error,
                self._path,
                len(self._entries),
            )
        self._fault = str(error)

    def health(self) -> JournalHealth:
        return JournalHealth(fault=self._fault, waiting=len(self._entries))


def _is_of_disk(error: Exception) -> bool:
    """Tell whether the database cannot be reached, and may well be in order."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in FAULTS_OF_DISK  # above it stands which kind of that fault
