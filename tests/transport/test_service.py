from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.transport.test_metrics import make_sources
from valo_ingest import __version__
from valo_ingest.config import MetricsFor
from valo_ingest.live.ports import DiskState, JournalHealth
from valo_ingest.transport.health import State
from valo_ingest.transport.service import Service


class Answer:
    def __init__(self, service: Service, environ: dict[str, Any]) -> None:
        self.body = b"".join(service(environ, self._start))

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = int(status[:3]), dict(headers)

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class FakeHealth:
    def __init__(self) -> None:
        self.state = State.RUNNING
        self.disk = DiskState(free_bytes=5_000_000_000, fault="")
        self.told: list[str] = []
        self.journal_health = JournalHealth(fault="", waiting=0)

    def journal(self) -> JournalHealth:
        return self.journal_health

    def listening(self) -> dict[str, bool]:
        return {"ingest": True}

    def problems(self) -> list[str]:
        return self.told

    def warnings(self) -> list[str]:
        return []


class Fixture:
    def __init__(self, *, metrics_for: MetricsFor = "loopback") -> None:
        self.health = FakeHealth()
        self.passed_on: list[str] = []
        sources = make_sources(
            health=self.health,
            matches=SimpleNamespace(running=3, standing_by=0),
            refusals=SimpleNamespace(counts={"not_json": 1}),
            audience=SimpleNamespace(owed={"overlay": {"A": 0}}, dropped=7),
        )
        self.service = Service(self._inner, sources=sources, metrics_for=metrics_for)

    def _inner(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.passed_on.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [b"inner"]

    def ask(self, path: str, method: str = "GET", *, address: str = "127.0.0.1", **environ: str) -> Answer:
        return Answer(
            self.service, {"REQUEST_METHOD": method, "PATH_INFO": path, "REMOTE_ADDR": address, **environ}
        )


@pytest.fixture
def made() -> Fixture:
    return Fixture()


def test_a_server_that_is_well_is_alive_and_ready(made: Fixture) -> None:
    alive, ready = made.ask("/healthz"), made.ask("/readyz")

    assert (alive.status, ready.status) == (200, 200)
    assert alive.json == {
        "status": "ok",
        "version": __version__,
        "problems": [],
        "warnings": [],
        "matchesRunning": 3,
        "journal": {"fault": "", "entriesWaiting": 0},
        "disk": {"fault": "", "freeBytes": 5_000_000_000},
        "listening": {"ingest": True},
        "overlays": {"waiting": 1, "documentsDropped": 7},
        "refused": {"not_json": 1},
    }
    assert ready.json == {"ready": True, "problems": [], "warnings": []}


def test_a_server_whose_journal_fails_is_alive_and_not_ready(made: Fixture) -> None:
    made.health.journal_health = JournalHealth(fault="disk full", waiting=9)
    made.health.told = ["The journal cannot be written (disk full): 9 entries wait in memory."]

    alive, ready = made.ask("/healthz"), made.ask("/readyz")

    assert (alive.status, alive.json["status"]) == (200, "journal failing")
    assert alive.json["journal"] == {"fault": "disk full", "entriesWaiting": 9}
    assert (ready.status, ready.json["ready"]) == (503, False)
    assert ready.json["problems"] == made.health.told


@pytest.mark.parametrize("state", [State.STARTING, State.STOPPING])
def test_a_server_that_starts_or_stops_is_alive_and_not_ready(made: Fixture, state: State) -> None:
    made.health.state = state
    made.health.told = [f"The server is {state}."]

    alive, ready = made.ask("/healthz"), made.ask("/readyz")

    assert (alive.status, alive.json["status"]) == (200, state.value)
    assert ready.status == 503


def test_any_other_problem_is_told_in_a_word_and_in_a_sentence(made: Fixture) -> None:
    made.health.told = ["The output port is not listened on."]

    assert made.ask("/healthz").json["status"] == "not ready"
    assert made.ask("/healthz").json["problems"] == made.health.told


@pytest.mark.parametrize("path", ["/", "/status", "/healthz/", "/metricsX", "/nothing"])
def test_everything_else_is_passed_on(made: Fixture, path: str) -> None:
    assert made.ask(path).body == b"inner"
    assert made.passed_on == [path]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_methods_are_those_of_a_resource_that_is_read(made: Fixture, path: str) -> None:
    get, head = made.ask(path), made.ask(path, "HEAD")
    assert (head.status, head.body) == (get.status, b"")
    assert head.headers.keys() == get.headers.keys()

    assert made.ask(path, "OPTIONS").status == 204
    refused = made.ask(path, "POST")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET")
    assert made.passed_on == []


def test_health_is_for_pages_of_any_origin_and_metrics_are_not(made: Fixture) -> None:
    for path in ("/healthz", "/readyz"):
        assert made.ask(path).headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in made.ask("/metrics").headers


# --- metrics --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_metrics_are_for_this_machine(made: Fixture, address: str) -> None:
    answer = made.ask("/metrics", address=address)

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"valo_ingest_matches 3.0" in answer.body


@pytest.mark.parametrize("address", ["192.168.1.20", "::ffff:10.0.0.1", "fe80::1", "", "localhost"])
def test_metrics_are_for_nobody_else_unless_it_was_said(made: Fixture, address: str) -> None:
    refused = made.ask("/metrics", address=address)

    assert refused.status == 403
    assert "--metrics all" in refused.json["error"]
    assert Fixture(metrics_for="all").ask("/metrics", address=address).status == 200


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP"])
def test_who_comes_through_a_proxy_is_not_of_this_machine(made: Fixture, header: str) -> None:
    assert made.ask("/metrics", **{header: "127.0.0.1"}).status == 403


def test_metrics_can_be_off() -> None:
    answer = Fixture(metrics_for="off").ask("/metrics")

    assert answer.status == 404
    assert "--metrics off" in answer.json["error"]
