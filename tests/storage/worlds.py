"""A journal with one match, to be told scores."""

import json
import shutil
from pathlib import Path

from tests.live.fakes import setup
from valo_ingest.clock import ManualClock
from valo_ingest.game.reducer import apply
from valo_ingest.game.state import new_match
from valo_ingest.live.ports import Kept
from valo_ingest.storage.journal import SqliteJournal
from valo_ingest.storage.tables import FILE_NAME
from valo_ingest.wire.record import Entry, Kind, Opening, event_of

AT = 1_700_000_000_000


class World:
    """A journal with one match, which is told scores."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()
        self.directory = directory
        self.opening = Opening(setup=setup("A"), at=AT, observer_name="Caster", client_version="0.3.20")
        self.match = new_match(self.opening.setup)
        self.entries: list[Entry] = []
        self.journal = self.new_journal()
        self.kept = self.journal.open(ended_since=0)
        self.number = self.journal.open_match(
            self.opening, self.match, key_hash="keyhash", secret_hash="secrethash"
        )

    def new_journal(self) -> SqliteJournal:
        return SqliteJournal(self.directory, durability="process", now_ms=self.clock.now_ms)

    def tell(self, count: int) -> None:
        for _ in range(count):
            number = len(self.entries) + 1
            score = {"team_0": number, "team_1": 0}
            text = json.dumps({"obsName": "C", "groupCode": "A", "type": "score", "data": score})
            entry = Entry(AT + number, Kind.OBSERVER_MESSAGE, text)
            self.match = apply(self.match, event_of(entry), entry.at)
            self.entries.append(entry)
            self.journal.append(self.number, entry, self.match)

    def after_kill(self, tmp_path: Path) -> Kept:
        """Return what a server finds that starts where this one was killed."""
        copy = tmp_path / f"copy-{len(list(tmp_path.iterdir()))}"
        copy.mkdir()
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):
            if (self.directory / name).exists():
                shutil.copyfile(self.directory / name, copy / name)
        journal = SqliteJournal(copy, durability="process", now_ms=self.clock.now_ms)
        kept = journal.open(ended_since=0)
        journal.close()
        return kept
