"""What commands have in common that look at a data directory, beside a running server or without one."""

import io
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from valo_ingest.cli.scoreboard import columns, fitted
from valo_ingest.cli.settings import SETTINGS
from valo_ingest.cli.sources import resolve
from valo_ingest.cli.text import one_line
from valo_ingest.errors import ValoIngestError

LOOKED_AT: Final = "DATA_DIR"
"""The one setting that plays a role here."""

CELL_WIDTH: Final = 64
"""Columns that one cell of a table takes at most."""


class DataDirCommand(click.Command):
    """Takes all settings, so that what one types after `serve` works here, and shows the one it looks at."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        unused = {each.parameter for each in SETTINGS if each.name != LOOKED_AT}
        for parameter in self.params:
            if isinstance(parameter, click.Option) and parameter.name in unused:
                parameter.hidden = True


def data_dir(ctx: click.Context) -> Path:
    """Return the data directory that the command looks at."""
    path: Path = resolve(ctx).values[LOOKED_AT]
    return path


def print_any_letter() -> None:
    """Let whatever a name holds be printed: names come from all over the world."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Tell an error in one line, and exit with status 1. Where nobody reads on, click ends without a word."""
    try:
        yield
    except ValoIngestError as error:
        raise click.ClickException(one_line(str(error))) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"The output cannot be written: {error.strerror}.") from error


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str] = ()) -> None:
    """Print `rows` below `head`, each cell on one line; the columns `right` are those of numbers."""
    lines = [[one_line(cell) for cell in row] for row in (head, *rows)]
    widths = [min(CELL_WIDTH, max(columns(cell) for cell in column)) for column in zip(*lines, strict=True)]
    signed = [-width if name in right else width for name, width in zip(head, widths, strict=True)]
    for line in lines:
        cells = (fitted(cell, width) for cell, width in zip(line, signed, strict=True))
        click.echo("  ".join(cells).rstrip())
