"""When each step of a recording is sent, and what is sent besides to stay on its course.

Theory of operation
-------------------
Three things of a match run out by the server's clock: a team timeout, a toast, and the clock of a round. A recording
that is sent at another speed than it was made gives them another time, and soon everything after it is wrong: a
timeout that had run out is still running, so that the key that starts the next one cancels it.

So the steps are played to two offline servers, one at the times of the recording and one at the times at which they
will be sent, and before each step the two are compared. Where a timeout or a toast is over in the recording and would
not be, the operator's key that ends it is sent, or if it is about to run out anyway, that is waited for. A key that
would do the opposite of what it did is left out. What no client can bring about (a timeout that costs
nothing so soon, a round that ran out of time) is said in words.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from valo_ingest.game.seats import Seat
from valo_ingest.game.state import Match, RoundOutcome, TeamTimeout
from valo_ingest.rehearsal.offline import ACCEPTED, OfflineServer
from valo_ingest.rehearsal.recordings import Recording
from valo_ingest.rehearsal.steps import GROUP_SECRET, Channel, Step, game_end, observer_message
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.names import ObserverType

NEAR_MS: Final = 2_000
"""What runs out within this time is waited for: a key that comes too late does the opposite."""

LATE_MS: Final = 250
"""How much longer than needed is waited: a player makes up for lateness to some degree, and servers have some of their
own."""

ANY_VERSION: Final = VersionRange(">=0.0.0")

TIMEOUT_KEYS: Final = {Seat.LEFT: ObserverType.LEFT_TIMEOUT, Seat.RIGHT: ObserverType.RIGHT_TIMEOUT}


class Pace(Struct, frozen=True, kw_only=True):
    """How fast a recording is played."""

    speed: float | None = 1.0
    """Times as fast as it was; None sends everything at once."""
    from_step: int = 0
    """What is before this step is sent at once in any case."""


class Due(Struct, frozen=True):
    """A step, and when it is sent (ms after the start)."""

    at_ms: int
    step: Step


class Plan(Struct, frozen=True, kw_only=True):
    """A recording that is ready to be sent."""

    dues: tuple[Due, ...]
    end_ms: int
    added: int
    """Keys that are sent besides."""
    omitted: int
    """Keys that are not sent."""
    differences: tuple[str, ...]
    """What comes out in another way than in the recording, in words."""
    group_codes: tuple[str, ...]
    """Of the matches that are opened."""
    goodbyes: tuple[Step, ...]
    """What ends the matches that have not ended by themselves."""


def first_step_of_round(recording: Recording, number: int) -> int | None:
    """Return the index of the step with which round `number`, or a later one, begins."""
    for index, step in enumerate(recording.steps):
        told = step.round_info()
        if told is not None and told[0] >= number:
            return index
    return None


def plan(recording: Recording, pace: Pace) -> Plan:
    """Return when each step is sent."""
    course = _Course()
    for step, at in zip(recording.steps, _times(recording, pace), strict=True):
        course.take(step, at)
    end_ms = course.finish(recording.duration_ms, _scaled(recording, pace, recording.duration_ms))
    return Plan(
        dues=tuple(course.dues),
        end_ms=end_ms,
        added=course.added,
        omitted=course.omitted,
        differences=tuple(course.differences()),
        group_codes=tuple(course.sent.matches),
        goodbyes=tuple(course.goodbyes()),
    )


def _times(recording: Recording, pace: Pace) -> Iterator[int]:
    for index, step in enumerate(recording.steps):
        yield 0 if index < pace.from_step else _scaled(recording, pace, step.at_ms)


def _scaled(recording: Recording, pace: Pace, at_ms: int) -> int:
    if pace.speed is None:
        return 0
    return round((at_ms - recording.steps[pace.from_step].at_ms) / pace.speed)


class _Course:
    """Plays steps to both servers, and collects what is to be sent."""

    def __init__(self) -> None:
        self.recorded = OfflineServer(ANY_VERSION)
        self.sent = OfflineServer(ANY_VERSION)
        self.dues: list[Due] = []
        self.added = 0
        self.omitted = 0
        self._delay_ms = 0
        self._recorded_ms = 0
        self._logons: dict[object, Step] = {}
        """The newest logon of an observer by the group code."""

    def take(self, step: Step, at_ms: int) -> None:
        """Send `step` at that time, or as soon as possible after it."""
        self._keep(step.at_ms, at_ms)
        if self._would_do_the_opposite(step):
            self.omitted += 1
        else:
            self._send(step, at_ms + self._delay_ms)
        self.recorded.take(step, step.at_ms)

    def finish(self, recorded_ms: int, at_ms: int) -> int:
        """Let the time until the end of the recording pass; return when that is over."""
        self._keep(recorded_ms, at_ms)
        return at_ms + self._delay_ms

    def _send(self, step: Step, at_ms: int) -> None:
        self.dues.append(Due(at_ms, step))
        verdict = self.sent.take(step, at_ms)
        if step.channel is Channel.OBSERVER_LOGON and verdict.code == ACCEPTED:
            self._logons[step.payload.get("groupCode")] = step

    def _keep(self, recorded_ms: int, at_ms: int) -> None:
        """End what is over in the recording."""
        self._recorded_ms = recorded_ms
        self.recorded.pass_time(recorded_ms)
        self.sent.pass_time(at_ms + self._delay_ms)
        for code, there in self.recorded.matches.items():
            here = self.sent.matches.get(code)
            if here is None or here.has_ended:
                continue
            for key, data, left_ms in _overdue(there, here, at_ms + self._delay_ms):
                if left_ms is not None and left_ms <= NEAR_MS:
                    self._delay_ms += left_ms + LATE_MS
                    self.sent.pass_time(at_ms + self._delay_ms)
                else:
                    self._press(code, key, data, recorded_ms, at_ms + self._delay_ms)

    def _press(self, code: str, key: ObserverType, data: object, recorded_ms: int, at_ms: int) -> None:
        observer = self.sent.observer_of(code)
        if observer is not None:
            self._send(observer_message(*observer, code, key, data, recorded_ms), at_ms)
            self.added += 1

    def _would_do_the_opposite(self, step: Step) -> bool:
        """Tell whether `step` ended something in the recording that has run out here."""
        code = step.payload.get("groupCode")
        if step.channel is not Channel.OBSERVER_DATA or not isinstance(code, str):
            return False
        there, here = self.recorded.matches.get(code), self.sent.matches.get(code)
        if there is None or here is None:
            return False
        if step.kind == ObserverType.TOAST:
            return there.toast.is_shown and not here.toast.is_shown
        seat = next((seat for seat, key in TIMEOUT_KEYS.items() if key == step.kind), None)
        return seat is not None and _timeout_of(there) is seat and _timeout_of(here) is not seat

    def goodbyes(self) -> Iterator[Step]:
        """Yield what ends the matches that go on; an observer that is gone logs on again for it."""
        for code in self.sent.open_codes:
            observer = self.sent.observer_of(code)
            if observer is None:
                logon = self._logons[code]
                yield replace(logon, payload={**logon.payload, "groupSecret": GROUP_SECRET}, is_made_up=True)
                observer = logon.client, str(logon.payload.get("obsName", ""))
            yield game_end(*observer, code, self.sent.matches[code].round_number, self._recorded_ms)

    def differences(self) -> Iterator[str]:
        for code, there in self.recorded.matches.items():
            here = self.sent.matches.get(code)
            if here is not None:
                yield from _differences(there, here)


def _timeout_of(match: Match) -> Seat | None:
    return match.pause.seat if isinstance(match.pause, TeamTimeout) else None


def _overdue(there: Match, here: Match, at_ms: int) -> Iterator[tuple[ObserverType, object, int | None]]:
    """Yield what is over there and not here: its key, what the key says, and in how many ms it runs out."""
    timeout = here.pause
    if isinstance(timeout, TeamTimeout) and _timeout_of(there) is None:
        left_ms = timeout.started_at + round(here.presentation.timeout_s * 1000) - at_ms
        yield TIMEOUT_KEYS[timeout.seat], True, left_ms
    if here.toast.is_shown and not there.toast.is_shown:
        closes_at = here.toast.closes_at
        yield ObserverType.TOAST, dict(here.toast.content), None if closes_at is None else closes_at - at_ms


def _differences(there: Match, here: Match) -> Iterator[str]:
    for seat in Seat:
        name = here.teams[seat].setup.name or f"the {seat.value} team"
        had, has = there.timeouts_left[seat], here.timeouts_left[seat]
        if had != has:
            yield f"{name} has {has} {'timeout' if has == 1 else 'timeouts'} left instead of {had}"
    by_time = RoundOutcome.TIMEOUT
    yield from _rounds(there, here, by_time, "won by kills instead of by time")
    yield from _rounds(here, there, by_time, "won by time instead of by kills")


def _rounds(one: Match, other: Match, outcome: RoundOutcome, what: str) -> Iterator[str]:
    """Yield which rounds had an outcome in one match and not in the other."""
    numbers = sorted(
        first.number
        for seat in Seat
        for first, second in zip(one.teams[seat].record, other.teams[seat].record, strict=False)
        if first.outcome is outcome is not second.outcome
    )
    if numbers:
        yield f"{'round' if len(numbers) == 1 else 'rounds'} {', '.join(map(str, numbers))} {what}"
