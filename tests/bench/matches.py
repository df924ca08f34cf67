"""Made-up matches: what their clients say, in the proportions of recorded ones.

A recorded match of 40 minutes has 2,765 events, 145 a round: 91 % are scoreboards, 5 % kills, 3 % rounds. The same
index gives the same match, to the byte, at every run.

One player of each match is *marked*: the stream leaves the money of that player alone, so that an event can be
recognised in the documents by an amount that occurs nowhere else.
"""

import random
import re
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from tests.bench.frames import text_of
from tests.e2e.messages import auxiliary_logon, observer_logon

Message = dict[str, Any]

ROUNDS: Final = 24
PLAYERS: Final = 10
TEAM: Final = 5
MARKED_PLAYER: Final = PLAYERS - 1

FIRST_MARK: Final = 700_000_001
MARK: Final = re.compile(rb":(7\d{8})(?!\d)")
"""A mark in a document. Nothing else in one has nine digits and begins with a seven."""

AGENTS: Final = (
    "Wushu",
    "Hunter",
    "Smonk",
    "Gumshoe",
    "Sarge",
    "Vampire",
    "Killjoy",
    "Rift",
    "Pandemic",
    "Thorne",
)
WEAPONS: Final = (
    "TX_Hud_Volcano",
    "TX_Hud_Assault_AR10A2_S",
    "TX_Hud_Operator",
    "TX_Hud_SMG_MP5_S",
    "TX_Hud_Pistol_Revolver_S",
    "TX_Hud_Pistol_Luger_S",
    "TX_Hud_Pistol_Glock_S",
)
MAPS: Final = ("Ascent", "Triad", "Port", "Bonsai", "Juliett", "Pitt", "Jam", "Foxtrot")
PRICES: Final = (150, 200, 300, 400, 800, 1_000, 1_600, 2_900)
MAX_CREDITS: Final = 9_000

TEAM_BOARD_SIZES: Final = (0.36, 0.36, 0.18, 0.10)
"""How often a team board has one to four players. As in a recorded match, one in 24 messages of an auxiliary client is
then long enough to be compressed."""

NOT_IN_TEAM_BOARDS: Final = ("name", "tagline", "startTeam")


