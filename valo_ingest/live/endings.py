"""What is remembered of matches that ended, for a while."""

from collections.abc import Collection
from typing import Final

from valo_ingest.game import milestones
from valo_ingest.game.state import GAME_END
from valo_ingest.live.matches import LiveMatch, Result

MAX_ENDED: Final = 100
"""Matches that ended and are still looked at from memory; the others are in the archive."""


class Endings:
    """Remembers how matches ended, and when."""

    def __init__(self) -> None:
        self._results: dict[str, tuple[int, Result]] = {}
        """When the last match of a code ended that came to its end, and how."""
        self._ended_at: dict[str, int] = {}
        """When the last match of a code ended, in whatever way."""
        self._matches: dict[int, LiveMatch] = {}
        """By their numbers."""

    @property
    def matches(self) -> Collection[LiveMatch]:
        """Return matches that ended lately, the oldest first."""
        return self._matches.values()

    def result(self, group_code: str) -> Result | None:
        """Return how the last match of that code ended, if it came to its end not too long ago."""
        _, result = self._results.get(group_code, (0, None))
        return result

    def remember(self, live: LiveMatch, at: int) -> None:
        """A match has ended at `at` (epoch ms)."""
        match = live.match
        live.ended_at = at
        self._matches[live.number] = live
        while len(self._matches) > MAX_ENDED:
            del self._matches[next(iter(self._matches))]
        self._ended_at[match.group_code] = at
        if match.phase == GAME_END:
            result = Result(
                teams=match.teams.map(lambda team: team.setup),
                leading_seat=milestones.leading_seat(match),
                settings=match.presentation.settings,
                is_supporter=live.opened_by.is_supporter,
            )
            self._results[match.group_code] = (at, result)

    def forget_before(self, instant: int) -> Collection[str]:
        """Forget what ended until `instant` (epoch ms); return the codes of which no later end is known."""
        for group_code in [code for code, (at, _) in self._results.items() if at <= instant]:
            del self._results[group_code]
        for number in [number for number, live in self._matches.items() if (live.ended_at or 0) <= instant]:
            del self._matches[number]
        forgotten = [code for code, at in self._ended_at.items() if at <= instant]
        for group_code in forgotten:
            del self._ended_at[group_code]
        return forgotten
