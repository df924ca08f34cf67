"""A server that is stopped while an observer sends."""

import pytest

from tests.e2e.messages import observer_data
from tests.e2e.running import eventually
from tests.e2e.stage import Stage, as_text, wait_for_names
from tests.e2e.stage import code_fixture as code_fixture
from tests.e2e.stage import house_fixture as house_fixture
from tests.e2e.stage import shared_stage_fixture as shared_stage_fixture
from valo_ingest.wire.record import Kind

STOPS = 2
EVENTS = 300

SOME_BYTES = 10_000
"""So much of the events is on its way when the server is stopped."""


def scores(texts: list[str], mark: str) -> list[int]:
    """Return the scores in some texts that hold them behind `mark`, in their order."""
    return [int(text.partition(mark)[2].partition(",")[0]) for text in texts if mark in text]


def kept_scores(stage: Stage, group_code: str) -> list[int]:
    entries = stage.kept(group_code).entries
    return scores([entry.text for entry in entries if entry.kind is Kind.OBSERVER_MESSAGE], '"team_0":')


@pytest.mark.parametrize("transports", [["polling", "websocket"], ["websocket"]], ids="+".join)
def test_a_stop_loses_nothing_that_was_sent_to_the_server(
    stage: Stage, code: str, transports: list[str]
) -> None:
    """This looks at what was really on the cable; what a library keeps back, or throws away, is its own affair."""
    stage.start("--max-events-per-second", "0")
    cable = stage.cable(stage.server.ingest_port)
    observer = stage.observe(code, over=cable, options={"transports": transports})
    assert observer.wait_for("obs_logon_ack")["value"] is True
    number = 0
    for stops in range(STOPS):
        if "polling" in transports:
            wait_for_names(observer, stops + 1, "upgrade")
        before = sum(len(link.upstream) for link in cable.links)
        for _ in range(EVENTS):
            number += 1
            score = observer_data(code, "score", {"team_0": number, "team_1": 0})
            observer.emit("obs_data", as_text(score))
        eventually(
            lambda before=before: sum(len(link.upstream) for link in cable.links) > before + SOME_BYTES,
            "some events are on their way",
        )
        stage.server.stop()
        stage.restart()
        wait_for_names(observer, stops + 2, "connect")

    observer.emit("obs_data", as_text(observer_data(code, "score", {"team_0": 0, "team_1": 1})))
    eventually(lambda: kept_scores(stage, code)[-1:] == [0], "the last event is taken in")
    sent = scores(cable.sent(), '\\"team_0\\":')
    print(f"\n{STOPS} stops: {number + 1 - len(sent)} of {number + 1} events were never sent")
    assert kept_scores(stage, code) == sent
