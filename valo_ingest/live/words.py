"""Entries of a record in words: what a client told, and who came and went.

Only what a message means is told, never its text: a client may have put anything into that.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from valo_ingest.errors import InvalidMessage
from valo_ingest.game import events as happened
from valo_ingest.game.catalog import agent_name, map_name, weapon_name
from valo_ingest.game.events import Event
from valo_ingest.game.state import Match
from valo_ingest.live.facts import ConnectionFacts, EventFacts
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message
from valo_ingest.wire.json import read_object
from valo_ingest.wire.record import Entry, Kind

Names = Mapping[str, str]
"""The names of players by their ids."""

MAX_WORDS: Final = 160
"""Characters of what is told of one event."""

MAX_BOARDS: Final = 5
"""Players of a team board that are named."""

UNREAD: Final = "too large to be shown here"


def _board(board: happened.Board, names: Names) -> str:
    who = names.get(board.player_id, board.player_id)
    life = "" if board.is_alive else ", dead"
    return (
        f"{who}: {board.kills}/{board.deaths}/{board.assists}, {board.money:,} credits, "
        f"{weapon_name(board.weapon_internal) or 'no weapon'}{life}"
    )


def _players(event: happened.AuxiliaryTeamBoardReported, names: Names) -> str:
    return ", ".join(names.get(board.player_id, board.player_id) for board in event.boards[:MAX_BOARDS])


def _charges(event: happened.AbilitiesReported, names: Names) -> str:
    who = names.get(event.player_id, event.player_id)
    return f"{who}: {event.grenade}, {event.ability_1}, {event.ability_2} charges"


def _kill(event: happened.KillReported, names: Names) -> str:
    how = f"{weapon_name(event.weapon_internal)}{', headshot' if event.headshot else ''}"
    return f"{event.attacker} killed {event.victim} ({how}{', own team' if event.teamkill else ''})"


def _of_player(words: str) -> Callable[[Any, Names], str]:
    return lambda event, names: f"{names.get(event.player_id, event.player_id)}: {words}"


def _nothing(event: Any, names: Names) -> str:
    return ""


WORDS: Final[Mapping[type[Event], Callable[[Any, Names], str]]] = {
    happened.MapChosen: lambda event, names: map_name(event.internal_name),
    happened.GameModeChosen: lambda event, names: str(event.mode),
    happened.MatchStarted: lambda event, names: f"match id {event.match_id}",
    happened.RosterReported: lambda event, names: f"{event.name}, {agent_name(event.agent_internal)}",
    happened.ScoreboardReported: lambda event, names: _board(event.board, names),
    happened.AuxiliaryScoreboardReported: lambda event, names: _board(event.board, names),
    happened.AuxiliaryTeamBoardReported: _players,
    happened.AbilitiesReported: _charges,
    happened.HealthReported: lambda event, names: (
        f"{names.get(event.player_id, event.player_id)}: {event.health}"
    ),
    happened.AstraTargetingReported: _of_player("astral form"),
    happened.CypherCameraReported: _of_player("camera"),
    happened.KillReported: _kill,
    happened.RoundPhaseChanged: lambda event, names: f"round {event.number}, {event.phase}",
    happened.ScoreReported: lambda event, names: f"{event.team_0} to {event.team_1}",
    happened.PlayerObserved: lambda event, names: str(event.search_name),
    happened.SpikePlanted: _nothing,
    happened.SpikeDetonated: _nothing,
    happened.SpikeDefused: _nothing,
    happened.TechPausePressed: _nothing,
    happened.TeamTimeoutPressed: lambda event, names: str(event.seat.value),
    happened.AliveKdaPressed: _nothing,
    happened.ToastPressed: lambda event, names: str(event.content.get("title", "")),
    happened.SeatsSwapped: _nothing,
    happened.SidesSwapped: _nothing,
    happened.UnknownReported: lambda event, names: "changes nothing",
    happened.ObserverJoined: _nothing,
    happened.ObserversGone: _nothing,
    happened.AuxiliaryGone: _nothing,
    happened.AuxiliaryReturned: _nothing,
    happened.MatchAbandoned: _nothing,
}
"""What each event says, apart from what it is called."""


def names_of(match: Match) -> Names:
    return {player.player_id: player.name for team in match.teams for player in team.players}


def event_facts(entry: Entry, names: Names) -> EventFacts:
    """Return a message that was taken in, in words."""
    is_observer = entry.kind is Kind.OBSERVER_MESSAGE
    channel = "observer" if is_observer else "auxiliary"
    decode = decode_observer_message if is_observer else decode_auxiliary_message
    try:
        message = decode(entry.text)
    except InvalidMessage:
        return EventFacts(at=entry.at, channel=channel, type="", text=UNREAD)
    text = WORDS[type(message.event)](message.event, names)
    return EventFacts(at=entry.at, channel=channel, type=message.type[:MAX_WORDS], text=text[:MAX_WORDS])


HOW: Final[Mapping[str, str]] = {
    "logon": "logged on",
    "recovered": "is back by itself",
    "take-over": "took the match over with the access key",
    "stand-by": "observes now, after having stood by",
    "adopted": "is back, known by name and address",
}
"""How an observer came, in words."""

CONNECTIONS: Final[Mapping[Kind, Callable[[Mapping[str, Any]], str]]] = {
    Kind.OBSERVER_ON: lambda told: f"{told['name']} {HOW.get(told.get('how', ''), 'is there')}",
    Kind.OBSERVERS_GONE: lambda told: f"{told['name'] or 'The observer'} is gone: nobody observes",
    Kind.AUXILIARY_ON: lambda told: f"Client of {told['name']} logged on",
    Kind.AUXILIARY_GONE: lambda told: f"Client of {told['name']} is gone",
    Kind.AUXILIARY_BACK: lambda told: f"Client of {told['name']} is back by itself",
    Kind.ABANDONED: lambda told: "Given up: nothing happened for too long",
    Kind.STANDBY_ON: lambda told: f"{told['name']} stands by",
    Kind.STANDBY_GONE: lambda told: f"{told['name']}, who stood by, is gone",
    Kind.HANDED_OVER: lambda told: f"The operator handed over from {told['name']} to {told['to']}",
    Kind.DISCONNECTED: lambda told: f"The operator disconnected {told['name']}",
    Kind.ENDED_BY_OPERATOR: lambda told: "The operator ended the match",
}
"""Whoever came or went, in words."""


class _Told(dict[str, Any]):
    """What an entry tells; what it leaves out is empty."""

    def __missing__(self, name: str) -> str:
        return ""


def connection_facts(entry: Entry) -> ConnectionFacts:
    """Return somebody's coming or going in words."""
    return ConnectionFacts(
        at=entry.at,
        kind=entry.kind.name.lower(),
        text=CONNECTIONS[entry.kind](_Told(read_object(entry.text)))[:MAX_WORDS],
    )
