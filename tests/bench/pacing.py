"""Sending on time, and how long what was sent took to be seen. Nothing here touches a socket or a clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """So many events a second, evenly, the first at once."""

    rate: float
    total: int

    def due(self, elapsed_s: float) -> int:
        """Return how many events must have been sent this long after the start."""
        return min(self.total, int(elapsed_s * self.rate) + 1)

    def due_at(self, number: int) -> float:
        """Return when event `number`, counted from 0, is due, in seconds after the start."""
        return number / self.rate


def latencies(sent: Iterable[tuple[int, float]], seen: Sequence[tuple[float, int]]) -> list[float]:
    """Return how long each mark took to be seen.

    A mark that was overwritten before it was shown counts as seen with the next one: never too early.

    Args:
        sent: Marks, rising, and when each was sent.
        seen: When documents came, and the newest mark in each, never falling.

    Raises:
        ValueError: A mark was never seen.
    """
    found: list[float] = []
    place = 0
    for mark, at in sent:
        while place < len(seen) and seen[place][1] < mark:
            place += 1
        if place == len(seen):
            raise ValueError(f"mark {mark} was never seen")
        found.append(seen[place][0] - at)
    return found
