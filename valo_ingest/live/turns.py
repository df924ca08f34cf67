"""Turns: what was taken in is made durable, then it is shown.

A turn ends soon after the first thing that happened in it: at once when nothing had happened for a while, and
otherwise every few milliseconds. So a lone event reaches viewers without delay, and many share one transaction.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from valo_ingest.clock import Clock

TURN_MS: Final = 2
"""Shortest time between the ends of two turns: half of it is what an event waits. A transaction takes 11 microseconds
(more with cold caches), so a few percent of a core at most."""

BUSY_TURN_MS: Final = 8
"""The same while there is much to write. At 5,000 events/s forty entries then share a transaction, and the journal
takes less than 3 microseconds of each; with ten it would take 4."""

BUSY_PER_MS: Final = 2
"""Entries in each ms of a turn that make it a busy one."""


class Show(Protocol):
    """Shows what happened in a turn that ends `now`; returns when it has to be called again, or None."""

    def __call__(self, now: int, *, is_busy: bool) -> int | None: ...


class CallLater(Protocol):
    """Runs a function after `seconds`, on its own. `gevent.spawn_later` is one."""

    def __call__(self, seconds: float, function: Callable[..., None], *arguments: Any) -> object: ...


class Turns:
    """Ends turns: commits, then shows."""

    def __init__(self, *, clock: Clock, call_later: CallLater, commit: Callable[[], int]) -> None:
        """
        Args:
            clock: Goes on also while somebody sets that of the machine.
            commit: Makes durable what was taken in; returns how many entries that were.
        """
        self._clock = clock
        self._call_later = call_later
        self._commit = commit
        self._show: Show = lambda now, *, is_busy: None
        self._ended_at = 0
        self._soonest_at = TURN_MS
        """Before which the next turn does not end."""
        self.is_soon = False
        """Whether a turn ends as soon as may be: then nobody need ask for one."""
        self._due_at: int | None = None

    def show_by(self, show: Show) -> None:
        """Have `show` called at the end of every turn, which tells it whether that was a busy one."""
        self._show = show

    def request(self, at: int = 0) -> None:
        """Have a turn end at `at` (ms of the clock), or as soon after as may be; without it, as soon as may be."""
        if at < self._soonest_at:
            at = self._soonest_at
            self.is_soon = True
        if self._due_at is not None and self._due_at <= at:
            return  # as after nearly every event
        now = self._clock.now_ms()
        due_at = max(at, now)
        if self._due_at is None or due_at < self._due_at:
            self._due_at = due_at
            self._call_later((due_at - now) / 1000, self._end, due_at)

    def _end(self, due_at: int) -> None:
        if due_at != self._due_at:
            return  # another one was called for earlier
        self._due_at = None
        self.is_soon = False
        now = self._clock.now_ms()
        busy_entries = BUSY_PER_MS * max(TURN_MS, now - self._ended_at)
        self._ended_at = now
        is_busy = self._commit() >= busy_entries
        self._soonest_at = now + (BUSY_TURN_MS if is_busy else TURN_MS)
        again_at = self._show(now, is_busy=is_busy)
        if again_at is not None:
            self.request(again_at)
