import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.cli.conftest import CommandLine
from tests.storage import kept
from tests.storage.kept import ENTRIES, GAME_END, START, KeptMatches, make_opening, match_after
from valo_ingest import app
from valo_ingest.cli import scoreboard
from valo_ingest.storage.archive import DAY_MS, Archive
from valo_ingest.storage.tables import FILE_NAME
from valo_ingest.wire.overlay import document
from valo_ingest.wire.record import KeyHolder

WHOLE = (*ENTRIES, GAME_END)

CREW = KeyHolder(key_name="crew a", organization="Crew")

EVIL_CODES = ("../../evil", "/etc/passwd", "a'b\"c", "line\nbreak", "\x1b[2J\x9b1m", "-rf", "--yes")


@pytest.fixture
def matches() -> KeptMatches:
    """A journal in the directory `data`."""
    return KeptMatches(Path("data"))


def run(valo_ingest: CommandLine, *arguments: str, status: int = 0) -> str:
    """Return what `valo-ingest matches` prints; where it fails, the one line that says why."""
    result = valo_ingest("matches", arguments[0], "--data-dir", "data", *arguments[1:])
    assert result.exit_code == status, result.output
    if status == 0:
        assert result.stderr == ""
        return result.stdout
    assert result.stderr.startswith(("Error: ", "Usage: "))
    if status == 1:
        assert result.stderr.count("\n") == 1
    return result.stderr


# --- where the matches are ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [["--data-dir", "data"], ["--lan", "data"], ["--lan", "data", "--ingest-port", "1"]]
)
def test_flags_of_the_server_name_the_directory(
    valo_ingest: CommandLine, matches: KeptMatches, arguments: list[str]
) -> None:
    matches.keep()

    assert "FINALS" in valo_ingest("matches", "list", *arguments).stdout


def test_the_environment_and_the_env_file_name_the_directory(
    valo_ingest: CommandLine, matches: KeptMatches
) -> None:
    matches.keep()
    Path(".env").write_text("VALO_INGEST_DATA_DIR=data\n")
    assert "FINALS" in valo_ingest("matches", "list").stdout

    valo_ingest.environment["VALO_INGEST_DATA_DIR"] = "elsewhere"
    assert "No match is kept in elsewhere." in valo_ingest("matches", "list").stdout


def test_a_broken_env_file_is_a_mistake_of_the_operator(valo_ingest: CommandLine) -> None:
    Path(".env").write_text("broken line\n")

    assert valo_ingest("matches", "list").exit_code == 2


def test_other_settings_are_not_in_the_way_of_the_help(valo_ingest: CommandLine) -> None:
    text = valo_ingest("matches", "export", "--help").stdout

    assert "--data-dir" in text
    assert "--lan" in text
    assert "--ingest-port" not in text
    assert "--auth-key" not in text


@pytest.mark.parametrize("name", ["YES", "OUTPUT", "FORMAT", "LIVE", "OLDER_THAN", "JSON"])
def test_no_variable_answers_for_the_operator(
    valo_ingest: CommandLine, matches: KeptMatches, name: str
) -> None:
    matches.keep()
    valo_ingest.environment[f"VALO_INGEST_{name}"] = "1"

    assert valo_ingest("matches", "delete", "FINALS", "--data-dir", "data").exit_code == 1
    assert "FINALS" in run(valo_ingest, "list")


def test_a_directory_without_a_journal_is_no_error_and_stays_as_it_is(valo_ingest: CommandLine) -> None:
    assert "No match is kept in data." in run(valo_ingest, "list")
    assert run(valo_ingest, "list", "--json") == "[]\n"
    assert "No match 'FINALS' is kept here." in run(valo_ingest, "show", "FINALS", status=1)
    assert not Path("data").exists()


@pytest.mark.parametrize("command", [["list"], ["show", "A"], ["export", "A"], ["delete", "A", "--yes"]])
def test_a_damaged_journal_is_one_line(valo_ingest: CommandLine, command: list[str]) -> None:
    Path("data").mkdir()
    (Path("data") / FILE_NAME).write_bytes(b"no database " * 1_000)

    assert "The journal in data cannot be read" in run(valo_ingest, *command, status=1)


# --- list -----------------------------------------------------------------------------------------------------


