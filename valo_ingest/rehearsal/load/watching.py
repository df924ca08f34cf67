"""Looks at a run second by second: what was sent and seen, and what the load generator and the server took."""

import time
from collections.abc import Callable
from typing import Final

import gevent
import psutil
from msgspec import Struct
from msgspec.structs import replace

from valo_ingest.rehearsal.load.measurements import (
    Latency,
    LoadSide,
    Measurements,
    Second,
    busiest,
    latency_of,
)
from valo_ingest.rehearsal.load.servers import Target
from valo_ingest.rehearsal.load.summary import ServerSide
from valo_ingest.rehearsal.load.venue import Venue

NOT_BUSY: Final = frozenset({"idle", "iowait", "guest", "guest_nice", "interrupt", "dpc"})

LATE_EVERY_S: Final = 0.05
"""How often a greenlet asks to be woken, to see how late that happens."""


class Watch:
    """Takes down one `Second` after the other, from `start` to `stop`."""

    def __init__(
        self, venue: Venue, measurements: Measurements, *, on_second: Callable[[Second], None] | None = None
    ) -> None:
        self._venue = venue
        self._target: Target = venue.target
        self._measurements = measurements
        self._on_second = on_second
        self._late_ms: list[float] = []
        self._greenlets: list[gevent.Greenlet] = []
        self.seconds: list[Second] = []

    def start(self) -> None:
        """Begin to look."""
        self._greenlets = [gevent.spawn(self._look_each_second), gevent.spawn(self._look_how_late)]

    def stop(self) -> None:
        """End it. Once more is harmless."""
        gevent.killall(self._greenlets)

    def load_side(self) -> LoadSide:
        """Return what the load generator took."""
        shares = [second.load_cpu for second in self.seconds]
        return LoadSide(
            cpu=_mean(shares),
            busiest_cpu=round(busiest(shares), 3),
            late=latency_of(self._late_ms),
            cores=psutil.cpu_count() or 1,
            others_cpu=round(busiest(second.others_cpu for second in self.seconds), 3),
        )

    def server_side(self) -> ServerSide:
        """Return what the server took."""
        shares = [second.server_cpu for second in self.seconds if second.server_cpu is not None]
        memory = [second.server_memory_mb for second in self.seconds if second.server_memory_mb is not None]
        return ServerSide(
            url=self._target.ingest_url,
            started_here=self._target.started_here,
            cpu=_mean(shares) if shares else None,
            busiest_cpu=round(busiest(shares), 3) if shares else None,
            memory_mb=round(max(memory), 1) if memory else None,
        )

    def _look_how_late(self) -> None:
        while True:
            asked_for = time.perf_counter() + LATE_EVERY_S
            gevent.sleep(LATE_EVERY_S)
            self._late_ms.append(max(0.0, time.perf_counter() - asked_for) * 1000)

    def _look_each_second(self) -> None:
        began_s = time.perf_counter()
        before = self._look()
        while True:
            gevent.sleep(1)
            after = self._look()
            second = _second(before, after, at_s=round(after.now_s - began_s), matches=self._venue.matches)
            second = replace(
                second,
                seen=self._measurements.seen(before.mark),
                server_memory_mb=self._target.memory_mb(),
            )
            before = after
            self.seconds.append(second)
            if self._on_second is not None:
                self._on_second(second)

    def _look(self) -> "_Look":
        return _Look(
            now_s=time.perf_counter(),
            cpu_s=time.process_time(),
            server_cpu_s=self._target.cpu_s(),
            machine_cpu_s=_machine_cpu_s(),
            sent=self._venue.sent,
            mark=self._measurements.mark(),
        )


class _Look(Struct, frozen=True, kw_only=True):
    now_s: float
    cpu_s: float
    server_cpu_s: float | None
    machine_cpu_s: float
    sent: int
    mark: int


def _second(before: _Look, after: _Look, *, at_s: int, matches: int) -> Second:
    passed_s = after.now_s - before.now_s
    server_cpu = _share(before.server_cpu_s, after.server_cpu_s, passed_s)
    load_cpu = (after.cpu_s - before.cpu_s) / passed_s
    machine_cpu = (after.machine_cpu_s - before.machine_cpu_s) / passed_s
    return Second(
        at_s=at_s,
        matches=matches,
        sent=after.sent - before.sent,
        seen=Latency(),
        load_cpu=round(load_cpu, 3),
        server_cpu=server_cpu,
        server_memory_mb=None,
        others_cpu=round(max(0.0, machine_cpu - load_cpu - (server_cpu or 0.0)), 3),
    )


def _machine_cpu_s() -> float:
    """Return how long all processors of this machine together have been busy."""
    times = psutil.cpu_times()._asdict()
    # Guests are in "user", and interrupts of Windows in "system"; "iowait" is idleness that waits for a disk.
    return float(sum(spent for name, spent in times.items() if name not in NOT_BUSY))


def _share(before_s: float | None, after_s: float | None, passed_s: float) -> float | None:
    if before_s is None or after_s is None:
        return None
    return round((after_s - before_s) / passed_s, 3)


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0
