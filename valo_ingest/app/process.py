"""A server as a program: it obeys signals, and tells whoever started it how it is."""

import gc
import logging
import signal
from collections.abc import Callable
from typing import Final

import gevent
from gevent.event import Event

from valo_ingest.app.basis import Ports
from valo_ingest.app.chores import Chore
from valo_ingest.app.server import Server
from valo_ingest.clock import SystemClock
from valo_ingest.config import Config
from valo_ingest.errors import ConfigError
from valo_ingest.transport.notify import ServiceManager

logger = logging.getLogger(__name__)

WATCHDOG_SHARE: Final = 3
"""How many signs of life fit into the time after which the server is taken for dead."""

GARBAGE_THRESHOLDS: Final = (20_000, 20, 20)
"""Objects between two looks for garbage in cycles, and how many of these between two thorough ones. An event makes
some dozen objects and no cycle: with Python's 700 the looking took 4 % of the time of a busy server."""


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
    gevent.config.track_greenlet_tree = False  # who started a greenlet is asked by nobody, and kept for each
    ports = server.start()
    _settle_garbage()
    announce(ports)
    manager.ready(server.status)
    if manager.watchdog_s:
        Chore(manager.watchdog_s / WATCHDOG_SHARE, lambda: manager.alive(server.status)).start()
    stopping.wait()
    logger.info("stopping")
    manager.stopping()
    server.stop()
    logger.info("stopped")


def _on_hangup(work: Callable[[], None]) -> None:
    if not hasattr(signal, "SIGHUP"):
        raise ConfigError("TLS_RELOAD", "this system has no SIGHUP; restart the server instead")
    gevent.signal_handler(signal.SIGHUP, work)


def _settle_garbage() -> None:
    """Have garbage looked for less often, and not in what a server that has started is made of: that stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
