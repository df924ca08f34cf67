"""The composition root: makes every object, connects them, and starts every greenlet."""

import gc
import logging
import secrets
import signal
import ssl
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import gevent
import socketio
from engineio.payload import Payload
from gevent import socket
from gevent.event import Event

from valo_ingest import __version__
from valo_ingest.clock import MonotonicClock, SystemClock
from valo_ingest.config import Config
from valo_ingest.errors import ConfigError, JournalFault
from valo_ingest.live.controller import MatchController
from valo_ingest.live.facts import ServerFacts
from valo_ingest.live.history import History
from valo_ingest.live.matches import ControllerLimits
from valo_ingest.live.ports import Connections, Controller, Kept, Publisher
from valo_ingest.live.previews import CODE_LENGTH, Previews
from valo_ingest.live.refusals import Refusals
from valo_ingest.live.sessions import Sessions
from valo_ingest.live.turns import Turns
from valo_ingest.live.watch import Watch
from valo_ingest.storage.access import KeyAccess
from valo_ingest.storage.archive import Archive
from valo_ingest.storage.disk import DataDisk
from valo_ingest.storage.journal import SqliteJournal
from valo_ingest.storage.keystore import KeyStore
from valo_ingest.transport import tls
from valo_ingest.transport.audience import Audience
from valo_ingest.transport.engine import Engine, LogonDeadlines, installed_versions
from valo_ingest.transport.feeds import Feeds
from valo_ingest.transport.guard import Guard
from valo_ingest.transport.health import Health, State
from valo_ingest.transport.http import Extras
from valo_ingest.transport.ingest import ClientConnections, IngestHandlers
from valo_ingest.transport.limits import Admission, LogonDelays, allow_open_files
from valo_ingest.transport.looks import Looks
from valo_ingest.transport.metrics import Sources
from valo_ingest.transport.notify import ServiceManager
from valo_ingest.transport.overlays import OverlayHandlers, OverlayPublisher
from valo_ingest.transport.polling import socketio_application
from valo_ingest.transport.server import Listener, WsgiApplication, listen, make_socketio_server
from valo_ingest.transport.service import Service
from valo_ingest.transport.site import Site
from valo_ingest.transport.telling import Teller
from valo_ingest.transport.websocket import HIGHEST_PRIORITY, Terms
from valo_ingest.wire.compat import VersionRange

logger = logging.getLogger(__name__)

SESSIONS_S: Final = 60.0
CLEANING_S: Final = 3_600.0
"""How often old sessions and old matches are looked for."""

TOKEN_BYTES: Final = 24
"""Of the token with which a client may come back: 192 bits, which nobody guesses."""

COMMIT_S: Final = 1.0
"""How often the journal is told to write what no turn wrote: because it could not, or because there was none."""

SAMPLE_S: Final = 1.0
"""How often the operator's pages are brought up to date, and the rates on them reckoned."""

TICK_S: Final = 0.05
"""How often matches are looked at for what has run out: often enough for a countdown to look smooth."""

DEADLINE_CHECK_S: Final = 1.0
"""How often it is looked who should have logged on."""

HEALTH_S: Final = 10.0
"""How often the disk is looked at, whether or not somebody asks."""

WATCHDOG_SHARE: Final = 3
"""How many signs of life fit into the time after which the server is taken for dead."""

PING_SLACK_S: Final = 5.0
"""By how much an answer to a ping may be late before its connection is taken for dead."""

BURST_FACTOR: Final = 4
"""How many seconds' worth of events a client may send at once."""

OTHER_FILES: Final = 200
"""Files that are open besides connections."""

STOP_S: Final = 2.0
"""Time for requests that are being served when the server stops. A client that polls always has one, so each stop with
such a client takes this long; 5 s are promised, also on a busy machine."""

GARBAGE_THRESHOLDS: Final = (20_000, 20, 20)
"""Objects between two looks for garbage in cycles, and how many of these between two thorough ones. An event makes
some dozen objects and no cycle: with Python's 700 the looking took 4 % of the time of a busy server."""

EXTRAS_STOP_S: Final = 0.2
"""The least of that for requests to the extras, which begin to stop when the other sides have."""

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


PORT_NAMES: Final = ("ingest", "output", "extras")

MakeController = Callable[[Publisher, Connections], Controller]


