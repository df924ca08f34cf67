import logging
from importlib.metadata import version
from types import SimpleNamespace

import pytest
import socketio

from valo_ingest.transport.engine import ENGINE_VERSIONS, LogonDeadlines


@pytest.mark.parametrize(("package", "known"), ENGINE_VERSIONS.items())
def test_the_installed_library_is_one_whose_inside_is_known(package: str, known: tuple[str, ...]) -> None:
    assert version(package).startswith(known), f"look whether engine.py still holds for {package}"


class Session:
    def __init__(self) -> None:
        self.closed = False

    def close(self, *, wait: bool, reason: str) -> None:
        assert not wait
        self.closed = True


def test_a_session_that_does_not_log_on_in_time_is_ended() -> None:
    refused = []
    now = 0.0
    sessions = {name: Session() for name in ("late", "in time")}
    sio = SimpleNamespace(
        eio=SimpleNamespace(sockets=sessions),
        environ={"late": {"REMOTE_ADDR": "10.0.0.1"}},
        manager=SimpleNamespace(eio_sid_from_sid=lambda client_id, namespace: client_id),
        reason=socketio.Server.reason,
    )
    deadlines = LogonDeadlines(
        sio, refuse=lambda address, code, text: refused.append((address, code)), timeout_s=10, now=lambda: now
    )
    deadlines.sweep()
    deadlines.logged_on("in time")
    now = 9.9
    deadlines.sweep()
    assert not sessions["late"].closed

    now = 10
    deadlines.sweep()
    deadlines.sweep()
    assert sessions["late"].closed
    assert not sessions["in time"].closed
    assert refused == [("10.0.0.1", "no_logon")]


def test_the_library_has_what_is_used_of_it() -> None:
    quiet = logging.getLogger(__name__)  # it sets the level of its own for all who come after
    sio = socketio.Server(async_mode="threading", logger=quiet, engineio_logger=quiet)

    assert sio.eio.sockets == {}
    assert sio.environ == {}
    assert sio.manager.eio_sid_from_sid("nobody", "/") is None
