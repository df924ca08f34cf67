from collections.abc import Callable

import socketio

from valo_ingest.errors import InvalidMessage
from valo_ingest.transport.server import make_socketio_server


def make_server(refuse: Callable[[str], None] = lambda told: None) -> socketio.Server:
    """Return a Socket.IO server whose clients cannot come back."""
    return make_socketio_server(
        token_of=lambda client_id: None, refuse=refuse, ping_interval_s=25, ping_timeout_s=20
    )


class NoDeadlines:
    """Keeps who has logged on; nobody has to."""

    def __init__(self) -> None:
        self.on: list[str] = []

    def logged_on(self, client_id: str) -> None:
        self.on.append(client_id)

    def logged_off(self, client_id: str) -> None:
        pass


class FakeTeller:
    """Keeps who was told what: client, type, code and number of the event."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str, int]] = []
        self.forgotten: list[str] = []
        self.is_heard = True

    def refuse(self, client_id: str, error: InvalidMessage, number: int = 0) -> None:
        self.told.append((client_id, "error", error.code, number))

    def notify(self, client_id: str, code: str, text: str, number: int) -> bool:
        if self.is_heard:
            self.told.append((client_id, "notice", code, number))
        return self.is_heard

    def forget(self, client_id: str) -> None:
        self.forgotten.append(client_id)
