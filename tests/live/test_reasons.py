"""Every word that refusals are counted by is explained: this reads the sources, and the list in the README."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from valo_ingest.live.reasons import LOGONS, REASONS, reason

ROOT = Path(__file__).parents[2]

RAISED = {"InvalidMessage", "LogonRefused", "NotAdmitted"}
"""Their first argument is the word."""

CALLED = {"refuse", "_refuse"}
"""Calls that are given an address, or nothing, and then the word."""


def words_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [
            each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
        ]
        if (name in RAISED or name in CALLED or name.endswith("and_close")) and texts:
            yield texts[0]


def test_every_word_in_the_sources_is_explained() -> None:
    found = {
        word
        for path in (ROOT / "valo_ingest").rglob("*.py")
        for word in words_in(path.read_text(encoding="utf-8"))
        if re.fullmatch(r"[a-z]+(_[a-z]+)+", word)
    }

    assert len(found) > 15, "the sources were not understood"
    assert found - set(REASONS) == set()


def test_every_word_in_the_readme_is_explained() -> None:
    text = (ROOT / "README.rst").read_text(encoding="utf-8")
    table = text[text.index("reason                     what it means") :]
    found = set(re.findall(r"^``([a-z_]+)``  ", table[: table.index("A match ends")], re.MULTILINE))

    assert len(found) > 25, "the table was not found"
    assert found - set(REASONS) == set()


def test_a_word_that_nobody_has_described_stands_for_itself() -> None:
    assert reason("some_new_word").title == "Some new word"


def test_the_reasons_of_logons_are_reasons() -> None:
    assert set(REASONS) >= LOGONS
