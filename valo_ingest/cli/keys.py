"""`valo-ingest keys`: makes, lists and revokes access keys, beside a running server or without one."""

import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import click

from valo_ingest import app
from valo_ingest.cli.data_dir import (
    DataDirCommand,
    data_dir,
    print_any_letter,
    print_table,
    told_in_one_line,
)
from valo_ingest.cli.scoreboard import local_time
from valo_ingest.cli.settings import CONTEXT
from valo_ingest.cli.sources import with_settings, with_settings_but
from valo_ingest.cli.text import one_line
from valo_ingest.errors import JournalFault
from valo_ingest.storage.keystore import StoredKey
from valo_ingest.storage.tables import FILE_NAME as JOURNAL
from valo_ingest.wire.record import Opening

MAX_NAME: Final = 64
MAX_NOTE: Final = 1_024
"""Characters of a name, and of a note."""

LIFETIME: Final = re.compile(r"([1-9][0-9]{0,4})([dh])")
LIFETIME_MS: Final = {"d": 86_400_000, "h": 3_600_000}
"""What --expires takes besides a date: days of 24 hours, or hours."""

HEAD: Final = (
    "NAME",
    "ORGANISATION",
    "STATE",
    "CREATED",
    "EXPIRES",
    "SUPPORTER",
    "LAST MATCH",
    "NOTE",
)


class Label(click.ParamType[str]):
    """Text that can be shown on one line; blanks around it do not count."""

    name = "text"

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip()
        if not (0 < len(text) <= self._maximum and text.isprintable()):
            self.fail(f"it takes 1 to {self._maximum} printable characters.", param, ctx)
        return text


@click.group(context_settings=CONTEXT)
def keys() -> None:
    """Make, list and revoke access keys, one for each crew. A running server knows of it at once.

    The server's own key, AUTH_KEY, is none of these and is good beside them. Where a server keeps its keys is found as
    `serve` finds it: by --data-dir or --lan, the environment, or .env.

    Exit status: 1 when there is no such key, its name is taken, or the keys cannot be read or changed, 2 when the
    command makes no sense.
    """
    print_any_letter()


@keys.command("create", cls=DataDirCommand, context_settings=CONTEXT)
@click.argument("name", type=Label(MAX_NAME))
@click.option(
    "--organization",
    "holder",  # not the name of the setting, whose value in .env is another one
    type=Label(MAX_NAME),
    metavar="TEXT",
    help="Who gets the key; NAME, if that is not said. Told to who asks for it with the key.",
    allow_from_autoenv=False,
)
@click.option(
    "--expires",
    metavar="WHEN",
    help="A date, such as 2026-12-31: the key is good until the end of that day, in the time zone of this machine. Or "
    "a time from now, such as 30d (days) or 12h (hours). Without it, the key is good until it is revoked.",
    allow_from_autoenv=False,
)
@click.option(
    "--supporter",
    "is_supporter",
    is_flag=True,
    help="Say of matches opened with the key that they are a supporter's.",
    allow_from_autoenv=False,
)
@click.option(
    "--note",
    type=Label(MAX_NOTE),
    metavar="TEXT",
    default=None,
    help="Whatever you want to read in the list.",
    allow_from_autoenv=False,
)
@with_settings_but("ORGANIZATION")
@click.pass_context
def create(
    ctx: click.Context,
    /,
    *,
    name: str,
    holder: str | None,
    expires: str | None,
    is_supporter: bool,
    note: str | None,
    **_: Any,
) -> None:
    """Make a key called NAME and print it, once: it cannot be shown again, for only its hash is kept.

    The key goes to standard output, everything else to standard error.
    """
    if sys.__stdout__ is None:
        raise click.ClickException("There is no standard output to print the key to, so none was made.")
    store = app.open_keys(data_dir(ctx))
    expires_at = None if expires is None else _instant(expires, store.now_ms())
    with told_in_one_line():
        key = store.create(
            name=name,
            organization=holder or name,
            expires_at=expires_at,
            is_supporter=is_supporter,
            note=note or "",
        )
        try:
            click.echo(key)
        except OSError:
            store.revoke(name)
            click.echo(f"The key {name} could not be printed, so it is revoked.", err=True)
            raise
    until = "until it is revoked" if expires_at is None else f"until {local_time(expires_at)}"
    click.echo(f"This is the access key {name}, good {until}. Note it down: it is not shown again.", err=True)
    directory = data_dir(ctx).absolute()
    where = one_line(str(directory))
    if os.path.exists(directory / JOURNAL):
        click.echo(f"The server that keeps its data in {where} takes it from now on.", err=True)
    else:
        click.echo(f"No server has kept its data in {where} yet. Is that the --data-dir of yours?", err=True)


