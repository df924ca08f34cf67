"""Team timeouts, technical pauses and toasts.

A team timeout counts down in whole seconds from its start. Cancelled within the grace period it is free; later, or
when it runs out, it costs the seat one of its timeouts. A technical pause ends a timeout free of charge.
"""

from typing import Final

from msgspec.structs import replace

from valo_ingest.game.events import Number, TeamTimeoutPressed, TechPausePressed, ToastPressed
from valo_ingest.game.state import Match, TeamTimeout, TechPause, Toast

SECOND_MS: Final = 1_000


def press_tech_pause(match: Match, event: TechPausePressed, at: int) -> Match:
    return replace(match, pause=None if isinstance(match.pause, TechPause) else TechPause())


def press_team_timeout(match: Match, event: TeamTimeoutPressed, at: int) -> Match:
    running = match.pause
    if isinstance(running, TeamTimeout) and running.seat is event.seat:
        return _cancelled(match, running)
    if (match.timeouts_left[event.seat] or 0) <= 0:
        return match
    if isinstance(running, TeamTimeout):
        match = _cancelled(match, running)
    return replace(
        match,
        pause=TeamTimeout(event.seat, started_at=at),
        timeout_remaining_s=match.presentation.timeout_s,
        is_timeout_grace_over=False,
    )


def _cancelled(match: Match, timeout: TeamTimeout) -> Match:
    match = replace(match, pause=None)
    return match if _is_within_grace(match, match.timeout_remaining_s) else _charged(match, timeout)


def _is_within_grace(match: Match, remaining_s: Number) -> bool:
    return remaining_s > match.presentation.timeout_s - match.presentation.timeout_grace_s


def _charged(match: Match, timeout: TeamTimeout) -> Match:
    return replace(
        match,
        timeouts_left=match.timeouts_left.updated(timeout.seat, lambda count: max(0, (count or 0) - 1)),
    )


def run_timeout(match: Match, at: int) -> Match:
    """Return `match` with the countdown of a running timeout as it stands at `at`."""
    timeout = match.pause
    if not isinstance(timeout, TeamTimeout):
        return match
    elapsed_s = (at - timeout.started_at) // SECOND_MS
    remaining_s = max(0, match.presentation.timeout_s - elapsed_s)
    if remaining_s == match.timeout_remaining_s > 0:
        return match
    match = replace(
        match,
        timeout_remaining_s=remaining_s,
        is_timeout_grace_over=not _is_within_grace(match, remaining_s),
    )
    return match if remaining_s > 0 else replace(_charged(match, timeout), pause=None)


def press_toast(match: Match, event: ToastPressed, at: int) -> Match:
    if match.toast.is_shown:
        return replace(match, toast=_closed(match.toast))
    closes_at = None if event.duration_ms is None else at + int(event.duration_ms)
    return replace(match, toast=Toast(event.content, is_shown=True, closes_at=closes_at))


def run_toast(match: Match, at: int) -> Match:
    """Return `match` with its toast closed if that has run out by `at`."""
    closes_at = match.toast.closes_at
    if closes_at is None or at < closes_at:
        return match
    return replace(match, toast=_closed(match.toast))


def _closed(toast: Toast) -> Toast:
    return replace(toast, is_shown=False, closes_at=None)
