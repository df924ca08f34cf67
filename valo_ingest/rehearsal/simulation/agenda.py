"""Made-up time: what is to be done at which instant."""

import heapq
from collections.abc import Callable


class Agenda:
    """Does things in the order of their instants, and in the order of planning where those are the same."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._planned: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, at_ms: float, action: Callable[[], None]) -> None:
        """Plan `action`. What should have been done already is done next."""
        self._count += 1
        heapq.heappush(self._planned, (max(round(at_ms), self.now_ms), self._count, action))

    def after(self, delay_ms: float, action: Callable[[], None]) -> None:
        """Plan `action` for `delay_ms` from now."""
        self.at(self.now_ms + delay_ms, action)

    def do_next(self) -> bool:
        """Do the next thing; tell whether there was one."""
        if not self._planned:
            return False
        self.now_ms, _, action = heapq.heappop(self._planned)
        action()
        return True
