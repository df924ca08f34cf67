"""Clocks: what a server, this process and everybody else used of the processor, and what a server holds."""

import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psutil

NOISE: Final = 0.1
"""Cores' worth of foreign work from which on a measurement is called noisy."""


@dataclass(frozen=True, slots=True)
class Cores:
    """On which core the server runs, and on which the load; None where processes cannot be pinned."""

    server: int | None
    load: int | None

    @staticmethod
    def choose() -> "Cores":
        if sys.platform == "linux":
            usable = sorted(os.sched_getaffinity(0))
            if len(usable) > 1:
                return Cores(server=usable[0], load=usable[1])
        return Cores(server=None, load=None)

    @property
    def are_pinned(self) -> bool:
        return self.server is not None

    def pin_load(self) -> None:
        """Keep this process on its core."""
        _pin(self.load)

    @contextmanager
    def starting_server(self) -> Iterator[None]:
        """Have processes that are started meanwhile run on the core of the server."""
        _pin(self.server)
        try:
            yield
        finally:
            _pin(self.load)

    def busy_s(self) -> float:
        """Return how long these cores have been busy with anything, a host that took them away included."""
        every = psutil.cpu_times(percpu=True)
        ours = [every[core] for core in (self.server, self.load) if core is not None] or every
        return sum(
            sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal"))
            for times in ours
        )


def _pin(core: int | None) -> None:
    if sys.platform == "linux" and core is not None:
        os.sched_setaffinity(0, {core})


def cpu_s(pid: int) -> float:
    """Return the processor time of a process and all its threads, in seconds."""
    if sys.platform == "linux":
        # The clock of another process, as clock_getcpuclockid(3) names it. /proc counts in steps of 10 ms.
        return time.clock_gettime((~pid << 3) | 2)
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def waited_s(pid: int) -> float:
    """Return how long a process was ready to run and somebody else had its core; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as numbers:
            return int(numbers.read().split()[1]) / 1e9
    except OSError:
        return 0.0


def rss_bytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def peak_rss_bytes(pid: int) -> int:
    """Return the most memory that a process ever held; what it holds now, where the system does not tell."""
    if sys.platform == "linux":
        with open(f"/proc/{pid}/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    memory = psutil.Process(pid).memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))


@dataclass(frozen=True, slots=True)
class Window:
    """What was used between two looks at the clocks, in seconds."""

    wall_s: float
    server_s: float
    load_s: float
    foreign_s: float

    @property
    def foreign_share(self) -> float:
        """Cores' worth of work that neither the server nor the load did."""
        return self.foreign_s / self.wall_s

    @property
    def load_share(self) -> float:
        """How busy the load was: near 1 it is the load that was measured."""
        return self.load_s / self.wall_s


class Clocks:
    """Measures a stretch of time, from when it is made until `read`."""

    def __init__(self, pid: int, cores: Cores) -> None:
        self._pid = pid
        self._cores = cores
        self._began = self._look()

    def _look(self) -> tuple[float, float, float, float]:
        return time.perf_counter(), cpu_s(self._pid), time.process_time(), self._cores.busy_s()

    def read(self) -> Window:
        wall, server, load, busy = (now - then for then, now in zip(self._began, self._look(), strict=True))
        return Window(wall, server, load, max(0.0, busy - server - load))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that at least this share of them does not exceed.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no values")
    rank = math.ceil(share * len(values))
    return sorted(values)[max(0, rank - 1)]
