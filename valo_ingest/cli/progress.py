"""A line that tells people how far something is. Where nobody looks, on no terminal, it is quiet."""

import shutil
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

from valo_ingest.cli.scoreboard import columns, fitted

INTERVAL_S: Final = 0.1
"""How often the line changes at most."""


class ProgressLine:
    """One line of a terminal that is written over again and again. Call `clear` before anything else is printed."""

    def __init__(
        self, stream: TextIO | None = None, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._monotonic_s = monotonic_s
        self._written_at = -INTERVAL_S
        self._width = 0

    def show(self, text: Callable[[], str]) -> None:
        """Show what `text` returns, unless something was shown just now."""
        now = self._monotonic_s()
        if not self._is_terminal or now - self._written_at < INTERVAL_S:
            return
        self._written_at = now
        line = fitted(text(), shutil.get_terminal_size().columns - 1).rstrip()
        self._write(f"\r{line}{' ' * (self._width - columns(line))}\r{line}")
        self._width = columns(line)

    def clear(self) -> None:
        """Leave an empty line."""
        if self._width:
            self._write(f"\r{' ' * self._width}\r")
            self._width = 0

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
