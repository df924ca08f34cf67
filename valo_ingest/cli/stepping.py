"""A replay step by step: each is shown, and sent when a person wants it."""

from collections.abc import Callable
from typing import Any, Final

import click
import msgspec

from valo_ingest.cli.inspect import duration
from valo_ingest.cli.scoreboard import fitted
from valo_ingest.rehearsal.pacing import Due
from valo_ingest.rehearsal.steps import Step

STEP_WIDTH: Final = 160
"""Columns of a step that is shown."""

NOT_SHOWN: Final = frozenset({"key", "groupSecret", "toolsData"})
"""Parts of a logon: two are secret, and the third is long and may hold secrets."""


class Stepper:
    """Asks before each step. Enter sends it, a number so many, and q ends the replay."""

    def __init__(
        self,
        first: Step,
        *,
        total: int,
        read: Callable[[], str],
        write: Callable[[str], Any] = click.echo,
    ) -> None:
        """
        Args:
            first: Steps before this one are not asked for.
            read: Returns what a person types, with the end of the line; "" when nobody can type any more.
        """
        self._first = first
        self._total = total
        self._read = read
        self._write = write
        self._index = 0
        self._has_begun = False
        self._unasked = 0
        """How many more were asked for at once."""

    def __call__(self, due: Due) -> bool:
        """Tell whether the step is to be sent."""
        self._index += 1
        if due.step is self._first:
            self._has_begun = True
            self._write("Enter sends what is shown, a number that many, q ends the replay.")
        if not self._has_begun:
            return True
        self._write(step_text(self._index, self._total, due.step))
        if self._unasked:
            self._unasked -= 1
            return True
        return self._ask()

    def _ask(self) -> bool:
        while True:
            answer = self._read()
            said = answer.strip().lower()
            if not answer or said == "q":
                return False
            if not said:
                return True
            if said.isdecimal() and 0 < int(said) <= self._total:
                self._unasked = int(said) - 1
                return True
            self._write("Press Enter, or type a number or q.")


def step_text(index: int, total: int, step: Step) -> str:
    """Return a step as one line for people, without secrets."""
    what = step.raw
    if what is None and step.payload:
        said = {name: part for name, part in step.payload.items() if name not in NOT_SHOWN}
        what = msgspec.json.encode(step.payload.get("data", said)).decode()
    added = "  (not in the file)" if step.is_made_up else ""
    text = f"{index}/{total}  {duration(step.at_ms)}  {step.client}  {step.kind}{added}  {what or ''}"
    return fitted(text, STEP_WIDTH).rstrip()
