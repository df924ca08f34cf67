"""What is in a recording, without a server: matches, events and their rates, and what a server would refuse."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from valo_ingest.game.state import Match
from valo_ingest.rehearsal.offline import ACCEPTED, NOT_SENT, OfflineServer
from valo_ingest.rehearsal.recordings import Recording
from valo_ingest.rehearsal.steps import DATA, Channel, Step
from valo_ingest.wire.compat import VersionRange

SECOND_MS: Final = 1000

ALL: Final = "all events"


class Rate(Struct, frozen=True, kw_only=True):
    """How often events came. The median is over the seconds in which any did."""

    count: int
    median_per_s: float
    peak_per_s: int


class Refusal(Struct, frozen=True, kw_only=True):
    """Why how much was refused, and what was wrong with the first."""

    count: int
    line: int
    kind: str
    detail: str


class Inspection(Struct, frozen=True, kw_only=True):
    """What is in a recording."""

    recording: Recording
    observers: int
    auxiliaries: int
    matches: tuple[Match, ...]
    """As they were in the end."""
    rates: Mapping[str, Rate]
    """By type, the most frequent first; `ALL` is their sum."""
    accepted: int
    refused: Mapping[str, Refusal]
    """By reason. Logons are counted as well as messages."""
    not_sent: int
    """Messages of clients that have no connection, since the server let them go."""
    in_vain: Mapping[str, int]
    """Messages that are accepted and change nothing, by reason."""


def inspect(recording: Recording, accepted_versions: VersionRange) -> Inspection:
    """Return what is in a recording, and what a server that lets those client versions in makes of it."""
    server = OfflineServer(accepted_versions)
    judged: Counter[str] = Counter()
    in_vain: Counter[str] = Counter()
    first: dict[str, tuple[Step, str]] = {}
    for step in recording.steps:
        verdict = server.take(step, step.at_ms)
        if step.channel is Channel.DISCONNECT:
            continue
        judged[verdict.code] += 1
        first.setdefault(verdict.code, (step, verdict.detail))
        if verdict.in_vain:
            in_vain[verdict.in_vain] += 1
    server.pass_time(recording.duration_ms)
    return Inspection(
        recording=recording,
        observers=_clients(recording, Channel.OBSERVER_LOGON),
        auxiliaries=_clients(recording, Channel.AUXILIARY_LOGON),
        matches=(*server.earlier_matches, *server.matches.values()),
        rates=rates((step.kind, step.at_ms) for step in recording.steps if step.channel in DATA),
        accepted=judged[ACCEPTED],
        refused={
            code: Refusal(
                count=count, line=first[code][0].line, kind=first[code][0].kind, detail=first[code][1]
            )
            for code, count in judged.most_common()
            if code not in (ACCEPTED, NOT_SENT)
        },
        not_sent=judged[NOT_SENT],
        in_vain=dict(in_vain),
    )


def _clients(recording: Recording, channel: Channel) -> int:
    return len({step.client for step in recording.steps if step.channel is channel})


def rates(events: Iterable[tuple[str, int]]) -> dict[str, Rate]:
    """Return how often events of each type came, from the type and time (ms) of each; the most frequent first."""
    per_second: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for kind, at_ms in events:
        for name in (ALL, kind):
            per_second[name][at_ms // SECOND_MS] += 1
    found = {name: _rate(seconds.values()) for name, seconds in per_second.items()}
    return dict(sorted(found.items(), key=lambda item: (item[0] == ALL, -item[1].count, item[0])))


def _rate(seconds: Iterable[int]) -> Rate:
    counted = list(seconds)
    return Rate(count=sum(counted), median_per_s=statistics.median(counted), peak_per_s=max(counted))


def rounds_of(match: Match) -> int:
    """Return how many rounds of a match were begun."""
    return max(match.round_number, match.last_begun_round, 0)
