"""Socket.IO as a WSGI application, made fit for clients that poll and send what makes no sense.

engineio drops a whole request when one of its packets cannot be read, and disconnects the client when one has a type
that only servers send. Here only that packet is lost, and it is refused and counted like any other malformed one.
"""

import io
from collections.abc import Callable
from typing import Any, Final

import socketio

from valo_ingest.transport.packets import EMPTY_MESSAGE, is_engine_packet
from valo_ingest.transport.requests import MAX_BODY_BYTES

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

SEPARATOR: Final = b"\x1e"
"""Between the packets of a request (Engine.IO protocol 4)."""

POSTED_TYPES: Final = "1345"
"""Types of packets that a client may post: close, pong, message, upgrade."""

SESSION_OVER: Final = "Session is disconnected"
"""What engineio raises, and nobody catches, when a client posts to a session that is over."""


def socketio_application(sio: socketio.Server) -> Callable[[Environ, StartResponse], Any]:
    """Return the WSGI application of `sio`."""
    application = socketio.WSGIApp(sio)

    def answer(environ: Environ, start_response: StartResponse) -> Any:
        try:
            if environ["REQUEST_METHOD"] == "POST":
                _mend_request(environ)
        except OSError:  # the client is gone, half way through its request
            return _refused(start_response, "The body is shorter than its Content-Length")
        try:
            return application(environ, start_response)
        except KeyError as error:
            if error.args != (SESSION_OVER,):
                raise
            return _refused(start_response, SESSION_OVER)

    return answer


def _refused(start_response: StartResponse, reason: str) -> list[bytes]:
    start_response("400 Bad Request", [("Access-Control-Allow-Origin", "*")])
    return [reason.encode()]


def _mend_request(environ: Environ) -> None:
    """Replace what cannot be read in the body of a request. One that is too large is left for engineio to refuse."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if 0 < length <= MAX_BODY_BYTES:
        body = mended(environ["wsgi.input"].read(length))
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))


def mended(body: bytes) -> bytes:
    """Return the body of a polling request with every packet that cannot be read replaced by an empty message."""
    return SEPARATOR.join(
        packet if _is_readable(packet) else EMPTY_MESSAGE.encode() for packet in body.split(SEPARATOR)
    )


def _is_readable(packet: bytes) -> bool:
    try:
        return is_engine_packet(packet.decode(), POSTED_TYPES)
    except UnicodeDecodeError:
        return False
