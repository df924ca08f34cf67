"""How the real client is let in, or told why not."""

import re
from typing import Any

import pytest

from tests.e2e import messages
from tests.e2e.messages import fresh_code
from tests.e2e.running import RunningServer
from tests.interop.conftest import Connect, Document, Follow, LogOn, tell, tell_auxiliary, text
from tests.interop.nodejs import JsClient
from valo_ingest import __version__

ANSWERS = {"obs_logon": "obs_logon_ack", "aux_logon": "aux_logon_ack"}


def refusal(client: JsClient, answer: str) -> Document:
    """Return how `client` is refused, once it is disconnected for it."""
    told: Document = client.wait_for(answer)
    assert told["value"] is False
    assert client.wait_for("disconnect") == "io server disconnect"
    return told


def test_an_observer_gets_the_secret_of_its_match(observe: LogOn, code: str) -> None:
    answer = observe(code).wait_for("obs_logon_ack")

    assert answer.keys() == {"type", "value", "reason"}
    assert answer["type"] == "authenticate"
    assert answer["value"] is True
    assert re.fullmatch("[A-Z0-9]{12}", answer["reason"])


@pytest.mark.parametrize(
    "form", [text, lambda logon: text(logon).encode(), dict], ids=["text", "bytes", "object"]
)
def test_every_form_of_a_payload_is_read(
    connect: Connect, follow: Follow, server: RunningServer, code: str, form: Any
) -> None:
    observer = connect(server.ingest_url)
    observer.emit("obs_logon", form(messages.observer_logon(code)))
    assert observer.wait_for("obs_logon_ack")["value"] is True
    observer.emit("obs_data", form(messages.observer_data(code, "match_start", code)))
    auxiliary = connect(server.ingest_url)
    observer.emit("obs_data", form(messages.observer_data(code, "roster", messages.roster("P"))))
    overlay = connect(server.output_url)
    overlay.emit("logon", form({"groupCode": code}))
    overlay.wait_for("match_data", lambda document: document["teams"][0]["players"])

    auxiliary.emit("aux_logon", form(messages.auxiliary_logon(code, "P")))
    assert auxiliary.wait_for("aux_logon_ack") == {"type": "aux_authenticate", "value": True}
    auxiliary.emit("aux_data", form(messages.auxiliary_data(code, "P", "aux_health", 55)))
    overlay.wait_for("match_data", lambda document: document["teams"][0]["players"][0]["health"] == 55)


def test_a_wrong_key_is_refused(observe: LogOn, code: str) -> None:
    told = refusal(observe(code, key="wrong"), "obs_logon_ack")

    assert told == {"type": "authenticate", "value": False, "reason": "Invalid Key"}


def test_a_logon_without_a_key_is_refused(observe: LogOn, code: str) -> None:
    assert refusal(observe(code, key=None), "obs_logon_ack")["reason"] == "Invalid Key"


@pytest.mark.parametrize("version", ["0.3.2", "0.3.25", "1.0.0", "0.3.20-beta", "", "new", "0.3"])
def test_a_version_out_of_range_is_refused(observe: LogOn, code: str, version: str) -> None:
    told = refusal(observe(code, clientVersion=version, key="wrong"), "obs_logon_ack")

    expected = f"Client version {version} is not compatible with server version {__version__}."
    assert told == {"type": "authenticate", "value": False, "reason": expected}


@pytest.mark.parametrize("version", ["0.3.3", "0.3.24"])
def test_the_ends_of_the_range_of_versions_are_accepted(observe: LogOn, code: str, version: str) -> None:
    assert observe(code, clientVersion=version).wait_for("obs_logon_ack")["value"] is True


@pytest.mark.parametrize("secret", ["", "WRONGSECRET1", None, 5])
def test_a_live_match_cannot_be_taken_over_without_its_secret(
    observe: LogOn, follow: Follow, code: str, secret: object
) -> None:
    observer = observe(code)
    observer.wait_for("obs_logon_ack")

    told = refusal(observe(code, groupSecret=secret), "obs_logon_ack")

    assert told["reason"] == f"Game with Group Code {code} exists and is still live."
    tell(observer, code, "map", "Ascent")  # the first one is not disturbed
    follow(code).wait_for("match_data", lambda document: document["map"] == "Ascent")


