from typing import Any

import pytest

from tests.rehearsal.tapes import Line, logon, opening, phase, replay_file, stream, told
from valo_ingest.rehearsal.clients import CLIENT_VERSION
from valo_ingest.rehearsal.recordings import Recording, parse
from valo_ingest.rehearsal.steps import Step

START = 1_723_602_005_093
"""When the .replay files were made (epoch ms)."""

HEADER: Line = {
    "serverVersion": "0.2.30",
    "clientVersion": "0.3.7",
    "obsName": "Caster#OBS",
    "groupCode": "OLDONE",
    "groupSecret": "SECRETSECRET",
    "leftTeam": {"name": "Alder", "tricode": "ALD", "url": "", "attackStart": False},
    "rightTeam": {"name": "Birch", "tricode": "BIR", "url": "", "attackStart": True},
    "toolsData": {"timeoutDuration": 30},
    "logStartTime": START - 5,
}


def message(at_ms: int, kind: str, data: Any = True, **changes: Any) -> Line:
    return {
        "obsName": "Caster#OBS",
        "groupCode": "OLDONE",
        "type": kind,
        "data": data,
        "timestamp": START + at_ms,
        **changes,
    }


def auxiliary(at_ms: int, player_id: str, kind: str = "aux_health", data: Any = 55) -> Line:
    return {
        "playerId": player_id,
        "matchId": "M",
        "type": kind,
        "data": data,
        "timestamp": START + at_ms,
    }


def steps(*values: Line) -> tuple[Step, ...]:
    return parse(replay_file(*values)).steps


def times(found: Recording) -> list[int]:
    return [step.at_ms for step in found.steps]


# --- streams: times -------------------------------------------------------------------------------------------


def test_time_counts_from_the_first_line_and_never_runs_backwards() -> None:
    lines = [logon(5_000), told(6_000, "map"), told(5_500, "map"), told(7_000, "map")]

    assert times(parse(stream(*lines))) == [0, 1_000, 1_000, 2_000]


def test_a_line_without_a_time_is_with_the_one_before() -> None:
    lines = [logon(), told(1_000, "map"), told(0, "map")]
    del lines[2]["at_ms"]

    assert times(parse(stream(*lines))) == [0, 1_000, 1_000]


def test_a_line_that_was_held_delays_all_after_it() -> None:
    held = {**told(1_100, "map"), "hold": {"step": 1, "ms": 3_000}}
    lines = [logon(), told(1_000, "map"), held, told(1_200, "map")]

    assert times(parse(stream(*lines))) == [0, 1_000, 4_000, 4_100]


@pytest.mark.parametrize(
    "hold", [True, {}, {"step": 9, "ms": 5}, {"step": -1, "ms": 5}, {"step": 0}, {"step": 0, "ms": -1}]
)
def test_a_hold_that_makes_no_sense_holds_nothing(hold: Any) -> None:
    assert times(parse(stream(logon(), {**told(100, "map"), "hold": hold}))) == [0, 100]


def test_a_sleep_is_a_pause_and_no_step() -> None:
    sleep = {"channel": "sleep", "client": "-", "payload": {"ms": 2_000}, "at_ms": 100}
    asked = {
        "channel": "http",
        "client": "-",
        "payload": {"method": "GET", "path": "/status"},
        "at_ms": 9_000,
    }

    found = parse(stream(logon(), sleep, told(200, "map"), asked))

    assert times(found) == [0, 2_100]
    assert found.left_out == 2
    assert found.duration_ms == 10_900


# --- .replay files --------------------------------------------------------------------------------------------


def test_the_header_of_a_replay_file_is_the_logon_without_its_secret() -> None:
    first = steps(HEADER, message(0, "map", "Ascent"))[0]

    assert first.is_made_up
    assert first.payload == {
        **{name: HEADER[name] for name in ("clientVersion", "obsName", "groupCode")},
        **{name: HEADER[name] for name in ("leftTeam", "rightTeam", "toolsData")},
        "type": "authenticate",
        "key": "",
        "groupSecret": "",
    }


