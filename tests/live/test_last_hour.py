from valo_ingest.live.last_hour import HOUR_MS, LATEST, MINUTE_MS, LastHour, Refusal

NOW = 1_000 * HOUR_MS


def refusal(code: str = "not_json", at: int = NOW, **changes: str) -> Refusal:
    return Refusal(at=at, code=code, text="not JSON", **changes)


def made(*refusals: Refusal) -> LastHour:
    last_hour = LastHour()
    for each in refusals:
        last_hour.add(each)
    return last_hour


def test_reasons_are_counted_the_one_of_the_latest_first() -> None:
    last_hour = made(refusal("a", NOW - 3), refusal("b", NOW - 2), refusal("a", NOW - 1, group_code="X"))

    counts = last_hour.counts(NOW)

    assert [(each.code, each.count) for each in counts] == [("a", 2), ("b", 1)]
    assert counts[0].latest.group_code == "X"


def test_after_an_hour_nothing_is_left() -> None:
    last_hour = made(refusal(at=NOW - HOUR_MS), refusal("b", at=NOW - HOUR_MS + MINUTE_MS))

    assert [each.code for each in last_hour.counts(NOW)] == ["b"]
    assert [each.code for each in last_hour.latest(NOW)] == ["b"]


def test_who_was_refused_more_than_an_hour_ago_is_not_named_for_what_others_do_now() -> None:
    last_hour = made(
        refusal(at=NOW - HOUR_MS, address="10.0.0.3"),
        refusal(at=NOW - HOUR_MS + MINUTE_MS, address="10.0.0.4"),
        refusal(at=NOW, address="10.0.0.5"),
    )

    (counted,) = last_hour.counts(NOW)
    assert counted.addresses == ("10.0.0.5", "10.0.0.4")


def test_who_is_refused_again_and_again_does_not_hide_who_is_refused_as_well() -> None:
    last_hour = made(
        refusal(at=NOW - 1, address="10.0.0.3"),
        *(refusal(at=NOW, address="10.0.0.4") for _ in range(2 * LATEST)),
        refusal(at=NOW),
    )

    (counted,) = last_hour.counts(NOW)
    assert counted.addresses == ("10.0.0.4", "10.0.0.3")


def test_only_the_latest_addresses_are_known() -> None:
    last_hour = made(
        *(refusal(address=f"10.0.0.{number}") for number in range(9)), refusal(address="10.0.0.5")
    )

    (counted,) = last_hour.counts(NOW)
    assert counted.addresses == ("10.0.0.5", "10.0.0.8", "10.0.0.7", "10.0.0.6", "10.0.0.4")


def test_a_flood_of_one_reason_does_not_hide_another() -> None:
    last_hour = made(refusal("rare", NOW - 1_000), *(refusal("flood", NOW) for _ in range(2 * LATEST)))

    assert [(each.code, each.count) for each in last_hour.counts(NOW)] == [("flood", 2 * LATEST), ("rare", 1)]
    assert "rare" in {each.code for each in last_hour.latest(NOW)}


def test_a_flood_is_counted_and_not_kept() -> None:
    last_hour = made(*(refusal(at=NOW) for _ in range(3 * LATEST)))

    assert len(last_hour.latest(NOW)) <= LATEST + 5


def test_the_latest_come_first_and_none_twice() -> None:
    last_hour = made(*(refusal(at=NOW + number) for number in range(3)))

    assert [each.at for each in last_hour.latest(NOW + 3)] == [NOW + 2, NOW + 1, NOW]
