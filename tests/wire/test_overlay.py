"""The document that overlays read. `match_data.json` is the whole of one, field by field."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from tests.game.builders import (
    DEFUSED,
    DETONATED,
    LEFT_PRESSED,
    PLANTED,
    RIGHT_PRESSED,
    TECH_PRESSED,
    after,
    auxiliary_board,
    board,
    combat,
    join,
    kill,
    make_match,
    make_match_with,
    make_settings,
    play,
    round_end,
    score,
    shopping,
    toast,
)
from tests.wire.builders import observer_logon
from valo_ingest.game import events as happened
from valo_ingest.game.state import Match, TeamSetup, new_match
from valo_ingest.wire import overlay
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.logons import decode_observer_logon

DOCUMENT: Final = Path(__file__).parent / "match_data.json"


def written(match: Match) -> Any:
    """Return the document of `match` as overlays read it."""
    return json.loads(overlay.encode(match))


def written_player(match: Match, seat: int = 0, place: int = 0) -> Any:
    return written(match)["teams"][seat]["players"][place]


def make_full_match() -> Match:
    """Return a match in which as much as possible is told."""
    return play(
        make_match(timeout_s=30, removes_tricodes=True),
        (1_000, happened.MapChosen("Ascent")),
        (1_000, join("l1", name="ALD Ash", locked=True, position=2)),
        (1_000, join("r1", name="Bo")),
        (2_000, happened.MatchStarted("m-1")),
        (3_000, shopping(1)),
        (4_000, combat()),
        (5_000, kill("ALD Ash", "Bo")),
        (6_000, score(1, 0)),
        (6_000, round_end()),
        (7_000, shopping(2)),
        (8_000, board("l1", money=4_000)),
        (
            9_000,
            board("l1", agent_internal="Rift_PC_C", money=1_100, armor=2, weapon_internal="TX_Hud_Volcano"),
        ),
        (9_000, auxiliary_board("r1", kills=3, deaths=2, assists=1, ult_points=7, has_spike=True)),
        (9_000, happened.AbilitiesReported("r1", 2, 1, 0)),
        (9_000, happened.HealthReported("r1", 72)),
        (9_000, happened.AstraTargetingReported("l1", True)),
        (9_000, happened.PlayerObserved("ALD Ash #TAG")),
        (9_500, happened.AliveKdaPressed()),
        (10_000, combat(2)),
        (11_000, kill("Bo", "Ash", headshot=True, teamkill=True, weapon_internal="knife")),
        (12_000, LEFT_PRESSED),
        (13_500, toast(60_000)),
    )


def test_the_document_is_this_one_field_by_field() -> None:
    assert written(make_full_match()) == json.loads(DOCUMENT.read_text(encoding="utf-8"))


def test_the_document_and_its_text_are_the_same() -> None:
    match = make_full_match()

    assert written(match) == json.loads(json.dumps(overlay.document(match)))


@pytest.mark.parametrize("field", ["agentSelectStartTime", "roundTimeoutTime", "spikeDetonationTime"])
def test_an_instant_that_is_not_known_is_absent(field: str) -> None:
    assert field not in written(make_match())


def test_instants_are_those_of_the_events_that_set_them() -> None:
    match = play(make_match(), (1_000, join()), (2_000, combat()))
    assert written(match)["agentSelectStartTime"] == 1_000
    assert written(match)["roundTimeoutTime"] == 101_000

    planted = written(play(match, (3_000, PLANTED)))
    assert planted["spikeDetonationTime"] == 48_000
    assert "roundTimeoutTime" not in planted


@pytest.mark.parametrize(
    ("part", "field"), [("name", "teamName"), ("tricode", "teamTricode"), ("url", "teamUrl")]
)
def test_what_the_logon_left_out_of_a_team_is_absent(part: str, field: str) -> None:
    assert field not in written(make_match(left=TeamSetup()))["teams"][0]
    assert written(make_match(left=replace(TeamSetup(), **{part: ""})))["teams"][0][field] == ""


@pytest.mark.parametrize("removes", [True, False])
def test_whether_tricodes_are_removed_is_said_or_absent(removes: bool) -> None:
    assert [team["removeTricode"] for team in written(make_match(removes_tricodes=removes))["teams"]] == [
        removes
    ] * 2
    assert "removeTricode" not in written(make_match(removes_tricodes=None))["teams"][0]


def test_timeouts_that_are_left_are_written_into_the_settings_and_absent_without_a_number() -> None:
    match = after(make_match(timeout_grace_s=0), RIGHT_PRESSED, RIGHT_PRESSED)

    assert written(match)["tools"]["timeoutCounter"] == {"max": 2, "left": 2, "right": 1}
    assert written(make_match(max_timeouts=None))["tools"]["timeoutCounter"] == {"max": 2}


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (None, [False, False, False]),
        (TECH_PRESSED, [True, False, False]),
        (LEFT_PRESSED, [False, True, False]),
        (RIGHT_PRESSED, [False, False, True]),
    ],
)
def test_at_most_one_pause_is_shown(event: happened.Event | None, shown: list[bool]) -> None:
    state = written(after(make_match(), *([event] if event else [])))["timeoutState"]

    assert [state["techPause"], state["leftTeam"], state["rightTeam"]] == shown


@pytest.mark.parametrize(
    ("event", "field"), [(DETONATED, "detonated"), (DEFUSED, "defused"), (PLANTED, "planted")]
)
def test_the_spikes_state_is_shown(event: happened.Event, field: str) -> None:
    state = written(after(make_match(), combat(), event))["spikeState"]

    assert state == {"planted": False, "detonated": False, "defused": False, field: True}


@pytest.mark.parametrize(
    ("kills", "deaths", "ratio"), [(0, 0, None), (5, 0, None), (0, 4, 0), (3, 2, 1.5), (1, 3, 1 / 3)]
)
def test_the_kill_death_ratio_is_that_of_todays_totals_and_null_without_a_death(
    kills: int, deaths: int, ratio: float | None
) -> None:
    match = after(make_match_with("l1"), board("l1", kills=kills, deaths=deaths))

    assert written_player(match)["kdRatio"] == ratio


def test_the_ratios_follow_the_kill_feed_too() -> None:
    match = after(make_match_with("l1", "r1"), kill(headshot=True), kill("R1", "L1"), kill())

    player = written_player(match)
    assert (player["kdRatio"], player["headshotRatio"]) == (2, 0.5)


def test_the_headshot_ratio_is_0_without_a_kill_and_can_exceed_1() -> None:
    match = after(make_match_with("l1", "r1"), board("l1"), kill(headshot=True), kill(headshot=True))
    assert written_player(match)["headshotRatio"] == 0

    assert written_player(after(match, board("l1", kills=1)))["headshotRatio"] == 2


def test_what_a_team_spent_is_the_sum_over_its_players_of_today() -> None:
    match = after(
        make_match_with("l1", "l2"),
        *(board(player_id, money=money) for player_id in ("l1", "l2") for money in (4_000, 1_000)),
    )

    assert [team["spentThisRound"] for team in written(match)["teams"]] == [6_000, 0]


def test_a_player_shows_by_all_forms_of_his_name() -> None:
    player = written_player(after(make_match(removes_tricodes=True), join("l1", name="ALD Ash")))

    assert (player["name"], player["searchName"], player["fullName"]) == (
        "Ash",
        "ALD Ash #TAG",
        "ALD Ash#TAG",
    )


def test_the_agent_shows_as_sent_and_by_its_name() -> None:
    player = written_player(after(make_match(), join("l1", agent_internal="Clay_PC_C")))

    assert (player["agentInternal"], player["agentProper"]) == ("Clay_PC_C", "Raze")


def test_the_toast_is_passed_on_whole_but_whether_it_is_shown_is_ours_to_say() -> None:
    content = {"title": "Break", "colour": "green", "active": False}
    match = after(make_match(), happened.ToastPressed(content, None))
    assert written(match)["toastInfo"] == {**content, "active": True}

    assert written(after(match, toast()))["toastInfo"] == {**content, "active": False}


def test_settings_that_are_not_ours_are_passed_on() -> None:
    assert written(make_match(settings=make_settings(colour={"a": [1]})))["tools"]["colour"] == {"a": [1]}


def test_no_secret_of_a_logon_is_in_the_document() -> None:
    logon = observer_logon(
        key="hunter2-key",
        groupSecret="hunter2-group",
        obsName="hunter2-name",
        hunter2="hunter2",
        toolsData={"playercamsInfo": {"enable": True, "secret": "hunter2-cams", "endTime": "hunter2"}},
    )

    match = new_match(decode_observer_logon(logon, VersionRange(">=0.3.3")).setup)

    assert "hunter2" not in overlay.encode(match)


def test_a_name_may_hold_anything_that_can_be_written() -> None:
    name = 'ß😀\u2028"\\</script>\0'

    assert written_player(after(make_match(), join("l1", name=name)))["name"] == name


def test_parts_that_did_not_change_are_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    match = make_full_match()
    encoder = overlay.Encoder()
    encoder.encode(match)
    for name in ("_team", "_rounds", "_player", "_settings"):  # what would fail if it were called
        monkeypatch.setattr(overlay, name, None)

    changed = replace(match, map="Bind")

    assert json.loads(encoder.encode(changed))["map"] == "Bind"


def test_of_a_team_only_the_player_who_changed_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    match = make_full_match()
    encoder = overlay.Encoder()
    encoder.encode(match)
    changed = play(match, (20_000, board("l1", money=50)))
    written: list[str] = []
    monkeypatch.setattr(overlay, "_player", lambda player: written.append(player.player_id))

    encoder.encode(changed)

    assert written == ["l1"]


def test_an_encoder_that_was_used_before_writes_what_a_new_one_does() -> None:
    match = make_full_match()
    encoder = overlay.Encoder()
    encoder.encode(match)
    for event in (
        board("l1", money=50),
        board("r1", money=50),
        score(2, 0),
        happened.SeatsSwapped(),
        LEFT_PRESSED,
    ):
        match = play(match, (20_000, event))
        assert encoder.encode(match) == overlay.encode(match)
