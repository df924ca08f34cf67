"""Connections that are dead without anybody having said so, and what a client collects while it has none."""

import time

import pytest

from tests.e2e.messages import scoreboard
from tests.e2e.recorded import assert_in_order
from tests.e2e.running import eventually
from tests.e2e.stage import Stage, log_on, tell, wait_for_names
from tests.e2e.stage import code_fixture as code_fixture
from tests.e2e.stage import house_fixture as house_fixture
from tests.e2e.stage import shared_stage_fixture as shared_stage_fixture
from valo_ingest.wire.record import Kind

TRANSPORTS = [["polling", "websocket"], ["websocket"], ["polling"]]

COLLECTED = 200
"""Messages that a client collects while it has no connection. Engine.IO by itself takes 16 of them when it polls."""

PINGS = ("--ping-interval", "1", "--ping-timeout", "1")

NOTICED_S = 12
"""It takes 2 s with these pings, up to 3 s where the library looks at its clients in turn, and otherwise 45 s."""


@pytest.mark.parametrize("transports", TRANSPORTS[1:], ids="-".join)  # the first ends up as the second
def test_a_silent_connection_is_noticed(stage: Stage, code: str, transports: list[str]) -> None:
    stage.start(*PINGS)
    cable = stage.cable(stage.server.ingest_port)
    observer = stage.observe(code, over=cable, options={"transports": transports})
    log_on(observer)
    tell(observer, code, "match_start", code)
    overlay = stage.follow(code)
    overlay.wait_for("match_data", lambda document: document["isRunning"])

    cable.lets_in = False
    cable.blackhole()
    silent_at = time.monotonic()

    overlay.wait_for("match_data", lambda document: not document["isRunning"])
    took = time.monotonic() - silent_at
    assert took < NOTICED_S
    print(f"\n{'/'.join(transports)}: noticed after {took:.2f} s, with pings every 1 s and a timeout of 1 s")


@pytest.mark.parametrize("transports", TRANSPORTS[:2], ids="-".join)  # who polls tells by itself
def test_a_client_that_is_back_first_takes_the_place_of_its_old_connection(
    stage: Stage, code: str, transports: list[str]
) -> None:
    stage.start()  # with pings so rare that they play no role
    cable = stage.cable(stage.server.ingest_port)
    observer = stage.observe(code, over=cable, options={"transports": transports})
    log_on(observer)
    tell(observer, code, "match_start", code)
    overlay = stage.follow(code)
    overlay.wait_for("match_data", lambda document: document["isRunning"])

    for times in range(1, 4):
        cable.abandon_server()
        wait_for_names(observer, times + 1, "connect")
        tell(observer, code, "map", str(times))
        document = overlay.wait_for(
            "match_data", lambda document, wanted=str(times): document["map"] == wanted
        )
        assert document["isRunning"]

    record = stage.kept(code)
    assert record.told(Kind.OBSERVERS_GONE) == []  # somebody was always there
    assert record.told(Kind.OBSERVER_ON) == ["recovered"] * 3
    observer.disconnect()  # and nobody is now: the old connections do not count
    overlay.wait_for("match_data", lambda document: not document["isRunning"])


@pytest.mark.parametrize("transports", TRANSPORTS, ids="-".join)
def test_all_that_was_collected_without_a_connection_arrives_in_order(
    stage: Stage, code: str, transports: list[str]
) -> None:
    stage.start()
    cable = stage.cable(stage.server.ingest_port)
    observer = stage.observe(code, over=cable, options={"transports": transports})
    log_on(observer)
    eventually(lambda: observer.names().count("upgrade") == (len(transports) - 1), "the upgrade")

    cable.lets_in = False
    cable.cut()
    observer.wait_for("disconnect")
    for number in range(COLLECTED):
        board = scoreboard(f"P{number % 10}", money=number)
        tell(observer, code, "scoreboard", board, timestamp=number)
    cable.lets_in = True

    eventually(lambda: len(stage.kept(code).numbers()) >= COLLECTED, "everything has arrived")
    numbers = stage.kept(code).numbers()
    assert_in_order(numbers)
    assert len(numbers) == COLLECTED
