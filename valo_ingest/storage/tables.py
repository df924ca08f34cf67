"""What lies in the database of a journal, and how it is put there and read."""

import sqlite3
from itertools import chain
from typing import Any, Final

import msgspec

from valo_ingest import __version__
from valo_ingest.game.state import Match, new_match
from valo_ingest.live.ports import KeptMatch
from valo_ingest.wire.record import Opening

FILE_NAME: Final = "journal.sqlite3"

PAGE_BYTES: Final = 8_192
"""A busy turn fills several. With SQLite's 4,096 an entry takes 1.5 microseconds there, with this 1.3."""

INSERT_ENTRY: Final = "INSERT INTO entries VALUES (?, ?, ?, ?, ?)"

ROWS_AT_ONCE: Final = 16
"""Entries in one statement, while there are so many: 0.7 microseconds each, and 1.0 in one of their own."""

INSERT_ENTRIES: Final = ", ".join([INSERT_ENTRY, *["(?, ?, ?, ?, ?)"] * (ROWS_AT_ONCE - 1)])

TABLES: Final = """
CREATE TABLE IF NOT EXISTS matches (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    group_code TEXT NOT NULL,
    opening BLOB NOT NULL,
    key_hash TEXT NOT NULL,
    secret_hashes TEXT NOT NULL,
    first_entry INTEGER NOT NULL,
    last_entry INTEGER NOT NULL,
    entry_count INTEGER NOT NULL,
    state BLOB NOT NULL,
    state_version TEXT NOT NULL,
    ended_at INTEGER
);
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    match INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
    session TEXT PRIMARY KEY,
    content BLOB NOT NULL
);
"""


def insert_entries(database: sqlite3.Connection, entries: list[tuple[int, int, int, int, str]]) -> None:
    """Write entries, each a row of its table, in their order. Raises `sqlite3.Error`."""
    in_blocks = len(entries) - len(entries) % ROWS_AT_ONCE
    for start in range(0, in_blocks, ROWS_AT_ONCE):
        block = entries[start : start + ROWS_AT_ONCE]
        database.execute(INSERT_ENTRIES, [*chain.from_iterable(block)])
    database.executemany(INSERT_ENTRY, entries[in_blocks:])


MATCH_COLUMNS: Final = """
number, opening, key_hash, secret_hashes, last_entry, entry_count, state, state_version, ended_at, first_entry
"""


def read_match(row: tuple[Any, ...]) -> KeptMatch:
    """Return a match from a row of `MATCH_COLUMNS`, in its last kept state.

    A state that another version of the rules has kept is not trusted: the match is played from its beginning.
    """
    number, opening, key_hash, secrets, last_entry, entry_count, state, version, ended_at, first_entry = row
    opened = msgspec.msgpack.decode(opening, type=Opening)
    is_trusted = version == __version__ or ended_at is not None
    return KeptMatch(
        number=number,
        opening=opened,
        match=msgspec.msgpack.decode(state, type=Match) if is_trusted else new_match(opened.setup),
        key_hash=key_hash,
        secret_hashes=frozenset(secrets.split()),
        last_entry=last_entry if is_trusted else first_entry - 1,
        entry_count=entry_count if is_trusted else 0,
        ended_at=ended_at,
    )
