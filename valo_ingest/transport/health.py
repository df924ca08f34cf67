"""How the server is: whether it may be given clients, and what an operator should look after.

Ready is a server that listens on all its ports, can keep what it is told, and is not about to stop. One whose journal
fails is not ready and still alive: it goes on from memory, and would lose what waits there if it were restarted.
"""

import logging
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, Protocol

from valo_ingest.live.ports import DiskState, JournalHealth

logger = logging.getLogger(__name__)

MEGABYTE: Final = 1_000_000

LOW_BYTES: Final = 1_000 * MEGABYTE
"""Below this the operator is warned. A match takes 2 MB, so there is time to do something about it."""

FULL_BYTES: Final = 100 * MEGABYTE
"""Below this the server is not ready: the system and the journal's own log need some room, too."""


LOOK_EVERY_S: Final = 1.0
"""However often somebody asks, the disk is looked at no more often than this."""


class State(StrEnum):
    """Where a server is between its start and its end."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


class KeepsEvents(Protocol):
    """What is asked of the journal."""

    def health(self) -> JournalHealth:
        """Tell whether it can be written."""


class Disk(Protocol):
    """Where the data directory is."""

    def look(self) -> DiskState:
        """Tell how it is now."""


class Health:
    """What is known about the server's health. `look` has to be called now and then, so that the log knows it, too."""

    def __init__(
        self,
        *,
        journal: KeepsEvents,
        disk: Disk,
        listening: Callable[[], Mapping[str, bool]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            listening: Returns of each port, by what it is for, whether it is listened on.
        """
        self.state = State.STARTING
        self._journal = journal
        self._disk = disk
        self._listening = listening
        self._now = now
        self._disk_state: DiskState | None = None
        self._looked_at = 0.0
        self._said: tuple[bool, bool] = (False, False)

    @property
    def disk(self) -> DiskState:
        """Return how the disk is, or was a moment ago."""
        now = self._now()
        if self._disk_state is None or now - self._looked_at >= LOOK_EVERY_S:
            self._disk_state, self._looked_at = self._disk.look(), now
        return self._disk_state

    def journal(self) -> JournalHealth:
        return self._journal.health()

    def listening(self) -> Mapping[str, bool]:
        """Return of each port, by what it is for, whether it is listened on."""
        return self._listening()

    def look(self) -> None:
        """Look at the disk, and say in the log when it has become better or worse."""
        found = self._disk_problem(), self._disk_warning()
        before, self._said = self._said, (bool(found[0]), bool(found[1]))
        if self._said == before:
            return
        problem, warning = found
        if problem:
            logger.error("%s", problem)
        elif warning:
            logger.warning("%s", warning)
        else:
            logger.info("the disk of the data directory is well again")

    def problems(self) -> list[str]:
        """Return, in sentences, why the server is not ready; nothing if it is."""
        found = []
        if self.state is not State.RUNNING:
            found.append(f"The server is {self.state}.")
        found += [f"The {name} port is not listened on." for name in self.closed_ports()]
        journal = self._journal.health()
        if journal.fault:
            found.append(
                f"The journal cannot be written ({journal.fault}): {journal.waiting} entries wait in memory."
            )
        found += filter(None, [self._disk_problem()])
        return found

    def warnings(self) -> list[str]:
        """Return, in sentences, what is no problem yet."""
        return [*filter(None, [self._disk_warning()])]

    def closed_ports(self) -> list[str]:
        """Return what those ports are for that should be listened on and are not."""
        if self.state is not State.RUNNING:
            return []
        return [name for name, is_open in self._listening().items() if not is_open]

    def _disk_problem(self) -> str:
        disk = self.disk
        if disk.free_bytes is None:
            return f"The data directory cannot be written: {disk.fault}."
        if disk.free_bytes < FULL_BYTES:
            return (
                f"The disk of the data directory is full but for {disk.free_bytes // MEGABYTE} MB: free some."
            )
        return ""

    def _disk_warning(self) -> str:
        free = self.disk.free_bytes
        if free is None or not FULL_BYTES <= free < LOW_BYTES:
            return ""
        return f"The disk of the data directory has {free // MEGABYTE} MB left: free some."
