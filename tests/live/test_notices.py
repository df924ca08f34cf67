from valo_ingest.clock import ManualClock
from valo_ingest.live.notices import TOLD_EVERY_MS, Notices


def test_the_first_notice_of_a_code_is_given_at_once() -> None:
    assert Notices().take("not_json", ManualClock().now_ms()) == 0


def test_notices_of_a_code_are_a_second_apart() -> None:
    clock = ManualClock()
    notices = Notices()
    given_at = []
    for now in range(0, 10_000, 10):
        if notices.take("not_json", clock.now_ms()) is not None:
            given_at.append(now)
        clock.advance(10)

    assert given_at == list(range(0, 10_000, TOLD_EVERY_MS))


def test_what_was_held_back_is_counted_with_the_next() -> None:
    clock = ManualClock()
    notices = Notices()
    told = []
    for _ in range(21):
        told.append(notices.take("not_json", clock.now_ms()))
        clock.advance(100)

    assert [held_back for held_back in told if held_back is not None] == [0, 9, 9]


def test_codes_do_not_wait_for_each_other() -> None:
    notices = Notices()
    notices.take("not_json", 0)

    assert notices.take("not_object", 0) == 0
    assert notices.take("not_json", 0) is None


def test_a_notice_that_could_not_be_given_does_not_delay_the_next() -> None:
    notices = Notices()
    notices.hold_back("not_json")
    notices.hold_back("not_json")

    assert notices.take("not_json", 0) == 2
    assert notices.take("not_json", TOLD_EVERY_MS) == 0
