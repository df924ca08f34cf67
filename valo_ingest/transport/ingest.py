"""The ingest side: observers and auxiliary clients log on and tell what happens."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import socketio

from valo_ingest.errors import InvalidMessage, LogonRefused
from valo_ingest.live.clients import Auxiliary, Client, Observer
from valo_ingest.live.ports import Controller
from valo_ingest.live.refusals import Refusals
from valo_ingest.transport.packets import MALFORMED
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message
from valo_ingest.wire.json import Payload
from valo_ingest.wire.logons import decode_auxiliary_logon, decode_observer_logon
from valo_ingest.wire.names import PacketType, SocketEvent

logger = logging.getLogger(__name__)

UNKNOWN_MATCH = "-"
"""Stands for the group code in the log where a client has none."""


class ClientConnections:
    """Disconnects clients of a Socket.IO server: the `Connections` of the controller."""

    def __init__(self, sio: socketio.Server) -> None:
        self._sio = sio

    def disconnect(self, client_ids: Iterable[str]) -> None:
        for client_id in client_ids:
            self._sio.disconnect(client_id)


class IngestHandlers:
    """Handlers of one Socket.IO server. They decode, call the controller and answer.

    What a client may write follows from its logon; its handlers are called one at a time and in order.
    """

    def __init__(
        self,
        sio: socketio.Server,
        *,
        controller: Controller,
        refusals: Refusals,
        accepted_versions: VersionRange,
    ) -> None:
        self._sio = sio
        self._controller = controller
        self._refusals = refusals
        self._accepted_versions = accepted_versions
        self._connected: dict[str, set[SocketEvent]] = {}
        """The logons that each connection has tried: only the first of each is looked at."""
        self._senders: dict[str, Client] = {}

    def attach(self) -> None:
        """Register the handlers."""
        self._sio.on("connect", self.on_connect)
        self._sio.on("disconnect", self.on_disconnect)
        self._sio.on(SocketEvent.OBSERVER_LOGON.value, self.on_observer_logon)
        self._sio.on(SocketEvent.AUXILIARY_LOGON.value, self.on_auxiliary_logon)
        self._sio.on(SocketEvent.OBSERVER_DATA.value, self.on_observer_data)
        self._sio.on(SocketEvent.AUXILIARY_DATA.value, self.on_auxiliary_data)
        self._sio.on("*", self.on_other)

    def on_connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        self._connected[sid] = set()

    def on_disconnect(self, sid: str, reason: str) -> None:
        self._connected.pop(sid, None)
        sender = self._senders.pop(sid, None)
        if sender is not None:
            self._controller.disconnect(sender)

    def on_observer_logon(self, sid: str, payload: Payload = None, *_: object) -> None:
        def log_on() -> tuple[Client, dict[str, Any]]:
            logon = decode_observer_logon(payload, self._accepted_versions)
            observer, secret = self._controller.log_on_observer(sid, logon)
            return observer, {"reason": secret}

        self._log_on(
            sid,
            SocketEvent.OBSERVER_LOGON,
            log_on,
            answer=SocketEvent.OBSERVER_LOGON_ACK,
            packet_type=PacketType.OBSERVER_LOGON,
        )

    def on_auxiliary_logon(self, sid: str, payload: Payload = None, *_: object) -> None:
        def log_on() -> tuple[Client, dict[str, Any]]:
            logon = decode_auxiliary_logon(payload, self._accepted_versions)
            return self._controller.log_on_auxiliary(sid, logon), {}

        self._log_on(
            sid,
            SocketEvent.AUXILIARY_LOGON,
            log_on,
            answer=SocketEvent.AUXILIARY_LOGON_ACK,
            packet_type=PacketType.AUXILIARY_LOGON,
        )

    def _log_on(
        self,
        sid: str,
        event: SocketEvent,
        log_on: Callable[[], tuple[Client, dict[str, Any]]],
        *,
        answer: SocketEvent,
        packet_type: PacketType,
    ) -> None:
        tried = self._connected.get(sid)
        if tried is None or event in tried or sid in self._senders:
            return
        tried.add(event)
        try:
            sender, extra = log_on()
        except LogonRefused as error:
            self._refusals.refuse_logon(UNKNOWN_MATCH, error)
            self._answer(sid, answer, {"type": packet_type, "value": False, "reason": str(error)})
            self._sio.disconnect(sid)
            return
        if sid not in self._connected:  # it went while its key was checked
            self._controller.disconnect(sender)
            return
        self._senders[sid] = sender
        self._answer(sid, answer, {"type": packet_type, "value": True, **extra})

    def _answer(self, sid: str, event: SocketEvent, answer: dict[str, Any]) -> None:
        self._sio.emit(event.value, msgspec.json.encode(answer).decode(), to=sid)

    def on_observer_data(self, sid: str, payload: Payload = None, *_: object) -> None:
        sender = self._senders.get(sid)
        try:
            if isinstance(sender, Observer):
                self._controller.receive_from_observer(sender, decode_observer_message(payload))
            else:
                self._refuse_sender(sid, sender, SocketEvent.OBSERVER_DATA)
        except InvalidMessage as error:
            self._refuse(sender, error)

    def on_auxiliary_data(self, sid: str, payload: Payload = None, *_: object) -> None:
        sender = self._senders.get(sid)
        try:
            if isinstance(sender, Auxiliary):
                self._controller.receive_from_auxiliary(sender, decode_auxiliary_message(payload))
            else:
                self._refuse_sender(sid, sender, SocketEvent.AUXILIARY_DATA)
        except InvalidMessage as error:
            self._refuse(sender, error)

    def _refuse_sender(self, sid: str, sender: Client | None, event: SocketEvent) -> None:
        """Refuse data from a client that may not send this kind; one that never logged on has to start anew."""
        if sender is None:
            self._sio.disconnect(sid)
            raise InvalidMessage("not_logged_on", f"{event} before a logon")
        raise InvalidMessage("wrong_channel", f"{event} is not taken from this kind of client")

    def on_other(self, event: str, sid: str, *_: object) -> None:
        sender = self._senders.get(sid)
        code = "malformed_packet" if event == MALFORMED else "unknown_socket_event"
        self._refuse(sender, InvalidMessage(code, "no event of this protocol"))

    def _refuse(self, sender: Client | None, error: InvalidMessage) -> None:
        match sender:
            case Observer(group_code=group_code):
                self._refusals.refuse_message(group_code, error)
            case Auxiliary(match_id=match_id):
                self._refusals.refuse_message(f"{UNKNOWN_MATCH} match_id={match_id}", error)
            case None:
                self._refusals.refuse_message(UNKNOWN_MATCH, error)
