"""What was read from the wire: logons and messages, as frozen structs."""

from msgspec import Struct
from msgspec.structs import replace

from valo_ingest.game.events import Event
from valo_ingest.game.state import MatchSetup


class ObserverLogon(Struct, frozen=True, kw_only=True):
    """An observer introduces itself. `key` and `group_secret` are secrets: never log one."""

    client_version: str
    observer_name: str
    key: str
    group_code: str
    group_secret: str
    setup: MatchSetup


class AuxiliaryLogon(Struct, frozen=True, kw_only=True):
    """A player's own client introduces itself; an empty `player_id` is supplied later."""

    client_version: str
    name: str
    match_id: str
    player_id: str


class PreviewRequest(Struct, frozen=True, kw_only=True):
    """An overlay is to be tried out with these teams and settings."""

    key: str
    preview_code: str | None
    setup: MatchSetup

    def setup_for(self, preview_code: str) -> MatchSetup:
        """Return the setup of the match that is shown under `preview_code`."""
        return replace(self.setup, group_code=preview_code)


class ObserverMessage(Struct, frozen=True):
    """One `obs_data` message: what it claims to belong to, what it means, and the text that was received."""

    group_code: str | None
    observer_name: str | None
    type: str
    event: Event
    text: str


class AuxiliaryMessage(Struct, frozen=True):
    """One `aux_data` message: what it claims to belong to, what it means, and the text that was received."""

    match_id: str | None
    player_id: str | None
    type: str
    event: Event
    text: str
