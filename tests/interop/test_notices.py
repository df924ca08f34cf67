"""What the real client hears at `message`, where the stock client writes it into its log."""

import time

import msgspec
import pytest

from tests.e2e import messages
from tests.e2e.running import RunningServer
from tests.interop.conftest import Connect, Document, LogOn, tell, text
from tests.interop.nodejs import JsClient
from valo_ingest.live.notices import TOLD_EVERY_MS

TRANSPORTS = [["websocket"], ["polling"]]

BAD_SCORE = {"team_0": "many", "team_1": 0}


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
def test_a_refused_event_reaches_its_sender_at_most_once_a_second(
    connect: Connect, server: RunningServer, code: str, transports: list[str]
) -> None:
    observer = connect(server.ingest_url, transports=transports)
    observer.emit("obs_logon", text(messages.observer_logon(code)))
    assert observer.wait_for("obs_logon_ack")["value"] is True
    tell(observer, code, "map", "Duality")
    began = time.monotonic()
    for _ in range(30):
        tell(observer, code, "score", BAD_SCORE)
    observer.emit("obs_data", "nonsense")
    first: Document = observer.wait_for("message")
    other: Document = observer.wait_for("message")
    again = None
    while again is None:
        time.sleep(0.05)  # otherwise it sends too fast, and is told that, too
        tell(observer, code, "score", BAD_SCORE)
        took = time.monotonic() - began
        again = next((notice for notice in notices_of(observer) if notice["event"] > 32), None)

    assert first == {
        "type": "error",
        "code": "invalid_field",
        "message": "The score event was dropped: the score of team 0 is not a number.",
        "path": "data.team_0",
        "event": 2,
    }
    assert (other["code"], other["event"]) == ("not_json", 32)
    assert again["repeated"] == again["event"] - 4  # all but the two that were told, the map and the nonsense
    assert took >= TOLD_EVERY_MS / 1000 * 0.9  # the first one was told a little after it was sent
    assert [notice["code"] for notice in notices_of(observer)] == [
        "invalid_field",
        "not_json",
        "invalid_field",
    ]


def test_a_stand_by_hears_that_it_is_one(observe: LogOn, code: str) -> None:
    secret = observe(code).wait_for("obs_logon_ack")["reason"]
    stand_by = observe(code, obsName="Backup#OBS", groupSecret=secret)
    assert stand_by.wait_for("obs_logon_ack")["value"] is True

    tell(stand_by, code, "map", "Duality")

    notice = stand_by.wait_for("message")
    assert (notice["type"], notice["code"], notice["event"]) == ("notice", "stand_by", 1)


def test_an_overlay_hears_why_its_logon_is_none(connect: Connect, server: RunningServer) -> None:
    overlay = connect(server.output_url)

    overlay.emit("logon", text({"code": "FINALS"}))

    notice = overlay.wait_for("message")
    assert (notice["code"], notice["path"]) == ("overlay_logon", "groupCode")
    assert "group code" in notice["message"]


def test_an_overlay_that_is_early_is_told_so(connect: Connect, server: RunningServer, code: str) -> None:
    overlay = connect(server.output_url)

    overlay.emit("logon", text({"groupCode": code}))

    answer = overlay.wait_for("logon_success")
    assert answer == {"groupCode": code, "msg": "Following this code; no match is live yet."}


def notices_of(client: JsClient) -> list[Document]:
    return [msgspec.json.decode(notice) for notice in client.texts("message")]
