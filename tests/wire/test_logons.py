import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.wire.builders import (
    ABSENT,
    TEAM,
    Json,
    auxiliary_logon,
    changed,
    observer_logon,
    preview_request,
)
from valo_ingest import __version__
from valo_ingest.errors import InvalidLogon, LogonRefused
from valo_ingest.game.seats import BySeat
from valo_ingest.game.state import Presentation, TeamSetup
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.logons import (
    DEFAULT_SETTINGS,
    decode_auxiliary_logon,
    decode_observer_logon,
    decode_preview_request,
)
from valo_ingest.wire.messages import AuxiliaryLogon, ObserverLogon

ACCEPTED: Final = VersionRange(">=0.3.3 <0.3.25")
SECRET: Final = "hunter2-the-secret"

SECTIONS: Final = [
    "seriesInfo",
    "seedingInfo",
    "tournamentInfo",
    "timeoutCounter",
    "sponsorInfo",
    "watermarkInfo",
    "playercamsInfo",
    "nameOverrides",
    "roundWinBox",
]
NUMBERS: Final = ["timeoutDuration", "timeoutCancellationGracePeriod"]


def read(**changes: Any) -> ObserverLogon:
    return decode_observer_logon(json.dumps(observer_logon(**changes)), ACCEPTED)


def read_tools(**tools: Any) -> Presentation:
    return read(toolsData=tools).setup.presentation


def read_auxiliary(**changes: Any) -> AuxiliaryLogon:
    return decode_auxiliary_logon(json.dumps(auxiliary_logon(**changes)), ACCEPTED)


def refused(decode: Callable[[Any, VersionRange], object], logon: Any) -> LogonRefused:
    with pytest.raises(LogonRefused) as caught:
        decode(logon, ACCEPTED)
    return caught.value


def refusal(**changes: Any) -> LogonRefused:
    return refused(decode_observer_logon, json.dumps(observer_logon(**changes)))


def auxiliary_refusal(**changes: Any) -> LogonRefused:
    return refused(decode_auxiliary_logon, json.dumps(auxiliary_logon(**changes)))


def assert_unreadable(error: LogonRefused, path: str) -> None:
    """The client is told that its packet is invalid, and which field it is."""
    assert isinstance(error, InvalidLogon)
    assert str(error).startswith("Invalid packet. ")
    assert path in str(error)
    assert SECRET not in str(error)


# --- observers ------------------------------------------------------------------------------------------------


def test_an_observers_logon_is_read() -> None:
    logon = read(key="KEY", groupSecret="S", obsName="Caster")

    assert (logon.client_version, logon.observer_name, logon.key) == ("0.3.20", "Caster", "KEY")
    assert (logon.group_code, logon.group_secret) == ("CODE01", "S")
    assert logon.setup.group_code == "CODE01"
    assert logon.setup.teams == BySeat(
        TeamSetup(name="Alder", tricode="ALD", url="https://example.org/alder.png", attack_start=True),
        TeamSetup(name="Birch", tricode="BIR", url="https://example.org/alder.png", attack_start=False),
    )


def test_a_logon_is_read_as_text_as_bytes_and_as_the_object_itself() -> None:
    logon = observer_logon()

    assert (
        decode_observer_logon(json.dumps(logon), ACCEPTED)
        == decode_observer_logon(json.dumps(logon).encode(), ACCEPTED)
        == decode_observer_logon(logon, ACCEPTED)
    )


@pytest.mark.parametrize("value", [ABSENT, None, 5, True, [], {}])
@pytest.mark.parametrize(
    ("name", "attribute"), [("key", "key"), ("obsName", "observer_name"), ("groupSecret", "group_secret")]
)
def test_a_key_a_name_or_a_secret_that_is_no_text_counts_as_missing(
    name: str, attribute: str, value: Any
) -> None:
    assert getattr(read(**{name: value}), attribute) == ""


@pytest.mark.parametrize("name", ["key", "obsName", "groupSecret"])
def test_a_key_a_name_or_a_secret_beyond_the_bounds_is_refused(name: str) -> None:
    assert_unreadable(refusal(**{name: SECRET * 100}), name)


@pytest.mark.parametrize("part", ["name", "tricode", "url", "attackStart"])
@pytest.mark.parametrize("team", ["leftTeam", "rightTeam"])
def test_a_team_may_leave_out_any_of_its_parts(team: str, part: str) -> None:
    setup = read(**{team: changed(TEAM, **{part: ABSENT})}).setup.teams
    read_team = setup.left if team == "leftTeam" else setup.right

    assert getattr(read_team, {"attackStart": "attack_start"}.get(part, part)) is None


