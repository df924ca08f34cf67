"""HTTP requests of clients that take their time, or never mean to finish: each part of a request has a deadline.

Theory of operation
-------------------
gevent's handler waits for ever for a request line, a header, a body, or for a client that takes its response. Here one
timer at a time runs over whatever the client owes: first the request line and all headers, from the connection or the
last response on, then the body. The body is read before the application is called, so that no application waits for one
and none reads more than `MAX_BODY_BYTES`. A response has to be taken within the time for a write. While the application
works, and while a WebSocket is open, no timer of this module runs.

Engine.IO's polling clients send their events in bodies. Who sends them faster than agreed finds its next one waiting.

A request that is complete takes its turn in the line of line.py, as those who are logged on send none, or few. So does
the end of one that is late: those who came at the same moment would all be ended at the same moment.
"""

import io
import ssl
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

import gevent
from gevent.pywsgi import Input

from valo_ingest.transport.schemes import TLS_HANDSHAKE, bad_request, tls_on_plain_port
from valo_ingest.transport.upgrades import FairWebSocketHandler
from valo_ingest.transport.websocket import MAX_MESSAGE_BYTES

MAX_BODY_BYTES: Final = 2 * MAX_MESSAGE_BYTES
"""A polling request: a message in base64, and some others beside it."""

MAX_POLLING_DELAY_S: Final = 10.0
"""Less than Engine.IO gives a client to answer a ping."""

PACKET_SEPARATOR: Final = b"\x1e"
"""Between the packets of a body (Engine.IO protocol 4)."""

MAX_PACKETS: Final = 30_000
"""In a body: more than fit into `MAX_BODY_BYTES` if each is an event that means something."""


class BoundedHandler(FairWebSocketHandler):
    """A handler whose clients have deadlines.

    Its server has to have `terms`, `line`, `open_websockets` and `polled`.
    """

    _deadline: gevent.Timeout | None = None
    _has_served = False
    _is_late = False
    _speaks_tls = False

    def handle_one_request(self) -> Any:
        gevent.sleep(0)  # who sends one request after the other without waiting never yields by itself
        self._start_deadline()
        try:
            result = super().handle_one_request()
            return self._refuse_tls() if self._speaks_tls else result
        finally:
            self._stop_deadline()
            self._has_served = True

    def read_requestline(self) -> str:
        try:
            if not self._has_served and self.rfile.peek(1).startswith(TLS_HANDSHAKE):
                self._speaks_tls = True
                return ""
            line: str = super().read_requestline()
        except TimeoutError:
            self._wait_in_line()
            if not self._has_served:  # otherwise it is a connection that was kept open in vain
                self._refuse("slow_request", "no request within the time for it")
            raise
        return line

    def _refuse_tls(self) -> tuple[str, bytes]:
        told = tls_on_plain_port(self.server.server_port)
        self._refuse("tls_on_plain_port", told)
        return "400", bad_request(told)

    def read_request(self, raw_requestline: str) -> Any:
        try:
            return super().read_request(raw_requestline)
        except TimeoutError:
            self._wait_in_line()
            self._refuse("slow_request", "its head did not end within the time for it")
            self._is_late = True
            raise ValueError("late") from None
        except OSError:
            raise ValueError("gone") from None
        finally:
            self._stop_deadline()

    def run_application(self) -> None:
        if not self._has_body() or self._take_body():
            self._wait_in_line()
            super().run_application()

    def _has_body(self) -> bool:
        return bool(self.content_length) or "HTTP_TRANSFER_ENCODING" in self.environ

    def _take_body(self) -> bool:
        """Read the body for the application; tell whether that shall be called."""
        if (self.content_length or 0) > MAX_BODY_BYTES:
            return self._answer_and_close(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "large_request")
        if "HTTP_UPGRADE" in self.environ:
            return self._answer_and_close(HTTPStatus.BAD_REQUEST, "bad_request")
        self._start_deadline()
        try:
            body = self.wsgi_input.read(MAX_BODY_BYTES + 1)
        except TimeoutError:
            self._wait_in_line()
            return self._answer_and_close(HTTPStatus.REQUEST_TIMEOUT, "slow_request")
        except OSError:  # it ends before its time, or cannot be read
            return self._answer_and_close(HTTPStatus.BAD_REQUEST, "bad_request")
        finally:
            self._stop_deadline()
        packets = 1 + body.count(PACKET_SEPARATOR)
        if len(body) > MAX_BODY_BYTES or packets > MAX_PACKETS:
            return self._answer_and_close(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "large_request")
        self.environ["wsgi.input"] = io.BytesIO(body)
        self.environ["CONTENT_LENGTH"] = str(len(body))
        self._wait_for_turn(packets)
        return True

    def _wait_for_turn(self, packets: int) -> None:
        """Have a polling client wait that has sent too many events before."""
        polled = self.server.polled
        session = parse_qs(self.environ["QUERY_STRING"]).get("sid")
        if polled is None or session is None:
            return
        delay = polled.take(session[0], 0)
        polled.take(session[0], packets)
        if delay:
            self._refuse("events_slowed_down", "it has to wait, as it sends too fast")
            self.server.terms.slow_down(session[0])
            gevent.sleep(min(delay, MAX_POLLING_DELAY_S))

    def _answer_and_close(self, status: HTTPStatus, code: str) -> bool:
        self._refuse(code, status.phrase)
        self.wsgi_input = Input(self.rfile, None)  # what is left of the body is nobody's
        headers = [("Access-Control-Allow-Origin", "*"), ("Content-Length", "0"), ("Connection", "close")]
        self.start_response(f"{status.value} {status.phrase}", headers)
        self.write(b"")
        return False

    def handle_error(self, kind: type[BaseException], error: BaseException, traceback: Any) -> None:
        """A client that is gone, or takes no answer, is no error of ours."""
        if isinstance(error, (ConnectionError, TimeoutError, ssl.SSLError)):
            self.close_connection = True
        else:
            super().handle_error(kind, error, traceback)

    def log_error(self, msg: str, *args: Any) -> None:
        """The parent calls this for a request that cannot be read; `args` hold what the client sent."""
        if not self._is_late:
            self._refuse("bad_request", "no request that makes sense")

    def _wait_in_line(self) -> None:
        self.server.line.wait(self.client_address[0])

    def _refuse(self, code: str, text: str) -> None:
        self.server.terms.refuse(self.client_address[0], code, text)

    def _start_deadline(self) -> None:
        self._deadline = gevent.Timeout.start_new(self.server.terms.deadline_s, TimeoutError())

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.close()
            self._deadline = None
