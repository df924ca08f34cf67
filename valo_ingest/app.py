"""The composition root: makes every object, connects them, and starts every greenlet."""

import logging
import secrets
import signal
import ssl
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import gevent
import socketio
from engineio.payload import Payload
from gevent.event import Event

from valo_ingest.clock import Clock, SystemClock
from valo_ingest.config import Config
from valo_ingest.live.controller import MatchController
from valo_ingest.live.ports import Connections, Controller, Publisher
from valo_ingest.live.previews import CODE_LENGTH, Previews
from valo_ingest.live.refusals import Refusals
from valo_ingest.storage.access import ConfiguredAccess
from valo_ingest.transport import addresses, tls
from valo_ingest.transport.http import Extras
from valo_ingest.transport.ingest import ClientConnections, IngestHandlers
from valo_ingest.transport.overlays import OverlayHandlers, OverlayPublisher
from valo_ingest.transport.polling import socketio_application
from valo_ingest.transport.server import Listener, WsgiApplication, listen, make_socketio_server
from valo_ingest.wire.compat import VersionRange

logger = logging.getLogger(__name__)

TICK_S: Final = 0.05
"""How often matches are looked at for what has run out: often enough for a countdown to look smooth."""

STOP_S: Final = 2.0
"""Time for requests that are being served when the server stops. A client that polls always has one, so each stop with
such a client takes this long; 5 s are promised, also on a busy machine."""

MINUTE_MS: Final = 60_000

CODE_CHARACTERS: Final = string.ascii_uppercase + string.digits

GROUP_SECRET_LENGTH: Final = 12

MAX_POLLED_PACKETS: Final = 100_000
"""Packets in one polling request. Engine.IO's own limit of 16 silently drops the rest, which is what a client
collects in a second without a connection; the size of the request is limited all the same."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that are really listened on."""

    ingest_port: int
    output_port: int
    extras_port: int


MakeController = Callable[[Publisher, Connections], Controller]


class Server:
    """Three listeners and what stands behind them."""

    def __init__(
        self, config: Config, *, clock: Clock, make_controller: MakeController | None = None
    ) -> None:
        """
        Args:
            make_controller: Makes a match controller of your own, which then takes the place of ours for the ingest
                side. It publishes matches and disconnects clients through its arguments.
        """
        self._config = config
        self._clock = clock
        self._make_controller = make_controller
        self._listeners: list[Listener] = []
        self._sockets: list[socketio.Server] = []
        self._ticking: gevent.Greenlet | None = None

    def start(self) -> Ports:
        """Listen.

        Raises:
            ConfigError: A certificate or key cannot be used.
            ListenError: A port cannot be opened.
        """
        config = self._config
        context = self._tls_context()
        bound = [
            listen(config.host, port, setting)
            for port, setting in (
                (config.ingest_port, "INGEST_PORT"),
                (config.output_port, "OUTPUT_PORT"),
                (config.extras_port, "EXTRAS_PORT"),
            )
        ]
        Payload.max_decode_packets = MAX_POLLED_PACKETS
        applications = self._compose()
        for listening, application in zip(bound, applications, strict=True):
            listener = Listener(listening, application, tls=context)
            listener.start()
            self._listeners.append(listener)
        return Ports(*(listening.getsockname()[1] for listening in bound))

    def _tls_context(self) -> ssl.SSLContext | None:
        config = self._config
        if config.insecure:
            return None
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        key, cert = config.server_key, config.server_cert
        if config.self_signed:
            key, cert = tls.self_signed_pair(
                config.data_dir, names=addresses.host_names(), addresses=addresses.lan_addresses(), now=now
            )
        assert key is not None and cert is not None, "the configuration has checked itself"
        return tls.server_context(key, cert, now=now)

    def _compose(self) -> list[WsgiApplication]:
        """Connect everything; return the applications of the ingest, output and extras side."""
        config, clock = self._config, self._clock
        ingest, output = make_socketio_server(), make_socketio_server()
        self._sockets = [ingest, output]
        refusals = Refusals(clock)
        access = ConfiguredAccess(
            auth_key=config.auth_key,
            is_required=config.require_auth_key,
            organization=config.organization,
        )
        publisher = OverlayPublisher(
            output,
            now_ms=clock.now_ms,
            call_later=gevent.spawn_later,
            send_interval_ms=config.send_interval_ms,
        )
        connections = ClientConnections(ingest)
        matches = MatchController(
            clock=clock,
            access=access,
            publisher=publisher,
            connections=connections,
            new_secret=lambda: random_code(GROUP_SECRET_LENGTH),
            idle_ms=config.idle_minutes * MINUTE_MS,
            result_ms=config.result_minutes * MINUTE_MS,
            service_sponsor_url=config.service_sponsor_url,
        )
        own = None if self._make_controller is None else self._make_controller(publisher, connections)
        IngestHandlers(
            ingest,
            controller=own or matches,
            refusals=refusals,
            accepted_versions=VersionRange(config.client_versions),
        ).attach()
        OverlayHandlers(output, publisher=publisher, refusals=refusals).attach()
        extras = Extras(
            matches=matches,
            previews=Previews(clock=clock, access=access, new_code=lambda: random_code(CODE_LENGTH)),
            access=access,
            refusals=refusals,
        )
        self._ticking = gevent.spawn(_tick_for_ever, matches)
        return [socketio_application(ingest), socketio_application(output), extras]

    def stop(self) -> None:
        """Stop listening, close every connection so that its client knows it may come back, and wait a little."""
        for listener in self._listeners:
            listener.close()
        for listener in self._listeners:
            listener.close_clients()
        gevent.joinall([gevent.spawn(listener.stop, timeout=STOP_S) for listener in self._listeners])
        for sio in self._sockets:
            sio.shutdown()
        if self._ticking is not None:
            self._ticking.kill()


def random_code(length: int) -> str:
    """Return a code of `length` characters A-Z and 0-9 that nobody can guess."""
    return "".join(secrets.choice(CODE_CHARACTERS) for _ in range(length))


def _tick_for_ever(matches: MatchController) -> None:
    while True:
        gevent.sleep(TICK_S)
        try:
            matches.tick()
        except Exception:
            logger.exception("a tick failed; the next one comes all the same")


def serve(config: Config, announce: Callable[[Ports], None]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        announce: Is called once, with the ports that are listened on.

    Raises:
        ConfigError: A certificate or key cannot be used.
        ListenError: A port cannot be opened.
    """
    server = Server(config, clock=SystemClock())
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopping.set)
    ports = server.start()
    announce(ports)
    stopping.wait()
    logger.info("stopping")
    server.stop()
    logger.info("stopped")
