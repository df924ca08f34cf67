"""What became of every event that was sent.

Our server answers an event for which a client asks it (a Socket.IO acknowledgement) with what it did with it. Events
that it never answers are *lost*. A server that answers nothing at all, as the original does, cannot be judged so:
then everything is *unconfirmed*, and the tally stops asking.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

PATIENCE_S: Final = 5.0
"""A server from which no answer at all has come in this time answers none."""

ACCEPTED: Final = "accepted"

OnAnswer = Callable[[str, str, float], None]
"""Called with the type of an event, "accepted" or the reason of its refusal, and the seconds that it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What became of all events, as of some moment: sent = accepted + refused + lost + unconfirmed + waiting."""

    sent: int = 0
    accepted: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    """Refusals that nobody wanted, by reason."""
    refused_as_injected: Mapping[str, int] = field(default_factory=dict)
    """Refusals of events that were spoilt on purpose, by reason."""
    lost: int = 0
    unconfirmed: int = 0
    waiting: int = 0
    """Not answered yet; 0 after `Tally.settle`."""
    injected: Mapping[str, int] = field(default_factory=dict)
    """Events that were changed, added or left out on purpose, by the name of the fault."""
    sent_by_type: Mapping[str, int] = field(default_factory=dict)
    lost_by_type: Mapping[str, int] = field(default_factory=dict)

    @property
    def refused_count(self) -> int:
        return sum(self.refused.values())

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, and nothing refused that was meant to be good."""
        return not self.lost and not self.refused


def total(several: Iterable[Accounts]) -> Accounts:
    """Return the accounts of several tallies as one."""
    accounts = list(several)
    return Accounts(
        sent=sum(each.sent for each in accounts),
        accepted=sum(each.accepted for each in accounts),
        refused=_sum(each.refused for each in accounts),
        refused_as_injected=_sum(each.refused_as_injected for each in accounts),
        lost=sum(each.lost for each in accounts),
        unconfirmed=sum(each.unconfirmed for each in accounts),
        waiting=sum(each.waiting for each in accounts),
        injected=_sum(each.injected for each in accounts),
        sent_by_type=_sum(each.sent_by_type for each in accounts),
        lost_by_type=_sum(each.lost_by_type for each in accounts),
    )


