import pytest

from valo_ingest.transport.limits import (
    FAILED_LOGONS_BURST,
    MAX_LOGON_DELAY_S,
    PRUNE_ABOVE,
    Admission,
    Bucket,
    Buckets,
    LogonDelays,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_lets_a_burst_pass_and_then_its_rate() -> None:
    bucket = Bucket(rate=500, burst=2_000, now=0)

    assert bucket.take(2_000, now=0) == 0
    assert bucket.take(32, now=0) == pytest.approx(0.064)
    assert bucket.take(32, now=0.064) == pytest.approx(0.064)
    assert bucket.take(100, now=1) == 0


def test_a_bucket_holds_no_more_than_its_burst() -> None:
    bucket = Bucket(rate=1, burst=10, now=0)

    assert bucket.take(11, now=1_000) == 1


def test_buckets_are_apart_and_forgotten_when_they_are_full_again() -> None:
    clock = Clock()
    buckets = Buckets(rate=1, burst=1, now=clock)
    assert buckets.take("a", 3) == 2
    assert buckets.take("b", 1) == 0
    assert buckets.take("c", 0) == 0
    assert len(buckets) == 2

    for number in range(10 * PRUNE_ABOVE):
        clock.now += 2
        buckets.take(number, 1)
    assert len(buckets) <= PRUNE_ABOVE


def test_failed_logons_of_an_address_make_its_next_ones_wait_longer_and_longer() -> None:
    clock = Clock()
    delays = LogonDelays(clock)
    for _ in range(int(FAILED_LOGONS_BURST)):
        delays.failed("10.0.0.1")
    assert delays.delay_s("10.0.0.1") == 0

    waited = []
    for _ in range(20):
        delays.failed("10.0.0.1")
        waited.append(delays.delay_s("10.0.0.1"))
    assert waited[:3] == [1, 2, 3]
    assert max(waited) == MAX_LOGON_DELAY_S
    assert delays.delay_s("10.0.0.2") == 0

    clock.now += MAX_LOGON_DELAY_S
    assert delays.delay_s("10.0.0.1") == 0


def test_connections_are_counted_by_address_and_in_all() -> None:
    admission = Admission(max_per_address=2, max_in_all=3)
    assert admission.enter("a") is None
    assert admission.enter("a") is None

    refusal = admission.enter("a")
    assert refusal is not None
    assert refusal.code == "too_many_connections_of_address"
    assert admission.enter("b") is None
    refusal = admission.enter("c")
    assert refusal is not None
    assert refusal.code == "too_many_connections"

    admission.leave("a")
    assert admission.enter("a") is None
    assert admission.open == 3