def test_the_url_of_a_team_may_be_long() -> None:
    url = "https://example.org/" + "x" * 65_000

    assert read(leftTeam={**TEAM, "url": url}).setup.teams.left.url == url


def test_the_start_on_attack_may_be_sent_as_text() -> None:
    assert read(leftTeam={"attackStart": "True"}).setup.teams.left.attack_start is True


@pytest.mark.parametrize("value", [ABSENT, None, True, 5, "x", []])
@pytest.mark.parametrize("team", ["leftTeam", "rightTeam"])
def test_a_team_that_is_no_object_is_refused(team: str, value: Any) -> None:
    assert_unreadable(refusal(**{team: value}), team)


NO_TEXTS: Final[list[Any]] = [None, True, 5, [], {}]
NO_FLAGS: Final[list[Any]] = [None, 0, 1, SECRET, [], {}]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *[(part, value) for part in ("name", "tricode", "url") for value in NO_TEXTS],
        ("name", SECRET * 100),
        ("tricode", SECRET * 100),
        ("url", SECRET * 5_000),
        *[("attackStart", value) for value in NO_FLAGS],
    ],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize("team", ["leftTeam", "rightTeam"])
def test_a_part_of_a_team_that_cannot_be_read_is_refused(team: str, part: str, value: Any) -> None:
    assert_unreadable(refusal(**{team: {**TEAM, part: value}}), f"{team}.{part}")


@pytest.mark.parametrize("code", ["A", "x" * 64, "../..", "/", "a b", "ß😀", "constructor", "\0"])
def test_a_group_code_is_any_text_of_1_to_64_characters(code: str) -> None:
    assert read(groupCode=code).group_code == code


@pytest.mark.parametrize("code", [ABSENT, None, 5, True, "", [], {}, "x" * 65, "x" * 300])
def test_any_other_group_code_is_refused(code: Any) -> None:
    assert_unreadable(refusal(groupCode=code), "groupCode")


def test_unknown_fields_of_a_logon_are_dropped() -> None:
    assert read(newer={"a": 1}, constructor=5) == read()


# --- the order of checks --------------------------------------------------------------------------------------


def test_the_checks_come_in_the_order_object_type_version_other_fields() -> None:
    wrong: Json = {"type": "other", "clientVersion": "9.9.9", "groupCode": 5, "key": SECRET * 100}

    assert "type" in str(refusal(**wrong))
    assert "9.9.9" in str(refusal(**{**wrong, "type": "authenticate"}))
    assert "groupCode" in str(refusal(**{**wrong, "type": "authenticate", "clientVersion": "0.3.20"}))
    assert "key" in str(refusal(key=SECRET * 100))


@pytest.mark.parametrize(
    "logon", ["not json", "", "null", "[]", "5", "{", "[" * 100_000, None, 5, [], b"\xff"]
)
@pytest.mark.parametrize("decode", [decode_observer_logon, decode_auxiliary_logon])
def test_a_logon_that_is_no_object_is_refused(decode: Any, logon: Any) -> None:
    assert_unreadable(refused(decode, logon), "Invalid packet. The logon is")


@pytest.mark.parametrize(
    "packet_type", [ABSENT, None, 5, True, [], {}, "", "preview", SECRET, "Authenticate"]
)
def test_a_wrong_type_is_refused(packet_type: Any) -> None:
    assert_unreadable(refusal(type=packet_type), "'authenticate'")
    assert_unreadable(auxiliary_refusal(type=packet_type), "'aux_authenticate'")


def test_a_logon_on_the_other_channel_is_refused() -> None:
    assert_unreadable(refusal(type="aux_authenticate"), "type")
    assert_unreadable(auxiliary_refusal(type="authenticate"), "type")


@pytest.mark.parametrize("version", [ABSENT, None, 5, 0.3, True, [], {}])
def test_a_version_that_is_no_text_is_refused(version: Any) -> None:
    assert_unreadable(refusal(clientVersion=version), "clientVersion")
    assert_unreadable(auxiliary_refusal(clientVersion=version), "clientVersion")


