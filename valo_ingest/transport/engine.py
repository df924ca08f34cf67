"""Engine.IO sessions, which python-socketio keeps to itself: this module alone reaches below its public shape.

A session begins with its first request, before any handler of ours hears of it, and one that never joins a namespace,
or joins and never logs on, is kept for ever if only it answers pings. `LogonDeadlines` ends those.
"""

import time
from collections.abc import Callable

import socketio

ENGINE_VERSIONS = {"python-socketio": ("5.18.",), "python-engineio": ("4.15.",)}
"""Beginnings of the versions of which this module is known to be right. tests/transport/test_engine.py looks."""


class LogonDeadlines:
    """Ends sessions that do not log on in time. `sweep` has to be called now and then."""

    def __init__(
        self,
        sio: socketio.Server,
        *,
        refuse: Callable[[str, str, str], None],
        timeout_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            refuse: Is told the address, a word that is counted, and what happened.
            timeout_s: From the first request of a session to its logon.
        """
        self._sio = sio
        self._refuse = refuse
        self._timeout_s = timeout_s
        self._now = now
        self._waiting: dict[str, float] = {}
        """When each session that has not logged on was seen first."""
        self._logged_on: set[str] = set()

    def logged_on(self, client_id: str) -> None:
        """A client has logged on, or shown by its token that it had."""
        session_id = self._sio.manager.eio_sid_from_sid(client_id, "/")
        if session_id is not None:
            self._logged_on.add(session_id)

    def sweep(self) -> None:
        """End the sessions whose time is over."""
        now = self._now()
        sessions = self._sio.eio.sockets
        self._logged_on &= sessions.keys()
        before = self._waiting
        self._waiting = {
            session_id: before.get(session_id, now)
            for session_id in sessions
            if session_id not in self._logged_on
        }
        for session_id, since in self._waiting.items():
            session = sessions.get(session_id)
            if session is not None and not session.closed and now - since >= self._timeout_s:
                address = self._sio.environ.get(session_id, {}).get("REMOTE_ADDR", "")
                self._refuse(address, "no_logon", f"it did not log on within {self._timeout_s:.0f} s")
                session.close(wait=False, reason=self._sio.reason.SERVER_DISCONNECT)
