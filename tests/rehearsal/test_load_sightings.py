import json
from typing import Any

from valo_ingest.rehearsal.load.sightings import (
    FORGET_AFTER_S,
    MUTE_AFTER_S,
    Sent,
    Sighting,
    Watcher,
    registers,
)

PLAYER = "P1"
OTHER = "P2"


def make_player(player_id: str, **changes: Any) -> dict[str, Any]:
    player = {
        "riotId": player_id,
        "searchName": f"{player_id} #TAG",
        "isObserved": False,
        "agentInternal": "Wushu",
        "locked": True,
        "health": 100,
        "abilities": {"grenade": 0, "ability1": 0, "ability2": 0},
        "money": 800,
        "currUltPoints": 0,
        "maxUltPoints": 7,
        "kills": 0,
        "deaths": 0,
        "assists": 0,
    }
    return {**player, **changes}


def make_document(*players: dict[str, Any], **changes: Any) -> dict[str, Any]:
    document = {
        "matchId": "M",
        "roundNumber": 1,
        "roundPhase": "shopping",
        "spikeState": {"planted": False, "detonated": False, "defused": False},
        "teams": [
            {"ingameTeamId": 1, "roundsWon": 0, "players": list(players)},
            {"ingameTeamId": 0, "roundsWon": 0, "players": []},
        ],
    }
    return {**document, **changes}


class Stage:
    """A match with one overlay; what is sent and shown bears the instant at which it is."""

    def __init__(self, **first: Any) -> None:
        self.sent = Sent()
        self.watcher = self.sent.watch()
        assert self.show(0, **first) == []

    def send_health(self, at: float, health: int, *, sender: str = "aux") -> None:
        self.sent.note(sender, "aux_health", health, player_id=PLAYER, at=at)

    def send(self, at: float, kind: str, data: Any, *, sender: str = "observer") -> None:
        self.sent.note(sender, kind, data, player_id="", at=at)

    def show(self, at: float, **player: Any) -> list[Sighting]:
        return list(self.watcher.see(make_document(make_player(PLAYER, **player)), at))

    def show_document(self, at: float, **changes: Any) -> list[Sighting]:
        return list(self.watcher.see(make_document(make_player(PLAYER), **changes), at))


def latencies(sightings: list[Sighting]) -> list[float]:
    return [sighting.latency_s for sighting in sightings]


def test_an_event_is_seen_when_its_value_is_shown() -> None:
    stage = Stage()
    stage.send_health(1, 60)

    assert stage.show(2, money=900) == []
    assert stage.show(4, health=60) == [Sighting("aux_health", 3)]
    assert stage.show(5, health=60) == []


def test_what_changes_nothing_is_not_looked_for() -> None:
    stage = Stage(health=60)
    stage.send_health(1, 60)

    assert stage.show(2, health=60) == []
    assert stage.show(3, health=10) == []
    assert stage.show(4, health=60) == []


def test_what_is_sent_twice_is_seen_once() -> None:
    stage = Stage()
    stage.send_health(1, 60)
    stage.send_health(2, 60)

    assert latencies(stage.show(3, health=60)) == [2]
    assert stage.show(4, health=60) == []


def test_the_first_of_two_events_between_two_documents_counts_as_well() -> None:
    stage = Stage()
    stage.send_health(1, 60)
    stage.send_health(2, 30)

    assert latencies(stage.show(5, health=30)) == [4, 3]


def test_an_event_that_was_masked_for_a_while_is_forgotten() -> None:
    stage = Stage()
    stage.send_health(1, 60)
    stage.show(2, health=100)
    stage.send_health(3, 30)

    assert latencies(stage.show(5, health=30)) == [2]


def test_what_is_on_its_way_is_not_taken_for_what_was_shown_before() -> None:
    stage = Stage(health=100)
    stage.send_health(1, 60)
    stage.send_health(2, 100)

    assert stage.show(3, health=100) == []
    assert latencies(stage.show(4, health=60)) == [3]
    assert latencies(stage.show(5, health=100)) == [3]


def test_an_event_of_another_connection_may_be_seen_first() -> None:
    stage = Stage()
    stage.send_health(1, 60)
    stage.send(2, "round_info", {"roundNumber": 2, "roundPhase": "combat"})

    assert stage.show_document(3, roundNumber=2, roundPhase="combat") == [Sighting("round_info", 1)]
    assert latencies(stage.show(4, health=60)) == [3]


