from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from valo_ingest import __version__
from valo_ingest.errors import CODES
from valo_ingest.live.measures import Histogram
from valo_ingest.live.ports import DiskState, JournalHealth
from valo_ingest.transport.metrics import Metrics, Sources
from valo_ingest.transport.server import GoodbyeServer
from valo_ingest.transport.tally import EventTally
from valo_ingest.wire.names import AuxiliaryType, ObserverType, SocketEvent

Labels = frozenset[tuple[str, str]]


def make_sources(**changes: Any) -> Any:
    """Return sources of a server in which nothing has happened, but for `changes`."""
    quiet: dict[str, Any] = {
        "matches": SimpleNamespace(running=0, standing_by=0),
        "refusals": SimpleNamespace(counts={}),
        "ingest": SimpleNamespace(
            tallies={
                SocketEvent.OBSERVER_DATA: EventTally(ObserverType),
                SocketEvent.AUXILIARY_DATA: EventTally(AuxiliaryType),
            },
            disconnects=Counter(),
            clients=Counter,
        ),
        "overlays": SimpleNamespace(disconnects=Counter(), clients=Counter),
        "publisher": SimpleNamespace(send_times=Histogram()),
        "audience": SimpleNamespace(owed={}, dropped=0),
        "journal": SimpleNamespace(commit_times=Histogram(), written=0),
        "admission": SimpleNamespace(open=0),
        "health": SimpleNamespace(
            journal=lambda: JournalHealth(fault="", waiting=0),
            disk=DiskState(free_bytes=5, fault=""),
            problems=list,
        ),
    }
    return Sources(**{**quiet, **changes})


def samples(sources: Any) -> dict[tuple[str, Labels], float]:
    """Return what Prometheus reads: by name and labels."""
    families = text_string_to_metric_families(Metrics(sources).text().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: dict[tuple[str, Labels], float], name: str, **labels: str) -> float:
    return found[f"valo_ingest_{name}", frozenset(labels.items())]


def test_a_quiet_server_tells_noughts_of_everything_that_can_happen() -> None:
    found = samples(make_sources())

    assert value(found, "info", version=__version__) == 1
    assert value(found, "matches") == 0
    assert value(found, "events_total", channel="obs_data", type="score", result="accepted") == 0
    assert value(found, "events_total", channel="aux_data", type="unknown", result="refused") == 0
    assert value(found, "refusals_total", code="not_json") == 0
    assert value(found, "disconnects_total", side="output", reason="ping_timeout") == 0
    assert value(found, "ready") == 1


def test_events_and_refusals_are_told_by_type_result_and_code() -> None:
    sources = make_sources(refusals=SimpleNamespace(counts={"not_json": 3, "a_code_of_somebody_else": 2}))
    tally = sources.ingest.tallies[SocketEvent.OBSERVER_DATA]
    tally.accept("score")
    tally.accept("score")
    tally.leave_aside("map")

    found = samples(sources)

    assert value(found, "events_total", channel="obs_data", type="score", result="accepted") == 2
    assert value(found, "events_total", channel="obs_data", type="map", result="left_aside") == 1
    assert value(found, "refusals_total", code="not_json") == 3
    assert value(found, "refusals_total", code="other") == 2


def test_connections_are_told_by_role_and_ends_by_reason() -> None:
    reason = GoodbyeServer.reason
    sources = make_sources(matches=SimpleNamespace(running=2, standing_by=1))
    sources.ingest.clients = lambda: Counter({"Observer": 3, "Auxiliary": 10, "": 1})
    sources.overlays.clients = lambda: Counter({"Follower": 4, "": 2})
    sources.ingest.disconnects[reason.PING_TIMEOUT] = 2
    sources.ingest.disconnects[reason.CLIENT_DISCONNECT] = 1
    sources.overlays.disconnects["a reason of a newer library"] = 1

    found = samples(sources)

    roles = {"observer": 2, "stand_by": 1, "auxiliary": 10, "overlay": 4, "not_logged_on": 3}
    assert {role: value(found, "connections", role=role) for role in roles} == roles
    assert value(found, "disconnects_total", side="ingest", reason="ping_timeout") == 2
    assert value(found, "disconnects_total", side="ingest", reason="client_goodbye") == 1
    assert value(found, "disconnects_total", side="output", reason="other") == 1


def test_durations_are_told_as_histograms() -> None:
    sources = make_sources()
    for seconds in (0.0004, 0.003, 0.003, 9):
        sources.publisher.send_times.observe(seconds)

    found = samples(sources)

    assert value(found, "emit_to_send_seconds_bucket", le="0.0005") == 1
    assert value(found, "emit_to_send_seconds_bucket", le="0.005") == 3
    assert value(found, "emit_to_send_seconds_bucket", le="+Inf") == 4
    assert value(found, "emit_to_send_seconds_count") == 4
    assert value(found, "emit_to_send_seconds_sum") == pytest.approx(9.0064)


def test_a_server_in_trouble_says_so() -> None:
    sources = make_sources(
        audience=SimpleNamespace(owed={"slow": {"A": 0}}, dropped=7),
        health=SimpleNamespace(
            journal=lambda: JournalHealth(fault="disk full", waiting=9),
            disk=DiskState(free_bytes=None, fault="Read-only file system"),
            problems=lambda: ["The journal cannot be written."],
        ),
    )

    found = samples(sources)

    assert value(found, "journal_failing") == 1
    assert value(found, "journal_entries_waiting") == 9
    assert value(found, "ready") == 0
    assert value(found, "overlays_waiting") == 1
    assert value(found, "documents_dropped_total") == 7
    assert ("valo_ingest_disk_free_bytes", frozenset()) not in found


def test_the_process_is_told_of_under_the_usual_names() -> None:
    found = samples(make_sources())

    assert found["process_cpu_seconds_total", frozenset()] > 0
    assert found["process_resident_memory_bytes", frozenset()] > 1_000_000
    assert found["process_start_time_seconds", frozenset()] > 1_600_000_000


def test_no_label_has_a_value_that_a_client_makes_up() -> None:
    sources = make_sources(refusals=SimpleNamespace(counts=dict.fromkeys(map(str, range(1_000)), 1)))
    for tally in sources.ingest.tallies.values():
        for number in range(1_000):
            tally.accept(f"made up {number}")
            tally.refuse(f"made up {number}")

    assert len(samples(sources)) == len(samples(make_sources())) < 200 + len(CODES)