def test_messages_of_a_replay_file_lose_the_time_that_the_server_wrote_into_them() -> None:
    _, first, second = steps(HEADER, message(0, "map", "Ascent"), message(1_500, "score"))

    assert (first.at_ms, second.at_ms) == (0, 1_500)
    assert "timestamp" not in first.payload


@pytest.mark.parametrize("header", [{}, {"version": "v0.0.0"}, {"clientVersion": 3, "leftTeam": "Alder"}])
def test_what_an_old_header_leaves_out_is_made_up(header: Line) -> None:
    first, second = steps(header, message(0, "map", "Ascent"))

    assert first.payload["groupCode"] == second.payload["groupCode"] == "OLDONE"
    assert first.payload["clientVersion"] == CLIENT_VERSION
    assert first.payload["leftTeam"]["attackStart"] is not first.payload["rightTeam"]["attackStart"]


def test_every_player_that_sends_for_himself_is_a_client() -> None:
    found = steps(
        HEADER,
        message(0, "roster", {"playerId": "p", "name": "Pine", "tagline": "EUW"}),
        auxiliary(1, "p"),
        auxiliary(2, "q"),
        auxiliary(3, "p"),
        {"playerId": "q", "matchId": "M", "type": "of_tomorrow", "data": 1},
    )

    sent = [(step.client, step.kind) for step in found]
    assert sent == [
        ("obs", "obs_logon"),
        ("obs", "roster"),
        ("aux:1", "aux_logon"),
        ("aux:1", "aux_health"),
        ("aux:2", "aux_logon"),
        ("aux:2", "aux_health"),
        ("aux:1", "aux_health"),
        ("aux:2", "of_tomorrow"),
    ]
    assert found[2].payload == {
        "type": "aux_authenticate",
        "clientVersion": "0.3.7",
        "name": "Pine#EUW",
        "matchId": "M",
        "playerId": "p",
    }


def test_an_auxiliary_client_before_everything_else_leaves_the_logon_to_the_header() -> None:
    found = steps(HEADER, auxiliary(0, "p"))

    assert [step.kind for step in found] == ["obs_logon", "aux_logon", "aux_health"]
    assert found[0].payload["groupCode"] == "OLDONE"


def test_a_second_header_is_damage() -> None:
    found = parse(replay_file(HEADER, message(0, "map", "Ascent"), HEADER, message(1, "map", "Port")))

    assert [fault.line for fault in found.faults] == [3]
    assert len(found.steps) == 3


def test_messages_of_old_clients_are_read_in_the_spelling_of_today() -> None:
    old = {"initialShield": 2, "money": 800}
    name = {"obsName": None, "playerName": "Old#Name"}
    called = {key: value for key, value in message(0, "map", "Ascent", **name).items() if value is not None}

    found = parse(
        replay_file(
            {"version": "v0.0.0"}, called, message(1, "scoreboard", old), message(2, "match_start", True)
        )
    )

    assert found.modernized == 3
    assert found.steps[0].payload["obsName"] == found.steps[1].payload["obsName"] == "Old#Name"
    assert found.steps[2].payload["data"] == {"initialArmor": 2, "money": 800}
    assert found.steps[3].payload["data"] == "match"


def test_messages_of_today_are_left_as_they_are() -> None:
    today = [
        message(0, "scoreboard", {"initialArmor": 2, "initialShield": 1}),
        message(1, "match_start", "id"),
    ]

    found = parse(replay_file(HEADER, *today))

    assert found.modernized == 0
    assert [step.payload["data"] for step in found.steps[1:]] == [line["data"] for line in today]


def test_a_round_is_told_by_an_observer_who_can_be_read() -> None:
    odd = told(0, "round_info", {"roundNumber": True, "roundPhase": "combat"})

    found = parse(stream(*opening(), odd, phase(2_000, 3, "combat")))

    rounds = [told_round for step in found.steps if (told_round := step.round_info()) is not None]
    assert rounds == [(1, "shopping"), (3, "combat")]
