import pytest

from valo_ingest.rehearsal.accounting import PATIENCE_S, Accounts, Tally, code_of, total

ACCEPTED = '{"type":"accepted"}'


def refused(code: str) -> str:
    return f'{{"type":"error","code":"{code}","message":"m","path":"data"}}'


class FakeTime:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def begin(tally: Tally, kind: str = "map", *, may_be_refused: bool = False) -> int:
    number = tally.begin(kind, may_be_refused=may_be_refused)
    assert number is not None
    return number


def test_every_event_is_accepted_refused_or_lost() -> None:
    tally = Tally()
    numbers = [begin(tally, kind) for kind in ("map", "score", "score", "roster")]
    tally.answer(numbers[0], ACCEPTED)
    tally.answer(numbers[1], refused("invalid_field"))
    tally.answer(numbers[2], refused("match_over"))

    accounts = tally.settle(0)

    assert (accounts.sent, accounts.accepted, accounts.lost, accounts.waiting) == (4, 1, 1, 0)
    assert accounts.refused == {"invalid_field": 1, "match_over": 1}
    assert accounts.sent_by_type == {"map": 1, "score": 2, "roster": 1}
    assert accounts.lost_by_type == {"roster": 1}
    assert not accounts.is_clean


def test_what_was_spoilt_on_purpose_may_be_refused() -> None:
    tally = Tally()
    tally.inject("nulls")
    tally.answer(begin(tally, may_be_refused=True), refused("invalid_field"))
    tally.answer(begin(tally, may_be_refused=True), ACCEPTED)

    accounts = tally.settle(0)

    assert accounts.refused_as_injected == {"invalid_field": 1}
    assert (accounts.refused, accounts.accepted, accounts.injected) == ({}, 1, {"nulls": 1})
    assert accounts.is_clean


def test_a_late_answer_and_only_the_first_counts() -> None:
    tally = Tally()
    number = begin(tally)
    assert tally.settle(0).lost == 0, "of a server that has answered nothing at all, nobody can tell"
    tally.answer(begin(tally), ACCEPTED)
    assert tally.settle(0).lost == 1

    tally.answer(number, ACCEPTED)
    tally.answer(number, refused("match_over"))

    accounts = tally.settle(0)
    assert (accounts.accepted, accounts.lost, accounts.refused) == (2, 0, {})


def test_an_event_may_show_itself_to_have_been_taken_in() -> None:
    alone, among_answers, among_silence = Tally(), Tally(), Tally()
    among_answers.answer(begin(among_answers), ACCEPTED)
    begin(among_silence)

    for tally in (alone, among_answers, among_silence):
        tally.confirm(begin(tally))

    assert alone.settle(0).accepted == 1
    assert among_answers.settle(0).accepted == 2
    accounts = among_silence.settle(0)
    assert (accounts.accepted, accounts.unconfirmed, accounts.lost) == (0, 2, 0)


def test_an_event_whose_connection_broke_is_lost_at_once() -> None:
    tally = Tally()
    assert not tally.has_answers
    tally.answer(begin(tally), ACCEPTED)
    number = begin(tally)
    assert tally.has_answers
    assert tally.waiting_count == 1

    tally.lose(number)
    tally.lose(number)

    assert tally.waiting_count == 0
    assert tally.accounts().lost == 1


def test_of_a_server_that_answers_nothing_all_is_unconfirmed_and_it_is_asked_no_more() -> None:
    now = FakeTime()
    tally = Tally(monotonic_s=now)
    begin(tally)
    now.now_s = PATIENCE_S + 1

    assert tally.begin("map") is None

    accounts = tally.settle(0)
    assert (accounts.sent, accounts.unconfirmed, accounts.lost) == (2, 2, 0)
    assert tally.waiting_count == 0


def test_a_server_that_only_was_slow_to_begin_is_asked_again() -> None:
    now = FakeTime()
    tally = Tally(monotonic_s=now)
    first = begin(tally)
    now.now_s = PATIENCE_S + 1
    assert tally.begin("map") is None

    tally.answer(first, ACCEPTED)

    assert tally.begin("map") is not None
    accounts = tally.settle(0)
    assert (accounts.sent, accounts.accepted, accounts.unconfirmed, accounts.lost) == (3, 1, 1, 1)


def test_whoever_wants_to_know_is_told_of_each_answer() -> None:
    told: list[tuple[str, str, float]] = []
    now = FakeTime()
    tally = Tally(on_answer=lambda *answer: told.append(answer), monotonic_s=now)
    number = begin(tally, "score")
    now.now_s = 0.25

    tally.answer(number, refused("match_over"))

    assert told == [("score", "match_over", 0.25)]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ((ACCEPTED,), "accepted"),
        ((refused("invalid_field"),), "invalid_field"),
        ((), "accepted"),
        ((None,), "accepted"),
        (("no JSON",), "accepted"),
        (("[1]",), "accepted"),
        (('{"type":"error"}',), "unknown"),
    ],
)
def test_any_acknowledgement_says_at_least_that_the_event_has_arrived(
    values: tuple[object, ...], code: str
) -> None:
    assert code_of(values) == code


def test_the_accounts_of_several_matches_add_up() -> None:
    one = Accounts(
        sent=5, accepted=3, refused={"a": 1}, lost=1, sent_by_type={"map": 5}, lost_by_type={"map": 1}
    )
    other = Accounts(sent=4, accepted=2, refused={"a": 1, "b": 1}, sent_by_type={"map": 3, "score": 1})

    both = total([one, other])

    assert (both.sent, both.accepted, both.lost) == (9, 5, 1)
    assert both.refused == {"a": 2, "b": 1}
    assert both.sent_by_type == {"map": 8, "score": 1}
