"""Which client versions are accepted, and every old spelling that is still read."""

import re
from collections.abc import Callable
from operator import eq, ge, gt, le, lt
from typing import Final

from valo_ingest.errors import ConfigError

Version = tuple[int, int, int]

_NUMBER = r"(0|[1-9][0-9]{0,8})"
_COMPARATOR: Final = re.compile(rf"(>=|<=|>|<|=)?{_NUMBER}\.{_NUMBER}\.{_NUMBER}", re.ASCII)
_VERSION: Final = re.compile(rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
"""A release of semantic versioning 2.0.0. A pre-release is none: no range that we accept names one."""

_COMPARISONS: Final[dict[str, Callable[[Version, Version], bool]]] = {
    ">=": ge,
    "<=": le,
    ">": gt,
    "<": lt,
    "=": eq,
    "": eq,
}

MAX_VERSION_TEXT: Final = 256
"""Characters of a version that is looked at; more is no version."""


class VersionRange:
    """Accepted client versions: comparators that all have to hold, such as ">=0.3.3 <0.3.25"."""

    def __init__(self, text: str) -> None:
        """Read a range.

        Raises:
            ConfigError: `text` is no range.
        """
        self._comparators: list[tuple[Callable[[Version, Version], bool], Version]] = []
        for word in text.split():
            match = _COMPARATOR.fullmatch(word)
            if match is None:
                raise ConfigError("CLIENT_VERSIONS", f"{word!r} is no comparator such as >=0.3.3")
            self._comparators.append((_COMPARISONS[match[1] or ""], _numbers(match[2], match[3], match[4])))
        if not self._comparators:
            raise ConfigError("CLIENT_VERSIONS", "name at least one comparator such as >=0.3.3")

    def accepts(self, text: str) -> bool:
        """Tell whether the client version `text` is in the range. Blanks around it and a "v" do not matter."""
        match = _VERSION.fullmatch(text.strip()) if len(text) <= MAX_VERSION_TEXT else None
        if match is None:
            return False
        version = _numbers(match[1], match[2], match[3])
        return all(compare(version, bound) for compare, bound in self._comparators)


def _numbers(major: str, minor: str, patch: str) -> Version:
    return int(major), int(minor), int(patch)
