"""A kept match as text for people: at most 100 columns, whatever its names hold."""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from valo_ingest.cli.text import one_line
from valo_ingest.game.catalog import agent_name
from valo_ingest.game.events import Number
from valo_ingest.game.state import Match, Player, RoundOutcome, Team, TeamTimeout, TechPause
from valo_ingest.live.ports import ArchivedMatch
from valo_ingest.wire.record import KeyHolder

TEAM_WIDTH: Final = 24
CODE_WIDTH: Final = 32
PHASE_WIDTH: Final = 24
KEY_WIDTH: Final = 36
HISTORY_WIDTH: Final = 72
"""Columns of the longest team name, group code, phase, name of a key or its organisation, and round history."""

PLAYER_COLUMNS: Final = (26, 12, -4, -4, -4, -6, -4, -8, 2, 16, 10)
"""Widths of the columns of a player; to the right where negative."""

PLAYER_HEAD: Final = ("player", "agent", "K", "D", "A", "K/D", "HS", "credits", "", "weapon", "")

LETTERS: Final[Mapping[RoundOutcome, str]] = {
    RoundOutcome.KILLS: "K",
    RoundOutcome.DETONATED: "X",
    RoundOutcome.DEFUSED: "D",
    RoundOutcome.TIMEOUT: "T",
    RoundOutcome.LOST: ".",
    RoundOutcome.UPCOMING: " ",
}
"""What stands for a round in the history of a team."""

LEGEND: Final = (
    "K won by kills   X spike went off   D spike defused   T time ran out   . lost   | change of sides"
)


def lines(kept: ArchivedMatch) -> Iterator[str]:
    """Yield the lines of a scoreboard."""
    match = kept.match
    code = fitted(match.group_code, CODE_WIDTH).rstrip()
    state = "live" if kept.is_live else "ended"
    yield f"{code}   #{kept.number}   {state}   {fitted(match.map, TEAM_WIDTH).rstrip()}, {_mode(match)}"
    ended = "" if kept.ended_at is None else f"   ended {local_time(kept.ended_at)}"
    yield f"started {local_time(kept.opening.at)}{ended}   {kept.entry_count:,} entries"
    yield from _key_line(kept.opening.opened_by)
    yield ""
    yield f"{score(match)}   {_moment(match)}"
    for team in match.teams:
        yield ""
        yield from _team_lines(team)
    yield ""
    yield from _history(match)


def _key_line(holder: KeyHolder) -> Iterator[str]:
    """Yield whose access key opened the match, where that is known."""
    if not holder.key_name:
        return
    name, organization = (fitted(text, KEY_WIDTH).rstrip() for text in (holder.key_name, holder.organization))
    yield f"opened with the key {name}" + (f" of {organization}" if organization != name else "")


def local_time(at: int) -> str:
    """Return an instant (epoch ms) as the clock on the wall shows it, with its offset from UTC."""
    return datetime.fromtimestamp(at / 1000).astimezone().isoformat(timespec="seconds")


def score(match: Match) -> str:
    """Return who leads whom, on one line."""
    left, right = match.teams
    return f"{_team_name(left)} {_number(left.rounds_won)} : {_number(right.rounds_won)} {_team_name(right)}"


def fitted(text: str, width: int) -> str:
    """Return `text` on one line in exactly `width` columns of a terminal, to the right where `width` is negative."""
    text = one_line(text)
    if columns(text) > abs(width):
        text = text[: abs(width)]
        while columns(text) >= abs(width):
            text = text[:-1]
        text += "…"
    blanks = " " * (abs(width) - columns(text))
    return blanks + text if width < 0 else text + blanks


def columns(text: str) -> int:
    """Return how many columns of a terminal `text` takes: letters of the Far East take two, some marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def _number(value: Number) -> str:
    return str(round(value, 2))


def _team_name(team: Team) -> str:
    return fitted(team.setup.name or team.setup.tricode or "?", TEAM_WIDTH).rstrip()


def _mode(match: Match) -> str:
    return fitted(match.mode, PHASE_WIDTH).rstrip()


def _moment(match: Match) -> str:
    """Return when in the match this is."""
    moment = f"round {match.round_number}, {fitted(match.phase, PHASE_WIDTH).rstrip()}"
    if isinstance(match.pause, TechPause):
        return f"{moment}, technical pause"
    if isinstance(match.pause, TeamTimeout):
        return f"{moment}, timeout of {_team_name(match.teams[match.pause.seat])}"
    return moment


def _team_lines(team: Team) -> Iterator[str]:
    side = "attack" if team.is_attacking else "defence"
    yield f"{_team_name(team)} ({fitted(team.setup.tricode or '-', 8).rstrip()}), {side}"
    yield _row(PLAYER_HEAD)
    for player in team.players:
        yield _row(_player_cells(player))


def _player_cells(player: Player) -> tuple[str, ...]:
    ratio = f"{player.kills / player.deaths:.2f}" if player.deaths else "-"
    marks = ("" if player.is_alive else "dead", "spike" if player.has_spike else "")
    return (
        f"{player.name}#{player.tagline}",
        agent_name(player.agent_internal),
        _number(player.kills),
        _number(player.deaths),
        _number(player.assists),
        ratio,
        _number(player.headshots),
        _number(player.money),
        "",
        player.weapon,
        " ".join(mark for mark in marks if mark),
    )


def _row(cells: tuple[str, ...]) -> str:
    fields = (fitted(cell, width) for cell, width in zip(cells, PLAYER_COLUMNS, strict=True))
    return ("  " + "".join(fields)).rstrip()


def _history(match: Match) -> Iterator[str]:
    histories = [_letters(team) for team in match.teams]
    if not any(histories):
        yield "No round is over."
        return
    longest = max(len(history) for history in histories)
    for team, history in zip(match.teams, histories, strict=True):
        yield f"  {fitted(_team_name(team), TEAM_WIDTH)}{_newest(history.ljust(longest))}".rstrip()
    yield f"  {LEGEND}"


def _letters(team: Team) -> str:
    """Return a letter for each round of a team up to the last that is over, and a bar where its side changed."""
    letters = ""
    before = None
    for result in team.record:
        if before is not None and result.was_attack is not before:
            letters += "|"
        before = result.was_attack
        letters += LETTERS[result.outcome]
    return letters.rstrip(" |")


def _newest(history: str) -> str:
    return history if len(history) <= HISTORY_WIDTH else "…" + history[1 - HISTORY_WIDTH :]
