from pathlib import Path

import pytest

from valo_ingest.cli.env_file import read_env_file
from valo_ingest.errors import ConfigError


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_values_are_taken_as_written(env_file: Path) -> None:
    env_file.write_text("# ours\n\nA=1\nB = 'two words' # note\nexport C=\"x\"\nKEY=a$HOME${HOME}\nEMPTY=\n")

    assert read_env_file(env_file) == {"A": "1", "B": "two words", "C": "x", "KEY": "a$HOME${HOME}"}


def test_a_file_from_windows_is_read(env_file: Path) -> None:
    env_file.write_bytes(b"\xef\xbb\xbfA=1\r\nB=2\r\n")

    assert read_env_file(env_file) == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("text", "line"), [("A=1\n\n\nINSECURE true\n", 4), ("=1\n", 1), ("A=1\nINSECURE\n", 2), ("A='x\n", 1)]
)
def test_a_line_that_cannot_be_read_is_named(env_file: Path, text: str, line: int) -> None:
    env_file.write_text(text)

    with pytest.raises(ConfigError, match=rf"\.env: line {line} cannot be read; write NAME=value"):
        read_env_file(env_file)


def test_a_file_that_is_not_utf_8_is_refused(env_file: Path) -> None:
    env_file.write_bytes(b"A=1\nB=\xff\n")

    with pytest.raises(ConfigError, match=r"\.env: line 2 is not UTF-8"):
        read_env_file(env_file)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_env_file(tmp_path)
