"""A server of ours on this machine, as a process of its own, for as long as somebody needs it."""

import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from valo_ingest.errors import ServerUnreachable

HOST: Final = "127.0.0.1"
"""Nobody but this machine reaches it."""

Ports = tuple[int, int, int]
"""Of the ingest, output and extras sides."""

USUAL_PORTS: Final = (5100, 5200, 5101)
ANY_PORTS: Final = (0, 0, 0)

START_S: Final = 30.0
STOP_S: Final = 8.0
LOOK_S: Final = 0.05

LOG_NAME: Final = "log.txt"

_URL: Final = re.escape(f"http://{HOST}:") + r"(\d+)"
ANNOUNCED: Final = re.compile(
    rf'ingest server: +{_URL}\n.*"serverEndpoint": "{_URL}".*"extrasEndpoint": "{_URL}"', re.DOTALL
)
"""What it prints when it listens. That somebody answers at a port does not show who it is."""


class LocalServer:
    """A server that keeps all that it makes in one directory. `start` it, and `stop` it in the end."""

    def __init__(
        self,
        directory: Path,
        *,
        key: str,
        environment: Mapping[str, str],
        on_usual_ports: bool = False,
        arguments: Sequence[str] = (),
    ) -> None:
        """
        Args:
            directory: Where it keeps its data and its log. Its settings come from nowhere else.
            key: The access key that it takes.
            environment: That of its process.
            on_usual_ports: Take the usual ports if they are free; else, and otherwise, any that are free.
            arguments: Of `serve`, besides those that say where it listens.
        """
        self._directory = directory
        self._key = key
        self._environment = environment
        self._on_usual_ports = on_usual_ports
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self.ports = USUAL_PORTS

    @property
    def urls(self) -> tuple[str, str, str]:
        """The ingest, output and extras sides."""
        ingest, output, extras = (f"http://{HOST}:{port}" for port in self.ports)
        return ingest, output, extras

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int | None:
        """That of its process, if it was started and not stopped."""
        return None if self._process is None else self._process.pid

    @property
    def log(self) -> str:
        """What it has said so far."""
        return (self._directory / LOG_NAME).read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it, and return when it listens.

        Raises:
            ServerUnreachable: It did not start; the text ends with the last thing that it said.
        """
        deadline = time.monotonic() + START_S
        tries = (USUAL_PORTS, ANY_PORTS) if self._on_usual_ports else (ANY_PORTS,)
        for ports in tries:
            if self._launch(ports, deadline):
                return
            if self.is_running:  # it takes too long
                break
        raise ServerUnreachable("the server on this machine", f"it did not start. {self._last_words}")

    def _launch(self, ports: Ports, deadline: float) -> bool:
        """Start it on `ports`, and wait until it says that it listens there; tell whether it does."""
        with (self._directory / LOG_NAME).open("wb") as log:
            self._process = subprocess.Popen(
                self._command(ports),
                cwd=self._directory,
                env={**self._environment, "VALO_INGEST_AUTH_KEY": self._key},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **_apart(),
            )
        while self.is_running and time.monotonic() < deadline:
            announced = ANNOUNCED.search(self.log)
            if announced is not None:
                ingest, output, extras = map(int, announced.groups())
                self.ports = ingest, output, extras
                return True
            time.sleep(LOOK_S)
        return False

    @property
    def _last_words(self) -> str:
        lines = self.log.strip().splitlines()
        return lines[-1] if lines else "It says nothing of why."

    def stop(self) -> None:
        """Stop it, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
            return
        process.kill()
        process.wait()

    def _command(self, ports: Ports) -> list[str]:
        command = [sys.executable, "-m", "valo_ingest", "serve", "--insecure", "--host", HOST]
        command += ["--data-dir", str(self._directory / "data")]
        for side, port in zip(("ingest", "output", "extras"), ports, strict=True):
            command += [f"--{side}-port", str(port)]
        return [*command, *self._arguments]


def _apart() -> dict[str, Any]:
    """Return what keeps Ctrl-C from the server: it is for its owner, who stops it last."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
