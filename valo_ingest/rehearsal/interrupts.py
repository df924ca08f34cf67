"""Ctrl-C in a program of greenlets."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import gevent

ENDINGS: Final = [
    number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
]
"""Ctrl-C, and what ends a program whose terminal is closed or whose machine is shut down. Windows has no SIGHUP."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Have Ctrl-C, and whatever else ends a program, raise KeyboardInterrupt where this is used, and print nothing.

    Without it gevent raises it in whichever greenlet runs, and prints its traceback. Who was started to outlive his
    terminal (nohup) does. Main thread only.
    """
    here = gevent.getcurrent()
    with ExitStack() as restored:
        for number in ENDINGS:
            if number != signal.SIGINT and signal.getsignal(number) is signal.SIG_IGN:
                continue
            restored.callback(signal.signal, number, signal.getsignal(number))
            watcher = gevent.signal_handler(number, gevent.kill, here, KeyboardInterrupt)
            restored.callback(watcher.cancel)
        yield
