"""A server of ours on this machine, for as long as somebody needs it."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.running import ACCESS_KEY, clean_environment
from tests.ports import HOST, closed_ports
from valo_ingest.errors import ServerUnreachable
from valo_ingest.rehearsal import local_server
from valo_ingest.rehearsal.local_server import LocalServer


@pytest.fixture
def usual_ports(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int, int]:
    """Free ports in the place of those that everybody uses."""
    ports = closed_ports()
    monkeypatch.setattr(local_server, "USUAL_PORTS", ports)
    return ports


@pytest.mark.parametrize("taken", [[], [0, 1, 2]])
def test_the_usual_ports_are_taken_if_nobody_else_has_them(
    tmp_path: Path, usual_ports: tuple[int, int, int], taken: list[int]
) -> None:
    server = LocalServer(tmp_path, key=ACCESS_KEY, environment=clean_environment(), on_usual_ports=True)
    with ExitStack() as others:
        for side in taken:
            others.enter_context(socket.create_server((HOST, usual_ports[side])))
        server.start()
        is_running = server.is_running
        for port in server.ports:
            socket.create_connection((HOST, port), timeout=5).close()
        server.stop()

    assert is_running
    assert set(server.ports) == set(usual_ports) if not taken else set(usual_ports).isdisjoint(server.ports)


def test_a_server_that_does_not_start_is_told_with_what_it_said(tmp_path: Path) -> None:
    server = LocalServer(
        tmp_path, key=ACCESS_KEY, environment=clean_environment(), arguments=["--ping-interval", "nonsense"]
    )

    with pytest.raises(ServerUnreachable, match=r"it did not start\..*nonsense"):
        server.start()

    assert not server.is_running
