"""The one place that asks for the time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time as whole milliseconds since the epoch."""

    def now_ms(self) -> int:
        """Return the time now; never less than what an earlier call returned."""


class SystemClock:
    """The machine's clock, which never runs backwards even when somebody sets it."""

    def __init__(self) -> None:
        self._latest_ms = 0

    def not_before(self, instant: int) -> None:
        """Never tell a time before `instant` (epoch ms), such as that of the last event of an earlier run."""
        self._latest_ms = max(self._latest_ms, instant)

    def now_ms(self) -> int:
        now = time.time_ns() // 1_000_000
        if now > self._latest_ms:
            self._latest_ms = now
        return self._latest_ms


class MonotonicClock:
    """Counts the milliseconds from whenever, to pace what must go on while somebody sets the machine's clock."""

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, duration_ms: int) -> None:
        """Move on by `duration_ms`, which may not be negative."""
        if duration_ms < 0:
            raise ValueError("a clock never runs backwards")
        self._now_ms += duration_ms
