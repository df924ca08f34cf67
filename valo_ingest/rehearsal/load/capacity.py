"""The search for the number of matches that a machine holds: a few more at each step, until a limit is crossed.

A step that is too slow is looked at once more before it counts, for any machine has a slow moment now and then. Loss
and errors count at once: a server that is only busy has neither.
"""

from valo_ingest.rehearsal.load.measurements import Latency
from valo_ingest.rehearsal.load.scenario import Capacity, Limits
from valo_ingest.rehearsal.load.summary import CapacityResult, CapacityStep, missed_limits


class CapacitySearch:
    """Says how many matches to play next, from what the steps so far have shown."""

    def __init__(self, settings: Capacity, limits: Limits) -> None:
        self._settings = settings
        self._limits = limits
        self._steps: list[CapacityStep] = []
        self._is_second_look = False

    @property
    def next_matches(self) -> int | None:
        """How many matches to try next; None when the search is over."""
        matches = len(self._steps) * self._settings.step + self._settings.step
        last = self._steps[-1] if self._steps else None
        if last is not None and (last.over or last.matches >= self._settings.max_matches):
            return None
        return min(matches, self._settings.max_matches)

    def record(
        self, *, seen: Latency, errors: int, lost: int, load_cpu: float, server_cpu: float | None
    ) -> None:
        """Take in what a look at the step that was next has shown.

        Args:
            errors, lost: In this step alone.
        """
        matches = self.next_matches
        assert matches is not None, "the search is over"
        over = missed_limits(self._limits, seen=seen, errors=errors, lost=lost)
        if over and not (self._is_second_look or errors or lost):
            self._is_second_look = True
            return
        self._is_second_look = False
        self._steps.append(
            CapacityStep(
                matches=matches,
                seen=seen,
                errors=errors,
                lost=lost,
                load_cpu=load_cpu,
                server_cpu=server_cpu,
                over=over,
            )
        )

    def result(self) -> CapacityResult:
        """Return what is known by now."""
        held = [step.matches for step in self._steps if not step.over]
        return CapacityResult(
            matches=max(held, default=0),
            is_limit=any(step.over for step in self._steps),
            steps=list(self._steps),
        )
