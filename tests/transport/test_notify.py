import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from valo_ingest.transport.notify import ServiceManager

needs_unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no UNIX sockets")


class Systemd:
    """What a service manager hears at an address."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(10)

    def heard(self) -> list[str]:
        return self._socket.recv(4_096).decode().split("\n")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def systemd(path: str) -> Iterator[Systemd]:
    listening = Systemd(path)
    yield listening
    listening.close()


@needs_unix
def test_systemd_hears_of_every_turn(systemd: Systemd, path: str) -> None:
    manager = ServiceManager(path, watchdog_s=30)

    manager.ready("3 matches are live.")
    assert systemd.heard() == ["READY=1", "STATUS=3 matches are live."]
    manager.alive("4 matches are live.")
    assert systemd.heard() == ["WATCHDOG=1", "STATUS=4 matches are live."]
    manager.reloading()
    reloading, instant = systemd.heard()
    assert reloading == "RELOADING=1"
    assert int(instant.removeprefix("MONOTONIC_USEC=")) > 0
    manager.stopping()
    assert systemd.heard() == ["STOPPING=1", "STATUS=stopping"]


@needs_unix
@pytest.mark.skipif(
    os.name == "nt" or os.uname().sysname != "Linux", reason="only Linux has abstract sockets"
)
def test_an_abstract_socket_is_reached_by_its_name() -> None:
    name = f"valo-ingest-test-{os.getpid()}"
    listening = Systemd(f"\0{name}")

    ServiceManager(f"@{name}").ready("well")

    assert listening.heard() == ["READY=1", "STATUS=well"]
    listening.close()


def test_without_an_address_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    ServiceManager().ready("well")

    assert caplog.records == []


@needs_unix
def test_a_manager_that_is_not_there_is_a_line_in_the_log(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    ServiceManager(path).alive("well")

    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "WATCHDOG=1" in record.getMessage()
