"""The access key and the password that the server makes for itself, and what all keys that it makes look like."""

import os
import secrets
from pathlib import Path
from typing import Final

from valo_ingest.errors import ConfigError

FILE_NAME: Final = "auth_key"
PASSWORD_FILE_NAME: Final = "operator_password"

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""People read a key aloud and type it in, so without 0, 1, I and O. 32 letters: 5 bits each."""

GROUPS: Final = 4
GROUP_LENGTH: Final = 5
"""100 bits in all, which nobody guesses."""

AUTH_KEY_NAME: Final = "AUTH_KEY"
"""What the server's own key is called where keys have names, whether it was made or set."""


def keep_auth_key(data_dir: Path) -> tuple[str, bool]:
    """Return the key kept in `data_dir` and whether it was made just now, because there was none.

    Raises:
        ConfigError: the directory cannot be used, or the file in it holds no key.
    """
    return _keep(data_dir / FILE_NAME, "an access key")


def keep_operator_password(data_dir: Path) -> tuple[str, bool]:
    """Return the operator's password kept in `data_dir`, in the same way."""
    return _keep(data_dir / PASSWORD_FILE_NAME, "the operator's password")


def _keep(path: Path, what: str) -> tuple[str, bool]:
    try:
        text = path.read_text(encoding="utf-8").strip() if path.exists() else ""
        if text:
            return _checked(path, text), False
        key = make_key()
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_private(path, key + "\n")
    except UnicodeDecodeError:
        raise ConfigError("DATA_DIR", f"{path} is not text; delete it to have a new one made") from None
    except OSError as error:
        raise ConfigError("DATA_DIR", f"cannot keep {what} in {path}: {error.strerror}") from error
    return key, True


def _checked(path: Path, key: str) -> str:
    if not key.isprintable():
        raise ConfigError("DATA_DIR", f"{path} holds more than one line; delete it to have a new one made")
    return key


def make_key() -> str:
    """Return a new key: 100 random bits, as people can read them aloud."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)  # its mode is set only when it is created
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
