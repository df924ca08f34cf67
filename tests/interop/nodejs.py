"""The real clients' library, in a Node process that does what a test says."""

import hashlib
import itertools
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

DIRECTORY: Final = Path(__file__).parent
MODULES: Final = "node_modules"
STAMP: Final = "installed-from"

TIMEOUT_S: Final = 20
INSTALL_S: Final = 300

Happening = tuple[str, list[Any]]


def missing() -> str | None:
    """Return why no test with Node can run here, if none can."""
    absent = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"not installed here: {', '.join(absent)}; version 18 or newer is needed" if absent else None


def require_node() -> None:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)


def install(directory: Path) -> None:
    """Install what `package-lock.json` in `directory` pins, unless it is there already."""
    modules = directory / MODULES
    wanted = hashlib.sha256((directory / "package-lock.json").read_bytes()).hexdigest()
    stamp = modules / STAMP
    if stamp.exists() and stamp.read_text() == wanted:
        return
    npm = shutil.which("npm")
    assert npm is not None
    result = subprocess.run(
        [npm, "ci", "--prefer-offline", "--no-audit", "--no-fund"],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
    )
    assert result.returncode == 0, f"npm ci failed:\n{result.stdout}{result.stderr}"
    stamp.write_text(wanted)


class Node:
    """A Node process with clients."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", "client.mjs"],
            cwd=DIRECTORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._names = itertools.count(1)
        self._clients: dict[str, JsClient] = {}
        self._something_happened = threading.Condition()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def connect(self, url: str, **options: Any) -> "JsClient":
        """Return a client that is connecting, with these options of socket.io-client."""
        name = str(next(self._names))
        self._clients[name] = JsClient(self, name, self._something_happened)
        self.command("connect", client=name, url=url, options=options)
        return self._clients[name]

    def command(self, operation: str, **arguments: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"op": operation, **arguments}) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(TIMEOUT_S) == 0
        self._listening.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            with self._something_happened:
                self._clients[told["client"]].happened.append((told["happening"], told["details"]))
                self._something_happened.notify_all()


class JsClient:
    """One real client and everything that happened to it, in order."""

    def __init__(self, node: Node, name: str, something_happened: threading.Condition) -> None:
        self._node = node
        self._name = name
        self._something_happened = something_happened
        self._looked_at = 0
        self.happened: list[Happening] = []

    def emit(self, event: str, payload: Any) -> None:
        """Send `payload`: text as it is, bytes as binary, anything else as an object."""
        is_binary = isinstance(payload, bytes)
        content = payload.decode() if is_binary else payload
        self._node.command("emit", client=self._name, event=event, payload=content, bytes=is_binary)

    def disconnect(self) -> None:
        """Say good-bye to the server, and return when the connection is closed."""
        self.leave()
        self.wait_until_happened("closed")

    def leave(self) -> None:
        """Say good-bye to the server, and wait for nothing."""
        self._node.command("disconnect", client=self._name)

    def wait_until_happened(self, *names: str) -> None:
        """Return when all of these have happened, in whatever order; what `wait_for` has seen plays no role."""
        with self._something_happened:
            if not self._something_happened.wait_for(
                lambda: {*names} <= {name for name, _ in self.happened}, TIMEOUT_S
            ):
                raise AssertionError(f"not all of {names}; happened: {self.happened!r:.3000}")

    def wait_for(self, name: str, where: Callable[[Any], bool] = lambda _: True) -> Any:
        """Return the first detail of the next happening `name` for which `where` holds; JSON text is read.

        What happened before it counts as seen.
        """
        deadline = time.monotonic() + TIMEOUT_S
        with self._something_happened:
            while True:
                while self._looked_at < len(self.happened):
                    happening, details = self.happened[self._looked_at]
                    self._looked_at += 1
                    if happening == name and where(value := _value(details)):
                        return value
                if not self._something_happened.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no {name}; happened: {self.happened!r:.3000}")

    def websockets(self) -> list[str]:
        """Return the extensions, as ws tells them, of every WebSocket that carried this client so far."""
        with self._something_happened:
            return [
                details[1]
                for name, details in self.happened
                if name in ("open", "upgrade") and details[0] == "websocket"
            ]

    def names(self) -> list[str]:
        """Return the names of everything that happened so far."""
        with self._something_happened:
            return [name for name, _ in self.happened]

    def texts(self, name: str) -> list[str]:
        """Return the first detail of every happening `name` so far, as it came."""
        with self._something_happened:
            return [details[0] for happening, details in self.happened if happening == name]


def _value(details: list[Any]) -> Any:
    first = details[0] if details else None
    return json.loads(first) if isinstance(first, str) and first.startswith("{") else first
