"""Clients are told what became of their events: as `message`, which the stock client writes into its log.

A client is told of each code once a second, and nothing while `MAX_WAITING` packets wait to be sent to it. So one that
does not read makes no queue; how many notices it missed is in the next one.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import socketio

from valo_ingest.errors import InvalidMessage
from valo_ingest.live.notices import Notices
from valo_ingest.transport.engine import NAMESPACE
from valo_ingest.wire.names import SocketEvent

ERROR: Final = "error"
"""The type of a notice about something that was refused."""

NOTICE: Final = "notice"
"""The type of one about something that was not."""

MAX_WAITING: Final = 16
"""Packets. A client that reads has none waiting but for a moment, in which it may be told several things."""


class Teller:
    """Tells the clients of one Socket.IO server. None of its methods blocks."""

    def __init__(
        self, sio: socketio.Server, *, waiting: Callable[[str], int | None], now_ms: Callable[[], int]
    ) -> None:
        """
        Args:
            waiting: Returns how many packets wait to be sent to a session of Engine.IO; None if it is not open.
        """
        self._sio = sio
        self._waiting = waiting
        self._now_ms = now_ms
        self._notices: dict[str, Notices] = {}

    def refuse(self, client_id: str, error: InvalidMessage, number: int = 0) -> None:
        """Tell a client that an event of it was refused.

        Args:
            number: Of the event on its connection, or of the last one before what was no event of the protocol.
        """
        self._tell(client_id, ERROR, error.code, error.detail, error.path, number)

    def notify(self, client_id: str, code: str, text: str, number: int) -> bool:
        """Tell a client something that is no refusal; return whether it was told."""
        return self._tell(client_id, NOTICE, code, text, "", number)

    def forget(self, client_id: str) -> None:
        """The client is gone."""
        self._notices.pop(client_id, None)

    def _tell(self, client_id: str, kind: str, code: str, text: str, path: str, number: int) -> bool:
        session_id = self._sio.manager.eio_sid_from_sid(client_id, NAMESPACE)
        waiting = None if session_id is None else self._waiting(session_id)
        if waiting is None:
            return False
        notices = self._notices.setdefault(client_id, Notices())
        if waiting >= MAX_WAITING:
            notices.hold_back(code)
            return False
        held_back = notices.take(code, self._now_ms())
        if held_back is None:
            return False
        notice = {**notice_of(kind, code, text, path), "event": number}
        if held_back:
            notice["repeated"] = held_back
        self._sio.emit(SocketEvent.MESSAGE.value, msgspec.json.encode(notice).decode(), to=client_id)
        return True


def notice_of(kind: str, code: str, text: str, path: str = "") -> dict[str, Any]:
    """Return what is told of an event, and answered to a client that asks for an acknowledgement."""
    return {"type": kind, "code": code, "message": text, "path": path}
