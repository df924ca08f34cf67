"""The real server, but it stands still for 200 ms in every half second. Started by `test_load_live.py`."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from typing import Final  # noqa: E402

import gevent  # noqa: E402

from valo_ingest.cli import main  # noqa: E402

STALL_S: Final = 0.2
EVERY_S: Final = 0.5

really_sleep = monkey.get_original("time", "sleep")


def stall() -> None:
    while True:
        gevent.sleep(EVERY_S - STALL_S)
        really_sleep(STALL_S)


if __name__ == "__main__":
    gevent.spawn(stall)
    main(sys.argv[1:], prog_name="valo-ingest")
