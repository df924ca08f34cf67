"""What is wrong with a match, and what to do about it: the page says it first, and in words.

Each problem has a code that is stable, and an instant since when it is so instead of a duration: so a problem stays
equal to itself as long as it lasts.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from valo_ingest.game.state import COMBAT, GAME_END, LOBBY
from valo_ingest.live.facts import ClientState, PlayerGlance, Problem, Severity
from valo_ingest.live.last_hour import Refusal
from valo_ingest.live.matches import LiveMatch
from valo_ingest.live.ports import WatchingOverlay
from valo_ingest.live.reasons import LOGONS, reason

OBSERVER_QUIET_MS: Final = 20_000
"""An observer sends several events a second while a round is played; after this something is wrong."""

AUXILIARY_QUIET_MS: Final = 60_000
"""A player's client tells what changes, and a player who is dead changes little."""

OVERLAY_BEHIND_MS: Final = 2_000

LATELY_MS: Final = 5 * 60_000
"""What was refused no longer ago than this may still have to be mended."""

QUIET_PHASES: Final = frozenset({LOBBY, GAME_END})


def problems_of(
    live: LiveMatch,
    *,
    now: int,
    heard_at: int,
    players: Sequence[PlayerGlance],
    overlays: Sequence[WatchingOverlay],
    refusals: Sequence[Refusal],
) -> tuple[Problem, ...]:
    """Return what is wrong with a live match, the worst first.

    Args:
        heard_at: When its observer told anything last, or came.
        refusals: Those of this match, the latest first.
    """
    found = (
        *_about_observer(live, heard_at, now),
        *_about_clients(players),
        *_about_overlays(live.match.group_code, overlays, now),
        *_about_refusals(refusals, now),
    )
    return found if len(found) < 2 else worst_first(found)


def worst_first(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    order = list(Severity)
    return tuple(sorted(problems, key=lambda problem: order.index(problem.severity)))


def _about_observer(live: LiveMatch, heard_at: int, now: int) -> Iterator[Problem]:
    match = live.match
    if not live.observers:
        yield Problem(
            code="no_observer",
            severity=Severity.ALARM,
            text="Nobody observes",
            advice="Have the observer client reconnect, or log another one on to this group code with the same key.",
            since=live.lost_at,
        )
        return
    if not match.match_id:
        yield Problem(
            code="not_started",
            severity=Severity.NOTE,
            text="The observer is there, the game has not started",
            advice="Players' clients are let in once it has. If it has started already, look at the observer's client.",
            since=live.opening.at,
        )
        return
    is_played = match.pause is None and match.phase not in QUIET_PHASES
    if is_played and now - heard_at >= OBSERVER_QUIET_MS:
        yield Problem(
            code="observer_quiet",
            # Outside of combat, a timeout that nobody has entered looks the same.
            severity=Severity.ALARM if match.phase == COMBAT else Severity.WARNING,
            text=f"{next(iter(live.observers.values())).name} is connected, but sends nothing",
            advice="Look at the observer's PC: is the game running there, and does the client still see it?",
            since=heard_at,
        )


def _about_clients(players: Sequence[PlayerGlance]) -> Iterator[Problem]:
    gone = [player for player in players if player.state is ClientState.GONE]
    if gone:
        yield Problem(
            code="auxiliary_gone",
            severity=Severity.WARNING,
            text=f"Client gone: {_names(gone)}",
            advice="It comes back by itself when the network does. If not, restart it on the player's PC.",
            since=min(player.since or 0 for player in gone),
        )
    quiet = [player for player in players if player.state is ClientState.QUIET]
    if quiet:
        yield Problem(
            code="auxiliary_quiet",
            severity=Severity.NOTE,
            text=f"Client connected, but quiet: {_names(quiet)}",
            advice="Between rounds that is usual. If it lasts, restart the client on the player's PC.",
            since=min(player.since or 0 for player in quiet),
        )


def _about_overlays(group_code: str, overlays: Sequence[WatchingOverlay], now: int) -> Iterator[Problem]:
    behind = [overlay for overlay in overlays if is_behind(overlay, group_code, now)]
    if behind:
        addresses = ", ".join(dict.fromkeys(overlay.address for overlay in behind))
        yield Problem(
            code="overlay_behind",
            severity=Severity.WARNING,
            text=f"Overlay at {addresses} cannot keep up",
            advice="Look at that machine and its network; what it shows is old.",
            since=min(overlay.owed_since[group_code] for overlay in behind),
        )
    if not overlays:
        yield Problem(
            code="nobody_watches",
            severity=Severity.NOTE,
            text="No overlay follows this match",
            advice="Open the overlay with this group code.",
        )


def _about_refusals(refusals: Sequence[Refusal], now: int) -> Iterator[Problem]:
    # A refused logon concerns no match that is live, and is told by itself.
    lately = [refusal for refusal in refusals if now - refusal.at < LATELY_MS and refusal.code not in LOGONS]
    if lately:
        latest = lately[0]
        known = reason(latest.code)
        yield Problem(
            code="refused",
            severity=Severity.WARNING,
            text=f"Refused: {known.title}",
            advice=known.advice,
            since=latest.at,
        )


def is_behind(overlay: WatchingOverlay, group_code: str, now: int) -> bool:
    """Tell whether an overlay has not been able to take the newest state for so long that it is seen."""
    return now - overlay.owed_since.get(group_code, now) >= OVERLAY_BEHIND_MS


def _names(players: Iterable[PlayerGlance]) -> str:
    return ", ".join(player.name for player in players)
