"""The ingest side: observers and auxiliary clients log on and tell what happens."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import gevent
import msgspec
import socketio

from valo_ingest.errors import InvalidMessage, LeftAside, LogonRefused
from valo_ingest.live.clients import Auxiliary, Follower, Observer, Sender
from valo_ingest.live.last_hour import UNKNOWN_MATCH
from valo_ingest.live.ports import Controller
from valo_ingest.live.refusals import Refusals
from valo_ingest.live.sessions import Sessions
from valo_ingest.transport.engine import NAMESPACE, LogonDeadlines
from valo_ingest.transport.limits import LogonDelays, network_of
from valo_ingest.transport.packets import MALFORMED
from valo_ingest.transport.server import DELIBERATE_REASONS
from valo_ingest.transport.tally import EventTally
from valo_ingest.transport.telling import ERROR, NOTICE, Teller, notice_of
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message
from valo_ingest.wire.json import Payload
from valo_ingest.wire.logons import decode_auxiliary_logon, decode_observer_logon
from valo_ingest.wire.messages import AuxiliaryMessage, ObserverMessage
from valo_ingest.wire.names import AuxiliaryType, ObserverType, PacketType, SocketEvent


@dataclass(frozen=True, slots=True)
class LogonAnswer:
    """How a logon is answered."""

    event: SocketEvent
    packet_type: PacketType


ACCEPTED: Final = '{"type":"accepted"}'
"""The answer to a message that was taken in, for a client that asks for one (a Socket.IO acknowledgement)."""

OBSERVER_ANSWER: Final = LogonAnswer(SocketEvent.OBSERVER_LOGON_ACK, PacketType.OBSERVER_LOGON)
AUXILIARY_ANSWER: Final = LogonAnswer(SocketEvent.AUXILIARY_LOGON_ACK, PacketType.AUXILIARY_LOGON)


@dataclass(slots=True)
class Connection:
    """One connection and what came over it."""

    address: str
    tried: set[SocketEvent] = field(default_factory=set)
    """The logons that it has tried: only the first of each is looked at."""
    sender: Sender | None = None
    event_count: int = 0
    """Of obs_data and aux_data together. A client that is told of an event is told its number."""
    stands_by: bool = False
    """Whether its client was told that its events are left aside, and not yet that this is over."""
    is_back: bool = False
    """Whether it took over a session and has not sent anything yet, which shows that it knows its new token."""
    lost_session: str = ""
    """A sentence about the session that it could not come back to."""


class ClientConnections:
    """Disconnects clients of a Socket.IO server: the `Connections` of the controller."""

    def __init__(self, sio: socketio.Server) -> None:
        self._sio = sio
        self.on_active: Callable[[str], None] = lambda client_id: None
        """Tells a client that it is the active observer now."""

    def tell_active(self, client_id: str) -> None:
        self.on_active(client_id)

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
        wait_in_line: Callable[[str], None],
        teller: Teller,
        accepted_versions: VersionRange,
    ) -> None:
        """
        Args:
            wait_in_line: Returns when it is the turn of a newcomer at that address.
        """
        self._sio = sio
        self._controller = controller
        self._sessions = sessions
        self._refusals = refusals
        self._deadlines = deadlines
        self._delays = delays
        self._wait_in_line = wait_in_line
        self._teller = teller
        self._accepted_versions = accepted_versions
        self._connections: dict[str, Connection] = {}
        self.tallies = {
            SocketEvent.OBSERVER_DATA: EventTally(ObserverType),
            SocketEvent.AUXILIARY_DATA: EventTally(AuxiliaryType),
        }
        """What became of events."""
        self._observer_tally = self.tallies[SocketEvent.OBSERVER_DATA]
        self._auxiliary_tally = self.tallies[SocketEvent.AUXILIARY_DATA]
        self._observer_events = self._observer_tally.accepted
        self._auxiliary_events = self._auxiliary_tally.accepted
        self.disconnects: Counter[str] = Counter()
        """Ends of connections, by the reason that the library gives."""

    def attach(self) -> None:
        """Register the handlers."""
        self._sio.on("connect", self.on_connect)
        self._sio.on("disconnect", self.on_disconnect)
        self._sio.on(SocketEvent.OBSERVER_LOGON.value, self.on_observer_logon)
        self._sio.on(SocketEvent.AUXILIARY_LOGON.value, self.on_auxiliary_logon)
        self._sio.on(SocketEvent.OBSERVER_DATA.value, self.on_observer_data)
        self._sio.on(SocketEvent.AUXILIARY_DATA.value, self.on_auxiliary_data)
        self._sio.on("*", self.on_other)

    def clients(self) -> Counter[str]:
        """Return how many connections there are of each kind of client, "" being those that are not logged on."""
        senders = (connection.sender for connection in self._connections.values())
        return Counter("" if sender is None else type(sender).__name__ for sender in senders)

    def on_connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        self._connections[sid] = Connection(address=str(environ.get("REMOTE_ADDR", "")))
        self._sessions.offer(sid, network_of(self._connections[sid].address))
        # The "offset" that comes with a token repeats what the client was sent last: it is not even looked at.
        token = auth.get("pid") if isinstance(auth, dict) else None
        if token is not None:
            self._resume(sid, token)

    def _resume(self, sid: str, token: object) -> None:
        """Let a client that brings a token be the one it was."""
        connection = self._connections[sid]
        resumed = self._sessions.resume(token, sid, (Observer, Auxiliary))
        if resumed is None or isinstance(resumed.client, Follower):
            connection.lost_session = "Its session of before is not known here any more."
            self._refuse(connection, None, InvalidMessage("unknown_session", connection.lost_session))
            return
        if not self._controller.resume(resumed.client):
            self._sessions.end(sid)
            connection.lost_session = "The match of its session is over."
            self._refuse(connection, resumed.client, InvalidMessage("match_over", connection.lost_session))
            return
        connection.sender = resumed.client
        connection.is_back = True
        self._deadlines.logged_on(sid)
        if resumed.previous is not None:
            # Its old connection is dead and does not know it yet.
            stale = self._connections.get(resumed.previous.client_id)
            if stale is not None and stale.sender is not None:
                sender, stale.sender = stale.sender, None
                self._controller.disconnect(sender)
            self._sio.disconnect(resumed.previous.client_id)

    def on_disconnect(self, sid: str, reason: str) -> None:
        connection = self._connections.pop(sid, None)
        self._deadlines.logged_off(sid)
        self._teller.forget(sid)
        if reason in DELIBERATE_REASONS:
            self._sessions.end(sid)
        else:
            self._sessions.lose(sid)
        if connection is None:
            return
        self.disconnects[reason] += 1
        if connection.sender is not None:
            self._controller.disconnect(connection.sender)

    def on_observer_logon(self, sid: str, payload: Payload = None, *_: object) -> None:
        connection = self._let_try(sid, SocketEvent.OBSERVER_LOGON)
        if connection is None:
            return
        group_code = UNKNOWN_MATCH
        try:
            logon = decode_observer_logon(payload, self._accepted_versions)
            group_code = logon.group_code
            observer, secret = self._controller.log_on_observer(sid, logon, connection.address)
        except LogonRefused as error:
            self._refuse_logon(sid, connection, group_code, error, OBSERVER_ANSWER)
            return
        self._admit(sid, observer, OBSERVER_ANSWER, {"reason": secret})

    def on_auxiliary_logon(self, sid: str, payload: Payload = None, *_: object) -> None:
        connection = self._let_try(sid, SocketEvent.AUXILIARY_LOGON)
        if connection is None:
            return
        try:
            logon = decode_auxiliary_logon(payload, self._accepted_versions)
            auxiliary = self._controller.log_on_auxiliary(sid, logon)
        except LogonRefused as error:
            self._refuse_logon(sid, connection, UNKNOWN_MATCH, error, AUXILIARY_ANSWER)
            return
        self._admit(sid, auxiliary, AUXILIARY_ANSWER, {})

    def _let_try(self, sid: str, event: SocketEvent) -> Connection | None:
        """Return the connection if this is its first logon of this kind, and it is not logged on yet.

        It takes its turn in the line, and waits where too many from its address were refused.
        """
        connection = self._connections.get(sid)
        if connection is None or event in connection.tried or connection.sender is not None:
            return None
        connection.tried.add(event)
        delay_s = self._delays.delay_s(connection.address)
        if delay_s:
            self._refusals.refuse_connection(connection.address, "logon_delayed", "too many were refused")
            gevent.sleep(delay_s)
        self._wait_in_line(connection.address)
        return self._connections.get(sid)

    def _refuse_logon(
        self, sid: str, connection: Connection, group_code: str, error: LogonRefused, answer: LogonAnswer
    ) -> None:
        self._refusals.refuse_logon(group_code, error, address=connection.address)
        self._delays.failed(connection.address)
        self._answer(sid, answer, {"value": False, "reason": str(error)})
        self._sio.disconnect(sid)

    def _admit(self, sid: str, sender: Sender, answer: LogonAnswer, extra: dict[str, Any]) -> None:
        connection = self._connections.get(sid)
        if connection is None:  # it went while its key was checked
            self._controller.disconnect(sender)
            return
        connection.sender = sender
        self._deadlines.logged_on(sid)
        self._sessions.start(sender)
        self._answer(sid, answer, {"value": True, **extra})

    def _answer(self, sid: str, answer: LogonAnswer, values: dict[str, Any]) -> None:
        text = msgspec.json.encode({"type": answer.packet_type, **values}).decode()
        self._sio.emit(answer.event.value, text, to=sid)

    def on_observer_data(self, sid: str, payload: Payload = None, *_: object) -> str | None:
        connection = self._connections.get(sid)
        if connection is None:
            return None
        if connection.is_back:
            self._confirm(sid, connection)
        connection.event_count += 1
        sender = connection.sender
        message: ObserverMessage | None = None
        try:
            if isinstance(sender, Observer):
                message = decode_observer_message(payload)
                self._controller.receive_from_observer(sender, message)
            else:
                message = self._adopt(sid, connection, payload)
        except InvalidMessage as error:
            return self._refuse_data(sid, connection, error, message, self._observer_tally)
        try:
            self._observer_events[message.type] += 1
        except KeyError:
            self._observer_tally.accept(message.type)
        if connection.stands_by:
            self.tell_active(sid)
        return ACCEPTED

    def _confirm(self, sid: str, connection: Connection) -> None:
        connection.is_back = False
        self._sessions.confirm(sid)

    def _adopt(self, sid: str, connection: Connection, payload: Payload) -> ObserverMessage:
        """Take in a message without a logon, if the controller knows who must have sent it; otherwise refuse it."""
        misplaced = _misplaced(connection, SocketEvent.OBSERVER_DATA)
        if connection.sender is not None:
            raise misplaced
        try:
            message = decode_observer_message(payload)
        except InvalidMessage:
            raise misplaced from None
        observer = self._controller.adopt(sid, message, connection.address)
        if observer is None:
            raise misplaced
        connection.sender = observer
        self._deadlines.logged_on(sid)
        self._sessions.start(observer)
        self._controller.receive_from_observer(observer, message)
        return message

    def on_auxiliary_data(self, sid: str, payload: Payload = None, *_: object) -> str | None:
        connection = self._connections.get(sid)
        if connection is None:
            return None
        if connection.is_back:
            self._confirm(sid, connection)
        connection.event_count += 1
        sender = connection.sender
        message: AuxiliaryMessage | None = None
        try:
            if not isinstance(sender, Auxiliary):
                raise _misplaced(connection, SocketEvent.AUXILIARY_DATA)
            message = decode_auxiliary_message(payload)
            known = self._controller.receive_from_auxiliary(sender, message)
        except InvalidMessage as error:
            return self._refuse_data(sid, connection, error, message, self._auxiliary_tally)
        try:
            self._auxiliary_events[message.type] += 1
        except KeyError:
            self._auxiliary_tally.accept(message.type)
        if known is not sender:  # its first scoreboard has told whose client it is
            connection.sender = known
            self._sessions.start(known)
        return ACCEPTED

    def _refuse_data(
        self,
        sid: str,
        connection: Connection,
        error: InvalidMessage,
        message: ObserverMessage | AuxiliaryMessage | None,
        tally: EventTally,
    ) -> str:
        """Count, log and tell what became of an event; return the answer for a client that asks for one."""
        event_type = error.event_type if message is None else message.type
        if isinstance(error, LeftAside):
            tally.leave_aside(event_type)
            if not connection.stands_by:
                connection.stands_by = self._teller.notify(
                    sid, error.code, error.detail, connection.event_count
                )
            return _as_text(notice_of(NOTICE, error.code, error.detail))
        tally.refuse(event_type)
        self._refuse(connection, connection.sender, error)
        self._teller.refuse(sid, error, connection.event_count)
        if connection.sender is None:  # it has to start anew
            self._sio.disconnect(sid)
        return _as_text(notice_of(ERROR, error.code, error.detail, error.path))

    def tell_active(self, sid: str) -> None:
        """Tell a client that stood by that this is over."""
        connection = self._connections.get(sid)
        if connection is not None:
            text = "You are the active observer now: your events count."
            connection.stands_by = not self._teller.notify(sid, "active", text, connection.event_count)

    def slow_down(self, session_id: str) -> None:
        """Tell the client of a session of Engine.IO that it has to wait."""
        sid = self._sio.manager.sid_from_eio_sid(session_id, NAMESPACE)
        connection = self._connections.get(sid)
        if connection is not None:
            text = "Events come faster than they may: they have to wait, and none is lost."
            self._teller.notify(sid, "events_slowed_down", text, connection.event_count)

    def on_other(self, event: str, sid: str, *_: object) -> None:
        connection = self._connections.get(sid)
        if connection is None:
            return
        if event == MALFORMED:
            error = InvalidMessage("malformed_packet", "Something came that is no packet of Socket.IO.")
        else:
            error = InvalidMessage("unknown_socket_event", "A Socket.IO event came that is not known here.")
        self._refuse(connection, connection.sender, error)
        self._teller.refuse(sid, error, connection.event_count)

    def _refuse(self, connection: Connection, sender: Sender | None, error: InvalidMessage) -> None:
        address = connection.address
        match sender:
            case Observer(group_code=group_code):
                self._refusals.refuse_message(group_code, error, address=address)
            case Auxiliary(match_id=match_id):
                self._refusals.refuse_message(UNKNOWN_MATCH, error, address=address, match_id=match_id)
            case None:
                self._refusals.refuse_message(UNKNOWN_MATCH, error, address=address)


def _misplaced(connection: Connection, event: SocketEvent) -> InvalidMessage:
    """Return why data is not taken from a client that is none of its kind."""
    if connection.sender is not None:
        return InvalidMessage("wrong_channel", f"{event} is not taken from this kind of client.")
    text = f"This connection has not logged on. {connection.lost_session}".rstrip()
    return InvalidMessage("not_logged_on", f"{text} Log on again.")


def _as_text(notice: dict[str, Any]) -> str:
    return msgspec.json.encode(notice).decode()
