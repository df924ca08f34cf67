import itertools

import pytest

from tests.live.fakes import FakeAccess, preview_request
from valo_ingest.clock import ManualClock
from valo_ingest.errors import LogonRefused
from valo_ingest.live.previews import KEPT_MS, MAX_PREVIEWS, Previews


class Fixture:
    def __init__(self) -> None:
        self.clock = ManualClock()
        codes = (f"NEW{number:03}" for number in itertools.count())
        self.previews = Previews(clock=self.clock, access=FakeAccess(), new_code=lambda: next(codes))


@pytest.fixture
def made() -> Fixture:
    return Fixture()


def test_a_preview_is_found_by_the_code_that_was_asked_for(made: Fixture) -> None:
    assert made.previews.create(preview_request(code="ABCDEF")) == "ABCDEF"

    match = made.previews.find("ABCDEF")
    assert match is not None
    assert match.group_code == "ABCDEF"
    assert match.teams.left.setup.name == "Left"
    assert len(match.teams.left.players) == len(match.teams.right.players) == 5


@pytest.mark.parametrize("code", [None, "", "ABCDE", "ABCDEFG"])
def test_a_code_of_another_length_is_replaced(made: Fixture, code: str | None) -> None:
    assert made.previews.create(preview_request(code=code)) == "NEW000"
    assert made.previews.find("NEW000") is not None
    assert made.previews.find(code or "") is None


def test_a_wrong_key_makes_no_preview(made: Fixture) -> None:
    with pytest.raises(LogonRefused, match="Invalid Key"):
        made.previews.create(preview_request(key="wrong", code="ABCDEF"))

    assert made.previews.find("ABCDEF") is None


def test_a_preview_is_kept_for_ten_minutes(made: Fixture) -> None:
    made.previews.create(preview_request(code="ABCDEF"))

    made.clock.advance(KEPT_MS - 1)
    assert made.previews.find("ABCDEF") is not None
    made.clock.advance(1)
    assert made.previews.find("ABCDEF") is None


def test_a_preview_made_again_is_kept_from_then_on(made: Fixture) -> None:
    made.previews.create(preview_request(code="ABCDEF"))
    made.clock.advance(KEPT_MS - 1)
    made.previews.create(preview_request(code="ABCDEF"))

    made.clock.advance(KEPT_MS - 1)
    assert made.previews.find("ABCDEF") is not None


def test_the_oldest_preview_makes_room(made: Fixture) -> None:
    for number in range(MAX_PREVIEWS):
        made.previews.create(preview_request(code=f"{number:06}"))
    made.previews.create(preview_request(code="000000"))  # made again, so it is not the oldest
    made.previews.create(preview_request(code="NEWEST"))

    assert made.previews.find("000000") is not None
    assert made.previews.find("000001") is None
    assert made.previews.find("000002") is not None
    assert made.previews.find("NEWEST") is not None
