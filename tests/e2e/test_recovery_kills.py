"""A match whose server is killed and started again, again and again; nobody logs on a second time."""

import random
import threading
import time

from tests.e2e.recorded import (
    Recording,
    assert_in_order,
    count_events,
    missing,
    numbers_on,
    runs,
    uninterrupted,
)
from tests.e2e.running import eventually
from tests.e2e.stage import Stage, as_text, assert_stays_true, is_connected, log_on, timeless
from tests.e2e.stage import code_fixture as code_fixture
from tests.e2e.stage import stage_fixture as stage_fixture
from tests.interop.nodejs import JsClient
from valo_ingest.wire.record import Kind

KILLS = 20

RESERVE = 20
"""Messages that are played after the last kill."""

SPEED = 40


class Killing(threading.Thread):
    """Kills the server at random moments, and starts it again as soon as it is dead."""

    def __init__(self, stage: Stage, *clients: JsClient) -> None:
        super().__init__(daemon=True)
        self._stage = stage
        self._clients = clients
        self._random = random.Random(4)
        self.kills = 0
        self.start_s: list[float] = []
        """How long the server took to be ready, each time."""
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while self.kills < KILLS:
                if self._random.random() < 0.7:
                    self.wait_until_connected()
                    time.sleep(self._random.uniform(0, 0.5))
                else:  # while they are coming back
                    time.sleep(self._random.uniform(0, 0.2))
                self.kills += 1
                self._stage.kill()
                self.start_s.append(self._stage.restart())
        except BaseException as error:
            self.error = error

    def wait_until_connected(self) -> None:
        eventually(lambda: all(map(is_connected, self._clients)), "the clients are back")


def test_twenty_kills_take_nothing_back(stage: Stage, code: str) -> None:
    stage.start()
    cables = [stage.cable(port) for port in (stage.server.ingest_port, stage.server.output_port)]
    recording = Recording(code)
    observer = stage.connect(cables[0].url)
    observer.emit("obs_logon", as_text(recording.logon))
    log_on(observer)
    overlay = stage.follow(code, over=cables[1])
    killing = Killing(stage, observer, overlay)
    killing.start()

    for number, text in recording.paced(SPEED):
        if number == len(recording.texts) - RESERVE:
            killing.join()
            assert killing.error is None, killing.error
            killing.wait_until_connected()
        observer.emit("obs_data", text)
    eventually(lambda: "io server disconnect" in observer.texts("disconnect"), "the match ends")
    overlay.wait_for("match_data", lambda document: document["roundPhase"] == "game_end")

    record = stage.kept(code)
    seen = overlay.texts("match_data")
    assert_stays_true(seen, record)
    assert_in_order(record.numbers())
    assert [
        count_events(cable.sent(), name) for cable, name in zip(cables, ("obs_logon", "logon"), strict=True)
    ] == [1, 1]
    assert set(record.told(Kind.OBSERVER_ON)) == {"recovered"}
    lost = missing(record.numbers(), len(recording.texts))
    assert len(runs(lost)) <= KILLS, "more is lost than what was on its way when the server was killed"
    assert timeless(stage.document(code)) == timeless(uninterrupted(stage, record.numbers()))
    print(
        f"\n{KILLS} kills, ready again after {min(killing.start_s):.2f} to {max(killing.start_s):.2f} s: "
        f"{len(lost)} of {len(recording.texts)} messages lost ({len(numbers_on(cables[0]) & {*lost})} on their way, "
        f"the others thrown away by the client's library); {len(seen)} documents stayed true"
    )
