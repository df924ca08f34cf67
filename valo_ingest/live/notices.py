"""How often a client is told the same thing: once a second, and then also how many times it was not told."""

from typing import Final

from msgspec import Struct

TOLD_EVERY_MS: Final = 1_000
"""Shortest time between two notices of the same code to the same client."""


class _Told(Struct):
    at: int
    held_back: int = 0


class Notices:
    """What one client was told. It keeps no more than the codes there are: two numbers of each."""

    __slots__ = ("_by_code",)

    def __init__(self) -> None:
        self._by_code: dict[str, _Told] = {}

    def hold_back(self, code: str) -> None:
        """The client could not be told."""
        told = self._by_code.setdefault(code, _Told(at=-TOLD_EVERY_MS))
        told.held_back += 1

    def take(self, code: str, now: int) -> int | None:
        """Return how many notices of `code` were held back since the last one, if there may be one at `now` (epoch ms).

        Otherwise this one is held back, and None returned.
        """
        told = self._by_code.get(code)
        if told is not None and now - told.at < TOLD_EVERY_MS:
            told.held_back += 1
            return None
        self._by_code[code] = _Told(at=now)
        return 0 if told is None else told.held_back
