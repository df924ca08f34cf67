"""`valo-ingest inspect`: what is in a recording."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from valo_ingest.cli.scoreboard import fitted, score
from valo_ingest.cli.settings import CONTEXT, DEFAULTS
from valo_ingest.cli.text import one_line
from valo_ingest.errors import InvalidRecording
from valo_ingest.game.state import Match, Team
from valo_ingest.rehearsal import inspection
from valo_ingest.rehearsal.inspection import Inspection, Rate
from valo_ingest.rehearsal.recordings import Fault, Recording, load
from valo_ingest.wire.compat import VersionRange

FAULTS_SHOWN: Final = 20

NAME_WIDTH: Final = 32
"""Columns of a team, a group code or a type of event."""

NUMBER_WIDTHS: Final = (-9, -10, -8)


@click.command(context_settings=CONTEXT)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.", allow_from_autoenv=False)
def inspect(file: Path, *, as_json: bool) -> None:
    """Tell what is in the recording FILE: matches, score, events and their rates, and what a server would refuse.

    FILE is a stream (of `valo-ingest matches export`) or a .replay file of the original server, compressed with gzip
    or not. No server is needed.

    Exit status: 1 when there is nothing in FILE that can be played.
    """
    try:
        recording = load(file)
    except InvalidRecording as error:
        raise click.ClickException(one_line(str(error))) from error
    found = inspection.inspect(recording, VersionRange(DEFAULTS["client_versions"]))
    if as_json:
        click.echo(json.dumps(_as_json(file, found), indent=2))
        return
    for line in _lines(file, found):
        click.echo(line)


def _lines(file: Path, found: Inspection) -> Iterator[str]:
    recording = found.recording
    clients = f"{_count(found.observers, 'observer')}, {_count(found.auxiliaries, 'auxiliary client')}"
    yield one_line(str(file))
    yield f"{recording.format}, {duration(recording.duration_ms)}, {clients}"
    for match in found.matches:
        yield ""
        yield from _match_lines(match)
    yield ""
    yield from _rate_lines(found)
    yield ""
    yield from _verdict_lines(found)
    yield from damage_lines(recording)


def duration(ms: int) -> str:
    """Return a duration as 1:02:03 or 2:03."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _match_lines(match: Match) -> Iterator[str]:
    code, shown_map = fitted(match.group_code, NAME_WIDTH).rstrip(), fitted(match.map, NAME_WIDTH).rstrip()
    rounds = _count(inspection.rounds_of(match), "round")
    phase = "ended" if match.has_ended else f"left in {fitted(match.phase, NAME_WIDTH).rstrip()}"
    mode = fitted(match.mode, NAME_WIDTH).rstrip()
    yield f"{code}   {score(match)}   {shown_map}, {mode}, {rounds}, {phase}"
    for team in match.teams:
        names = ", ".join(fitted(player.name, NAME_WIDTH).rstrip() for player in team.players)
        yield f"  {fitted(team.setup.name or team.setup.tricode or '?', NAME_WIDTH).rstrip()}: {names or 'nobody'}"


def _rate_lines(found: Inspection) -> Iterator[str]:
    def row(name: str, *cells: str) -> str:
        fields = (fitted(cell, width) for cell, width in zip(cells, NUMBER_WIDTHS, strict=True))
        return fitted(name, NAME_WIDTH) + "".join(fields)

    if not found.rates:
        yield "No event is in it."
        return
    yield row("events", "count", "median/s", "peak/s")
    for kind, rate in found.rates.items():
        yield row(kind, f"{rate.count:,}", f"{rate.median_per_s:g}", f"{rate.peak_per_s:,}")


def _verdict_lines(found: Inspection) -> Iterator[str]:
    refused = sum(refusal.count for refusal in found.refused.values())
    yield f"A server accepts {found.accepted:,} events and logons, and refuses {refused:,}."
    for reason, refusal in found.refused.items():
        first = one_line(f"line {refusal.line}, {refusal.kind}: {refusal.detail}")
        yield f"  {reason} {refusal.count:,}, the first in {first}"
    if found.in_vain:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in found.in_vain.items())
        yield f"Accepted, and without effect: {reasons}."
    if found.not_sent:
        yield f"Not sent: {_count(found.not_sent, 'event')} of clients that the server has let go before."


def damage_lines(recording: Recording) -> Iterator[str]:
    """Yield what is wrong with which lines, and what else is read otherwise than it stands there."""
    if recording.modernized:
        yield f"Read in today's spelling: {_count(recording.modernized, 'message')} of old clients."
    yield (
        f"Damaged lines, left out: {len(recording.faults):,}." if recording.faults else "No line is damaged."
    )
    for fault in recording.faults[:FAULTS_SHOWN]:
        yield f"  {fault_text(fault)}"
    if len(recording.faults) > FAULTS_SHOWN:
        yield f"  and {len(recording.faults) - FAULTS_SHOWN:,} more"


def fault_text(fault: Fault) -> str:
    return one_line(f"line {fault.line}: {fault.what}")


# --- for scripts ----------------------------------------------------------------------------------------------


def _as_json(file: Path, found: Inspection) -> dict[str, Any]:
    recording = found.recording
    return {
        "file": str(file),
        "format": recording.format.value,
        "durationMs": recording.duration_ms,
        "observers": found.observers,
        "auxiliaries": found.auxiliaries,
        "matches": [_match_json(match) for match in found.matches],
        "events": {kind: _rate_json(rate) for kind, rate in found.rates.items() if kind != inspection.ALL},
        "allEvents": _rate_json(found.rates[inspection.ALL]) if found.rates else None,
        "accepted": found.accepted,
        "refused": {
            reason: {
                "count": refusal.count,
                "firstLine": refusal.line,
                "type": refusal.kind,
                "detail": refusal.detail,
            }
            for reason, refusal in found.refused.items()
        },
        "withoutEffect": dict(found.in_vain),
        "notSent": found.not_sent,
        "modernized": recording.modernized,
        "damagedLines": [{"line": fault.line, "what": fault.what} for fault in recording.faults],
    }


def _rate_json(rate: Rate) -> dict[str, Any]:
    return {"count": rate.count, "medianPerSecond": rate.median_per_s, "peakPerSecond": rate.peak_per_s}


def _match_json(match: Match) -> dict[str, Any]:
    return {
        "groupCode": match.group_code,
        "matchId": match.match_id,
        "map": match.map,
        "mode": match.mode,
        "rounds": inspection.rounds_of(match),
        "phase": match.phase,
        "hasEnded": match.has_ended,
        "teams": [_team_json(team) for team in match.teams],
    }


def _team_json(team: Team) -> dict[str, Any]:
    return {
        "name": team.setup.name,
        "tricode": team.setup.tricode,
        "roundsWon": team.rounds_won,
        "players": [f"{player.roster_name}#{player.tagline}" for player in team.players],
    }
