"""The replay of all recorded streams with the stream player that lies beside the checkout, in ../shared.

It takes minutes, because one stream plays rounds in real time, and needs hardly any of the machine. So it begins with
the session and plays beside all other tests; `tests/conftest.py` starts it and puts its own test last. Where several
processes share the tests, one of them does nothing else.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.running import ROOT, START_S, RunningServer, serve_command
from tests.interop import nodejs

SHARED: Final = ROOT.parent / "shared"
DRIVER, STREAMS, GOLDEN = (SHARED / name for name in ("driver", "streams", "golden"))

TESTS: Final = Path(__file__).with_name("test_streams.py")

REPLAY_S: Final = 900
"""All streams take some 205 s, of which the one that plays in real time takes 202, and more on a busy machine."""

JOBS: Final = 3
"""Streams that are played at the same time."""

RETRY_MS: Final = 3_000
"""How long the player looks again at a document that differs: the machine is busy with the other tests."""


def missing() -> str | None:
    """Return why the streams cannot be played here, if they cannot."""
    absent = [str(path.relative_to(ROOT.parent)) for path in (DRIVER, STREAMS, GOLDEN) if not path.is_dir()]
    if absent:
        return f"the recorded streams are not played: beside this checkout there is no {', '.join(absent)}"
    reason = nodejs.missing()
    return reason and f"the recorded streams are not played: {reason}"


class Replay:
    """All streams, played once against a server of their own."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="valo-ingest-streams-"))
        self._server: RunningServer | None = None
        self._player: subprocess.Popen[bytes] | None = None
        self._is_prepared = threading.Event()
        self._error: BaseException | None = None
        self._preparing = threading.Thread(target=self._prepare, daemon=True)

    @property
    def server(self) -> RunningServer:
        """The server, once it and the player are ready."""
        assert self._is_prepared.wait(nodejs.INSTALL_S)
        if self._error is not None:
            raise self._error
        assert self._server is not None
        return self._server

    def start(self) -> None:
        """Begin; nothing here waits for it."""
        self._preparing.start()

    def play(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Play something else beside it, with the same player and server."""
        return subprocess.run(
            self._command(script, *arguments), capture_output=True, text=True, timeout=REPLAY_S, check=False
        )

    def play_streams(self, names: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Play these streams again, one after the other."""
        arguments = ["--streams", str(STREAMS), "--golden", str(GOLDEN), "--jobs", "1"]
        return self.play("run_all.mjs", "compare", *arguments, "--filter", f"^({'|'.join(names)})$")

    def result(self) -> tuple[int, str]:
        """Return exit status and output of the player, once it is through."""
        assert self.server
        assert self._player is not None
        status = self._player.wait(REPLAY_S)
        return status, self._output.read_text(encoding="utf-8")

    def stop(self) -> None:
        """End it, whatever it is at."""
        self._preparing.join(START_S)
        if self._player is not None and self._player.poll() is None:
            os.killpg(
                self._player.pid, signal.SIGKILL
            )  # it has a group of its own: a process for each stream
            self._player.wait()
        try:
            if self._server is not None:
                self._server.close()
        finally:
            shutil.rmtree(self._directory)

    @property
    def _output(self) -> Path:
        return self._directory / "output.txt"

    def _prepare(self) -> None:
        try:
            driver = self._directory / "driver"
            shutil.copytree(DRIVER, driver, copy_function=shutil.copyfile)
            driver.chmod(0o755)
            nodejs.install(driver)
            self._server = RunningServer(
                self._directory,
                serve_command(),
                environment={"INSECURE": "true", "REQUIRE_AUTH_KEY": "false"},
            )
            arguments = ["--streams", str(STREAMS), "--golden", str(GOLDEN), "--jobs", str(JOBS)]
            with self._output.open("wb") as output:
                self._player = subprocess.Popen(
                    self._command("run_all.mjs", "compare", *arguments, then=["--retry-ms", str(RETRY_MS)]),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except BaseException as error:
            self._error = error
        finally:
            self._is_prepared.set()

    def _command(self, script: str, *arguments: str, then: Sequence[str] = ()) -> list[str]:
        server = self._server
        assert server is not None
        urls = ["--in", server.ingest_url, "--out", server.output_url, "--http", server.extras_url]
        command = ["node", str(self._directory / "driver" / script), *arguments, *urls]
        return [*command, "--", *then] if then else command


_replay: Replay | None = None


def replay() -> Replay:
    """Return the replay, which begins now if it did not with the session; skip the test if it cannot be played here."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    if _replay is None:
        start_replay()
    assert _replay is not None
    return _replay


def is_replay(item: pytest.Item) -> bool:
    return item.path == TESTS


def start_replay() -> None:
    global _replay
    if missing() is None:
        _replay = Replay()
        _replay.start()


def stop_replay() -> None:
    if _replay is not None:
        _replay.stop()
