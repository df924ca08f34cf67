"""Group codes of the matches that a rehearsal opens."""

import secrets
from typing import Final

import click

from valo_ingest.wire.bounds import MAX_GROUP_CODE

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Of codes that are made: none that is easily taken for another."""

LENGTH: Final = 6


def group_codes(wanted: str | None, count: int) -> list[str]:
    """Return a group code for each of `count` matches: `wanted`, with a number behind it if there are several.

    Raises:
        click.BadParameter: No match can have it.
    """
    base = wanted if wanted is not None else "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    codes = [base] if count == 1 else [f"{base}-{number}" for number in range(1, count + 1)]
    if not base or len(codes[-1]) > MAX_GROUP_CODE:
        raise click.BadParameter(
            f"a group code has 1 to {MAX_GROUP_CODE} characters.", param_hint="--group-code"
        )
    return codes
