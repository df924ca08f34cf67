"""`valo-ingest demo` as a process of its own."""

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.running import START_S, clean_environment, eventually
from tests.e2e.sockets import WebSocketClient

ENDPOINT = re.compile(r'"(server|extras)Endpoint": "http://127\.0\.0\.1:(\d+)"')


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_demonstration_shows_a_match_and_leaves_nothing(tmp_path: Path, ending: signal.Signals) -> None:
    printed, temporary = tmp_path / "printed.txt", tmp_path / "temporary"
    temporary.mkdir()
    # Settings of a real server play no role.
    environment = {**clean_environment(), "TMPDIR": str(temporary), "VALO_INGEST_INGEST_PORT": "nonsense"}
    with printed.open("wb") as output:
        demo = subprocess.Popen(
            [sys.executable, "-m", "valo_ingest", "demo", "--speed", "60"],
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        ports = eventually(lambda: _ports(printed), "it prints where to look", within_s=START_S)
        overlay = WebSocketClient(ports["server"])
        overlay.emit("logon", {"groupCode": "DEMO"})
        document = overlay.wait_for("match_data")
        overlay.close()
        (page,) = re.findall(r"in a browser: +(\S+)", printed.read_text())
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(page) as answer:
            assert b">DEMO<" in answer.read(), "the match is on the page"
        children = psutil.Process(demo.pid).children()
        demo.send_signal(ending)
        status = demo.wait(START_S)
    finally:
        with suppress(psutil.Error):
            for child in psutil.Process(demo.pid).children():
                child.kill()
        demo.kill()
        demo.wait()

    assert status == 0, printed.read_text()
    assert document["groupCode"] == "DEMO"
    assert len(children) == 1
    assert not children[0].is_running()
    assert list(temporary.iterdir()) == []
    for port in ports.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    assert "Traceback" not in printed.read_text()
    assert " 0 refused, 0 lost." in printed.read_text()


def _ports(printed: Path) -> dict[str, int]:
    found = {side: int(port) for side, port in ENDPOINT.findall(printed.read_text())}
    return found if len(found) == 2 and "in a browser" in printed.read_text() else {}