class Server:
    """Three listeners and what stands behind them."""

    def __init__(
        self, config: Config, *, clock: SystemClock, make_controller: MakeController | None = None
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
        self._journal: SqliteJournal | None = None
        self._matches: MatchController | None = None
        self._health: Health | None = None
        self._greenlets: list[gevent.Greenlet] = []
        self._feeds = Feeds()

    def start(self) -> Ports:
        """Listen.

        Raises:
            ConfigError: A certificate or key cannot be used.
            DataDirInUse: Another server uses the data directory.
            ListenError: A port cannot be opened.
        """
        config = self._config
        context = self._tls_context()
        bound = self._bind()
        journal = SqliteJournal(config.data_dir, durability=config.durability, now_ms=self._clock.now_ms)
        kept = journal.open(ended_since=self._clock.now_ms() - config.result_minutes * MINUTE_MS)
        self._journal = journal
        self._clock.not_before(kept.latest_at)
        Payload.max_decode_packets = MAX_POLLED_PACKETS
        refusals = Refusals(self._clock)
        ports = Ports(*(listening.getsockname()[1] for listening in bound))
        admission = self._admission()
        applications, slow_down = self._compose(journal, kept, refusals, admission, ports)
        terms = self._terms(refusals, slow_down)
        for listening, application in zip(bound, applications, strict=True):
            listener = Listener(listening, application, tls=context, terms=terms, admission=admission)
            listener.start()
            self._listeners.append(listener)
            silence_s = config.ping_interval_s + config.ping_timeout_s + PING_SLACK_S
            self._greenlets.append(gevent.spawn(_every, silence_s, listener.sweep))
        if self._health is not None:
            self._health.state = State.RUNNING
        return ports

    def _bind(self) -> list[socket.socket]:
        config = self._config
        return [
            listen(config.host, port, setting)
            for port, setting in (
                (config.ingest_port, "INGEST_PORT"),
                (config.output_port, "OUTPUT_PORT"),
                (config.extras_port, "EXTRAS_PORT"),
            )
        ]

    def _terms(self, refusals: Refusals, slow_down: Callable[[str], None]) -> Terms:
        config = self._config
        return Terms(
            refuse=refusals.refuse_connection,
            slow_down=slow_down,
            deadline_s=config.deadline_s,
            max_events_per_s=config.max_events_per_s,
            burst_events=config.max_events_per_s * BURST_FACTOR,
        )

    def _admission(self) -> Admission:
        wanted = self._config.max_connections
        allowed = allow_open_files(wanted + OTHER_FILES) - OTHER_FILES
        if allowed < wanted:
            logger.warning("%d connections can be open at most: the system allows no more files", allowed)
        return Admission(
            max_per_address=self._config.max_connections_per_address, max_in_all=min(wanted, allowed)
        )

    def _tls_context(self) -> ssl.SSLContext | None:
        return tls.configured_context(self._config, datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC))

    def renew_tls(self) -> None:
        """Read key and certificate again. What cannot be used changes nothing, and is said in the log."""
        try:
            context = self._tls_context()
        except ConfigError as error:
            logger.error("the certificate stays as it was: %s", error)
            return
        if context is None:
            logger.warning("there is no certificate to read again: this server has no TLS")
            return
        for listener in self._listeners:
            listener.renew_tls(context)
        logger.info("key and certificate are read again; new connections get them")

    def _compose(
        self,
        journal: SqliteJournal,
        kept: Kept,
        refusals: Refusals,
        admission: Admission,
        ports: Ports,
    ) -> tuple[list[WsgiApplication], Callable[[str], None]]:
        """Connect everything; return the applications of the three sides, and what is told of clients that wait."""
        config, clock = self._config, self._clock
        sessions = Sessions(
            clock=clock,
            journal=journal,
            new_token=lambda: secrets.token_urlsafe(TOKEN_BYTES),
            ttl_ms=config.session_ttl_minutes * MINUTE_MS,
        )
        ingest, output = (
            make_socketio_server(
                token_of=sessions.token_of,
                ping_interval_s=config.ping_interval_s,
                ping_timeout_s=config.ping_timeout_s,
            )
            for _ in ("ingest", "output")
        )
        self._sockets = [ingest, output]
        ingest_deadlines, output_deadlines = (
            LogonDeadlines(sio, refuse=refusals.refuse_connection, timeout_s=config.deadline_s)
            for sio in self._sockets
        )
        engines = [Engine(sio) for sio in self._sockets]
        access = KeyAccess(
            auth_key=config.auth_key,
            is_required=config.require_auth_key,
            organization=config.organization,
            keys=KeyStore(config.data_dir, now_ms=clock.now_ms),
            now_ms=clock.now_ms,
        )
        pace = MonotonicClock()
        turns = Turns(clock=pace, call_later=gevent.spawn_later, commit=journal.commit)
        audience = Audience(output, engines[1], now_ms=clock.now_ms)
        publisher = OverlayPublisher(
            audience,
            now_ms=pace.now_ms,
            request_turn=turns.request,
            send_interval_ms=config.send_interval_ms,
        )
        turns.show_by(publisher.send_due)
        connections = ClientConnections(ingest)
        matches = MatchController(
            clock=clock,
            access=access,
            journal=journal,
            publisher=publisher,
            turns=turns,
            connections=connections,
            new_secret=lambda: random_code(GROUP_SECRET_LENGTH),
            limits=ControllerLimits(
                idle_ms=config.idle_minutes * MINUTE_MS,
                result_ms=config.result_minutes * MINUTE_MS,
                takeover_after_ms=config.takeover_after_s * 1_000 if config.require_auth_key else None,
                adopts_by_address=config.adopt_by_address,
                max_per_key=config.max_matches_per_key,
            ),
            service_sponsor_url=config.service_sponsor_url,
        )
        matches.restore(
            kept.matches, [session.client for session in kept.sessions if session.lost_at is None]
        )
        sessions.restore(kept.sessions)
        self._matches = matches
        own = None if self._make_controller is None else self._make_controller(publisher, connections)
        tellers = [
            Teller(sio, waiting=engine.waiting, now_ms=clock.now_ms)
            for sio, engine in zip(self._sockets, engines, strict=True)
        ]
        senders = IngestHandlers(
            ingest,
            controller=own or matches,
            sessions=sessions,
            refusals=refusals,
            deadlines=ingest_deadlines,
            delays=LogonDelays(),
            teller=tellers[0],
            accepted_versions=VersionRange(config.client_versions),
        )
        overlays = OverlayHandlers(
            output,
            publisher=publisher,
            audience=audience,
            sessions=sessions,
            refusals=refusals,
            deadlines=output_deadlines,
            teller=tellers[1],
            now_ms=clock.now_ms,
        )
        senders.attach()
        overlays.attach()
        for engine in engines:
            engine.shorten(installed_versions())
        extras = Extras(
            matches=matches,
            previews=Previews(clock=clock, access=access, new_code=lambda: random_code(CODE_LENGTH)),
            access=access,
        )
        health = Health(
            journal=journal,
            disk=DataDisk(config.data_dir),
            listening=lambda: {
                name: listener.started for name, listener in zip(PORT_NAMES, self._listeners, strict=False)
            },
        )
        self._health = health
        sources = Sources(
            matches=matches,
            refusals=refusals,
            ingest=senders,
            overlays=overlays,
            publisher=publisher,
            audience=audience,
            journal=journal,
            admission=admission,
            health=health,
        )
        service = Service(extras, sources=sources, metrics_for=config.metrics)
        watch = Watch(
            clock=clock,
            matches=matches,
            overlays=overlays,
            connections=connections,
            journal=journal,
            refused=refusals.last_hour,
            server=self._server_facts(ports),
        )
        self._greenlets = [
            gevent.spawn(_every, SAMPLE_S, watch.sample),
            gevent.spawn(_every, SAMPLE_S, self._feeds.tick),
            gevent.spawn(_every, TICK_S, matches.tick),
            gevent.spawn(_every, COMMIT_S, journal.commit),
            gevent.spawn(_every, SESSIONS_S, sessions.tick),
            gevent.spawn(_every, HEALTH_S, health.look),
            gevent.spawn(_every, CLEANING_S, self._delete_old_matches),
            gevent.spawn(_every, DEADLINE_CHECK_S, ingest_deadlines.sweep),
            gevent.spawn(_every, DEADLINE_CHECK_S, output_deadlines.sweep),
        ]
        site = self._site(watch, matches, refusals, service)
        return [socketio_application(ingest), socketio_application(output), site], senders.slow_down

    def _site(
        self, watch: Watch, matches: MatchController, refusals: Refusals, extras: WsgiApplication
    ) -> WsgiApplication:
        """Put the operator's pages in front of the extras."""
        config = self._config
        return Site(
            watch=watch,
            history=History(
                open_archive(config.data_dir), elsewhere=gevent.get_hub().threadpool.apply, pause=_pause
            ),
            controls=matches,
            guard=Guard(
                password=config.operator_password,
                is_tls=not config.insecure,
                new_token=lambda: secrets.token_urlsafe(TOKEN_BYTES),
                refuse=refusals.refuse_connection,
            ),
            looks=Looks(watch, now_ms=self._clock.now_ms, pause=_pause),
            feeds=self._feeds,
            pause=_pause,
            elsewhere=extras,
        )

    def _server_facts(self, ports: Ports) -> ServerFacts:
        config = self._config
        return ServerFacts(
            version=__version__,
            scheme=config.scheme,
            ingest_port=ports.ingest_port,
            output_port=ports.output_port,
            extras_port=ports.extras_port,
            client_versions=config.client_versions,
            requires_key=config.require_auth_key,
            started_at=self._clock.now_ms(),
        )

    def _delete_old_matches(self) -> None:
        archive = open_archive(self._config.data_dir)
        try:
            archive.delete(archive.ended_before_days(self._config.keep_days))
        except JournalFault as error:
            logger.warning("old matches are not deleted: %s", error)

    def stop(self) -> None:
        """Stop listening, close every connection so that its client knows it may come back, and wait a little.

        The extras are the last: until then they tell whoever asks that the server is about to end.
        """
        if self._health is not None:
            self._health.state = State.STOPPING
        began = time.monotonic()
        for listener in self._listeners[:-1]:
            listener.close()
        self._feeds.close()
        for listener in self._listeners[:-1]:
            listener.close_clients()
        gevent.joinall([gevent.spawn(listener.stop, timeout=STOP_S) for listener in self._listeners[:-1]])
        for listener in self._listeners[-1:]:
            listener.stop(timeout=max(EXTRAS_STOP_S, began + STOP_S - time.monotonic()))
        for sio in self._sockets:
            sio.shutdown()
        gevent.killall(self._greenlets)
        if self._journal is not None:
            self._journal.close()

    @property
    def status(self) -> str:
        """Say in a few words how it is, for whoever looks after services."""
        problems = [] if self._health is None else self._health.problems()
        running = 0 if self._matches is None else self._matches.running
        return " ".join([f"{running} matches are live.", *problems])


