"""What a server does again and again, each in a greenlet of its own."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import gevent

from valo_ingest.app.stores import open_archive
from valo_ingest.config import Config
from valo_ingest.errors import JournalFault, ValoIngestError
from valo_ingest.storage.checkpoints import Checkpoints
from valo_ingest.transport.websocket import HIGHEST_PRIORITY

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Chore:
    """Work, and the seconds between doing it and doing it again."""

    interval_s: float
    work: Callable[[], object]
    calm_interval_s: float | None = None
    """Instead of `interval_s` while `work` returns False, which says that nothing is on its way."""

    def start(self) -> gevent.Greenlet:
        """Return a greenlet that does it until it is killed; what fails is logged, and tried again."""
        return gevent.spawn(self._repeat)

    def _repeat(self) -> None:
        interval_s = self.interval_s
        while True:
            gevent.sleep(interval_s)
            interval_s = self.interval_s
            try:
                if self.work() is False:
                    interval_s = self.calm_interval_s or interval_s
            except Exception:
                logger.exception(
                    "something that is done every %s s failed; it is tried again", self.interval_s
                )


def pause() -> None:
    """Let everybody have a turn who has something to do, in the middle of long work."""
    gevent.idle(HIGHEST_PRIORITY)


def in_a_thread(work: Callable[[], Result]) -> Result:
    """Return what `work` returns, done in a thread of the system, or raise the `ValoIngestError` that it raises.

    gevent writes a traceback of whatever leaves such a thread to the log, though somebody here is ready for it. So it
    should, of what nobody expects.
    """

    def attempt() -> tuple[Result] | ValoIngestError:
        try:
            return (work(),)
        except ValoIngestError as error:
            return error

    outcome: tuple[Result] | ValoIngestError = gevent.get_hub().threadpool.apply(attempt)
    if isinstance(outcome, ValoIngestError):
        raise outcome
    return outcome[0]


def make_checkpoint(checkpoints: Checkpoints) -> None:
    """Make a checkpoint of the journal if one is due; nobody else waits for the disk meanwhile."""
    if checkpoints.is_due:
        in_a_thread(checkpoints.make)


def delete_old_matches(config: Config) -> None:
    """Delete the matches that have been kept for long enough."""
    archive = open_archive(config.data_dir)
    try:
        archive.delete(archive.ended_before_days(config.keep_days))
    except JournalFault as error:
        logger.warning("old matches are not deleted: %s", error)