class Match:
    """One match: a few facts that change, and the messages in which its clients tell of them."""

    def __init__(self, index: int) -> None:
        self._random = random.Random(index)
        self.group_code = f"BENCH{index:03}"
        self.match_id = self._new_id()
        self.headshots = 0
        """How many the stream has told of so far."""
        self._observer_name = f"Observer {index}#BENCH"
        self._map = MAPS[index % len(MAPS)]
        self.players = [self._new_player(number) for number in range(PLAYERS)]
        self._told = [number for number in range(PLAYERS) if number != MARKED_PLAYER]

    def _new_id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128)))

    def _new_player(self, number: int) -> Message:
        return {
            "name": f"BNC Player{number}",
            "tagline": f"EU{number}",
            "playerId": self._new_id(),
            "startTeam": number // TEAM,
            "agentInternal": AGENTS[number],
            "isAlive": True,
            "initialArmor": 0,
            "scoreboardWeaponInternal": WEAPONS[-1],
            "currUltPoints": 0,
            "maxUltPoints": 7,
            "hasSpike": False,
            "money": 800,
            "kills": 0,
            "deaths": 0,
            "assists": 0,
        }

    # --- before it begins

    def observer_logon(self) -> Message:
        return observer_logon(self.group_code, obsName=self._observer_name, toolsData=_presentation())

    def auxiliary_logon(self, number: int) -> Message:
        player = self.players[number]
        name = f"{player['name']}#{player['tagline']}"
        return auxiliary_logon(self.match_id, player["playerId"], name=name)

    def opening(self) -> Iterator[Message]:
        """Yield what an observer tells before the first round."""
        yield self._observe("map", self._map)
        yield self._observe("game_mode", "bomb")
        for position, player in enumerate(self.players):
            known = {name: player[name] for name in ("name", "tagline", "startTeam", "agentInternal")}
            place = {"playerId": player["playerId"], "position": position, "locked": True, "rank": 21}
            yield self._observe("roster", known | place)
        yield self._observe("match_start", self.match_id)
        for number in range(PLAYERS):
            yield self._board(number)

    # --- while it runs

    def observer_messages(self, *, games: int | None = 1) -> Iterator[Message]:
        """Yield what an observer tells of so many games.

        Args:
            games: All but the first have a match id of their own, which auxiliary clients do not know; None is no end.
        """
        yield from self._game()
        while games is None or games > 1:
            games = None if games is None else games - 1
            yield self._observe("match_start", self._new_id())
            yield from self._game()

    def _game(self) -> Iterator[Message]:
        score = [0, 0]
        for number in range(1, ROUNDS + 1):
            yield from self._buy(number)
            yield from self._fight(number)
            score[self._random.randrange(2)] += 1
            yield self._observe("score", {"team_0": score[0], "team_1": score[1]})
            yield self._phase(number, "end")
            for _ in range(10):
                yield self._board(self._random.choice(self._told), assists=self._random.randrange(20))

    def _buy(self, number: int) -> Iterator[Message]:
        yield self._phase(number, "shopping")
        for each in self._told:
            income = self._random.choice((1_900, 2_400, 3_000))
            yield self._board(
                each, isAlive=True, money=min(MAX_CREDITS, self.players[each]["money"] + income)
            )
        for _ in range(38):
            each = self._random.choice(self._told)
            left = max(0, self.players[each]["money"] - self._random.choice(PRICES))
            weapon = self._random.choice(WEAPONS)
            armor = self._random.randrange(3)
            yield self._board(each, money=left, initialArmor=armor, scoreboardWeaponInternal=weapon)

    def _fight(self, number: int) -> Iterator[Message]:
        yield self._phase(number, "combat")
        is_planted = self._random.random() < 0.6
        kills = self._random.randint(5, 8)
        for count in range(kills):
            watched = self.players[self._random.choice(self._told)]
            yield self._observe("observing", f"{watched['name']} #{watched['tagline']}")
            for _ in range(8):
                each = self._random.choice(self._told)
                points = (self.players[each]["currUltPoints"] + 1) % 8
                yield self._board(each, currUltPoints=points, hasSpike=self._random.random() < 0.1)
            yield from self._kill()
            if is_planted and count == kills // 2:
                yield self._observe("spike_planted", True)
        if is_planted:
            yield self._observe(self._random.choice(("spike_defused", "spike_detonated")), True)

    def _kill(self) -> Iterator[Message]:
        killer, victim = self._random.sample(self._told, 2)
        is_headshot = self._random.random() < 0.4
        self.headshots += is_headshot
        kill = {
            "attacker": self.players[killer]["name"],
            "victim": self.players[victim]["name"],
            "weaponKillfeedInternal": self._random.choice(WEAPONS),
            "headshotKill": is_headshot,
            "assists": ["TX_Killfeed_Sova"] if self._random.random() < 0.3 else [],
            "isTeamkill": killer // TEAM == victim // TEAM,
        }
        yield self._observe("killfeed", kill)
        yield self._board(killer, kills=self.players[killer]["kills"] + 1)
        yield self._board(victim, isAlive=False, deaths=self.players[victim]["deaths"] + 1)

    def auxiliary_messages(self, number: int) -> Iterator[Message]:
        """Yield without end what the auxiliary client of a player tells."""
        own = dict(self.players[number])
        mates = [each for each in self._told if each // TEAM == number // TEAM and each != number]
        while True:
            dice = self._random.random()
            if dice < 0.3:
                yield self._assist(number, "aux_health", self._random.randint(1, 150))
            elif dice < 0.5 or (dice < 0.85 and number == MARKED_PLAYER):
                yield self._assist(number, "aux_abilities", _charges(self._random.randrange(3)))
            elif dice < 0.85:
                own["money"] = self._random.randrange(0, MAX_CREDITS, 50)
                own["currUltPoints"] = self._random.randrange(8)
                yield self._assist(number, "aux_scoreboard", dict(own))
            else:
                (size,) = self._random.choices((1, 2, 3, 4), TEAM_BOARD_SIZES)
                some = self._random.sample(mates, min(size, len(mates)))
                boards = [
                    {
                        name: value
                        for name, value in self.players[each].items()
                        if name not in NOT_IN_TEAM_BOARDS
                    }
                    for each in some
                ]
                yield self._assist(number, "aux_scoreboard_team", text_of(boards))

    # --- events that can be recognised

    def marked_board(self, mark: int) -> Message:
        """Return an observer's message after which the document shows `mark`, until there is another."""
        return self._board(MARKED_PLAYER, money=mark)

    def marked_charges(self, number: int, mark: int) -> Message:
        """The same of an auxiliary client."""
        return self._assist(number, "aux_abilities", _charges(mark))

    def ending(self) -> Message:
        return self._phase(ROUNDS, "game_end")

    # --- envelopes

    def _observe(self, kind: str, data: object) -> Message:
        return {"obsName": self._observer_name, "groupCode": self.group_code, "type": kind, "data": data}

    def _assist(self, number: int, kind: str, data: object) -> Message:
        player_id = self.players[number]["playerId"]
        return {"playerId": player_id, "matchId": self.match_id, "type": kind, "data": data}

    def _board(self, number: int, **changes: object) -> Message:
        self.players[number].update(changes)
        return self._observe("scoreboard", dict(self.players[number]))

    def _phase(self, number: int, phase: str) -> Message:
        return self._observe("round_info", {"roundNumber": number, "roundPhase": phase})


def _charges(grenade: int) -> Message:
    return {"grenade": grenade, "ability_1": 1, "ability_2": 2}


def _presentation() -> Message:
    """Return the `toolsData` of a logon, as the observer client sends it."""
    logo = "https://example.org/team-logo.webp"
    score = {"logo": logo, "score": 13}
    maps = [
        {"type": "past", "map": "Ascent", "left": score, "right": score},
        {"type": "present", "logo": logo},
        {"type": "future", "map": "Bind", "logo": logo},
    ]
    return {
        "seriesInfo": {"needed": 2, "wonLeft": 1, "wonRight": 0, "mapInfo": maps},
        "seedingInfo": {"left": "Group A #1", "right": "Group B #2"},
        "tournamentInfo": {"name": "Benchmark Cup", "logoUrl": logo, "backdropUrl": logo},
        "timeoutDuration": 60,
        "timeoutCounter": {"max": 2, "left": 2, "right": 2},
        "sponsorInfo": {"enabled": True, "duration": 5_000, "sponsors": [logo, logo]},
        "watermarkInfo": {"spectraWatermark": True, "customTextEnabled": False, "customText": ""},
        "playercamsInfo": {"enable": False, "removeTricodes": False, "identifier": "", "secret": ""},
        "roundWinBox": {"type": "disabled", "sponsors": []},
    }
