"""Checkpoints of the journal: what its transactions wrote to a log is carried into the database.

SQLite does that within whichever transaction finds 1,000 pages in the log, and waits for the disk then: 10 ms, and on
some disks 50, in which the server does nothing else. Here it is done beside the server, in a thread and on a connection
of its own, which holds up neither.

The log begins anew when all of it was carried over and nothing was written meanwhile. While entries keep coming that
succeeds only now and then, though it is tried a few times in a row. So a transaction still does it that finds
`PAGES_IN_LOG` of them: it has only the rest to carry over, but waits for the disk once.

SQLite keeps the file of a connection open that is closed while another one has the database locked, and opens the
next one on it. So the first checkpoint leaves one more file open, and no other does. It is made soon after the start: a
server has its files from then on, and what one before it left in the log is carried in.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from valo_ingest.storage.tables import FILE_NAME

ENTRIES_PER_CHECKPOINT: Final = 500
"""They fill 1,000 pages where each has a transaction of its own, and 100 where many share one."""

PASSES: Final = 4
"""How often it is tried in a row to leave nothing: all but the first have little to carry over."""

BUSY_S: Final = 1.0


class Checkpoints:
    """Makes them when enough was written since the last one."""

    def __init__(self, data_dir: Path, *, written: Callable[[], int]) -> None:
        """
        Args:
            written: How many entries were written since the start.
        """
        self._address = f"{(data_dir / FILE_NAME).absolute().as_uri()}?mode=rw"
        self._written = written
        self._done = -ENTRIES_PER_CHECKPOINT

    @property
    def is_due(self) -> bool:
        return self._written() - self._done >= ENTRIES_PER_CHECKPOINT

    def make(self) -> None:
        """Make one. May be called in any thread, and takes as long as the disk does.

        Where that fails nothing is lost; the journal itself meets the same fault, and says so.
        """
        self._done = self._written()
        try:
            with closing(sqlite3.connect(self._address, uri=True, timeout=BUSY_S)) as database:
                for _ in range(PASSES):
                    _, in_log, carried_over = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    if carried_over == in_log:
                        return
        except sqlite3.Error:
            return
