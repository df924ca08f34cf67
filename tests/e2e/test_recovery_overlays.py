"""Overlays come back by themselves and are shown the state at once. They log on when they are loaded, never again."""

import signal
import time
from collections.abc import Callable

import pytest

from tests.e2e.messages import fresh_code
from tests.e2e.proxy import Proxy
from tests.e2e.recorded import count_events
from tests.e2e.running import eventually
from tests.e2e.stage import Document, Stage, as_text, log_on, tell
from tests.e2e.stage import code_fixture as code_fixture
from tests.e2e.stage import house_fixture as house_fixture
from tests.e2e.stage import shared_stage_fixture as shared_stage_fixture
from tests.interop.nodejs import JsClient

TRANSPORTS = [["polling", "websocket"], ["websocket"], ["polling"]]

AT_ONCE_S = 5
"""From the moment a client is connected again. It takes some ms; who is not shown the state at once waits for ever, for
nothing changes.
"""


def begin(stage: Stage, group_code: str) -> JsClient:
    """Return the observer of a match on Ascent."""
    observer = stage.observe(group_code)
    log_on(observer)
    tell(observer, group_code, "match_start", group_code)
    tell(observer, group_code, "map", "Ascent")
    return observer


def await_return(overlay: JsClient) -> tuple[Document, float]:
    """Return the first document that an overlay is shown when it is back, and the seconds that took."""
    overlay.wait_for("connect")
    connected_at = time.monotonic()
    document: Document = overlay.wait_for("match_data")
    return document, time.monotonic() - connected_at


def cut_until_noticed(overlay: JsClient, cut: Callable[[], None]) -> None:
    """Cut, and again: who polls may be about to open the next connection, which is then cut as well."""
    cuts_before = overlay.names().count("disconnect")

    def is_noticed() -> bool:
        cut()
        return overlay.names().count("disconnect") > cuts_before

    eventually(is_noticed, "the overlay notices that it is cut")
    overlay.wait_for("disconnect")


def assert_logged_on_once(cable: Proxy) -> None:
    assert count_events(cable.sent(), "logon") == 1


@pytest.mark.parametrize("transports", TRANSPORTS, ids="-".join)
def test_after_a_cut(stage: Stage, code: str, transports: list[str]) -> None:
    stage.start()
    observer = begin(stage, code)
    cable = stage.cable(stage.server.output_port)
    overlay = stage.follow(code, over=cable, transports=transports)
    overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")

    for cut, chosen in ((cable.cut, "Icebox"), (cable.reset, "Lotus"), (cable.abandon_server, "Split")):
        cable.lets_in = False
        cut_until_noticed(overlay, cut)
        tell(observer, code, "map", chosen)  # which it misses
        stage.follow(code).wait_for("match_data", lambda document, chosen=chosen: document["map"] == chosen)
        cable.lets_in = True
        document, took = await_return(overlay)
        assert document["map"] == chosen
        assert took < AT_ONCE_S

    tell(observer, code, "map", "Pearl")
    overlay.wait_for("match_data", lambda document: document["map"] == "Pearl")
    assert_logged_on_once(cable)


@pytest.mark.parametrize("transports", TRANSPORTS, ids="-".join)
def test_after_a_restart(stage: Stage, code: str, transports: list[str]) -> None:
    stage.start()
    observer = begin(stage, code)
    cable = stage.cable(stage.server.output_port)
    overlay = stage.follow(code, over=cable, transports=transports)
    overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")

    stage.kill()
    stage.restart()

    document, took = await_return(overlay)
    assert document["map"] == "Ascent"
    assert took < AT_ONCE_S
    tell(observer, code, "map", "Pearl")
    overlay.wait_for("match_data", lambda document: document["map"] == "Pearl" and document["isRunning"])
    assert_logged_on_once(cable)
    print(
        f"\noverlay on {'/'.join(transports)}: state shown {took * 1000:.0f} ms after it was connected again"
    )


def test_a_logon_survives_even_when_nothing_happens_after_it(stage: Stage, code: str) -> None:
    stage.start()
    begin(stage, code)
    stage.follow(code).wait_for("match_data", lambda document: document["map"] == "Ascent")
    overlay = stage.follow(code)

    stage.kill()
    stage.restart()

    assert await_return(overlay)[0]["map"] == "Ascent"


def test_an_overlay_of_several_matches_is_shown_all_of_them(stage: Stage, code: str) -> None:
    stage.start()
    codes = [code, fresh_code()]
    for group_code in codes:
        begin(stage, group_code)
    overlay = stage.follow(code)
    overlay.emit("logon", as_text({"groupCode": codes[1]}))
    overlay.wait_for("logon_success", lambda answer: answer["groupCode"] == codes[1])

    stage.kill()
    stage.restart()

    overlay.wait_for("connect")
    missing = set(codes)
    while missing:  # the one whose observer is back first may be shown first
        missing.discard(overlay.wait_for("match_data")["groupCode"])


def test_an_overlay_that_came_before_the_match_is_shown_it_when_it_opens(stage: Stage, code: str) -> None:
    stage.start()
    overlay = stage.follow(code)

    stage.kill()
    stage.restart()
    overlay.wait_for("connect")
    begin(stage, code)

    overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")


@pytest.mark.parametrize("transports", TRANSPORTS, ids="-".join)
def test_everybody_is_back_after_a_graceful_stop(stage: Stage, code: str, transports: list[str]) -> None:
    stage.start()
    observer = stage.observe(code, options={"transports": transports})
    log_on(observer)
    tell(observer, code, "match_start", code)
    tell(observer, code, "map", "Ascent")
    overlay = stage.follow(code, transports=transports)
    overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")

    stage.server.stop(signal.SIGTERM)
    observer.wait_for("disconnect")
    tell(observer, code, "map", "Pearl")  # while there is no server
    stage.restart()

    document, _ = await_return(overlay)
    assert document["map"] in ("Ascent", "Pearl")
    if not (document["map"] == "Pearl" and document["isRunning"]):  # the overlay was back first
        overlay.wait_for("match_data", lambda document: document["map"] == "Pearl" and document["isRunning"])
    assert observer.names().count("obs_logon_ack") == 1
