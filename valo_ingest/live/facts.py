"""What an operator sees, written out field by field: so no secret is in it that nobody put there.

The pages are made from these structs, and the API sends them as they are: their names, in camelCase, are a promise.
Instants are epoch milliseconds; None where something never happened.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from valo_ingest.game.events import Number
from valo_ingest.live.last_hour import Refusal


class Severity(StrEnum):
    """How bad it is."""

    ALARM = "alarm"
    """Viewers see something wrong, or nothing."""
    WARNING = "warning"
    """Something is missing, or was refused."""
    NOTE = "note"
    """Worth knowing while one wonders."""


class Problem(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that is wrong. `code` is stable; the words are for people."""

    code: str
    severity: Severity
    text: str
    advice: str
    since: int | None = None
    number: int | None = None
    """Of the match that it concerns."""
    group_code: str = ""


class ClientState(StrEnum):
    """How it is with a client that should be there."""

    FRESH = "fresh"
    QUIET = "quiet"
    """Connected, but nothing came for a while."""
    GONE = "gone"
    """It was connected."""
    NONE = "none"
    """It never was."""


class ClientFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    """An observer, a stand-by, or an auxiliary client that is connected."""

    connection: int
    name: str
    address: str
    client_version: str
    connected_at: int | None
    last_event_at: int | None


class AuxiliaryFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    """How it is with a player's own client. What it delivers is "health", "abilities" and "scoreboard"."""

    state: ClientState
    client: ClientFacts | None = None
    gone_at: int | None = None
    delivers: tuple[str, ...] = ()
    health_at: int | None = None
    abilities_at: int | None = None
    scoreboard_at: int | None = None


class PlayerFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    tagline: str
    agent: str
    seat: str
    is_alive: bool
    kills: Number
    deaths: Number
    assists: Number
    credits: Number
    spent: Number
    weapon: str
    armor: str
    ult_points: Number
    max_ult_points: Number
    has_observer_board: bool
    """The observer told his scoreboard in this round."""
    auxiliary: AuxiliaryFacts


class TeamFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    tricode: str
    score: Number
    is_attacking: bool


class OverlayFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    """An overlay that follows a match. `owed_since`: since when it takes no document, where it does not."""

    address: str
    connected_at: int
    owed_since: int | None = None


class PlayerGlance(Struct, frozen=True, kw_only=True):
    """A player on the card of a match: how it is with his own client, and since when where it is not well."""

    name: str
    seat: str
    state: ClientState
    delivers: tuple[str, ...] = ()
    since: int | None = None


class ClientGlance(Struct, frozen=True, kw_only=True):
    name: str
    address: str
    client_version: str
    connected_at: int | None


class Glance(Struct, frozen=True, kw_only=True):
    """A live match at a glance: all that its card shows but what changes with every event."""

    number: int
    group_code: str
    map: str
    round_number: int
    phase: str
    pause: str
    left: TeamFacts
    right: TeamFacts
    has_events: bool
    observers: tuple[ClientGlance, ...]
    standbys: tuple[ClientGlance, ...]
    players: tuple[PlayerGlance, ...]
    overlays: int
    overlays_behind: int
    problems: tuple[Problem, ...]


class MatchFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    """One match at one moment."""

    number: int
    group_code: str
    match_id: str
    is_live: bool
    is_running: bool
    is_finished: bool
    """It came to its end; one that is over without that was given up."""
    opened_at: int
    opened_by: str
    key_name: str
    """Of the access key that opened it, where it has a name."""
    ended_at: int | None
    map: str
    mode: str
    round_number: int
    phase: str
    pause: str
    left: TeamFacts
    right: TeamFacts
    events: int
    events_per_s: float
    last_event_at: int | None
    observers: tuple[ClientFacts, ...]
    standbys: tuple[ClientFacts, ...]
    players: tuple[PlayerFacts, ...]
    other_auxiliaries: tuple[ClientFacts, ...]
    """Auxiliary clients of nobody in the roster."""
    overlays: tuple[OverlayFacts, ...]
    problems: tuple[Problem, ...]


class PurseFacts(Struct, frozen=True, rename="camel"):
    spent: Number
    left: Number


class RoundFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    """One round: who won it, why ("kills", "detonated", "defused", "timeout"; "" while it is played), and the money."""

    number: int
    winner: str
    reason: str
    attackers: str
    left: PurseFacts | None
    right: PurseFacts | None


class EventFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    at: int
    channel: str
    type: str
    text: str


class ConnectionFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    at: int
    kind: str
    text: str


class MatchDetails(Struct, frozen=True, kw_only=True, rename="camel"):
    """All that is known of one match."""

    match: MatchFacts
    rounds: Sequence[RoundFacts]
    connections: Sequence[ConnectionFacts]
    events: Sequence[EventFacts]
    refusals: Sequence[Refusal]
    each_second: Sequence[int]
    """Events in each of the last 60 seconds, the oldest first."""


class WaitingFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    """A group code that overlays wait for and no match has, and the live code that may have been meant."""

    group_code: str
    overlays: int
    addresses: tuple[str, ...]
    nearest: str = ""
    difference: str = ""


class RefusedFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    """Refusals of one reason in the last hour."""

    code: str
    title: str
    advice: str
    count: int
    latest: Refusal
    addresses: tuple[str, ...] = ()
    """From where the latest of them came."""


class ServerFacts(Struct, frozen=True, kw_only=True, rename="camel"):
    """How to reach this server."""

    version: str
    scheme: str
    ingest_port: int
    output_port: int
    extras_port: int
    client_versions: str
    requires_key: bool
    started_at: int


class Overview(Struct, frozen=True, kw_only=True, rename="camel"):
    """What concerns no single match."""

    at: int
    server: ServerFacts
    journal_fault: str
    overlays: int
    problems: tuple[Problem, ...]
    waiting: tuple[WaitingFacts, ...]
    more_waiting: int
    """Codes that overlays wait for and that are not in `waiting`, because there are so many."""
    refused: tuple[RefusedFacts, ...]


class Report(Overview, frozen=True, kw_only=True, rename="camel"):
    """All of it, for scripts: also the matches, all of them (`is_whole`) or those that have changed."""

    is_whole: bool
    matches: tuple[MatchFacts, ...]
