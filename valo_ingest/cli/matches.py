"""`valo-ingest matches`: looks at the matches that are kept, beside a running server or without one."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

import click

from valo_ingest import app
from valo_ingest.cli import logs
from valo_ingest.cli.data_dir import (
    DataDirCommand,
    data_dir,
    print_any_letter,
    print_table,
    told_in_one_line,
)
from valo_ingest.cli.numbers import WholeNumber
from valo_ingest.cli.scoreboard import lines, local_time, score
from valo_ingest.cli.settings import CONTEXT
from valo_ingest.cli.sources import with_settings
from valo_ingest.cli.text import one_line
from valo_ingest.config import MAX_DAYS
from valo_ingest.live.ports import ArchivedMatch
from valo_ingest.storage.archive import Archive
from valo_ingest.wire import exports

FORMATS: Final[Mapping[str, Callable[[Archive, ArchivedMatch], Iterator[str]]]] = {
    "jsonl": lambda archive, kept: exports.stream(kept.opening, archive.entries(kept)),
    "replay": lambda archive, kept: exports.replay_file(kept.opening, archive.entries(kept)),
    "json": lambda archive, kept: exports.final_document(kept.match),
    "csv": lambda archive, kept: exports.players_table(kept.match),
}
"""What a match can be exported as."""

HEAD: Final = ("#", "GROUP CODE", "STATE", "SCORE", "MAP", "STARTED", "ENDED", "ENTRIES", "KEY")
RIGHT: Final = {"#", "ENTRIES"}
"""Columns of numbers."""


@click.group(context_settings=CONTEXT)
def matches() -> None:
    """List, show, export and delete the matches that a server keeps. It may run meanwhile.

    A match is named by its group code, which means the latest of that code, or by its number in the list: 12 or #12.
    Where the server keeps its matches is found as `serve` finds it: by --data-dir or --lan, the environment, or .env.

    Exit status: 1 when there is no such match, or it cannot be read or deleted, 2 when the command makes no sense.
    """
    print_any_letter()


@matches.command("list", cls=DataDirCommand, context_settings=CONTEXT)
@click.option(
    "--live/--ended",
    default=None,
    help="List only matches that go on, or only those that ended.",
    allow_from_autoenv=False,
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.", allow_from_autoenv=False)
@with_settings
@click.pass_context
def list_matches(ctx: click.Context, /, *, live: bool | None, as_json: bool, **_: Any) -> None:
    """List the matches that are kept, the latest last."""
    with told_in_one_line():
        listing = _archive(ctx).matches()
        chosen = [kept for kept in listing.matches if live is None or kept.is_live is live]
        if as_json:
            click.echo(json.dumps([_summary(kept) for kept in chosen], indent=2))
        elif chosen:
            _print_table(chosen)
        elif not listing.faults:
            which = "" if live is None else "live " if live else "ended "
            where = one_line(str(data_dir(ctx)))
            click.echo(f"No {which}match is kept in {where}. Is that the --data-dir of the server?")
    for fault in listing.faults:
        click.echo(f"Error: {one_line(str(fault))}", err=True)
    if listing.faults:
        ctx.exit(1)


@matches.command("show", cls=DataDirCommand, context_settings=CONTEXT)
@click.argument("code")
@with_settings
@click.pass_context
def show(ctx: click.Context, /, *, code: str, **_: Any) -> None:
    """Print the scoreboard of the match CODE."""
    with told_in_one_line():
        for line in lines(_archive(ctx).find(code)):
            click.echo(line)


@matches.command("export", cls=DataDirCommand, context_settings=CONTEXT)
@click.argument("code")
@click.option(
    "--format",
    "as_what",
    type=click.Choice(list(FORMATS)),
    default="jsonl",
    show_default=True,
    help="jsonl: what clients sent, one line each. replay: a .replay file of the original server. "
    "json: the last document that overlays got. csv: the players.",
    allow_from_autoenv=False,
)
@click.option(
    "--output",
    type=click.File("wb", lazy=True),
    default="-",
    help="Write this file, in place of what is there, and not to standard output.",
    allow_from_autoenv=False,
)
@with_settings
@click.pass_context
def export(ctx: click.Context, /, *, code: str, as_what: str, output: IO[bytes], **_: Any) -> None:
    """Write the match CODE out. There is no secret in it: no access key, no group secret."""
    with told_in_one_line():
        archive = _archive(ctx)
        for piece in FORMATS[as_what](archive, archive.find(code)):
            output.write(piece.encode())
        output.flush()


@matches.command("delete", cls=DataDirCommand, context_settings=CONTEXT)
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option(
    "--older-than",
    type=WholeNumber(0, MAX_DAYS),
    metavar="DAYS",
    help="Delete all matches that ended longer ago than that.",
    allow_from_autoenv=False,
)
@click.option("--yes", is_flag=True, help="Do not ask.", allow_from_autoenv=False)
@with_settings
@click.pass_context
def delete(
    ctx: click.Context, /, *, codes: Sequence[str], older_than: int | None, yes: bool, **_: Any
) -> None:
    """Delete the matches CODE, or what is --older-than so many days, for good. Only what ended can be deleted."""
    if bool(codes) is (older_than is not None):
        raise click.UsageError("Name matches to delete, or say --older-than DAYS; one of the two.")
    with told_in_one_line():
        archive = _archive(ctx)
        found = map(archive.find, codes) if older_than is None else archive.ended_before_days(older_than)
        chosen = list({kept.number: kept for kept in found}.values())
        for kept in chosen:
            kept.check_ended()
        if not chosen:
            click.echo(f"No match ended more than {older_than} days ago.")
            return
        if not yes:
            _print_table(chosen)
            click.confirm(f"Delete {_count(chosen)} for good?", abort=True)
        archive.delete(chosen)
    click.echo(f"Deleted {_count(chosen)}.")


def _archive(ctx: click.Context) -> Archive:
    logs.configure("text", "warning")
    return app.open_archive(data_dir(ctx))


def _count(chosen: Sequence[ArchivedMatch]) -> str:
    return "1 match" if len(chosen) == 1 else f"{len(chosen)} matches"


def _summary(kept: ArchivedMatch) -> dict[str, Any]:
    """Return what the list tells of a match, for programs."""
    match = kept.match
    return {
        "number": kept.number,
        "groupCode": match.group_code,
        "isLive": kept.is_live,
        "matchId": match.match_id,
        "map": match.map,
        "teams": [
            {"name": team.setup.name, "tricode": team.setup.tricode, "roundsWon": team.rounds_won}
            for team in match.teams
        ],
        "startedAt": local_time(kept.opening.at),
        "endedAt": None if kept.ended_at is None else local_time(kept.ended_at),
        "entries": kept.entry_count,
        "key": kept.opening.opened_by.key_name or None,
        "organization": kept.opening.opened_by.organization or None,
    }


def _cells(kept: ArchivedMatch) -> tuple[str, ...]:
    match = kept.match
    return (
        str(kept.number),
        match.group_code,
        "live" if kept.is_live else "ended",
        score(match),
        match.map,
        local_time(kept.opening.at),
        "-" if kept.ended_at is None else local_time(kept.ended_at),
        str(kept.entry_count),
        kept.opening.opened_by.key_name or "-",
    )


def _print_table(chosen: Sequence[ArchivedMatch]) -> None:
    print_table(HEAD, [_cells(kept) for kept in chosen], right=RIGHT)
