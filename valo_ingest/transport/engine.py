"""Engine.IO sessions, which python-socketio keeps to itself: this module alone reaches below its public shape.

Theory of operation
-------------------
Between a frame and a handler, python-engineio and python-socketio make two packets, look each up by its type, and wrap
the call three times: about 6 microseconds, a quarter of what an event cost. Nearly every message of a client is the
same kind of packet, though: an event of the main namespace, without an acknowledgement, with one text as its argument.
`Engine.shorten` puts `_ShortSocket` where Engine.IO reads a WebSocket. That hands such a message to its handler by
itself, and reads on. Whatever else comes is returned, and takes the ordinary way: binary and other packets, other
namespaces, acknowledgements, events without a handler, and what cannot be read. What the ordinary way would have asked
first is asked here as well: whether the session is upgraded and open, whether it waits for the binary part of an
earlier event, and whether its client is connected to the namespace.

For the other direction, `Engine.offer` finds the WebSocket of a session and writes a document there at once, without a
queue and a switch of greenlets, where nothing is queued.

Engine.IO finds the class that reads a WebSocket in `_async`, and Socket.IO keeps unfinished events in `_binary_packet`;
both are private. So all this is done only with versions of the libraries of which it is known to be right
(`ENGINE_VERSIONS`, and a test says so). With others, everything goes the ordinary way.

Engine.IO has a greenlet for each client that sleeps until it is time to ping it, and keeps all of a client that has
gone for as long. `_Pings` knows clients by their ids only, and sleeps once for all of them.

A session begins with its first request, before any handler of ours hears of it, and one that never joins a namespace,
joins and never logs on, or was disconnected and stays, is kept for ever if only it answers pings. `LogonDeadlines` ends
those, and those whose clients have themselves be answered and do not take the answers.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Final

import gevent
import msgspec
import socketio
from engineio import socket
from engineio.packet import PING, Packet

from valo_ingest.transport.deflate import Broadcast
from valo_ingest.transport.packets import RESERVED
from valo_ingest.transport.websocket import FairWebSocket

logger = logging.getLogger(__name__)

ENGINE_VERSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "python-socketio": ("5.18.",),
    "python-engineio": ("4.15.",),
}
"""Beginnings of the versions of which this module is known to be right. tests/transport/test_engine.py looks."""

NAMESPACE: Final = "/"

EVENT_PREFIX: Final = '42["'
"""A message of Engine.IO, an event of Socket.IO, its name. An acknowledgement or a namespace would stand between."""

TYPES_LENGTH: Final = 2

KEPT_OF_REQUEST: Final = frozenset({"REMOTE_ADDR", "REQUEST_METHOD", "wsgi.websocket"})
"""What is asked for of the request of a WebSocket that is open, or (its method) has ended. All of it has 2 kB."""

MAX_UNTAKEN: Final = 4_096
"""Packets that may wait to be sent to a session when it is looked at: a megabyte. Who takes them has some dozens."""

SHORTEST_SLEEP_S: Final = 0.01
"""Between two rounds of pings, however many clients there are."""

_decode_event: Final = msgspec.json.Decoder(tuple[str, str]).decode


def installed_versions() -> dict[str, str]:
    return {package: version(package) for package in ENGINE_VERSIONS}


class Engine:
    """What lies below a Socket.IO server."""

    def __init__(self, sio: socketio.Server) -> None:
        self._sio = sio
        self._websockets: dict[str, tuple[FairWebSocket, Any]] = {}
        """By the id of a session, its WebSocket if that is read on the short way, and the session."""

    def shorten(self, versions: Mapping[str, str]) -> bool:
        """Have events take the short way, if libraries of these versions are known; tell whether they do.

        All handlers have been registered: there is no namespace class and no asynchronous handler.
        """
        if not all(versions[package].startswith(known) for package, known in ENGINE_VERSIONS.items()):
            logger.warning(
                "events take the ordinary way, which is slower: the inside of %s is not known", versions
            )
            return False
        eio = self._sio.eio
        stock = eio._async["websocket"]
        registered = self._sio.handlers[NAMESPACE].items()
        own = {name: handler for name, handler in registered if name not in RESERVED}

        class ShortSocket(_ShortSocket, stock):  # type: ignore[misc, valid-type]
            sio = self._sio
            websockets = self._websockets
            handlers = own

        eio._async = {**eio._async, "websocket": ShortSocket}
        eio.start_background_task = _Pings(eio, eio.start_background_task).start
        return True

    def is_idle(self, session_id: str) -> bool:
        """Tell whether a session is open and nothing waits to be sent there."""
        session = self._sio.eio.sockets.get(session_id)
        return session is not None and not session.closed and bool(session.queue.empty())

    def waiting(self, session_id: str) -> int | None:
        """Return how many packets wait to be sent to a session; None if it is not open."""
        session = self._sio.eio.sockets.get(session_id)
        return None if session is None or session.closed else int(session.queue.qsize())

    def offer(self, session_id: str, message: Broadcast) -> bool | None:
        """Begin to send `message` to a session, if nothing else waits to be sent there; tell whether that was so.

        None if the session has no WebSocket, or that is not read on the short way: then nothing was done.
        """
        known = self._websockets.get(session_id)
        if known is None:
            return None
        websocket, session = known
        return not session.closed and session.queue.empty() and websocket.offer(message)


class _ShortSocket:
    """What Engine.IO reads a WebSocket through. Its parent beside this is Engine.IO's own, which makes `_sock`."""

    sio: socketio.Server
    websockets: dict[str, tuple[FairWebSocket, Any]]
    handlers: Mapping[str, Callable[..., object]]
    _sock: Any

    def __init__(self, handler: Any, eio: Any) -> None:
        super().__init__(handler, eio)  # type: ignore[call-arg]
        self._session = handler.__self__

    def __call__(self, environ: Any, start_response: Any) -> Any:
        try:
            return super().__call__(environ, start_response)  # type: ignore[misc]
        finally:
            self.websockets.pop(self._session.sid, None)

    def wait(self) -> str | bytes | None:
        """Return the next message that has to take the ordinary way; None when the connection has ended."""
        session = self._session
        receive = self._sock.receive
        if not session.upgraded:
            message: str | bytes | None = receive()
            return message
        session_id = session.sid
        for environ in (self._sock.environ, self.sio.environ.get(session_id)):
            _slim(environ)
        self.websockets[session_id] = self._sock, session
        self._sock.session_id = session_id
        manager = self.sio.manager
        # The library makes another one when the last client has gone; but whoever asks here is in it, or connects on
        # the ordinary way before it asks again.
        everybody = manager.rooms.get(NAMESPACE, {}).get(None)
        connected = {} if everybody is None else everybody.inverse
        # Who is in one of these is in the namespace, but not yet or not any more connected to it.
        coming, going = manager.pending_connect, manager.pending_disconnect
        unfinished = self.sio._binary_packet
        handlers = self.handlers
        while True:
            message = receive()
            if type(message) is not str or not message.startswith(EVENT_PREFIX):
                return message
            if session.closed or session_id in unfinished:
                return message
            try:
                name, argument = _decode_event(message[TYPES_LENGTH:])
            except (ValueError, RecursionError):
                return message
            handler = handlers.get(name)
            client_id = connected.get(session_id)
            if handler is None or client_id is None:
                return message
            if (coming or going) and not manager.is_connected(client_id, NAMESPACE):
                return message
            try:
                handler(client_id, argument)
            except Exception:  # as on the ordinary way: it is logged, and the connection stays
                self.sio.eio.logger.exception("message handler error")


