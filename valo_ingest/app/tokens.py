"""What nobody can guess."""

import secrets
import string
from typing import Final

TOKEN_BYTES: Final = 24
"""Of a token with which somebody may come back: 192 bits."""

CODE_CHARACTERS: Final = string.ascii_uppercase + string.digits


def random_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def random_code(length: int) -> str:
    """Return a code of `length` characters A-Z and 0-9."""
    return "".join(secrets.choice(CODE_CHARACTERS) for _ in range(length))
