import threading

import gevent
import pytest

from valo_ingest.app.chores import Chore, in_a_thread
from valo_ingest.errors import UnknownMatch


def test_work_is_done_in_a_thread_and_what_it_returns_is_returned() -> None:
    here = threading.get_native_id()

    assert in_a_thread(lambda: threading.get_native_id() != here) is True


def test_what_is_raised_in_a_thread_is_raised_here_and_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise UnknownMatch("nope")

    with pytest.raises(UnknownMatch):
        in_a_thread(fail)

    assert capfd.readouterr().err == ""


def test_a_chore_is_done_less_often_while_it_says_that_nothing_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcomes = [True, False, False, None]
    slept: list[float] = []

    def work() -> bool | None:
        if not outcomes:
            raise gevent.GreenletExit
        return outcomes.pop(0)

    chore = Chore(0.05, work, 0.25)
    monkeypatch.setattr(gevent, "sleep", slept.append)
    chore.start().join()

    assert slept == [0.05, 0.05, 0.25, 0.25, 0.05]


def test_a_chore_that_failed_is_done_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[str] = []

    def work() -> None:
        tries.append("once more")
        raise gevent.GreenletExit if len(tries) == 3 else ValueError("broken")

    chore = Chore(5.0, work)
    monkeypatch.setattr(gevent, "sleep", lambda seconds: None)
    chore.start().join()

    assert len(tries) == 3
    assert "done every 5.0 s failed" in caplog.text
