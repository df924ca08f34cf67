import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CommandLine
from tests.rehearsal.tapes import (
    Line,
    auxiliary_logon,
    gone,
    opening,
    phase,
    replay_file,
    reported,
    score,
    stream,
    told,
)
from valo_ingest.cli.inspect import duration
from valo_ingest.cli.scoreboard import columns

WHOLE = [
    *opening(),
    auxiliary_logon(2_000, "P"),
    reported(3_000, "P", "aux_health", 55),
    reported(3_100, "P", "aux_health", 45),
    phase(40_000, 1, "combat"),
    score(90_000, 1, 0),
    told(91_000, "of_tomorrow"),
    told(92_000, "score", {"team_0": 1}),
    phase(3_700_000, 2, "game_end"),
    told(3_700_100, "map", "Port"),
]


def inspected(valo_ingest: CommandLine, *lines: Line, arguments: tuple[str, ...] = ()) -> str:
    Path("match.jsonl").write_text(stream(*lines), encoding="utf-8")
    result = valo_ingest("inspect", "match.jsonl", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_a_recording_is_told_for_people(valo_ingest: CommandLine) -> None:
    assert inspected(valo_ingest, *WHOLE) == (
        """\
match.jsonl
stream, 1:01:40, 1 observer, 1 auxiliary client

FINALS   Left Team 1 : 0 Right Team   Ascent, bomb, 2 rounds, ended
  Left Team: Player P
  Right Team: Player Q

events                              count  median/s  peak/s
round_info                              3         1       1
aux_health                              2         2       2
map                                     2         1       1
roster                                  2         2       2
score                                   2         1       1
match_start                             1         1       1
of_tomorrow                             1         1       1
all events                             13         1       4

A server accepts 13 events and logons, and refuses 1.
  invalid_field 1, the first in line 13, score: The score event was dropped: the score of team 1 is missing.
Accepted, and without effect: unknown_type 1.
Not sent: 1 event of clients that the server has let go before.
No line is damaged.
"""
    )


def test_a_match_that_goes_on_is_told_with_its_phase(valo_ingest: CommandLine) -> None:
    text = inspected(valo_ingest, *opening(), phase(2_000, 1, "combat"))

    assert "Ascent, bomb, 1 round, left in combat\n" in text


def test_scripts_get_one_object(valo_ingest: CommandLine) -> None:
    found = json.loads(inspected(valo_ingest, *WHOLE, arguments=("--json",)))

    assert found == {
        "file": "match.jsonl",
        "format": "stream",
        "durationMs": 3_700_100,
        "observers": 1,
        "auxiliaries": 1,
        "matches": [
            {
                "groupCode": "FINALS",
                "matchId": "id-of-the-match",
                "map": "Ascent",
                "mode": "bomb",
                "rounds": 2,
                "phase": "game_end",
                "hasEnded": True,
                "teams": [
                    {"name": "Left Team", "tricode": "LFT", "roundsWon": 1, "players": ["Player P#EU"]},
                    {"name": "Right Team", "tricode": "RGT", "roundsWon": 0, "players": ["Player Q#EU"]},
                ],
            }
        ],
        "events": {
            kind: {"count": count, "medianPerSecond": median, "peakPerSecond": peak}
            for kind, count, median, peak in (
                ("round_info", 3, 1, 1),
                ("aux_health", 2, 2, 2),
                ("map", 2, 1, 1),
                ("roster", 2, 2, 2),
                ("score", 2, 1, 1),
                ("match_start", 1, 1, 1),
                ("of_tomorrow", 1, 1, 1),
            )
        },
        "allEvents": {"count": 13, "medianPerSecond": 1, "peakPerSecond": 4},
        "accepted": 13,
        "refused": {
            "invalid_field": {
                "count": 1,
                "firstLine": 13,
                "type": "score",
                "detail": "The score event was dropped: the score of team 1 is missing.",
            }
        },
        "withoutEffect": {"unknown_type": 1},
        "notSent": 1,
        "modernized": 0,
        "damagedLines": [],
    }


def test_damaged_lines_and_old_spellings_are_told(valo_ingest: CommandLine) -> None:
    old: Any = {"playerName": "Old", "groupCode": "A", "type": "map", "data": "Ascent"}
    Path("match.replay").write_text(replay_file({"version": "v0.0.0"}, old, old) + ",\n{half")

    text = valo_ingest("inspect", "match.replay").stdout
    found = json.loads(valo_ingest("inspect", "match.replay", "--json").stdout)

    assert ".replay file, 0:00, 1 observer, 0 auxiliary clients\n" in text
    assert "Read in today's spelling: 2 messages of old clients.\n" in text
    assert "Damaged lines, left out: 1.\n  line 4: it is not JSON\n" in text
    assert found["modernized"] == 2
    assert found["damagedLines"] == [{"line": 4, "what": "it is not JSON"}]


def test_whatever_names_hold_it_is_lines_that_fit(valo_ingest: CommandLine) -> None:
    evil = "\x1b[2J\n" + "猫" * 300
    lines = [*opening(), told(9, evil, evil), told(10, "map", evil), phase(11, 1, evil)]
    lines[0]["payload"] |= {"leftTeam": {"name": evil, "attackStart": True}}

    text = inspected(valo_ingest, *lines)

    assert "\x1b" not in text
    assert max(columns(line) for line in text.splitlines()) <= 200


def test_a_recording_of_logons_only_has_no_rates(valo_ingest: CommandLine) -> None:
    text = inspected(valo_ingest, *opening()[:1], gone(5))
    found = json.loads(valo_ingest("inspect", "match.jsonl", "--json").stdout)

    assert "No event is in it.\n" in text
    assert (found["events"], found["allEvents"]) == ({}, None)


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0:00"), (59_999, "0:59"), (60_000, "1:00"), (3_600_000, "1:00:00")]
)
def test_durations_are_told_like_on_a_clock(ms: int, text: str) -> None:
    assert duration(ms) == text
