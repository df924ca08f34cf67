"""The attackers: a process that begins attempts of all rows at their rates, and tells in the end how they went.

Run as a program, it takes its orders as JSON on standard input, and prints one line of JSON.
"""

import asyncio
import json
import logging
import os
import ssl
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.hostile import rows
from tests.bench.hostile.peers import Attacker, NotEnded, Target
from tests.bench.hostile.rows import Row
from tests.e2e.running import ROOT

LOW_PRIORITY: Final = 10

NETWORK: Final = "127.0.1."
"""Each row has an address of its own; the crew of the real match is at 127.0.0.1."""

EXPECTED: Final = (ConnectionError, TimeoutError, asyncio.IncompleteReadError, ssl.SSLError, OSError)
"""What an attacker meets when the server ends its connection, or makes it wait too long."""

MAX_BEHIND_S: Final = 1.0
"""What could not begin in time, because the attackers got too little of the processor, is left out."""


@dataclass(frozen=True)
class Orders:
    """What attackers are told."""

    target: Target
    seconds: float
    intensity: float
    """By which all rates are multiplied."""
    names: Sequence[str]
    """Of the rows to be played."""

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def of_json(text: str) -> "Orders":
        values = json.loads(text)
        return Orders(**{**values, "target": Target(**values["target"])})


class Campaign:
    """All rows against one server."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self.attempts: Counter[str] = Counter()
        self.not_ended: Counter[str] = Counter()
        """Attempts that the server should have ended."""
        self.faults: dict[str, str] = {}
        """What went wrong with a row itself."""
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        found = rows.load()
        wanted = [found[name] for name in self._orders.names]
        players = [self._play(each, f"{NETWORK}{place + 1}") for place, each in enumerate(wanted)]
        await asyncio.gather(*players)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _play(self, row: Row, address: str) -> None:
        attacker = Attacker(self._orders.target, address)
        rate = row.per_s * self._orders.intensity
        end = time.monotonic() + self._orders.seconds
        due = time.monotonic()
        while time.monotonic() < end:
            for _ in range(row.at_once):
                task = asyncio.create_task(self._attempt(row, attacker, self.attempts[row.name]))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                self.attempts[row.name] += 1
            due = max(due + row.at_once / rate, time.monotonic() - MAX_BEHIND_S)
            await asyncio.sleep(min(max(0.0, due - time.monotonic()), max(0.0, end - time.monotonic())))

    async def _attempt(self, row: Row, attacker: Attacker, number: int) -> None:
        try:
            await row.act(attacker, number)
        except NotEnded:
            self.not_ended[row.name] += 1
        except EXPECTED:
            pass
        except Exception as error:  # a fault of the row: the verdict names it
            self.faults[row.name] = repr(error)

    def report(self) -> dict[str, Any]:
        return {
            "cpu_s": time.process_time(),
            "attempts": self.attempts,
            "not_ended": self.not_ended,
            "faults": self.faults,
        }


def command() -> tuple[Sequence[str], Mapping[str, str], Path]:
    """Return how to start attackers: the command, the environment, and where."""
    return [sys.executable, "-m", "tests.bench.hostile.attackers"], dict(os.environ), ROOT


def main() -> None:
    with suppress(OSError):
        os.nice(LOW_PRIORITY)
    logging.getLogger("asyncio").setLevel(
        logging.ERROR
    )  # it warns of each write to a connection that has ended
    campaign = Campaign(Orders.of_json(sys.stdin.readline()))
    asyncio.run(campaign.run())
    print(json.dumps(campaign.report()), flush=True)


if __name__ == "__main__":
    main()
