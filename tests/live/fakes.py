"""Fakes of what running matches need of the world, and what clients say to them, with defaults for everything."""

from collections.abc import Iterable
from typing import Any

from valo_ingest.errors import LogonRefused
from valo_ingest.game import events as happened
from valo_ingest.game.seats import BySeat
from valo_ingest.game.state import Match, MatchSetup, Presentation, TeamSetup
from valo_ingest.live.ports import JournalHealth, KeptSession, WatchingOverlay
from valo_ingest.wire.logons import SettingsSchema
from valo_ingest.wire.messages import (
    AuxiliaryLogon,
    AuxiliaryMessage,
    ObserverLogon,
    ObserverMessage,
    PreviewRequest,
)
from valo_ingest.wire.record import Entry, KeyHolder, Opening

KEY = "hunter2"


class FakePublisher:
    """Keeps what it was told to show."""

    def __init__(self, order: list[str]) -> None:
        """
        Args:
            order: Gets a word for what was done, which other fakes may share.
        """
        self._order = order
        self.published: list[Match] = []
        self.final: list[Match] = []
        self.recalled: list[Match] = []
        self.forgotten: list[str] = []

    def publish(self, match: Match) -> None:
        self.published.append(match)

    def publish_final(self, match: Match) -> None:
        self.final.append(match)
        self._order.append("final")

    def recall(self, match: Match) -> None:
        self.recalled.append(match)

    def forget(self, group_code: str) -> None:
        self.forgotten.append(group_code)

    def newest(self, group_code: str) -> Match:
        return next(match for match in reversed(self.published) if match.group_code == group_code)


class FakeJournal:
    """Keeps in memory what it was told to keep, committed or not."""

    def __init__(self) -> None:
        self.openings: list[Opening] = []
        self.entries: list[tuple[int, Entry]] = []
        self.secrets: list[tuple[int, str]] = []
        self.ended: list[int] = []
        self.sessions: dict[str, KeptSession] = {}
        self.commits = 0

    def open_match(self, opening: Opening, match: Match, *, key_hash: str, secret_hash: str) -> int:
        self.openings.append(opening)
        return len(self.openings)

    def add_secret(self, number: int, secret_hash: str) -> None:
        self.secrets.append((number, secret_hash))

    def append(self, number: int, entry: Entry, after: Match) -> None:
        self.entries.append((number, entry))

    def end_match(self, number: int, at: int) -> None:
        self.ended.append(number)

    def keep_session(self, session: KeptSession) -> None:
        self.sessions[session.session_id] = session

    def drop_session(self, session_id: str) -> None:
        self.sessions.pop(session_id, None)

    def commit(self) -> int:
        self.commits += 1
        return 0

    def health(self) -> JournalHealth:
        return JournalHealth(fault="", waiting=0)


class FakeConnections:
    """Keeps who was disconnected."""

    def __init__(self, order: list[str]) -> None:
        self._order = order
        self.disconnected: list[str] = []

    def disconnect(self, client_ids: Iterable[str]) -> None:
        self.disconnected.extend(client_ids)
        self._order.append("disconnect")

    def address_of(self, client_id: str) -> str:
        return "10.0.0.9"

    def tell_active(self, client_id: str) -> None:
        self._order.append(f"{client_id} is active")


class FakeOverlays:
    """Overlays that are connected, as a test puts them here."""

    def __init__(self) -> None:
        self.there: list[WatchingOverlay] = []

    def add(self, *group_codes: str, address: str = "10.0.0.7", **owed_since: int) -> None:
        overlay = WatchingOverlay(
            address=address, connected_at=1, group_codes=group_codes, owed_since=owed_since
        )
        self.there.append(overlay)

    def watching(self) -> list[WatchingOverlay]:
        return self.there


CREW = KeyHolder(key_name="crew", organization="Crew")

SUPPORTERS_KEY = "hunter3"
SUPPORTER = KeyHolder(key_name="supporter", organization="Supporter", is_supporter=True)


class FakeAccess:
    """Takes the keys in `holders`."""

    def __init__(self) -> None:
        self.holders = {KEY: CREW, SUPPORTERS_KEY: SUPPORTER}
        self.refusal = LogonRefused("invalid_key", "Invalid Key")
        self.checked: list[str] = []

    def check(self, key: str) -> KeyHolder:
        self.checked.append(key)
        return self.holder_of(key)

    def holder_of(self, key: str) -> KeyHolder:
        if key not in self.holders:
            raise self.refusal
        return self.holders[key]


def setup(group_code: str, **settings: Any) -> MatchSetup:
    presentation: Presentation = SettingsSchema().load(settings)
    return MatchSetup(
        group_code=group_code,
        teams=BySeat(
            TeamSetup(name="Left", tricode="LFT", url="", attack_start=True),
            TeamSetup(name="Right", tricode="RGT", url="", attack_start=False),
        ),
        presentation=presentation,
    )


def observer_logon(
    group_code: str = "A", *, key: str = KEY, secret: str = "", **settings: Any
) -> ObserverLogon:
    return ObserverLogon(
        client_version="0.3.20",
        observer_name="Caster",
        key=key,
        group_code=group_code,
        group_secret=secret,
        setup=setup(group_code, **settings),
    )


def auxiliary_logon(match_id: str, player_id: str = "P") -> AuxiliaryLogon:
    return AuxiliaryLogon(client_version="0.3.20", name="Player", match_id=match_id, player_id=player_id)


def preview_request(*, key: str = KEY, code: str | None = None) -> PreviewRequest:
    return PreviewRequest(key=key, preview_code=code, setup=setup(""))


def told(group_code: str | None, event: happened.Event) -> ObserverMessage:
    return ObserverMessage(group_code, "Caster", "", event, "{}")


def reported(
    match_id: str | None, event: happened.Event, *, player_id: str | None = "P", kind: str = ""
) -> AuxiliaryMessage:
    return AuxiliaryMessage(match_id, player_id, kind, event, "{}")
