"""A client that sends events, and keeps account of what becomes of them."""

import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

import msgspec

from valo_ingest.errors import NotLetIn, ServerUnreachable
from valo_ingest.rehearsal.accounting import Tally
from valo_ingest.rehearsal.connecting import Connection
from valo_ingest.rehearsal.returning import LOGON_S, RECONNECT_S, Client
from valo_ingest.wire.names import SocketEvent

LINGER_S: Final = 0.3
"""How long a client stays after its last event where no answer tells that it has arrived."""

REFUSAL_S: Final = 0.5
"""How long a refused client waits for the server to disconnect it, as it should."""

_ADVICE: Final = (
    ("Invalid Key", "Give the access key of the server with --key."),
    ("Expired Key", "Give an access key that is good."),
    ("still live", "Choose another with --group-code."),
    ("Client version", "Give one that it takes with --client-version."),
    ("Match ID", "It is known once the observer has sent its match_start, and until the match is over."),
)
"""What to do about a refusal, by words that are in it."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    kind: str
    text: str
    may_be_refused: bool
    is_goodbye: bool


class SendingClient(Client):
    """A client that sends events: what it sends without a connection waits until it is back."""

    DATA: ClassVar[SocketEvent]
    LOGON: ClassVar[SocketEvent]
    LOGON_ACK: ClassVar[SocketEvent]

    def __init__(
        self,
        url: str,
        *,
        tally: Tally | None = None,
        transports: Sequence[str] | None = None,
        reconnect_s: tuple[float, float] = RECONNECT_S,
    ) -> None:
        """
        Args:
            tally: Counts what becomes of the events; without one the server is not asked.
        """
        super().__init__(url, transports=transports, reconnect_s=reconnect_s)
        self._tally = tally
        self._waiting: deque[_Waiting] = deque()
        self._unanswered: set[int] = set()
        self._goodbye: int | None = None
        """The event that ends the match: the server lets its clients go instead of answering it."""

    def send_text(
        self, kind: str, text: str, *, may_be_refused: bool = False, is_goodbye: bool = False
    ) -> None:
        """Send an event as it is; `kind` is what it is counted as.

        Args:
            may_be_refused: It was spoilt on purpose.
            is_goodbye: It ends the match, so that the server will let this client go.
        """
        event = _Waiting(kind, text, may_be_refused, is_goodbye)
        with self._changed:
            connection = self._connection
            if not self.is_over and (connection is None or connection.has_ended):
                self._waiting.append(event)
            else:
                self._emit(connection, event)

    def discard_waiting(self) -> None:
        """Forget what waits for a connection, as if nobody had wanted to send it."""
        with self._changed:
            self._waiting.clear()

    def close(self) -> None:
        """Log off and release everything, once what was sent had time to leave. What waits is lost."""
        if self.is_connected and (self._tally is None or self._unanswered):
            time.sleep(LINGER_S)
        super().close()
        with self._changed:
            self._goodbye = None
            self._after_loss(is_over=True)

    @abstractmethod
    def _logon(self) -> dict[str, Any]:
        """Return the logon."""

    def _let_in(self, reason: str) -> None:
        """The server has let this client in, and gave this as the reason."""

    def _introduce(self, connection: Connection, ended: threading.Event) -> None:
        answers: deque[str] = deque()

        def hear(text: str = "", *_: object) -> None:
            answers.append(text)
            ended.set()

        connection.on(self.LOGON_ACK, hear)
        connection.open()
        connection.emit(self.LOGON, as_text(self._logon()))
        ended.wait(LOGON_S)
        if not answers:
            raise ServerUnreachable(
                self._url, "it does not answer the logon. Clients log on to the ingest side, port 5100."
            )
        value, reason = _logon_answer(answers[0])
        if not value:
            connection.wait_for_end(REFUSAL_S)
            raise NotLetIn(self._url, self._who, reason, _advice(reason))
        self._let_in(reason)

    @property
    @abstractmethod
    def _who(self) -> str:
        """What an error calls this client."""

    def _emit(self, connection: Connection | None, event: _Waiting) -> None:
        tally = self._tally
        if tally is None:
            if connection is not None:
                connection.emit(self.DATA, event.text)
            return
        number = tally.begin(event.kind, may_be_refused=event.may_be_refused)
        on_answer = None
        if number is not None:
            self._unanswered.add(number)
            on_answer = partial(self._on_answer, tally, number)
        if event.is_goodbye:
            self._goodbye = number
        if (
            connection is None or not connection.emit(self.DATA, event.text, on_answer)
        ) and number is not None:
            self._unanswered.discard(number)
            tally.lose(number)

    def _on_answer(self, tally: Tally, number: int, *values: Any) -> None:
        with self._changed:
            self._unanswered.discard(number)
        tally.answer(number, *values)

    def _after_logon(self, connection: Connection) -> None:
        while self._waiting:
            self._emit(connection, self._waiting.popleft())

    def _after_loss(self, *, is_over: bool) -> None:
        tally, unanswered = self._tally, self._unanswered
        self._unanswered = set()
        if tally is not None:
            for number in unanswered:
                if is_over and number == self._goodbye:
                    tally.confirm(number)  # the server did what it asks for
                else:
                    tally.lose(number)
        if is_over:
            while self._waiting:
                self._emit(None, self._waiting.popleft())


def _advice(reason: str) -> str:
    return next((advice for words, advice in _ADVICE if words in reason), "")


def _logon_answer(text: str) -> tuple[bool, str]:
    """Return whether a client is let in, and the reason that it is told."""
    try:
        answer = msgspec.json.decode(text)
    except (ValueError, TypeError):
        return False, "an answer that is no JSON"
    if not isinstance(answer, dict):
        return False, "an answer that is no JSON object"
    return answer.get("value") is True, str(answer.get("reason") or "")


def as_text(message: object) -> str:
    """Return `message` as real clients send it: JSON in a text."""
    return msgspec.json.encode(message).decode()
