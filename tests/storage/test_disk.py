import errno
from pathlib import Path

import pytest

from valo_ingest.storage.disk import DataDisk


def test_a_disk_that_is_well_tells_its_room_and_keeps_nothing_of_the_look(tmp_path: Path) -> None:
    state = DataDisk(tmp_path).look()

    assert state.fault == ""
    assert state.free_bytes is not None
    assert state.free_bytes > 0
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    state = DataDisk(tmp_path / "gone").look()

    assert (state.free_bytes, state.fault) == (None, "No such file or directory")


def test_a_disk_that_takes_nothing_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "write_bytes", refuse)

    assert DataDisk(tmp_path).look().fault == "Read-only file system"
