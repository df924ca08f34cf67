"""Ports for servers that come back to theirs, and for doors that have to stay closed.

A free port that the system chooses may be anybody's a moment after it was let go: also each client gets one, on Linux
from 32,768 up, elsewhere from 49,152. These lie below, and each process of a test run has a thousand of its own.
"""

import os
import random
import socket
from contextlib import suppress
from itertools import count, islice
from typing import Final

HOST: Final = "127.0.0.1"

LOWEST: Final = 16_000
PORTS_OF_PROCESS: Final = 1_000
PROCESSES: Final = 16

_first: Final = LOWEST + PORTS_OF_PROCESS * (
    int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PROCESSES
)
_places: Final = count(random.randrange(PORTS_OF_PROCESS))
"""Begins anywhere, as another run of the tests may be on its way."""


def closed_port() -> int:
    """Return a port on which nothing listens, and nothing will until all others have had their turn."""
    for place in islice(_places, PORTS_OF_PROCESS):
        port = _first + place % PORTS_OF_PROCESS
        with suppress(OSError), socket.create_server((HOST, port)):
            return port
    raise AssertionError(f"all of the {PORTS_OF_PROCESS} ports from {_first} on are in use")


def closed_ports() -> tuple[int, int, int]:
    """Return one for each side of a server."""
    return closed_port(), closed_port(), closed_port()
