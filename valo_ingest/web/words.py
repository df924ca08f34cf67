"""How the pages write instants, numbers and addresses."""

import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

PHASES: Final[Mapping[str, str]] = {
    "LOBBY": "lobby",
    "game_start": "starting",
    "shopping": "buying",
    "combat": "combat",
    "end": "round over",
    "game_end": "game over",
}
"""Phases of the feed, as a person calls them; others are shown as they were sent."""

REASONS: Final[Mapping[str, str]] = {
    "kills": "enemies eliminated",
    "detonated": "spike detonated",
    "defused": "spike defused",
    "timeout": "time ran out",
}
"""Why a round was won."""

STATES: Final[Mapping[str, str]] = {
    "fresh": "connected",
    "quiet": "connected, but quiet",
    "gone": "gone",
    "none": "no client",
}
"""How it is with a player's client."""

DOTS: Final = frozenset({".", ".."})
"""Group codes that no path can end in: browsers take them for folders."""


def phase(name: str) -> str:
    return PHASES.get(name, name)


def clock(instant: int | None) -> str:
    """Return the time of day of an instant (epoch ms), where the server is."""
    return "" if instant is None else time.strftime("%H:%M:%S", time.localtime(instant / 1_000))


def day(instant: int | None) -> str:
    """Return the date and the time of an instant (epoch ms), where the server is."""
    return "" if instant is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(instant / 1_000))


def iso(instant: int | None) -> str:
    """Return an instant (epoch ms) for a `datetime` attribute."""
    return "" if instant is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant / 1_000))


def amount(number: float) -> str:
    """Return a number as people write it: 12,300."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def match_path(group_code: str, number: int) -> str:
    """Return the address of a match's page. A group code may hold anything, and was not always of this match."""
    code = "" if group_code in DOTS else quote(group_code, safe="", errors="replace")
    return f"/matches/{code}?number={number}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return "1 overlay", "2 overlays"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
