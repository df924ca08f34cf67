"""Matches as a journal keeps them: openings, entries, and a journal that holds them.

The match of `ENTRIES` has two players a side: "l1" and "l2" started on attack, "r1" and "r2" on defence.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from valo_ingest.game.reducer import apply
from valo_ingest.game.state import Match, new_match
from valo_ingest.storage.journal import SqliteJournal
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.logons import decode_observer_logon
from valo_ingest.wire.record import Entry, Kind, Opening, event_of

START: Final = 1_767_225_600_000
"""When matches begin: 2026-01-01T00:00:00Z."""

MATCH_ID: Final = "id-of-the-match"

ACCESS_KEY: Final = "ACCESSKEYACCESSKEY"
GROUP_SECRET: Final = "GROUPSECRET1"
CAM_SECRET: Final = "CAMSECRETCAMSECRET"
SECRETS: Final = (ACCESS_KEY, GROUP_SECRET, CAM_SECRET)
"""None of these may ever leave."""

TOOLS: Final[dict[str, Any]] = {
    "timeoutDuration": 30,
    "playercamsInfo": {"enable": True, "removeTricodes": True, "identifier": "X", "secret": CAM_SECRET},
    "crew": {"of": ["our", "own"]},
}


def make_opening(group_code: str = "FINALS", **changes: Any) -> Opening:
    """Return how a match began, from a logon with secrets."""
    logon = {
        "type": "authenticate",
        "clientVersion": "0.3.20",
        "obsName": "Caster",
        "key": ACCESS_KEY,
        "groupCode": group_code,
        "groupSecret": GROUP_SECRET,
        "leftTeam": {
            "name": "Alder",
            "tricode": "ALD",
            "url": "https://example.org/a.png",
            "attackStart": True,
        },
        "rightTeam": {
            "name": "Birch",
            "tricode": "BIR",
            "url": "https://example.org/b.png",
            "attackStart": False,
        },
        "toolsData": TOOLS,
        **changes,
    }
    setup = decode_observer_logon(logon, VersionRange(">=0.0.0")).setup
    return Opening(setup=setup, at=START, observer_name="Caster", client_version="0.3.20")


def observed(at: int, type_: str, data: object = True, **more: object) -> Entry:
    """Return a message of the observer, `at` ms after the start of the match."""
    message = {"obsName": "Caster", "groupCode": "FINALS", "type": type_, "data": data, **more}
    return Entry(START + at, Kind.OBSERVER_MESSAGE, json.dumps(message))


def told(at: int, player_id: str, type_: str, data: object, **more: object) -> Entry:
    """Return a message of an auxiliary client."""
    message = {"playerId": player_id, "matchId": MATCH_ID, "type": type_, "data": data, **more}
    return Entry(START + at, Kind.AUXILIARY_MESSAGE, json.dumps(message))


def happened(at: int, kind: Kind, **values: str) -> Entry:
    """Return what connections meant for the match."""
    return Entry(START + at, kind, json.dumps(values))


def enrolled(at: int, player_id: str, **changes: Any) -> Entry:
    data = {
        "playerId": player_id,
        "name": f"ALD {player_id}",
        "tagline": "EUW",
        "startTeam": 0 if player_id.startswith("l") else 1,
        "agentInternal": "Wushu",
        "position": 0,
        "locked": True,
        "rank": 0,
    }
    return observed(at, "roster", {**data, **changes})


def board(player_id: str, **changes: Any) -> dict[str, Any]:
    """Return the data of a scoreboard."""
    return {
        "playerId": player_id,
        "startTeam": 0 if player_id.startswith("l") else 1,
        "agentInternal": "Wushu",
        "isAlive": True,
        "initialArmor": 2,
        "scoreboardWeaponInternal": "TX_Hud_Volcano",
        "currUltPoints": 3,
        "maxUltPoints": 7,
        "hasSpike": False,
        "money": 900,
        "kills": 0,
        "deaths": 0,
        "assists": 0,
        **changes,
    }


def kill(at: int, attacker: str, victim: str) -> Entry:
    data = {
        "attacker": f"ALD {attacker}",
        "victim": f"ALD {victim}",
        "weaponKillfeedInternal": "TX_Hud_Volcano",
        "headshotKill": True,
        "assists": [],
        "isTeamkill": False,
    }
    return observed(at, "killfeed", data)


def phase(at: int, number: int, name: str) -> Entry:
    return observed(at, "round_info", {"roundNumber": number, "roundPhase": name})


def score(at: int, team_0: int, team_1: int) -> Entry:
    return observed(at, "score", {"team_0": team_0, "team_1": team_1})


BEGINNING: Final = (
    observed(0, "map", "Ascent"),
    observed(0, "game_mode", "bomb"),
    *(enrolled(10, player_id) for player_id in ("l1", "l2", "r1", "r2")),
    observed(20, "match_start", MATCH_ID),
    phase(1_000, 1, "shopping"),
)

ENTRIES: Final = (
    *BEGINNING,
    happened(1_100, Kind.AUXILIARY_ON, name="L One", playerId="l1"),
    happened(1_200, Kind.AUXILIARY_ON, name="R One", playerId=""),
    told(1_300, "l1", "aux_abilities", {"grenade": 1, "ability_1": 2, "ability_2": 0}),
    told(1_400, "r1", "aux_scoreboard", board("r1", kills=1)),
    observed(2_000, "left_timeout"),
    phase(40_000, 1, "combat"),
    kill(41_000, "l1", "r2"),
    observed(42_000, "spike_planted"),
    told(43_000, "l1", "aux_health", 70),
    happened(44_000, Kind.AUXILIARY_GONE, name="L One", playerId="l1"),
    happened(44_000, Kind.AUXILIARY_GONE, name="R One", playerId="r1"),
    happened(45_000, Kind.AUXILIARY_BACK, name="L One", playerId="l1"),
    happened(46_000, Kind.OBSERVERS_GONE, name="Caster"),
    happened(50_000, Kind.OBSERVER_ON, name="Caster", how="recovered"),
    happened(51_000, Kind.STANDBY_ON, name="Second"),
    observed(60_000, "spike_detonated"),
    phase(61_000, 1, "end"),
    score(62_000, 1, 0),
    phase(70_000, 2, "shopping"),
    observed(71_000, "scoreboard", board("r1", kills=4, deaths=2, hasSpike=True)),
    observed(72_000, "toast", {"title": "Break", "message": "Five minutes", "duration": 2_000}),
    happened(73_000, Kind.OBSERVERS_GONE, name="Caster"),
    happened(76_000, Kind.OBSERVER_ON, name="Second", how="stand-by"),
    phase(80_000, 2, "combat"),
    kill(81_000, "r2", "l2"),
    phase(90_000, 2, "end"),
    score(90_100, 1, 1),
)
"""Two rounds, with clients that go and come back."""

GAME_END: Final = phase(95_000, 2, "game_end")


def match_after(opening: Opening, entries: Iterable[Entry]) -> Match:
    match = new_match(opening.setup)
    for entry in entries:
        match = apply(match, event_of(entry), entry.at)
    return match


class KeptMatches:
    """A journal of its own, with a match in it for each call of `keep`."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.journal = SqliteJournal(data_dir, durability="process", now_ms=lambda: START)
        self.journal.open(ended_since=0)
        self._matches: dict[int, Match] = {}

    def begin(self, opening: Opening) -> int:
        match = new_match(opening.setup)
        number = self.journal.open_match(
            opening, match, key_hash="hash of the key", secret_hash="hash of the secret"
        )
        self._matches[number] = match
        self.journal.commit()
        return number

    def append(self, number: int, *entries: Entry) -> None:
        for entry in entries:
            self._matches[number] = apply(self._matches[number], event_of(entry), entry.at)
            self.journal.append(number, entry, self._matches[number])
        self.journal.commit()

    def end(self, number: int, at: int) -> None:
        self.journal.end_match(number, START + at)
        self.journal.commit()

    def keep(
        self,
        opening: Opening | None = None,
        entries: Iterable[Entry] = (*ENTRIES, GAME_END),
        *,
        ended_at: int | None = 100_000,
    ) -> int:
        """Keep a match, and return its number. It is live if `ended_at` (ms after its start) is None."""
        number = self.begin(opening or make_opening())
        self.append(number, *entries)
        if ended_at is not None:
            self.end(number, ended_at)
        return number
