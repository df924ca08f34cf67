"""A server, from its start to its end."""

import logging
import ssl
import time
from typing import Final

import gevent

from valo_ingest.app.basis import MINUTE_MS, Basis, Ports
from valo_ingest.app.chores import Chore
from valo_ingest.app.listening import bind, make_admission, make_terms, ports_of, tls_context
from valo_ingest.app.stack import MakeController, Stack, make_stack
from valo_ingest.clock import SystemClock
from valo_ingest.config import Config
from valo_ingest.errors import ConfigError
from valo_ingest.live.refusals import Refusals
from valo_ingest.storage.journal import SqliteJournal
from valo_ingest.transport.health import State
from valo_ingest.transport.line import Line
from valo_ingest.transport.server import Listener
from valo_ingest.transport.tls import Validity, configured_validity

logger = logging.getLogger(__name__)

PING_SLACK_S: Final = 5.0
"""By how much an answer to a ping may be late before its connection is taken for dead."""

STOP_S: Final = 2.0
"""Time for requests that are being served when the server stops. A client that polls always has one, so each stop with
such a client takes this long; 5 s are promised, also on a busy machine."""

EXTRAS_STOP_S: Final = 0.2
"""The least of that for requests to the extras, which begin to stop when the other sides have."""

PORT_NAMES: Final = ("ingest", "output", "extras")


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
        self._certificate: Validity | None = None
        self._listeners: list[Listener] = []
        self._journal: SqliteJournal | None = None
        self._stack: Stack | None = None
        self._greenlets: list[gevent.Greenlet] = []

    def start(self) -> Ports:
        """Listen.

        Raises:
            ConfigError: A certificate or key cannot be used.
            DataDirInUse: Another server uses the data directory.
            ListenError: A port cannot be opened.
        """
        config, clock = self._config, self._clock
        context = self._tls_context()
        bound = bind(config)
        journal = SqliteJournal(config.data_dir, durability=config.durability, now_ms=clock.now_ms)
        kept = journal.open(ended_since=clock.now_ms() - config.result_minutes * MINUTE_MS)
        self._journal = journal
        clock.not_before(kept.latest_at)
        basis = Basis(
            config=config,
            clock=clock,
            journal=journal,
            refusals=Refusals(clock),
            admission=make_admission(config),
            line=Line(),
            ports=ports_of(bound),
            listening=self._listening,
            certificate=lambda: self._certificate,
        )
        self._stack = stack = make_stack(basis, kept, self._make_controller)
        self._greenlets = [chore.start() for chore in stack.chores]
        terms = make_terms(config, basis.refusals, stack.slow_down)
        for listening, application in zip(bound, stack.applications, strict=True):
            listener = Listener(
                listening, application, tls=context, terms=terms, admission=basis.admission, line=basis.line
            )
            listener.start()
            self._listeners.append(listener)
            silence_s = config.ping_interval_s + config.ping_timeout_s + PING_SLACK_S
            self._greenlets.append(Chore(silence_s, listener.sweep).start())
        stack.health.state = State.RUNNING
        return basis.ports

    def _tls_context(self) -> ssl.SSLContext | None:
        context = tls_context(self._config, self._clock)
        self._certificate = configured_validity(self._config)
        return context

    def _listening(self) -> dict[str, bool]:
        return {name: listener.started for name, listener in zip(PORT_NAMES, self._listeners, strict=False)}

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

    def stop(self) -> None:
        """Stop listening, close every connection so that its client knows it may come back, and wait a little.

        The extras are the last: until then they tell whoever asks that the server is about to end.
        """
        if self._stack is not None:
            self._stop_serving(self._stack)
        if self._journal is not None:
            self._journal.close()

    def _stop_serving(self, stack: Stack) -> None:
        stack.health.state = State.STOPPING
        began = time.monotonic()
        sides, extras = self._listeners[:-1], self._listeners[-1:]
        for listener in sides:
            listener.close()
        stack.feeds.close()
        for listener in sides:
            listener.close_clients()
        gevent.joinall([gevent.spawn(listener.stop, timeout=STOP_S) for listener in sides])
        for listener in extras:
            listener.stop(timeout=max(EXTRAS_STOP_S, began + STOP_S - time.monotonic()))
        for sio in stack.sockets:
            sio.shutdown()
        gevent.killall(self._greenlets)

    @property
    def status(self) -> str:
        """Say in a few words how it is, for whoever looks after services."""
        if self._stack is None:
            return "0 matches are live."
        return " ".join([f"{self._stack.matches.running} matches are live.", *self._stack.health.problems()])
