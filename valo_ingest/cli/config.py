"""`valo-ingest config`: what the server would start with, and why."""

from typing import Any

import click

from valo_ingest.cli.settings import CONTEXT, SETTINGS, Setting
from valo_ingest.cli.sources import UNTIL_MADE, Resolved, resolve, warn_of_slips, with_settings
from valo_ingest.cli.text import one_line
from valo_ingest.errors import ConfigError


@click.command(context_settings=CONTEXT)
@with_settings
@click.pass_context
def config(ctx: click.Context, /, **_: Any) -> None:
    """Print the value of every setting, and where it came from.

    Takes the same flags, environment and .env as `serve`, but opens, makes and changes nothing. Secrets are masked.
    The last line tells whether a server can start with these settings; the exit status is 2 when it cannot.
    """
    resolved = resolve(ctx)
    warn_of_slips(ctx)
    rows = [(each.name, _shown(resolved, each), resolved.sources[each.name]) for each in SETTINGS]
    name_width = max(len(name) for name, _, _ in rows)
    value_width = max(len(value) for _, value, _ in rows)
    for name, value, source in rows:
        click.echo(f"{name:{name_width}}  {value:{value_width}}  {source}")
    try:
        resolved.config()
    except ConfigError as error:
        click.echo(one_line(f"Not valid. {resolved.explain(error)}"))
        ctx.exit(2)
    click.echo("Valid.")


def _shown(resolved: Resolved, setting: Setting) -> str:
    value = resolved.values[setting.name]
    if setting.secret:
        return "********" if value else UNTIL_MADE if resolved.makes(setting) else "-"
    if value is None or value == "":
        return "-"
    return one_line(str(value).lower() if isinstance(value, bool) else str(value))
