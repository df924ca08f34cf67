"""The command line: one module per command. Nothing else reads arguments or the environment."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import click

from valo_ingest import __version__
from valo_ingest.cli.settings import CONTEXT
from valo_ingest.cli.text import one_line
from valo_ingest.loading import loading

COMMANDS: Final = (
    "config",
    "demo",
    "doctor",
    "inspect",
    "keys",
    "loadtest",
    "matches",
    "replay",
    "serve",
    "simulate",
)
"""Each is the name of a module here, and of the command in it."""

DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class LoadedWhenCalled(click.Group):
    """Commands of which only that is loaded which is asked for: a server is back sooner without the others."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            return None
        with loading():
            command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _full_disk_told():  # --help and --version are printed here
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        _have_streams()
        with _full_disk_told():
            return super().invoke(ctx)


@contextmanager
def _full_disk_told() -> Iterator[None]:
    """Tell in one line that there is no room for what is written."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        where = f"{error.filename} " if error.filename else "The output "
        raise click.ClickException(one_line(f"{where}cannot be written: {error.strerror}.")) from error


def _have_streams() -> None:
    """Write to nowhere where there is nothing to write to: without a console, a stream is None in Python."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, it stays open


@click.group(
    cls=LoadedWhenCalled,
    commands={name: click.Command(name) for name in COMMANDS},
    context_settings=CONTEXT,
)
@click.version_option(__version__, prog_name="valo-ingest", allow_from_autoenv=False)
def main() -> None:
    """Serve VALORANT matches to broadcast overlays, live.

    Observer clients push what happens in a match to one port (5100); overlays read the whole match, as it is now,
    from another (5200); a third one (5101) answers questions such as who won.

    \b
    A crew on a LAN starts it so, without TLS and with an access key that is
    made once. It prints the addresses to type into the clients:
        valo-ingest serve --lan ./data

    \b
    With a certificate, and the key in the environment:
        AUTH_KEY=... valo-ingest serve --server-key key.pem --server-cert cert.pem

    Every setting is a flag, or a variable in the environment, or a line in a file .env in the working directory:
    --ingest-port 6100, VALO_INGEST_INGEST_PORT=6100. Flags win over the environment, and that wins over .env.
    `valo-ingest config` tells which value holds and where it came from; `valo-ingest serve --help` lists them all.
    """
