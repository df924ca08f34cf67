from datetime import UTC, datetime, timedelta

import pytest

from tests.rehearsal.pretenders import DAY
from tests.transport.test_health import World
from valo_ingest.live.facts import Problem, Severity
from valo_ingest.live.ports import DiskState
from valo_ingest.transport.health import FULL_BYTES, LOW_BYTES, State
from valo_ingest.transport.tls import Validity
from valo_ingest.transport.troubles import EXPIRES_SOON, own_problems

NOW = datetime.now(UTC)


def problems(world: World, certificate: Validity | None = None) -> list[Problem]:
    return list(own_problems(world.health, certificate, int(NOW.timestamp() * 1_000)))


@pytest.fixture
def world() -> World:
    return World()


def test_a_server_that_is_well_has_none(world: World) -> None:
    assert problems(world) == []


@pytest.mark.parametrize(
    ("disk", "code", "severity", "text"),
    [
        (DiskState(None, "Read-only file system"), "disk_failing", Severity.ALARM, "Read-only file system"),
        (DiskState(FULL_BYTES - 1, ""), "disk_full", Severity.ALARM, "is full: less than 100 MB are left"),
        (DiskState(LOW_BYTES - 1, ""), "disk_low", Severity.WARNING, "less than 1,000 MB are left"),
    ],
)
def test_the_disk(world: World, disk: DiskState, code: str, severity: Severity, text: str) -> None:
    world.disk_state = disk

    (problem,) = problems(world)
    assert (problem.code, problem.severity) == (code, severity)
    assert text in problem.text
    assert problem.advice


def test_a_disk_that_fills_slowly_stays_the_same_problem(world: World) -> None:
    world.disk_state = DiskState(LOW_BYTES - 1, "")
    before = problems(world)
    world.set_free(LOW_BYTES - 50_000_000)

    assert problems(world) == before


def test_a_port_that_is_not_listened_on(world: World) -> None:
    world.listening["output"] = False
    assert [problem.text for problem in problems(world)] == ["The output port is not listened on"]

    world.health.state = State.STOPPING  # then none is
    assert problems(world) == []


@pytest.mark.parametrize(
    ("starts", "ends", "code", "severity"),
    [
        (-2 * DAY, -DAY, "certificate_expired", Severity.ALARM),
        (DAY, 9 * DAY, "certificate_not_yet_valid", Severity.ALARM),
        (-DAY, EXPIRES_SOON - DAY, "certificate_expires", Severity.WARNING),
        (-DAY, EXPIRES_SOON + DAY, None, None),
    ],
)
def test_the_certificate(
    world: World,
    starts: timedelta,
    ends: timedelta,
    code: str | None,
    severity: Severity | None,
) -> None:
    valid = Validity(NOW + starts, NOW + ends)

    found = [(problem.code, problem.severity) for problem in problems(world, valid)]
    assert found == ([(code, severity)] if code else [])
