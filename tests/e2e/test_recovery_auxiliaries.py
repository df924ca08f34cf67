"""A player's own client loses its connection: its data is unavailable until it is back, without new data."""

import json
from typing import Any

import pytest

from tests.e2e import messages
from tests.e2e.proxy import Proxy
from tests.e2e.stage import Document, Stage, as_text, log_on, tell, wait_for_names
from tests.e2e.stage import code_fixture as code_fixture
from tests.e2e.stage import house_fixture as house_fixture
from tests.e2e.stage import shared_stage_fixture as shared_stage_fixture
from tests.interop.nodejs import JsClient

EVERYTHING = {"health": True, "abilities": True, "scoreboard": True}
NOTHING = {"health": False, "abilities": False, "scoreboard": False}

SLOWLY = {"reconnectionDelay": 400}
"""Options of a client that stays away long enough for it to be seen."""

PLAYER = "P"


class Scene:
    """A match with a player whose own client has sent everything, and an overlay that looks at it."""

    def __init__(self, stage: Stage, group_code: str, *, player_id: str = PLAYER, **options: Any) -> None:
        self._code = group_code
        observer = stage.observe(group_code)
        log_on(observer)
        tell(observer, group_code, "roster", messages.roster(PLAYER))
        tell(observer, group_code, "match_start", group_code)
        self.overlay = stage.follow(group_code)
        self.overlay.wait_for("match_data", lambda document: document["isRunning"])
        self.cable = stage.cable(stage.server.ingest_port)
        self.client = self.connect(stage, self.cable, player_id, **options)
        self.tell("aux_health", 70)
        self.tell("aux_abilities", {"grenade": 1, "ability_1": 2, "ability_2": 0})
        self.tell("aux_scoreboard", messages.scoreboard(PLAYER, money=4_200))
        self.complete = self.await_flags(EVERYTHING)

    def connect(self, stage: Stage, cable: Proxy, player_id: str, **options: Any) -> JsClient:
        client = stage.connect(cable.url, **{**SLOWLY, **options})
        client.emit("aux_logon", as_text(messages.auxiliary_logon(self._code, player_id)))
        assert client.wait_for("aux_logon_ack")["value"] is True
        return client

    def tell(self, kind: str, data: Any) -> None:
        self.client.emit("aux_data", as_text(messages.auxiliary_data(self._code, PLAYER, kind, data)))

    def await_flags(self, flags: Document, **values: Any) -> Document:
        """Return the document in which the player has these flags and values."""
        wanted = {"auxiliaryAvailable": flags, **values}
        document: Document = self.overlay.wait_for(
            "match_data", lambda shown: player_of(shown).items() >= wanted.items()
        )
        return document


def player_of(document: Document) -> Document:
    player: Document = document["teams"][0]["players"][0]
    return player


@pytest.mark.parametrize(
    ("transports", "player_id"),
    [(["polling", "websocket"], PLAYER), (["websocket"], ""), (["polling"], PLAYER)],
    ids=["default", "websocket, known by its scoreboard", "polling"],
)
def test_flags_go_off_and_come_back_without_new_data(
    stage: Stage, code: str, transports: list[str], player_id: str
) -> None:
    stage.start()
    scene = Scene(stage, code, player_id=player_id, transports=transports)

    scene.cable.cut()

    scene.await_flags(NOTHING)
    assert scene.await_flags(EVERYTHING) == scene.complete
    scene.tell("aux_health", 30)
    scene.await_flags(EVERYTHING, health=30)


def test_a_client_that_is_back_before_its_loss_is_noticed_never_seemed_away(stage: Stage, code: str) -> None:
    stage.start()
    scene = Scene(stage, code)

    scene.cable.abandon_server()

    wait_for_names(scene.client, 2, "connect")
    scene.tell("aux_health", 30)
    scene.await_flags(EVERYTHING, health=30)
    shown = [json.loads(text) for text in scene.overlay.texts("match_data")]
    assert NOTHING not in [
        player_of(document)["auxiliaryAvailable"] for document in shown[shown.index(scene.complete) :]
    ]


def test_flags_go_off_with_the_server_and_come_back_with_the_client(stage: Stage, code: str) -> None:
    stage.start()
    scene = Scene(stage, code)

    stage.kill()
    scene.cable.lets_in = False
    stage.restart()
    scene.await_flags(NOTHING)

    scene.cable.lets_in = True
    document = scene.await_flags(EVERYTHING)
    assert {**document, "isRunning": True} == scene.complete  # the observer may be back a little later
