"""Sees what an operator must see: what matches, clients and overlays are like right now.

Nothing here is told anything while events are taken in; it looks when somebody asks. Only the numbers of events are
sampled, once a second (`sample`), for rates.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from valo_ingest.clock import Clock
from valo_ingest.live.facts import Overview, Problem, RefusedFacts, ServerFacts, Severity, WaitingFacts
from valo_ingest.live.last_hour import LastHour
from valo_ingest.live.matches import LiveMatch
from valo_ingest.live.nearest import Nearest, nearest
from valo_ingest.live.portrait import Portraits
from valo_ingest.live.ports import Connections, Journal, Overlays, WatchingOverlay
from valo_ingest.live.problems import LATELY_MS
from valo_ingest.live.reasons import LOGONS, reason
from valo_ingest.live.scene import Matches, Scene

MAX_WAITING: Final = 20
"""Codes without a match that are told. Whoever opens overlays needs no key, so there may be any number."""

MAX_ADDRESSES: Final = 5


class Watch:
    """Looks at a running server."""

    def __init__(
        self,
        *,
        clock: Clock,
        matches: Matches,
        overlays: Overlays,
        connections: Connections,
        journal: Journal,
        refused: LastHour,
        server: ServerFacts,
        own_problems: Callable[[], Iterable[Problem]] = tuple,
    ) -> None:
        """
        Args:
            own_problems: Returns what is wrong with the server itself, but for its journal.
        """
        self._clock = clock
        self._matches = matches
        self._overlays = overlays
        self.portraits = Portraits(matches.activities, connections)
        self._journal = journal
        self._refused = refused
        self._server = server
        self._own_problems = own_problems
        self._nearest: dict[str, Nearest | None] = {}
        self._nearest_among: tuple[str, ...] = ()

    def sample(self) -> None:
        """Remember how many events each match has had. Call it once a second."""
        now = self._clock.now_ms()
        for live in self._matches.live_matches:
            live.chronicle.sample(now)

    def scene(self) -> Scene:
        """Return what `match` needs to look at matches."""
        now = self._clock.now_ms()
        return Scene(
            now, self._matches.auxiliaries, list(self._overlays.watching()), self._refused.latest(now)
        )

    # --- all matches ------------------------------------------------------------------------------------------

    @property
    def live_matches(self) -> Collection[LiveMatch]:
        return self._matches.live_matches

    @property
    def ended_matches(self) -> Collection[LiveMatch]:
        return self._matches.ended_matches

    def find(self, group_code: str, number: int | None = None) -> LiveMatch | None:
        """Return the match of a number, or else the latest of a group code; None if it is not in memory."""
        for live in (*self.live_matches, *reversed(tuple(self.ended_matches))):
            if live.number == number or (number is None and live.match.group_code == group_code):
                return live
        return None

    def overview(self, scene: Scene) -> Overview:
        """Return what concerns no single match."""
        journal = self._journal.health()
        waiting = self._waiting(scene)
        refused = tuple(self._refused_facts(scene.now))
        return Overview(
            at=scene.now,
            server=self._server,
            journal_fault=journal.fault,
            overlays=scene.watching,
            problems=(
                *_about_journal(journal.fault),
                *self._own_problems(),
                *_about_waiting(waiting),
                *self._about_logons(refused, scene.now),
            ),
            waiting=tuple(waiting[:MAX_WAITING]),
            more_waiting=max(0, len(waiting) - MAX_WAITING),
            refused=refused,
        )

    def _waiting(self, scene: Scene) -> list[WaitingFacts]:
        live = tuple(match.match.group_code for match in self.live_matches)
        shown = {*live, *(match.match.group_code for match in self.ended_matches)}
        if live != self._nearest_among:
            self._nearest, self._nearest_among = {}, live
        codes = sorted(
            (code for code in scene.overlays if code not in shown),
            key=lambda code: len(scene.overlays[code]),
            reverse=True,
        )
        return [
            self._waiting_facts(code, scene.overlays[code], live if index < MAX_WAITING else ())
            for index, code in enumerate(codes)
        ]

    def _waiting_facts(
        self, code: str, overlays: Collection[WatchingOverlay], live: tuple[str, ...]
    ) -> WaitingFacts:
        if live and code not in self._nearest:
            self._nearest[code] = nearest(code, live)
        meant = self._nearest.get(code)
        addresses = dict.fromkeys(overlay.address for overlay in overlays)
        return WaitingFacts(
            group_code=code,
            overlays=len(overlays),
            addresses=tuple(addresses)[:MAX_ADDRESSES],
            nearest=meant.group_code if meant else "",
            difference=meant.difference if meant else "",
        )

    def _refused_facts(self, now: int) -> Iterator[RefusedFacts]:
        for counted in self._refused.counts(now):
            known = reason(counted.code)
            yield RefusedFacts(
                code=counted.code,
                title=known.title,
                advice=known.advice,
                count=counted.count,
                latest=counted.latest,
                addresses=counted.addresses,
            )

    def _about_logons(self, refused: tuple[RefusedFacts, ...], now: int) -> Iterator[Problem]:
        for each in refused:
            latest = each.latest
            if each.code in LOGONS and now - latest.at < LATELY_MS:
                yield Problem(
                    code="refused_logon",
                    severity=Severity.WARNING,
                    text=_from(self._refused.addresses(each.code, now - LATELY_MS), each.title),
                    advice=each.advice,
                    since=latest.at,
                    group_code=latest.group_code,
                )


def _about_journal(journal_fault: str) -> Iterator[Problem]:
    if journal_fault:
        yield Problem(
            code="journal_failing",
            severity=Severity.ALARM,
            text=f"The journal cannot be written: {journal_fault}",
            advice="Free space on the disk of the data directory. Matches go on, but a restart now would lose events.",
        )


def _about_waiting(waiting: list[WaitingFacts]) -> Iterator[Problem]:
    for each in waiting[:MAX_WAITING]:
        meant = (
            f"The live code {each.nearest} {each.difference}." if each.nearest else "No live code is like it."
        )
        count = "An overlay waits" if each.overlays == 1 else f"{each.overlays} overlays wait"
        yield Problem(
            code="overlay_waits",
            severity=Severity.WARNING,
            text=f"{count} for {each.group_code}, which no match has",
            advice=f"{meant} Open the overlay with the code that the observer typed, or the reverse.",
            group_code=each.group_code,
        )


def _from(addresses: tuple[str, ...], title: str) -> str:
    """Return what was refused, with where it came from in front."""
    return f"From {', '.join(addresses)}: {title[0].lower()}{title[1:]}" if addresses else title
