"""What leaves of a match that was kept: a stream, a replay file, its last document, a table of its players.

Theory of operation
-------------------
All of these are functions of an opening and its entries, or of the match that these give, and yield text in pieces.

A *stream* is what the clients of the match did: logging on, sending, going away. Played against a server it gives
the same document again. The record knows what connections meant for the match and not the connections themselves, so
`_Stream` follows who would be logged on, and has a client do whatever the record says. What no client can do is told
in other words: a client that came back by itself logs on again and repeats what the server had remembered of it.

Nothing secret is in a record but for what a client may have put into a message where it does not belong; messages
leave without fields of `SECRETS`. What overlays were shown is no secret.

JSON is written in ASCII: whatever a name holds, it is one line, and harmless to the terminal that shows it.
"""

import csv
import io
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from valo_ingest.errors import InvalidMessage
from valo_ingest.game.catalog import agent_name, armor_name
from valo_ingest.game.reducer import apply
from valo_ingest.game.seats import Seat
from valo_ingest.game.state import Match, Player, Team, TeamSetup, new_match
from valo_ingest.wire.json import read_object
from valo_ingest.wire.names import AuxiliaryType, PacketType, SocketEvent
from valo_ingest.wire.overlay import document
from valo_ingest.wire.record import Entry, Kind, Opening, event_of

logger = logging.getLogger(__name__)

SECRETS: Final = ("key", "groupSecret", "secret")
"""Fields that leave no message, however deep they are: the access key, the group secret, that of the player cams."""

LAST_GROUP_SECRET: Final = "${secret}"
"""Stands in a stream for the group secret that the player of the stream was told last."""

OBSERVER: Final = "obs"
"""The client of a stream that is the active observer, whoever that is."""

DISCONNECT: Final = "disconnect"
"""The channel of a stream in which a client goes away."""


# --- JSON -----------------------------------------------------------------------------------------------------


def final_document(match: Match) -> Iterator[str]:
    """Yield the document that overlays were sent last."""
    yield _written(document(match)) + "\n"


def replay_file(opening: Opening, entries: Iterable[Entry]) -> Iterator[str]:
    """Yield a .replay file as the original server writes it.

    That is the logon, without its type and secrets, and then all messages with the instant of their receipt.
    """
    yield _written({**_setup(opening), "logStartTime": opening.at, "format": opening.format})
    for entry in entries:
        if entry.kind in (Kind.OBSERVER_MESSAGE, Kind.AUXILIARY_MESSAGE):
            try:
                yield ",\n" + _written({**_message(entry), "timestamp": entry.at})
            except (InvalidMessage, RecursionError):
                _tell_of_gap(opening, entry)


def _written(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _tell_of_gap(opening: Opening, entry: Entry) -> None:
    logger.warning(
        "group_code=%s an entry of %d (epoch ms) cannot be read and is left out",
        opening.setup.group_code,
        entry.at,
    )


def _message(entry: Entry) -> dict[str, Any]:
    """Return the message of an entry without secrets.

    Raises:
        InvalidMessage: It cannot be read.
    """
    message = read_object(entry.text)
    parts: list[Any] = [message]
    while parts:  # no recursion: a message of an unknown type may be as deep as its sender liked
        part = parts.pop()
        if isinstance(part, dict):
            for name in SECRETS:
                part.pop(name, None)
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)
    return message


def _setup(opening: Opening) -> dict[str, Any]:
    """Return what the logon of a match said, but for its type and secrets."""
    setup = opening.setup
    return {
        "clientVersion": opening.client_version,
        "obsName": opening.observer_name,
        "groupCode": setup.group_code,
        "leftTeam": _team_setup(setup.teams.left),
        "rightTeam": _team_setup(setup.teams.right),
        "toolsData": msgspec.to_builtins(setup.presentation.settings),
    }


def _team_setup(team: TeamSetup) -> dict[str, Any]:
    said = {"name": team.name, "tricode": team.tricode, "url": team.url, "attackStart": team.attack_start}
    return {name: value for name, value in said.items() if value is not None}


# --- streams --------------------------------------------------------------------------------------------------


def stream(opening: Opening, entries: Iterable[Entry]) -> Iterator[str]:
    """Yield a stream, one JSON object per line. The first one tells the format."""
    return _Stream(opening).lines(entries)


class _Auxiliary(Struct):
    """An auxiliary client of a stream; it belongs to the player whose first scoreboard it sends if to nobody yet."""

    client: str
    match_id: str
    player_id: str


