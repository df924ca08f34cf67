"""How log lines look: one line per record, as text or as JSON.

What a client sent may end up in a message, so a line break in it must never look like a record of its own.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Protocol

from valo_ingest.cli.text import one_line
from valo_ingest.config import LogFormat, LogLevel

TRACEBACK_MARGIN: Final = "    | "
"""Before every line of a traceback: what an exception says can look like a record, too."""


class TextFormatter(logging.Formatter):
    """2026-05-01T18:30:00.123Z INFO valo_ingest.live.controller group_code=A ..., tracebacks below with a margin."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_instant(record)} {record.levelname} {record.name} {record.getMessage()}"
        return "\n".join((one_line(line), *self._traceback(record)))

    def _traceback(self, record: logging.LogRecord) -> list[str]:
        if not record.exc_info:
            return []
        text = self.formatException(record.exc_info)
        return [TRACEBACK_MARGIN + one_line(line) for line in text.splitlines()]


class JsonFormatter(logging.Formatter):
    """One JSON object per line, with ts, level, logger, message and, for an exception, exc."""

    def format(self, record: logging.LogRecord) -> str:
        document = {
            "ts": _instant(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            document["exc"] = self.formatException(record.exc_info)
        return json.dumps(document)


class Writable(Protocol):
    """What log lines are written to."""

    def write(self, text: str, /) -> object: ...


def configure(log_format: LogFormat, log_level: LogLevel, to: Writable | None = None) -> None:
    """Write logs `to` there from now on; of libraries only warnings, for they log what was sent.

    Args:
        to: Standard error, if nothing is given.
    """
    handler = logging.StreamHandler(sys.stderr if to is None else to)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("valo_ingest").setLevel(log_level.upper())


def _instant(record: logging.LogRecord) -> str:
    instant = datetime.fromtimestamp(record.created, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
