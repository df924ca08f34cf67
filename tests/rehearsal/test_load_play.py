from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from valo_ingest.game.reducer import apply
from valo_ingest.game.state import new_match
from valo_ingest.rehearsal.load.play import (
    OPENING_APART_MS,
    SKIPPED_MS,
    Lineup,
    Play,
    joined_late,
    simulated,
)
from valo_ingest.rehearsal.load.scenario import Limits, Scenario
from valo_ingest.rehearsal.load.sightings import expectation, registers
from valo_ingest.rehearsal.simulation.feed import Step
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.decode import decode_observer_message
from valo_ingest.wire.logons import decode_observer_logon
from valo_ingest.wire.overlay import document

START = Step(70_000, 0, "match_start", "old id")
BOARD = {"playerId": "P1", "money": 100}


def told(steps: Iterator[Step]) -> list[tuple[int, int, str, Any]]:
    return [(step.at_ms, step.sender, step.type, step.data) for step in steps]


def test_an_observer_that_comes_in_late_first_tells_how_things_stand() -> None:
    steps = [
        Step(100, 0, "map", "Ascent"),
        Step(200, 0, "roster", {"playerId": "P1", "locked": False}),
        Step(300, 0, "roster", {"playerId": "P2", "locked": False}),
        Step(400, 0, "roster", {"playerId": "P1", "locked": True}),
        Step(69_000, 0, "round_info", {"roundNumber": 1, "roundPhase": "shopping"}),
        START,
        Step(71_000, 0, "scoreboard", BOARD),
        Step(72_000, 1, "aux_health", 50),
        Step(73_000, 0, "killfeed", {}),
        Step(80_000, 0, "scoreboard", {**BOARD, "money": 200}),
        Step(80_500, 1, "aux_health", 40),
    ]

    found = told(joined_late(iter(steps), 10_000, "new id"))

    assert found == [
        (0, 0, "map", "Ascent"),
        (10, 0, "roster", {"playerId": "P1", "locked": True}),
        (20, 0, "roster", {"playerId": "P2", "locked": False}),
        (30, 0, "match_start", "new id"),
        (40, 0, "round_info", {"roundNumber": 1, "roundPhase": "shopping"}),
        (50, 0, "scoreboard", BOARD),
        (60, 0, "scoreboard", {**BOARD, "money": 200}),
        (560, 1, "aux_health", 40),
    ]
    assert OPENING_APART_MS == 10


def test_a_match_that_is_shorter_than_what_is_left_out_is_only_told_as_it_stands() -> None:
    assert told(joined_late(iter([START, Step(71_000, 0, "killfeed", {})]), 10_000, "new id")) == [
        (0, 0, "match_start", "new id")
    ]


def test_each_client_gets_its_own_part_in_order_whoever_asks_first() -> None:
    steps = [Step(at, sender, "x", at) for at, sender in ((0, 0), (1, 2), (2, 1), (3, 0), (4, 2))]
    play = Play("CODE", Lineup(match_id="M", player_ids=["P1", "P2"]), iter(steps), speed=1)

    def part(sender: int) -> list[int]:
        return [step.at_ms for step in iter(lambda: play.next_of(sender), None)]

    assert (part(2), part(0), part(1)) == ([1, 4], [0, 3], [2])


def test_a_match_is_played_at_its_speed() -> None:
    play = Play("CODE", Lineup(match_id="M"), iter(()), speed=4)
    play.begin(100.0)

    assert play.due_s(Step(2_000, 0, "x", None)) == 100.5


def make_scenario(mode: Any) -> Scenario:
    return Scenario(
        about="x", matches=1, auxiliaries=10, overlays=1, duration_s=5, limits=Limits(p99_ms=1), mode=mode
    )


def test_two_plays_of_the_same_seed_have_match_ids_of_their_own() -> None:
    one, other = (simulated(make_scenario("bomb"), "CODE", 1) for _ in range(2))

    assert one.lineup.match_id != other.lineup.match_id
    assert one.lineup.player_ids == other.lineup.player_ids


@pytest.mark.parametrize("mode", ["bomb", "swift"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_clients_of_a_simulated_match_send_can_be_looked_for(mode: str, seed: int) -> None:
    """Most of what an observer sends is told by the document right after it, as `sightings` says."""
    play = simulated(make_scenario(mode), "CODE", seed)
    lineup = play.lineup
    logon = {
        "type": "authenticate",
        "clientVersion": "0.3.24",
        "obsName": "O",
        "key": "",
        "groupCode": "CODE",
        "leftTeam": dict(lineup.left_team),
        "rightTeam": dict(lineup.right_team),
    }
    match = new_match(decode_observer_logon(logon, VersionRange(">=0.3.3")).setup)
    assert set(SKIPPED_MS) == {"bomb", "swift"}
    looked_for = shown = 0
    for step in islice(iter(lambda: play.next_of(0), None), 500):
        message = {"obsName": "O", "groupCode": "CODE", "type": step.type, "data": step.data}
        match = apply(match, decode_observer_message(message).event, step.at_ms)
        expected = expectation(step.type, step.data, "")
        if expected is not None:
            looked_for += 1
            shown += registers(document(match)).get(expected[0]) == expected[1]

    assert looked_for > 300
    assert shown > 0.98 * looked_for
