"""A server of ours on this machine, as a process of its own, for as long as somebody needs it."""

import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from valo_ingest.errors import ServerUnreachable

HOST: Final = "127.0.0.1"
"""Nobody but this machine reaches it."""

Ports = tuple[int, int, int]
"""Of the ingest, output and extras sides."""

USUAL_PORTS: Final = (5100, 5200, 5101)
ANY_PORTS: Final = (0, 0, 0)

ATTEMPTS: Final = 3
"""To start: a port that was free may be anybody's a moment later."""

START_S: Final = 30.0
STOP_S: Final = 8.0
LOOK_S: Final = 0.05

LOG_NAME: Final = "log.txt"


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
        wanted = USUAL_PORTS if self._on_usual_ports else ANY_PORTS
        deadline = time.monotonic() + START_S
        for _ in range(ATTEMPTS):
            if self._try_ports(_free_ports(wanted), deadline):
                return
            if self.is_running:  # it takes too long
                break
        raise ServerUnreachable("the server on this machine", f"it did not start. {self._last_words}")

    def _try_ports(self, ports: Ports, deadline: float) -> bool:
        """Start it on `ports`, and wait until it listens there; tell whether it does."""
        self.ports = ports
        with (self._directory / LOG_NAME).open("wb") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self._directory,
                env={**self._environment, "VALO_INGEST_AUTH_KEY": self._key},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **_apart(),
            )
        while self.is_running and time.monotonic() < deadline:
            if all(_listens(port) for port in self.ports):
                return self.is_running
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

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "valo_ingest", "serve", "--insecure", "--host", HOST]
        command += ["--data-dir", str(self._directory / "data")]
        for side, port in zip(("ingest", "output", "extras"), self.ports, strict=True):
            command += [f"--{side}-port", str(port)]
        return [*command, *self._arguments]


def _free_ports(wanted: Ports) -> Ports:
    """Return the ports that are wanted, or three others if one of those is in use."""
    with suppress(OSError):
        return _opened(wanted)
    return _opened(ANY_PORTS)


def _opened(ports: Ports) -> Ports:
    """Return `ports`, each 0 replaced by one that is free.

    Raises:
        OSError: One of them is in use.
    """
    with ExitStack() as opened:
        listeners = [opened.enter_context(socket.create_server((HOST, port))) for port in ports]
        ingest, output, extras = (int(listener.getsockname()[1]) for listener in listeners)
    return ingest, output, extras


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _apart() -> dict[str, Any]:
    """Return what keeps Ctrl-C from the server: it is for its owner, who stops it last."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
