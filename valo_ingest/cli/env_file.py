"""Reads `.env`. Its values are settings only: they are never put into the environment."""

import io
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from valo_ingest.errors import ConfigError


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables that `path` sets, as written: `$` has no meaning. An empty value sets nothing.

    Raises:
        ConfigError: the file cannot be read, or one line of it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows' editors put a mark at the start
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(str(path), f"line {line} is not UTF-8; save the file as UTF-8 text") from None
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from error
    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            raise ConfigError(str(path), f"line {_line(binding)} cannot be read; write NAME=value")
        if binding.key is not None and binding.value:
            values[binding.key] = binding.value
    return values


def _line(binding: Binding) -> int:
    """Return the line where `binding` really starts: the parser counts blank lines before it as a part of it."""
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return binding.original.line + blank.count("\n")
