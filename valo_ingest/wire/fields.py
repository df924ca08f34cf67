"""Fields of the schemas: how a single value of the feed is read.

The feed comes from a game API that now and then sends numbers and truth values as text. A number may be text of a
decimal number, a truth value may be the text "true" or "false"; a text is only ever a text, and 1 is not true.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields

from valo_ingest.wire import bounds

_DECIMAL: Final = re.compile(r"\s*[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?\s*", re.ASCII)
_TRUTHS: Final = {"true": True, "false": False}


class Number(fields.Field[int | float]):
    """A number from `minimum` to `maximum`. A whole one is an int, however it was written."""

    default_error_messages = {  # noqa: RUF012 - marshmallow's interface
        "invalid": "not a number",
        "bounds": "not between {minimum} and {maximum}",
        "whole": "not a whole number",
    }

    def __init__(
        self,
        *,
        minimum: int = bounds.MIN_NUMBER,
        maximum: int = bounds.MAX_NUMBER,
        whole: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._minimum = minimum
        self._maximum = maximum
        self._whole = whole

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int | float:
        number = read_number(value)
        if number is None:
            raise self.make_error("invalid")
        if not self._minimum <= number <= self._maximum:
            raise self.make_error("bounds", minimum=self._minimum, maximum=self._maximum)
        if self._whole and not isinstance(number, int):
            raise self.make_error("whole")
        return number


def read_number(value: object) -> int | float | None:
    """Return the finite number that `value` is, or that it is the text of; None if it is neither."""
    if isinstance(value, str):
        if len(value) > bounds.MAX_SHORT_TEXT or _DECIMAL.fullmatch(value) is None:
            return None
        value = float(value) if any(sign in value for sign in ".eE") else int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() else value
    return value


class Flag(fields.Field[bool]):
    """A truth value."""

    default_error_messages = {"invalid": "neither true nor false"}  # noqa: RUF012 - marshmallow's interface

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        truth = read_flag(value)
        if truth is None:
            raise self.make_error("invalid")
        return truth


def read_flag(value: object) -> bool | None:
    """Return the truth value that `value` is, or that it is the text of; None if it is neither."""
    if isinstance(value, str):
        return _TRUTHS.get(value.lower())
    return value if isinstance(value, bool) else None


class Text(fields.Field[str]):
    """A text of at most `maximum` characters."""

    default_error_messages = {  # noqa: RUF012 - marshmallow's interface
        "invalid": "not a text",
        "empty": "empty",
        "long": "longer than {maximum} characters",
        "characters": "holds half of a surrogate pair",
    }

    def __init__(
        self, *, maximum: int = bounds.MAX_SHORT_TEXT, may_be_empty: bool = True, **options: Any
    ) -> None:
        super().__init__(**options)
        self._maximum = maximum
        self._may_be_empty = may_be_empty

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not value and not self._may_be_empty:
            raise self.make_error("empty")
        if len(value) > self._maximum:
            raise self.make_error("long", maximum=self._maximum)
        if not is_writable(value):
            raise self.make_error("characters")
        return value


def is_writable(text: str) -> bool:
    """Tell whether `text` can be sent: half a surrogate pair has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Opaque(fields.Field[Mapping[str, Any]]):
    """An object that is passed on to overlays as it is, within bounds."""

    default_error_messages = {"invalid": "not an object"}  # noqa: RUF012 - marshmallow's interface

    def __init__(self, *, longest_text: int = bounds.MAX_LONG_TEXT, **options: Any) -> None:
        super().__init__(**options)
        self._longest_text = longest_text

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        fault = opaque_fault(value, longest_text=self._longest_text)
        if fault is not None:
            raise ValidationError(fault)
        return value


def opaque_fault(value: object, *, longest_text: int = bounds.MAX_LONG_TEXT) -> str | None:
    """Return what makes a JSON value unfit for being passed on, or None if it is fit.

    Args:
        longest_text: Characters that a text in it may have.
    """
    level: list[object] = [value]
    for _depth in range(bounds.MAX_DEPTH):
        below: list[object] = []
        for entry in level:
            if isinstance(entry, dict):
                if len(entry) > bounds.MAX_ENTRIES:
                    return f"holds an object of more than {bounds.MAX_ENTRIES} entries"
                below.extend(entry)
                below.extend(entry.values())
            elif isinstance(entry, (list, tuple)):
                if len(entry) > bounds.MAX_ENTRIES:
                    return f"holds a list of more than {bounds.MAX_ENTRIES} entries"
                below.extend(entry)
            elif (fault := _scalar_fault(entry, longest_text)) is not None:
                return fault
        if not below:
            return None
        level = below
    return f"holds more than {bounds.MAX_DEPTH} objects or lists inside each other"


def _scalar_fault(value: object, longest_text: int) -> str | None:
    if isinstance(value, str):
        if len(value) > longest_text:
            return f"holds a text longer than {longest_text} characters"
        return None if is_writable(value) else "holds half of a surrogate pair"
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if abs(value) < bounds.MAX_OPAQUE_INTEGER else "holds a whole number of more than 63 bits"
    if isinstance(value, float):
        return None if math.isfinite(value) else "holds a number that is not finite"
    return "holds bytes"
