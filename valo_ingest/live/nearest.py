"""Which live group code somebody may have meant who typed another one."""

import difflib
from collections.abc import Collection
from typing import Final

from msgspec import Struct

ALIKE: Final = 0.6
"""How alike two codes have to be, from 0 to 1, as difflib reckons it."""

LOOKALIKES: Final = str.maketrans({"o": "0", "i": "1", "l": "1", "s": "5", "b": "8", "z": "2"})
"""Letters that are read, or heard, as digits."""


class Nearest(Struct, frozen=True):
    """A live code, and in words how it differs."""

    group_code: str
    difference: str


def nearest(typed: str, live: Collection[str]) -> Nearest | None:
    """Return the live code that is most likely meant by `typed`; None if none is anything like it."""
    for difference, folded in FOLDINGS:
        wanted = folded(typed)
        for code in live:
            if wanted and folded(code) == wanted:
                return Nearest(code, difference)
    by_fold = {_without_case(code): code for code in live}
    alike = difflib.get_close_matches(_without_case(typed), by_fold, n=1, cutoff=ALIKE)
    if alike:
        return Nearest(by_fold[alike[0]], "looks alike")
    if len(live) == 1:
        return Nearest(next(iter(live)), "is the only live one")
    return None


def _without_case(code: str) -> str:
    return code.casefold()


def _without_blanks(code: str) -> str:
    return "".join(letter for letter in code.casefold() if letter.isalnum())


def _without_lookalikes(code: str) -> str:
    return _without_blanks(code).translate(LOOKALIKES)


FOLDINGS: Final = (
    ("differs only in capital letters", _without_case),
    ("differs only in blanks or signs", _without_blanks),
    ("differs only in letters that look like digits", _without_lookalikes),
)
"""From the likeliest slip on."""
