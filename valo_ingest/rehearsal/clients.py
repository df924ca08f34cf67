"""Clients of a running server, as the real ones are: observer, auxiliary client and overlay.

How to use them: build one with the URL of the ingest side (overlays: of the output side), call `connect`, which logs
on and raises one of two errors with one line for a person (`ServerUnreachable`, `NotLetIn`), then `send(type, data)`,
and `close` in the end. Certificates are not verified, as real clients do not. A client whose connection breaks comes
back by itself and logs on again, an observer with its group secret; what is sent meanwhile waits for that and keeps
its order. A client that the server lets go (the match is over) does not come back: `is_over` tells; `failure` holds
why a return was refused. Give clients a `Tally` (one for several, if you like), and the server is asked to answer
each event; `tally.settle()` then says what was accepted, refused or lost. An overlay decodes every document, keeps the
newest, and calls `on_document(document, arrived_s)` with `time.monotonic()` seconds.

In a process that gevent has patched, as the command line is, clients are greenlets and documents come in order. They
also work with real threads, but python-socketio starts one for each message then.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import msgspec

from valo_ingest.errors import ServerUnreachable
from valo_ingest.game.state import GAME_END
from valo_ingest.rehearsal.connecting import Connection
from valo_ingest.rehearsal.returning import LOGON_S, RECONNECT_S, Client
from valo_ingest.rehearsal.sending import SendingClient, as_text
from valo_ingest.wire.names import ObserverType, PacketType, SocketEvent

CLIENT_VERSION: Final = "0.3.24"
"""The newest client that servers of today let in."""

OLD_REJOIN_REASON: Final = "reconnected"
"""What the original answers to an observer that is back, instead of the group secret."""

Document: TypeAlias = dict[str, Any]
OnDocument = Callable[[Document, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserverIdentity:
    """Who an observer is and which match it opens, as in the wire's `obs_logon`."""

    group_code: str
    key: str = field(default="", repr=False)
    name: str = "Rehearsal#OBS"
    client_version: str = CLIENT_VERSION
    group_secret: str = field(default="", repr=False)
    left_team: Mapping[str, Any] = field(
        default_factory=lambda: {"name": "Left", "tricode": "LFT", "url": "", "attackStart": True}
    )
    right_team: Mapping[str, Any] = field(
        default_factory=lambda: {"name": "Right", "tricode": "RGT", "url": "", "attackStart": False}
    )
    tools: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxiliaryIdentity:
    """Who an auxiliary client is; an empty `player_id` is supplied by its first scoreboard."""

    match_id: str
    player_id: str = ""
    name: str = "Rehearsal"
    client_version: str = CLIENT_VERSION


class ObserverClient(SendingClient):
    """Sends a whole match."""

    DATA = SocketEvent.OBSERVER_DATA
    LOGON = SocketEvent.OBSERVER_LOGON
    LOGON_ACK = SocketEvent.OBSERVER_LOGON_ACK

    def __init__(self, url: str, identity: ObserverIdentity, **options: Any) -> None:
        """
        Args:
            options: As `SendingClient`.
        """
        super().__init__(url, **options)
        self._identity = identity

    @property
    def identity(self) -> ObserverIdentity:
        """Who it is; once it is let in, with the group secret of the match."""
        return self._identity

    def send(self, kind: str, data: Any, *, may_be_refused: bool = False) -> None:
        """Send what happened, as the type `kind` of the wire."""
        message = {
            "obsName": self._identity.name,
            "groupCode": self._identity.group_code,
            "type": kind,
            "data": data,
        }
        is_goodbye = (
            kind == ObserverType.ROUND_INFO and isinstance(data, dict) and data.get("roundPhase") == GAME_END
        )
        self.send_text(kind, as_text(message), may_be_refused=may_be_refused, is_goodbye=is_goodbye)

    @property
    def _who(self) -> str:
        return f"observer of {self._identity.group_code}"

    def _logon(self) -> dict[str, Any]:
        identity = self._identity
        return {
            "type": PacketType.OBSERVER_LOGON.value,
            "clientVersion": identity.client_version,
            "obsName": identity.name,
            "key": identity.key,
            "groupCode": identity.group_code,
            "groupSecret": identity.group_secret,
            "leftTeam": identity.left_team,
            "rightTeam": identity.right_team,
            "toolsData": identity.tools,
        }

    def _let_in(self, reason: str) -> None:
        if reason and reason != OLD_REJOIN_REASON:
            self._identity = replace(self._identity, group_secret=reason)


