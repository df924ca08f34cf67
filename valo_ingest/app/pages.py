"""What answers the third port: the extras, what tells of the server, and the operator's pages in front of them."""

from dataclasses import dataclass

from valo_ingest import __version__
from valo_ingest.app.basis import Basis
from valo_ingest.app.chores import in_a_thread, pause
from valo_ingest.app.matches import Matches
from valo_ingest.app.stores import open_archive
from valo_ingest.app.tokens import random_code, random_token
from valo_ingest.live.facts import ServerFacts
from valo_ingest.live.history import History
from valo_ingest.live.previews import CODE_LENGTH, Previews
from valo_ingest.live.watch import Watch
from valo_ingest.storage.disk import DataDisk
from valo_ingest.transport.feeds import Feeds
from valo_ingest.transport.guard import Guard
from valo_ingest.transport.health import Health
from valo_ingest.transport.http import Extras
from valo_ingest.transport.ingest import IngestHandlers
from valo_ingest.transport.looks import Looks
from valo_ingest.transport.metrics import Sources
from valo_ingest.transport.overlays import OverlayHandlers
from valo_ingest.transport.server import WsgiApplication
from valo_ingest.transport.service import Service
from valo_ingest.transport.site import Site
from valo_ingest.transport.troubles import own_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The application of the third port, and what it tells from."""

    application: WsgiApplication
    health: Health
    watch: Watch
    feeds: Feeds


def make_pages(basis: Basis, matches: Matches, senders: IngestHandlers, overlays: OverlayHandlers) -> Pages:
    health = Health(journal=basis.journal, disk=DataDisk(basis.config.data_dir), listening=basis.listening)
    watch = Watch(
        clock=basis.clock,
        matches=matches.controller,
        overlays=overlays,
        connections=matches.connections,
        journal=basis.journal,
        refused=basis.refusals.last_hour,
        server=_server_facts(basis),
        own_problems=lambda: own_problems(health, basis.certificate(), basis.clock.now_ms()),
    )
    sources = Sources(
        matches=matches.controller,
        refusals=basis.refusals,
        ingest=senders,
        overlays=overlays,
        publisher=matches.publisher,
        audience=matches.audience,
        journal=basis.journal,
        admission=basis.admission,
        health=health,
    )
    service = Service(_extras(basis, matches), sources=sources, metrics_for=basis.config.metrics)
    feeds = Feeds()
    site = _site(basis, matches, watch=watch, feeds=feeds, elsewhere=service)
    return Pages(application=site, health=health, watch=watch, feeds=feeds)


def _server_facts(basis: Basis) -> ServerFacts:
    config, ports = basis.config, basis.ports
    return ServerFacts(
        version=__version__,
        scheme=config.scheme,
        ingest_port=ports.ingest_port,
        output_port=ports.output_port,
        extras_port=ports.extras_port,
        client_versions=config.client_versions,
        requires_key=config.require_auth_key,
        started_at=basis.clock.now_ms(),
    )


def _extras(basis: Basis, matches: Matches) -> Extras:
    return Extras(
        matches=matches.controller,
        previews=Previews(
            clock=basis.clock, access=matches.access, new_code=lambda: random_code(CODE_LENGTH)
        ),
        access=matches.access,
    )


def _site(basis: Basis, matches: Matches, *, watch: Watch, feeds: Feeds, elsewhere: WsgiApplication) -> Site:
    """Put the operator's pages in front of the extras."""
    config = basis.config
    return Site(
        watch=watch,
        history=History(open_archive(config.data_dir), elsewhere=in_a_thread, pause=pause),
        controls=matches.controller,
        guard=Guard(
            password=config.operator_password,
            is_tls=not config.insecure,
            new_token=random_token,
            refuse=basis.refusals.refuse_connection,
        ),
        looks=Looks(watch, now_ms=basis.clock.now_ms, pause=pause),
        feeds=feeds,
        pause=pause,
        elsewhere=elsewhere,
    )