def test_the_key_is_looked_at_before_the_group_code(observe: LogOn, code: str) -> None:
    observe(code).wait_for("obs_logon_ack")

    assert refusal(observe(code, key="wrong"), "obs_logon_ack")["reason"] == "Invalid Key"


UNREADABLE = {
    "a wrong type": ({"type": "aux_authenticate"}, "type"),
    "no type": ({"type": None}, "type"),
    "no version": ({"clientVersion": None}, "clientVersion"),
    "a version that is no text": ({"clientVersion": 3}, "clientVersion"),
    "a group code that is no text": ({"groupCode": 5}, "groupCode"),
    "an empty group code": ({"groupCode": ""}, "groupCode"),
    "a group code of 300 characters": ({"groupCode": "G" * 300}, "groupCode"),
    "no left team": ({"leftTeam": None}, "leftTeam"),
    "a team that is a list": ({"rightTeam": []}, "rightTeam"),
    "a tricode that is no text": ({"leftTeam": {"tricode": 5}}, "leftTeam.tricode"),
    "an attackStart that is no truth value": ({"leftTeam": {"attackStart": 1}}, "leftTeam.attackStart"),
    "toolsData that is no object": ({"toolsData": []}, "toolsData"),
    "a setting that is no object": ({"toolsData": {"seriesInfo": 1}}, "toolsData.seriesInfo"),
    "a duration that is no number": ({"toolsData": {"timeoutDuration": "x"}}, "toolsData.timeoutDuration"),
}


@pytest.mark.parametrize(("changes", "field"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_logon_that_cannot_be_read_is_told_which_field_is_at_fault(
    observe: LogOn, code: str, changes: dict[str, Any], field: str
) -> None:
    told = refusal(observe(code, **changes), "obs_logon_ack")

    assert told["type"] == "authenticate"
    assert told["reason"].startswith(f"Invalid packet. {field}: ")


@pytest.mark.parametrize("event", ANSWERS)
@pytest.mark.parametrize(
    "payload",
    ["hello", "[1]", "null", "", "[" * 100_000, '{"type": NaN}', [1], 5, None],
    ids=["no JSON", "list", "null", "nothing", "brackets", "NaN", "a list itself", "a number", "null itself"],
)
def test_a_logon_that_is_no_object_is_answered(
    connect: Connect, server: RunningServer, event: str, payload: object
) -> None:
    client = connect(server.ingest_url)

    client.emit(event, payload)

    told = refusal(client, ANSWERS[event])
    assert told["reason"].startswith("Invalid packet. The logon is ")
    assert told["type"] == {"obs_logon": "authenticate", "aux_logon": "aux_authenticate"}[event]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "authenticate"}, "Invalid packet. type: has to be 'aux_authenticate'."),
        (
            {"clientVersion": "0.3.2"},
            f"Client version 0.3.2 is not compatible with server version {__version__}.",
        ),
        ({"matchId": 5}, "Invalid packet. matchId: not a text."),
        ({"playerId": 5}, "Invalid packet. playerId: not a text."),
        ({"matchId": "NOSUCHMATCH"}, "Game with Match ID NOSUCHMATCH not found."),
        ({"matchId": ""}, "Game with Match ID  not found."),
    ],
)
def test_an_auxiliary_client_is_told_why_it_is_refused(
    join: LogOn, code: str, changes: dict[str, Any], reason: str
) -> None:
    told = refusal(join(code, "P", **changes), "aux_logon_ack")

    assert told == {"type": "aux_authenticate", "value": False, "reason": reason}


def test_a_match_is_found_by_its_match_id_once_it_has_started(
    observe: LogOn, join: LogOn, follow: Follow, code: str
) -> None:
    observer = observe(code)
    observer.wait_for("obs_logon_ack")
    match_id = fresh_code()
    assert "not found" in refusal(join(match_id, "P"), "aux_logon_ack")["reason"]

    tell(observer, code, "match_start", match_id)
    follow(code).wait_for("match_data", lambda document: document["matchId"] == match_id)

    assert join(match_id, "P").wait_for("aux_logon_ack")["value"] is True


