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
    reached: list[Milestone] = []
    if after.is_running and after.match_id != before.match_id:
        reached.append(Milestone.STARTED)
    if _has_won_more(before, after):
        reached.append(Milestone.ROUND_WON)
    if after.has_ended and not before.has_ended:
        reached.append(Milestone.ENDED)
    elif before.is_running and not after.is_running:
        reached.append(Milestone.OBSERVER_GONE)
    return tuple(reached)


def _has_won_more(before: Match, after: Match) -> bool:
    """Tell whether a team has won a round. Teams are told by their numbers: they may have changed seats."""
    was, now = before.teams, after.teams
    if was.left.rounds_won == now.left.rounds_won and was.right.rounds_won == now.right.rounds_won:
        return False  # as after nearly every event
    won_before = {team.number: team.rounds_won for team in was}
    return any(team.rounds_won > won_before[team.number] for team in now)


def leading_seat(match: Match) -> Seat:
    """Return the seat with more rounds won; the right one on a tie."""
    return Seat.LEFT if match.teams.left.rounds_won > match.teams.right.rounds_won else Seat.RIGHT
