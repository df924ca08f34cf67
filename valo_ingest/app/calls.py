"""Calls that are made later, in a greenlet of their own."""

from collections.abc import Callable
from typing import Any

import gevent
from gevent.queue import SimpleQueue


class Calls:
    """Calls functions one after the other, each when its time has come.

    A greenlet for each call would take 16 kB of fresh memory: so much Python gives to each for its frames. Of an event
    that comes alone that is 5 % of all that it takes.
    """

    def __init__(self) -> None:
        self._loop = gevent.get_hub().loop
        self._due = SimpleQueue()
        self._greenlet: gevent.Greenlet | None = None

    def later(self, seconds: float, function: Callable[..., None], *arguments: Any) -> None:
        """Call `function` after `seconds`, or, where those are 0, as soon as whoever runs now waits for something."""
        if seconds > 0:
            timer = self._loop.timer(seconds)
            timer.start(self._come_due, timer, function, arguments)
        else:
            self._put(function, arguments)

    def _come_due(self, timer: Any, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        timer.close()
        self._put(function, arguments)

    def _put(self, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self._due.put((function, arguments))
        if (
            self._greenlet is None or self._greenlet.dead
        ):  # a call that fails ends it, and gevent tells of that
            self._greenlet = gevent.spawn(self._make_all)

    def _make_all(self) -> None:
        while True:
            function, arguments = self._due.get()
            function(*arguments)
