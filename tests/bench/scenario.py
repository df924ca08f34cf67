"""What a scenario is.

Each brings its matches to where they begin, opens a window of measurement, and closes it when everything that was sent
is proved to have been taken in. Frames are encoded before, and kept for the next round: all rounds, and both servers,
get the same bytes.
"""

from dataclasses import dataclass
from typing import Protocol

from tests.bench.measure import Window
from tests.bench.stage import Document, Stage


@dataclass(frozen=True)
class Outcome:
    """What one run has shown."""

    measures: dict[str, float]
    """Numbers, by the names of `report.MEASURES`."""
    window: Window
    document: Document | None = None
    """A document of the first match, for the yardstick to show in the same scenario."""


class Scenario(Protocol):
    """Something to play on the stage of a fresh server."""

    def play(self, stage: Stage, shown: Document | None) -> Outcome:
        """Play it.

        Args:
            shown: What the yardstick has to show of matches, if it has to show anything.

        Raises:
            LoadError: It could not be played to its end.
        """
