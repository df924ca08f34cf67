from valo_ingest.errors import CODES
from valo_ingest.live.reasons import LOGONS, REASONS, reason

NO_REFUSALS = {"stand_by", "active"}


def test_every_code_that_refuses_something_is_explained() -> None:
    assert set(REASONS) == set(CODES) - NO_REFUSALS


def test_a_word_that_nobody_has_described_stands_for_itself() -> None:
    assert reason("some_new_word").title == "Some new word"


def test_the_reasons_of_logons_are_reasons() -> None:
    assert set(REASONS) >= LOGONS
