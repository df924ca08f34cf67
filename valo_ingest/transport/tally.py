"""What became of events, as plain numbers: counting one costs 0.1 microseconds, and whoever wants to know looks."""

from collections.abc import Iterable, Iterator
from typing import Final

UNKNOWN: Final = "unknown"
"""Stands for every type of event that is not of the protocol: what clients make up must not fill the memory."""


class EventTally:
    """Counts the events of a channel by what became of them and by their type."""

    def __init__(self, types: Iterable[str]) -> None:
        names = [*map(str, types), UNKNOWN]
        self.accepted = dict.fromkeys(names, 0)
        """For whoever counts so many that a call would matter; anybody else calls `accept`."""
        self._refused = dict.fromkeys(names, 0)
        self._left_aside = dict.fromkeys(names, 0)

    def accept(self, event_type: str) -> None:
        _count(self.accepted, event_type)

    def refuse(self, event_type: str) -> None:
        _count(self._refused, event_type)

    def leave_aside(self, event_type: str) -> None:
        _count(self._left_aside, event_type)

    def __iter__(self) -> Iterator[tuple[str, str, int]]:
        """Yield type, result and number, also where that is 0: of a counter that begins with 1 nobody sees it grow."""
        for result, counts in (
            ("accepted", self.accepted),
            ("refused", self._refused),
            ("left_aside", self._left_aside),
        ):
            yield from ((event_type, result, count) for event_type, count in counts.items())


def _count(counts: dict[str, int], event_type: str) -> None:
    try:
        counts[event_type] += 1
    except KeyError:
        counts[UNKNOWN] += 1
