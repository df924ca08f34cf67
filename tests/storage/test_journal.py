import sqlite3
from pathlib import Path

import pytest

from tests.storage.worlds import AT, World
from valo_ingest.clock import ManualClock
from valo_ingest.errors import DataDirInUse
from valo_ingest.game.state import Match
from valo_ingest.live.clients import Observer
from valo_ingest.live.ports import Kept, KeptSession
from valo_ingest.storage import journal as module
from valo_ingest.storage.journal import (
    COMPLAIN_MS,
    ENTRIES_PER_STATE,
    RETRY_MS,
    SqliteJournal,
)
from valo_ingest.storage.tables import FILE_NAME, ROWS_AT_ONCE
from valo_ingest.wire.record import replay_opening


def only_match(kept: Kept) -> Match:
    (match,) = kept.matches
    return match.match


@pytest.mark.parametrize(
    "count",
    [0, 1, ENTRIES_PER_STATE - 1, ENTRIES_PER_STATE, ENTRIES_PER_STATE + 1, 2 * ENTRIES_PER_STATE + 7],
)
def test_a_kept_state_and_its_tail_are_what_replaying_all_gives(
    world: World, tmp_path: Path, count: int
) -> None:
    world.tell(count)
    world.journal.commit()

    match = only_match(world.after_kill(tmp_path))

    assert match == world.match
    assert match == replay_opening(world.opening, world.entries)


def test_a_state_of_another_version_is_not_trusted(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.tell(ENTRIES_PER_STATE + 3)
    world.journal.commit()
    monkeypatch.setattr(module, "__version__", "999.0.0")

    (kept,) = world.after_kill(tmp_path).matches

    assert (kept.match, kept.entry_count) == (world.match, len(world.entries))


def test_what_was_not_committed_is_not_there(world: World, tmp_path: Path) -> None:
    world.tell(2)
    world.journal.commit()
    seen = world.match
    world.tell(3)

    assert only_match(world.after_kill(tmp_path)) == seen


def test_commit_tells_how_many_entries_it_wrote(world: World) -> None:
    world.tell(3)

    assert world.journal.commit() == 3
    assert world.journal.commit() == 0


def test_an_ended_match_is_returned_only_if_it_ended_lately(world: World) -> None:
    world.tell(1)
    world.journal.end_match(world.number, AT + 5)
    world.journal.close()

    assert [kept.ended_at for kept in world.new_journal().open(ended_since=AT + 5).matches] == [AT + 5]


def test_numbers_are_never_given_twice(world: World) -> None:
    world.journal.end_match(world.number, AT)
    world.journal.close()
    with sqlite3.connect(world.directory / FILE_NAME) as database:
        database.execute("DELETE FROM matches")
    database.close()
    world.journal = world.new_journal()
    world.journal.open(ended_since=0)

    number = world.journal.open_match(world.opening, world.match, key_hash="", secret_hash="")

    assert number > world.number


def test_sessions_are_kept_replaced_and_dropped(world: World, tmp_path: Path) -> None:
    client = Observer(client_id="c", group_code="A", name="Caster")
    world.journal.keep_session(KeptSession("s", ("one",), client, None))
    world.journal.keep_session(KeptSession("s", ("two",), client, AT))
    world.journal.keep_session(KeptSession("t", ("three",), client, None))
    world.journal.drop_session("t")
    world.journal.commit()

    assert world.after_kill(tmp_path).sessions == [KeptSession("s", ("two",), client, AT)]


def test_the_clock_goes_on_from_the_last_entry(world: World, tmp_path: Path) -> None:
    world.tell(4)
    world.journal.commit()

    assert world.after_kill(tmp_path).latest_at == AT + 4


def test_a_second_server_is_refused(world: World) -> None:
    with pytest.raises(DataDirInUse, match="another server uses"):
        world.new_journal().open(ended_since=0)


def test_nobody_else_may_read_the_journal(world: World) -> None:
    world.journal.commit()

    assert (world.directory / FILE_NAME).stat().st_mode & 0o077 == 0


def test_a_damaged_journal_is_kept_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database" * 1_000)
    journal = SqliteJournal(tmp_path, durability="process", now_ms=ManualClock().now_ms)

    kept = journal.open(ended_since=0)
    journal.close()

    assert kept.matches == []
    (aside,) = tmp_path.glob("*.damaged-*.sqlite3")
    assert aside.read_bytes().startswith(b"this is no database")
    assert str(aside) in caplog.text


def test_a_full_disk_loses_nothing_and_is_said_once_a_minute(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world.journal.commit()
    blocker = sqlite3.connect(world.directory / FILE_NAME, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")  # nobody else can write; waiting for it is given up
    world.tell(3)
    for _ in range(3):
        assert world.journal.commit() == 0
        world.clock.advance(RETRY_MS)
    assert world.journal.health().fault
    assert world.journal.health().waiting == 3
    assert caplog.text.count("cannot be written") == 1

    world.clock.advance(COMPLAIN_MS)
    world.journal.commit()
    assert caplog.text.count("cannot be written") == 2

    blocker.execute("ROLLBACK")
    blocker.close()
    world.clock.advance(RETRY_MS)
    assert world.journal.commit() == 3
    assert world.journal.health().fault == ""
    assert only_match(world.after_kill(tmp_path)) == world.match


@pytest.mark.parametrize(
    "count", [1, 2, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 3 * ROWS_AT_ONCE + 5]
)
def test_every_entry_of_a_transaction_is_written_once_and_in_order(world: World, count: int) -> None:
    world.journal.commit()
    world.tell(count)
    assert world.journal.commit() == count

    database = sqlite3.connect(world.directory / FILE_NAME)
    rows = database.execute("SELECT at, kind, text FROM entries ORDER BY id").fetchall()
    database.close()
    assert rows == [(entry.at, int(entry.kind), entry.text) for entry in world.entries]


def test_a_lone_entry_that_cannot_be_written_is_written_later(world: World, tmp_path: Path) -> None:
    world.journal.commit()
    blocker = sqlite3.connect(world.directory / FILE_NAME, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    world.tell(1)
    assert world.journal.commit() == 0
    assert world.journal.health().waiting == 1

    blocker.execute("ROLLBACK")
    blocker.close()
    world.clock.advance(RETRY_MS)
    assert world.journal.commit() == 1
    assert only_match(world.after_kill(tmp_path)) == world.match


def test_transactions_are_timed_and_entries_counted_when_they_are_written(world: World) -> None:
    def timed() -> int:
        return list(world.journal.commit_times.cumulative())[-1][1]

    world.tell(3)
    assert world.journal.written == 0
    world.journal.commit()
    world.journal.commit()  # nothing to write
    assert (world.journal.written, timed()) == (3, 1)

    world.tell(2)
    world.journal.commit()
    assert (world.journal.written, timed()) == (5, 2)
    assert world.journal.commit_times.total > 0