def test_the_list_tells_of_each_match_what_it_is(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    matches.keep(replace(make_opening("SEMIS"), opened_by=CREW))
    matches.keep(entries=ENTRIES[:8], ended_at=None)

    head, semis, finals = run(valo_ingest, "list").splitlines()

    assert " ".join(head.split()) == "# GROUP CODE STATE SCORE MAP STARTED ENDED ENTRIES KEY"
    started, ended = scoreboard.local_time(START), scoreboard.local_time(START + 100_000)
    assert semis.split() == f"1 SEMIS ended Alder 1 : 1 Birch Ascent {started} {ended} 36 crew a".split()
    assert finals.split() == f"2 FINALS live Alder 0 : 0 Birch Ascent {started} - 8 -".split()


def test_live_matches_and_those_that_ended_are_listed_apart(
    valo_ingest: CommandLine, matches: KeptMatches
) -> None:
    matches.keep(make_opening("SEMIS"))
    matches.keep(ended_at=None)

    assert [entry["groupCode"] for entry in json.loads(run(valo_ingest, "list", "--json", "--live"))] == [
        "FINALS"
    ]
    assert [entry["groupCode"] for entry in json.loads(run(valo_ingest, "list", "--json", "--ended"))] == [
        "SEMIS"
    ]
    assert "FINALS" not in run(valo_ingest, "list", "--ended")


def test_the_list_is_there_for_programs(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    matches.keep()

    assert json.loads(run(valo_ingest, "list", "--json")) == [
        {
            "number": 1,
            "groupCode": "FINALS",
            "isLive": False,
            "matchId": kept.MATCH_ID,
            "map": "Ascent",
            "teams": [
                {"name": "Alder", "tricode": "ALD", "roundsWon": 1},
                {"name": "Birch", "tricode": "BIR", "roundsWon": 1},
            ],
            "startedAt": scoreboard.local_time(START),
            "endedAt": scoreboard.local_time(START + 100_000),
            "entries": 36,
            "key": None,
            "organization": None,
        }
    ]


def test_programs_are_told_whose_key_opened_a_match(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    matches.keep(replace(make_opening(), opened_by=CREW))

    (told,) = json.loads(run(valo_ingest, "list", "--json"))

    assert (told["key"], told["organization"]) == ("crew a", "Crew")


def test_times_are_local_and_say_their_offset() -> None:
    text = scoreboard.local_time(START)

    assert text[10] == "T"
    assert text[-6] in "+-"


def test_what_cannot_be_read_does_not_hide_the_others(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    matches.keep(make_opening("SEMIS"))
    matches.keep()
    with closing(sqlite3.connect(matches.data_dir / FILE_NAME, isolation_level=None)) as database:
        database.execute(
            "UPDATE matches SET opening = x'81a6666f726d617407' WHERE number = 2"
        )  # {"format": 7}

    result = valo_ingest("matches", "list", "--data-dir", "data")

    assert result.exit_code == 1
    assert "SEMIS" in result.stdout
    assert result.stderr.startswith("Error: Match #2 'FINALS' is kept in format 7")
    assert "format 7" in run(valo_ingest, "export", "FINALS", status=1)


def test_nothing_that_a_client_sent_reaches_the_terminal_as_a_control(
    valo_ingest: CommandLine, matches: KeptMatches
) -> None:
    evil = "\x1b]0;x\x07\x9b2J\u202e\n"
    opening = make_opening(evil, leftTeam={"name": evil, "tricode": evil, "attackStart": True})
    opening = replace(opening, opened_by=KeyHolder(key_name=evil, organization=evil))
    entries = [*kept.BEGINNING, kept.enrolled(50, "l3", name=evil, tagline=evil, agentInternal=evil)]
    entries += [kept.observed(60, "map", evil), kept.observed(60, "game_mode", evil), kept.phase(60, 1, evil)]
    matches.keep(opening, entries, ended_at=None)

    for command in (
        ["list"],
        ["list", "--json"],
        ["show", "1"],
        ["export", "1"],
        ["export", "1", "--format=json"],
    ):
        text = run(valo_ingest, *command)
        assert all(letter.isprintable() or letter == "\n" for letter in text), command
    assert "\x1b" not in run(valo_ingest, "delete", "1", status=1)
    assert "\x1b" not in run(valo_ingest, "show", "\x1b[2J", status=1)


# --- show -----------------------------------------------------------------------------------------------------


def test_the_scoreboard_is_for_people(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    matches.keep()

    text = run(valo_ingest, "show", "FINALS")

    assert text.replace(scoreboard.local_time(START), "T1").replace(
        scoreboard.local_time(START + 100_000), "T2"
    ) == (
        """\
FINALS   #1   ended   Ascent, bomb
started T1   ended T2   36 entries

Alder 1 : 1 Birch   round 2, game_end

Alder (ALD), attack
  player                    agent          K   D   A   K/D  HS credits  weapon
  l1#EUW                    Jett           1   0   0     -   1       0  Unknown
  l2#EUW                    Jett           0   1   0  0.00   0       0  Unknown         dead

Birch (BIR), defence
  player                    agent          K   D   A   K/D  HS credits  weapon
  ALD r1#EUW                Jett           4   2   0  2.00   0     900  Vandal          spike
  ALD r2#EUW                Jett           1   1   0  1.00   1       0  Unknown

  Alder                   X.
  Birch                   .K
  K won by kills   X spike went off   D spike defused   T time ran out   . lost   | change of sides
"""
    )


def test_a_scoreboard_fits_a_terminal_whatever_the_names(
    valo_ingest: CommandLine, matches: KeptMatches
) -> None:
    name = "日本語" * 300
    opening = make_opening("X" * 64, leftTeam={"name": name, "tricode": name, "attackStart": True})
    opening = replace(opening, opened_by=KeyHolder(key_name=name, organization=name))
    entries = [*kept.BEGINNING, kept.enrolled(50, "l3", name=name, tagline=name, agentInternal=name)]
    for number in range(1, 120):
        entries += [kept.phase(100 + number, number, "shopping"), kept.score(100 + number, number, 0)]
    entries += [kept.observed(900, "right_timeout"), kept.phase(900, 120, name)]
    matches.keep(opening, entries, ended_at=None)

    lines = run(valo_ingest, "show", "1").splitlines()

    assert max(scoreboard.columns(line) for line in lines) <= 100
    assert any(line.strip().startswith("日本語") and line.endswith("K") for line in lines)


@pytest.mark.parametrize(
    ("organization", "line"), [("Crew", "the key crew a of Crew"), ("crew a", "the key crew a")]
)
def test_the_scoreboard_tells_whose_key_opened_the_match(
    valo_ingest: CommandLine, matches: KeptMatches, organization: str, line: str
) -> None:
    holder = KeyHolder(key_name="crew a", organization=organization)
    matches.keep(replace(make_opening(), opened_by=holder))

    assert run(valo_ingest, "show", "FINALS").splitlines()[2] == f"opened with {line}"


@pytest.mark.parametrize(
    ("pressed", "shown"), [("tech_pause", "technical pause"), ("left_timeout", "timeout of Alder")]
)
def test_a_pause_is_shown(valo_ingest: CommandLine, matches: KeptMatches, pressed: str, shown: str) -> None:
    matches.keep(entries=[*kept.BEGINNING, kept.observed(2_000, pressed)], ended_at=None)

    assert f"round 1, shopping, {shown}\n" in run(valo_ingest, "show", "FINALS")


def test_a_live_match_is_shown_as_it_is_now(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    number = matches.keep(entries=ENTRIES[:8], ended_at=None)
    assert "No round is over." in run(valo_ingest, "show", "FINALS")

    matches.append(number, *ENTRIES[8:])

    assert "Alder 1 : 1 Birch" in run(valo_ingest, "show", f"#{number}")


# --- export ---------------------------------------------------------------------------------------------------


def test_a_match_is_exported_as_a_stream_unless_said_otherwise(
    valo_ingest: CommandLine, matches: KeptMatches
) -> None:
    matches.keep()

    lines = [json.loads(line) for line in run(valo_ingest, "export", "FINALS").splitlines()]

    assert lines[0]["channel"] == "obs_logon"
    assert lines[0]["format"] == 1
    assert lines[-1]["payload"]["data"] == {"roundNumber": 2, "roundPhase": "game_end"}
    assert run(valo_ingest, "export", "FINALS", "--format", "jsonl") == run(valo_ingest, "export", "1")


def test_every_format_is_of_the_match(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    matches.keep()

    def exported(as_what: str) -> str:
        return run(valo_ingest, "export", "FINALS", "--format", as_what)

    assert json.loads(exported("json")) == json.loads(
        json.dumps(document(match_after(make_opening(), WHOLE)))
    )
    assert json.loads(f"[{exported('replay')}]")[0]["groupCode"] == "FINALS"
    assert len(list(csv.DictReader(io.StringIO(exported("csv"))))) == 4


@pytest.mark.parametrize("as_what", ["jsonl", "replay", "json", "csv"])
def test_no_format_has_a_secret(valo_ingest: CommandLine, matches: KeptMatches, as_what: str) -> None:
    secrets = {"key": kept.ACCESS_KEY, "groupSecret": kept.GROUP_SECRET, "secret": kept.CAM_SECRET}
    matches.keep(entries=[*kept.BEGINNING, kept.observed(2_000, "of_tomorrow", [secrets], **secrets)])

    text = run(valo_ingest, "export", "FINALS", "--format", as_what)

    for secret in (*kept.SECRETS, "hash of"):
        assert secret not in text


def test_an_export_goes_where_it_is_told_and_nowhere_else(
    valo_ingest: CommandLine, matches: KeptMatches
) -> None:
    for code in EVIL_CODES:
        matches.keep(make_opening(code))
    before = sorted(path for path in Path().rglob("*") if not path.name.startswith(FILE_NAME))

    for number, code in enumerate(EVIL_CODES, 1):
        text = run(valo_ingest, "export", "--output", f"out-{number}", "--", code)
        assert text == ""
        assert json.loads(Path(f"out-{number}").read_text().splitlines()[0])["payload"]["groupCode"] == code

    after = sorted(path for path in Path().rglob("*") if not path.name.startswith(FILE_NAME))
    assert after == sorted([*before, *(Path(f"out-{number}") for number in range(1, len(EVIL_CODES) + 1))])


def test_a_file_is_left_alone_where_there_is_no_match_to_export(
    valo_ingest: CommandLine, matches: KeptMatches
) -> None:
    Path("out").write_text("precious")

    run(valo_ingest, "export", "NOBODY", "--output", "out", status=1)

    assert Path("out").read_text() == "precious"


def test_a_file_that_cannot_be_written_is_one_line(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    matches.keep()

    assert "No such file" in run(valo_ingest, "export", "FINALS", "--output", "none/out", status=1)


def test_an_unknown_format_is_a_mistake_of_the_operator(
    valo_ingest: CommandLine, matches: KeptMatches
) -> None:
    run(valo_ingest, "export", "FINALS", "--format", "xml", status=2)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.parametrize("command", [["export", "FINALS"], ["list"], ["show", "FINALS"]])
def test_who_stops_reading_is_no_error(matches: KeptMatches, command: list[str]) -> None:
    matches.keep(entries=[kept.observed(at, "map", "x" * 500) for at in range(400)])
    root = Path(app.__file__).parents[2]
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "valo_ingest", "matches", *command, "--data-dir", "data"],
            stdout=output,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root)},
            check=False,
        )

    assert done.stderr == b""


# --- delete ---------------------------------------------------------------------------------------------------


def left(valo_ingest: CommandLine) -> list[Any]:
    return [entry["number"] for entry in json.loads(run(valo_ingest, "list", "--json"))]


def test_deleting_asks_first(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    matches.keep()

    refused = valo_ingest("matches", "delete", "FINALS", "--data-dir", "data")

    assert refused.exit_code == 1
    assert "Delete 1 match for good?" in refused.stdout
    assert left(valo_ingest) == [1]
    assert run(valo_ingest, "delete", "FINALS", "--yes") == "Deleted 1 match.\n"
    assert left(valo_ingest) == []


def test_several_matches_are_deleted_at_once_or_none(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    for code in ("A", "B", "C"):
        matches.keep(make_opening(code))

    run(valo_ingest, "delete", "A", "NOBODY", "--yes", status=1)
    assert left(valo_ingest) == [1, 2, 3]

    assert run(valo_ingest, "delete", "A", "#3", "3", "--yes") == "Deleted 2 matches.\n"
    assert left(valo_ingest) == [2]


def test_a_live_match_is_not_deleted(valo_ingest: CommandLine, matches: KeptMatches) -> None:
    matches.keep(ended_at=None)

    assert "Match #1 'FINALS' is live" in run(valo_ingest, "delete", "FINALS", "--yes", status=1)
    assert left(valo_ingest) == [1]


def test_what_is_old_is_deleted(
    valo_ingest: CommandLine, matches: KeptMatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in (0, 5, 6):
        matches.keep(ended_at=days * DAY_MS)
    matches.keep(ended_at=None)
    monkeypatch.setattr(
        app, "open_archive", lambda data_dir: Archive(data_dir, now_ms=lambda: START + 10 * DAY_MS)
    )

    assert run(valo_ingest, "delete", "--older-than", "4", "--yes") == "Deleted 2 matches.\n"
    assert left(valo_ingest) == [3, 4]
    assert run(valo_ingest, "delete", "--older-than", "4") == "No match ended more than 4 days ago.\n"


@pytest.mark.parametrize(
    "arguments", [[], ["A", "--older-than", "3"], ["--older-than", "-1"], ["--older-than", "x"]]
)
def test_a_deletion_that_makes_no_sense_is_a_mistake_of_the_operator(
    valo_ingest: CommandLine, arguments: list[str]
) -> None:
    run(valo_ingest, "delete", *arguments, status=2)
