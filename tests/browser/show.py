"""A match that is played so that there is something to look at."""

from typing import Any, Final

from tests.e2e import messages
from tests.e2e.running import RunningServer
from tests.e2e.sockets import WebSocketClient
from tests.e2e.stage import as_text

NAMES: Final = ("Ember", "Quartz", "Nova", "Rook", "Tide", "Cinder", "Atlas", "Vesper", "Onyx", "Lark")
AGENTS: Final = (
    "Wushu",
    "Clay",
    "Hunter",
    "Thorne",
    "Wraith",
    "Vampire",
    "Gumshoe",
    "Smonk",
    "Killjoy",
    "Rift",
)

CLIENTS: Final = 8
"""Players who have a client of their own."""


class Show:
    """A match with its observer, its players' clients and an overlay."""

    def __init__(self, server: RunningServer, code: str) -> None:
        self.server = server
        self.code = code
        self.match_id = f"id of {code}"
        self.observer = self.log_observer_on("Caster")
        for number, name in enumerate(NAMES):
            team = number // 5
            self.tell(
                "roster",
                messages.roster(f"p{number}", team=team, name=name, agentInternal=AGENTS[number]),
            )
        self.tell("map", "Ascent")
        self.tell("match_start", self.match_id)
        self.phase(1, "shopping")
        self.overlay = WebSocketClient(server.output_port)
        self.overlay.emit("logon", as_text({"groupCode": code}))
        self.overlay.wait_for("match_data", lambda document: document["isRunning"])
        self.clients = [self._log_client_on(number) for number in range(CLIENTS)]

    def log_observer_on(self, name: str, **changes: Any) -> WebSocketClient:
        """Log an observer on; return its connection."""
        client = WebSocketClient(self.server.ingest_port)
        logon = messages.observer_logon(self.code, obsName=name, **changes)
        client.emit("obs_logon", as_text(logon))
        answer = client.wait_for("obs_logon_ack")
        assert answer["value"], answer
        self.secret = answer["reason"]
        return client

    def _log_client_on(self, number: int) -> WebSocketClient:
        client = WebSocketClient(self.server.ingest_port)
        logon = messages.auxiliary_logon(self.match_id, f"p{number}", name=NAMES[number])
        client.emit("aux_logon", as_text(logon))
        assert client.wait_for("aux_logon_ack")["value"]
        for kind, data in (
            ("aux_health", 100),
            ("aux_abilities", {"grenade": 1, "ability_1": 2, "ability_2": 0}),
        ):
            message = messages.auxiliary_data(self.match_id, f"p{number}", kind, data)
            client.emit("aux_data", as_text(message))
        return client

    def tell(self, kind: str, data: Any = True) -> None:
        self.observer.emit(
            "obs_data", as_text(messages.observer_data(self.code, kind, data, obsName="Caster"))
        )

    def phase(self, number: int, name: str) -> None:
        self.tell("round_info", {"roundNumber": number, "roundPhase": name})

    def board(self, number: int, **changes: Any) -> None:
        """Have the observer tell the scoreboard of a player."""
        values = {"agentInternal": AGENTS[number], "name": NAMES[number], **changes}
        self.tell("scoreboard", messages.scoreboard(f"p{number}", team=number // 5, **values))

    def play_round(self, number: int, score: tuple[int, int], *, spent: int = 2_000, end: str = "") -> None:
        """Play a round: everybody buys, and one team wins.

        Args:
            end: What happens to the spike, if anything does.
        """
        self.phase(number, "shopping")
        for player in range(10):
            purchase = spent + 150 * (player % 3) if player < 5 else spent // 2
            self.board(player, money=4_000)
            self.board(
                player, money=4_000 - purchase, kills=number, scoreboardWeaponInternal="TX_Hud_Volcano"
            )
        self.phase(number, "combat")
        if end:
            self.tell("spike_planted")
            self.tell(end)
        self.phase(number, "end")
        self.tell("score", {"team_0": score[0], "team_1": score[1]})

    def close(self) -> None:
        for client in (self.observer, self.overlay, *self.clients):
            client.close()