@keys.command("list", cls=DataDirCommand, context_settings=CONTEXT)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.", allow_from_autoenv=False)
@with_settings
@click.pass_context
def list_keys(ctx: click.Context, /, *, as_json: bool, **_: Any) -> None:
    """List the keys, revoked ones too, the oldest first. The keys themselves cannot be shown."""
    directory = data_dir(ctx)
    store = app.open_keys(directory)
    with told_in_one_line():
        found, now = store.all_keys(), store.now_ms()
        try:
            openings = app.open_archive(directory).openings() if found else []
        except JournalFault as fault:
            openings = []
            click.echo(f"Warning: {one_line(str(fault))} So it is not known which keys were used.", err=True)
        if as_json:
            click.echo(json.dumps([_summary(key, openings, now) for key in found], indent=2))
        elif found:
            print_table(HEAD, [_cells(key, openings, now) for key in found])
        else:
            where = one_line(str(directory))
            click.echo(f"No key is kept in {where}. Is that the --data-dir of the server?")


@keys.command("revoke", cls=DataDirCommand, context_settings=CONTEXT)
@click.argument("name")
@with_settings
@click.pass_context
def revoke(ctx: click.Context, /, *, name: str, **_: Any) -> None:
    """Revoke the key called NAME, for good: nobody logs on with it from now on. Matches that it opened go on."""
    with told_in_one_line():
        app.open_keys(data_dir(ctx)).revoke(name.strip())
        click.echo(f"Revoked {one_line(name.strip())}. Matches that it opened go on.")


def _instant(text: str, now: int) -> int:
    """Return when a key expires (epoch ms) that is made `now`."""
    lifetime = LIFETIME.fullmatch(text)
    if lifetime is not None:
        return now + int(lifetime[1]) * LIFETIME_MS[lifetime[2]]
    try:
        day_after = date.fromisoformat(text) + timedelta(days=1)
        instant = int(datetime.combine(day_after, time.min).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            "it takes a date such as 2026-12-31, days such as 30d, or hours such as 12h.",
            param_hint="--expires",
        ) from None
    if instant <= now:
        raise click.BadParameter("that day is over.", param_hint="--expires")
    return instant


def _last_match_at(key: StoredKey, openings: Sequence[Opening]) -> int | None:
    """Return when the latest match began that `key` opened: another key may have had its name before or since."""
    return max(
        (
            opening.at
            for opening in openings
            if opening.opened_by.key_name == key.name
            and key.created_at <= opening.at
            and (key.revoked_at is None or opening.at < key.revoked_at)
        ),
        default=None,
    )


def _summary(key: StoredKey, openings: Sequence[Opening], now: int) -> dict[str, Any]:
    """Return what the list tells of a key, for programs."""
    instants = {
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
        "lastMatchAt": _last_match_at(key, openings),
    }
    return {
        "name": key.name,
        "organization": key.organization,
        "state": key.state(now),
        **{name: None if at is None else local_time(at) for name, at in instants.items()},
        "isSupporter": key.is_supporter,
        "note": key.note,
    }


def _cells(key: StoredKey, openings: Sequence[Opening], now: int) -> tuple[str, ...]:
    last_match_at = _last_match_at(key, openings)
    return (
        key.name,
        key.organization,
        key.state(now),
        local_time(key.created_at),
        "never" if key.expires_at is None else local_time(key.expires_at),
        "yes" if key.is_supporter else "no",
        "-" if last_match_at is None else local_time(last_match_at),
        key.note or "-",
    )
