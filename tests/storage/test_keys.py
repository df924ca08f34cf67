import os
from pathlib import Path

import pytest

from valo_ingest.errors import ConfigError
from valo_ingest.storage.keys import FILE_NAME, PASSWORD_FILE_NAME, keep_auth_key, keep_operator_password

needs_modes = pytest.mark.skipif(os.name == "nt", reason="Windows has no such file modes")


def test_a_key_is_made_once(tmp_path: Path) -> None:
    first, was_made = keep_auth_key(tmp_path / "a" / "b")
    second, was_made_again = keep_auth_key(tmp_path / "a" / "b")

    assert (was_made, was_made_again) == (True, False)
    assert first == second


def test_two_servers_have_two_keys(tmp_path: Path) -> None:
    assert keep_auth_key(tmp_path / "a")[0] != keep_auth_key(tmp_path / "b")[0]


def test_a_key_is_easy_to_type_and_hard_to_guess(tmp_path: Path) -> None:
    key, _ = keep_auth_key(tmp_path)

    assert [len(group) for group in key.split("-")] == [5, 5, 5, 5]
    assert not set(key) & set("01IO")


@needs_modes
def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    (tmp_path / (FILE_NAME + ".new")).write_text("left behind by a crash")

    keep_auth_key(tmp_path)

    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_key_that_the_operator_wrote_there_is_used(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("  our own\n", encoding="utf-8")

    assert keep_auth_key(tmp_path) == ("our own", False)


def test_an_empty_file_holds_no_key(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("\n", encoding="utf-8")

    assert keep_auth_key(tmp_path)[1]


@pytest.mark.parametrize("content", [b"one\ntwo\n", b"\xff\xfe"])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)

    with pytest.raises(ConfigError, match=f"DATA_DIR: .*{FILE_NAME}"):
        keep_auth_key(tmp_path)


def test_a_directory_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a directory")

    with pytest.raises(ConfigError, match="DATA_DIR: cannot keep an access key in"):
        keep_auth_key(file)


def test_the_password_is_kept_beside_the_key_and_is_another(tmp_path: Path) -> None:
    key, _ = keep_auth_key(tmp_path)
    password, was_made = keep_operator_password(tmp_path)

    assert was_made
    assert password != key
    assert keep_operator_password(tmp_path) == (password, False)


@needs_modes
def test_only_the_owner_reads_the_password(tmp_path: Path) -> None:
    keep_operator_password(tmp_path)

    assert (tmp_path / PASSWORD_FILE_NAME).stat().st_mode & 0o777 == 0o600
