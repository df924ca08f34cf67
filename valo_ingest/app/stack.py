"""What stands behind the listeners: its groups are made here one after the other, and connected."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import socketio

from valo_ingest.app.basis import MINUTE_MS, Basis
from valo_ingest.app.chores import Chore, delete_old_matches, make_checkpoint
from valo_ingest.app.matches import Matches, make_matches
from valo_ingest.app.pages import Pages, make_pages
from valo_ingest.app.sides import Side, handle_overlays, handle_senders, make_side
from valo_ingest.app.tokens import random_token
from valo_ingest.live.controller import MatchController
from valo_ingest.live.ports import Connections, Controller, Kept, Publisher
from valo_ingest.live.sessions import Sessions
from valo_ingest.storage.checkpoints import Checkpoints
from valo_ingest.transport.audience import Audience
from valo_ingest.transport.feeds import Feeds
from valo_ingest.transport.health import Health
from valo_ingest.transport.ingest import ClientConnections
from valo_ingest.transport.polling import socketio_application
from valo_ingest.transport.server import WsgiApplication

SESSIONS_S: Final = 60.0
CLEANING_S: Final = 3_600.0
"""How often old sessions and old matches are looked for."""

COMMIT_S: Final = 1.0
"""How often the journal is told to write what no turn wrote: because it could not, or because there was none."""

CHECKPOINT_S: Final = 0.5
"""How often it is looked whether the journal wrote so much that a checkpoint is due."""

SAMPLE_S: Final = 1.0
"""How often the operator's pages are brought up to date, and the rates on them reckoned."""

TICK_S: Final = 0.05
"""How often matches are looked at for what has run out: often enough for a countdown to look smooth."""

CALM_TICK_S: Final = 0.25
"""The same while nothing counts down: each look takes the time of some events, as nothing it needs is in a cache."""

DEADLINE_CHECK_S: Final = 1.0
"""How often it is looked who should have logged on."""

HEALTH_S: Final = 10.0
"""How often the disk is looked at, whether or not somebody asks."""

MakeController = Callable[[Publisher, Connections], Controller]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a server needs of it while it runs."""

    applications: Sequence[WsgiApplication]
    """Of the ingest side, the output side and the extras."""
    slow_down: Callable[[str], None]
    """Is told of a client of the ingest side that has to wait."""
    sockets: Sequence[socketio.Server]
    matches: MatchController
    health: Health
    feeds: Feeds
    chores: Sequence[Chore]


def make_stack(basis: Basis, kept: Kept, make_controller: MakeController | None) -> Stack:
    """Make what stands behind the listeners, with the matches and sessions that the journal kept."""
    sessions = _sessions(basis)
    ingest, output = make_side(basis, sessions), make_side(basis, sessions)
    connections = ClientConnections(ingest.sio)
    audience = Audience(output.sio, output.engine, now_ms=basis.clock.now_ms)
    matches = make_matches(basis, connections=connections, audience=audience)
    matches.controller.restore(
        kept.matches, [session.client for session in kept.sessions if session.lost_at is None]
    )
    sessions.restore(kept.sessions)
    own = None if make_controller is None else make_controller(matches.publisher, connections)
    senders = handle_senders(basis, ingest, sessions, own or matches.controller)
    connections.on_active = senders.tell_active
    overlays = handle_overlays(basis, output, sessions, matches)
    pages = make_pages(basis, matches, senders, overlays)
    return Stack(
        applications=[
            socketio_application(ingest.sio),
            socketio_application(output.sio),
            pages.application,
        ],
        slow_down=senders.slow_down,
        sockets=[ingest.sio, output.sio],
        matches=matches.controller,
        health=pages.health,
        feeds=pages.feeds,
        chores=_chores(basis, sessions, [ingest, output], matches, pages),
    )


def _sessions(basis: Basis) -> Sessions:
    return Sessions(
        clock=basis.clock,
        journal=basis.journal,
        new_token=random_token,
        ttl_ms=basis.config.session_ttl_minutes * MINUTE_MS,
        max_lost_per_address=basis.config.max_connections_per_address,
        max_lost=basis.config.max_connections,
    )


def _chores(
    basis: Basis, sessions: Sessions, sides: Sequence[Side], matches: Matches, pages: Pages
) -> Sequence[Chore]:
    checkpoints = Checkpoints(basis.config.data_dir, written=lambda: basis.journal.written)
    return [
        Chore(SAMPLE_S, pages.watch.sample),
        Chore(SAMPLE_S, pages.feeds.tick),
        Chore(TICK_S, matches.controller.tick, CALM_TICK_S),
        Chore(COMMIT_S, basis.journal.commit),
        Chore(CHECKPOINT_S, lambda: make_checkpoint(checkpoints)),
        Chore(SESSIONS_S, sessions.tick),
        Chore(HEALTH_S, pages.health.look),
        Chore(CLEANING_S, lambda: delete_old_matches(basis.config)),
        *(Chore(DEADLINE_CHECK_S, side.deadlines.sweep) for side in sides),
    ]
