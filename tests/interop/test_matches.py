"""Real clients of one match, of two, and of one that ends; with and without compression."""

from itertools import pairwise

import msgspec
import pytest

from tests.e2e import messages
from tests.e2e.messages import fresh_code
from tests.e2e.running import ACCESS_KEY, RunningServer
from tests.interop.conftest import (
    BOTH_WAYS,
    Connect,
    Document,
    Follow,
    LogOn,
    player_of,
    tell,
    tell_auxiliary,
    text,
)
from tests.interop.nodejs import JsClient


@BOTH_WAYS
def is_compressed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


EVERYTHING = {"health": True, "abilities": True, "scoreboard": True}
NOTHING = {"health": False, "abilities": False, "scoreboard": False}


def started(observe: LogOn, follow: Follow, group_code: str, match_id: str, *player_ids: str) -> JsClient:
    """Return the observer of a match that has started, with these players, five to a team."""
    observer = observe(group_code)
    assert observer.wait_for("obs_logon_ack")["value"] is True
    for position, player_id in enumerate(player_ids):
        tell(
            observer, group_code, "roster", messages.roster(player_id, team=position // 5, position=position)
        )
    tell(observer, group_code, "match_start", match_id)
    follow(group_code).wait_for("match_data", lambda document: document["matchId"] == match_id)
    return observer


# --- several clients of one match -----------------------------------------------------------------------------


def test_several_observers_write_into_one_match(observe: LogOn, follow: Follow, code: str) -> None:
    first = observe(code)
    secret = first.wait_for("obs_logon_ack")["reason"]
    others = [observe(code, groupSecret=secret) for _ in range(3)]
    for observer in others:
        assert observer.wait_for("obs_logon_ack")["reason"] == secret
    overlay = follow(code)

    for number, observer in enumerate([first, *others]):
        tell(observer, code, "map", f"Map {number}")
        overlay.wait_for("match_data", lambda document, number=number: document["map"] == f"Map {number}")


def test_a_match_runs_until_its_last_observer_is_gone(observe: LogOn, follow: Follow, code: str) -> None:
    first = observe(code)
    secret = first.wait_for("obs_logon_ack")["reason"]
    second = observe(code, groupSecret=secret)
    second.wait_for("obs_logon_ack")
    tell(first, code, "match_start", fresh_code())
    overlay = follow(code)
    overlay.wait_for("match_data", lambda document: document["isRunning"])

    first.disconnect()
    tell(second, code, "map", "Ascent")
    assert overlay.wait_for("match_data")["isRunning"] is True
    second.disconnect()
    assert overlay.wait_for("match_data")["isRunning"] is False


def test_ten_auxiliary_clients_report_for_their_players(
    observe: LogOn, join: LogOn, follow: Follow, code: str
) -> None:
    player_ids = [f"P{number}" for number in range(10)]
    started(observe, follow, code, code, *player_ids)
    overlay = follow(code)

    clients = {player_id: join(code, player_id) for player_id in player_ids}
    for client in clients.values():
        assert client.wait_for("aux_logon_ack") == {"type": "aux_authenticate", "value": True}
    for number, (player_id, client) in enumerate(clients.items(), start=1):
        tell_auxiliary(client, code, player_id, "aux_health", number)
        board = messages.scoreboard(player_id, team=(number - 1) // 5, money=number)
        tell_auxiliary(client, code, player_id, "aux_scoreboard", board)

    def is_complete(document: Document) -> bool:
        players = [player_of(document, player_id) for player_id in player_ids]
        return [(player["health"], player["money"]) for player in players] == [
            (number, number) for number in range(1, 11)
        ]

    document = overlay.wait_for("match_data", is_complete)
    for player_id in player_ids:
        available = player_of(document, player_id)["auxiliaryAvailable"]
        assert available == {"health": True, "abilities": False, "scoreboard": True}


def test_the_data_of_a_player_is_unavailable_once_its_client_is_gone(
    observe: LogOn, join: LogOn, follow: Follow, code: str
) -> None:
    started(observe, follow, code, code, "P", "Q")
    overlay = follow(code)
    clients = {player_id: join(code, player_id) for player_id in ("P", "Q")}
    for player_id, client in clients.items():
        tell_auxiliary(client, code, player_id, "aux_health", 50)
        tell_auxiliary(
            client, code, player_id, "aux_abilities", {"grenade": 1, "ability_1": 1, "ability_2": 1}
        )
        tell_auxiliary(client, code, player_id, "aux_scoreboard", messages.scoreboard(player_id))
        overlay.wait_for(
            "match_data", lambda document, player_id=player_id: available(document, player_id) == EVERYTHING
        )

    clients["P"].disconnect()

    document = overlay.wait_for("match_data", lambda document: available(document, "P") == NOTHING)
    assert available(document, "Q") == EVERYTHING


def available(document: Document, player_id: str) -> Document:
    flags: Document = player_of(document, player_id)["auxiliaryAvailable"]
    return flags


def test_an_empty_player_id_is_supplied_by_the_first_scoreboard(
    observe: LogOn, join: LogOn, follow: Follow, code: str
) -> None:
    started(observe, follow, code, code, "P", "Q")
    overlay = follow(code)
    client = join(code, "")
    assert client.wait_for("aux_logon_ack")["value"] is True
    for player_id in ("P", "Q"):
        tell_auxiliary(client, code, player_id, "aux_scoreboard", messages.scoreboard(player_id))
    overlay.wait_for("match_data", lambda document: available(document, "Q")["scoreboard"])

    client.disconnect()

    document = overlay.wait_for("match_data")
    assert available(document, "P")["scoreboard"] is False
    assert available(document, "Q")["scoreboard"] is True  # it belonged to the first of the two


def test_a_client_that_came_back_reports_again(
    observe: LogOn, join: LogOn, follow: Follow, code: str
) -> None:
    started(observe, follow, code, code, "P")
    overlay = follow(code)
    for health in (50, 60):
        client = join(code, "P")
        client.wait_for("aux_logon_ack")
        tell_auxiliary(client, code, "P", "aux_health", health)
        document = overlay.wait_for(
            "match_data", lambda document, health=health: player_of(document, "P")["health"] == health
        )
        assert available(document, "P")["health"] is True
        client.disconnect()
        overlay.wait_for("match_data", lambda document: not available(document, "P")["health"])


# --- two matches ----------------------------------------------------------------------------------------------


def test_two_matches_with_one_match_id_both_get_the_auxiliary_data(
    observe: LogOn, join: LogOn, follow: Follow
) -> None:
    match_id, codes = fresh_code(), [fresh_code(), fresh_code()]
    for group_code in codes:
        started(observe, follow, group_code, match_id, "P")
    overlays = [follow(group_code) for group_code in codes]

    client = join(match_id, "P")
    client.wait_for("aux_logon_ack")
    tell_auxiliary(client, match_id, "P", "aux_health", 33)
    for overlay in overlays:
        overlay.wait_for("match_data", lambda document: player_of(document, "P")["health"] == 33)
    client.disconnect()
    for overlay in overlays:
        overlay.wait_for("match_data", lambda document: not available(document, "P")["health"])


def test_an_observer_cannot_change_the_match_of_another(observe: LogOn, follow: Follow) -> None:
    match_id, own, foreign = fresh_code(), fresh_code(), fresh_code()
    observer = started(observe, follow, own, match_id, "P")
    other = started(observe, follow, foreign, match_id, "P")
    overlay, foreign_overlay = follow(own), follow(foreign)
    before = foreign_overlay.wait_for("match_data")

    for kind, data in (
        ("map", "Ascent"),
        ("score", {"team_0": 5, "team_1": 0}),
        ("match_start", "ANOTHER"),
        ("tech_pause", True),
        ("round_info", {"roundNumber": 3, "roundPhase": "game_end"}),
    ):
        tell(observer, foreign, kind, data)
    tell(observer, own, "map", "Bind")  # its own match is not ended by it, nor its connection
    overlay.wait_for("match_data", lambda document: document["map"] == "Bind")
    tell(other, foreign, "switch_kda_credits")

    after = foreign_overlay.wait_for("match_data")
    assert after == {**before, "showAliveKDA": True}


def test_an_auxiliary_client_cannot_change_another_match(observe: LogOn, join: LogOn, follow: Follow) -> None:
    own, foreign = fresh_code(), fresh_code()
    for group_code in (own, foreign):
        started(observe, follow, group_code, group_code, "P")
    overlay, foreign_overlay = follow(own), follow(foreign)
    before = foreign_overlay.wait_for("match_data")

    client = join(own, "P")
    tell_auxiliary(client, foreign, "P", "aux_health", 1)
    tell_auxiliary(client, own, "P", "aux_health", 2)
    overlay.wait_for("match_data", lambda document: player_of(document, "P")["health"] == 2)
    second = join(foreign, "P")
    tell_auxiliary(second, foreign, "P", "aux_health", 3)

    after = foreign_overlay.wait_for("match_data")
    assert player_of(after, "P")["health"] == 3
    assert after["teams"][1] == before["teams"][1]


# --- the end --------------------------------------------------------------------------------------------------


def test_at_the_end_everybody_gets_the_last_state_and_clients_are_let_go(
    observe: LogOn, join: LogOn, follow: Follow, server: RunningServer, code: str
) -> None:
    observer = started(observe, follow, code, code, "P")
    auxiliary = join(code, "P")
    auxiliary.wait_for("aux_logon_ack")
    overlay = follow(code)
    tell(observer, code, "score", {"team_0": 12, "team_1": 13})

    tell(observer, code, "round_info", {"roundNumber": 25, "roundPhase": "game_end"})

    assert observer.wait_for("disconnect") == "io server disconnect"
    assert auxiliary.wait_for("disconnect") == "io server disconnect"
    final = overlay.wait_for("match_data", lambda document: document["roundPhase"] == "game_end")
    assert final["isRunning"] is False
    assert [team["roundsWon"] for team in final["teams"]] == [12, 13]
    late = follow(code)
    assert late.wait_for("match_data") == final
    assert "disconnect" not in overlay.names()
    status, _, result = server.extras("GET", f"/getTeamInfoForCode?groupCode={code}")
    assert status == 200
    assert result["higherScore"] == 1
    assert result["leftTeam"] == messages.observer_logon(code)["leftTeam"]
    assert result["isSupporter"] is False


def test_an_auxiliary_client_stays_while_another_match_has_its_match_id(
    observe: LogOn, join: LogOn, follow: Follow
) -> None:
    match_id, ending, going_on = fresh_code(), fresh_code(), fresh_code()
    observers = {
        group_code: started(observe, follow, group_code, match_id, "P") for group_code in (ending, going_on)
    }
    client = join(match_id, "P")
    client.wait_for("aux_logon_ack")
    overlay = follow(going_on)
    game_end = {"roundNumber": 3, "roundPhase": "game_end"}

    tell(observers[ending], ending, "round_info", game_end)
    observers[ending].wait_for("disconnect")
    tell_auxiliary(client, match_id, "P", "aux_health", 77)
    overlay.wait_for("match_data", lambda document: player_of(document, "P")["health"] == 77)

    tell(observers[going_on], going_on, "round_info", game_end)
    assert client.wait_for("disconnect") == "io server disconnect"


def test_a_new_match_takes_the_place_of_one_that_ended(observe: LogOn, follow: Follow, code: str) -> None:
    observer = started(observe, follow, code, fresh_code())
    overlay = follow(code)
    tell(observer, code, "round_info", {"roundNumber": 3, "roundPhase": "game_end"})
    observer.wait_for("disconnect")

    answer = observe(code).wait_for("obs_logon_ack")

    assert answer["value"] is True
    document = overlay.wait_for("match_data", lambda document: document["matchId"] == "")
    assert document["roundPhase"] == "LOBBY"


# --- overlays -------------------------------------------------------------------------------------------------


def test_an_overlay_may_come_before_the_match(observe: LogOn, follow: Follow, code: str) -> None:
    overlay = follow(code)

    observe(code)

    assert overlay.wait_for("match_data")["groupCode"] == code


def test_the_answer_to_an_overlay_names_its_group_code(
    connect: Connect, server: RunningServer, code: str
) -> None:
    overlay = connect(server.output_url)
    overlay.emit("logon", text({"groupCode": code}))

    answer = overlay.wait_for("logon_success")

    assert answer.keys() == {"groupCode", "msg"}
    assert answer["groupCode"] == code


def test_a_snapshot_goes_to_the_overlay_that_logs_on_and_to_no_other(
    observe: LogOn, follow: Follow, code: str
) -> None:
    observer = observe(code)
    first = follow(code)
    before = first.wait_for("match_data")

    assert follow(code).wait_for("match_data") == before
    tell(observer, code, "map", "Ascent")
    first.wait_for("match_data", lambda document: document["map"] == "Ascent")

    assert len(first.texts("match_data")) == 2


def test_an_overlay_hears_of_its_own_match_only(observe: LogOn, follow: Follow) -> None:
    own, other = fresh_code(), fresh_code()
    observers = {group_code: observe(group_code) for group_code in (own, other)}
    overlay, other_overlay = follow(own), follow(other)
    overlay.wait_for("match_data")

    tell(observers[other], other, "map", "Ascent")
    other_overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")
    tell(observers[own], own, "map", "Bind")

    assert overlay.wait_for("match_data")["map"] == "Bind"


def test_no_document_comes_twice_in_a_row_and_the_last_one_always_comes(
    observe: LogOn, follow: Follow, code: str
) -> None:
    observer = observe(code)
    overlays = [follow(code) for _ in range(3)]

    for number in range(200):
        tell(observer, code, "score", {"team_0": number // 2, "team_1": 0})  # each one twice
        tell(observer, code, "no_such_type", number)
    tell(observer, code, "map", "Ascent")

    for overlay in overlays:
        overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")
        texts = overlay.texts("match_data")
        assert all(one != next_one for one, next_one in pairwise(texts))
        assert msgspec.json.decode(texts[-1])["teams"][0]["roundsWon"] == 99


def test_an_overlay_that_logs_on_to_nothing_stays_connected(
    connect: Connect, observe: LogOn, server: RunningServer, code: str
) -> None:
    observe(code).wait_for("obs_logon_ack")
    overlay = connect(server.output_url)

    for payload in ("hello", "[]", "{}", {"groupCode": 5}, {"groupCode": ""}, {"groupCode": "G" * 300}, None):
        overlay.emit("logon", payload)
    overlay.emit("obs_logon", text(messages.observer_logon(code)))
    overlay.emit("logon", text({"groupCode": code}))

    assert overlay.wait_for("logon_success")["groupCode"] == code
    assert overlay.wait_for("match_data")["groupCode"] == code


def test_no_secret_is_ever_shown(observe: LogOn, follow: Follow, server: RunningServer, code: str) -> None:
    settings = {"playercamsInfo": {"enable": True, "secret": "CAMSECRET", "endTime": 5, "identifier": "I"}}
    observer = observe(code, toolsData=settings)
    secret = observer.wait_for("obs_logon_ack")["reason"]
    overlay = follow(code)

    document = overlay.wait_for("match_data")

    assert document["tools"]["playercamsInfo"] == {"enable": True, "identifier": "I"}
    for text_sent in overlay.texts("match_data"):
        assert secret not in text_sent
        assert "CAMSECRET" not in text_sent
        assert ACCESS_KEY not in text_sent
    for hidden in (secret, "CAMSECRET", ACCESS_KEY):
        assert hidden not in server.log
        assert hidden not in server.printed
