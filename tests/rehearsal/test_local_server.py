"""A server of ours on this machine, for as long as somebody needs it."""

import socket
from pathlib import Path

import pytest

from tests.e2e.running import ACCESS_KEY, clean_environment
from tests.ports import HOST, closed_ports
from valo_ingest.errors import ServerUnreachable
from valo_ingest.rehearsal import local_server
from valo_ingest.rehearsal.local_server import LocalServer


def test_another_port_is_taken_when_somebody_was_quicker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((HOST, 0)) as other:
        ingest, output, _ = free = closed_ports()
        found = iter([(ingest, output, other.getsockname()[1]), free])
        monkeypatch.setattr(local_server, "_free_ports", lambda wanted: next(found))
        server = LocalServer(tmp_path, key=ACCESS_KEY, environment=clean_environment())
        server.start()
        ports = server.ports
        server.stop()

    assert ports == free


def test_a_server_that_does_not_start_is_told_with_what_it_said(tmp_path: Path) -> None:
    server = LocalServer(
        tmp_path, key=ACCESS_KEY, environment=clean_environment(), arguments=["--ping-interval", "nonsense"]
    )

    with pytest.raises(ServerUnreachable, match=r"it did not start\..*nonsense"):
        server.start()

    assert not server.is_running