def test_what_is_not_seen_for_long_is_forgotten() -> None:
    stage = Stage()
    stage.send_health(1, 60)

    assert stage.show(2) == []
    assert stage.show(2 + FORGET_AFTER_S, health=60) == []


def test_what_no_document_could_show_is_not_forgotten() -> None:
    stage = Stage()
    stage.send_health(1, 60)

    assert latencies(stage.show(41, health=60)) == [40], "a stall of 40 s is one of 40 s"


def test_an_overlay_that_is_shown_nothing_any_more_is_mute() -> None:
    stage = Stage()
    assert not stage.watcher.is_mute(100), "nothing was to be shown"

    stage.send_health(100, 60)

    assert not stage.watcher.is_mute(100 + MUTE_AFTER_S / 2)
    assert stage.watcher.is_mute(100 + MUTE_AFTER_S)


def test_an_overlay_is_not_mute_because_an_event_is_masked() -> None:
    stage = Stage()
    stage.send_health(1, 60)
    stage.show(2, health=30)

    assert not stage.watcher.is_mute(100)


def test_an_overlay_that_never_got_a_document_is_mute() -> None:
    sent = Sent()
    watcher = sent.watch()
    sent.note("aux", "aux_health", 60, player_id=PLAYER, at=1)

    assert watcher.is_mute(1 + MUTE_AFTER_S)


def test_an_overlay_that_comes_later_sees_only_what_is_sent_then() -> None:
    stage = Stage()
    stage.send_health(1, 60)
    late = stage.sent.watch()
    stage.send_health(3, 30)

    first = late.see(make_document(make_player(PLAYER, health=60)), 4)
    second = late.see(make_document(make_player(PLAYER, health=30)), 5)

    assert (list(first), latencies(list(second))) == ([], [2])


def test_an_overlay_that_is_gone_is_told_nothing() -> None:
    sent = Sent()
    watcher = sent.watch()
    watcher_of_nobody = Watcher()

    sent.forget(watcher)
    sent.forget(watcher_of_nobody)
    sent.note("aux", "aux_health", 60, player_id=PLAYER, at=1)

    assert list(watcher.see(make_document(make_player(PLAYER)), 0)) == []
    assert list(watcher.see(make_document(make_player(PLAYER, health=60)), 2)) == []


def test_what_observers_and_auxiliary_clients_send_is_found_where_overlays_show_it() -> None:
    board = {"money": 50, "currUltPoints": 1, "maxUltPoints": 7, "kills": 2, "deaths": 3, "assists": 4}
    sent = Sent()
    watcher = sent.watch()
    list(watcher.see(make_document(make_player(PLAYER), make_player(OTHER), matchId=None), 0))

    for kind, data in (
        ("match_start", "M2"),
        ("roster", {"playerId": PLAYER, "agentInternal": "Hunter", "locked": False}),
        ("scoreboard", {"playerId": PLAYER, "name": "x", **board}),
        ("round_info", {"roundNumber": 3, "roundPhase": "combat"}),
        ("score", {"team_0": 1, "team_1": 2}),
        ("observing", f"{OTHER} #TAG"),
        ("spike_planted", True),
        ("spike_defused", True),
        ("spike_detonated", True),
        ("aux_health", 42),
        ("aux_abilities", {"grenade": 1, "ability_1": 2, "ability_2": 0}),
        ("killfeed", {"attacker": "x"}),
        ("aux_scoreboard_team", json.dumps([])),
    ):
        sent.note(kind, kind, data, player_id=PLAYER, at=1)
    shown = make_document(
        make_player(
            PLAYER,
            agentInternal="Hunter",
            locked=False,
            health=42,
            abilities={"grenade": 1, "ability1": 2, "ability2": 0},
            **board,
        ),
        make_player(OTHER, isObserved=True),
        matchId="M2",
        roundNumber=3,
        roundPhase="combat",
        spikeState={"planted": True, "detonated": True, "defused": True},
    )
    shown["teams"][0]["roundsWon"], shown["teams"][1]["roundsWon"] = 2, 1

    seen = {sighting.kind for sighting in watcher.see(shown, 2)}

    assert seen == {
        *("match_start", "roster", "scoreboard", "round_info", "score", "observing"),
        *("spike_planted", "spike_defused", "spike_detonated", "aux_health", "aux_abilities"),
    }


def test_a_document_without_players_can_be_read() -> None:
    assert registers(make_document())["score", ""] == (0, 0)
