"""The access keys of a data directory: made and revoked by commands, asked for by a server that runs beside them.

Theory of operation
-------------------
The keys are in a small database of their own. Nobody keeps it open: who asks opens it, which takes 0.15 ms, and a
logon comes once in a while. So what a command has written counts from the next logon on, also in a server that was
started before there was any key. Only commands write.

Of a key there is its SHA-256 alone. Slow hashes with salt are for what people make up; these keys have 100 random
bits, which nobody finds by trying, however quick a try is. A key is looked up by its hash, in an index: the time that
takes depends on the hash of what was sent, and whoever wants to choose that would have to reverse SHA-256.

The server is one thread for all its clients, so nothing waits inside the database. Where somebody else has locked it,
for as long as it takes to write a key, it is tried again after a pause, in which gevent lets others go on.
"""

import hashlib
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from valo_ingest.errors import KeyNameTaken, KeyStoreFault, UnknownKey
from valo_ingest.storage.keys import AUTH_KEY_NAME, make_key
from valo_ingest.wire.record import KeyHolder

Result = TypeVar("Result")

FILE_NAME: Final = "keys.sqlite3"

FORMAT: Final = 1
"""Of the tables, kept as the `user_version` of the database."""

LOCKED_RETRIES: Final = 50
LOCKED_PAUSE_S: Final = 0.02
"""What found the file locked is tried again so often, with such pauses: for a second."""

EMPTY: Final = 0
"""The format of a file that has just been made."""

TABLES: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS keys (
    number INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    organization TEXT NOT NULL,
    is_supporter INTEGER NOT NULL,
    note TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS names_in_use ON keys (name) WHERE revoked_at IS NULL;
PRAGMA user_version = {FORMAT};
COMMIT;
"""

COLUMNS: Final = "name, organization, is_supporter, note, created_at, expires_at, revoked_at"


class KeyState(StrEnum):
    """Whether a key is good, and if not, why."""

    IN_FORCE = "in force"
    EXPIRED = "expired"
    REVOKED = "revoked"


class StoredKey(Struct, frozen=True, kw_only=True):
    """What is kept of a key, but for its hash. Instants are epoch ms."""

    name: str
    organization: str
    is_supporter: bool
    note: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    def state(self, now: int) -> KeyState:
        """Return whether it is good at `now` (epoch ms)."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.expires_at is not None and now >= self.expires_at:
            return KeyState.EXPIRED
        return KeyState.IN_FORCE

    @property
    def holder(self) -> KeyHolder:
        """What is told of who has it."""
        return KeyHolder(key_name=self.name, organization=self.organization, is_supporter=self.is_supporter)


class KeyStore:
    """The access keys that are kept in a data directory.

    Every method raises `KeyStoreFault` where the file cannot be read or changed.
    """

    def __init__(self, data_dir: Path, *, now_ms: Callable[[], int]) -> None:
        """
        Args:
            now_ms: The time (epoch ms), by which keys are made, revoked and out of date.
        """
        self._path = data_dir / FILE_NAME
        self.now_ms = now_ms

    # --- asking -----------------------------------------------------------------------------------------------

    def find(self, key: str) -> StoredKey | None:
        """Return what is kept of `key`, revoked or not; None if that was never a key of this store."""
        hashed = hash_key(key)
        with self._told("read"):
            found = _patiently(lambda: self._select("WHERE hash = ?", hashed))
        return found[0] if found else None

    def all_keys(self) -> Sequence[StoredKey]:
        """Return all keys that were ever made, the oldest first."""
        with self._told("read"):
            return _patiently(lambda: self._select("ORDER BY number"))

    def _select(self, which: str, *values: object) -> list[StoredKey]:
        if not self._path.exists():
            return []
        with closing(self._connect("ro")) as database:
            if self._format_of(database) == EMPTY:
                return []
            rows = database.execute(f"SELECT {COLUMNS} FROM keys {which}", values).fetchall()
        return [msgspec.convert(dict(row), StoredKey, strict=False) for row in rows]

    # --- changing ---------------------------------------------------------------------------------------------

    def create(
        self, *, name: str, organization: str, expires_at: int | None, is_supporter: bool, note: str
    ) -> str:
        """Make a key and return it. It is not kept, so nobody can tell it again.

        Raises:
            KeyNameTaken: Another key has that name and is not revoked.
        """
        if name == AUTH_KEY_NAME:
            raise KeyNameTaken(name, "the server's own key. Choose another one")
        key = make_key()
        values = (hash_key(key), name, organization, is_supporter, note, self.now_ms(), expires_at)
        with self._told("changed"):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _make_private(self._path)
            try:
                _patiently(
                    lambda: self._change("INSERT INTO keys VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, NULL)", values)
                )
            except sqlite3.IntegrityError:
                raise KeyNameTaken(
                    name, "another key. Choose another one, or revoke that key first"
                ) from None
        return key

    def revoke(self, name: str) -> None:
        """Let a key not be good any more, for ever.

        Raises:
            UnknownKey: No key has that name, or it is revoked already.
        """
        if name not in {key.name for key in self.all_keys() if key.revoked_at is None}:
            raise UnknownKey(name)
        with self._told("changed"):
            _patiently(
                lambda: self._change(
                    "UPDATE keys SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL",
                    (self.now_ms(), name),
                )
            )

    def _change(self, statement: str, values: Sequence[object]) -> None:
        with closing(self._connect("rw")) as database:
            self._prepare(database)
            database.execute(statement, values)

    # --- the database -----------------------------------------------------------------------------------------

    def _connect(self, mode: Literal["ro", "rw"]) -> sqlite3.Connection:
        """Open the file, in a way that never waits: see `_patiently`."""
        uri = f"{self._path.absolute().as_uri()}?mode={mode}"
        database = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0)
        database.row_factory = sqlite3.Row
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Have tables that can be written, and everything on the disk that is written from now on."""
        written = self._format_of(database)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        if written == EMPTY:
            database.executescript(TABLES)

    def _format_of(self, database: sqlite3.Connection) -> int:
        """Return the format of the tables, or `EMPTY`."""
        written: int = database.execute("PRAGMA user_version").fetchone()[0]
        if written > FORMAT:
            raise KeyStoreFault(
                str(self._path),
                f"are kept in format {written}, and this version of valo-ingest reads formats up to {FORMAT}: "
                "take a newer one.",
            )
        return written

    @contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, msgspec.ValidationError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise KeyStoreFault(str(self._path), f"cannot be {verb}: {why}.") from error


def hash_key(key: str) -> str:
    """Return what is kept of a key. Capitals, dashes and blanks do not count: people type it in."""
    letters = "".join(key.upper().split()).replace("-", "")
    return hashlib.sha256(letters.encode(errors="replace")).hexdigest()


def _patiently(work: Callable[[], Result]) -> Result:
    """Return what `work` returns, trying again while somebody else has locked the database."""
    for _ in range(LOCKED_RETRIES):
        try:
            return work()
        except sqlite3.OperationalError as error:
            if not _is_locked(error):
                raise
        time.sleep(LOCKED_PAUSE_S)
    return work()


def _is_locked(error: sqlite3.OperationalError) -> bool:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF == sqlite3.SQLITE_BUSY  # above it stands which kind of that


def _make_private(path: Path) -> None:
    """Make an empty file where there is none, for its owner alone: whose the directory is, where that can be."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    if sys.platform != "win32" and os.geteuid() == 0:  # the server is rarely root
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
