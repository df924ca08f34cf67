"""Listeners: bound sockets, with or without TLS, and the WSGI servers on them.

What a client owes has a deadline, in a greenlet of its own: the TLS handshake here, a request in requests.py, the logon
in engine.py. So nobody can keep others from being accepted. Who may connect at all is for `limits.Admission` to say;
who shakes hands takes a turn in the line of line.py.
"""

import errno
import logging
import os
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import socketio
from engineio.exceptions import EngineIOError
from gevent import socket
from gevent.pool import Pool
from gevent.pywsgi import LoggingLogAdapter, WSGIServer

from valo_ingest.errors import ConfigError, ListenError
from valo_ingest.transport.limits import Admission, Buckets
from valo_ingest.transport.line import Line
from valo_ingest.transport.packets import Json, packets_with_token
from valo_ingest.transport.requests import MAX_BODY_BYTES, BoundedHandler
from valo_ingest.transport.schemes import (
    CERTIFICATE_FAULTS,
    HTTP_FAULTS,
    answer_in_plain,
    plain_on_tls_port,
)
from valo_ingest.transport.upgrades import OpenWebSockets
from valo_ingest.transport.websocket import Terms

logger = logging.getLogger(__name__)

WsgiApplication = Callable[..., Any]

BACKLOG: Final = 1_024
"""Connections that may wait to be accepted: a venue reconnects all at once."""

RECEIVE_BUFFER_BYTES: Final = 256 << 10
"""What the kernel holds of a client that has to wait. It grows this to megabytes by itself, and a client would wait for
all of that before anything it sends next is heard."""

SOCKETIO_PATH: Final = "/socket.io/"

UNSENT_BYTES: Final = 128 << 10
"""What the kernel takes of us that it has not sent yet: some dozen documents. It would take megabytes, and an overlay
that reads nothing would be shown minutes of the past once it reads again; until then it would seem to be up to date."""


class GoodbyeServer(socketio.Server):  # type: ignore[misc]
    """A Socket.IO server that tells a goodbye of Socket.IO from the end of the connection below.

    The library gives both the same reason. A client that polls ends the old connection by itself after every cut, and
    means to come back.
    """

    class reason(socketio.Server.reason):  # type: ignore[misc]
        CLIENT_DISCONNECT = "client goodbye"
        SERVER_DISCONNECT = "server goodbye"


DELIBERATE_REASONS: Final = frozenset(
    {GoodbyeServer.reason.CLIENT_DISCONNECT, GoodbyeServer.reason.SERVER_DISCONNECT}
)
"""Why a connection ended, where its client does not mean to come back, or may not."""


