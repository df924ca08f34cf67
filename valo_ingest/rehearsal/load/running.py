"""Carries a scenario out with locust, and measures it."""

import csv
import gc
import io
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import cycle
from random import Random
from typing import Any, Final

import gevent
import locust.stats
from locust import LoadTestShape
from locust.env import Environment
from locust.html import get_html_report
from locust.runners import STATE_INIT, STATE_STOPPED
from locust.stats import PERCENTILES_TO_REPORT, StatsCSV, stats_history
from msgspec import Struct

from valo_ingest import __version__
from valo_ingest.errors import ListenError
from valo_ingest.rehearsal.interrupts import interruptible
from valo_ingest.rehearsal.load.capacity import CapacitySearch
from valo_ingest.rehearsal.load.measurements import Measurements, Row, Second
from valo_ingest.rehearsal.load.onlookers import StrangerUser
from valo_ingest.rehearsal.load.play import simulated
from valo_ingest.rehearsal.load.scenario import Scenario
from valo_ingest.rehearsal.load.servers import Target
from valo_ingest.rehearsal.load.shapes import Look, Ramp, Shape, Steps
from valo_ingest.rehearsal.load.summary import Events, Summary, missed_limits, warnings_of
from valo_ingest.rehearsal.load.users import KINDS, user_classes
from valo_ingest.rehearsal.load.venue import MakePlay, Venue
from valo_ingest.rehearsal.load.venue_user import VenueUser
from valo_ingest.rehearsal.load.watching import Watch

SPAWNED_PER_S: Final = 100
"""Users that locust starts in a second, at most; they log on as it is their turn."""

ENDING_S: Final = 70.0
"""How long matches may take to come to their end: their clients wait for the last answers, as long as some come."""

LEAVE_S: Final = 10.0
"""How long clients may take to log off."""

LOOPBACK: Final = "127.0.0.1"

SLACK_S: Final = 120.0
"""How much longer than planned a run may take before it is broken off: nothing here runs without an end."""

OWN_FAULT: Final = "load generator"
"""Where errors that are none of the server's are counted."""