def random_code(length: int) -> str:
    """Return a code of `length` characters A-Z and 0-9 that nobody can guess."""
    return "".join(secrets.choice(CODE_CHARACTERS) for _ in range(length))


def _pause() -> None:
    """Let everybody have a turn who has something to do."""
    gevent.idle(HIGHEST_PRIORITY)


def _every(interval_s: float, work: Callable[[], object]) -> None:
    while True:
        gevent.sleep(interval_s)
        try:
            work()
        except Exception:
            logger.exception("something that is done every %s s failed; it is tried again", interval_s)


def open_archive(data_dir: Path) -> Archive:
    """Return the matches that a server keeps in `data_dir`. It may run meanwhile."""
    return Archive(data_dir, now_ms=SystemClock().now_ms)


def open_keys(data_dir: Path) -> KeyStore:
    """Return the access keys that are kept in `data_dir`. A server that asks for them may run meanwhile."""
    return KeyStore(data_dir, now_ms=SystemClock().now_ms)


def serve(config: Config, announce: Callable[[Ports], None], manager: ServiceManager) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        announce: Is called once, with the ports that are listened on.
        manager: What started the server; is told how it is.

    Raises:
        ConfigError: A certificate or key, or the data directory, cannot be used.
        DataDirInUse: Another server uses the data directory.
        ListenError: A port cannot be opened.
    """
    server = Server(config, clock=SystemClock())
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopping.set)

    def reload() -> None:
        manager.reloading()
        server.renew_tls()
        manager.ready(server.status)

    if config.tls_reload:
        _on_hangup(reload)
    ports = server.start()
    gc.collect()
    gc.freeze()  # what is there now stays, and need not be looked at again
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    announce(ports)
    manager.ready(server.status)
    if manager.watchdog_s:
        gevent.spawn(_every, manager.watchdog_s / WATCHDOG_SHARE, lambda: manager.alive(server.status))
    stopping.wait()
    logger.info("stopping")
    manager.stopping()
    server.stop()
    logger.info("stopped")


def _on_hangup(work: Callable[[], None]) -> None:
    if not hasattr(signal, "SIGHUP"):
        raise ConfigError("TLS_RELOAD", "this system has no SIGHUP; restart the server instead")
    gevent.signal_handler(signal.SIGHUP, work)
