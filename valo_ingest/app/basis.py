"""What the stack of a server is made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from valo_ingest.clock import SystemClock
from valo_ingest.config import Config
from valo_ingest.live.refusals import Refusals
from valo_ingest.storage.journal import SqliteJournal
from valo_ingest.transport.limits import Admission
from valo_ingest.transport.line import Line
from valo_ingest.transport.tls import Validity

MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that are really listened on."""

    ingest_port: int
    output_port: int
    extras_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What is there before the stack is, and what all of it may use."""

    config: Config
    clock: SystemClock
    journal: SqliteJournal
    """It is open already."""
    refusals: Refusals
    admission: Admission
    line: Line
    ports: Ports
    listening: Callable[[], Mapping[str, bool]]
    """Returns of each port, by what it is for, whether it is listened on."""
    certificate: Callable[[], Validity | None]
    """Returns how long the certificate is valid that new connections get; None without TLS."""
