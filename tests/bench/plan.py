"""All scenarios by name, how large each is, and which limits it has to keep.

The limits are what valo-ingest has promised to keep; docs/performance.rst says where each comes from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.crowds import Churn, Idle, LogonStorm
from tests.bench.fanout import FanOut
from tests.bench.operated import Operated
from tests.bench.paced import Paced
from tests.bench.report import Limit
from tests.bench.saturation import Saturation
from tests.bench.scenario import Scenario


@dataclass(frozen=True)
class Planned:
    """A scenario, with a small one that shows quickly whether it works at all."""

    full: Scenario
    quick: Scenario | None = None
    limits: Sequence[Limit] = ()
    max_rounds: int | None = None
    """Where one more round would tell little and take long."""
    has_yardstick: bool = True
    """Whether it means anything for the yardstick."""
    looks_inside: bool = False
    """Whether valo-ingest has to tell what only it can know."""


PLAN: Final[Mapping[str, Planned]] = {
    "saturation-1x0": Planned(Saturation(matches=1, auxiliaries=0, events=100_000)),
    # As many events as a match of 24 rounds has.
    "saturation-1x10": Planned(Saturation(matches=1, auxiliaries=10, events=33_000)),
    "saturation-10x0": Planned(Saturation(matches=10, auxiliaries=0, events=200_000)),
    "saturation-10x10": Planned(
        Saturation(matches=10, auxiliaries=10, events=200_000),
        quick=Saturation(matches=10, auxiliaries=10, events=30_000),
        limits=[
            Limit("event_us", 1.5, is_ratio=True),
            Limit("event_us", 1.0, is_ratio=True, is_stretch=True),
        ],
    ),
    "saturation-50x0": Planned(Saturation(matches=50, auxiliaries=0, events=200_000)),
    "saturation-50x10": Planned(Saturation(matches=50, auxiliaries=10, events=200_000)),
    "recorded-pace": Planned(
        Paced(matches=50, auxiliaries=0, rate=57, seconds=20, mark_every=4, is_shown=True),
        limits=[Limit("event_us", 210)],
    ),
    "paced-1000": Planned(
        Paced(matches=10, auxiliaries=10, rate=1_000, seconds=10, mark_every=20),
        quick=Paced(matches=10, auxiliaries=10, rate=1_000, seconds=2, mark_every=20),
        limits=[Limit("p50_ms", 5), Limit("p99_ms", 25)],
    ),
    "paced-singles": Planned(Paced(matches=50, auxiliaries=10, rate=5_000, seconds=10, mark_every=50)),
    "fan-out-1": Planned(FanOut(overlays=1, rate=40, seconds=10)),
    "fan-out-50": Planned(
        FanOut(overlays=50, rate=40, seconds=10),
        quick=FanOut(overlays=50, rate=40, seconds=2),
        limits=[Limit("document_us", 0.1, is_ratio=True)],
    ),
    "fan-out-500": Planned(
        FanOut(overlays=500, rate=20, seconds=6),
        limits=[Limit("p50_ms", 100), Limit("peak_rss_mb", 300)],
    ),
    "operated": Planned(
        Operated(
            matches=200,
            auxiliaries=10,
            rate=1_000,
            seconds=5,
            pairs=5,
            pages=3,
            mark_every=4,
            warm_up_events=30_000,
        ),
        quick=Operated(
            matches=20, auxiliaries=2, rate=200, seconds=1, pairs=1, pages=3, mark_every=4, warm_up_events=600
        ),
        limits=[Limit("watched_ratio", 1.1), Limit("page_max_ms", 200)],
        has_yardstick=False,
    ),
    "logon-storm": Planned(
        LogonStorm(matches=100, clients=1_000),
        quick=LogonStorm(matches=10, clients=100),
    ),
    "idle": Planned(
        Idle(matches=50, clients=5_000, seconds=30),
        quick=Idle(matches=10, clients=200, seconds=2),
        limits=[Limit("client_kb", 60)],
        max_rounds=1,
    ),
    "come-and-go": Planned(
        Churn(matches=10, clients=1_000, at_once=100),
        limits=[Limit("left_connections", 0), Limit("left_files", 0), Limit("left_greenlets", 0)],
        max_rounds=1,
        has_yardstick=False,
        looks_inside=True,
    ),
}
