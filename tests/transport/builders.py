import socketio

from valo_ingest.transport.server import make_socketio_server


def make_server() -> socketio.Server:
    """Return a Socket.IO server whose clients cannot come back."""
    return make_socketio_server(token_of=lambda client_id: None, ping_interval_s=25, ping_timeout_s=20)