@pytest.mark.parametrize("version", ["0.3.2", "0.3.25", "", "latest"])
def test_a_version_that_is_not_accepted_is_told_with_that_of_the_server(version: str) -> None:
    for error in (refusal(clientVersion=version), auxiliary_refusal(clientVersion=version)):
        assert not isinstance(error, InvalidLogon)
        assert error.code == "client_version"
        assert str(error) == (
            f"Client version {version} is not compatible with server version {__version__}."
        )


def test_a_long_version_is_not_repeated_in_full() -> None:
    assert len(str(refusal(clientVersion="x" * 100_000))) < 200


def test_a_version_with_half_of_a_surrogate_pair_can_still_be_answered() -> None:
    error = refused(decode_observer_logon, observer_logon(clientVersion="\ud800"))

    assert str(error).encode()


# --- toolsData ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tools", [{}, ABSENT])
def test_without_settings_the_defaults_hold(tools: Any) -> None:
    presentation = read(toolsData=tools).setup.presentation

    assert presentation == Presentation(settings=DEFAULT_SETTINGS)
    assert (presentation.timeout_s, presentation.timeout_grace_s, presentation.max_timeouts) == (60, 10, 2)
    assert presentation.removes_tricodes is False


def test_the_defaults_name_every_setting() -> None:
    assert set(DEFAULT_SETTINGS) == {*SECTIONS, *NUMBERS}


@pytest.mark.parametrize(
    "section", [name for name in SECTIONS if name not in ("timeoutCounter", "playercamsInfo")]
)
def test_a_setting_that_is_given_replaces_the_whole_default(section: str) -> None:
    settings = read_tools(**{section: {"own": [1]}}).settings

    assert settings == {**DEFAULT_SETTINGS, section: {"own": [1]}}


def test_settings_that_are_not_listed_are_kept() -> None:
    assert read_tools(colour={"team": "red"}, constructor=5, none=None).settings == {
        **DEFAULT_SETTINGS,
        "colour": {"team": "red"},
        "constructor": 5,
        "none": None,
    }


@pytest.mark.parametrize("tools", [None, True, 5, "x", []])
def test_settings_that_are_no_object_are_refused(tools: Any) -> None:
    assert_unreadable(refusal(toolsData=tools), "toolsData")


@pytest.mark.parametrize("value", [None, True, 5, SECRET, []])
@pytest.mark.parametrize("section", SECTIONS)
def test_a_listed_setting_that_is_no_object_is_refused(section: str, value: Any) -> None:
    assert_unreadable(refusal(toolsData={section: value}), f"toolsData.{section}")


@pytest.mark.parametrize("value", [None, True, SECRET, "", [], {}, 2**31])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_duration_that_is_no_number_is_refused(name: str, value: Any) -> None:
    assert_unreadable(refusal(toolsData={name: value}), f"toolsData.{name}")


@pytest.mark.parametrize(("sent", "read_as"), [(45, 45), ("45", 45), (0, 0), (2.5, 2.5), ("30.0", 30)])
def test_durations_are_read_for_the_rules_and_for_overlays(sent: Any, read_as: float) -> None:
    presentation = read_tools(timeoutDuration=sent, timeoutCancellationGracePeriod=sent)

    assert (presentation.timeout_s, presentation.timeout_grace_s) == (read_as, read_as)
    assert presentation.settings["timeoutDuration"] == read_as
    assert presentation.settings["timeoutCancellationGracePeriod"] == read_as


@pytest.mark.parametrize(("sent", "read_as"), [(3, 3), ("1", 1), (0, 0)])
def test_timeouts_start_at_the_most_whatever_the_logon_says_of_left_and_right(
    sent: Any, read_as: int
) -> None:
    presentation = read_tools(timeoutCounter={"max": sent, "left": 9, "right": 0, "x": 1})

    assert presentation.max_timeouts == read_as
    assert presentation.settings["timeoutCounter"] == {"max": read_as, "x": 1}


@pytest.mark.parametrize("counter", [{}, {"max": None}, {"max": "many"}, {"max": True}])
def test_without_a_number_of_timeouts_nobody_has_any(counter: Json) -> None:
    presentation = read_tools(timeoutCounter=counter)

    assert presentation.max_timeouts is None
    assert presentation.settings["timeoutCounter"] == counter


@pytest.mark.parametrize(
    ("sent", "removes"),
    [(True, True), (False, False), ("true", True), (ABSENT, None), (None, False), (1, False)],
)
def test_tricodes_are_removed_where_the_player_cam_settings_say_so(sent: Any, removes: bool | None) -> None:
    cams = changed({}, removeTricodes=sent)

    assert read_tools(playercamsInfo=cams).removes_tricodes is removes


