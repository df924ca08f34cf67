"""The ingest side: observers and auxiliary clients log on and tell what happens."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import gevent
import msgspec
import socketio

from valo_ingest.errors import InvalidMessage, LogonRefused
from valo_ingest.live.clients import Auxiliary, Follower, Observer, Sender
from valo_ingest.live.last_hour import UNKNOWN_MATCH
from valo_ingest.live.ports import Controller
from valo_ingest.live.refusals import Refusals
from valo_ingest.live.sessions import Sessions
from valo_ingest.transport.engine import LogonDeadlines
from valo_ingest.transport.limits import LogonDelays
from valo_ingest.transport.packets import MALFORMED
from valo_ingest.transport.server import DELIBERATE_REASONS
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message
from valo_ingest.wire.json import Payload
from valo_ingest.wire.logons import decode_auxiliary_logon, decode_observer_logon
from valo_ingest.wire.names import PacketType, SocketEvent


@dataclass(frozen=True, slots=True)
class LogonAnswer:
    """How a logon is answered."""

    event: SocketEvent
    packet_type: PacketType


OBSERVER_ANSWER: Final = LogonAnswer(SocketEvent.OBSERVER_LOGON_ACK, PacketType.OBSERVER_LOGON)
AUXILIARY_ANSWER: Final = LogonAnswer(SocketEvent.AUXILIARY_LOGON_ACK, PacketType.AUXILIARY_LOGON)


class ClientConnections:
    """Disconnects clients of a Socket.IO server: the `Connections` of the controller."""

    def __init__(self, sio: socketio.Server) -> None:
        self._sio = sio

    def disconnect(self, client_ids: Iterable[str]) -> None:
        for client_id in client_ids:
            self._sio.disconnect(client_id)

    def address_of(self, client_id: str) -> str:
        return str((self._sio.get_environ(client_id) or {}).get("REMOTE_ADDR", ""))


class IngestHandlers:
    """Handlers of one Socket.IO server. They decode, call the controller and answer.

    What a client may write follows from its logon; its handlers are called one at a time and in order.
    """

    def __init__(
        self,
        sio: socketio.Server,
        *,
        controller: Controller,
        sessions: Sessions,
        refusals: Refusals,
        deadlines: LogonDeadlines,
        delays: LogonDelays,
        accepted_versions: VersionRange,
    ) -> None:
        self._sio = sio
        self._controller = controller
        self._sessions = sessions
        self._refusals = refusals
        self._deadlines = deadlines
        self._delays = delays
        self._accepted_versions = accepted_versions
        self._connected: dict[str, set[SocketEvent]] = {}
        """The logons that each connection has tried: only the first of each is looked at."""
        self._addresses: dict[str, str] = {}
        self._senders: dict[str, Sender] = {}

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
        self._addresses[sid] = str(environ.get("REMOTE_ADDR", ""))
        self._sessions.offer(sid)
        # The "offset" that comes with a token repeats what the client was sent last: it is not even looked at.
        token = auth.get("pid") if isinstance(auth, dict) else None
        if token is not None:
            self._resume(sid, token)

    def _resume(self, sid: str, token: object) -> None:
        """Let a client that brings a token be the one it was."""
        resumed = self._sessions.resume(token, sid, (Observer, Auxiliary))
        if resumed is None or isinstance(resumed.client, Follower):
            self._refuse(
                sid, None, InvalidMessage("unknown_session", "a token that is not good, or not any more")
            )
            return
        if not self._controller.resume(resumed.client):
            self._sessions.end(sid)
            self._refuse(
                sid, resumed.client, InvalidMessage("match_over", "the match of the session is over")
            )
            return
        self._senders[sid] = resumed.client
        self._deadlines.logged_on(sid)
        if resumed.previous is not None:
            # Its old connection is dead and does not know it yet.
            stale = self._senders.pop(resumed.previous.client_id, None)
            if stale is not None:
                self._controller.disconnect(stale)
            self._sio.disconnect(resumed.previous.client_id)

    def on_disconnect(self, sid: str, reason: str) -> None:
        self._connected.pop(sid, None)
        self._addresses.pop(sid, None)
        if reason in DELIBERATE_REASONS:
            self._sessions.end(sid)
        else:
            self._sessions.lose(sid)
        sender = self._senders.pop(sid, None)
        if sender is not None:
            self._controller.disconnect(sender)

    def on_observer_logon(self, sid: str, payload: Payload = None, *_: object) -> None:
        if not self._may_log_on(sid, SocketEvent.OBSERVER_LOGON):
            return
        group_code = UNKNOWN_MATCH
        try:
            logon = decode_observer_logon(payload, self._accepted_versions)
            group_code = logon.group_code
            observer, secret = self._controller.log_on_observer(sid, logon, self._addresses[sid])
        except LogonRefused as error:
            self._refuse_logon(sid, group_code, error, OBSERVER_ANSWER)
            return
        self._admit(sid, observer, OBSERVER_ANSWER, {"reason": secret})

    def on_auxiliary_logon(self, sid: str, payload: Payload = None, *_: object) -> None:
        if not self._may_log_on(sid, SocketEvent.AUXILIARY_LOGON):
            return
        try:
            logon = decode_auxiliary_logon(payload, self._accepted_versions)
            auxiliary = self._controller.log_on_auxiliary(sid, logon)
        except LogonRefused as error:
            self._refuse_logon(sid, UNKNOWN_MATCH, error, AUXILIARY_ANSWER)
            return
        self._admit(sid, auxiliary, AUXILIARY_ANSWER, {})

    def _may_log_on(self, sid: str, event: SocketEvent) -> bool:
        """Tell whether this is a connection's first logon of this kind, and it is not logged on yet.

        It waits where too many from its address were refused.
        """
        tried = self._connected.get(sid)
        if tried is None or event in tried or sid in self._senders:
            return False
        tried.add(event)
        delay_s = self._delays.delay_s(self._addresses[sid])
        if delay_s:
            self._refusals.refuse_connection(self._addresses[sid], "logon_delayed", "too many were refused")
            gevent.sleep(delay_s)
        return sid in self._connected

    def _refuse_logon(self, sid: str, group_code: str, error: LogonRefused, answer: LogonAnswer) -> None:
        self._refusals.refuse_logon(group_code, error, address=self._addresses.get(sid, ""))
        self._delays.failed(self._addresses.get(sid, ""))
        self._answer(sid, answer, {"value": False, "reason": str(error)})
        self._sio.disconnect(sid)

    def _admit(self, sid: str, sender: Sender, answer: LogonAnswer, extra: dict[str, Any]) -> None:
        if sid not in self._connected:  # it went while its key was checked
            self._controller.disconnect(sender)
            return
        self._senders[sid] = sender
        self._deadlines.logged_on(sid)
        self._sessions.start(sender)
        self._answer(sid, answer, {"value": True, **extra})

    def _answer(self, sid: str, answer: LogonAnswer, values: dict[str, Any]) -> None:
        text = msgspec.json.encode({"type": answer.packet_type, **values}).decode()
        self._sio.emit(answer.event.value, text, to=sid)

    def on_observer_data(self, sid: str, payload: Payload = None, *_: object) -> None:
        self._sessions.confirm(sid)
        sender = self._senders.get(sid)
        try:
            if isinstance(sender, Observer):
                self._controller.receive_from_observer(sender, decode_observer_message(payload))
            elif sender is not None or not self._adopt(sid, payload):
                self._refuse_sender(sid, sender, SocketEvent.OBSERVER_DATA)
        except InvalidMessage as error:
            self._refuse(sid, sender, error)

    def _adopt(self, sid: str, payload: Payload) -> bool:
        """Take in a message without a logon, if the controller knows who must have sent it; tell whether it did."""
        try:
            message = decode_observer_message(payload)
        except InvalidMessage:
            return False
        observer = self._controller.adopt(sid, message, self._addresses.get(sid, ""))
        if observer is None:
            return False
        self._senders[sid] = observer
        self._deadlines.logged_on(sid)
        self._sessions.start(observer)
        self._controller.receive_from_observer(observer, message)
        return True

    def on_auxiliary_data(self, sid: str, payload: Payload = None, *_: object) -> None:
        self._sessions.confirm(sid)
        sender = self._senders.get(sid)
        try:
            if isinstance(sender, Auxiliary):
                known = self._controller.receive_from_auxiliary(sender, decode_auxiliary_message(payload))
                if known is not sender:  # its first scoreboard has told whose client it is
                    self._senders[sid] = known
                    self._sessions.start(known)
            else:
                self._refuse_sender(sid, sender, SocketEvent.AUXILIARY_DATA)
        except InvalidMessage as error:
            self._refuse(sid, sender, error)

    def _refuse_sender(self, sid: str, sender: Sender | None, event: SocketEvent) -> None:
        """Refuse data from a client that may not send this kind; one that never logged on has to start anew."""
        if sender is None:
            self._sio.disconnect(sid)
            raise InvalidMessage("not_logged_on", f"{event} before a logon")
        raise InvalidMessage("wrong_channel", f"{event} is not taken from this kind of client")

    def on_other(self, event: str, sid: str, *_: object) -> None:
        sender = self._senders.get(sid)
        code = "malformed_packet" if event == MALFORMED else "unknown_socket_event"
        self._refuse(sid, sender, InvalidMessage(code, "no event of this protocol"))

    def _refuse(self, sid: str, sender: Sender | None, error: InvalidMessage) -> None:
        address = self._addresses.get(sid, "")
        match sender:
            case Observer(group_code=group_code):
                self._refusals.refuse_message(group_code, error, address=address)
            case Auxiliary(match_id=match_id):
                self._refusals.refuse_message(UNKNOWN_MATCH, error, address=address, match_id=match_id)
            case None:
                self._refusals.refuse_message(UNKNOWN_MATCH, error, address=address)
