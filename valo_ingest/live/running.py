"""The matches that are live, and how each is found."""

from collections.abc import Sequence

from valo_ingest.errors import NotPossible
from valo_ingest.live.matches import LiveMatch


class LiveMatches:
    """Finds the matches that are live. Both dictionaries stay the same ones, so whoever is in a hurry may hold them."""

    def __init__(self) -> None:
        self.by_group_code: dict[str, LiveMatch] = {}
        """All of them, the oldest first."""
        self.by_match_id: dict[str, list[LiveMatch]] = {}
        """As of the last `index`. A match that has not started has no match id, and is not here."""

    def index(self) -> None:
        """Have matches found by the match ids that they have now. To be called when one has changed, or is gone."""
        self.by_match_id.clear()
        for live in self.by_group_code.values():
            if live.match.match_id:
                self.by_match_id.setdefault(live.match.match_id, []).append(live)

    def with_match_id(self, match_id: str) -> Sequence[LiveMatch]:
        return self.by_match_id.get(match_id, ())

    def numbered(self, number: int) -> LiveMatch:
        """Return the match of a number.

        Raises:
            NotPossible: It is over.
        """
        for live in self.by_group_code.values():
            if live.number == number:
                return live
        raise NotPossible("That match is over.")


def codes_of(lives: Sequence[LiveMatch]) -> str:
    """Return the group codes of matches as they are logged."""
    return ",".join(live.match.group_code for live in lives)