def _sum(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for each in several:
        counts.update(each)
    return dict(counts)


@dataclass(slots=True)
class _Open:
    kind: str
    sent_at: float
    may_be_refused: bool
    is_lost: bool = False


class Tally:
    """Counts what became of events. Several clients may share one; it is safe between threads."""

    def __init__(
        self, *, on_answer: OnAnswer | None = None, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._on_answer = on_answer
        self._monotonic_s = monotonic_s
        self._changed = threading.Condition()
        self._next_number = 0
        self._open: dict[int, _Open] = {}
        """What has no answer: waiting, lost, or sent to a server that seems to answer nothing."""
        self._lost = 0
        """How many of the open ones are lost."""
        self._first_sent_at: float | None = None
        self._answers = 0
        self._accepted = 0
        self._unasked = 0
        self._refused: Counter[str] = Counter()
        self._refused_as_injected: Counter[str] = Counter()
        self._injected: Counter[str] = Counter()
        self._sent_by_type: Counter[str] = Counter()

    @property
    def sent(self) -> int:
        return self._next_number

    @property
    def refused_count(self) -> int:
        """How many were refused so far that were meant to be good."""
        return self._refused.total()

    @property
    def waiting_count(self) -> int:
        """How many have no answer yet, of a server that answers."""
        return 0 if self._is_silent() else len(self._open) - self._lost

    @property
    def has_answers(self) -> bool:
        """Whether the server has answered anything yet."""
        return self._answers > 0

    def inject(self, fault: str, count: int = 1) -> None:
        """Note that a fault was made on purpose."""
        with self._changed:
            self._injected[fault] += count

    def begin(self, kind: str, *, may_be_refused: bool = False) -> int | None:
        """Count an event of type `kind` that is sent now.

        Returns:
            The number under which its answer is to be reported; None if it is of no use to ask for one.
        """
        with self._changed:
            number = self._next_number
            self._next_number += 1
            self._sent_by_type[kind] += 1
            now = self._monotonic_s()
            if self._first_sent_at is None:
                self._first_sent_at = now
            if self._is_silent():
                self._unasked += 1
                return None
            self._open[number] = _Open(kind, now, may_be_refused)
            return number

    def answer(self, number: int, *values: Any) -> None:
        """Note the server's answer to an event. A second one to the same changes nothing."""
        with self._changed:
            event = self._open.pop(number, None)
            if event is None:
                return
            self._lost -= event.is_lost
            self._answers += 1
            code = code_of(values)
            if code == ACCEPTED:
                self._accepted += 1
            elif event.may_be_refused:
                self._refused_as_injected[code] += 1
            else:
                self._refused[code] += 1
            self._changed.notify_all()
        if self._on_answer is not None:
            self._on_answer(event.kind, code, self._monotonic_s() - event.sent_at)

    def confirm(self, number: int) -> None:
        """Note that an event was taken in, as something else than an answer shows."""
        with self._changed:
            event = self._open.pop(number, None)
            if event is None:
                return
            self._lost -= event.is_lost
            if self._answers or not (self._open or self._unasked):
                self._accepted += 1
            else:  # it answers none of the others
                self._unasked += 1
            self._changed.notify_all()

    def lose(self, number: int) -> None:
        """Note that an event can have no answer any more, since its connection is gone."""
        with self._changed:
            event = self._open.get(number)
            if event is not None and not event.is_lost:
                event.is_lost = True
                self._lost += 1
                self._changed.notify_all()

    def settle(self, patience_s: float = PATIENCE_S) -> Accounts:
        """Wait until everything is answered, or no answer has come for `patience_s`; what has none then is lost.

        A late answer still counts.
        """
        with self._changed:
            answers, deadline = self._answers, time.monotonic() + patience_s
            while len(self._open) > self._lost and (left_s := deadline - time.monotonic()) > 0:
                self._changed.wait(left_s)
                if self._answers != answers:
                    answers, deadline = self._answers, time.monotonic() + patience_s
            for event in self._open.values():
                event.is_lost = True
            self._lost = len(self._open)
            return self._accounts()

    def accounts(self) -> Accounts:
        """Return what became of the events so far."""
        with self._changed:
            return self._accounts()

    def _accounts(self) -> Accounts:
        is_silent = self._next_number > 0 and self._answers == 0
        lost = [event for event in self._open.values() if event.is_lost]
        return Accounts(
            sent=self._next_number,
            accepted=self._accepted,
            refused=dict(self._refused),
            refused_as_injected=dict(self._refused_as_injected),
            lost=0 if is_silent else len(lost),
            unconfirmed=self._unasked + (len(lost) if is_silent else 0),
            waiting=len(self._open) - len(lost),
            injected=dict(self._injected),
            sent_by_type=dict(self._sent_by_type),
            lost_by_type={} if is_silent else dict(Counter(event.kind for event in lost)),
        )

    def _is_silent(self) -> bool:
        """Tell whether the server seems to answer nothing at all."""
        return (
            self._answers == 0
            and self._first_sent_at is not None
            and self._monotonic_s() - self._first_sent_at > PATIENCE_S
        )


def code_of(values: tuple[Any, ...]) -> str:
    """Return "accepted", or why an event was refused, from the values of an acknowledgement.

    One without a text that we know says at least that the event has arrived.
    """
    if not values or not isinstance(values[0], str):
        return ACCEPTED
    try:
        answer = msgspec.json.decode(values[0])
    except ValueError:
        return ACCEPTED
    if isinstance(answer, dict) and answer.get("type") == "error":
        return str(answer.get("code", "unknown"))
    return ACCEPTED