class _Stream:
    """Writes lines, and follows the match and who would be logged on to it."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._match = new_match(opening.setup)
        self._is_observed = False
        self._auxiliaries: list[_Auxiliary] = []
        self._auxiliary_logons = 0

    def lines(self, entries: Iterable[Entry]) -> Iterator[str]:
        opening = self._opening
        yield self._log_on_observer(opening.observer_name, "", opening.at, format=opening.format)
        for entry in entries:
            try:
                event = event_of(entry)
                yield from LINES[entry.kind](self, entry)
            except (InvalidMessage, RecursionError):
                _tell_of_gap(opening, entry)
                continue
            self._match = apply(self._match, event, entry.at)

    def _line(self, channel: str, client: str, payload: Mapping[str, Any], at: int, **marks: object) -> str:
        at_ms = max(0, at - self._opening.at)
        line = {"channel": channel, "client": client, "payload": payload, "at_ms": at_ms, **marks}
        return _written(line) + "\n"

    # --- observers --------------------------------------------------------------------------------------------

    def _log_on_observer(self, name: str, secret: str, at: int, **marks: object) -> str:
        self._is_observed = True
        logon = {"type": PacketType.OBSERVER_LOGON, **_setup(self._opening), "obsName": name}
        logon |= {"key": "", "groupSecret": secret}
        return self._line(SocketEvent.OBSERVER_LOGON, OBSERVER, logon, at, **marks)

    def observer_on(self, entry: Entry) -> Iterator[str]:
        name = _told(entry, "name")
        yield self._log_on_observer(name, LAST_GROUP_SECRET, entry.at)

    def observer_message(self, entry: Entry) -> Iterator[str]:
        if not self._is_observed:
            yield self._log_on_observer(
                self._opening.observer_name, LAST_GROUP_SECRET, entry.at, synthetic=True
            )
        yield self._line(SocketEvent.OBSERVER_DATA, OBSERVER, _message(entry), entry.at)

    def observers_gone(self, entry: Entry) -> Iterator[str]:
        if self._is_observed:
            self._is_observed = False
            yield self._line(DISCONNECT, OBSERVER, {}, entry.at)

    def nothing(self, entry: Entry) -> Iterator[str]:
        """Of a stand-by nothing counts until it is the active observer, which is an entry of its own. So is what comes
        of something that an operator did."""
        return iter(())

    # --- auxiliary clients ------------------------------------------------------------------------------------

    def _log_on_auxiliary(self, player_id: str, name: str, at: int, **marks: object) -> str:
        self._auxiliary_logons += 1
        joined = _Auxiliary(f"aux:{self._auxiliary_logons}", self._match.match_id, player_id)
        self._auxiliaries.append(joined)
        logon = {
            "type": PacketType.AUXILIARY_LOGON,
            "clientVersion": self._opening.client_version,
            "name": name,
            "matchId": joined.match_id,
            "playerId": player_id,
        }
        return self._line(SocketEvent.AUXILIARY_LOGON, joined.client, logon, at, **marks)

    def auxiliary_on(self, entry: Entry) -> Iterator[str]:
        yield self._log_on_auxiliary(_told(entry, "playerId"), _told(entry, "name"), entry.at)

    def auxiliary_message(self, entry: Entry) -> Iterator[str]:
        message = _message(entry)
        player_id = message.get("playerId")
        if not isinstance(player_id, str):
            player_id = ""
        senders = self._logged_on()
        if not senders:  # it logged on when only another match had this match id
            yield self._log_on_auxiliary(player_id, "", entry.at, synthetic=True)
            senders = self._logged_on()
        sender = max(senders, key=lambda known: (known.player_id == player_id, known.player_id == ""))
        if not sender.player_id and message.get("type") == AuxiliaryType.SCOREBOARD:
            sender.player_id = player_id
        yield self._line(SocketEvent.AUXILIARY_DATA, sender.client, message, entry.at)

    def _logged_on(self) -> list[_Auxiliary]:
        return [known for known in self._auxiliaries if known.match_id == self._match.match_id]

    def _logged_on_for(self, player_id: str) -> list[_Auxiliary]:
        return [known for known in self._logged_on() if known.player_id == player_id]

    def auxiliary_gone(self, entry: Entry) -> Iterator[str]:
        player_id = _told(entry, "playerId")
        if not self._logged_on_for(player_id):
            yield self._log_on_auxiliary(player_id, _told(entry, "name"), entry.at, synthetic=True)
        for gone in self._logged_on_for(player_id):
            self._auxiliaries.remove(gone)
            yield self._line(DISCONNECT, gone.client, {}, entry.at)

    def auxiliary_back(self, entry: Entry) -> Iterator[str]:
        player_id = _told(entry, "playerId")
        if not self._logged_on_for(player_id):
            yield self._log_on_auxiliary(player_id, _told(entry, "name"), entry.at, synthetic=True)
        back = self._logged_on_for(player_id)[0]
        for message in _remembered(self._match, player_id):
            yield self._line(SocketEvent.AUXILIARY_DATA, back.client, message, entry.at, synthetic=True)


LINES: Final[Mapping[Kind, Callable[[_Stream, Entry], Iterator[str]]]] = {
    Kind.OBSERVER_MESSAGE: _Stream.observer_message,
    Kind.AUXILIARY_MESSAGE: _Stream.auxiliary_message,
    Kind.OBSERVER_ON: _Stream.observer_on,
    Kind.OBSERVERS_GONE: _Stream.observers_gone,
    Kind.AUXILIARY_ON: _Stream.auxiliary_on,
    Kind.AUXILIARY_GONE: _Stream.auxiliary_gone,
    Kind.AUXILIARY_BACK: _Stream.auxiliary_back,
    Kind.ABANDONED: _Stream.observers_gone,
    Kind.STANDBY_ON: _Stream.nothing,
    Kind.STANDBY_GONE: _Stream.nothing,
    Kind.HANDED_OVER: _Stream.nothing,
    Kind.DISCONNECTED: _Stream.nothing,
    Kind.ENDED_BY_OPERATOR: _Stream.observers_gone,
}
"""What each kind of entry is in a stream."""


def _told(entry: Entry, name: str) -> str:
    return str(read_object(entry.text).get(name, ""))


def _remembered(match: Match, player_id: str) -> Iterator[dict[str, Any]]:
    """Yield messages that say again what the lost client of a player had said, and change nothing else."""
    envelope = {"playerId": player_id, "matchId": match.match_id}
    for team in match.teams:
        for player in team.players:
            if player.player_id != player_id:
                continue
            lost = player.lost_auxiliary
            if lost.has_health:
                yield {**envelope, "type": AuxiliaryType.HEALTH, "data": player.health}
            if lost.has_abilities:
                yield {**envelope, "type": AuxiliaryType.ABILITIES, "data": _charges(player)}
            if lost.has_scoreboard:
                yield {**envelope, "type": AuxiliaryType.SCOREBOARD, "data": _board(team, player)}


def _charges(player: Player) -> dict[str, Any]:
    left = player.abilities
    return {"grenade": left.grenade, "ability_1": left.ability_1, "ability_2": left.ability_2}


def _board(team: Team, player: Player) -> dict[str, Any]:
    """Return the scoreboard that leaves `player` as he is."""
    return {
        "name": player.roster_name,
        "tagline": player.tagline,
        "playerId": player.player_id,
        "startTeam": team.number,
        "agentInternal": player.agent_internal,
        "isAlive": player.is_alive,
        "initialArmor": player.armor,
        "scoreboardWeaponInternal": player.weapon,
        "currUltPoints": player.ult_points,
        "maxUltPoints": player.max_ult_points,
        "hasSpike": player.has_spike,
        "money": player.money,
        "kills": player.kills,
        "deaths": player.deaths,
        "assists": player.assists,
    }


# --- a table --------------------------------------------------------------------------------------------------

COLUMNS: Final[Mapping[str, Callable[[Team, Player], object]]] = {
    "team": lambda team, player: team.setup.name or "",
    "name": lambda team, player: player.name,
    "tagline": lambda team, player: player.tagline,
    "player_id": lambda team, player: player.player_id,
    "agent": lambda team, player: agent_name(player.agent_internal),
    "kills": lambda team, player: player.kills,
    "deaths": lambda team, player: player.deaths,
    "assists": lambda team, player: player.assists,
    "kd_ratio": lambda team, player: round(player.kills / player.deaths, 2) if player.deaths else "",
    "headshots": lambda team, player: player.headshots,
    "team_kills": lambda team, player: player.teamkills,
    "credits": lambda team, player: player.money,
    "spent_this_round": lambda team, player: player.money_spent,
    "weapon": lambda team, player: player.weapon,
    "armor": lambda team, player: armor_name(player.armor),
    "ult_points": lambda team, player: player.ult_points,
}
"""Columns of the table of players, from left to right."""

FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that starts with one of these, some programs take for a formula; the last four are the wide forms."""


def players_table(match: Match) -> Iterator[str]:
    """Yield the players of both teams as CSV, the left team first."""
    yield _csv_line(("seat", *COLUMNS))
    for seat in Seat:
        team = match.teams[seat]
        for player in team.players:
            yield _csv_line((seat.value, *(_cell(value(team, player)) for value in COLUMNS.values())))


def _cell(value: object) -> object:
    """Return `value` for a cell: text without control characters, and never a formula."""
    if not isinstance(value, str):
        return value
    text = "".join(letter if letter.isprintable() else " " for letter in value).lstrip()
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def _csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
