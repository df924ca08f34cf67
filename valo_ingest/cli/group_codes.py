"""Group codes that are given, and those of the matches that a rehearsal opens."""

import secrets
from typing import Any, Final

import click

from valo_ingest.cli.text import Text
from valo_ingest.wire.bounds import MAX_GROUP_CODE

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Of codes that are made: none that is easily taken for another."""

LENGTH: Final = 6


class GroupCode(Text):
    """A group code that a match can have."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        code = super().convert(value, param, ctx)
        if not 0 < len(code) <= MAX_GROUP_CODE:
            self.fail(f"a group code has 1 to {MAX_GROUP_CODE} characters.", param, ctx)
        return code


def group_codes(wanted: str | None, count: int) -> list[str]:
    """Return a group code for each of `count` matches: `wanted`, with a number behind it if there are several.

    Raises:
        click.BadParameter: No match can have it with a number.
    """
    base = wanted if wanted is not None else "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    codes = [base] if count == 1 else [f"{base}-{number}" for number in range(1, count + 1)]
    if len(codes[-1]) > MAX_GROUP_CODE:
        raise click.BadParameter(
            f"a group code has 1 to {MAX_GROUP_CODE} characters, also with a number behind it.",
            param_hint="--group-code",
        )
    return codes
