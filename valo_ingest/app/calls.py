"""Calls that are made later, in a greenlet of their own."""

import logging
from collections.abc import Callable
from typing import Any

import gevent
from gevent.queue import SimpleQueue

logger = logging.getLogger(__name__)


class Calls:
    """Calls functions one after the other, each when its time has come. One that fails is logged.

    A greenlet for each call would take 16 kB of fresh memory: so much Python gives to each for its frames. Of an event
    that comes alone that is 4 % of all that it takes.
    """

    def __init__(self) -> None:
        self._loop = gevent.get_hub().loop
        self._due = SimpleQueue()
        gevent.spawn(self._make_all)

    def later(self, seconds: float, function: Callable[..., None], *arguments: Any) -> None:
        """Call `function` after `seconds`, or, where those are 0, as soon as whoever runs now waits for something.

        Nobody else has a turn between two calls that are due.
        """
        if seconds > 0:
            timer = self._loop.timer(seconds)
            timer.start(self._come_due, timer, function, arguments)
        else:
            self._due.put((function, arguments))

    def _come_due(self, timer: Any, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        timer.close()
        self._due.put((function, arguments))

    def _make_all(self) -> None:
        while True:
            function, arguments = self._due.get()
            try:
                function(*arguments)
            except Exception:  # the next ones have nothing to do with it
                logger.exception("a call failed that was to be made later")
