import socketio

from valo_ingest.transport.server import make_socketio_server


def make_server() -> socketio.Server:
    """Return a Socket.IO server whose clients cannot come back."""
    return make_socketio_server(token_of=lambda client_id: None, ping_interval_s=25, ping_timeout_s=20)


class NoDeadlines:
    """Keeps who has logged on; nobody has to."""

    def __init__(self) -> None:
        self.on: list[str] = []

    def logged_on(self, client_id: str) -> None:
        self.on.append(client_id)
