import math
from typing import Any

import pytest
from marshmallow import ValidationError

from valo_ingest.wire import bounds
from valo_ingest.wire.fields import Flag, Number, Opaque, Text, opaque_fault, read_flag, read_number


def nested(depth: int) -> Any:
    """Return that many objects inside each other."""
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def refusal(field: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        field.deserialize(value)
    return str(caught.value.messages)


# --- numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1),
        (-5, -5),
        (1.5, 1.5),
        (2.0, 2),
        (-0.0, 0),
        ("1", 1),
        (" 1 ", 1),
        ("+1", 1),
        ("-1", -1),
        ("007", 7),
        ("1.5", 1.5),
        ("2.0", 2),
        ("1e3", 1_000),
        ("1E-1", 0.1),
        ("99999999999999999999", 99_999_999_999_999_999_999),
    ],
)
def test_a_number_may_be_the_text_of_one(value: object, number: float) -> None:
    read = read_number(value)

    assert read == number
    assert type(read) is type(number)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "",
        " ",
        "one",
        "1 2",
        "1,5",
        "1_000",
        "0x10",
        ".5",
        "5.",
        "\u0661",
        "1e9999",
        "1e999",
        "NaN",
        "Infinity",
        "9" * 21,
        " " * 2_000 + "1",
        math.nan,
        math.inf,
        -math.inf,
        [1],
        {"a": 1},
        b"1",
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_number_cannot_be_read(value: object) -> None:
    assert read_number(value) is None


@pytest.mark.parametrize(
    "value", [bounds.MAX_NUMBER, bounds.MIN_NUMBER, str(bounds.MAX_NUMBER), 2147483646.5]
)
def test_a_number_of_32_bits_is_read(value: object) -> None:
    Number().deserialize(value)


@pytest.mark.parametrize(
    "value",
    [bounds.MAX_NUMBER + 1, bounds.MIN_NUMBER - 1, "2147483648", 1e300, 10**400, 2147483647.5],
    ids=lambda value: repr(value)[:20],
)
def test_a_number_beyond_32_bits_is_refused(value: object) -> None:
    assert "not between -2147483648 and 2147483647" in refusal(Number(), value)


@pytest.mark.parametrize(("value", "read"), [(3, 3), ("3", 3), (3.0, 3), ("3.0", 3)])
def test_a_whole_number_is_an_int_however_it_was_written(value: object, read: int) -> None:
    number = Number(whole=True).deserialize(value)

    assert (number, type(number)) == (read, int)


@pytest.mark.parametrize("value", [3.5, "3.5"])
def test_a_fraction_is_no_whole_number(value: object) -> None:
    assert "not a whole number" in refusal(Number(whole=True), value)


def test_a_number_may_have_bounds_of_its_own() -> None:
    field = Number(minimum=0, maximum=999)

    assert (field.deserialize(0), field.deserialize(999)) == (0, 999)
    assert "not between 0 and 999" in refusal(field, 1_000)
    assert "not between 0 and 999" in refusal(field, -1)


# --- truth values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "truth"), [(True, True), (False, False), ("true", True), ("FALSE", False), ("True", True)]
)
def test_a_truth_value_may_be_the_text_of_one(value: object, truth: bool) -> None:
    assert Flag().deserialize(value) is truth


@pytest.mark.parametrize("value", [0, 1, 1.0, "1", "0", "yes", "", " true", None, [], {}])
def test_nothing_else_is_a_truth_value(value: object) -> None:
    assert read_flag(value) is None
    refusal(Flag(), value)


# --- texts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["", "Ash", "ß😀\u2028", "constructor", "../..", "a\0b", "😀" * 1_024],
    ids=lambda value: repr(value)[:20],
)
def test_a_text_is_taken_as_it_is(value: str) -> None:
    assert Text().deserialize(value) == value


@pytest.mark.parametrize("value", [None, 5, True, 1.5, [], {}, b"Ash"])
def test_only_a_text_is_a_text(value: object) -> None:
    refusal(Text(), value)


def test_a_text_has_a_most_of_characters() -> None:
    assert "longer than 1024 characters" in refusal(Text(), "x" * 1_025)
    assert Text(maximum=2_000).deserialize("x" * 2_000) == "x" * 2_000


def test_a_text_may_have_to_hold_something() -> None:
    assert "empty" in refusal(Text(may_be_empty=False), "")
    assert Text(may_be_empty=False).deserialize(" ") == " "


@pytest.mark.parametrize("value", ["\ud800", "a\udfffb"])
def test_half_of_a_surrogate_pair_is_refused(value: str) -> None:
    assert "surrogate" in refusal(Text(), value)


# --- what is passed on as it is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": [1, 2.5, None, True, "x", {"b": []}]},
        {"a": "x" * bounds.MAX_LONG_TEXT},
        {"a": list(range(bounds.MAX_ENTRIES))},
        {str(key): key for key in range(bounds.MAX_ENTRIES)},
        {"a": 2**63 - 1, "b": -(2**63) + 1, "c": 1e300},
        nested(bounds.MAX_DEPTH - 1),
        {"constructor": {"__proto__": 1}},
    ],
    ids=lambda value: repr(value)[:20],
)
def test_an_object_within_bounds_is_passed_on(value: dict[str, Any]) -> None:
    assert Opaque().deserialize(value) is value


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"a": "x" * (bounds.MAX_LONG_TEXT + 1)}, "a text longer than"),
        ({"x" * (bounds.MAX_LONG_TEXT + 1): 1}, "a text longer than"),
        ({"a": "\ud800"}, "surrogate"),
        ({"\ud800": 1}, "surrogate"),
        ({"a": [0] * (bounds.MAX_ENTRIES + 1)}, "a list of more than"),
        ({"a": {str(key): 0 for key in range(bounds.MAX_ENTRIES + 1)}}, "an object of more than"),
        ({"a": 2**63}, "more than 63 bits"),
        ({"a": -(2**63)}, "more than 63 bits"),
        ({"a": math.nan}, "not finite"),
        ({"a": -math.inf}, "not finite"),
        ({"a": b"x"}, "holds bytes"),
        (nested(bounds.MAX_DEPTH), "inside each other"),
        (nested(3_000), "inside each other"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_object_beyond_bounds_is_refused_with_the_reason(value: dict[str, Any], fault: str) -> None:
    assert fault in refusal(Opaque(), value)


@pytest.mark.parametrize("value", [None, True, "x", 5, [], [{}]])
def test_only_an_object_is_an_object(value: object) -> None:
    refusal(Opaque(), value)


def test_a_tuple_is_looked_into_like_a_list() -> None:
    assert opaque_fault({"a": (1, ("\ud800",))}) is not None
