"""The server, on a machine on which something is odd: its disk, its clock, or how soon it calls an observer quiet.

Started by `test_broken_links.py` and by the tests of the pages. What is odd is in the environment.
"""

import os
import shutil
import time
from types import SimpleNamespace
from typing import Any

FREE_BYTES = "ODD_FREE_BYTES"
AHEAD_S = "ODD_AHEAD_S"
QUIET_MS = "ODD_QUIET_MS"


def make_odd() -> None:
    """Make this process see what the environment says. Call it before anything of the server is imported."""
    free_bytes = os.environ.get(FREE_BYTES)
    if free_bytes:
        disk: Any = SimpleNamespace(free=int(free_bytes))
        shutil.disk_usage = lambda path: disk  # type: ignore[assignment]
    real, ahead_s = time.time, float(os.environ.get(AHEAD_S, "0"))
    time.time = lambda: real() + ahead_s
    if os.environ.get(QUIET_MS):
        from valo_ingest.live import problems

        problems.OBSERVER_QUIET_MS = int(os.environ[QUIET_MS])  # type: ignore[misc]


if __name__ == "__main__":
    from gevent import monkey

    monkey.patch_all()
    make_odd()
    from valo_ingest.cli import main

    main(prog_name="valo-ingest")
