"""The server under test: one that runs anyway, or one that is started for the run, as a process of its own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psutil

from valo_ingest.errors import ServerUnreachable
from valo_ingest.rehearsal.clients import CLIENT_VERSION
from valo_ingest.rehearsal.local_server import LocalServer

KEY: Final = "rehearsal"
"""Of a server that listens on this machine only, and for the length of a run."""

MANY_CONNECTIONS: Final = ("--max-connections-per-address", "20000", "--max-connections", "20000")
"""All clients of a load test have one address."""

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
    """A server of ours on this machine."""

    started_here = True

    def __init__(self, directory: Path, *, environment: Mapping[str, str]) -> None:
        """Start it.

        Args:
            directory: For all that it keeps and logs; to be deleted afterwards.
            environment: That of its process.

        Raises:
            ServerUnreachable: It did not start.
        """
        self._server = LocalServer(directory, key=KEY, environment=environment, arguments=MANY_CONNECTIONS)
        try:
            self._server.start()
        except BaseException:
            self._server.stop()
            raise
        ingest_url, output_url, _ = self._server.urls
        super().__init__(ingest_url, output_url, key=KEY)
        self._looked_at = psutil.Process(self._server.process_id)

    def log(self) -> str:
        return self._server.log

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
        self._server.stop()
