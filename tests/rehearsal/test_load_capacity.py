"""The search for the capacity, against a server that is a formula, and in made-up time."""

import pytest

from valo_ingest.rehearsal.load.capacity import CapacitySearch
from valo_ingest.rehearsal.load.measurements import Latency, latency_of
from valo_ingest.rehearsal.load.scenario import Capacity, Limits, Scenario
from valo_ingest.rehearsal.load.shapes import ENTER_S, SETTLE_S, Look, Ramp, Steps

LIMITS = Limits(p99_ms=100)


def make_scenario(**changes: object) -> Scenario:
    settings = {
        "about": "x",
        "matches": 4,
        "auxiliaries": 1,
        "overlays": 1,
        "duration_s": 10.0,
        "limits": LIMITS,
        "capacity": Capacity(step=10, step_s=5, max_matches=35),
    }
    return Scenario(**{**settings, **changes})  # type: ignore[arg-type]


class FakeVenue:
    """Clients come in at once, up to `most_clients`; the server holds `holds` matches."""

    def __init__(self, *, holds: int, most_clients: int = 10_000) -> None:
        self.scenario = make_scenario()
        self.search = CapacitySearch(self.scenario.capacity, LIMITS)
        self.steps = Steps(self.search, self.scenario, look=self.look, seen_since=self.seen_since)
        self.matches = 0
        self.run_s = 0
        self.lost = 0
        self.lost_by_step = 0
        self.slow_looks = 0
        """So many looks see a slow server, whatever it holds."""
        self._holds = holds
        self._most_clients = most_clients

    def look(self) -> Look:
        return Look(
            connected=min(self._most_clients, self.matches * self.scenario.clients_of_a_match),
            errors=0,
            lost=self.lost,
            mark=self.matches,
            load_cpu_s=self.run_s * 0.5,
            server_cpu_s=self.run_s * 0.25,
        )

    def seen_since(self, mark: int) -> Latency:
        assert mark == self.matches, "a step was measured with the clients of another"
        self.slow_looks -= 1
        is_slow = self.slow_looks >= 0 or self.matches > self._holds
        return latency_of([250.0 if is_slow else 20.0])

    def run(self) -> None:
        """Tick as locust does, until the search is over."""
        while (matches := self.steps.matches_at(self.run_s)) is not None:
            if matches != self.matches:
                self.lost += self.lost_by_step
            self.matches = matches
            self.run_s += 1
            assert self.run_s < 1_000


def test_the_search_ends_with_the_first_step_that_crosses_a_limit() -> None:
    venue = FakeVenue(holds=25)
    venue.run()

    result = venue.search.result()
    assert (result.matches, result.is_limit) == (20, True)
    assert [step.matches for step in result.steps] == [10, 20, 30]
    assert result.steps[-1].over == ["p99_ms: 250 ms from event to overlay, limit 100 ms"]


def test_a_machine_that_holds_all_is_tried_with_the_most_matches_and_no_more() -> None:
    venue = FakeVenue(holds=1_000)
    venue.run()

    result = venue.search.result()
    assert (result.matches, result.is_limit) == (35, False)
    assert [step.matches for step in result.steps] == [10, 20, 30, 35]


def test_a_machine_that_does_not_hold_the_first_step_holds_none() -> None:
    venue = FakeVenue(holds=5)
    venue.run()

    assert (venue.search.result().matches, len(venue.search.result().steps)) == (0, 1)


def test_one_slow_moment_does_not_end_the_search() -> None:
    venue = FakeVenue(holds=1_000)
    venue.slow_looks = 1
    venue.run()

    assert [step.matches for step in venue.search.result().steps] == [10, 20, 30, 35]
    assert all(not step.over for step in venue.search.result().steps)


def test_two_slow_looks_at_the_same_step_end_the_search() -> None:
    venue = FakeVenue(holds=1_000)
    venue.slow_looks = 2
    venue.run()

    assert [step.matches for step in venue.search.result().steps] == [10]


def test_loss_ends_the_search_as_well() -> None:
    venue = FakeVenue(holds=1_000)
    venue.lost_by_step = 2
    venue.run()

    assert venue.search.result().steps[0].over == ["lost: 2 events lost, limit 0"]


def test_a_step_is_measured_over_its_whole_length() -> None:
    venue = FakeVenue(holds=5)
    venue.run()

    step = venue.search.result().steps[0]
    assert (step.load_cpu, step.server_cpu) == (0.5, 0.25)
    assert venue.run_s >= SETTLE_S + venue.scenario.capacity.step_s


def test_a_step_whose_clients_do_not_all_come_in_is_measured_all_the_same() -> None:
    venue = FakeVenue(holds=1_000, most_clients=45)
    venue.run()

    assert [step.matches for step in venue.search.result().steps] == [10, 20, 30, 35]
    assert venue.run_s > 3 * ENTER_S
    assert venue.run_s < venue.steps.longest_s


def test_a_search_that_was_stopped_tells_what_it_knows() -> None:
    search = CapacitySearch(Capacity(step=10), LIMITS)
    search.record(seen=latency_of([20]), errors=0, lost=0, load_cpu=0, server_cpu=None)

    assert (search.result().matches, search.result().is_limit, search.next_matches) == (10, False, 20)


@pytest.mark.parametrize(
    ("run_s", "matches"), [(0, 1), (1.9, 1), (2, 2), (4, 3), (6, 4), (9.9, 4), (10, None), (11, None)]
)
def test_matches_begin_one_by_one(run_s: float, matches: int | None) -> None:
    assert Ramp(make_scenario(ramp_s=6.0)).matches_at(run_s) == matches


def test_without_a_ramp_all_begin_at_once() -> None:
    assert Ramp(make_scenario()).matches_at(0) == 4
