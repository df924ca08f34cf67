"""What holds the matches, and what shows them."""

from dataclasses import dataclass
from typing import Final

from valo_ingest.app.basis import MINUTE_MS, Basis
from valo_ingest.app.calls import Calls
from valo_ingest.app.tokens import random_code
from valo_ingest.clock import MonotonicClock
from valo_ingest.config import Config
from valo_ingest.live.controller import MatchController
from valo_ingest.live.matches import ControllerLimits
from valo_ingest.live.ports import Connections
from valo_ingest.live.turns import Turns
from valo_ingest.storage.access import KeyAccess
from valo_ingest.storage.keystore import KeyStore
from valo_ingest.transport.audience import Audience
from valo_ingest.transport.overlays import OverlayPublisher

GROUP_SECRET_LENGTH: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The matches, and whom they meet."""

    controller: MatchController
    access: KeyAccess
    connections: Connections
    publisher: OverlayPublisher
    audience: Audience


def make_matches(basis: Basis, *, connections: Connections, audience: Audience) -> Matches:
    """Make what holds matches that `connections` tell of, and shows them to `audience`."""
    config, clock, journal = basis.config, basis.clock, basis.journal
    access = KeyAccess(
        auth_key=config.auth_key,
        is_required=config.require_auth_key,
        organization=config.organization,
        keys=KeyStore(config.data_dir, now_ms=clock.now_ms),
        now_ms=clock.now_ms,
    )
    pace = MonotonicClock()
    turns = Turns(clock=pace, call_later=Calls().later, commit=journal.commit)
    publisher = OverlayPublisher(
        audience,
        now_ms=pace.now_ms,
        request_turn=turns.request,
        send_interval_ms=config.send_interval_ms,
    )
    turns.show_by(publisher.send_due)
    controller = MatchController(
        clock=clock,
        access=access,
        journal=journal,
        publisher=publisher,
        turns=turns,
        connections=connections,
        new_secret=lambda: random_code(GROUP_SECRET_LENGTH),
        limits=_limits(config),
        service_sponsor_url=config.service_sponsor_url,
    )
    return Matches(
        controller=controller,
        access=access,
        connections=connections,
        publisher=publisher,
        audience=audience,
    )


def _limits(config: Config) -> ControllerLimits:
    return ControllerLimits(
        idle_ms=config.idle_minutes * MINUTE_MS,
        result_ms=config.result_minutes * MINUTE_MS,
        takeover_after_ms=config.takeover_after_s * 1_000 if config.require_auth_key else None,
        adopts_by_address=config.adopt_by_address,
        max_per_key=config.max_matches_per_key,
    )
