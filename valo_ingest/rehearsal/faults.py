"""What goes wrong at a venue, done on purpose: a pure function of the steps of a match, rates, and a seed.

The order of a sender's events stays but where the fault is about it. The events without which there is no rehearsal,
the start of the match and its end, are spared.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any, Final, TypeAlias

import msgspec

from valo_ingest.game.state import GAME_END
from valo_ingest.rehearsal.simulation.feed import OBSERVER, Step
from valo_ingest.wire.names import AuxiliaryType, ObserverType

SECOND_OBSERVER: Final = -1
"""The sender that is the second observer."""

DELAY_MS: Final = (100, 4_000)
"""By how much events come late, in ms of the match."""


class Fault(StrEnum):
    """What can be made to go wrong."""

    DROPS = "drops"
    DUPLICATES = "duplicates"
    DELAYS = "delays"
    REORDERING = "reordering"
    NULLS = "nulls"
    STRINGS = "strings"
    RECONNECTS = "reconnects"
    SECOND_OBSERVER = "second-observer"


USUAL_RATES: Final[Mapping[Fault, float]] = {
    Fault.DROPS: 0.01,
    Fault.DUPLICATES: 0.01,
    Fault.DELAYS: 0.01,
    Fault.REORDERING: 0.01,
    Fault.NULLS: 0.01,
    Fault.STRINGS: 0.05,
    Fault.RECONNECTS: 0.0005,
    Fault.SECOND_OBSERVER: 1.0,
}
"""Shares of events, where nobody says another. That of a second observer is the share of events that it sends, too."""


@dataclass(frozen=True, slots=True)
class Sending:
    """An event is sent. `faults` are those that were made for it."""

    step: Step
    faults: tuple[Fault, ...] = ()

    @property
    def may_be_refused(self) -> bool:
        """Whether it was spoilt so that a good server may refuse it."""
        return Fault.NULLS in self.faults


@dataclass(frozen=True, slots=True)
class Leaving:
    """An event that should have been sent is left out."""

    step: Step


@dataclass(frozen=True, slots=True)
class Breaking:
    """The connection of a sender breaks."""

    at_ms: int
    sender: int


Action: TypeAlias = Sending | Leaving | Breaking


def with_faults(steps: Iterable[Step], rates: Mapping[Fault, float], seed: int | str) -> Iterator[Action]:
    """Yield what is to be done, in the order of time, if what `rates` says goes wrong.

    Args:
        rates: The share of events that each fault hits.
    """
    return _Spoiler(rates, seed).actions(steps)


class _Spoiler:
    def __init__(self, rates: Mapping[Fault, float], seed: int | str) -> None:
        self._rates = rates
        # One for each fault, so that another rate of one changes nothing of the others.
        self._chances = {fault: Random(f"{fault} {seed}") for fault in Fault}
        self._planned: list[tuple[int, int, Action]] = []
        self._count = 0
        self._not_before: dict[int, int] = {}
        """Until when the events of a sender are late."""
        self._held: dict[int, Sending] = {}
        """The event of a sender that the next one overtakes."""

    def actions(self, steps: Iterable[Step]) -> Iterator[Action]:
        last_ms = 0
        for step in steps:
            last_ms = step.at_ms
            while self._planned and self._planned[0][0] <= step.at_ms:
                yield heapq.heappop(self._planned)[2]
            if is_spared(step):
                self._release(step.at_ms)
                self._plan(step.at_ms, Sending(step))
            else:
                self._spoil(step)
        self._release(last_ms)
        while self._planned:
            yield heapq.heappop(self._planned)[2]

    def _spoil(self, step: Step) -> None:
        if self._hits(Fault.RECONNECTS):
            self._plan(step.at_ms, Breaking(step.at_ms, step.sender))
        if step.sender == OBSERVER and self._hits(Fault.SECOND_OBSERVER):
            copy = replace(step, sender=SECOND_OBSERVER)
            self._plan(step.at_ms, Sending(copy, (Fault.SECOND_OBSERVER,)))
        if self._hits(Fault.DROPS):
            self._plan(step.at_ms, Leaving(step))
            return
        sending = Sending(step)
        for fault, change in CHANGES.items():
            if self._hits(fault):
                changed = change(step.type, sending.step.data, self._chances[fault])
                sending = Sending(replace(sending.step, data=changed), (*sending.faults, fault))
        if self._hits(Fault.DELAYS):
            until_ms = step.at_ms + self._chances[Fault.DELAYS].randint(*DELAY_MS)
            self._not_before[step.sender] = max(until_ms, self._not_before.get(step.sender, 0))
            sending = replace(sending, faults=(*sending.faults, Fault.DELAYS))
        self._order(sending)

    def _order(self, sending: Sending) -> None:
        """Plan an event, twice if it is to be a duplicate, or hold it back so that the next one overtakes it."""
        sender = sending.step.sender
        held = self._held.pop(sender, None)
        if held is None and self._hits(Fault.REORDERING):
            self._held[sender] = replace(sending, faults=(*sending.faults, Fault.REORDERING))
            return
        self._plan_sending(sending)
        if self._hits(Fault.DUPLICATES):
            self._plan_sending(replace(sending, faults=(*sending.faults, Fault.DUPLICATES)))
        if held is not None:
            at_ms = max(held.step.at_ms, sending.step.at_ms)
            self._plan_sending(replace(held, step=replace(held.step, at_ms=at_ms)))

    def _plan_sending(self, sending: Sending) -> None:
        step = sending.step
        at_ms = max(step.at_ms, self._not_before.get(step.sender, 0))
        self._plan(at_ms, replace(sending, step=replace(step, at_ms=at_ms)))

    def _release(self, at_ms: int) -> None:
        """Let nothing be late any more: at `at_ms` comes something that has to come last."""
        late, self._planned = sorted(self._planned), []
        for planned_ms, _, action in late:
            self._plan(min(planned_ms, at_ms), _no_later(action, at_ms))
        for held in self._held.values():
            self._plan(at_ms, replace(held, step=replace(held.step, at_ms=at_ms)))
        self._held.clear()
        self._not_before.clear()

    def _plan(self, at_ms: int, action: Action) -> None:
        self._count += 1
        heapq.heappush(self._planned, (at_ms, self._count, action))

    def _hits(self, fault: Fault) -> bool:
        return self._chances[fault].random() < self._rates.get(fault, 0.0)


def _no_later(action: Action, at_ms: int) -> Action:
    if isinstance(action, Breaking):
        return replace(action, at_ms=min(action.at_ms, at_ms))
    return replace(action, step=replace(action.step, at_ms=min(action.step.at_ms, at_ms)))


def is_spared(step: Step) -> bool:
    """Tell whether there is no rehearsal without this event."""
    return step.type == ObserverType.MATCH_START or is_game_end(step)


def is_game_end(step: Step) -> bool:
    return (
        step.type == ObserverType.ROUND_INFO
        and isinstance(step.data, dict)
        and step.data.get("roundPhase") == GAME_END
    )


def _inside(change: Callable[[Any, Random], Any]) -> Callable[[str, Any, Random], Any]:
    """Return a change of data that also gets into the JSON text in a message of an auxiliary client."""

    def changed(kind: str, data: Any, rng: Random) -> Any:
        if kind == AuxiliaryType.SCOREBOARD_TEAM and isinstance(data, str):
            return msgspec.json.encode(change(msgspec.json.decode(data), rng)).decode()
        return change(data, rng)

    return changed


def _with_null(data: Any, rng: Random) -> Any:
    """Return `data` with null in place of one of its fields, or of itself if it has none."""
    if isinstance(data, list) and data:
        index = rng.randrange(len(data))
        return [*data[:index], _with_null(data[index], rng), *data[index + 1 :]]
    if isinstance(data, dict) and data:
        return {**data, rng.choice(sorted(data)): None}
    return None


def _with_strings(data: Any, rng: Random) -> Any:
    """Return `data` with texts in place of its numbers."""
    if isinstance(data, dict):
        return {name: _with_strings(value, rng) for name, value in data.items()}
    if isinstance(data, list):
        return [_with_strings(value, rng) for value in data]
    return str(data) if isinstance(data, (int, float)) and not isinstance(data, bool) else data


CHANGES: Final[Mapping[Fault, Callable[[str, Any, Random], Any]]] = {
    Fault.STRINGS: _inside(_with_strings),
    Fault.NULLS: _inside(_with_null),
}
"""Faults that are in the data of an event."""
