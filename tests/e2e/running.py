"""The real server as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

ROOT: Final = Path(__file__).parents[2]

ACCESS_KEY: Final = "hunter2"

START_S: Final = 30
"""A busy machine takes some seconds to start a Python that imports everything."""

COMMAND_S: Final = 120
"""A command that plays a whole match takes some seconds, and on a busy machine many."""

STOP_S: Final = 5
"""Promised to the operator: Ctrl-C or SIGTERM ends the server within this time."""

EVENTUALLY_S: Final = 30
"""How long a condition is waited for that is usually there within some ms."""

LOOK_S: Final = 0.005
"""How often a condition is looked at."""

ORIGINAL_SETTINGS: Final = {
    "INSECURE",
    "SERVER_KEY",
    "SERVER_CERT",
    "REQUIRE_AUTH_KEY",
    "AUTH_KEY",
    "OPERATOR_PASSWORD",
}

PRINTED_URL: Final = re.compile(r"https?://127\.0\.0\.1:(\d+)(?=[/\"\s])")

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], what: str, *, within_s: float = EVENTUALLY_S) -> Found:
    """Return what `look` finds, as soon as that is anything true."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(LOOK_S)


def clean_environment() -> dict[str, str]:
    """Return the environment without any setting of the server, and with the package of this checkout."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("VALO_INGEST_") and name not in ORIGINAL_SETTINGS
    }
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def serve_command(*arguments: str, ports: Sequence[int] = (0, 0, 0)) -> list[str]:
    """Return the command that serves on this machine only."""
    ingest, output, extras = (str(port) for port in ports)
    command = [sys.executable, "-m", "valo_ingest", "serve", "--host", "127.0.0.1", "--data-dir", "data"]
    command += ["--ingest-port", ingest, "--output-port", output, "--extras-port", extras]
    return [*command, *arguments]


class RunningServer:
    """A server that is ready, with what it printed and logged."""

    def __init__(
        self,
        directory: Path,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        scheme: str = "http",
    ) -> None:
        self._stdout, self._stderr = directory / "stdout.txt", directory / "log.txt"
        self.scheme = scheme
        self.directory, self.command = directory, command
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                command,
                cwd=directory,
                env={**clean_environment(), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        try:
            self.ingest_port, self.output_port, self.extras_port = self._await_ports()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _await_ports(self) -> list[int]:
        def ports() -> list[int]:
            assert self.process.poll() is None, f"the server did not start:\n{self.log}"
            found = list(dict.fromkeys(map(int, PRINTED_URL.findall(self.printed))))
            return found if len(found) == 3 else []

        return eventually(ports, "the server prints its ports", within_s=START_S)

    @property
    def ports(self) -> tuple[int, int, int]:
        return self.ingest_port, self.output_port, self.extras_port

    @property
    def printed(self) -> str:
        return self._stdout.read_text(encoding="utf-8")

    @property
    def log(self) -> str:
        return self._stderr.read_text(encoding="utf-8")

    @property
    def ingest_url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.ingest_port}"

    @property
    def output_url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.output_port}"

    @property
    def extras_url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.extras_port}"

    def refused(self) -> dict[str, int]:
        """Return how much was refused so far, by reason."""
        status, _, body = self.extras("GET", "/healthz")
        assert status == 200
        counts: dict[str, int] = body["refused"]
        return counts

    def extras(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], Any]:
        """Ask the extras side; return the status, the headers in lower case, and the JSON value."""
        return request(self.extras_port, method, path, body=body, headers=headers)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Stop the server as an operator does; return the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        try:
            status = self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        took = time.monotonic() - began
        assert status == 0, f"exit status {status}:\n{self.log}"
        return took

    def close(self) -> None:
        """Stop the server if a test did not, and prove that nothing went wrong unseen."""
        if self.process.poll() is None:
            took = self.stop()
            assert took < STOP_S, f"the server took {took:.1f} s to stop"
        self.assert_no_traceback()

    def assert_no_traceback(self) -> None:
        log = self.log
        assert "Traceback" not in log, log[-10_000:]


def request(
    port: int,
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, str], Any]:
    """Send one HTTP request; return the status, the headers in lower case, and the JSON value or the text."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        connection.request(method, path, body=content, headers=dict(headers or {}))
        response = connection.getresponse()
        text = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
        is_json = found.get("content-type", "").startswith("application/json")
        return response.status, found, msgspec.json.decode(text) if is_json and text else text.decode()
    finally:
        connection.close()
