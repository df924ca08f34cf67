"""Socket.IO as a WSGI application, made fit for clients that poll and send what makes no sense.

engineio drops a whole request when one of its packets cannot be read, and disconnects the client when one has a type
that only servers send. Here only that packet is lost, and it is refused and counted like any other malformed one.

It also drops a whole request of more than 16 packets, which is what a client collects in a second without a connection,
and answers that all is well; and all packets of a request are handled in one go. So here each request is handed over in
parts that the library takes, and between two of them everybody else has a turn.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any, Final

import gevent
import socketio

from valo_ingest.transport.packets import EMPTY_MESSAGE, is_engine_packet
from valo_ingest.transport.requests import MAX_BODY_BYTES, PACKET_SEPARATOR
from valo_ingest.transport.websocket import HIGHEST_PRIORITY

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

PACKETS_PER_TURN: Final = 16
"""As many as the library takes at once."""

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
                return post(environ, start_response)
            return application(environ, start_response)
        except KeyError as error:
            if error.args != (SESSION_OVER,):
                raise
            return _refused(start_response, SESSION_OVER)

    def post(environ: Environ, start_response: StartResponse) -> Any:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if not 0 < length <= MAX_BODY_BYTES:  # one that is too large is left for engineio to refuse
            return application(environ, start_response)
        try:
            parts = list(parts_of(environ["wsgi.input"].read(length)))
        except OSError:  # the client is gone, half way through its request
            return _refused(start_response, "The body is shorter than its Content-Length")
        for part in parts[:-1]:
            answers: list[tuple[str, Any]] = []
            result = application(_with_body(environ, part), lambda *answer, kept=answers: kept.append(answer))
            if not answers[0][0].startswith("200 "):
                start_response(*answers[0])
                return result
            gevent.idle(HIGHEST_PRIORITY)
        return application(_with_body(environ, parts[-1]), start_response)

    return answer


def _refused(start_response: StartResponse, reason: str) -> list[bytes]:
    start_response("400 Bad Request", [("Access-Control-Allow-Origin", "*")])
    return [reason.encode()]


def _with_body(environ: Environ, body: bytes) -> Environ:
    """Return the environment of the same request with another body, of which what cannot be read is replaced."""
    body = mended(body)
    return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def parts_of(body: bytes) -> Iterator[bytes]:
    """Yield the body of a request in parts of at most `PACKETS_PER_TURN` packets."""
    start = end = 0
    while end >= 0:
        for _ in range(PACKETS_PER_TURN):
            end = body.find(PACKET_SEPARATOR, end)
            if end < 0:
                break
            end += 1
        yield body[start : end - 1] if end >= 0 else body[start:]
        start = end


def mended(body: bytes) -> bytes:
    """Return the body of a polling request with every packet that cannot be read replaced by an empty message."""
    return PACKET_SEPARATOR.join(
        packet if _is_readable(packet) else EMPTY_MESSAGE.encode() for packet in body.split(PACKET_SEPARATOR)
    )


def _is_readable(packet: bytes) -> bool:
    try:
        return is_engine_packet(packet.decode(), POSTED_TYPES)
    except UnicodeDecodeError:
        return False
