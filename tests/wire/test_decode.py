"""Messages: what each means, what is refused, and that both ways of reading one agree."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.wire.builders import (
    ABSENT,
    AUXILIARY_DATA,
    BOARD,
    KILL,
    OBSERVER_DATA,
    ROSTER,
    TOAST,
    USUAL,
    Json,
    auxiliary_message,
    changed,
    observer_message,
)
from valo_ingest.errors import InvalidMessage
from valo_ingest.game import events as happened
from valo_ingest.game.events import Event
from valo_ingest.game.seats import Seat
from valo_ingest.wire.decode import (
    auxiliary_message_by_schema,
    decode_auxiliary_message,
    decode_observer_message,
    observer_message_by_schema,
)
from valo_ingest.wire.names import AuxiliaryType, ObserverType

STREAMS: Final = Path(__file__).parents[3] / "shared" / "streams"

Decode = Callable[[Any], Any]

BOTH_WAYS: Final[dict[str, tuple[Decode, Decode]]] = {
    "obs_data": (decode_observer_message, observer_message_by_schema),
    "aux_data": (decode_auxiliary_message, auxiliary_message_by_schema),
}
"""How a message of each channel is read: with the typed decoder first, and by the schema alone."""


def text_of(message: Json) -> str:
    """Return the JSON text of a message. A list of team boards travels as text inside it."""
    if message.get("type") == AuxiliaryType.SCOREBOARD_TEAM and isinstance(message.get("data"), list):
        message = {**message, "data": json.dumps(message["data"])}
    return json.dumps(message)


def channel_of(message_type: str) -> str:
    return "aux_data" if message_type in AUXILIARY_DATA else "obs_data"


def make_message(message_type: str, data: Any = USUAL, **envelope: Any) -> Json:
    make = auxiliary_message if channel_of(message_type) == "aux_data" else observer_message
    return make(message_type, data, **envelope)


def event_of(message_type: str, data: Any = USUAL, **envelope: Any) -> Event:
    """Return what a message means. It is read in both ways, which have to agree."""
    text = text_of(make_message(message_type, data, **envelope))
    first, second = [decode(text) for decode in BOTH_WAYS[channel_of(message_type)]]
    assert repr(first) == repr(second)
    event: Event = first.event
    return event


def refusal(message_type: str, data: Any = USUAL, **envelope: Any) -> InvalidMessage:
    """Return why a message is refused."""
    return refusal_of(channel_of(message_type), text_of(make_message(message_type, data, **envelope)))


def refusal_of(channel: str, payload: Any) -> InvalidMessage:
    errors = []
    for decode in BOTH_WAYS[channel]:
        with pytest.raises(InvalidMessage) as caught:
            decode(payload)
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1])
    return errors[0]


# --- what messages mean ---------------------------------------------------------------------------------------

BOARD_READ: Final = happened.Board(
    player_id="p-1",
    agent_internal="Wushu",
    is_alive=True,
    armor=2,
    weapon_internal="TX_Hud_Volcano",
    ult_points=3,
    max_ult_points=7,
    has_spike=False,
    money=4000,
    kills=5,
    deaths=4,
    assists=3,
)

MEANINGS: Final[dict[str, Event]] = {
    "map": happened.MapChosen("Ascent"),
    "game_mode": happened.GameModeChosen("bomb"),
    "match_start": happened.MatchStarted("m-1"),
    "roster": happened.RosterReported(
        team_number=0,
        player_id="p-1",
        name="Ash",
        tagline="TAG",
        agent_internal="Wushu",
        position=0,
        locked=True,
    ),
    "scoreboard": happened.ScoreboardReported(0, BOARD_READ),
    "killfeed": happened.KillReported(
        attacker="Ash",
        victim="Bo",
        weapon_internal="TX_Hud_Volcano",
        headshot=True,
        assists=("TX_Killfeed_Sova",),
        teamkill=False,
    ),
    "round_info": happened.RoundPhaseChanged(3, "combat"),
    "score": happened.ScoreReported(4, 2),
    "observing": happened.PlayerObserved("Ash #TAG"),
    "team_is_attacker": happened.UnknownReported(),
    "spike_planted": happened.SpikePlanted(),
    "spike_detonated": happened.SpikeDetonated(),
    "spike_defused": happened.SpikeDefused(),
    "tech_pause": happened.TechPausePressed(),
    "left_timeout": happened.TeamTimeoutPressed(Seat.LEFT),
    "right_timeout": happened.TeamTimeoutPressed(Seat.RIGHT),
    "switch_kda_credits": happened.AliveKdaPressed(),
    "toast": happened.ToastPressed(TOAST, 5000),
    "swap_left_right": happened.SeatsSwapped(),
    "swap_attacker_defender": happened.SidesSwapped(),
    "aux_scoreboard": happened.AuxiliaryScoreboardReported(0, BOARD_READ),
    "aux_abilities": happened.AbilitiesReported("p-1", 2, 1, 0),
    "aux_health": happened.HealthReported("p-1", 72),
    "aux_astra_targeting": happened.AstraTargetingReported("p-1", True),
    "aux_cypher_cam": happened.CypherCameraReported("p-1", False),
}


@pytest.mark.parametrize(("message_type", "event"), MEANINGS.items())
def test_each_type_of_message_means_its_event(message_type: str, event: Event) -> None:
    assert event_of(message_type) == event


def test_a_team_board_is_a_json_text_inside_the_message() -> None:
    event = event_of("aux_scoreboard_team")

    assert isinstance(event, happened.AuxiliaryTeamBoardReported)
    assert [board.player_id for board in event.boards] == ["p-1", "p-2"]
    assert event.boards[0] == BOARD_READ


def test_every_type_of_message_is_tried_here() -> None:
    assert list(OBSERVER_DATA) == list(ObserverType)
    assert list(AUXILIARY_DATA) == list(AuxiliaryType)


def test_an_unknown_type_is_an_event_that_changes_nothing() -> None:
    assert event_of("weather", {"sun": True}) == happened.UnknownReported()
    assert event_of("constructor", None) == happened.UnknownReported()
    assert (
        decode_auxiliary_message(json.dumps(auxiliary_message("aux_weather"))).event
        == happened.UnknownReported()
    )


def test_what_a_message_claims_to_belong_to_is_returned_with_it() -> None:
    observed = decode_observer_message(text_of(observer_message("score", groupCode="OTHER")))
    told = decode_auxiliary_message(text_of(auxiliary_message("aux_health", matchId="m-9", playerId="p-9")))

    assert (observed.group_code, observed.type) == ("OTHER", "score")
    assert (told.match_id, told.player_id, told.type) == ("m-9", "p-9", "aux_health")


@pytest.mark.parametrize("claim", [None, 5, True, [], {}, "x" * 1_025])
@pytest.mark.parametrize("message_type", ["score", "map"])
def test_a_group_code_that_is_no_short_text_is_none(message_type: str, claim: Any) -> None:
    assert (
        decode_observer_message(text_of(observer_message(message_type, groupCode=claim))).group_code is None
    )


@pytest.mark.parametrize("claim", [None, 5, True, [], {}, "x" * 1_025])
def test_a_match_id_that_is_no_short_text_is_none(claim: Any) -> None:
    message = decode_auxiliary_message(text_of(auxiliary_message("aux_scoreboard", matchId=claim)))

    assert (message.match_id, message.player_id) == (None, "p-1")


@pytest.mark.parametrize("claim", [None, 5, True, [], {}, "x" * 1_025])
def test_a_player_id_that_is_no_short_text_is_none_where_nothing_needs_it(claim: Any) -> None:
    message = decode_auxiliary_message(text_of(auxiliary_message("aux_scoreboard", playerId=claim)))

    assert (message.match_id, message.player_id) == ("m-1", None)


@pytest.mark.parametrize("message_type", [*OBSERVER_DATA, *AUXILIARY_DATA])
def test_a_message_is_read_as_text_as_bytes_and_as_the_object_itself(message_type: str) -> None:
    text = text_of(make_message(message_type))
    decode = BOTH_WAYS[channel_of(message_type)][0]

    assert decode(text) == decode(text.encode()) == decode(bytearray(text.encode()))
    as_object = decode(json.loads(text))
    assert json.loads(as_object.text) == json.loads(text)
    assert replace(as_object, text=text) == decode(text)


@pytest.mark.parametrize("message_type", [*OBSERVER_DATA, *AUXILIARY_DATA])
def test_unknown_fields_are_dropped(message_type: str) -> None:
    data = make_message(message_type)["data"]
    extra = {"constructor": 1, "__proto__": {"money": 1}, "newer": [1, {"a": None}]}
    if isinstance(data, dict) and message_type != "toast":
        data = {**data, **extra}

    assert event_of(message_type, data, timestamp=1, **extra) == event_of(message_type)


# --- reading values -------------------------------------------------------------------------------------------

NUMBERS: Final = [
    *[("roster", name) for name in ("startTeam", "position")],
    *[
        (board, name)
        for board in ("scoreboard", "aux_scoreboard")
        for name in (
            "startTeam",
            "initialArmor",
            "currUltPoints",
            "maxUltPoints",
            "money",
            "kills",
            "deaths",
            "assists",
        )
    ],
    *[("score", name) for name in ("team_0", "team_1")],
    *[("aux_abilities", name) for name in ("grenade", "ability_1", "ability_2")],
    ("round_info", "roundNumber"),
]
FLAGS: Final = [
    ("roster", "locked"),
    *[(board, name) for board in ("scoreboard", "aux_scoreboard") for name in ("isAlive", "hasSpike")],
    *[("killfeed", name) for name in ("headshotKill", "isTeamkill")],
]
TEXTS: Final = [
    *[("roster", name) for name in ("playerId", "name", "tagline", "agentInternal")],
    *[
        (board, name)
        for board in ("scoreboard", "aux_scoreboard")
        for name in ("playerId", "agentInternal", "scoreboardWeaponInternal")
    ],
    *[("killfeed", name) for name in ("attacker", "victim", "weaponKillfeedInternal")],
    ("round_info", "roundPhase"),
]
SECRET: Final = "hunter2-the-secret"


def with_field(message_type: str, name: str, value: Any) -> Any:
    return changed(make_message(message_type)["data"], **{name: value})


@pytest.mark.parametrize(("message_type", "name"), NUMBERS)
@pytest.mark.parametrize(("sent", "read"), [("1", 1), (" 1 ", 1), (1.0, 1), ("1.0", 1)])
def test_a_number_may_be_sent_as_text(message_type: str, name: str, sent: Any, read: int) -> None:
    assert event_of(message_type, with_field(message_type, name, sent)) == event_of(
        message_type, with_field(message_type, name, read)
    )


@pytest.mark.parametrize(("message_type", "name"), NUMBERS)
@pytest.mark.parametrize(
    "sent", [None, True, "", "many", SECRET, [], {}, 2**31, -(2**31) - 1, "1e999", ABSENT]
)
def test_a_number_that_cannot_be_read_drops_the_event_and_is_named(
    message_type: str, name: str, sent: Any
) -> None:
    error = refusal(message_type, with_field(message_type, name, sent))

    assert (error.code, error.path) == ("invalid_field", f"data.{name}")
    assert SECRET not in str(error)


@pytest.mark.parametrize(("message_type", "name"), FLAGS)
@pytest.mark.parametrize(("sent", "read"), [("true", True), ("False", False)])
def test_a_truth_value_may_be_sent_as_text(message_type: str, name: str, sent: Any, read: bool) -> None:
    assert event_of(message_type, with_field(message_type, name, sent)) == event_of(
        message_type, with_field(message_type, name, read)
    )


@pytest.mark.parametrize(("message_type", "name"), FLAGS)
@pytest.mark.parametrize("sent", [None, 0, 1, "", "yes", SECRET, [], {}, ABSENT])
def test_a_truth_value_that_cannot_be_read_drops_the_event_and_is_named(
    message_type: str, name: str, sent: Any
) -> None:
    error = refusal(message_type, with_field(message_type, name, sent))

    assert (error.code, error.path) == ("invalid_field", f"data.{name}")
    assert SECRET not in str(error)


@pytest.mark.parametrize(("message_type", "name"), TEXTS)
@pytest.mark.parametrize("sent", ["", "x" * 1_024, "😀" * 1_024, "constructor", "__proto__", "a\0\u2028"])
def test_a_text_may_be_any_short_one(message_type: str, name: str, sent: str) -> None:
    event_of(message_type, with_field(message_type, name, sent))


@pytest.mark.parametrize(("message_type", "name"), TEXTS)
@pytest.mark.parametrize(
    "sent", [None, True, 5, [], {}, SECRET * 100, "x" * 1_025, "x" * 1_000_000, ABSENT], ids=str
)
def test_a_text_that_cannot_be_read_drops_the_event_and_is_named(
    message_type: str, name: str, sent: Any
) -> None:
    error = refusal(message_type, with_field(message_type, name, sent))

    assert (error.code, error.path) == ("invalid_field", f"data.{name}")
    assert SECRET not in str(error)


@pytest.mark.parametrize("name", ["name", "tagline"])
@pytest.mark.parametrize("board", ["scoreboard", "aux_scoreboard"])
def test_name_and_tagline_of_a_scoreboard_are_not_looked_at(board: str, name: str) -> None:
    assert event_of(board, with_field(board, name, ABSENT)) == event_of(board, with_field(board, name, 5))


def test_the_rank_of_a_roster_is_not_looked_at() -> None:
    assert event_of("roster", {**ROSTER, "rank": "high"}) == event_of("roster")


@pytest.mark.parametrize("message_type", ["map", "game_mode", "match_start", "observing"])
@pytest.mark.parametrize("sent", [None, 5, True, [], {}, SECRET * 200])
def test_a_bare_text_that_cannot_be_read_is_named(message_type: str, sent: Any) -> None:
    error = refusal(message_type, sent)

    assert (error.code, error.path) == ("invalid_field", "data")
    assert SECRET not in str(error)


def test_an_observed_name_is_a_short_text() -> None:
    event_of("observing", "x" * 1_024)
    refusal("observing", "x" * 1_025)


@pytest.mark.parametrize(("sent", "read"), [(55, 55), ("55", 55), (0, 0), (-1, -1), (55.5, 55.5)])
def test_health_is_any_number(sent: Any, read: float) -> None:
    assert event_of("aux_health", sent) == happened.HealthReported("p-1", read)


@pytest.mark.parametrize("sent", [None, True, "full", {}, [], 2**31])
def test_health_that_cannot_be_read_is_refused(sent: Any) -> None:
    assert refusal("aux_health", sent).path == "data"


@pytest.mark.parametrize("message_type", ["aux_astra_targeting", "aux_cypher_cam"])
def test_icons_are_switched_by_truth_values_only(message_type: str) -> None:
    assert event_of(message_type, "true") == event_of(message_type, True)
    unreadable: list[Any] = [1, 0, "yes", None, {}]
    for sent in unreadable:
        assert refusal(message_type, sent).path == "data"


@pytest.mark.parametrize(
    "message_type", ["aux_abilities", "aux_health", "aux_astra_targeting", "aux_cypher_cam"]
)
@pytest.mark.parametrize("player_id", [None, 5, ABSENT, "x" * 1_025])
def test_whose_data_it_is_has_to_be_said(message_type: str, player_id: Any) -> None:
    assert refusal(message_type, playerId=player_id, obsName="for the envelope").path == "playerId"


@pytest.mark.parametrize("number", [0, 999, "0", "999", 7.0])
def test_a_round_number_is_whole_and_from_0_to_999(number: Any) -> None:
    event_of("round_info", {"roundNumber": number, "roundPhase": "end"})


@pytest.mark.parametrize("number", [-1, 1_000, 300_000_000, 1.5, "1.5", "1000"])
def test_a_round_number_that_no_match_reaches_is_refused(number: Any) -> None:
    assert refusal("round_info", {"roundNumber": number, "roundPhase": "end"}).path == "data.roundNumber"


@pytest.mark.parametrize(
    "message_type", ["roster", "scoreboard", "killfeed", "round_info", "score", "aux_abilities"]
)
@pytest.mark.parametrize("sent", [None, True, 5, "{}", []])
def test_data_that_is_no_object_where_one_is_needed_is_refused(message_type: str, sent: Any) -> None:
    assert refusal(message_type, sent).path == "data"


@pytest.mark.parametrize(
    "message_type",
    [name for name, data in OBSERVER_DATA.items() if data is True],
)
@pytest.mark.parametrize("sent", [True, False, None, 5, "x", [], {}, {"deep": [[]]}])
def test_the_data_of_a_key_or_a_spike_event_is_not_looked_at(message_type: str, sent: Any) -> None:
    assert event_of(message_type, sent) == event_of(message_type)


@pytest.mark.parametrize("sent", [None, "TX_Killfeed_Sova", {}, 5, ABSENT])
def test_assists_are_a_list(sent: Any) -> None:
    assert refusal("killfeed", changed(KILL, assists=sent)).path == "data.assists"


def test_assists_are_texts_and_the_one_that_is_none_is_named() -> None:
    assert refusal("killfeed", {**KILL, "assists": ["a", None]}).path == "data.assists.1"


def test_a_list_has_at_most_256_entries() -> None:
    event_of("killfeed", {**KILL, "assists": ["a"] * 256})
    error = refusal("killfeed", {**KILL, "assists": ["a"] * 257})

    assert (error.path, "256" in error.detail) == ("data.assists", True)


# --- team boards ----------------------------------------------------------------------------------------------


def lines(count: int) -> str:
    """Return the text of a team board of so many lines, as short as can be: 256 of the usual ones do not fit."""
    used = {name: value for name, value in BOARD.items() if name not in ("name", "tagline", "startTeam")}
    short = {**used, "playerId": "", "agentInternal": "", "scoreboardWeaponInternal": ""}
    return json.dumps([short] * count, separators=(",", ":"))


@pytest.mark.parametrize("count", [0, 1, 256])
def test_a_team_board_has_up_to_256_lines(count: int) -> None:
    event = event_of("aux_scoreboard_team", lines(count))

    assert isinstance(event, happened.AuxiliaryTeamBoardReported)
    assert len(event.boards) == count


def test_a_team_board_of_too_many_lines_is_refused() -> None:
    error = refusal("aux_scoreboard_team", lines(257))

    assert (error.path, "256" in error.detail) == ("data", True)


def test_a_team_board_has_up_to_65536_characters() -> None:
    text = json.dumps([BOARD])
    event_of("aux_scoreboard_team", text.ljust(65_536))

    error = refusal("aux_scoreboard_team", text.ljust(65_537))
    assert (error.path, "65536" in error.detail) == ("data", True)


@pytest.mark.parametrize(
    "text",
    ["", "null", "{}", "5", "not json", "[" * 60_000, '[{"a":NaN}]', "[1]", "[[]]", "[null]"],
    ids=lambda text: text[:20],
)
def test_a_team_board_that_is_no_text_of_a_list_of_objects_is_refused(text: str) -> None:
    assert refusal("aux_scoreboard_team", text).path.startswith("data")


@pytest.mark.parametrize("sent", [None, True, 5, {}, BOARD])
def test_a_team_board_that_is_no_text_is_refused(sent: Any) -> None:
    assert refusal("aux_scoreboard_team", sent).path == "data"


def test_a_team_board_as_the_bare_list_is_refused() -> None:
    payload = json.dumps(auxiliary_message("aux_scoreboard_team", [BOARD]))

    assert refusal_of("aux_data", payload).path == "data"


@pytest.mark.parametrize("name", [name for name in BOARD if name not in ("name", "tagline", "startTeam")])
def test_one_bad_line_drops_the_whole_team_board_and_is_named(name: str) -> None:
    error = refusal("aux_scoreboard_team", [BOARD, changed(BOARD, **{name: None}), BOARD])

    assert error.path == f"data.1.{name}"


def test_a_line_of_a_team_board_needs_no_name_tagline_or_team() -> None:
    boards = [changed(BOARD, name=ABSENT, tagline=ABSENT, startTeam=ABSENT)]

    assert event_of("aux_scoreboard_team", boards) == happened.AuxiliaryTeamBoardReported((BOARD_READ,))


def test_values_of_a_team_board_may_be_sent_as_text() -> None:
    boards = [changed(BOARD, money="4000", isAlive="true")]

    assert event_of("aux_scoreboard_team", boards) == happened.AuxiliaryTeamBoardReported((BOARD_READ,))


# --- toasts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "duration_ms"),
    [
        ({**TOAST, "duration": 0}, 0),
        ({**TOAST, "duration": "1500"}, 1500),
        ({**TOAST, "duration": 2**31 - 1}, 2**31 - 1),
        ({**TOAST, "duration": None}, None),
        ({}, None),
        ({"anything": {"goes": [1, None]}}, None),
    ],
)
def test_a_toast_is_passed_on_with_its_duration_read(content: Json, duration_ms: int | None) -> None:
    event = event_of("toast", content)

    assert isinstance(event, happened.ToastPressed)
    assert event.duration_ms == duration_ms
    assert event.content == ({**content, "duration": duration_ms} if "duration" in content else content)


@pytest.mark.parametrize("sent", [None, True, "text", [], 5])
def test_a_toast_without_an_object_is_refused(sent: Any) -> None:
    assert refusal("toast", sent).path == "data"


@pytest.mark.parametrize("duration", ["soon", True, 2**31, [], {}, SECRET])
def test_a_toast_with_a_duration_that_cannot_be_read_is_refused(duration: Any) -> None:
    error = refusal("toast", {**TOAST, "duration": duration})

    assert error.path == "data.duration"
    assert SECRET not in str(error)


def test_a_toast_beyond_the_bounds_is_refused() -> None:
    assert refusal("toast", {"title": "x" * 1_025}).path == "data"
    assert refusal("toast", json.loads('{"a":' * 40 + "1" + "}" * 40)).path == "data"


# --- envelopes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["obsName", "groupCode", "type", "data"])
def test_an_observers_message_without_a_part_of_its_envelope_is_refused(name: str) -> None:
    error = refusal("score", **{name: ABSENT})

    assert error.code == "missing_field"
    assert name in error.path


@pytest.mark.parametrize("name", ["playerId", "matchId", "type", "data"])
def test_an_auxiliary_message_without_a_part_of_its_envelope_is_refused(name: str) -> None:
    error = refusal("aux_health", **{name: ABSENT})

    assert error.code == "missing_field"
    assert name in error.path


def test_the_parts_of_an_envelope_may_go_by_their_other_names() -> None:
    event_of("score", obsName=ABSENT, groupCode=ABSENT, playerId="p", matchId="m")
    event_of("aux_scoreboard", playerId=ABSENT, matchId=ABSENT, obsName="o", groupCode="g")


@pytest.mark.parametrize("message_type", [None, 5, True, [], {}, "x" * 1_025])
def test_a_type_that_is_no_short_text_is_refused(message_type: Any) -> None:
    error = refusal_of("obs_data", json.dumps(observer_message("score", type=message_type)))

    assert (error.code, error.path) == ("invalid_field", "type")


@pytest.mark.parametrize("message_type", AUXILIARY_DATA)
def test_an_observer_sends_no_auxiliary_messages(message_type: str) -> None:
    payload = text_of(
        observer_message(message_type, AUXILIARY_DATA[message_type], playerId="p-1", matchId="m-1")
    )

    assert refusal_of("obs_data", payload).code == "wrong_channel"


@pytest.mark.parametrize("message_type", OBSERVER_DATA)
def test_an_auxiliary_client_sends_no_observers_messages(message_type: str) -> None:
    payload = text_of(
        auxiliary_message(message_type, OBSERVER_DATA[message_type], obsName="o", groupCode="g")
    )

    assert refusal_of("aux_data", payload).code == "wrong_channel"


# --- bad input ------------------------------------------------------------------------------------------------

SCORE: Final = '{"obsName":"o","groupCode":"g","type":"score","data":{"team_0":%s,"team_1":2}}'
HEALTH: Final = '{"playerId":"p","matchId":"m","type":"aux_health","data":%s}'
SKIPPED: Final = SCORE.replace("{", '{"unknown":%s,', 1).replace('"team_0":%s', '"team_0":1')
"""A message with a field that nobody looks at."""

BAD_VALUES: Final = [
    "9" * 5_000,
    "1e999",
    "NaN",
    "-Infinity",
    "01",
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\ud800"',
    '"\\x"',
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 3_000 + "1" + "}" * 3_000,
    "[" * 3_000 + "]" * 3_000,
]


@pytest.mark.parametrize("value", BAD_VALUES, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("frame", ["%s", SCORE, SKIPPED])
def test_bad_json_is_refused_wherever_it_stands(frame: str, value: str) -> None:
    assert refusal_of("obs_data", frame % value).code in {"not_json", "not_object", "invalid_field"}


@pytest.mark.parametrize("value", BAD_VALUES, ids=lambda value: repr(value)[:20])
def test_bad_json_of_an_auxiliary_client_is_refused(value: str) -> None:
    refusal_of("aux_data", HEALTH % value)


@pytest.mark.parametrize("value", BAD_VALUES, ids=lambda value: repr(value)[:20])
def test_bad_json_inside_a_team_board_is_refused(value: str) -> None:
    board = json.dumps(BOARD)
    for text in (value, f"[{board[:-1]},{json.dumps('unknown')}:{value}" + "}]"):
        refusal("aux_scoreboard_team", text)


@pytest.mark.parametrize("junk", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80"])
@pytest.mark.parametrize("frame", [SCORE % '"@"', SKIPPED % '"@"', SCORE.replace('"g"', '"@"') % 1])
def test_bytes_that_are_no_utf_8_are_refused_wherever_they_stand(frame: str, junk: bytes) -> None:
    assert refusal_of("obs_data", frame.encode().replace(b"@", junk)).code == "not_json"


@pytest.mark.parametrize(
    "payload", [None, True, 5, 1.5, [], (), "", b"", bytearray(), ..., "null", "[]", '"x"']
)
@pytest.mark.parametrize("channel", BOTH_WAYS)
def test_anything_but_an_object_is_refused(channel: str, payload: Any) -> None:
    refusal_of(channel, payload)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"team_0": float("nan"), "team_1": 0}},
        {"data": {"team_0": 10**4_000, "team_1": 0}},
        {"data": {"team_0": b"1", "team_1": 0}},
        {"data": b"x"},
        {"type": b"score"},
        {"type": "\ud800"},
    ],
    ids=lambda changes: repr(changes)[:30],
)
def test_an_object_may_hold_what_no_json_holds_and_is_refused(changes: Json) -> None:
    refusal_of("obs_data", observer_message("score", **changes))


def test_half_of_a_surrogate_pair_in_an_object_is_refused() -> None:
    assert refusal_of("obs_data", observer_message("map", "\ud800")).path == "data"


def test_of_a_key_that_comes_twice_the_last_one_counts() -> None:
    text = SCORE % '9,"team_0":3' + ""

    assert decode_observer_message(text).event == happened.ScoreReported(3, 2)
    assert observer_message_by_schema(text).event == happened.ScoreReported(3, 2)


# --- the typed decoder and the schema agree -------------------------------------------------------------------

REPRODUCIBLE: Final = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=1000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

ODD_JSON: Final = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "1.0",
    "1e2",
    "1.5",
    "-1",
    "999",
    "1000",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775808",
    "18446744073709551616",
    "9" * 30,
    "9" * 5_000,
    "1e400",
    '""',
    '" 1"',
    '"1"',
    '"true"',
    '"TRUE"',
    '"\\u0031"',
    '"ß\u2028😀"',
    '"\\ud83d\\ude00"',
    '"\\ud800"',
    '"constructor"',
    json.dumps("x" * 1_024),
    json.dumps("😀" * 1_025),
    json.dumps("x" * 65_537),
    "[]",
    "{}",
    "[[]]",
    '["a",1]',
    json.dumps(["a"] * 257),
    '{"a":null}',
    "[" * 40 + "]" * 40,
    '"[]"',
    json.dumps(json.dumps([BOARD])),
    json.dumps(json.dumps([{**BOARD, "kills": "5"}])),
    json.dumps(json.dumps([BOARD])[:-1] + ',{"kills":1}]'),
]
"""Values in place of others, as JSON text."""

Pairs = list[tuple[str, Any]]
"""An object as it is written: keys may come twice. A value is JSON text, or pairs."""

KEYS: Final = [
    *["obsName", "groupCode", "playerId", "matchId", "type", "data", "constructor", "__proto__", "timestamp"]
    * 3,
    *sorted({name for data in (ROSTER, BOARD, KILL, TOAST) for name in data}),
]
TYPED: Final = ["roster", "scoreboard", "killfeed", "round_info", "score", "observing"]
"""Types of `obs_data` of which the typed decoder knows something."""

EVERY_TYPE: Final = [*OBSERVER_DATA, *AUXILIARY_DATA, "weather"]


def as_pairs(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, as_pairs(part)) for name, part in value.items()]
    return json.dumps(value)


def written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "{" + ",".join(f"{json.dumps(name)}:{written(part)}" for name, part in value) + "}"


@st.composite
def payloads(draw: st.DrawFn, types: list[str]) -> str | bytes:
    """Draw a message that looks real, and change it in a few places."""
    message_type = draw(st.sampled_from(types))
    pairs: Pairs = as_pairs(json.loads(text_of(make_message(message_type))))
    for _ in range(draw(st.integers(1, 3))):
        inner = [part for _, part in pairs if isinstance(part, list)]
        objects = [pairs, *inner, *inner, *inner]
        target = draw(st.sampled_from(objects))
        value = draw(st.sampled_from(ODD_JSON))
        place = draw(st.integers(0, max(0, len(target) - 1)))
        match draw(st.sampled_from(["replace", "replace", "remove", "add", "add", "add", "repeat", "type"])):
            case "replace" if target:
                target[place] = (target[place][0], value)
            case "remove" if target:
                del target[place]
            case "add":
                target.insert(place, (draw(st.sampled_from(KEYS)), value))
            case "repeat" if target:
                target.append((target[place][0], draw(st.sampled_from([value, target[place][1]]))))
            case "type":
                pairs.insert(place, ("type", json.dumps(draw(st.sampled_from(EVERY_TYPE)))))
    text = written(pairs)
    if draw(st.integers(0, 9)) == 9:
        cut = draw(st.integers(0, len(text)))
        text = text[:cut] + draw(st.sampled_from(["", "}", "\0", "\ud800", '"', " ", "9"])) + text[cut + 1 :]
    if draw(st.booleans()):
        return text
    data = text.encode(errors="surrogatepass")
    if draw(st.integers(0, 9)) == 9:
        cut = draw(st.integers(0, len(data)))
        data = data[:cut] + draw(st.sampled_from([b"\xff", b"\xc0\x80"])) + data[cut + 1 :]
    return data


def outcome(decode: Decode, payload: Any) -> str:
    """Return what comes of a payload; types count, so that 1 is not True and not 1.0."""
    try:
        return repr(decode(payload))
    except InvalidMessage as error:
        return str(error)


@REPRODUCIBLE
@given(payloads([*OBSERVER_DATA, "weather", *TYPED * 6]))
def test_an_observers_message_is_read_alike_in_both_ways(payload: str | bytes) -> None:
    assert outcome(decode_observer_message, payload) == outcome(observer_message_by_schema, payload)


@REPRODUCIBLE
@given(payloads([*AUXILIARY_DATA, "weather"]))
def test_an_auxiliary_message_is_read_alike_in_both_ways(payload: str | bytes) -> None:
    assert outcome(decode_auxiliary_message, payload) == outcome(auxiliary_message_by_schema, payload)


@REPRODUCIBLE
@given(st.one_of(st.text(max_size=60), st.binary(max_size=60), st.sampled_from(ODD_JSON)))
def test_any_text_and_any_bytes_are_read_alike_in_both_ways(payload: str | bytes) -> None:
    for first, second in BOTH_WAYS.values():
        assert outcome(first, payload) == outcome(second, payload)


@pytest.mark.skipif(not STREAMS.is_dir(), reason="the shared streams are not beside this checkout")
def test_every_message_of_the_recorded_streams_is_read_alike_in_both_ways() -> None:
    taken = 0
    for path in STREAMS.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            step = json.loads(line)
            if step["channel"] in BOTH_WAYS:
                payload = step["raw"] if "raw" in step else json.dumps(step["payload"])
                first, second = (outcome(decode, payload) for decode in BOTH_WAYS[step["channel"]])
                assert first == second
                taken += "event=" in first
    assert taken > 1_000, "the streams hold no messages"
