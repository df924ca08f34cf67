"""What ends a command, in a process of its own: signals are of the whole process."""

import signal
import subprocess
import sys

import pytest

from tests.e2e.running import clean_environment

PROGRAM = """
from gevent import monkey; monkey.patch_all()
import os, signal, sys, time
from valo_ingest.rehearsal.interrupts import interruptible
number = int(sys.argv[1])
signal.signal(number, {before})
try:
    with interruptible():
        os.kill(os.getpid(), number)
        time.sleep(0.5)
    print("went on")
except KeyboardInterrupt:
    print("ended")
print(signal.getsignal(number) is {before})
"""


def outcome(number: int, before: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before), str(number)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_all_that_ends_a_program_is_taken_as_ctrl_c(name: str) -> None:
    assert outcome(getattr(signal, name), "signal.SIG_DFL") == ["ended", "True"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_who_is_to_outlive_his_terminal_does() -> None:
    assert outcome(signal.SIGHUP, "signal.SIG_IGN") == ["went on", "True"]


MATCH = """
from gevent import monkey; monkey.patch_all()
import gevent, sys
from valo_ingest.rehearsal import performance
performance.LOOK_AT_MATCHES_S = 0
here = gevent.getcurrent()

class Played(performance.Performance):
    is_ended = False
    def _log_on_observers(self):
        for _ in range(turns):
            gevent.sleep(0)
        gevent.kill(here, KeyboardInterrupt)
        self._stopping.wait()
        gevent.sleep(0.01)  # as long as a server takes to answer
    def _end_early(self):
        self.is_ended = True

for turns in range(8):
    played = Played(performance.Script(url="http://127.0.0.1:9", key="", group_code="CODE", match_id="id", seed=7))
    performance.play_all([played], lambda: None)
    print(played.is_ended)
"""


def test_a_match_is_ended_at_whatever_moment_ctrl_c_comes() -> None:
    """Also while the thread that plays it is asked whether it still does."""
    done = subprocess.run(
        [sys.executable, "-c", MATCH], env=clean_environment(), capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["True"] * 8
