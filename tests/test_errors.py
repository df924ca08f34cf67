"""Codes of refusals: one table, which the sources and the documentation keep to."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from valo_ingest.errors import CODES, NOT_REFUSED
from valo_ingest.transport.websocket import VIOLATIONS

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "valo_ingest"

NAMING = {"InvalidMessage", "LogonRefused", "NotAdmitted", "__init__"}
"""Calls whose first argument is a code."""

TELLING = {"refuse", "_refuse", "refuse_connection", "_answer_and_close", "notify"}
"""Calls that have one among their arguments."""

WORD = re.compile("[a-z]+(_[a-z]+)*")


def codes_in(source: str) -> Iterator[str]:
    """Yield every code that a source refuses something with."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            arguments = node.args[:1] if name in NAMING else node.args if name in TELLING else []
            yield from filter(WORD.fullmatch, _texts(arguments))


def _texts(arguments: list[ast.expr]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def table(text: str) -> dict[str, str]:
    """Return the rows of the table of codes in a README: the only one whose heading is "code"."""
    _, _, rest = text.partition("\ncode  ")
    rows: dict[str, str] = {}
    for line in rest.splitlines()[2:]:
        if line.startswith("="):
            return rows
        code, _, meaning = line.partition("``  ")
        if code.startswith("``"):
            rows[code.removeprefix("``")] = meaning.strip()
        else:
            rows[list(rows)[-1]] += f" {line.strip()}"
    raise AssertionError("the table of codes has no end")


def test_the_sources_refuse_with_these_codes_and_no_others() -> None:
    found = set(VIOLATIONS.values())
    for path in SOURCES.rglob("*.py"):
        found.update(codes_in(path.read_text(encoding="utf-8")))

    assert found == CODES.keys()


@pytest.mark.parametrize(
    "call",
    [
        'InvalidMessage("nosuch_code", "It is bad.", path="type")',
        'errors.LogonRefused("nosuch_code", reason)',
        'self._terms.refuse(self.address, "nosuch_code", "it is bad")',
        'return NotAdmitted("nosuch_code", f"{count} are open")',
        'self._answer_and_close(HTTPStatus.BAD_REQUEST, "nosuch_code")',
    ],
)
def test_a_code_that_is_not_in_the_table_is_found(call: str) -> None:
    assert list(codes_in(f"def refuse_it():\n    {call}")) == ["nosuch_code"]


def test_the_readme_has_the_same_table() -> None:
    assert table((ROOT / "README.rst").read_text(encoding="utf-8")) == CODES


def test_what_is_no_refusal_has_a_code_of_the_table() -> None:
    assert NOT_REFUSED.issubset(CODES)
