"""A server whose log nobody reads any more."""

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e import messages
from tests.e2e.running import PRINTED_URL, clean_environment, eventually, serve_command
from tests.e2e.sockets import WebSocketClient

PIPE_BYTES = 4_096

CONNECTIONS = 60
"""Each is logged with a line or two, so that the pipe is full long before the last."""


def test_clients_are_served_while_nobody_reads_the_log(tmp_path: Path) -> None:
    if not hasattr(fcntl, "F_SETPIPE_SZ"):
        pytest.skip("the size of a pipe cannot be set here")
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    printed = tmp_path / "printed.txt"
    with printed.open("wb") as stdout:
        server = subprocess.Popen(
            serve_command("--insecure", "--auth-key", messages.ACCESS_KEY),
            cwd=tmp_path,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=writing,
        )
    os.close(writing)
    try:
        ingest_port, *_ = eventually(
            lambda: [int(port) for port in PRINTED_URL.findall(printed.read_text())],
            "the server prints its ports",
            within_s=30,
        )
        codes = [messages.fresh_code() for _ in range(CONNECTIONS)]
        for code in codes:
            observer = WebSocketClient(ingest_port)
            observer.emit("obs_logon", messages.observer_logon(code))
            assert observer.wait_for("obs_logon_ack")["value"] is True
            observer.close()

        with os.fdopen(reading, "rb") as log:
            server.terminate()
            text = log.read().decode()  # to its end
        assert server.wait(10) == 0
        opened = [text.index(f"group_code={code} match opened") for code in codes]
        assert opened == sorted(opened)
    finally:
        server.kill()
        server.wait()
