import threading

import pytest

from valo_ingest.app.chores import in_a_thread
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
