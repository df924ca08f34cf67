import logging

import pytest

from valo_ingest.live.ports import DiskState, JournalHealth
from valo_ingest.transport.health import FULL_BYTES, LOOK_EVERY_S, LOW_BYTES, MEGABYTE, Health, State

PLENTY = 50_000 * MEGABYTE


class FakeJournal:
    def __init__(self, world: "World") -> None:
        self._world = world

    def health(self) -> JournalHealth:
        return self._world.journal_health


class World:
    """A server that is well, until a test says otherwise."""

    def __init__(self) -> None:
        self.journal_health = JournalHealth(fault="", waiting=0)
        self.disk_state = DiskState(free_bytes=PLENTY, fault="")
        self.listening = {"ingest": True, "output": True, "extras": True}
        self.looks = 0
        self.now = 0.0
        self.health = Health(
            journal=FakeJournal(self), disk=self, listening=lambda: self.listening, now=lambda: self.now
        )
        self.health.state = State.RUNNING

    def look(self) -> DiskState:
        self.looks += 1
        return self.disk_state

    def set_free(self, free_bytes: int) -> None:
        self.disk_state = DiskState(free_bytes=free_bytes, fault="")
        self.now += LOOK_EVERY_S
        self.health.look()


@pytest.fixture
def world() -> World:
    return World()


def test_a_server_that_is_well_has_no_problems(world: World) -> None:
    assert world.health.problems() == world.health.warnings() == []


@pytest.mark.parametrize("state", [State.STARTING, State.STOPPING])
def test_a_server_that_starts_or_stops_is_not_ready(world: World, state: State) -> None:
    world.health.state = state
    world.listening = {"ingest": False}

    assert world.health.problems() == [f"The server is {state}."]


def test_a_port_that_is_not_listened_on_is_a_problem(world: World) -> None:
    world.listening["output"] = False

    assert world.health.problems() == ["The output port is not listened on."]


def test_a_failing_journal_is_a_problem(world: World) -> None:
    world.journal_health = JournalHealth(fault="database or disk is full", waiting=7)

    assert world.health.problems() == [
        "The journal cannot be written (database or disk is full): 7 entries wait in memory."
    ]


def test_a_data_directory_that_cannot_be_written_is_a_problem(world: World) -> None:
    world.disk_state = DiskState(free_bytes=None, fault="Read-only file system")

    assert world.health.problems() == ["The data directory cannot be written: Read-only file system."]
    assert world.health.warnings() == []


@pytest.mark.parametrize(
    ("free_bytes", "problems", "warnings"),
    [(LOW_BYTES, 0, 0), (LOW_BYTES - 1, 0, 1), (FULL_BYTES, 0, 1), (FULL_BYTES - 1, 1, 0), (0, 1, 0)],
)
def test_little_room_is_warned_of_and_no_room_is_a_problem(
    world: World, free_bytes: int, problems: int, warnings: int
) -> None:
    world.set_free(free_bytes)

    assert (len(world.health.problems()), len(world.health.warnings())) == (problems, warnings)


def test_however_many_ask_the_disk_is_looked_at_once_a_second(world: World) -> None:
    for _ in range(40):
        world.health.problems()
        world.health.warnings()
        world.now += LOOK_EVERY_S / 4

    assert world.looks == 10


def test_the_log_says_when_the_disk_becomes_worse_or_better(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for free_bytes in (PLENTY, LOW_BYTES - 1, LOW_BYTES - 2, FULL_BYTES - 1, FULL_BYTES - 2, PLENTY, PLENTY):
        world.set_free(free_bytes)

    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR", "INFO"]
