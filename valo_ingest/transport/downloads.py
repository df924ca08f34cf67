"""What is kept of a match, to be downloaded."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from valo_ingest.errors import JournalFault
from valo_ingest.live.history import History
from valo_ingest.live.ports import ArchivedMatch
from valo_ingest.wire import exports

logger = logging.getLogger(__name__)

PIECE_BYTES: Final = 65_536
"""Sent at once."""

FORMATS: Final[Mapping[str, tuple[str, Callable[[History, ArchivedMatch], Iterator[str]]]]] = {
    "jsonl": (
        "application/x-ndjson",
        lambda history, kept: exports.stream(kept.opening, history.entries(kept)),
    ),
    "replay": (
        "application/octet-stream",
        lambda history, kept: exports.replay_file(kept.opening, history.entries(kept)),
    ),
    "json": ("application/json", lambda history, kept: exports.final_document(kept.match)),
    "csv": ("text/csv; charset=utf-8", lambda history, kept: exports.players_table(kept.match)),
}
"""The type of each format, and what writes it."""


def pieces(texts: Iterator[str]) -> Iterator[bytes]:
    """Yield `texts` in pieces that are worth being sent.

    Raises:
        ConnectionAbortedError: The journal fails half-way. The connection has to break then: an end would look right.
    """
    waiting: list[bytes] = []
    size = 0
    try:
        for text in texts:
            waiting.append(text.encode(errors="replace"))
            size += len(waiting[-1])
            if size >= PIECE_BYTES:
                yield b"".join(waiting)
                waiting, size = [], 0
    except JournalFault as fault:
        logger.warning("a download is broken off: %s", fault)
        raise ConnectionAbortedError(str(fault)) from fault
    yield b"".join(waiting)


def file_name(kept: ArchivedMatch, extension: str) -> str:
    """Return the name of a downloaded file. Of the group code it has what no system minds in a name."""
    code = "".join(
        letter for letter in kept.opening.setup.group_code if letter.isascii() and letter.isalnum()
    )
    return f"match-{kept.number}{'-' if code else ''}{code}.{extension}"
