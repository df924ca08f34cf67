"""A client that comes back: what observers, auxiliary clients and overlays have in common."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Final

from valo_ingest.errors import NotLetIn, ServerUnreachable
from valo_ingest.rehearsal.connecting import Connection, checked_url

LOGON_S: Final = 10.0
"""How long the answer to a logon may take. An answer comes at once, unless too many were refused before."""

RECONNECT_S: Final = (1.0, 5.0)
"""The shortest and the longest time before a lost client tries again: what the real clients have."""


class Client(ABC):
    """What the three kinds of clients have in common: they log on, come back, and are closed."""

    def __init__(
        self,
        url: str,
        *,
        transports: Sequence[str] | None = None,
        reconnect_s: tuple[float, float] = RECONNECT_S,
    ) -> None:
        """
        Args:
            transports: ("websocket",) saves the polling before it; None does as real clients do.
            reconnect_s: The shortest and the longest time before it tries to come back.
        """
        self._url = url
        self._transports = transports
        self._reconnect_s = reconnect_s
        self._changed = threading.Condition(threading.RLock())
        """Guards all that follows."""
        self._connection: Connection | None = None
        """The one that is logged on."""
        self._is_closed = threading.Event()
        self.returns = 0
        """How often it came back."""
        self.is_over = False
        """Whether it will not come back any more: the match is over, or the server refused it."""
        self.failure: NotLetIn | None = None
        """Why the server did not let it in again."""

    @property
    def is_connected(self) -> bool:
        """Whether it is logged on now."""
        return self._connection is not None

    def connect(self) -> None:
        """Connect and log on.

        Raises:
            ServerUnreachable: Nothing that speaks the protocol answers there.
            NotLetIn: The server refused the logon.
        """
        self._url = checked_url(self._url)
        self._log_on()

    def drop(self) -> None:
        """Break the connection as a cable does that is pulled; the client comes back by itself."""
        connection = self._connection
        if connection is not None:
            connection.drop()
            self._lose(connection, is_deliberate=False)

    def wait_until_back(self, timeout_s: float) -> bool:
        """Wait until it is logged on, or will never be; tell whether it is."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_over or self.is_connected, timeout_s)
            return self.is_connected

    def close(self) -> None:
        """Log off and release everything. It may be called more than once, and before `connect`."""
        self._is_closed.set()
        with self._changed:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @abstractmethod
    def _introduce(self, connection: Connection, ended: threading.Event) -> None:
        """Register what is to be heard, open the connection, and return when the server has let this client in.

        Raises as `connect`.
        """

    @abstractmethod
    def _after_logon(self, connection: Connection) -> None:
        """Send what has waited. Called under the lock."""

    @abstractmethod
    def _after_loss(self, *, is_over: bool) -> None:
        """What is on its way is not answered any more. Called under the lock."""

    def _log_on(self) -> None:
        connection = Connection(self._url, transports=self._transports)
        ended = threading.Event()
        connection.on_end = partial(self._on_end, connection, ended)
        try:
            self._introduce(connection, ended)
            with self._changed:
                if connection.has_ended:
                    raise ServerUnreachable(self._url, "it hung up right after the logon. See its log.")
                if self._is_closed.is_set():
                    connection.close()
                    return
                self._connection = connection
                self._after_logon(connection)
                self._changed.notify_all()
        except BaseException:
            connection.close()
            raise

    def _on_end(self, connection: Connection, ended: threading.Event, *, is_deliberate: bool) -> None:
        ended.set()
        self._lose(connection, is_deliberate=is_deliberate)

    def _lose(self, connection: Connection, *, is_deliberate: bool) -> None:
        with self._changed:
            if connection is not self._connection:
                return
            self._connection = None
            self._end(is_over=is_deliberate)
        if not is_deliberate and not self._is_closed.is_set():
            threading.Thread(target=self._come_back, daemon=True).start()

    def _end(self, *, is_over: bool) -> None:
        self.is_over = is_over
        self._after_loss(is_over=is_over)
        self._changed.notify_all()

    def _come_back(self) -> None:
        delay_s, longest_s = self._reconnect_s
        while not self._is_closed.wait(delay_s):
            delay_s = min(delay_s * 2, longest_s)
            try:
                self._log_on()
            except ServerUnreachable:
                continue
            except NotLetIn as error:
                with self._changed:
                    self.failure = error
                    self._end(is_over=True)
                return
            self.returns += 1
            return
