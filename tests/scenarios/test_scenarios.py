"""Plays the scenarios of this folder; `recording` says what one is. A bug report becomes a scenario."""

import json
from pathlib import Path
from typing import Final

import pytest

from tests.scenarios.recording import UnknownFormat, final_document, read_actions

FOLDER: Final = Path(__file__).parent
SCENARIOS: Final = sorted(FOLDER.glob("*.jsonl"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_ends_in_its_document(path: Path) -> None:
    assert final_document(path) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_every_document_has_its_scenario() -> None:
    assert [path.stem for path in sorted(FOLDER.glob("*.json"))] == [path.stem for path in SCENARIOS]


@pytest.mark.parametrize("head", ["{}", '{"format": 0}', '{"format": "1"}', '{"format": 1000}'])
def test_a_scenario_of_an_unknown_format_is_refused(tmp_path: Path, head: str) -> None:
    path = tmp_path / "from-the-future.jsonl"
    path.write_text(head + "\n")

    with pytest.raises(UnknownFormat):
        list(read_actions(path))
