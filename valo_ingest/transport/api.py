"""The live state for scripts: JSON, and a feed of it.

The answers are the structs of `live.facts` as they are; README.rst describes them.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from valo_ingest.live.facts import MatchFacts, Overview, Report
from valo_ingest.transport.looks import Looks

WHOLE_EVENT: Final = b"data: %b\n\n"


class Api:
    """Reports what all matches are like, whole or what has changed."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self._told: dict[int, MatchFacts] = {}

    def whole(self) -> bytes:
        """Return all that is to be seen."""
        overview, matches = self._looks.whole()
        return msgspec.json.encode(_report(overview, matches, is_whole=True))

    def first_event(self) -> bytes:
        """Return the same as the first message of a feed."""
        return WHOLE_EVENT % self.whole()

    def changes(self) -> bytes:
        """Return the matches that have changed since the last call, those that just ended among them."""
        overview, matches = self._looks.whole()
        changed = [match for match in matches if self._told.get(match.number) != match]
        self._told = {match.number: match for match in matches}
        return msgspec.json.encode(_report(overview, changed, is_whole=False))

    def settle(self) -> None:
        """Nothing: a script is told everything when it comes."""


def _report(overview: Overview, matches: Sequence[MatchFacts], *, is_whole: bool) -> Report:
    return Report(
        at=overview.at,
        is_whole=is_whole,
        server=overview.server,
        journal_fault=overview.journal_fault,
        overlays=overview.overlays,
        problems=overview.problems,
        waiting=overview.waiting,
        more_waiting=overview.more_waiting,
        refused=overview.refused,
        matches=tuple(matches),
    )
