"""What attackers do: each row is one kind of attempt, and how many of them begin in a second.

An attempt lasts until the server ends it, or as long as the row says. So the rate of a row that only waits for its
deadline of 10 s is a tenth of the connections that it holds.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tests.bench.hostile.peers import Attacker


@dataclass(frozen=True)
class Row:
    """One kind of attempt."""

    name: str
    act: Callable[[Attacker, int], Awaitable[None]]
    """Is given the number of the attempt."""
    per_s: float
    at_once: int
    """So many begin at the same moment, and then none until their time is over."""
    reasons: tuple[str, ...]
    """By which the server has to refuse some of it."""
    scheme: str
    """"http" or "https" if the row means anything there only."""
    after_s: float
    """How long it has to go on before the server can have refused it."""


ROWS: Final[dict[str, Row]] = {}

Act = Callable[[Attacker, int], Awaitable[None]]

SIDES: Final = ("ingest", "output", "extras")


def row(
    *, per_s: float, at_once: int = 1, reasons: tuple[str, ...] = (), scheme: str = "", after_s: float = 20.0
) -> Callable[[Act], Act]:
    """Make a row of a function, by the name of it."""

    def add(act: Act) -> Act:
        name = act.__name__.replace("_", "-")
        ROWS[name] = Row(name, act, per_s, at_once, reasons, scheme, after_s)
        return act

    return add


def side_of(number: int) -> str:
    return SIDES[number % len(SIDES)]


def speaking_side_of(number: int) -> str:
    """Return one of the two sides that speak Socket.IO."""
    return SIDES[number % 2]


def load() -> dict[str, Row]:
    """Return all rows by name."""
    from tests.bench.hostile.rows import clients, connections, frames, packets, requests  # noqa: F401

    return ROWS
