"""The output side: overlays follow matches.

A change is sent at once, and then at most once per send interval and match, which is longer while much is to be done;
the newest state always arrives. A state is encoded once, however many overlays look. An overlay that logs on gets what
the others were sent last, so that each of them sees the same documents in the same order, and none twice in a row.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

import msgspec
import socketio

from valo_ingest.errors import InvalidMessage
from valo_ingest.game.state import Match
from valo_ingest.live.clients import Follower
from valo_ingest.live.last_hour import UNKNOWN_MATCH
from valo_ingest.live.measures import Histogram
from valo_ingest.live.ports import WatchingOverlay
from valo_ingest.live.refusals import Refusals
from valo_ingest.live.sessions import Sessions
from valo_ingest.transport.audience import Audience, room_of
from valo_ingest.transport.engine import LogonDeadlines
from valo_ingest.transport.limits import network_of
from valo_ingest.transport.server import DELIBERATE_REASONS
from valo_ingest.transport.telling import Teller
from valo_ingest.wire import bounds, overlay
from valo_ingest.wire.json import Payload, read_object
from valo_ingest.wire.names import SocketEvent

MAX_FOLLOWED: Final = 16
"""Group codes that one overlay may follow; a page that shows several matches has a few. The oldest makes room."""

BUSY_FACTOR: Final = 4
"""A document costs ten times what an event does. So where there are thousands of events a second, more of them share
one: with 5 ms between two documents of a match, that is 20 ms then, which still are 50 pictures a second."""

RETRY_MS: Final = 20
"""After which it is tried again to send somebody what could not be sent: about as long as a picture is shown."""


NOTHING_OWED: Final[Mapping[str, int]] = {}


class Standing(Enum):
    """What there is to see of a group code, and what an overlay that logs on to it is told."""

    NOTHING = "Following this code; no match is live yet."
    LIVE = "Following this match."
    OVER = "Following this code; its last match is over, and no other is live yet."


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
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        """
        Args:
            now_ms: Counts ms from whenever, and goes on also while somebody sets the clock.
            send_interval_ms: Between two documents of a match; `BUSY_FACTOR` times that while much is to be done.
            stopwatch: Seconds on whatever clock, finer than milliseconds.
        """
        self._audience = audience
        self._now_ms = now_ms
        self._request_turn = request_turn
        self._calm_interval_ms = send_interval_ms
        self._send_interval_ms = send_interval_ms
        self._stopwatch = stopwatch
        self._pending: dict[str, Match] = {}
        """The newest state of matches of which something has to be sent."""
        self._pending_since: dict[str, float] = {}
        """When the first event came that is to be seen in what is pending."""
        self.send_times = Histogram()
        """From an event to when its document was sent to everybody who could take it."""
        self._sent_at: dict[str, int] = {}
        self._last_texts: dict[str, str] = {}
        self._encoders: dict[str, overlay.Encoder] = {}
        self._retry_at = 0
        """When it is tried again to send to those who could not take a document."""
        self._over: set[str] = set()
        """Group codes whose last text is the end of a match."""

    def publish(self, match: Match) -> None:
        if match.group_code not in self._pending:
            self._request_turn(self._due_at(match.group_code))
            self._pending_since[match.group_code] = self._stopwatch()
        self._pending[match.group_code] = match

    def publish_final(self, match: Match) -> None:
        self._pending.pop(match.group_code, None)
        self._send(match)

    def recall(self, match: Match) -> None:
        self._last_texts[match.group_code] = overlay.encode(match)
        self._note_end(match)

    def forget(self, group_code: str) -> None:
        for kept in (
            self._pending,
            self._pending_since,
            self._sent_at,
            self._last_texts,
            self._encoders,
        ):
            kept.pop(group_code, None)
        self._over.discard(group_code)

    def last_text(self, group_code: str) -> str | None:
        """Return the document of a match that was sent last; None if there is none."""
        return self._last_texts.get(group_code)

    def standing(self, group_code: str) -> Standing:
        """Return what there is to see of a group code."""
        if group_code in self._pending:
            return Standing.LIVE
        if group_code not in self._last_texts:
            return Standing.NOTHING
        return Standing.OVER if group_code in self._over else Standing.LIVE

    def show(self, client_id: str, group_code: str) -> None:
        """Send one overlay what the others were sent last, if there is anything: at the end of this turn, as its
        logon has to be answered before."""
        self._audience.welcome(client_id, group_code)
        self._request_turn(0)

    def send_due(self, now: int, *, is_busy: bool = False) -> int | None:
        """Send what is due at `now`; return when the next is (in ms, as `now_ms`), or None if nothing waits."""
        self._send_interval_ms = self._calm_interval_ms * (BUSY_FACTOR if is_busy else 1)
        for group_code in [code for code in self._pending if self._due_at(code) <= now]:
            self._send(self._pending.pop(group_code))
        is_retried = now >= self._retry_at
        self._audience.send_owed(self.last_text, to_slow=is_retried)
        if is_retried:
            self._retry_at = now + RETRY_MS
        due = [self._due_at(code) for code in self._pending]
        if self._audience.owed:
            due.append(self._retry_at)
        return min(due, default=None)

    def _due_at(self, group_code: str) -> int:
        return self._sent_at.get(group_code, 0) + self._send_interval_ms

    def _send(self, match: Match) -> None:
        group_code = match.group_code
        since = self._pending_since.pop(group_code, None)
        text = self._encoders.setdefault(group_code, overlay.Encoder()).encode(match)
        if text == self._last_texts.get(group_code):
            return
        self._last_texts[group_code] = text
        self._note_end(match)
        self._sent_at[group_code] = self._now_ms()
        self._audience.send(group_code, text)
        if since is not None:
            self.send_times.observe(self._stopwatch() - since)

    def _note_end(self, match: Match) -> None:
        if match.has_ended:
            self._over.add(match.group_code)
        else:
            self._over.discard(match.group_code)


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
        wait_in_line: Callable[[str], None],
        teller: Teller,
        now_ms: Callable[[], int],
    ) -> None:
        """
        Args:
            wait_in_line: Returns when it is the turn of a newcomer at that address.
        """
        self._sio = sio
        self._publisher = publisher
        self._audience = audience
        self._sessions = sessions
        self._refusals = refusals
        self._deadlines = deadlines
        self._wait_in_line = wait_in_line
        self._teller = teller
        self._now_ms = now_ms
        self._followers: dict[str, Follower] = {}
        self._arrivals: dict[str, tuple[str, int]] = {}
        """Where each connection comes from, and since when it is there."""
        self.disconnects: Counter[str] = Counter()
        """Ends of connections, by the reason that the library gives."""

    def attach(self) -> None:
        """Register the handlers."""
        self._sio.on("connect", self.on_connect)
        self._sio.on("disconnect", self.on_disconnect)
        self._sio.on(SocketEvent.OVERLAY_LOGON.value, self.on_logon)
        self._sio.on("*", self.on_other)

    def clients(self) -> Counter[str]:
        """Return how many connections there are of each kind of client, "" being those that are not logged on."""
        followers = len(self._followers)
        return Counter({Follower.__name__: followers, "": len(self._arrivals) - followers})

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
        address = str(environ.get("REMOTE_ADDR", ""))
        self._arrivals[sid] = (address, self._now_ms())
        self._sessions.offer(sid, network_of(address))
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
        if self._arrivals.pop(sid, None) is not None:
            self.disconnects[reason] += 1
        self._followers.pop(sid, None)
        self._deadlines.logged_off(sid)
        self._teller.forget(sid)
        self._audience.forget(sid)
        if reason in DELIBERATE_REASONS:
            self._sessions.end(sid)
        else:
            self._sessions.lose(sid)

    def on_logon(self, sid: str, payload: Payload = None, *_: object) -> None:
        try:
            group_code = _group_code(payload)
        except InvalidMessage as error:
            self._refuse(sid, error)
            return
        self._wait_in_line(self._address_of(sid))
        if sid not in self._arrivals:
            return  # it went meanwhile
        self._deadlines.logged_on(sid)
        self._sessions.confirm(sid)
        followed = self._followers.get(sid, Follower(client_id=sid, group_codes=()))
        codes = followed.group_codes
        if group_code not in codes:
            codes = (*codes, group_code)
            self._followers[sid] = Follower(client_id=sid, group_codes=codes[-MAX_FOLLOWED:])
            self._sessions.start(self._followers[sid])
        self._sio.enter_room(sid, room_of(group_code))
        for oldest in codes[:-MAX_FOLLOWED]:  # behind the rest: telling it something can find that it is gone
            self._leave(sid, oldest)
        standing = self._publisher.standing(group_code)
        answer = msgspec.json.encode({"groupCode": group_code, "msg": standing.value}).decode()
        self._sio.emit(SocketEvent.OVERLAY_LOGON_SUCCESS.value, answer, to=sid)
        self._publisher.show(sid, group_code)

    def _leave(self, sid: str, group_code: str) -> None:
        """Have an overlay that follows too many codes not follow this one any more."""
        self._sio.leave_room(sid, room_of(group_code))
        self._audience.forget(sid, group_code)
        text = f"An overlay follows {MAX_FOLLOWED} group codes at most; the one it followed first is left."
        self._refuse(sid, InvalidMessage("too_many_codes", text, path="groupCode"))

    def on_other(self, event: str, sid: str, *_: object) -> None:
        self._refuse(
            sid, InvalidMessage("overlay_event", "An overlay only logs on; nothing else is taken from it.")
        )

    def _refuse(self, sid: str, error: InvalidMessage) -> None:
        self._refusals.refuse_message(UNKNOWN_MATCH, error, address=self._address_of(sid))
        self._teller.refuse(sid, error)

    def _address_of(self, sid: str) -> str:
        address, _ = self._arrivals.get(sid, ("", 0))
        return address


def _group_code(payload: Payload) -> str:
    group_code = read_object(payload).get("groupCode")
    if not isinstance(group_code, str) or not 0 < len(group_code) <= bounds.MAX_GROUP_CODE:
        raise InvalidMessage(
            "overlay_logon", "The logon has no group code that can be read.", path="groupCode"
        )
    return group_code
