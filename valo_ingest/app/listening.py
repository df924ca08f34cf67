"""What a server needs in order to listen."""

import logging
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from gevent import socket

from valo_ingest.app.basis import Ports
from valo_ingest.clock import SystemClock
from valo_ingest.config import Config
from valo_ingest.live.refusals import Refusals
from valo_ingest.transport import tls
from valo_ingest.transport.limits import Admission, allow_open_files
from valo_ingest.transport.server import listen
from valo_ingest.transport.websocket import Terms

logger = logging.getLogger(__name__)

BURST_FACTOR: Final = 4
"""How many seconds' worth of events a client may send at once."""

OTHER_FILES: Final = 200
"""Files that are open besides connections."""


def bind(config: Config) -> list[socket.socket]:
    """Return the listening sockets of the ingest side, the output side and the extras. Raises as `listen`."""
    return [
        listen(config.host, port, setting)
        for port, setting in (
            (config.ingest_port, "INGEST_PORT"),
            (config.output_port, "OUTPUT_PORT"),
            (config.extras_port, "EXTRAS_PORT"),
        )
    ]


def ports_of(bound: list[socket.socket]) -> Ports:
    return Ports(*(listening.getsockname()[1] for listening in bound))


def tls_context(config: Config, clock: SystemClock) -> ssl.SSLContext | None:
    """Return the context of what is configured now; None where connections are in plain. Raises `ConfigError`."""
    return tls.configured_context(config, datetime.fromtimestamp(clock.now_ms() / 1000, UTC))


def make_admission(config: Config) -> Admission:
    wanted = config.max_connections
    allowed = allow_open_files(wanted + OTHER_FILES) - OTHER_FILES
    if allowed < wanted:
        logger.warning("%d connections can be open at most: the system allows no more files", allowed)
    return Admission(max_per_address=config.max_connections_per_address, max_in_all=min(wanted, allowed))


def make_terms(config: Config, refusals: Refusals, slow_down: Callable[[str], None]) -> Terms:
    return Terms(
        refuse=refusals.refuse_connection,
        slow_down=slow_down,
        deadline_s=config.deadline_s,
        max_events_per_s=config.max_events_per_s,
        burst_events=config.max_events_per_s * BURST_FACTOR,
    )
