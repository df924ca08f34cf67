"""The two Socket.IO servers: the side of those who send, and the side of the overlays."""

from dataclasses import dataclass

import socketio

from valo_ingest.app.basis import Basis
from valo_ingest.app.chores import pause
from valo_ingest.app.matches import Matches
from valo_ingest.errors import InvalidMessage
from valo_ingest.live.last_hour import UNKNOWN_MATCH
from valo_ingest.live.ports import Controller
from valo_ingest.live.sessions import Sessions
from valo_ingest.transport.engine import Engine, LogonDeadlines, installed_versions
from valo_ingest.transport.ingest import IngestHandlers
from valo_ingest.transport.limits import LogonDelays
from valo_ingest.transport.overlays import OverlayHandlers
from valo_ingest.transport.server import make_socketio_server
from valo_ingest.transport.telling import Teller
from valo_ingest.wire.compat import VersionRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A Socket.IO server, and what every one has."""

    sio: socketio.Server
    engine: Engine
    deadlines: LogonDeadlines
    teller: Teller


def make_side(basis: Basis, sessions: Sessions) -> Side:
    config = basis.config
    sio = make_socketio_server(
        token_of=sessions.token_of,
        refuse=lambda told: basis.refusals.refuse_message(
            UNKNOWN_MATCH, InvalidMessage("malformed_packet", told)
        ),
        ping_interval_s=config.ping_interval_s,
        ping_timeout_s=config.ping_timeout_s,
    )
    engine = Engine(sio)
    return Side(
        sio=sio,
        engine=engine,
        deadlines=LogonDeadlines(
            sio, refuse=basis.refusals.refuse_connection, timeout_s=config.deadline_s, pause=pause
        ),
        teller=Teller(sio, waiting=engine.waiting, now_ms=basis.clock.now_ms),
    )


def handle_senders(basis: Basis, side: Side, sessions: Sessions, controller: Controller) -> IngestHandlers:
    """Let the clients of `side` send to `controller`."""
    handlers = IngestHandlers(
        side.sio,
        controller=controller,
        sessions=sessions,
        refusals=basis.refusals,
        deadlines=side.deadlines,
        delays=LogonDelays(),
        wait_in_line=basis.line.wait,
        teller=side.teller,
        accepted_versions=VersionRange(basis.config.client_versions),
    )
    handlers.attach()
    side.engine.shorten(installed_versions())
    return handlers


def handle_overlays(basis: Basis, side: Side, sessions: Sessions, matches: Matches) -> OverlayHandlers:
    """Show `matches` to the clients of `side`."""
    handlers = OverlayHandlers(
        side.sio,
        publisher=matches.publisher,
        audience=matches.audience,
        sessions=sessions,
        refusals=basis.refusals,
        deadlines=side.deadlines,
        wait_in_line=basis.line.wait,
        teller=side.teller,
        now_ms=basis.clock.now_ms,
    )
    handlers.attach()
    side.engine.shorten(installed_versions())
    return handlers
