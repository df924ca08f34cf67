"""The users of locust, which changes the whole process when it is loaded: so each test has a process of its own."""

import subprocess
import sys

from tests.e2e.running import clean_environment

HOW_BUSY = """
from gevent import monkey
monkey.patch_all()
from types import SimpleNamespace as Fake
from valo_ingest.rehearsal.load.play import Lineup, Play
from valo_ingest.rehearsal.load.senders import AuxiliaryUser
from valo_ingest.rehearsal.accounting import Tally

play = Play("CODE", Lineup(match_id="match", player_ids=["P1"]), iter(()), speed=1)
play.is_known.set()
user = AuxiliaryUser.__new__(AuxiliaryUser)
user.number = 0
user.slot = Fake(has_play=play.is_known, current=play)
user.venue = Fake(new_tally=Tally, target=Fake(client_version="", ingest_url="http://127.0.0.1:1"))
user.enter = lambda client: print("logs on", play.busy)
user.play()
print("is not in", play.busy)
"""


def test_a_match_does_not_end_while_its_auxiliary_clients_log_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOW_BUSY], env=clean_environment(), capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines() == ["logs on 1", "is not in 0"], done.stderr
