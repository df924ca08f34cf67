import pytest

from valo_ingest.live.nearest import Nearest, nearest

LIVE = ("FINALS", "SEMI-B", "GROUP 01")


@pytest.mark.parametrize(
    ("typed", "code", "difference"),
    [
        ("finals", "FINALS", "differs only in capital letters"),
        ("FINALS ", "FINALS", "differs only in blanks or signs"),
        ("semi b", "SEMI-B", "differs only in blanks or signs"),
        ("GROUP O1", "GROUP 01", "differs only in letters that look like digits"),
        ("F1NALS", "FINALS", "differs only in letters that look like digits"),
        ("FINAL", "FINALS", "looks alike"),
        ("GRUOP 01", "GROUP 01", "looks alike"),
    ],
)
def test_the_code_that_was_meant_is_found(typed: str, code: str, difference: str) -> None:
    assert nearest(typed, LIVE) == Nearest(code, difference)


def test_a_difference_in_case_alone_comes_before_any_other() -> None:
    assert nearest("finals", ("FINAL-S", "FINALS")) == Nearest("FINALS", "differs only in capital letters")


@pytest.mark.parametrize("typed", ["XYZ", "!!!", "日本"])
def test_where_no_code_is_like_it_none_is_named(typed: str) -> None:
    assert nearest(typed, LIVE) is None


def test_the_only_live_code_is_named_in_any_case() -> None:
    assert nearest("XYZ", ("FINALS",)) == Nearest("FINALS", "is the only live one")


def test_without_a_live_match_nothing_is_meant() -> None:
    assert nearest("FINALS", ()) is None
