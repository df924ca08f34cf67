import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click.testing
import pytest
from msgspec.structs import replace

from tests.cli.conftest import CommandLine
from tests.e2e.running import clean_environment
from tests.storage.kept import KeptMatches, make_opening
from valo_ingest import app
from valo_ingest.cli.scoreboard import local_time
from valo_ingest.clock import ManualClock
from valo_ingest.storage import keystore, tables
from valo_ingest.storage.keystore import KeyStore, StoredKey
from valo_ingest.wire.record import KeyHolder

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

NOON = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()) * 1000


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The clock of all commands: it is noon of 1 June 2026 in UTC."""
    clock = ManualClock(NOON)
    monkeypatch.setattr(app, "open_keys", lambda data_dir: KeyStore(data_dir, now_ms=clock.now_ms))
    return clock


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("Windows has no variable for the time zone")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def run(valo_ingest: CommandLine, *arguments: str, status: int = 0) -> click.testing.Result:
    """Run `valo-ingest keys`; where it fails, prove that one line says why."""
    result = valo_ingest("keys", arguments[0], "--data-dir", "data", *arguments[1:])
    assert result.exit_code == status, result.output
    if status:
        assert result.stdout == ""
        assert result.stderr.startswith(("Error: ", "Usage: "))
        assert sum(line.startswith("Error: ") for line in result.stderr.splitlines()) == 1
    return result


def create(valo_ingest: CommandLine, name: str, *arguments: str) -> str:
    """Make a key and return it."""
    return run(valo_ingest, "create", name, *arguments).stdout.rstrip("\n")


def find(key: str) -> StoredKey | None:
    return KeyStore(Path("data"), now_ms=lambda: NOON).find(key)


def listed(valo_ingest: CommandLine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(valo_ingest, "list", "--json").stdout)
    return found


# --- create ---------------------------------------------------------------------------------------------------


def test_a_key_is_printed_once_and_for_programs_alone(valo_ingest: CommandLine) -> None:
    result = run(valo_ingest, "create", "crew")

    key = result.stdout.rstrip("\n")
    assert find(key) is not None
    assert result.stdout == f"{key}\n"
    assert key not in result.stderr
    assert "access key crew, good until it is revoked" in result.stderr
    assert "not shown again" in result.stderr
    assert key not in run(valo_ingest, "list").output
    assert key not in run(valo_ingest, "list", "--json").output


def test_all_that_was_said_of_a_key_is_kept(valo_ingest: CommandLine) -> None:
    key = create(
        valo_ingest,
        " Crew A ",
        *("--organization", "Northern League", "--expires", "36h", "--supporter", "--note", "backup PC"),
    )

    assert find(key) == StoredKey(
        name="Crew A",
        organization="Northern League",
        is_supporter=True,
        note="backup PC",
        created_at=NOON,
        expires_at=NOON + 36 * HOUR_MS,
        revoked_at=None,
    )


def test_what_is_not_said_has_a_default(valo_ingest: CommandLine) -> None:
    key = create(valo_ingest, "crew")

    found = find(key)
    assert found is not None
    assert (found.organization, found.is_supporter, found.note, found.expires_at) == ("crew", False, "", None)


def test_the_organization_of_the_server_is_not_that_of_a_key(valo_ingest: CommandLine) -> None:
    Path(".env").write_text("VALO_INGEST_ORGANIZATION=League\n")
    valo_ingest.environment |= {"VALO_INGEST_ORGANIZATION": "League", "VALO_INGEST_HOLDER": "League"}
    valo_ingest.environment |= {f"VALO_INGEST_{name}": "1" for name in ("NOTE", "EXPIRES", "IS_SUPPORTER")}

    found = find(create(valo_ingest, "crew"))

    assert found is not None
    assert (found.organization, found.is_supporter, found.note, found.expires_at) == ("crew", False, "", None)


@pytest.mark.parametrize(("text", "duration_ms"), [("1h", HOUR_MS), ("30d", 30 * DAY_MS)])
def test_a_key_may_be_good_for_some_time(valo_ingest: CommandLine, text: str, duration_ms: int) -> None:
    made = find(create(valo_ingest, "crew", "--expires", text))

    assert made is not None
    assert made.expires_at == NOON + duration_ms


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(
    ("day", "end"),
    [
        ("2026-06-01", "2026-06-02T00:00:00+02:00"),
        ("2026-10-25", "2026-10-26T00:00:00+01:00"),
        ("2026-12-31", "2027-01-01T00:00:00+01:00"),
        ("9998-12-30", "9998-12-31T00:00:00+01:00"),
    ],
)
def test_a_date_is_good_to_its_end_where_the_server_stands(
    valo_ingest: CommandLine, day: str, end: str
) -> None:
    result = run(valo_ingest, "create", "crew", "--expires", day)

    found = find(result.stdout)
    assert found is not None
    assert found.expires_at == int(datetime.fromisoformat(end).timestamp()) * 1000
    assert f"good until {end}." in result.stderr


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-05-31", "that day is over"),
        ("0001-01-01", "it takes a date|that day is over"),
        ("9999-12-31", "it takes a date"),
        ("2026-13-01", "it takes a date"),
        ("tomorrow", "it takes a date"),
        ("", "it takes a date"),
        ("0d", "it takes a date"),
        ("-1d", "it takes a date"),
        ("1w", "it takes a date"),
        ("999999d", "it takes a date"),
        ("\u0661d", "it takes a date"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(valo_ingest: CommandLine, text: str, why: str) -> None:
    result = run(valo_ingest, "create", "crew", "--expires", text, status=2)

    assert any(words in result.stderr for words in why.split("|"))
    assert not Path("data").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [""],
        ["  "],
        ["x" * 65],
        ["two\nlines"],
        ["\x1b[2J"],
        ["\udcff"],
        ["crew", "--organization", ""],
        ["crew", "--note", "x" * 1_025],
        ["crew", "other"],
    ],
)
def test_what_cannot_be_shown_is_no_name(valo_ingest: CommandLine, arguments: list[str]) -> None:
    result = run(valo_ingest, "create", *arguments, status=2)

    assert "\x1b" not in result.stderr
    assert not Path("data").exists()


def test_two_keys_have_two_names(valo_ingest: CommandLine) -> None:
    create(valo_ingest, "crew")

    assert "'crew' is the name of another key" in run(valo_ingest, "create", "crew", status=1).stderr
    assert "server's own key" in run(valo_ingest, "create", "AUTH_KEY", status=1).stderr
    assert len(listed(valo_ingest)) == 1


def test_who_names_a_directory_without_a_server_is_asked(valo_ingest: CommandLine) -> None:
    alone = run(valo_ingest, "create", "crew").stderr
    KeptMatches(Path("data")).journal.close()
    served = run(valo_ingest, "create", "other").stderr

    assert f"No server has kept its data in {Path('data').absolute()} yet." in alone
    assert f"The server that keeps its data in {Path('data').absolute()} takes it from now on." in served


# --- list -----------------------------------------------------------------------------------------------------


def test_the_list_tells_of_each_key_what_it_is(valo_ingest: CommandLine, clock: ManualClock) -> None:
    create(valo_ingest, "crew a", "--organization", "League", "--expires", "1h", "--note", "backup")
    clock.advance(HOUR_MS)
    create(valo_ingest, "crew b", "--supporter")
    create(valo_ingest, "crew c")
    run(valo_ingest, "revoke", "crew c")

    head, *rows = run(valo_ingest, "list").stdout.splitlines()

    noon, one = local_time(NOON), local_time(NOON + HOUR_MS)
    assert " ".join(head.split()) == "NAME ORGANISATION STATE CREATED EXPIRES SUPPORTER LAST MATCH NOTE"
    assert [row.split() for row in rows] == [
        f"crew a League expired {noon} {one} no - backup".split(),
        f"crew b crew b in force {one} never yes - -".split(),
        f"crew c crew c revoked {one} never no - -".split(),
    ]


def test_the_list_is_there_for_programs(valo_ingest: CommandLine, clock: ManualClock) -> None:
    create(valo_ingest, "crew", "--organization", "League", "--expires", "1h", "--note", "ä", "--supporter")
    clock.advance(1_000)
    run(valo_ingest, "revoke", "crew")

    assert listed(valo_ingest) == [
        {
            "name": "crew",
            "organization": "League",
            "state": "revoked",
            "createdAt": local_time(NOON),
            "expiresAt": local_time(NOON + HOUR_MS),
            "revokedAt": local_time(NOON + 1_000),
            "lastMatchAt": None,
            "isSupporter": True,
            "note": "ä",
        }
    ]


def test_the_list_tells_when_a_key_opened_its_last_match(
    valo_ingest: CommandLine, clock: ManualClock
) -> None:
    def opened(name: str, after_ms: int) -> None:
        holder = KeyHolder(key_name=name, organization="")
        matches.keep(replace(make_opening(), at=NOON + after_ms, opened_by=holder), ())

    create(valo_ingest, "crew")
    clock.advance(HOUR_MS)
    run(valo_ingest, "revoke", "crew")
    create(valo_ingest, "crew")
    create(valo_ingest, "other")
    matches = KeptMatches(Path("data"))
    for name, after_ms in (("crew", 10_000), ("crew", 5_000), ("crew", HOUR_MS), ("AUTH_KEY", HOUR_MS)):
        opened(name, after_ms)

    assert [key["lastMatchAt"] for key in listed(valo_ingest)] == [
        local_time(NOON + 10_000),
        local_time(NOON + HOUR_MS),
        None,
    ]
    assert local_time(NOON + 10_000) in run(valo_ingest, "list").stdout
    matches.journal.close()


def test_keys_are_listed_also_beside_a_damaged_journal(valo_ingest: CommandLine) -> None:
    create(valo_ingest, "crew")
    (Path("data") / tables.FILE_NAME).write_bytes(b"no database " * 1_000)

    result = run(valo_ingest, "list")

    assert "crew" in result.stdout
    assert result.stderr.startswith("Warning: The journal in data cannot be read")
    assert result.stderr.count("\n") == 1


def test_a_directory_without_keys_is_no_error_and_stays_as_it_is(valo_ingest: CommandLine) -> None:
    assert "No key is kept in data." in run(valo_ingest, "list").stdout
    assert listed(valo_ingest) == []
    assert not Path("data").exists()


# --- revoke ---------------------------------------------------------------------------------------------------


def test_a_revoked_key_is_not_good_any_more(valo_ingest: CommandLine) -> None:
    key, other = create(valo_ingest, "crew"), create(valo_ingest, "other")

    result = run(valo_ingest, "revoke", "crew")

    assert result.stdout == "Revoked crew. Matches that it opened go on.\n"
    found, untouched = find(key), find(other)
    assert found is not None
    assert found.revoked_at == NOON
    assert untouched is not None
    assert untouched.revoked_at is None


@pytest.mark.parametrize("name", ["nobody", "crew", "AUTH_KEY", "", "\x1b[2J", "\udcff"])
def test_only_a_key_that_is_there_can_be_revoked(valo_ingest: CommandLine, name: str) -> None:
    create(valo_ingest, "crew")
    run(valo_ingest, "revoke", "crew")

    result = run(valo_ingest, "revoke", name, status=1)

    assert "that is not revoked already. `valo-ingest keys list` tells which are." in result.stderr
    assert "\x1b" not in result.stderr


# --- where the keys are ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [["--data-dir", "data"], ["--lan", "data"], ["--lan", "data", "--ingest-port", "1"]]
)
def test_flags_of_the_server_name_the_directory(valo_ingest: CommandLine, arguments: list[str]) -> None:
    assert valo_ingest("keys", "create", "crew", *arguments).exit_code == 0
    assert "crew" in valo_ingest("keys", "list", *arguments).stdout
    assert valo_ingest("keys", "revoke", "crew", *arguments).exit_code == 0
    assert (Path("data") / keystore.FILE_NAME).exists()


def test_the_environment_and_the_env_file_name_the_directory(valo_ingest: CommandLine) -> None:
    create(valo_ingest, "crew")
    Path(".env").write_text("VALO_INGEST_DATA_DIR=data\n")
    assert "crew" in valo_ingest("keys", "list").stdout

    valo_ingest.environment["VALO_INGEST_DATA_DIR"] = "elsewhere"
    assert "No key is kept in elsewhere." in valo_ingest("keys", "list").stdout


def test_a_broken_env_file_is_a_mistake_of_the_operator(valo_ingest: CommandLine) -> None:
    Path(".env").write_text("broken line\n")

    assert valo_ingest("keys", "list").exit_code == 2


@pytest.mark.parametrize("command", ["create", "list", "revoke"])
def test_other_settings_are_not_in_the_way_of_the_help(valo_ingest: CommandLine, command: str) -> None:
    text = valo_ingest("keys", command, "--help").stdout

    assert "--data-dir" in text
    assert "--lan" in text
    assert "--ingest-port" not in text
    assert "--auth-key" not in text
    assert ("--organization" in text) is (command == "create")


@pytest.mark.parametrize("command", [["list"], ["create", "other"], ["revoke", "crew"]])
def test_keys_that_cannot_be_read_are_one_line(valo_ingest: CommandLine, command: list[str]) -> None:
    create(valo_ingest, "crew")
    path = Path("data") / keystore.FILE_NAME
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")
    assert "are kept in format 2" in run(valo_ingest, *command, status=1).stderr

    for part in Path("data").iterdir():
        os.unlink(part)
    path.write_bytes(b"no database " * 1_000)
    assert f"The access keys in {path} cannot be" in run(valo_ingest, *command, status=1).stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_key_that_cannot_be_printed_is_revoked(valo_ingest: CommandLine) -> None:
    command = [sys.executable, "-m", "valo_ingest", "keys", "create", "Crew", "--data-dir", "data"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, env=clean_environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "The key Crew could not be printed, so it is revoked.",
        "Error: The output cannot be written: No space left on device.",
    ]
    (key,) = json.loads(run(valo_ingest, "list", "--json").stdout)
    assert key["state"] == "revoked"
