"""Where a server writes its log, without ever waiting for whoever reads it.

A terminal that is held (Ctrl-S, or a selection in the console of Windows) and a pipe whose reader is asleep take
nothing more, and whoever writes there waits: the server would stand still, and every match with it. So what is not
taken at once is written by a thread, in its order; and what would be too much to keep is left out, and counted.

A thread of the system, not a greenlet: gevent makes sockets cooperative, but neither terminals nor files.
"""

import io
import logging
import os
import select
import time
from typing import Final, TextIO

import gevent
from gevent.monkey import get_original

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 10_000
"""Lines that are kept for a reader who takes none: 2 MB or so."""

AT_ONCE_BYTES: Final = getattr(select, "PIPE_BUF", 512)
"""So much a pipe surely takes that takes anything. A terminal does not: it may have room for half a line."""

CLOSE_S: Final = 1.0
"""How long the end of a server waits for its log to be taken."""

LOOK_S: Final = 0.01


class Outlet:
    """A stream for log lines, of which `write` never blocks."""

    def __init__(self, stream: TextIO) -> None:
        """
        Args:
            stream: Where the lines go in the end. One without a file below, as tests have it, is written to itself.
        """
        self._stream = stream
        try:
            descriptor = stream.fileno()
        except (OSError, AttributeError):
            self._file: io.RawIOBase | None = None
        else:
            # Not what is below `stream`: the end of Python waits for whoever is writing there.
            self._file = os.fdopen(descriptor, "wb", buffering=0, closefd=False)
        self._poll = _poll_of(self._file)
        self._queue = get_original("queue", "SimpleQueue")()
        self._handed_over = 0
        self._written = 0
        self.left_out = 0
        """Lines that were left out, and of which that was not told yet."""

    @property
    def waiting(self) -> int:
        """How many lines were not taken yet."""
        return self._handed_over - self._written

    def write(self, text: str) -> None:
        if self._file is None:
            self._stream.write(text)
            return
        waiting = self.waiting
        if self.left_out and waiting <= MAX_WAITING // 2:
            self._tell_left_out()
        content = text.replace("\n", os.linesep).encode(self._stream.encoding, errors="backslashreplace")
        if (
            not self.waiting
            and len(content) <= AT_ONCE_BYTES
            and self._poll is not None
            and self._poll.poll(0)
        ):
            self._put(content)
        elif waiting >= MAX_WAITING:
            self.left_out += 1
        else:
            self._hand_over(content)

    def take_tracebacks(self) -> None:
        """Have gevent write here, until `close`, what an exception says that ends a greenlet: it too would wait."""
        gevent.get_hub().exception_stream = self

    def close(self) -> None:
        """Wait a moment until all is taken."""
        deadline = time.monotonic() + CLOSE_S
        self._wait_until_taken(deadline)
        if self.left_out and not self.waiting:
            self._tell_left_out()
            self._wait_until_taken(deadline)
        if gevent.get_hub().exception_stream is self:
            del gevent.get_hub().exception_stream  # so it is standard error again

    def _wait_until_taken(self, deadline: float) -> None:
        while self.waiting and time.monotonic() < deadline:
            gevent.sleep(LOOK_S)

    def _tell_left_out(self) -> None:
        left_out, self.left_out = self.left_out, 0
        logger.warning("%d lines are missing here: nobody took what was logged", left_out)

    def _hand_over(self, content: bytes) -> None:
        if not self._handed_over:
            get_original("_thread", "start_new_thread")(self._put_all, ())
        self._handed_over += 1
        self._queue.put(content)

    def _put_all(self) -> None:
        while True:
            self._put(self._queue.get())
            self._written += 1

    def _put(self, content: bytes) -> None:
        assert self._file is not None
        rest = memoryview(content)
        try:
            while rest:
                taken = self._file.write(rest)
                if taken is None:  # whoever shares it has set it not to block
                    get_original("select", "select")([], [self._file], [])
                rest = rest[taken or 0 :]
        except OSError:
            return  # whoever read it has gone, or the disk is full: there is nowhere left to say that


def _poll_of(file: io.RawIOBase | None) -> "select.poll | None":
    """Return what tells whether `file` takes a line at once; None where that cannot be known.

    It cannot on Windows, nor of a terminal.
    """
    if file is None or file.isatty() or not hasattr(select, "poll"):
        return None
    poll = get_original("select", "poll")()
    poll.register(file, select.POLLOUT)
    found: select.poll = poll
    return found