locust.stats.PERCENTILES_TO_CHART = [0.5, 0.95, 0.99]


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a run, with what locust itself has to say."""

    summary: Summary
    locust_report: str
    """HTML, with charts."""
    tables: Mapping[str, str]
    """CSV, by name."""


class LoadTest:
    """A scenario with its users, as locust runs it: once, or as often as somebody starts it in locust's web UI."""

    def __init__(
        self,
        name: str,
        scenario: Scenario,
        target: Target,
        *,
        make_play: MakePlay = simulated,
        search: CapacitySearch | None = None,
        on_second: Callable[[Second], None] | None = None,
    ) -> None:
        """
        Args:
            search: Look for the capacity instead of playing what the scenario says.
            on_second: Is called each second of a run, to show how it goes.
        """
        self._name = name
        self._scenario = scenario
        self._target = target
        self._make_play = make_play
        self._search = search
        self._on_second = on_second
        self._shape = Ramp(scenario) if search is None else self._steps(search)
        self._begin_anew()
        self._environment = Environment(
            user_classes=user_classes(self._venue),
            shape_class=_LocustShape(self._shape, scenario),
            host=target.ingest_url,
            stop_timeout=LEAVE_S,
        )
        events = self._environment.events
        events.request.add_listener(self._take_in)
        events.user_error.add_listener(self._take_in_fault)
        events.test_start.add_listener(self._on_start)
        events.test_stopping.add_listener(self._on_stopping)

    def run(self) -> Outcome:
        """Carry the scenario out to its end, or until Ctrl-C, and return what came of it."""
        runner = self._environment.create_local_runner()
        history = gevent.spawn(stats_history, runner)
        try:
            runner.start_shape()
            assert runner.shape_greenlet is not None
            self._wait_for(runner.shape_greenlet)
            if runner.state != STATE_STOPPED:
                self._interrupted = True
                runner.stop()
            return self._outcome()
        finally:
            history.kill()
            runner.greenlet.kill()

    def _wait_for(self, shape: gevent.Greenlet) -> None:
        with suppress(KeyboardInterrupt), interruptible():
            shape.join(self._shape.longest_s + SLACK_S)
        shape.kill()

    def serve_web_ui(self, port: int, on_outcome: Callable[[Outcome], None]) -> None:
        """Serve locust's web UI on this machine until Ctrl-C. People start and stop runs there.

        Args:
            on_outcome: Is called at the end of each run.

        Raises:
            ListenError: The port is not free.
        """
        _require_free(port)
        self._environment.events.test_stop.add_listener(lambda **_: on_outcome(self._outcome()))
        del sys.argv[1:]  # locust's web UI takes them for its own
        runner = self._environment.create_local_runner()
        history = gevent.spawn(stats_history, runner)
        web_ui = self._environment.create_web_ui(LOOPBACK, port)
        try:
            assert web_ui.greenlet is not None
            with suppress(KeyboardInterrupt), interruptible():
                web_ui.greenlet.join()
            if runner.state not in (STATE_INIT, STATE_STOPPED):
                runner.stop()
        finally:
            web_ui.stop()
            history.kill()
            runner.greenlet.kill()

    # --- one run ----------------------------------------------------------------------------------------------

    def _begin_anew(self) -> None:
        self._measurements = Measurements()
        self._venue = Venue(self._scenario, self._target, self._make_play, self._report)
        self._watch = Watch(self._venue, self._measurements, on_second=self._on_second)
        self._events = Events()
        self._interrupted = False

    def _on_start(self, environment: Environment, **_: Any) -> None:
        self._begin_anew()
        for users in environment.user_classes:
            assert issubclass(users, VenueUser | StrangerUser)
            users.venue = self._venue
        self._began_at = datetime.now().astimezone()
        self._began_s = time.perf_counter()
        self._watch.start()
        self._helpers = [gevent.spawn(self._cut_now_and_then), gevent.spawn(_keep_collections_short)]

    def _on_stopping(self, environment: Environment, **_: Any) -> None:
        """Let nobody send any more, and find out what became of all that was sent."""
        self._took_s = time.perf_counter() - self._began_s
        gevent.killall(self._helpers)
        self._venue.is_ending.set()
        deadline = time.perf_counter() + ENDING_S
        while self._venue.open_plays and time.perf_counter() < deadline:
            gevent.sleep(0.05)
        self._watch.stop()
        self._events = self._venue.settle()
        self._venue.may_leave.set()

    def _report(self, row: Row, name: str, took_ms: float, failure: str | None) -> None:
        """Tell locust, and by that ourselves, of one case of a row."""
        self._environment.events.request.fire(
            request_type=row.value,
            name=name,
            response_time=took_ms,
            response_length=0,
            exception=None if failure is None else Failure(failure),
            context={},
        )

    def _take_in(
        self, request_type: str, name: str, response_time: float, exception: Exception | None, **_: Any
    ) -> None:
        self._measurements.add(
            request_type, name, response_time, None if exception is None else str(exception)
        )

    def _take_in_fault(self, exception: Exception, **_: Any) -> None:
        """A fault of our own; locust has logged it."""
        self._measurements.add(OWN_FAULT, type(exception).__name__, 0, str(exception))

    def _cut_now_and_then(self) -> None:
        """Break connections of all kinds of clients in turn, as often as the scenario says."""
        rate = self._scenario.reconnects_per_minute
        chance = Random(self._scenario.seed)
        for kind in cycle(KINDS if rate else ()):
            gevent.sleep(60 / rate)
            members = [member for member in self._venue.members if member.kind == kind and member.may_be_cut]
            if members:
                chance.choice(members).is_to_be_cut = True

    # --- what came of it --------------------------------------------------------------------------------------

    def _steps(self, search: CapacitySearch) -> Steps:
        return Steps(
            search, self._scenario, look=self._look, seen_since=lambda mark: self._measurements.seen(mark)
        )

    def _look(self) -> Look:
        return Look(
            connected=self._venue.connected,
            errors=self._measurements.errors,
            lost=self._venue.events().lost,
            mark=self._measurements.mark(),
            load_cpu_s=time.process_time(),
            server_cpu_s=self._target.cpu_s(),
        )

    def _outcome(self) -> Outcome:
        stats = StatsCSV(self._environment, PERCENTILES_TO_REPORT)
        return Outcome(
            summary=self._summary(),
            locust_report=str(get_html_report(self._environment, show_download_link=False)),
            tables={"stats": _written(stats.requests_csv), "failures": _written(stats.failures_csv)},
        )

    def _summary(self) -> Summary:
        limits = self._scenario.limits
        seen, load, seconds = self._measurements.seen(), self._watch.load_side(), self._watch.seconds
        missed = missed_limits(limits, seen=seen, errors=self._measurements.errors, lost=self._events.lost)
        capacity = None
        if self._search is not None:
            capacity = self._search.result()
            missed = [] if capacity.matches else [*(capacity.steps[0].over if capacity.steps else missed)]
        return Summary(
            version=__version__,
            scenario=self._name,
            settings=self._scenario,
            started_at=self._began_at.isoformat(timespec="seconds"),
            took_s=round(self._took_s, 1),
            server=self._watch.server_side(),
            matches=max((second.matches for second in seconds), default=0),
            clients=self._venue.most_connected,
            events=self._events,
            seen=seen,
            rows=self._measurements.rows(),
            failures=dict(self._measurements.failures()),
            load=load,
            interrupted=self._interrupted,
            capacity=capacity,
            missed=missed,
            warnings=warnings_of(limits, load, self._events),
            seconds=seconds,
        )


def _require_free(port: int) -> None:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError as error:
        raise ListenError("--web-port", LOOPBACK, port, f"{error.strerror}. Stop what uses it") from None


def _keep_collections_short() -> None:
    """Keep what lives for long, all the clients, out of garbage collections: each would stop us for 300 ms."""
    try:
        while True:
            gevent.sleep(1)
            gc.collect(1)
            gc.freeze()
    finally:
        gc.unfreeze()


def _written(write: Callable[[Any], None]) -> str:
    text = io.StringIO()
    write(csv.writer(text, lineterminator="\n"))
    return text.getvalue()


class Failure(Exception):
    """What went wrong in one case of a row, as locust takes it."""


class _LocustShape(LoadTestShape):
    """Tells locust how many users there are to be."""

    def __init__(self, shape: Shape, scenario: Scenario) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._shape = shape
        self._scenario = scenario

    def tick(self) -> tuple[int, float] | None:
        run_s = self.get_run_time()  # type: ignore[no-untyped-call]
        matches = self._shape.matches_at(run_s)
        if matches is None:
            return None
        strangers = 1 if self._scenario.refusals_per_minute else 0
        return matches * self._scenario.clients_of_a_match + strangers, SPAWNED_PER_S