def test_a_second_logon_of_a_connection_is_ignored(observe: LogOn, follow: Follow, code: str) -> None:
    observer = observe(code)
    observer.wait_for("obs_logon_ack")

    observer.emit("obs_logon", text(messages.observer_logon(fresh_code(), key="wrong")))
    observer.emit("aux_logon", text(messages.auxiliary_logon("NOSUCHMATCH", "P")))
    tell(observer, code, "map", "Ascent")

    follow(code).wait_for("match_data", lambda document: document["map"] == "Ascent")
    assert observer.names().count("obs_logon_ack") == 1
    assert "aux_logon_ack" not in observer.names()


@pytest.mark.parametrize("event", ["obs_data", "aux_data"])
def test_data_before_a_logon_ends_the_connection(connect: Connect, server: RunningServer, event: str) -> None:
    client = connect(server.ingest_url)

    client.emit(event, text(messages.observer_data("CODE", "map", "Ascent")))

    assert client.wait_for("disconnect") == "io server disconnect"


def test_data_sent_right_behind_a_refused_logon_changes_nothing(
    observe: LogOn, follow: Follow, code: str
) -> None:
    observer = observe(code)
    overlay = follow(code)
    observer.wait_for("obs_logon_ack")

    intruder = observe(code, groupSecret="WRONGSECRET1")
    tell(intruder, code, "map", "Ascent")
    intruder.wait_for("disconnect")
    tell(observer, code, "switch_kda_credits")

    assert overlay.wait_for("match_data", lambda document: document["showAliveKDA"])["map"] == "Loading"


def test_an_observer_comes_back_with_the_secret_as_often_as_it_likes(
    observe: LogOn, follow: Follow, code: str
) -> None:
    observer = observe(code)
    secret = observer.wait_for("obs_logon_ack")["reason"]
    tell(observer, code, "match_start", fresh_code())
    overlay = follow(code)
    overlay.wait_for("match_data", lambda document: document["isRunning"])

    for _ in range(3):
        observer.disconnect()
        overlay.wait_for("match_data", lambda document: not document["isRunning"])
        observer = observe(code, groupSecret=secret)
        assert observer.wait_for("obs_logon_ack")["reason"] == secret
        overlay.wait_for("match_data", lambda document: document["isRunning"])
    tell(observer, code, "map", "Ascent")
    overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")


def test_the_match_keeps_its_state_while_its_observer_is_away(
    observe: LogOn, follow: Follow, code: str
) -> None:
    observer = observe(code)
    secret = observer.wait_for("obs_logon_ack")["reason"]
    tell(observer, code, "map", "Ascent")
    tell(observer, code, "score", {"team_0": 3, "team_1": 2})
    tell(observer, code, "match_start", fresh_code())
    overlay = follow(code)
    before = overlay.wait_for("match_data", lambda document: document["isRunning"])

    observer.disconnect()

    away = overlay.wait_for("match_data", lambda document: not document["isRunning"])
    assert away == {**before, "isRunning": False}
    observe(code, groupSecret=secret).wait_for("obs_logon_ack")
    assert overlay.wait_for("match_data") == before


def test_a_match_that_has_not_started_is_not_running_when_its_observer_comes_back(
    observe: LogOn, follow: Follow, code: str
) -> None:
    observer = observe(code)
    secret = observer.wait_for("obs_logon_ack")["reason"]
    overlay = follow(code)
    observer.disconnect()

    observer = observe(code, groupSecret=secret)
    tell(observer, code, "map", "Ascent")

    assert overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")["isRunning"] is False


def test_an_auxiliary_client_may_report_as_soon_as_it_is_let_in(
    observe: LogOn, join: LogOn, follow: Follow, code: str
) -> None:
    observer = observe(code)
    tell(observer, code, "match_start", code)
    tell(observer, code, "roster", messages.roster("P"))
    overlay = follow(code)
    overlay.wait_for("match_data", lambda document: document["isRunning"])

    client = join(code, "P")
    tell_auxiliary(client, code, "P", "aux_health", 42)  # not waiting for the answer

    overlay.wait_for("match_data", lambda document: document["teams"][0]["players"][0]["health"] == 42)
