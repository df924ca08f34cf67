"""The two servers: valo-ingest, started as a user starts it, and the yardstick. Each run has one of its own."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.bench.connections import LoadError
from tests.bench.measure import Cores
from tests.e2e.running import ACCESS_KEY, ROOT, RunningServer, eventually, serve_command
from tests.interop import nodejs

DIRECTORY: Final = Path(__file__).parent

OURS: Final = "valo-ingest"
YARDSTICK: Final = "yardstick"

MANY: Final = "20000"
LIFTED_LIMITS: Final = (
    *("--max-events-per-second", "0"),
    *("--max-connections", MANY),
    *("--max-connections-per-address", MANY),
)
"""All clients of the benchmark have one address, and some send all they have at once."""

STOP_S: Final = 10


@dataclass(frozen=True)
class Holdings:
    """What connections cost a server beside memory."""

    connections: int
    files: int
    greenlets: int


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    name: str
    pid: int
    ingest_port: int
    output_port: int
    running: RunningServer | None = None
    greenlets: Path | None = None
    """The file into which it writes how many greenlets it has."""

    @property
    def is_tls(self) -> bool:
        return self.running is not None and self.running.scheme == "https"

    @property
    def keeps_matches(self) -> bool:
        """Whether what it is told is seen in documents. The yardstick is asked instead how much it has handled."""
        return self.running is not None

    def holdings(self) -> Holdings:
        """Return what the server holds now. It must have been started to be looked into."""
        path = self.greenlets
        assert path is not None
        path.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR2)
        greenlets = eventually(lambda: _read(path), "the server counts its greenlets")
        process = psutil.Process(self.pid)
        return Holdings(
            connections=len([each for each in process.net_connections("tcp") if each.raddr]),
            files=process.num_fds(),
            greenlets=int(greenlets),
        )

    @property
    def extras_port(self) -> int:
        """Where the operator's pages are. The yardstick has none."""
        assert self.running is not None
        return self.running.extras_port

    def refused(self) -> dict[str, int]:
        """Return how much it refused so far, by reason."""
        return {} if self.running is None else self.running.refused()


@contextmanager
def valo_ingest(
    cores: Cores, *, looks_inside: bool = False, settings: Sequence[str] = LIFTED_LIMITS, tls: bool = False
) -> Iterator[Server]:
    """Run valo-ingest, validation and journal included, with a fresh data directory.

    Args:
        looks_inside: Have it tell how many greenlets it has.
        tls: With a certificate that it makes for itself.
    """
    with tempfile.TemporaryDirectory(prefix="valo-ingest-bench-") as name:
        directory = Path(name)
        greenlets = directory / "greenlets.txt" if looks_inside else None
        path = os.pathsep.join([str(DIRECTORY / "inside"), str(ROOT)])
        inside = {"PYTHONPATH": path, "BENCH_GREENLETS": str(greenlets)} if looks_inside else {}
        encryption = "--self-signed" if tls else "--insecure"
        command = serve_command(encryption, "--auth-key", ACCESS_KEY, *settings)
        with cores.starting_server():
            running = RunningServer(directory, command, environment=inside, scheme="https" if tls else "http")
        try:
            pid = running.process.pid
            yield Server(OURS, pid, running.ingest_port, running.output_port, running, greenlets)
        finally:
            if running.process.poll() is None:
                running.stop()
                running.assert_no_traceback()


@contextmanager
def yardstick(cores: Cores) -> Iterator[Server]:
    """Run the yardstick. It needs Node."""
    nodejs.install(DIRECTORY)
    with cores.starting_server():
        process = subprocess.Popen(
            ["node", "yardstick.mjs"],
            cwd=DIRECTORY,
            env={**os.environ, "NODE_ENV": "production"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.strip().isdigit():
            raise LoadError("the yardstick did not start; what it says is above")
        port = int(line)
        yield Server(YARDSTICK, process.pid, ingest_port=port, output_port=port)
    finally:
        process.terminate()
        process.wait(STOP_S)
        assert process.stdout is not None
        process.stdout.close()


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.exists() else ""