def test_the_secret_and_end_time_of_player_cams_are_not_even_kept() -> None:
    cams = {"enable": True, "secret": SECRET, "endTime": 5, "identifier": "id", "enabledPlayers": ["a#b"]}

    presentation = read_tools(playercamsInfo=cams)

    assert presentation.settings["playercamsInfo"] == {
        "enable": True,
        "identifier": "id",
        "enabledPlayers": ["a#b"],
    }
    assert SECRET not in repr(presentation)


@pytest.mark.parametrize(
    "tools",
    [
        {"seriesInfo": {"x": "x" * 65_537}},
        {"colour": "x" * 65_537},
        {"sponsorInfo": {"sponsors": ["x"] * 257}},
        {"colours": ["x"] * 257},
        {"timeoutCounter": {"max": "99999999999999999999"}},
        {str(number): number for number in range(257)},
        {"deep": json.loads("[" * 40 + "]" * 40)},
        {"number": 10**40},
        {SECRET: {SECRET: SECRET * 5_000}},
        {"playercamsInfo": {"secret": SECRET * 5_000}},
    ],
    ids=lambda tools: repr(tools)[:20],
)
def test_settings_beyond_the_bounds_are_refused(tools: Json) -> None:
    assert_unreadable(refusal(toolsData=tools), "toolsData")


def test_the_defaults_are_not_changed_by_any_logon() -> None:
    before = json.dumps(DEFAULT_SETTINGS)

    read_tools(timeoutCounter={"max": 1}, playercamsInfo={"secret": SECRET}, seriesInfo={"wonLeft": 1})

    assert json.dumps(DEFAULT_SETTINGS) == before


# --- auxiliary clients ----------------------------------------------------------------------------------------


def test_an_auxiliary_logon_is_read() -> None:
    assert read_auxiliary() == AuxiliaryLogon(
        client_version="0.3.20", name="Ash", match_id="m-1", player_id="p-1"
    )


def test_an_auxiliary_client_may_not_know_its_player_yet() -> None:
    assert read_auxiliary(playerId="").player_id == ""
    assert read_auxiliary(playerId=ABSENT).player_id == ""


def test_an_empty_match_id_can_be_read() -> None:
    assert read_auxiliary(matchId="").match_id == ""


@pytest.mark.parametrize("value", [ABSENT, None, 5, True, [], {}, "x" * 1_025])
def test_a_match_id_that_is_no_short_text_is_refused(value: Any) -> None:
    assert_unreadable(auxiliary_refusal(matchId=value), "matchId")


@pytest.mark.parametrize("value", [None, 5, True, [], {}, "x" * 1_025])
def test_a_player_id_that_is_no_short_text_is_refused(value: Any) -> None:
    assert_unreadable(auxiliary_refusal(playerId=value), "playerId")


@pytest.mark.parametrize("value", [ABSENT, None, 5])
def test_an_auxiliary_client_needs_no_name(value: Any) -> None:
    assert read_auxiliary(name=value).name == ""


# --- previews -------------------------------------------------------------------------------------------------


def test_a_request_for_a_preview_is_read() -> None:
    request = decode_preview_request(json.dumps(preview_request(groupCode=ABSENT)))

    assert (request.key, request.preview_code) == ("KEY", "ABC123")
    assert request.setup.teams.left.name == "Alder"
    assert request.setup_for("XYZ789").group_code == "XYZ789"
    assert request.setup_for("XYZ789").teams == request.setup.teams


@pytest.mark.parametrize("code", [ABSENT, None, 5, [], {}])
def test_a_preview_code_that_is_no_text_is_none(code: Any) -> None:
    assert decode_preview_request(json.dumps(preview_request(previewCode=code))).preview_code is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("not json", "not JSON that can be read"),
        ("[]", "not a JSON object"),
        (json.dumps(preview_request(type="authenticate")), "'preview'"),
        (json.dumps(preview_request(leftTeam=None)), "leftTeam"),
        (json.dumps(preview_request(toolsData={"seriesInfo": None})), "toolsData.seriesInfo"),
        (json.dumps(preview_request(key=SECRET * 100)), "key"),
    ],
)
def test_a_request_for_a_preview_that_cannot_be_read_is_refused(body: str, path: str) -> None:
    with pytest.raises(LogonRefused) as caught:
        decode_preview_request(body)

    assert_unreadable(caught.value, path)
