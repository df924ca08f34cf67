import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.storage.test_keys import needs_modes
from valo_ingest.clock import ManualClock
from valo_ingest.errors import KeyNameTaken, KeyStoreFault, UnknownKey
from valo_ingest.storage import keystore as module
from valo_ingest.storage.keys import AUTH_KEY_NAME
from valo_ingest.storage.keystore import FILE_NAME, LOCKED_PAUSE_S, LOCKED_RETRIES, KeyState, KeyStore
from valo_ingest.wire.record import KeyHolder

HOUR_MS = 3_600_000

WAYS_IN: list[Callable[[KeyStore], object]] = [
    lambda store: store.find("ABCDE"),
    lambda store: store.all_keys(),
    lambda store: create(store, "other"),
    lambda store: store.revoke("crew"),
]
"""Everything that looks at the file."""


class Fixture:
    def __init__(self, data_dir: Path) -> None:
        self.clock = ManualClock()
        self.data_dir = data_dir
        self.path = data_dir / FILE_NAME
        self.store = KeyStore(data_dir, now_ms=self.clock.now_ms)

    def change(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as database:
            database.execute(statement)


@pytest.fixture
def made(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path / "data of #1?%41")


def create(store: KeyStore, name: str = "crew", **changes: Any) -> str:
    said = {"organization": "Crew", "expires_at": None, "is_supporter": False, "note": ""}
    return store.create(name=name, **{**said, **changes})


# --- making and finding ---------------------------------------------------------------------------------------


def test_a_key_is_found_with_all_that_was_said_of_it(made: Fixture) -> None:
    expires_at = made.clock.now_ms() + HOUR_MS
    key = create(made.store, expires_at=expires_at, is_supporter=True, note="for the final")
    create(made.store, "other")

    found = made.store.find(key)

    assert found is not None
    assert found.holder == KeyHolder(key_name="crew", organization="Crew", is_supporter=True)
    assert (found.note, found.created_at) == ("for the final", made.clock.now_ms())
    assert (found.expires_at, found.revoked_at) == (expires_at, None)
    assert [each.name for each in made.store.all_keys()] == ["crew", "other"]


def test_a_key_that_is_typed_in_is_known(made: Fixture) -> None:
    key = create(made.store)

    assert re.fullmatch(r"([2-9A-HJ-NP-Z]{5}-){3}[2-9A-HJ-NP-Z]{5}", key)
    for typed in (key.lower(), key.replace("-", ""), key.replace("-", " "), f"  {key}\n"):
        assert made.store.find(typed) is not None, typed


@pytest.mark.parametrize(
    "key", ["", "-", "crew", "%", "' OR 1 = 1 --", "\udcff", "\0", "\u2167", "K" * 100_000]
)
def test_what_is_no_key_is_not_found(made: Fixture, key: str) -> None:
    create(made.store)

    assert made.store.find(key) is None


def test_a_key_is_not_kept_itself(made: Fixture) -> None:
    key = create(made.store)

    for path in made.data_dir.iterdir():
        for part in (key, key.replace("-", ""), key[:11]):
            assert part.encode() not in path.read_bytes(), path


def test_where_there_is_no_file_there_is_no_key_and_none_is_made(made: Fixture) -> None:
    assert made.store.find("ABCDE") is None
    assert not made.store.all_keys()
    with pytest.raises(UnknownKey):
        made.store.revoke("crew")
    assert not made.data_dir.exists()


def test_who_looked_before_there_was_a_file_finds_what_is_made_later(made: Fixture) -> None:
    assert made.store.find("ABCDE") is None

    key = create(Fixture(made.data_dir).store)

    assert made.store.find(key) is not None


def test_a_file_that_somebody_has_just_made_is_empty(made: Fixture) -> None:
    made.data_dir.mkdir()
    made.path.touch()

    assert made.store.find("ABCDE") is None
    assert not made.store.all_keys()
    assert made.store.find(create(made.store)) is not None


def test_many_who_make_keys_at_once_do_not_disturb_each_other(made: Fixture) -> None:
    keys: list[str] = []
    together = threading.Barrier(6)

    def make(number: int) -> None:
        together.wait()
        keys.append(create(Fixture(made.data_dir).store, f"crew {number}"))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == len(made.store.all_keys()) == 6
    assert all(made.store.find(key) for key in keys)


# --- names ----------------------------------------------------------------------------------------------------


def test_a_name_belongs_to_one_key_until_that_is_revoked(made: Fixture) -> None:
    first = create(made.store, expires_at=made.clock.now_ms() + 1)
    made.clock.advance(HOUR_MS)

    with pytest.raises(KeyNameTaken, match=r"'crew' is the name of another key\."):
        create(made.store)
    made.store.revoke("crew")
    second = create(made.store)

    now = made.clock.now_ms()
    assert [key.state(now) for key in made.store.all_keys()] == [KeyState.REVOKED, KeyState.IN_FORCE]
    assert first != second


def test_no_key_has_the_name_of_the_server_s_own(made: Fixture) -> None:
    with pytest.raises(KeyNameTaken, match="the server's own key"):
        create(made.store, AUTH_KEY_NAME)
    assert not made.data_dir.exists()


# --- revoking and expiring ------------------------------------------------------------------------------------


def test_a_revoked_key_is_known_as_such_and_the_others_stay(made: Fixture) -> None:
    key, other = create(made.store), create(made.store, "other")
    made.clock.advance(5)

    made.store.revoke("crew")

    found, untouched = made.store.find(key), made.store.find(other)
    assert found is not None
    assert found.revoked_at == made.clock.now_ms()
    assert found.state(0) is KeyState.REVOKED
    assert untouched is not None
    assert untouched.state(made.clock.now_ms()) is KeyState.IN_FORCE


@pytest.mark.parametrize("name", ["crew", "nobody", "", "CREW", "' OR 1 = 1 --", "\udcff"])
def test_what_is_no_key_in_use_cannot_be_revoked(made: Fixture, name: str) -> None:
    create(made.store)
    made.store.revoke("crew")
    create(made.store, "other")

    with pytest.raises(UnknownKey):
        made.store.revoke(name)
    assert made.store.all_keys()[1].revoked_at is None


def test_a_key_expires_to_the_millisecond(made: Fixture) -> None:
    expires_at = made.clock.now_ms() + HOUR_MS
    create(made.store, expires_at=expires_at)

    (key,) = made.store.all_keys()

    assert key.state(expires_at - 1) is KeyState.IN_FORCE
    assert key.state(expires_at) is KeyState.EXPIRED


# --- the file -------------------------------------------------------------------------------------------------


@needs_modes
def test_only_the_owner_reads_the_file(made: Fixture) -> None:
    create(made.store)

    with closing(sqlite3.connect(made.path)) as database:
        database.execute("SELECT * FROM keys").fetchall()
        parts = list(made.data_dir.iterdir())
        assert len(parts) == 3
        assert [path.stat().st_mode & 0o777 for path in parts] == [0o600] * 3


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_belongs_to_who_has_the_directory(made: Fixture) -> None:
    made.data_dir.mkdir()
    os.chown(made.data_dir, 12_345, 54_321)

    made.store.find(create(made.store))

    for path in made.data_dir.iterdir():
        assert (path.stat().st_uid, path.stat().st_gid) == (12_345, 54_321), path


@pytest.mark.parametrize("use", WAYS_IN)
def test_a_newer_format_is_left_alone(made: Fixture, use: Callable[[KeyStore], object]) -> None:
    create(made.store)
    made.change("PRAGMA user_version = 2")
    before = made.path.read_bytes()

    with pytest.raises(KeyStoreFault, match=r"format 2, .* formats up to 1: take a newer one\.$"):
        use(made.store)
    assert made.path.read_bytes() == before


@pytest.mark.parametrize("use", WAYS_IN)
@pytest.mark.parametrize("content", [b"this is no database, " * 500, b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_damaged_file_is_said_to_be(
    made: Fixture, use: Callable[[KeyStore], object], content: bytes
) -> None:
    made.data_dir.mkdir()
    made.path.write_bytes(content)

    with pytest.raises(KeyStoreFault, match=rf"^The access keys in .*{FILE_NAME} cannot be .*database"):
        use(made.store)
    assert made.path.read_bytes() == content


@pytest.mark.parametrize("column", ["created_at = 'x'", "revoked_at = x'ff'", "name = x'ff'"])
def test_a_damaged_row_is_said_to_be(made: Fixture, column: str) -> None:
    key = create(made.store)
    made.change(f"UPDATE keys SET {column}")

    with pytest.raises(KeyStoreFault, match="cannot be read"):
        made.store.find(key)
    with pytest.raises(KeyStoreFault, match="cannot be read"):
        made.store.all_keys()


@pytest.mark.parametrize("use", WAYS_IN)
def test_a_file_that_cannot_be_opened_is_said_to_be(made: Fixture, use: Callable[[KeyStore], object]) -> None:
    made.path.mkdir(parents=True)

    with pytest.raises(KeyStoreFault, match=r"unable to open|disk I/O error"):
        use(made.store)


def test_a_directory_that_cannot_be_used_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")

    with pytest.raises(KeyStoreFault, match=r"cannot be changed: (File exists|Not a directory)\.$"):
        create(Fixture(tmp_path / "file").store)


# --- beside others --------------------------------------------------------------------------------------------


def test_who_writes_meanwhile_is_not_in_the_way(made: Fixture) -> None:
    key = create(made.store)
    with closing(sqlite3.connect(made.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE keys SET revoked_at = 0")

        before = made.store.find(key)
        writer.execute("COMMIT")
        after = made.store.find(key)

    assert before is not None
    assert before.revoked_at is None
    assert after is not None
    assert after.revoked_at == 0


class LockedFile:
    """Nobody else can even read the file, until somebody has slept so often."""

    def __init__(self, path: Path, *, sleeps: int) -> None:
        self._sleeps = sleeps
        self.slept: list[float] = []
        self._locker = sqlite3.connect(path, isolation_level=None)
        self._locker.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._locker.execute("UPDATE keys SET note = 'locked'")

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self._sleeps:
            self.close()

    def close(self) -> None:
        self._locker.close()


@pytest.fixture
def locked(
    made: Fixture, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[LockedFile]:
    create(made.store)
    file = LockedFile(made.path, sleeps=request.param)
    monkeypatch.setattr(module.time, "sleep", file.sleep)
    yield file
    file.close()


@pytest.mark.parametrize("locked", [1, 3, LOCKED_RETRIES], indirect=True)
def test_a_lookup_waits_for_a_locked_file_where_others_can_go_on(made: Fixture, locked: LockedFile) -> None:
    assert made.store.find("ABCDE") is None

    assert locked.slept[0] == LOCKED_PAUSE_S


@pytest.mark.parametrize("locked", [LOCKED_RETRIES + 1], indirect=True)
def test_a_lookup_does_not_wait_for_ever(made: Fixture, locked: LockedFile) -> None:
    with pytest.raises(KeyStoreFault, match="cannot be read: database is locked"):
        made.store.find("ABCDE")

    assert len(locked.slept) == LOCKED_RETRIES