def _slim(environ: dict[str, Any] | None) -> None:
    """Forget of a request what nobody asks for once it is a WebSocket."""
    if environ is not None:
        kept = {name: value for name, value in environ.items() if name in KEPT_OF_REQUEST}
        environ.clear()  # gives its table back, which taking out one by one would not
        environ.update(kept)


class _Pings:
    """Pings all clients of a server when it is time, in the place of a greenlet for each of them."""

    def __init__(self, eio: Any, start_task: Callable[..., Any]) -> None:
        """
        Args:
            start_task: How `eio` starts whatever else it does in the background.
        """
        self._eio = eio
        self._start_task = start_task
        self._due: deque[tuple[float, str]] = deque()
        """When each session has to be pinged: all have the same interval, so the next is the first."""

    def start(self, target: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Start a task of Engine.IO in the background."""
        if getattr(target, "__func__", None) is not socket.Socket._send_ping:
            return self._start_task(target, *arguments, **options)
        interval_s = self._eio.ping_interval
        self._due.append((time.monotonic() + interval_s, target.__self__.sid))  # type: ignore[attr-defined]
        if len(self._due) == 1:
            gevent.spawn_later(interval_s, self._send)
        return None

    def _send(self) -> None:
        """Ping those whose time has come, and come back for the next."""
        now = time.monotonic()
        try:
            while self._due and self._due[0][0] <= now:
                _, session_id = self._due.popleft()
                session = self._eio.sockets.get(session_id)
                if session is not None and not session.closing and not session.closed:
                    session.last_ping = socket.time.time()  # by the clock of the library, which judges by it
                    session.send(Packet(PING))
        finally:  # a fault with one client must not keep all others from being pinged ever again
            if self._due:
                gevent.spawn_later(max(SHORTEST_SLEEP_S, self._due[0][0] - now), self._send)


class LogonDeadlines:
    """Ends sessions that do not log on in time, or take no answers. `sweep` has to be called now and then."""

    def __init__(
        self,
        sio: socketio.Server,
        *,
        refuse: Callable[[str, str, str], None],
        timeout_s: float,
        pause: Callable[[], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            refuse: Is told the address, a word that is counted, and what happened.
            timeout_s: From the first request of a session, or from a goodbye, to its logon.
            pause: Lets everybody else have a turn.
        """
        self._sio = sio
        self._refuse = refuse
        self._timeout_s = timeout_s
        self._pause = pause
        self._now = now
        self._waiting: dict[str, float] = {}
        """When each session that has not logged on was seen first."""
        self._logged_on: set[str] = set()

    def logged_on(self, client_id: str) -> None:
        """A client has logged on, or shown by its token that it had."""
        session_id = self._sio.manager.eio_sid_from_sid(client_id, NAMESPACE)
        if session_id is not None:
            self._logged_on.add(session_id)

    def logged_off(self, client_id: str) -> None:
        """A client is being disconnected; its session owes another logon, or its end."""
        session_id = self._sio.manager.eio_sid_from_sid(client_id, NAMESPACE)
        if session_id is not None:
            self._logged_on.discard(session_id)

    def sweep(self) -> None:
        """End the sessions whose time is over."""
        now = self._now()
        sessions = self._sio.eio.sockets
        self._logged_on &= sessions.keys()
        before = self._waiting
        self._waiting = {
            session_id: before.get(session_id, now)
            for session_id in sessions
            if session_id not in self._logged_on
        }
        reason = self._sio.reason
        for session_id, since in self._waiting.items():
            if now - since >= self._timeout_s and self._is_open(session_id):
                told = f"it did not log on within {self._timeout_s:.0f} s"
                self._refuse(self._address_of(session_id), "no_logon", told)
                sessions[session_id].close(wait=False, reason=reason.SERVER_DISCONNECT)
                self._pause()
        for session_id in [each for each in sessions if sessions[each].queue.qsize() > MAX_UNTAKEN]:
            if self._is_open(session_id):
                self._refuse(self._address_of(session_id), "stuck_peer", "it does not take its answers")
                # It may mean to come back.
                sessions[session_id].close(wait=False, reason=reason.TRANSPORT_ERROR)
                self._pause()

    def _is_open(self, session_id: str) -> bool:
        session = self._sio.eio.sockets.get(session_id)
        return session is not None and not session.closed

    def _address_of(self, session_id: str) -> str:
        return str(self._sio.environ.get(session_id, {}).get("REMOTE_ADDR", ""))
