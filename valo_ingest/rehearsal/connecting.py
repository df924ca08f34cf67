"""One Socket.IO connection, made as the real clients make it: any certificate, no proxy, polling and then WebSocket."""

import logging
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import requests
import socketio
import websocket
from engineio.payload import Payload

from valo_ingest.errors import ServerUnreachable
from valo_ingest.wire.names import SocketEvent

CONNECT_S: Final = 10.0
"""How long the server may take to answer a request and to open the Socket.IO session."""

GOODBYE_S: Final = 1.0
"""How long saying goodbye may take."""

DELIBERATE: Final = frozenset({"server disconnect", "client disconnect"})
"""How python-socketio calls an end that somebody wanted; any other is an accident."""

NO_PROXY: Final = {"http_proxy_host": "none", "http_proxy_port": 1, "http_no_proxy": ["*"]}
"""No proxy of the environment: the server is in the same room. websocket-client looks at the last one, which says that
there is a proxy for nobody, only where the first one names any."""

MAX_POLLED_PACKETS: Final = 100_000
"""Packets in one answer to a polling client. Engine.IO's own limit of 16 would end the connection where more are due;
real clients have none. The setting is one of the whole process."""

Payload.max_decode_packets = MAX_POLLED_PACKETS

# Real clients take any certificate, too, and a crew need not be told at every connection.
warnings.filterwarnings("ignore", message="Unverified HTTPS request")

# What the library has to say of lost connections is of no use to people: errors say it in our words.
_library_logger = logging.getLogger(f"{__name__}.library")
_library_logger.addHandler(logging.NullHandler())
_library_logger.propagate = False


class OnEnd(Protocol):
    """Called once when a connection that was open ends."""

    def __call__(self, *, is_deliberate: bool) -> None: ...


class Connection:
    """A connection from its beginning to its end; it never comes back."""

    def __init__(self, url: str, *, transports: Sequence[str] | None = None) -> None:
        self._url = url
        self._transports = list(transports) if transports else None
        self._session = requests.Session()
        self._session.verify = False
        self._session.trust_env = False  # no proxy of the environment, nor its certificates
        self._websockets: list[websocket.WebSocket] = []
        self._ended = threading.Event()
        self.on_end: OnEnd | None = None
        self._sio = socketio.Client(
            reconnection=False,
            handle_sigint=False,
            logger=_library_logger,
            engineio_logger=_library_logger,
            request_timeout=CONNECT_S,
            ssl_verify=False,
            http_session=self._session,
            websocket_extra_options={
                "class_": self._make_websocket,
                **NO_PROXY,
                "skip_utf8_validation": True,  # in Python, 2.4 ms a document; decoding the JSON checks it again
            },
        )
        self._sio.on("disconnect", self._on_disconnect)

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def on(self, event: SocketEvent, handler: Callable[..., None]) -> None:
        """Call `handler` with the arguments of every `event` that comes. Before `open`."""
        self._sio.on(event.value, handler)

    def open(self) -> None:
        """Connect.

        Raises:
            ServerUnreachable: Nothing that speaks Socket.IO answers.
        """
        try:
            self._sio.connect(self._url, transports=self._transports, wait_timeout=CONNECT_S)
        except (socketio.exceptions.SocketIOError, ValueError, OSError) as error:
            self.close()
            raise ServerUnreachable(self._url, explanation(str(error))) from None

    def emit(self, event: SocketEvent, text: str, on_answer: Callable[..., None] | None = None) -> bool:
        """Send an event with one text, and ask for an answer if somebody wants it; tell whether it could be sent."""
        try:
            self._sio.emit(event.value, text, callback=on_answer)
        except socketio.exceptions.SocketIOError:
            return False
        return True

    def drop(self) -> None:
        """Break it as a cable does that is pulled."""
        for opened in self._websockets:
            opened.abort()  # type: ignore[no-untyped-call]

    def wait_for_end(self, timeout_s: float) -> None:
        """Return when it has ended, or after that time."""
        self._ended.wait(timeout_s)

    def close(self) -> None:
        """Say goodbye, if the server has not done so, and release everything."""
        if not self._ended.is_set():
            # engineio may wait for half a minute here, if the server says goodbye at the same time.
            goodbye = threading.Thread(target=self._say_goodbye, daemon=True)
            goodbye.start()
            goodbye.join(GOODBYE_S)
        for opened in self._websockets:
            opened.shutdown()  # type: ignore[no-untyped-call]
        self._session.close()

    def _say_goodbye(self) -> None:
        with suppress(OSError, socketio.exceptions.SocketIOError, websocket.WebSocketException):
            self._sio.disconnect()

    def _make_websocket(self, **options: Any) -> websocket.WebSocket:
        made = websocket.WebSocket(**options)
        self._websockets.append(made)
        return made

    def _on_disconnect(self, reason: str) -> None:
        self._session.close()  # else it keeps the connection of the polling before the WebSocket
        self._ended.set()
        if self.on_end is not None:
            self.on_end(is_deliberate=reason in DELIBERATE)


def checked_url(url: str) -> str:
    """Return `url` without a slash at its end.

    Raises:
        ServerUnreachable: It is no URL of a server.
    """
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise ServerUnreachable(url, "no URL of a server. Give one such as http://192.168.1.20:5100.")
    return url.rstrip("/")


_EXPLANATIONS: Final = (
    (
        ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "record layer failure"),
        "it speaks no TLS. Write http:// instead of https://.",
    ),
    (("SSL", "ssl"), "the TLS handshake failed. See the server's log for the reason."),
    (
        ("Connection refused", "actively refused", "10061"),
        "nothing listens there. Start the server, and look at its address and port.",
    ),
    (
        ("NameResolution", "getaddrinfo", "resolve"),
        "nobody knows a machine of that name. Look at the address again.",
    ),
    (
        ("timed out", "Max retries", "unreachable", "No route"),
        "the machine does not answer. Look at the address, the network and its firewall.",
    ),
    (
        ("aborted", "reset", "RemoteDisconnected", "BadStatusLine", "closed connection"),
        "it hung up. If it has TLS, write https:// instead of http://.",
    ),
    (("status code 400",), "it refuses that. If it has TLS, write https:// instead of http://."),
)


def explanation(error: str) -> str:
    """Return for a person why no connection came about, from the error's text of the libraries."""
    for words, text in _EXPLANATIONS:
        if any(word in error for word in words):
            return text
    return f"it is no server of this protocol ({error}). The ingest side has port 5100, overlays have 5200."
