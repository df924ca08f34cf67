"""What the server is seen to hold and to answer while it is attacked, and what it logs."""

import http.client
import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import psutil

from tests.bench.hostile.peers import unverified
from tests.bench.measure import cpu_s, rss_bytes
from tests.bench.servers import Server
from tests.e2e.running import RunningServer

LOOK_S: Final = 2.0

ANSWER_S: Final = 30.0

LOG_LINE: Final = re.compile(r"^\S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL)\b", re.MULTILINE)


@dataclass(frozen=True)
class Sample:
    """One look."""

    at: float
    rss: int
    files: int
    server_cpu_s: float
    newcomer_s: float | None
    """How long somebody new had to wait for an answer; None if there was none."""


class Watch:
    """Looks at a server now and then, in a thread of its own."""

    def __init__(self, server: Server) -> None:
        self.samples: list[Sample] = []
        self.refused: Counter[str] = Counter()
        """By reason, as the server told last."""
        self.longest_gap_s = 0.0
        """Between two looks. Where it is long and the server is not busy, it was the machine that stood still."""
        self._server = server
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        self.samples.append(self._look())
        looked_at = time.perf_counter()
        while not self._stopping.wait(LOOK_S):
            self.longest_gap_s = max(self.longest_gap_s, time.perf_counter() - looked_at - LOOK_S)
            self.samples.append(self._look())
            looked_at = time.perf_counter()

    def _look(self) -> Sample:
        pid = self._server.pid
        return Sample(
            at=time.perf_counter(),
            rss=rss_bytes(pid),
            files=psutil.Process(pid).num_fds(),
            server_cpu_s=cpu_s(pid),
            newcomer_s=self._ask(),
        )

    def _ask(self) -> float | None:
        """Ask what was refused, as somebody new does; return how long that took."""
        assert self._server.running is not None
        began = time.perf_counter()
        try:
            self.refused = Counter(health(self._server.running)["refused"])
        except (OSError, http.client.HTTPException):
            return None
        return time.perf_counter() - began

    def growth_bytes(self, *, since: float) -> float:
        """Return by how much memory has grown from a while after `since` to the end.

        Medians of a quarter of the samples at either end, because memory goes up and down with whoever is there.
        """
        sizes = [sample.rss for sample in self.samples if sample.at >= since] or [self.samples[-1].rss]
        quarter = max(1, len(sizes) // 4)
        return median(sizes[-quarter:]) - median(sizes[:quarter])


def health(running: RunningServer) -> dict[str, dict[str, int]]:
    """Return what the server answers who asks how it is."""
    if running.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", running.extras_port, timeout=ANSWER_S, context=unverified()
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", running.extras_port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/healthz")
        found: dict[str, dict[str, int]] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


def lines_by_level(log: str) -> Counter[str]:
    """Return how many lines of each level a log has."""
    return Counter(LOG_LINE.findall(log))


def journal_bytes(data_dir: Path) -> int:
    return sum(each.stat().st_size for each in data_dir.iterdir() if each.is_file())
