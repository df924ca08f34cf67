"""What the outside must hear of a match: found by comparing two states."""

from enum import Enum

from valo_ingest.game.seats import Seat
from valo_ingest.game.state import Match


class Milestone(Enum):
    STARTED = "started"
    ROUND_WON = "round won"
    OBSERVER_GONE = "no observer"
    ENDED = "ended"


def between(before: Match, after: Match) -> tuple[Milestone, ...]:
    """Return what was reached from `before` to `after`."""
    if before is after:
        return ()
    reached = []
    if after.is_running and after.match_id != before.match_id:
        reached.append(Milestone.STARTED)
    if any(
        after_won > before_won for before_won, after_won in zip(_scores(before), _scores(after), strict=True)
    ):
        reached.append(Milestone.ROUND_WON)
    if after.has_ended and not before.has_ended:
        reached.append(Milestone.ENDED)
    elif before.is_running and not after.is_running:
        reached.append(Milestone.OBSERVER_GONE)
    return tuple(reached)


def _scores(match: Match) -> list[float]:
    return [team.rounds_won for team in sorted(match.teams, key=lambda team: team.number)]


def leading_seat(match: Match) -> Seat:
    """Return the seat with more rounds won; the right one on a tie."""
    return Seat.LEFT if match.teams.left.rounds_won > match.teams.right.rounds_won else Seat.RIGHT
