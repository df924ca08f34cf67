"""What a look at one link of the chain has found."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is with a link."""

    OK = "ok"
    WARNING = "warning"
    """It holds, but not as it should, or it could not be seen whole."""
    BROKEN = "broken"
    SKIPPED = "skipped"
    """It was not looked at: a link before it is broken, or something is not known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: which check, how it is, what was seen, and what to do ("" where there is nothing to do)."""

    check: str
    state: State
    saw: str
    do: str = ""


def ok(check: str, saw: str) -> Finding:
    return Finding(check, State.OK, saw)


def warning(check: str, saw: str, do: str) -> Finding:
    return Finding(check, State.WARNING, saw, do)


def broken(check: str, saw: str, do: str) -> Finding:
    return Finding(check, State.BROKEN, saw, do)


def skipped(check: str, saw: str) -> Finding:
    return Finding(check, State.SKIPPED, saw)
