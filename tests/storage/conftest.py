from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.worlds import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "data")
    yield world
    world.journal.close()
