from tests.storage import kept
from tests.storage.kept import ENTRIES, GAME_END, START, make_opening
from valo_ingest.live.chronicle import MAX_KEPT_TEXT, RECENT, Chronicle, Purse, told_again
from valo_ingest.wire.record import Entry, Kind


def event(at: int, text: str = "{}") -> Entry:
    return Entry(at, Kind.OBSERVER_MESSAGE, text)


def told(*entries: Entry, since: int = START) -> Chronicle:
    chronicle = Chronicle(since=since)
    for _ in told_again(make_opening(), entries, chronicle):
        pass
    return chronicle


def test_the_latest_events_are_kept_and_all_are_counted() -> None:
    chronicle = Chronicle(since=0)
    for at in range(RECENT + 5):
        chronicle.note_event(event(at))

    assert chronicle.events == RECENT + 5
    assert [entry.at for entry in chronicle.recent] == list(range(5, RECENT + 5))
    assert chronicle.last_event_at == RECENT + 4


def test_of_a_large_event_only_its_arrival_is_kept() -> None:
    chronicle = Chronicle(since=0)
    chronicle.note_event(event(1, "x" * MAX_KEPT_TEXT))
    chronicle.note_event(event(2, "x" * (MAX_KEPT_TEXT + 1)))

    assert [len(entry.text) for entry in chronicle.recent] == [MAX_KEPT_TEXT, 0]


def test_the_rate_is_that_of_the_last_seconds() -> None:
    chronicle = Chronicle(since=0)
    assert chronicle.events_per_s() == 0
    for second in range(10):
        for _ in range(100 if second < 4 else 20):
            chronicle.note_event(event(second))
        chronicle.sample(second * 1_000)

    assert chronicle.events_per_s() == 20
    assert chronicle.each_second() == [100, 100, 100, 20, 20, 20, 20, 20, 20]


def test_a_rate_takes_the_time_that_really_passed() -> None:
    chronicle = Chronicle(since=0)
    chronicle.sample(0)
    for _ in range(30):
        chronicle.note_event(event(0))
    chronicle.sample(3_000)

    assert chronicle.events_per_s() == 10


def test_purses_are_taken_when_combat_begins() -> None:
    boards = [
        kept.observed(100, "scoreboard", kept.board("l1", money=4_000)),
        kept.observed(200, "scoreboard", kept.board("l1", money=1_100)),
        kept.observed(300, "scoreboard", kept.board("r1", money=900)),
    ]
    later = [kept.observed(500, "scoreboard", kept.board("l1", money=1_300))]

    chronicle = told(*kept.BEGINNING, *boards, kept.phase(400, 1, "combat"), *later)

    assert chronicle.rounds[1].purses == {0: Purse(spent=2_900, left=1_100), 1: Purse(spent=0, left=900)}


def test_purses_stay_with_their_team_when_seats_are_swapped() -> None:
    boards = [
        kept.observed(100, "scoreboard", kept.board("l1", money=900)),
        kept.observed(300, "swap_left_right"),
    ]

    chronicle = told(*kept.BEGINNING, *boards, kept.phase(400, 1, "combat"))

    assert chronicle.rounds[1].purses[0].left == 900


def test_who_came_and_went_is_told_apart_from_events() -> None:
    chronicle = told(*ENTRIES)

    assert [entry.kind for entry in chronicle.connections] == [
        entry.kind for entry in ENTRIES if entry.kind > Kind.AUXILIARY_MESSAGE
    ]
    assert chronicle.events == len(ENTRIES) - len(chronicle.connections)
    assert chronicle.gone_at == {"r1": START + 44_000}


def test_an_entry_that_nobody_can_read_is_left_out() -> None:
    chronicle = told(*kept.BEGINNING, Entry(START + 5, Kind.OBSERVER_MESSAGE, "no JSON"), GAME_END)

    assert chronicle.events == len(kept.BEGINNING) + 1


def test_what_happened_before_a_restart_is_put_in_front() -> None:
    before = told(*ENTRIES[:20])
    after = Chronicle(since=START + 65_000, is_whole=False)
    for entry in ENTRIES[20:]:
        if entry.kind in (Kind.OBSERVER_MESSAGE, Kind.AUXILIARY_MESSAGE):
            after.note_event(entry)
        else:
            after.note_connection(entry)

    after.begin_with(before)

    whole = told(*ENTRIES)
    assert list(after.recent) == list(whole.recent)
    assert list(after.connections) == list(whole.connections)
    assert after.events_before + after.events == whole.events
    assert after.rounds.keys() == {1}
    assert after.is_whole


def test_what_is_kept_already_is_not_pushed_out_by_what_was_before() -> None:
    before, after = Chronicle(since=0), Chronicle(since=1_000, is_whole=False)
    for at in range(RECENT):
        before.note_event(event(at))
    for at in range(1_000, 1_000 + RECENT - 3):
        after.note_event(event(at))

    after.begin_with(before)

    assert [entry.at for entry in after.recent] == [
        *range(RECENT - 3, RECENT),
        *range(1_000, 1_000 + RECENT - 3),
    ]


def test_a_chronicle_is_completed_once() -> None:
    before, after = Chronicle(since=0), Chronicle(since=1_000, is_whole=False)
    before.note_event(event(1))

    after.begin_with(before)
    after.begin_with(before)

    assert len(after.recent) == 1
    assert after.events_before == 1


def test_whoever_names_players_that_do_not_exist_fills_no_memory() -> None:
    chronicle = Chronicle(since=0)
    for number in range(1_000):
        chronicle.note_connection(Entry(0, Kind.AUXILIARY_GONE, f'{{"playerId": "{number}"}}'))

    assert len(chronicle.gone_at) < 100
