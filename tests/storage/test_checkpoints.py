import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.storage.worlds import World
from valo_ingest.storage.checkpoints import ENTRIES_PER_CHECKPOINT, Checkpoints
from valo_ingest.storage.journal import PAGES_IN_LOG
from valo_ingest.storage.tables import FILE_NAME, PAGE_BYTES

PAGES_BY_DEFAULT = 1_000
"""After so many SQLite makes a checkpoint within a transaction, if it is not told otherwise."""


def checkpoints_of(world: World) -> Checkpoints:
    return Checkpoints(world.directory, written=lambda: world.journal.written)


def in_database(directory: Path) -> int:
    """Return how many entries are in the database itself, without its log."""
    path = f"{(directory / FILE_NAME).absolute().as_uri()}?immutable=1"
    with closing(sqlite3.connect(path, uri=True)) as database:
        try:
            return int(database.execute("SELECT count(*) FROM entries").fetchone()[0])
        except sqlite3.DatabaseError:  # no table yet, or it is being written
            return 0


def write_one_by_one(world: World, count: int) -> None:
    for _ in range(count):
        world.tell(1)
        world.journal.commit()


def test_a_checkpoint_carries_into_the_database_what_was_written(world: World) -> None:
    write_one_by_one(world, ENTRIES_PER_CHECKPOINT)
    assert in_database(world.directory) == 0

    checkpoints_of(world).make()

    assert in_database(world.directory) == ENTRIES_PER_CHECKPOINT


def test_a_transaction_makes_none_where_sqlite_would_by_itself(world: World) -> None:
    write_one_by_one(world, PAGES_BY_DEFAULT)  # each of them writes a page, or two

    assert in_database(world.directory) == 0


def test_one_is_due_at_once_and_again_after_so_many_entries(world: World) -> None:
    checkpoints = checkpoints_of(world)
    assert checkpoints.is_due
    checkpoints.make()
    write_one_by_one(world, ENTRIES_PER_CHECKPOINT - 1)
    assert not checkpoints.is_due
    write_one_by_one(world, 1)
    assert checkpoints.is_due

    checkpoints.make()

    assert not checkpoints.is_due
    write_one_by_one(world, ENTRIES_PER_CHECKPOINT)
    assert checkpoints.is_due


def test_what_an_earlier_server_left_in_the_log_is_carried_in(world: World) -> None:
    write_one_by_one(world, 3)

    checkpoints_of(world).make()

    assert in_database(world.directory) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="files are counted otherwise there")
def test_no_checkpoint_but_the_first_leaves_a_file_open(world: World) -> None:
    checkpoints = checkpoints_of(world)
    checkpoints.make()
    before = psutil.Process().num_fds()

    for _ in range(3):
        write_one_by_one(world, 3)
        checkpoints.make()

    assert psutil.Process().num_fds() == before


def test_the_log_begins_anew_after_a_checkpoint(world: World) -> None:
    """Otherwise it would grow for as long as the server runs."""
    checkpoints = checkpoints_of(world)
    sizes = []
    for _ in range(3):
        write_one_by_one(world, ENTRIES_PER_CHECKPOINT)
        checkpoints.make()
        sizes.append((world.directory / f"{FILE_NAME}-wal").stat().st_size)

    assert sizes[2] < 1.5 * sizes[0]


def test_the_log_begins_anew_though_the_thread_never_comes_to_its_end(world: World) -> None:
    """As under load: whatever is written during a checkpoint has to stay in the log."""
    wal = world.directory / f"{FILE_NAME}-wal"
    write_one_by_one(world, PAGES_IN_LOG + PAGES_IN_LOG // 4)  # each of them writes a page, or two

    assert wal.stat().st_size < 1.1 * PAGES_IN_LOG * PAGE_BYTES
    assert in_database(world.directory) > 0


def test_where_there_is_no_journal_none_is_made(tmp_path: Path) -> None:
    Checkpoints(tmp_path, written=lambda: ENTRIES_PER_CHECKPOINT).make()

    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_cannot_be_made_leaves_the_journal_as_it_is(world: World, tmp_path: Path) -> None:
    write_one_by_one(world, 3)
    path = world.directory / FILE_NAME
    path.rename(tmp_path / "elsewhere")
    path.mkdir()
    try:
        checkpoints_of(world).make()
    finally:
        path.rmdir()
        (tmp_path / "elsewhere").rename(path)

    write_one_by_one(world, 3)
    assert world.journal.health().fault == ""
