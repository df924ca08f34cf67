import gevent
import pytest

from tests.e2e.running import eventually
from valo_ingest.app.calls import Calls


def test_calls_are_made_in_their_order_by_one_greenlet() -> None:
    made: list[tuple[str, int]] = []
    calls = Calls()

    for name in ("first", "second"):
        calls.later(0, lambda name: made.append((name, id(gevent.getcurrent()))), name)
    assert made == []
    gevent.sleep(0)
    calls.later(0, lambda: made.append(("third", id(gevent.getcurrent()))))
    gevent.sleep(0)

    assert [name for name, _ in made] == ["first", "second", "third"]
    assert len({greenlet for _, greenlet in made}) == 1


def test_a_call_is_made_when_its_time_has_come() -> None:
    made: list[str] = []
    calls = Calls()

    calls.later(0.002, made.append, "later")
    calls.later(0.001, made.append, "soon")
    calls.later(0, made.append, "at once")
    gevent.sleep(0)
    assert made == ["at once"]

    eventually(lambda: gevent.sleep(0) or len(made) == 3, "all calls are made")
    assert made == ["at once", "soon", "later"]


def test_a_call_that_fails_is_told_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    made: list[str] = []
    calls = Calls()

    calls.later(0, lambda: made.append(str(1 / 0)))
    calls.later(0, made.append, "next")
    gevent.sleep(0)

    assert made == ["next"]
    assert "ZeroDivisionError" in caplog.text
