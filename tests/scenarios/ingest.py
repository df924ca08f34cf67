"""The ingest side without sockets: what clients send goes through `wire` and `live`, and what comes out is kept.

Time stands still until `pass_time` moves it.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from tests.live.fakes import FakeJournal
from valo_ingest.clock import ManualClock
from valo_ingest.errors import InvalidMessage, LogonRefused
from valo_ingest.game.state import Match
from valo_ingest.live.clients import Auxiliary, Observer, Sender
from valo_ingest.live.controller import MatchController
from valo_ingest.live.matches import ControllerLimits
from valo_ingest.live.turns import Turns
from valo_ingest.wire import overlay
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message
from valo_ingest.wire.json import Payload
from valo_ingest.wire.logons import decode_auxiliary_logon, decode_observer_logon
from valo_ingest.wire.names import PacketType
from valo_ingest.wire.record import KeyHolder

ACCEPTED_VERSIONS: Final = VersionRange(">=0.3.3 <0.3.25")
MINUTE_MS: Final = 60_000
TICK_MS: Final = 20

Ack = dict[str, Any]


class Channel(StrEnum):
    """How a client talks."""

    OBSERVER_LOGON = "obs_logon"
    AUXILIARY_LOGON = "aux_logon"
    OBSERVER_DATA = "obs_data"
    AUXILIARY_DATA = "aux_data"
    DISCONNECT = "disconnect"


class EveryKey:
    """An `AccessPolicy` that takes every key."""

    def check(self, key: str) -> KeyHolder:
        return KeyHolder()

    def holder_of(self, key: str) -> KeyHolder:
        return KeyHolder()


class RecordingPublisher:
    """A `Publisher` that keeps the newest document of each match, and counts the different ones."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._states: dict[str, Match] = {}
        self.changes: dict[str, int] = {}

    def text(self, group_code: str) -> str | None:
        """Return what an overlay that logs on now is sent."""
        return self._texts.get(group_code)

    def publish(self, match: Match) -> None:
        group_code = match.group_code
        self._states[group_code] = match
        text = overlay.encode(match)
        if text != self._texts.get(group_code):
            self._texts[group_code] = text
            self.changes[group_code] = self.changes.get(group_code, 0) + 1

    def publish_final(self, match: Match) -> None:
        self.publish(match)

    def recall(self, match: Match) -> None:
        self.publish(match)

    def forget(self, group_code: str) -> None:
        self._texts.pop(group_code, None)


class RecordingConnections:
    """`Connections` that keep whom the server wants gone until somebody looks."""

    def __init__(self) -> None:
        self.unwanted: list[str] = []

    def disconnect(self, client_ids: Iterable[str]) -> None:
        self.unwanted.extend(client_ids)


class InProcessIngest:
    """Clients by name, each with at most one connection, and the matches they write into."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = FakeJournal()
        self.publisher = RecordingPublisher()
        self._connections = RecordingConnections()
        self._secrets = 0
        self.controller = MatchController(
            clock=self.clock,
            access=EveryKey(),
            journal=self.journal,
            publisher=self.publisher,
            turns=Turns(clock=self.clock, call_later=lambda seconds, *call: None, commit=self.journal.commit),
            connections=self._connections,
            new_secret=self._new_secret,
            limits=ControllerLimits(
                idle_ms=30 * MINUTE_MS, result_ms=60 * MINUTE_MS, takeover_after_ms=None, max_per_key=100
            ),
        )
        self._senders: dict[str, Sender | None] = {}
        """Who is connected, and as whom logged on."""

    def _new_secret(self) -> str:
        self._secrets += 1
        return f"SECRET{self._secrets:06}"

    def pass_time(self, duration_ms: int) -> None:
        """Let so much time pass; the controller ticks meanwhile, as it does in the server."""
        while duration_ms > 0:
            self.clock.advance(min(TICK_MS, duration_ms))
            self.controller.tick()
            duration_ms -= TICK_MS

    def log_on(self, client: str, channel: Channel, payload: Payload) -> Ack:
        """Connect `client` anew, log it on and return the answer."""
        self.disconnect(client)
        self._senders[client] = None
        is_observer = channel is Channel.OBSERVER_LOGON
        ack: Ack = {"type": PacketType.OBSERVER_LOGON if is_observer else PacketType.AUXILIARY_LOGON}
        try:
            if is_observer:
                observer_logon = decode_observer_logon(payload, ACCEPTED_VERSIONS)
                self._senders[client], secret = self.controller.log_on_observer(
                    client, observer_logon, "127.0.0.1"
                )
                return {**ack, "value": True, "reason": secret}
            auxiliary_logon = decode_auxiliary_logon(payload, ACCEPTED_VERSIONS)
            self._senders[client] = self.controller.log_on_auxiliary(client, auxiliary_logon)
            return {**ack, "value": True}
        except LogonRefused as error:
            self._connections.disconnect([client])
            return {**ack, "value": False, "reason": str(error)}

    def send(self, client: str, channel: Channel, payload: Payload) -> InvalidMessage | None:
        """Send a message of a connected client; return why it was dropped, if it was."""
        if client not in self._senders:
            return None
        sender = self._senders[client]
        try:
            if isinstance(sender, Observer) and channel is Channel.OBSERVER_DATA:
                self.controller.receive_from_observer(sender, decode_observer_message(payload))
            elif isinstance(sender, Auxiliary) and channel is Channel.AUXILIARY_DATA:
                self._senders[client] = self.controller.receive_from_auxiliary(
                    sender, decode_auxiliary_message(payload)
                )
            elif sender is None:
                self._connections.disconnect([client])
        except InvalidMessage as error:
            return error
        return None

    def disconnect(self, client: str) -> None:
        """Close the connection of `client`, if it has one."""
        sender = self._senders.pop(client, None)
        if sender is not None:
            self.controller.disconnect(sender)

    def closed_by_server(self) -> list[str]:
        """Close the connections that the server wants gone, and return whose they were."""
        closed = sorted({client for client in self._connections.unwanted if client in self._senders})
        self._connections.unwanted.clear()
        for client in closed:
            self.disconnect(client)
        return closed
