"""The output side: overlays follow matches.

A change is sent at once, and then at most once per send interval and match; the newest state always arrives. A state
is encoded once, however many overlays look. An overlay that logs on gets what the others were sent last, so that each
of them sees the same documents in the same order, and none twice in a row.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
import socketio

from valo_ingest.errors import InvalidMessage
from valo_ingest.game.state import Match
from valo_ingest.live.clients import Follower
from valo_ingest.live.last_hour import UNKNOWN_MATCH
from valo_ingest.live.ports import WatchingOverlay
from valo_ingest.live.refusals import Refusals
from valo_ingest.live.sessions import Sessions
from valo_ingest.transport.audience import Audience, room_of
from valo_ingest.transport.engine import LogonDeadlines
from valo_ingest.transport.server import DELIBERATE_REASONS
from valo_ingest.wire import bounds, overlay
from valo_ingest.wire.json import Payload, read_object
from valo_ingest.wire.names import SocketEvent

MAX_FOLLOWED: Final = 16
"""Group codes that one overlay may follow when it comes back; a page that shows several matches has a few."""

RETRY_MS: Final = 20
"""After which it is tried again to send somebody what could not be sent: about as long as a picture is shown."""


NOTHING_OWED: Final[Mapping[str, int]] = {}


class OverlayPublisher:
    """Sends matches to those who follow them: the `Publisher` of the controller.

    `send_due` has to be called at the end of every turn.
    """

    def __init__(
        self,
        audience: Audience,
        *,
        now_ms: Callable[[], int],
        request_turn: Callable[[int], None],
        send_interval_ms: int,
    ) -> None:
        self._audience = audience
        self._now_ms = now_ms
        self._request_turn = request_turn
        self._send_interval_ms = send_interval_ms
        self._pending: dict[str, Match] = {}
        """The newest state of matches of which something has to be sent."""
        self._sent_at: dict[str, int] = {}
        self._last_texts: dict[str, str] = {}

    def publish(self, match: Match) -> None:
        if match.group_code not in self._pending:
            self._request_turn(self._due_at(match.group_code))
        self._pending[match.group_code] = match

    def publish_final(self, match: Match) -> None:
        self._pending.pop(match.group_code, None)
        self._send(match)

    def recall(self, match: Match) -> None:
        self._last_texts[match.group_code] = overlay.encode(match)

    def forget(self, group_code: str) -> None:
        for kept in (self._pending, self._sent_at, self._last_texts):
            kept.pop(group_code, None)

    def last_text(self, group_code: str) -> str | None:
        """Return the document of a match that was sent last; None if there is none."""
        return self._last_texts.get(group_code)

    def show(self, client_id: str, group_code: str) -> None:
        """Send one overlay what the others were sent last, if there is anything: at the end of this turn, as its
        logon has to be answered before."""
        self._audience.owe(client_id, group_code, self._now_ms())
        self._request_turn(0)

    def send_due(self, now: int) -> int | None:
        """Send what is due at `now`; return when the next is (epoch ms), or None if nothing waits."""
        for group_code in [code for code in self._pending if self._due_at(code) <= now]:
            self._send(self._pending.pop(group_code))
        due = [self._due_at(code) for code in self._pending]
        if self._audience.send_owed(self.last_text):
            due.append(now + RETRY_MS)
        return min(due, default=None)

    def _due_at(self, group_code: str) -> int:
        return self._sent_at.get(group_code, 0) + self._send_interval_ms

    def _send(self, match: Match) -> None:
        group_code = match.group_code
        text = overlay.encode(match)
        if text == self._last_texts.get(group_code):
            return
        self._last_texts[group_code] = text
        now = self._sent_at[group_code] = self._now_ms()
        self._audience.send(group_code, text, now)


class OverlayHandlers:
    """Handlers of the overlays' Socket.IO server."""

    def __init__(
        self,
        sio: socketio.Server,
        *,
        publisher: OverlayPublisher,
        audience: Audience,
        sessions: Sessions,
        refusals: Refusals,
        deadlines: LogonDeadlines,
        now_ms: Callable[[], int],
    ) -> None:
        self._sio = sio
        self._publisher = publisher
        self._audience = audience
        self._sessions = sessions
        self._refusals = refusals
        self._deadlines = deadlines
        self._now_ms = now_ms
        self._followers: dict[str, Follower] = {}
        self._arrivals: dict[str, tuple[str, int]] = {}
        """Where each connection comes from, and since when it is there."""

    def attach(self) -> None:
        """Register the handlers."""
        self._sio.on("connect", self.on_connect)
        self._sio.on("disconnect", self.on_disconnect)
        self._sio.on(SocketEvent.OVERLAY_LOGON.value, self.on_logon)
        self._sio.on("*", self.on_other)

    def watching(self) -> Iterator[WatchingOverlay]:
        """Yield the overlays that have logged on."""
        for sid, follower in self._followers.items():
            address, connected_at = self._arrivals[sid]
            yield WatchingOverlay(
                address=address,
                connected_at=connected_at,
                group_codes=follower.group_codes,
                owed_since=self._audience.owed.get(sid, NOTHING_OWED),
            )

    def on_connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        self._arrivals[sid] = (str(environ.get("REMOTE_ADDR", "")), self._now_ms())
        self._sessions.offer(sid)
        resumed = self._sessions.resume(auth.get("pid"), sid, (Follower,)) if isinstance(auth, dict) else None
        if resumed is None or not isinstance(resumed.client, Follower):
            return
        self._followers[sid] = resumed.client
        self._deadlines.logged_on(sid)
        if resumed.previous is not None:
            self._sio.disconnect(resumed.previous.client_id)
        for group_code in resumed.client.group_codes:
            self._sio.enter_room(sid, room_of(group_code))
            self._publisher.show(sid, group_code)

    def on_disconnect(self, sid: str, reason: str) -> None:
        self._followers.pop(sid, None)
        self._arrivals.pop(sid, None)
        self._audience.forget(sid)
        if reason in DELIBERATE_REASONS:
            self._sessions.end(sid)
        else:
            self._sessions.lose(sid)

    def on_logon(self, sid: str, payload: Payload = None, *_: object) -> None:
        try:
            group_code = _group_code(payload)
        except InvalidMessage as error:
            self._refusals.refuse_message(UNKNOWN_MATCH, error, address=self._address_of(sid))
            return
        self._deadlines.logged_on(sid)
        self._sessions.confirm(sid)
        followed = self._followers.get(sid, Follower(client_id=sid, group_codes=()))
        if group_code not in followed.group_codes:
            codes = (*followed.group_codes, group_code)[-MAX_FOLLOWED:]
            self._followers[sid] = Follower(client_id=sid, group_codes=codes)
            self._sessions.start(self._followers[sid])
        self._sio.enter_room(sid, room_of(group_code))
        is_live = self._publisher.last_text(group_code) is not None
        told = "Following this match." if is_live else "Following this code; no match is live yet."
        answer = msgspec.json.encode({"groupCode": group_code, "msg": told}).decode()
        self._sio.emit(SocketEvent.OVERLAY_LOGON_SUCCESS.value, answer, to=sid)
        self._publisher.show(sid, group_code)

    def on_other(self, event: str, sid: str, *_: object) -> None:
        error = InvalidMessage("overlay_event", "overlays only log on")
        self._refusals.refuse_message(UNKNOWN_MATCH, error, address=self._address_of(sid))

    def _address_of(self, sid: str) -> str:
        address, _ = self._arrivals.get(sid, ("", 0))
        return address


def _group_code(payload: Payload) -> str:
    group_code = read_object(payload).get("groupCode")
    if not isinstance(group_code, str) or not 0 < len(group_code) <= bounds.MAX_GROUP_CODE:
        raise InvalidMessage("overlay_logon", "not a group code", path="groupCode")
    return group_code
