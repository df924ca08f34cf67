"""A line for newcomers: however many come at once, those who are logged on hardly wait for them.

Theory of operation
-------------------
A TLS handshake costs 2 ms, a logon nearly one, and an event some microseconds. All are served by one thread, in the
order in which sockets become readable: 500 handshakes at the same moment would keep an event waiting for a second.
So whoever wants something that takes long, and has not logged on yet or logs on just now, stands in line first. Each
time that every socket has been looked at once, some of those are let through one after the other, until `SHARE_S` is
over: at least one, and many if they want little. That is no limit of how many are served: an idle server looks at its
sockets some thousand times a second. A busy one shares its time between newcomers and all the others.

Addresses have turns, not those who wait: a flood from one address is a long line of its own, and delays nobody else.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

import gevent
from gevent.event import Event

from valo_ingest.transport.limits import network_of
from valo_ingest.transport.websocket import HIGHEST_PRIORITY

SHARE_S: Final = 0.002
"""Of newcomers, between two looks at all sockets: about as long as a handshake takes."""


class Line:
    """Lets one through after the other. It belongs to one thread, and all listeners share it."""

    def __init__(self, stopwatch: Callable[[], float] = time.perf_counter) -> None:
        """
        Args:
            stopwatch: Seconds on whatever clock.
        """
        self._stopwatch = stopwatch
        self._waiting: dict[str, deque[Event]] = {}
        """By network, in the order in which networks have their turns."""
        self._is_served = False

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def wait(self, address: str) -> None:
        """Return when it is the turn of somebody at `address`."""
        network = network_of(address)
        place = Event()
        self._waiting.setdefault(network, deque()).append(place)
        if not self._is_served:
            self._is_served = True
            gevent.spawn(self._serve)
        try:
            place.wait()
        except BaseException:  # it goes, or has to go
            self._leave(network, place)
            raise

    def _leave(self, network: str, place: Event) -> None:
        places = self._waiting.get(network, deque())
        if place in places:
            places.remove(place)
            if not places:
                del self._waiting[network]

    def _serve(self) -> None:
        try:
            while self._waiting:
                gevent.idle(HIGHEST_PRIORITY)
                until = self._stopwatch() + SHARE_S
                while self._waiting:
                    self._let_one_through()
                    gevent.sleep(0)  # until it has done what it wanted, or has to wait for something else
                    if self._stopwatch() >= until:
                        break
        finally:
            self._is_served = False  # whoever comes next has it served again

    def _let_one_through(self) -> None:
        network = next(iter(self._waiting))
        places = self._waiting.pop(network)
        place = places.popleft()
        if places:
            self._waiting[network] = places  # behind all others
        place.set()
