"""The server under test: one that runs anyway, or one that is started for the run, as a process of its own."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import psutil

from valo_ingest.errors import ServerUnreachable
from valo_ingest.rehearsal.clients import CLIENT_VERSION

HOST: Final = "127.0.0.1"
KEY: Final = "rehearsal"
"""Of a server that listens on this machine only, and for the length of a run."""

START_S: Final = 30.0
STOP_S: Final = 10.0
LOOK_S: Final = 0.05

PRINTED_URL: Final = re.compile(r"http://127\.0\.0\.1:\d+(?=[/\"\s])")

OUTPUT_PORT_AFTER_INGEST: Final = 100
"""5100 and 5200: where overlays are found if nobody says otherwise."""


class Target:
    """Where clients find the server. Its CPU and memory are known if the server was started here."""

    started_here = False

    def __init__(
        self, ingest_url: str, output_url: str, *, key: str = "", client_version: str = CLIENT_VERSION
    ) -> None:
        self.ingest_url = ingest_url
        self.output_url = output_url
        self.key = key
        self.client_version = client_version

    def cpu_s(self) -> float | None:
        """Return how much processor time the server has taken so far."""
        return None

    def memory_mb(self) -> float | None:
        """Return how much memory the server has now."""
        return None

    def log(self) -> str | None:
        """Return what the server has logged."""
        return None

    def stop(self) -> None:
        """Stop the server if it was started here."""


def usual_output_url(ingest_url: str) -> str:
    """Return where overlays log on if clients log on to `ingest_url`.

    Raises:
        ServerUnreachable: It is no URL, or has no port from which one could tell.
    """
    try:
        parts = urlsplit(ingest_url)
        port = parts.port
    except ValueError:
        port = None
    if port is None or not parts.hostname:
        raise ServerUnreachable(ingest_url, "no URL with a port. Give one such as http://192.168.1.20:5100.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme, f"{host}:{port + OUTPUT_PORT_AFTER_INGEST}", "", "", ""))


class StartedServer(Target):
    """A server of ours on this machine, on ports that were free."""

    started_here = True

    def __init__(self, directory: Path) -> None:
        """Start it.

        Args:
            directory: For all that it keeps and logs; to be deleted afterwards.

        Raises:
            ServerUnreachable: It did not start.
        """
        self._log = directory / "log.txt"
        printed = directory / "printed.txt"
        with printed.open("wb") as stdout, self._log.open("wb") as stderr:
            self._process = subprocess.Popen(
                _command(directory / "data"),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                **_apart(),
            )
        try:
            ingest_url, output_url = self._wait_until_it_runs(printed)
        except BaseException:
            self.stop()
            raise
        super().__init__(ingest_url, output_url, key=KEY)
        self._looked_at = psutil.Process(self._process.pid)

    def _wait_until_it_runs(self, printed: Path) -> tuple[str, str]:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            urls = list(dict.fromkeys(PRINTED_URL.findall(printed.read_text(encoding="utf-8"))))
            if len(urls) == 3:  # ingest, output, extras
                return urls[0], urls[1]
            time.sleep(LOOK_S)
        raise ServerUnreachable("the server of this run", f"it did not start. {self._last_words()}")

    def _last_words(self) -> str:
        lines = self.log().strip().splitlines()
        return lines[-1] if lines else "It says nothing of why."

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def cpu_s(self) -> float | None:
        return self._look(lambda process: float(sum(process.cpu_times()[:2])))

    def memory_mb(self) -> float | None:
        return self._look(lambda process: float(process.memory_info().rss) / 2**20)

    def _look(self, look: Callable[[psutil.Process], float]) -> float | None:
        try:
            return look(self._looked_at)
        except psutil.Error:  # it has died; the clients will tell
            return None

    def stop(self) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
            return
        self._process.kill()
        self._process.wait()


def _command(data_dir: Path) -> list[str]:
    """Return what starts a server that lets in as many connections of one address as one has."""
    command = [sys.executable, "-m", "valo_ingest", "serve", "--host", HOST, "--insecure", "--auth-key", KEY]
    command += ["--ingest-port", "0", "--output-port", "0", "--extras-port", "0", "--data-dir", str(data_dir)]
    return [*command, "--max-connections-per-address", "20000", "--max-connections", "20000"]


def _apart() -> dict[str, Any]:
    """Return what keeps Ctrl-C from the server: it is for the load test, which stops the server last."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
