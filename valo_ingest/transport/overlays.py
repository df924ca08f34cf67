"""The output side: overlays follow matches.

A change is sent at once, and then at most once per send interval and match; the newest state always arrives. A state
is encoded once, however many overlays look. An overlay that logs on gets what the others were sent last, so that each
of them sees the same documents in the same order, and none twice in a row.
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
import socketio

from valo_ingest.errors import InvalidMessage
from valo_ingest.game.state import Match
from valo_ingest.live.refusals import Refusals
from valo_ingest.wire import bounds, overlay
from valo_ingest.wire.json import Payload, read_object
from valo_ingest.wire.names import SocketEvent


class CallLater(Protocol):
    """Runs a function after `seconds`, on its own. `gevent.spawn_later` is one."""

    def __call__(self, seconds: float, function: Callable[..., None], *arguments: Any) -> object: ...


def room_of(group_code: str) -> str:
    """Return the room of those who follow a match. Client ids are rooms, too, so it must not look like one."""
    return f"match:{group_code}"


class OverlayPublisher:
    """Sends matches to those who follow them: the `Publisher` of the controller."""

    def __init__(
        self, sio: socketio.Server, *, now_ms: Callable[[], int], call_later: CallLater, send_interval_ms: int
    ) -> None:
        self._sio = sio
        self._now_ms = now_ms
        self._call_later = call_later
        self._send_interval_ms = send_interval_ms
        self._pending: dict[str, Match] = {}
        """The newest state of matches of which something has to be sent."""
        self._sent_at: dict[str, int] = {}
        self._last_texts: dict[str, str] = {}

    def publish(self, match: Match) -> None:
        group_code = match.group_code
        if group_code not in self._pending:
            due_at = self._sent_at.get(group_code, 0) + self._send_interval_ms
            wait_ms = max(0, due_at - self._now_ms())
            self._call_later(wait_ms / 1000, self._send_pending, group_code)
        self._pending[group_code] = match

    def publish_final(self, match: Match) -> None:
        self._pending[match.group_code] = match
        self._send_pending(match.group_code)

    def forget(self, group_code: str) -> None:
        for kept in (self._pending, self._sent_at, self._last_texts):
            kept.pop(group_code, None)

    def last_text(self, group_code: str) -> str | None:
        """Return the document of a match that was sent last; None if there is none."""
        return self._last_texts.get(group_code)

    def _send_pending(self, group_code: str) -> None:
        match = self._pending.pop(group_code, None)
        if match is None:
            return  # its final state went out in the meantime
        text = overlay.encode(match)
        if text == self._last_texts.get(group_code):
            return
        self._last_texts[group_code] = text
        self._sent_at[group_code] = self._now_ms()
        self._sio.emit(SocketEvent.MATCH_DATA.value, text, room=room_of(group_code))


class OverlayHandlers:
    """Handlers of the overlays' Socket.IO server."""

    def __init__(self, sio: socketio.Server, *, publisher: OverlayPublisher, refusals: Refusals) -> None:
        self._sio = sio
        self._publisher = publisher
        self._refusals = refusals

    def attach(self) -> None:
        """Register the handlers."""
        self._sio.on(SocketEvent.OVERLAY_LOGON.value, self.on_logon)
        self._sio.on("*", self.on_other)

    def on_logon(self, sid: str, payload: Payload = None, *_: object) -> None:
        try:
            group_code = _group_code(payload)
        except InvalidMessage as error:
            self._refusals.refuse_message("-", error)
            return
        self._sio.enter_room(sid, room_of(group_code))
        text = self._publisher.last_text(group_code)
        told = "Following this match." if text is not None else "Following this code; no match is live yet."
        answer = {"groupCode": group_code, "msg": told}
        self._sio.emit(SocketEvent.OVERLAY_LOGON_SUCCESS.value, msgspec.json.encode(answer).decode(), to=sid)
        if text is not None:
            self._sio.emit(SocketEvent.MATCH_DATA.value, text, to=sid)

    def on_other(self, event: str, sid: str, *_: object) -> None:
        self._refusals.refuse_message("-", InvalidMessage("overlay_event", "overlays only log on"))


def _group_code(payload: Payload) -> str:
    group_code = read_object(payload).get("groupCode")
    if not isinstance(group_code, str) or not 0 < len(group_code) <= bounds.MAX_GROUP_CODE:
        raise InvalidMessage("overlay_logon", "not a group code", path="groupCode")
    return group_code
