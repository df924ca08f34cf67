from valo_ingest.transport.tally import UNKNOWN, EventTally
from valo_ingest.wire.names import ObserverType


def counted(tally: EventTally) -> set[tuple[str, str, int]]:
    return {row for row in tally if row[2]}


def test_events_are_counted_by_type_and_result() -> None:
    tally = EventTally(ObserverType)
    for _ in range(3):
        tally.accept("map")
    tally.refuse("map")
    tally.refuse("score")
    tally.leave_aside("score")

    assert counted(tally) == {
        ("map", "accepted", 3),
        ("map", "refused", 1),
        ("score", "refused", 1),
        ("score", "left_aside", 1),
    }


def test_types_that_clients_make_up_take_no_room() -> None:
    tally = EventTally(ObserverType)
    before = len(list(tally))
    for number in range(1_000):
        tally.accept(f"made up {number}")
        tally.refuse(f"made up {number}")
        tally.leave_aside(f"made up {number}")

    assert len(list(tally)) == before
    assert counted(tally) == {
        (UNKNOWN, "accepted", 1_000),
        (UNKNOWN, "refused", 1_000),
        (UNKNOWN, "left_aside", 1_000),
    }


def test_every_type_is_there_before_it_has_happened() -> None:
    assert {(name.value, "accepted", 0) for name in ObserverType} < set(EventTally(ObserverType))