class AuxiliaryClient(SendingClient):
    """Sends what one player's own game tells."""

    DATA = SocketEvent.AUXILIARY_DATA
    LOGON = SocketEvent.AUXILIARY_LOGON
    LOGON_ACK = SocketEvent.AUXILIARY_LOGON_ACK

    def __init__(self, url: str, identity: AuxiliaryIdentity, **options: Any) -> None:
        """
        Args:
            options: As `SendingClient`.
        """
        super().__init__(url, **options)
        self._identity = identity

    def send(
        self, kind: str, data: Any, *, player_id: str | None = None, may_be_refused: bool = False
    ) -> None:
        """Send what happened, as the type `kind` of the wire, for the client's own player or another one."""
        message = {
            "playerId": self._identity.player_id if player_id is None else player_id,
            "matchId": self._identity.match_id,
            "type": kind,
            "data": data,
        }
        self.send_text(kind, as_text(message), may_be_refused=may_be_refused)

    @property
    def _who(self) -> str:
        return f"auxiliary client {self._identity.name}"

    def _logon(self) -> dict[str, Any]:
        identity = self._identity
        return {
            "type": PacketType.AUXILIARY_LOGON.value,
            "clientVersion": identity.client_version,
            "name": identity.name,
            "matchId": identity.match_id,
            "playerId": identity.player_id,
        }


class OverlayClient(Client):
    """Follows a match on the output side, as an overlay does."""

    def __init__(
        self,
        url: str,
        group_code: str,
        *,
        on_document: OnDocument | None = None,
        transports: Sequence[str] | None = None,
        reconnect_s: tuple[float, float] = RECONNECT_S,
    ) -> None:
        super().__init__(url, transports=transports, reconnect_s=reconnect_s)
        self._group_code = group_code
        self._on_document = on_document
        self.newest: Document | None = None
        self.received = 0
        """How many documents have come."""

    def wait_for(self, is_it: Callable[[Document], bool], timeout_s: float) -> Document | None:
        """Return the newest document as soon as it is the one; None if it never was in that time."""
        with self._changed:
            found = self._changed.wait_for(lambda: self.newest is not None and is_it(self.newest), timeout_s)
            return self.newest if found else None

    def _introduce(self, connection: Connection, ended: threading.Event) -> None:
        successes: deque[object] = deque()

        def hear(*_: object) -> None:
            successes.append(None)
            ended.set()

        connection.on(SocketEvent.OVERLAY_LOGON_SUCCESS, hear)
        connection.on(SocketEvent.MATCH_DATA, self._on_match_data)
        connection.open()
        connection.emit(SocketEvent.OVERLAY_LOGON, as_text({"groupCode": self._group_code}))
        ended.wait(LOGON_S)
        if not successes:
            raise ServerUnreachable(
                self._url, "it does not answer the logon. Overlays log on to the output side, port 5200."
            )

    def _after_logon(self, connection: Connection) -> None:
        """Nothing has waited."""

    def _after_loss(self, *, is_over: bool) -> None:
        """Nothing is on its way."""

    def _on_match_data(self, text: str | bytes, *_: object) -> None:
        arrived_s = time.monotonic()
        document: Document = msgspec.json.decode(text)
        with self._changed:
            self.newest = document
            self.received += 1
            self._changed.notify_all()
        if self._on_document is not None:
            self._on_document(document, arrived_s)
