import pytest

from valo_ingest.web import words


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("FINALS", "/matches/FINALS?number=7"),
        ("A/B ?#%&", "/matches/A%2FB%20%3F%23%25%26?number=7"),
        ("ä☃", "/matches/%C3%A4%E2%98%83?number=7"),
        ("..", "/matches/?number=7"),
        (".", "/matches/?number=7"),
        ("\ud800", "/matches/%3F?number=7"),
    ],
)
def test_the_address_of_a_match(code: str, path: str) -> None:
    assert words.match_path(code, 7) == path


def test_numbers_are_written_as_people_do() -> None:
    assert [words.amount(number) for number in (0, 950, 12_300, 12_300.0, 2.5)] == [
        "0",
        "950",
        "12,300",
        "12,300",
        "2.5",
    ]
    assert [words.counted(number, "overlay") for number in (0, 1, 2)] == [
        "0 overlays",
        "1 overlay",
        "2 overlays",
    ]


def test_what_never_happened_has_no_time() -> None:
    assert words.clock(None) == words.day(None) == words.iso(None) == ""


def test_an_instant_is_written_for_machines_in_universal_time() -> None:
    assert words.iso(1_767_225_600_000) == "2026-01-01T00:00:00Z"


def test_an_unknown_phase_is_shown_as_it_was_sent() -> None:
    assert (words.phase("shopping"), words.phase("of_tomorrow")) == ("buying", "of_tomorrow")
