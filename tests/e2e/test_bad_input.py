"""Messages that nobody could mean: counted, logged, and otherwise as if they had never been sent.

A bad message never disconnects its sender, never changes half of a match, and never ends in a traceback.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e import messages
from tests.e2e.conftest import Counting, WatchedMatch, as_text
from tests.e2e.messages import fresh_code
from tests.e2e.running import RunningServer
from tests.e2e.sockets import Client, PollingClient, WebSocketClient

pytestmark = pytest.mark.usefixtures("log_of_the_server")

BRACKETS = "[" * 100_000
DEEP = "[" * 3_000 + "]" * 3_000
DIGITS = "9" * 5_000
LONG = "x" * 1_000_000

CODE = "@CODE@"
"""Stands for the group code, and the match id, of the match that the sender belongs to."""


def message(kind: str, data: Any, **changes: Any) -> str:
    return json.dumps(messages.observer_data(CODE, kind, data, **changes))


def with_data(kind: str, data: str) -> str:
    """Return a message whose data is the text `data` as it is: valid JSON or not."""
    return message(kind, "@DATA@").replace('"@DATA@"', data)


def without(field: str, kind: str = "map") -> str:
    whole = messages.observer_data(CODE, kind, "Ascent")
    return json.dumps({name: value for name, value in whole.items() if name != field})


BAD = {
    # not JSON, or not an object
    "nothing": ("", "not_json"),
    "words": ("hello", "not_json"),
    "half a message": (message("map", "Ascent")[:-5], "not_json"),
    "two messages": (message("map", "Ascent") * 2, "not_json"),
    "100,000 brackets": (BRACKETS, "not_json"),
    "100,000 brackets as data": (with_data("map", BRACKETS), "not_json"),
    "100,000 braces": ('{"a":' * 100_000, "not_json"),
    "a number of 5,000 digits": (DIGITS, "not_json"),
    "NaN": (with_data("aux_health", "NaN"), "not_json"),
    "Infinity": (with_data("score", '{"team_0": Infinity, "team_1": 0}'), "not_json"),
    "half a surrogate pair": (with_data("map", r'"\ud800"'), "not_json"),
    "half a surrogate pair as a type": (message("@TYPE@", 1).replace("@TYPE@", r"\udfff"), "not_json"),
    "a control character": (message("map", "x").replace("x", "\x00"), "not_json"),
    "null": ("null", "not_object"),
    "a list": ("[1, 2]", "not_object"),
    "a text": ('"map"', "not_object"),
    # missing fields
    "an empty object": ("{}", "missing_field"),
    "no obsName": (without("obsName"), "missing_field"),
    "no groupCode": (without("groupCode"), "missing_field"),
    "no type": (without("type"), "missing_field"),
    "no data": (without("data"), "missing_field"),
    # wrong types
    "a type that is a number": (message("map", "Ascent", type=5), "invalid_field"),
    "a type that is a list": (message("map", "Ascent", type=["map"]), "invalid_field"),
    "a map that is a number": (message("map", 5), "invalid_field"),
    "a map that is null": (message("map", None), "invalid_field"),
    "a round that is a list": (message("round_info", []), "invalid_field"),
    "a score of text": (message("score", {"team_0": "many", "team_1": 0}), "invalid_field"),
    "a score of true": (message("score", {"team_0": True, "team_1": 0}), "invalid_field"),
    "half a score": (message("score", {"team_0": 5}), "invalid_field"),
    "a scoreboard without money": (
        message("scoreboard", {**messages.scoreboard("P", kills=5), "money": None}),
        "invalid_field",
    ),
    "a scoreboard with a truth value of 1": (
        message("scoreboard", messages.scoreboard("P", kills=5, hasSpike=1)),
        "invalid_field",
    ),
    "a roster with an object as a name": (message("roster", messages.roster("P", name={})), "invalid_field"),
    "a kill with a text as assists": (
        message(
            "killfeed",
            {
                "attacker": "Player P",
                "victim": "Player Q",
                "weaponKillfeedInternal": "",
                "headshotKill": True,
                "assists": "Sova",
                "isTeamkill": False,
            },
        ),
        "invalid_field",
    ),
    "a toast that is true": (message("toast", True), "invalid_field"),
    # beyond the bounds of the game
    "round 300,000,000": (
        message("round_info", {"roundNumber": 300_000_000, "roundPhase": "shopping"}),
        "invalid_field",
    ),
    "round 1000": (message("round_info", {"roundNumber": 1000, "roundPhase": "shopping"}), "invalid_field"),
    "round -1": (message("round_info", {"roundNumber": -1, "roundPhase": "shopping"}), "invalid_field"),
    "round 1.5": (message("round_info", {"roundNumber": 1.5, "roundPhase": "shopping"}), "invalid_field"),
    "a score of 5,000 digits": (
        with_data("score", f'{{"team_0": {DIGITS}, "team_1": 0}}'),
        "not_json",
    ),
    "a score of 5,000 digits in a text": (
        message("score", {"team_0": DIGITS, "team_1": 0}),
        "invalid_field",
    ),
    "a score of 2 ** 64": (message("score", {"team_0": 2**64, "team_1": 0}), "invalid_field"),
    "a score of 1e300": (message("score", {"team_0": 1e300, "team_1": 0}), "invalid_field"),
    "a score of 1e999": (with_data("score", '{"team_0": 1e999, "team_1": 0}'), "not_json"),
    "a map of 1 MB": (message("map", LONG), "invalid_field"),
    "a type of 1 MB": (message(LONG, "Ascent"), "invalid_field"),
    "a name of 1 MB": (message("roster", messages.roster("P", name=LONG)), "invalid_field"),
    "a toast of 1 MB": (message("toast", {"title": LONG, "duration": 5}), "invalid_field"),
    "a toast 3,000 deep": (with_data("toast", f'{{"title": {DEEP}}}'), "not_json"),
    "a toast 500 deep": (with_data("toast", f'{{"title": {"[" * 500}{"]" * 500}}}'), "invalid_field"),
    "a toast of 50,000 keys": (
        message("toast", {str(number): number for number in range(50_000)}),
        "invalid_field",
    ),
    "a toast of forever": (message("toast", {"duration": 1e300}), "invalid_field"),
    "300 assistants": (
        message(
            "killfeed",
            {
                "attacker": "Player P",
                "victim": "Player Q",
                "weaponKillfeedInternal": "",
                "headshotKill": True,
                "assists": ["Sova"] * 300,
                "isTeamkill": False,
            },
        ),
        "invalid_field",
    ),
    # of another channel, of another match
    "an auxiliary type": (message("aux_health", 5), "wrong_channel"),
    "the type of a logon's answer": (message("aux_scoreboard", messages.scoreboard("P")), "wrong_channel"),
    "another match": (message("map", "Ascent", groupCode="OTHER"), "foreign_match"),
    "a group code that is a number": (message("map", "Ascent", groupCode=5), "foreign_match"),
    "a group code that is null": (message("map", "Ascent", groupCode=None), "foreign_match"),
    "a group code with a slash": (message("map", "Ascent", groupCode="A/B"), "foreign_match"),
    "a group code that leads up": (message("map", "Ascent", groupCode="../../etc"), "foreign_match"),
    "a group code of 300 characters": (message("map", "Ascent", groupCode="G" * 300), "foreign_match"),
    "the group code of an object": (message("map", "Ascent", groupCode="__proto__"), "foreign_match"),
    "duplicate keys": (
        message("map", "Ascent")[:-1] + ', "groupCode": "OTHER"}',
        "foreign_match",
    ),
}
"""Message, and the reason under which it is counted."""

HARMLESS = {
    "an unknown type": message("no_such_type", 5),
    "the type constructor": message("constructor", 5),
    "the type __proto__": message("__proto__", {"isRunning": False}),
    "the type toString": message("toString", 5),
    "the type match": message("match", {}),
    "an empty type": message("", 5),
    "duplicate types": message("map", "Ascent")[:-1] + ', "type": "no_such_type"}',
    "a scoreboard of a player called constructor": message(
        "scoreboard", messages.scoreboard("constructor", money=5)
    ),
    "an observed player called __proto__": message("observing", "__proto__ #EU"),
}
"""Messages that are taken and change nothing."""

FORMS: dict[str, Callable[[str], Any]] = {"text": str, "bytes": lambda text: text.encode()}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD.keys())
def test_a_bad_message_is_counted_and_changes_nothing(
    watched: WatchedMatch,
    bystander: WatchedMatch,
    counting: Counting,
    text: str,
    reason: str,
    form: Callable[[str], Any],
) -> None:
    watched.observer.emit("obs_data", form(text.replace(CODE, watched.code)))

    watched.assert_unchanged()
    bystander.assert_unchanged()
    assert counting.new() == {reason: 1}


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD.keys())
def test_the_same_by_polling(polled: WatchedMatch, counting: Counting, text: str, reason: str) -> None:
    polled.observer.emit("obs_data", text.replace(CODE, polled.code))

    polled.assert_unchanged()
    assert counting.new() == {reason: 1}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS.keys())
def test_an_unknown_name_changes_nothing_and_is_no_fault(
    watched: WatchedMatch, counting: Counting, text: str, form: Callable[[str], Any]
) -> None:
    watched.observer.emit("obs_data", form(text.replace(CODE, watched.code)))

    watched.assert_unchanged()
    assert counting.new() == {}


OBJECTS = {
    "an empty object": ({}, "missing_field"),
    "a list": ([1, 2], "not_object"),
    "a number": (5, "not_object"),
    "null": (None, "not_object"),
    "true": (True, "not_object"),
    "a map that is a list": (messages.observer_data(CODE, "map", []), "invalid_field"),
    "a toast 100 deep": (
        messages.observer_data(CODE, "toast", json.loads('{"a":' * 100 + "1" + "}" * 100)),
        "invalid_field",
    ),
    "round 300,000,000": (
        messages.observer_data(CODE, "round_info", {"roundNumber": 300_000_000, "roundPhase": "end"}),
        "invalid_field",
    ),
    "a map of 1 MB": (messages.observer_data(CODE, "map", LONG), "invalid_field"),
    "another match": (messages.observer_data("OTHER", "map", "Ascent"), "foreign_match"),
}


@pytest.mark.parametrize(("payload", "reason"), OBJECTS.values(), ids=OBJECTS.keys())
def test_a_bad_object_is_counted_and_changes_nothing(
    watched: WatchedMatch, counting: Counting, payload: object, reason: str
) -> None:
    watched.observer.emit("obs_data", json.loads(json.dumps(payload).replace(CODE, watched.code)))

    watched.assert_unchanged()
    assert counting.new() == {reason: 1}


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"\x00" * 1_000, b"\xed\xa0\x80", b'"\xff"'])
def test_bytes_that_are_no_text_are_counted_and_change_nothing(
    watched: WatchedMatch, counting: Counting, content: bytes
) -> None:
    watched.observer.emit("obs_data", content)

    watched.assert_unchanged()
    assert counting.new() == {"not_json": 1}


@pytest.mark.parametrize("number", [0, 2, 3])
def test_an_event_with_another_number_of_arguments_is_read_by_its_first(
    watched: WatchedMatch, counting: Counting, number: int
) -> None:
    assert isinstance(watched.observer, WebSocketClient)
    watched.observer.send_packet(f"42{json.dumps(['obs_data', *[{}] * number])}")

    watched.assert_unchanged()
    assert counting.new() == {"missing_field" if number else "not_object": 1}


@pytest.mark.parametrize(
    "event", ["no_such_event", "message", "constructor", "__proto__", "logon", "match_data"]
)
def test_an_unknown_event_is_counted_and_changes_nothing(
    watched: WatchedMatch, counting: Counting, event: str
) -> None:
    watched.observer.emit(event, message("map", "Ascent").replace(CODE, watched.code))

    watched.assert_unchanged()
    assert counting.new() == {"unknown_socket_event": 1}


def test_auxiliary_data_of_an_observer_is_counted_and_changes_nothing(
    watched: WatchedMatch, counting: Counting
) -> None:
    watched.observer.emit("aux_data", as_text(messages.auxiliary_data(watched.code, "P", "aux_health", 5)))

    watched.assert_unchanged()
    assert counting.new() == {"wrong_channel": 1}


# --- auxiliary clients ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def auxiliary(server: RunningServer, watched: WatchedMatch) -> Iterator[WebSocketClient]:
    client = WebSocketClient(server.ingest_port)
    client.emit("aux_logon", messages.auxiliary_logon(watched.code, "P"))
    assert client.wait_for("aux_logon_ack")["value"] is True
    yield client
    client.close()


def auxiliary_message(kind: str, data: Any, **changes: Any) -> str:
    return json.dumps(messages.auxiliary_data(CODE, "P", kind, data, **changes))


def board(**changes: Any) -> dict[str, Any]:
    return {**messages.scoreboard("P", money=5), **changes}


BAD_AUXILIARY = {
    "words": ("hello", "not_json"),
    "100,000 brackets": (BRACKETS, "not_json"),
    "an empty object": ("{}", "missing_field"),
    "no health": (auxiliary_message("aux_health", None), "invalid_field"),
    "health as a list": (auxiliary_message("aux_health", [5]), "invalid_field"),
    "health of 5,000 digits": (auxiliary_message("aux_health", DIGITS), "invalid_field"),
    "health of 2 ** 31": (auxiliary_message("aux_health", 2**31), "invalid_field"),
    "health of a player who is a number": (auxiliary_message("aux_health", 5, playerId=5), "invalid_field"),
    "abilities without one": (
        auxiliary_message("aux_abilities", {"grenade": 1, "ability_1": 1}),
        "invalid_field",
    ),
    "a camera of 1": (auxiliary_message("aux_cypher_cam", 1), "invalid_field"),
    "stars of yes": (auxiliary_message("aux_astra_targeting", "yes"), "invalid_field"),
    "a team board that is a list": (auxiliary_message("aux_scoreboard_team", [board()]), "invalid_field"),
    "a team board that is no JSON": (auxiliary_message("aux_scoreboard_team", "["), "invalid_field"),
    "a team board of brackets": (auxiliary_message("aux_scoreboard_team", "[" * 60_000), "invalid_field"),
    "a team board of 100,000 brackets": (auxiliary_message("aux_scoreboard_team", BRACKETS), "invalid_field"),
    "a team board of null": (auxiliary_message("aux_scoreboard_team", "null"), "invalid_field"),
    "a team board with one bad entry": (
        auxiliary_message("aux_scoreboard_team", json.dumps([board(), board(money="much")])),
        "invalid_field",
    ),
    "a team board of 300": (
        auxiliary_message("aux_scoreboard_team", json.dumps([{}] * 300)),
        "invalid_field",
    ),
    "an observer's type": (auxiliary_message("map", "Ascent"), "wrong_channel"),
    "another match": (auxiliary_message("aux_health", 5, matchId="OTHER"), "foreign_match"),
    "a match id that is empty": (auxiliary_message("aux_health", 5, matchId=""), "foreign_match"),
    "a match id that is null": (auxiliary_message("aux_health", 5, matchId=None), "foreign_match"),
}


@pytest.mark.parametrize(("text", "reason"), BAD_AUXILIARY.values(), ids=BAD_AUXILIARY.keys())
def test_bad_auxiliary_data_is_counted_and_changes_nothing(
    watched: WatchedMatch, auxiliary: WebSocketClient, counting: Counting, text: str, reason: str
) -> None:
    auxiliary.emit("aux_data", text.replace(CODE, watched.code))
    # Two clients have no order: this one has been heard when the next of its own messages shows.
    health = watched.document["teams"][0]["players"][0]["health"] - 1
    auxiliary.emit("aux_data", messages.auxiliary_data(watched.code, "P", "aux_health", health))
    document = watched.overlay.wait_for("match_data")
    auxiliary.answer_pings()

    assert document["teams"][0]["players"][0]["health"] == health
    assert {**document, "teams": None} == {**watched.document, "teams": None}
    assert document["teams"][1] == watched.document["teams"][1]
    assert document["teams"][0]["players"][0]["money"] == 0
    assert counting.new() == {reason: 1}
    watched.document = document


def test_observer_data_of_an_auxiliary_client_is_counted_and_changes_nothing(
    watched: WatchedMatch, auxiliary: WebSocketClient, counting: Counting
) -> None:
    auxiliary.emit("obs_data", messages.observer_data(watched.code, "map", "Ascent"))
    auxiliary.emit("aux_data", messages.auxiliary_data(watched.code, "Q", "aux_health", 99))

    document = watched.overlay.wait_for("match_data")
    assert document["map"] == watched.document["map"]
    assert counting.new() == {"wrong_channel": 1}
    watched.document = document


# --- logons ---------------------------------------------------------------------------------------------------

BAD_LOGONS: dict[str, Any] = {
    "words": "hello",
    "100,000 brackets": BRACKETS,
    "a number of 5,000 digits": DIGITS,
    "3,000 deep": json.dumps(messages.observer_logon("C")).replace('"toolsData": {}', f'"toolsData": {DEEP}'),
    "1 MB of a team name": messages.observer_logon("C", leftTeam={"name": LONG}),
    "1 MB of settings": messages.observer_logon("C", toolsData={"extra": LONG}),
    "a lone surrogate": json.dumps(messages.observer_logon("C")).replace("Left Team", r"\ud800"),
    "NaN": json.dumps(messages.observer_logon("C", toolsData={"timeoutDuration": float("nan")})),
    "an endless duration": messages.observer_logon("C", toolsData={"timeoutDuration": 1e300}),
    "a group code of 300 characters": messages.observer_logon("G" * 300),
    "a group code that is an object": messages.observer_logon("C", groupCode={"constructor": 1}),
    "a version of 1 MB": messages.observer_logon("C", clientVersion="9" * 1_000_000),
    "a key of 1 MB": messages.observer_logon("C", key=LONG),
}


@pytest.mark.parametrize("kind", [WebSocketClient, PollingClient])
@pytest.mark.parametrize("logon", BAD_LOGONS.values(), ids=BAD_LOGONS.keys())
def test_a_bad_logon_is_answered_and_then_disconnected(
    connect: Callable[..., Client], bystander: WatchedMatch, kind: type[Client], logon: object
) -> None:
    client = connect(kind=kind)

    client.emit("obs_logon", logon)

    answer = client.wait_for("obs_logon_ack")
    assert answer["value"] is False
    assert len(answer["reason"]) < 300
    client.wait_closed()
    bystander.assert_unchanged()


@pytest.mark.parametrize(
    "kind", ["/", "..", "../../etc/passwd", "a/b", "%2e%2e", "\n", "\x00", "💥", "<b>", "constructor"]
)
def test_a_group_code_may_be_anything_of_1_to_64_characters(
    connect: Callable[..., Client], server: RunningServer, kind: str
) -> None:
    code = f"{kind}{fresh_code()}"
    observer, overlay = connect(), connect(server.output_port)
    observer.emit("obs_logon", messages.observer_logon(code))
    assert observer.wait_for("obs_logon_ack")["value"] is True
    overlay.emit("logon", {"groupCode": code})

    assert overlay.wait_for("logon_success")["groupCode"] == code
    assert overlay.wait_for("match_data")["groupCode"] == code
    assert all(line[:4].isdigit() for line in server.log.splitlines())  # each one begins with its year


def test_group_codes_that_look_alike_are_different_matches(
    connect: Callable[..., Client], server: RunningServer
) -> None:
    code = fresh_code()
    for look_alike in (code, code.lower(), f"{code} ", f"{code}\u200b", f"match:{code}"):
        observer = connect()
        observer.emit("obs_logon", messages.observer_logon(look_alike))
        assert observer.wait_for("obs_logon_ack")["value"] is True


def test_refusals_are_logged_with_the_path_of_the_field_and_at_a_limited_rate(
    connect: Callable[..., Client], start_server: Callable[..., RunningServer]
) -> None:
    server = start_server("--insecure", "--no-require-auth-key")
    match = WatchedMatch(server, WebSocketClient(server.ingest_port))
    for _ in range(1_000):
        match.tell("score", {"team_0": "SECRETVALUE", "team_1": 0})
    match.assert_unchanged()
    match.close()

    lines = [line for line in server.log.splitlines() if "message dropped" in line]
    assert server.refused() == {"invalid_field": 1_000}
    assert 1 <= len(lines) <= 20
    assert all(f"group_code={match.code} " in line and "data.team_0" in line for line in lines)
    assert "SECRETVALUE" not in server.log
