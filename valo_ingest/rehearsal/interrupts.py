"""Ctrl-C in a program of greenlets."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import gevent


@contextmanager
def interruptible(*others: signal.Signals) -> Iterator[None]:
    """Have Ctrl-C, and the signals `others`, raise KeyboardInterrupt where this is used, and print nothing.

    Without it gevent raises it in whichever greenlet runs, and prints its traceback. Main thread only.
    """
    here = gevent.getcurrent()
    with ExitStack() as restored:
        for number in (signal.SIGINT, *others):
            restored.callback(signal.signal, number, signal.getsignal(number))
            watcher = gevent.signal_handler(number, gevent.kill, here, KeyboardInterrupt)
            restored.callback(watcher.cancel)
        yield