def listen(host: str, port: int, setting: str) -> socket.socket:
    """Return a listening socket for `port` (0: any free one) of `host`.

    Raises:
        ConfigError: `host` is not of this machine.
        ListenError: The port is taken or may not be used; it names `setting`.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except socket.gaierror as error:
        raise ConfigError(
            "HOST", f"{host!r} is no address or name of this machine: {error.strerror}"
        ) from None
    except OSError as error:
        raise ListenError(setting, host, port, _reason(error)) from None
    try:
        if os.name != "nt":  # on Windows the option lets two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it. Without it a small answer waits 40 ms for the acknowledgement of the last.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # not on Windows
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise ConfigError("HOST", f"{host!r} is no address of this machine") from None
        raise ListenError(setting, host, port, _reason(error)) from None
    return listener


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program uses it already. Stop that one"
    if error.errno == errno.EACCES:
        return "this user may not use it; ports above 1023 are free for all. Use one of those"
    return error.strerror or str(error)


class Listener(WSGIServer):  # type: ignore[misc]
    """A WSGI server whose WebSockets are known, and whose clients have limits and deadlines."""

    def __init__(
        self,
        bound: socket.socket,
        application: WsgiApplication,
        *,
        tls: ssl.SSLContext | None,
        terms: Terms,
        admission: Admission,
        line: Line,
        websocket_path: str = SOCKETIO_PATH,
    ) -> None:
        """
        Args:
            terms: For its WebSockets; those of its polling clients are the same.
            admission: Counts connections; shared by all listeners.
            line: In which newcomers wait; shared by all listeners.
            websocket_path: How the paths begin at which the application takes WebSockets.
        """
        self.line = line
        self.websocket_path = websocket_path
        self.open_websockets = OpenWebSockets()
        self.terms = terms
        rate, burst = terms.max_events_per_s, terms.burst_events
        self.polled = Buckets(rate, burst) if rate else None
        """Limits the events of polling clients, by the id of their session."""
        self._admission = admission
        options = {} if tls is None else {"ssl_context": tls}
        super().__init__(
            bound,
            application,
            spawn=Pool(),
            log=None,
            error_log=LoggingLogAdapter(logger, level=logging.ERROR),
            handler_class=BoundedHandler,
            **options,
        )

    def do_handle(self, client_socket: Any, address: Any) -> None:
        """Take a connection, if it may be taken. The accept loop calls this: it must not block."""
        refusal = self._admission.enter(address[0])
        if refusal is None:
            super().do_handle(client_socket, address)
        else:
            self.terms.refuse(address[0], refusal.code, refusal.text)
            client_socket.close()

    def do_close(self, client_socket: Any, address: Any) -> None:
        super().do_close(client_socket, address)
        self._admission.leave(address[0])

    def wrap_socket_and_handle(self, client_socket: Any, address: Any) -> Any:
        """Shake hands and serve. A scanner, or a client that speaks no TLS, is a line in the log and no traceback."""
        try:
            wrapped = self.wrap_socket(client_socket, do_handshake_on_connect=False, **self.ssl_args)
        except OSError:  # it is gone already
            return None
        with wrapped:
            return self.handle(wrapped, address) if self._shake_hands(wrapped, address[0]) else None

    def _shake_hands(self, wrapped: Any, address: str) -> bool:
        """Shake hands within the time for it; tell whether that came about."""
        try:
            self._shake_hands_in_line(wrapped, address)
        except TimeoutError:
            self.line.wait(address)
            self.terms.refuse(address, "slow_handshake", "no TLS within the time for it")
        except OSError as error:  # SSLError is one
            reason = getattr(error, "reason", None) or type(error).__name__
            if reason in HTTP_FAULTS:
                told = plain_on_tls_port(self.server_port)
                self.terms.refuse(address, "plain_on_tls_port", told)
                answer_in_plain(wrapped, told)
            elif reason in CERTIFICATE_FAULTS:
                told = f"a client does not take the certificate of this server: {reason}"
                self.terms.refuse(address, "certificate_refused", told)
            else:
                self.terms.refuse(address, "bad_handshake", f"TLS handshake failed: {reason}")
        else:
            return True
        return False

    def _shake_hands_in_line(self, wrapped: Any, address: str) -> None:
        """Shake hands step by step: each that the client has a part in takes its turn, as it is what costs.

        Raises:
            TimeoutError: The client took too long. What it waited in line does not count.
            OSError: There is no TLS to be agreed on.
        """
        wrapped.settimeout(0.0)
        left_s = self.terms.deadline_s
        while True:
            began = time.monotonic()
            socket.wait_read(wrapped.fileno(), timeout=max(0.0, left_s), timeout_exc=TimeoutError())
            left_s -= time.monotonic() - began
            self.line.wait(address)
            try:
                wrapped.do_handshake()
                return
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLWantWriteError:
                socket.wait_write(wrapped.fileno(), timeout=max(0.0, left_s), timeout_exc=TimeoutError())

    def handle(self, client_socket: Any, address: Any) -> None:
        client_socket.settimeout(self.terms.write_timeout_s)
        try:
            super().handle(client_socket, address)
        except OSError as error:
            logger.debug("connection of %s lost: %s", address[0], error)

    def renew_tls(self, context: ssl.SSLContext) -> None:
        """Have connections from now on shake hands by `context`. Those that are open stay as they are."""
        self.wrap_socket = context.wrap_socket

    def sweep(self) -> None:
        """End WebSockets that were silent since the last call."""
        for address in self.open_websockets.sweep():
            self.terms.refuse(address, "silent_peer", "nothing was heard of it, not even an answer to a ping")

    def close_clients(self) -> None:
        """Close every WebSocket, so that its client knows that it may come back."""
        self.open_websockets.close()


def make_socketio_server(
    *,
    token_of: Callable[[str], str | None],
    refuse: Callable[[str], None],
    ping_interval_s: int,
    ping_timeout_s: int,
) -> socketio.Server:
    """Return a Socket.IO server as both sides of the protocol need it.

    Args:
        token_of: Returns the token with which the client of a connection may come back.
        refuse: Is told in a sentence what of a client the libraries could not read.
        ping_interval_s, ping_timeout_s: How soon a connection that has died without a word is noticed.
    """
    return GoodbyeServer(
        async_mode="gevent",
        # One handler at a time per client: messages of one observer must stay in order.
        async_handlers=False,
        cors_allowed_origins="*",
        serializer=packets_with_token(token_of),
        json=Json,
        ping_interval=ping_interval_s,
        ping_timeout=ping_timeout_s,
        max_http_buffer_size=MAX_BODY_BYTES,
        logger=_library_logger("socketio", refuse),
        engineio_logger=_library_logger("engineio", refuse),
    )


CLIENT_FAULTS: Final[Mapping[str, str]] = {
    "post request handler error": "A polling request broke off, or cannot be read.",
    "Unknown receive error": "A frame cannot be read.",
}
"""What engineio logs with a traceback each time a client is to blame, and what that means.

It says so of every exception. `RAISED_BY_CLIENTS` tells which of them may be a client's fault.
"""

RAISED_BY_CLIENTS: Final = (ValueError, LookupError, RecursionError, OSError, EngineIOError)
"""What reading a request or a frame raises. Whatever else is raised there is a bug, and has to be seen."""

CLIENT_ERRORS: Final[Mapping[str, str]] = {
    "Unexpected binary packet": "A binary event came before its client had joined.",
}
"""The same of what socketio raises, which engineio logs like a fault of ours."""


class _FaultsOfOurs(logging.Filter):
    """Lets through what is no fault of a client. Those are refused: whoever likes can cause them, at any rate."""

    def __init__(self, refuse: Callable[[str], None]) -> None:
        super().__init__()
        self._refuse = refuse

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        told = CLIENT_ERRORS.get(str(error))
        if isinstance(error, RAISED_BY_CLIENTS):
            told = told or CLIENT_FAULTS.get(str(record.msg))
        if told is not None:
            self._refuse(told)
        return told is None


def _library_logger(name: str, refuse: Callable[[str], None]) -> logging.Logger:
    """Return a logger for a library of one server that says what goes wrong."""
    library = logging.Logger(f"{__name__}.{name}", logging.ERROR)
    library.parent = logger
    library.addFilter(_FaultsOfOurs(refuse))
    return library
