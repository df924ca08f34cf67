"""The ten players, as the game knows them, and the two teams."""

import uuid
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from valo_ingest.game.rules import FULL_HEALTH, MAX_PLAYERS_PER_TEAM
from valo_ingest.rehearsal.simulation.shop import Weapon

LOADING_ARMOR: Final = 3
"""Sent while a round loads."""

NO_ARMOR: Final = 0

ULT_PRICES: Final = {
    "Pandemic": 9, "Breach": 9, "Killjoy": 9, "Grenadier": 8, "Hunter": 8, "Thorne": 8, "Wushu": 8, "Clay": 8,
    "Wraith": 7, "Stealth": 7, "Sequoia": 7, "Sprinter": 7, "Gumshoe": 6, "Vampire": 6,
}  # fmt: skip
"""Points of an agent's ultimate, as in recordings A and B."""

USUAL_ULT_PRICE: Final = 8
"""That of an agent who was in neither; ours costs at most one more or less than the game's."""

TEAMS: Final = (
    ("Amber Foxes", "AFX"), ("Basalt", "BSL"), ("Cobalt Union", "CBU"), ("Dawn Patrol", "DWN"), ("Echo Nine", "ECN"),
    ("Fjord Gaming", "FJD"), ("Granite", "GRN"), ("Harbour Lights", "HBL"), ("Iron Kites", "IRK"), ("Juniper", "JNP"),
)  # fmt: skip
"""Made-up teams with their tricodes."""

NAMES: Final = (
    "aster", "Brisk", "cinder", "Dune", "eddy", "Flick", "gale", "Hush", "indigo", "Jolt", "kelp", "Lumen", "mint",
    "Nook", "onyx", "Pebble", "quill", "Rook", "sable", "Tarn", "umbra", "Vesper", "wisp", "Xylo", "yarrow", "Zephyr",
)  # fmt: skip
"""Made-up names of players."""

DUELISTS: Final = ("Wushu", "Clay", "Vampire", "Sprinter", "Phoenix", "Stealth", "Sequoia", "Terra")
INITIATORS: Final = ("Hunter", "Breach", "Guide", "Grenadier", "BountyHunter", "Aggrobot", "Cashew")
CONTROLLERS: Final = ("Wraith", "Pandemic", "Rift", "Sarge", "Mage", "Smonk")
SENTINELS: Final = ("Killjoy", "Gumshoe", "Thorne", "Deadeye", "Cable", "Nox", "Pine")
LINE_UP: Final = (DUELISTS, INITIATORS, CONTROLLERS, SENTINELS, DUELISTS + INITIATORS)
"""What the five of a team play: agents by their internal names."""

ASTRA: Final = "Rift"
CYPHER: Final = "Gumshoe"


@dataclass(slots=True, eq=False)
class Fighter:
    """One player, as the game knows him."""

    index: int
    """0 to 9; the first five are of team 0, which starts on attack."""
    player_id: str
    name: str
    tagline: str
    agent: str
    is_alive: bool = False
    health: int = FULL_HEALTH
    armor: int = LOADING_ARMOR
    primary: Weapon | None = None
    sidearm: Weapon | None = None
    money: int = 0
    """Credits."""
    ult: int = 0
    max_ult: int = 0
    has_spike: bool = False
    kills: int = 0
    deaths: int = 0
    assists: int = 0
    kills_this_round: int = 0
    is_owed_for_plant: bool = False
    """He was dead when the spike was planted, and is paid with the next round."""
    charges: list[int] = field(default_factory=lambda: [0, 0, 0])
    """What he has of his three abilities."""

    @property
    def team(self) -> int:
        return self.index // MAX_PLAYERS_PER_TEAM

    @property
    def weapon(self) -> Weapon | None:
        """The best that he carries."""
        return self.primary or self.sidearm

    @property
    def search_name(self) -> str:
        """How the game says that he is watched."""
        return f"{self.name} #{self.tagline}"

    def roster_entry(self, agent: str, *, is_locked: bool) -> dict[str, Any]:
        return {
            "name": self.name,
            "tagline": self.tagline,
            "startTeam": self.team,
            "agentInternal": agent,
            "playerId": self.player_id,
            "position": self.index % MAX_PLAYERS_PER_TEAM,
            "locked": is_locked,
            "rank": 0,
        }

    def board(self) -> dict[str, Any]:
        """Return his line of the scoreboard."""
        return {"name": self.name, "tagline": self.tagline, "startTeam": self.team, **self.team_board()}

    def team_board(self) -> dict[str, Any]:
        """Return the same as auxiliary clients tell it of team-mates."""
        return {
            "playerId": self.player_id,
            "agentInternal": self.agent,
            "isAlive": self.is_alive,
            "initialArmor": self.armor,
            "scoreboardWeaponInternal": self.weapon.board_icon if self.weapon else "",
            "currUltPoints": self.ult,
            "maxUltPoints": self.max_ult,
            "hasSpike": self.has_spike,
            "money": self.money,
            "kills": self.kills,
            "deaths": self.deaths,
            "assists": self.assists,
        }


def draw_teams(rng: Random) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return name and tricode of the two teams."""
    first, second = rng.sample(TEAMS, 2)
    return first, second


def draw_fighters(rng: Random) -> list[Fighter]:
    """Return ten players, the five of a team with five different agents."""
    names = rng.sample(NAMES, 2 * MAX_PLAYERS_PER_TEAM)
    agents = [agent for _ in range(2) for agent in _draw_agents(rng)]
    return [
        Fighter(index, drawn_id(rng), name, f"SIM{index}", agent)
        for index, (name, agent) in enumerate(zip(names, agents, strict=True))
    ]


def _draw_agents(rng: Random) -> list[str]:
    agents: list[str] = []
    for role in LINE_UP:
        agents.append(rng.choice([agent for agent in role if agent not in agents]))
    return agents


def drawn_id(rng: Random) -> str:
    """Return an id as the game has them."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
