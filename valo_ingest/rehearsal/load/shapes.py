"""How many matches are played at each moment of a run."""

from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct

from valo_ingest.rehearsal.load.capacity import CapacitySearch
from valo_ingest.rehearsal.load.measurements import Latency
from valo_ingest.rehearsal.load.scenario import Scenario
from valo_ingest.rehearsal.load.venue import ENTERED_PER_S

ENTER_S: Final = 20.0
"""The clients of a step have to be in so long after their turn; what is not says so in the errors."""

SETTLE_S: Final = 2.0
"""After its last logon a step is left alone so long before it is measured."""


class Shape(Protocol):
    """Says how many matches are to be played."""

    @property
    def longest_s(self) -> float:
        """How long a run may take."""

    def matches_at(self, run_s: float) -> int | None:
        """Return how many matches are to be played `run_s` after the beginning; None ends the run."""


class Ramp:
    """The matches of a scenario, one by one."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario

    @property
    def longest_s(self) -> float:
        return self._scenario.duration_s

    def matches_at(self, run_s: float) -> int | None:
        scenario = self._scenario
        if run_s >= scenario.duration_s:
            return None
        if run_s >= scenario.ramp_s:
            return scenario.matches
        return 1 + int((scenario.matches - 1) * run_s / scenario.ramp_s)


class Look(Struct, frozen=True, kw_only=True):
    """A look at a run."""

    connected: int
    errors: int
    lost: int
    mark: int
    """For `seen_since`."""
    load_cpu_s: float
    server_cpu_s: float | None


class Steps:
    """The steps of a search: clients come in, a moment passes, the step is measured, and the next one comes."""

    def __init__(
        self,
        search: CapacitySearch,
        scenario: Scenario,
        *,
        look: Callable[[], Look],
        seen_since: Callable[[int], Latency],
    ) -> None:
        """
        Args:
            seen_since: Returns how long it took until overlays saw events, since a look's mark.
        """
        self._search = search
        self._scenario = scenario
        self._look = look
        self._seen_since = seen_since
        self._enter_s = ENTER_S + scenario.capacity.step * scenario.clients_of_a_match / ENTERED_PER_S
        self._began_s = 0.0
        """When the step began."""
        self._settled_s: float | None = None
        """From when on it is measured; None while clients come in."""
        self._before: Look | None = None
        self._errors = 0
        self._lost = 0
        """As of the end of the last step."""

    @property
    def longest_s(self) -> float:
        settings = self._scenario.capacity
        steps = -(-settings.max_matches // settings.step)
        looks = steps * 2  # each step may be looked at twice
        return looks * (self._enter_s + SETTLE_S + settings.step_s)

    def matches_at(self, run_s: float) -> int | None:
        matches = self._search.next_matches
        if matches is None:
            return None
        if self._settled_s is None:
            wanted = matches * self._scenario.clients_of_a_match
            if self._look().connected >= wanted or run_s - self._began_s >= self._enter_s:
                self._settled_s = run_s + SETTLE_S
        elif self._before is None:
            if run_s >= self._settled_s:
                self._before = self._look()
                self._settled_s = run_s
        elif run_s - self._settled_s >= self._scenario.capacity.step_s:
            self._record(self._before, run_s - self._settled_s)
            self._began_s, self._settled_s, self._before = run_s, None, None
        return self._search.next_matches

    def _record(self, before: Look, took_s: float) -> None:
        after = self._look()
        server_cpu = None
        if before.server_cpu_s is not None and after.server_cpu_s is not None:
            server_cpu = round((after.server_cpu_s - before.server_cpu_s) / took_s, 3)
        self._search.record(
            seen=self._seen_since(before.mark),
            errors=after.errors - self._errors,
            lost=after.lost - self._lost,
            load_cpu=round((after.load_cpu_s - before.load_cpu_s) / took_s, 3),
            server_cpu=server_cpu,
        )
        self._errors, self._lost = after.errors, after.lost
