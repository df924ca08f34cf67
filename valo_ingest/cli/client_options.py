"""What commands have in common that are clients of a server: options, and how they tell that Ctrl-C has ended them."""

from typing import Final

import click

from valo_ingest.cli.text import Text
from valo_ingest.game import rules
from valo_ingest.rehearsal.clients import CLIENT_VERSION

LOCAL_URL: Final = "http://127.0.0.1:5100"

INTERRUPTED: Final = 130
"""Exit status of what Ctrl-C has ended, as shells have it."""

url_option: Final = click.option(
    "--url",
    default=LOCAL_URL,
    show_default=True,
    help="The ingest side of the server.",
    allow_from_autoenv=False,
)

key_option: Final = click.option(
    "--key", type=Text(), default="", help="The access key of the server.", show_envvar=True
)

client_version_option: Final = click.option(
    "--client-version",
    type=Text(),
    default=CLIENT_VERSION,
    show_default=True,
    help="The version that all clients say they have.",
    allow_from_autoenv=False,
)

mode_option: Final = click.option(
    "--mode",
    type=click.Choice([rules.STANDARD_MODE, rules.SWIFT_MODE]),
    default=rules.STANDARD_MODE,
    show_default=True,
    help="First to 13 rounds with overtime, or first to 5.",
    allow_from_autoenv=False,
)
