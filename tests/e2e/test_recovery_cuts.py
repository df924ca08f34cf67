"""A match whose observer loses the connection again and again, in the ways in which connections are lost."""

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.recorded import (
    Recording,
    assert_in_order,
    count_events,
    missing,
    numbers_on,
    runs,
    uninterrupted,
)
from tests.e2e.running import eventually
from tests.e2e.stage import Stage, as_text, log_on, timeless
from tests.e2e.stage import code_fixture as code_fixture
from tests.e2e.stage import house_fixture as house_fixture
from tests.e2e.stage import shared_stage_fixture as shared_stage_fixture
from valo_ingest.wire.record import Kind

CUTS = 10
BLACKHOLES = 5
"""Fewer, because each of them goes unnoticed for a while."""

RESERVE = 20
"""Messages that are played after the last cut."""

ANY_TRANSPORT: dict[str, Any] = {}
WEBSOCKET_ONLY = {"transports": ["websocket"]}
POLLING_ONLY = {"transports": ["polling"]}

MOMENT_S = 3.0
"""How long what a test tells a client may take to be on the cable, on a busy machine."""

NOTICED_S = 12
"""A silent connection is noticed after 2 s with the pings of these tests, and after 45 s without."""


class Cutting:
    """Plays a recording over a cable that is cut now and then, once the client has recovered from the cut before."""

    def __init__(self, stage: Stage, group_code: str, options: dict[str, Any]) -> None:
        self.stage = stage
        self.recording = Recording(group_code)
        self.cable = stage.cable(stage.server.ingest_port)
        self.observer = stage.connect(self.cable.url, **options)
        self.observer.emit("obs_logon", as_text(self.recording.logon))
        log_on(self.observer)
        self._upgrades = options == ANY_TRANSPORT
        self.cuts = 0
        self.emitted_at: list[float] = []
        self.cut_at: list[float] = []
        self.noticed_at: list[float] = []
        """When the client noticed each cut."""
        self._cut: Callable[[], None] = self.cable.cut
        self._every_s: Callable[[], float] = lambda: 0
        self._due_at = 0.0

    def play(self, how: str, *, speed: float, cuts: int, every_s: float) -> None:
        """Play it to the end and cut the cable so often, about every `every_s`; `how` is a method of `Proxy`."""
        self.cuts = cuts
        moments = random.Random(how)
        self._cut, self._every_s = getattr(self.cable, how), lambda: moments.uniform(0.5, 1.5) * every_s
        self._due_at = time.monotonic() + self._every_s()
        for number, text in self.recording.paced(speed, self._look):
            if number == len(self.recording.texts) - RESERVE:
                eventually(self._has_cut_enough, "all the cuts", within_s=cuts * NOTICED_S)
            self.emitted_at.append(time.monotonic())
            self.observer.emit("obs_data", text)
        eventually(lambda: "io server disconnect" in self.observer.texts("disconnect"), "the match ends")

    def _has_cut_enough(self) -> bool:
        self._look()
        return len(self.cut_at) == self.cuts and self._is_settled()

    def _look(self) -> None:
        """Note that the client has noticed a cut, or cut again if it is time for that."""
        if self.observer.names().count("disconnect") > len(self.noticed_at):
            self.noticed_at.append(time.monotonic())
        if len(self.cut_at) < self.cuts and time.monotonic() >= self._due_at and self._is_settled():
            self.cut_at.append(time.monotonic())
            self._due_at = self.cut_at[-1] + self._every_s()
            self._cut()

    def _is_settled(self) -> bool:
        """Tell whether the client has recovered, and is through with its upgrade to a WebSocket."""
        names = self.observer.names()
        wanted = len(self.cut_at) + 1
        return names.count("connect") == wanted and (not self._upgrades or names.count("upgrade") == wanted)

    def finish(self) -> list[int]:
        """Prove what always holds, and return the numbers of the messages that were lost: a row of them at a cut."""
        numbers = self.numbers()
        assert_in_order(numbers)
        assert count_events(self.cable.sent(), "obs_logon") == 1
        record = self.stage.kept(self.recording.group_code)
        assert record.told(Kind.OBSERVER_ON) == ["recovered"] * self.cuts
        document = self.stage.document(self.recording.group_code)
        assert timeless(document) == timeless(uninterrupted(self.stage, numbers))
        lost = missing(numbers, len(self.recording.texts))
        assert len(runs(lost)) <= self.cuts, f"something else than {self.cuts} cuts lost {runs(lost)}"
        for number in lost:
            assert any(
                cut_at - MOMENT_S < self.emitted_at[number] <= noticed_at
                for cut_at, noticed_at in self.unnoticed
            ), number
        return lost

    @property
    def unnoticed(self) -> list[tuple[float, float]]:
        """From when to when the client did not know of each cut."""
        return list(zip(self.cut_at, self.noticed_at, strict=True))

    def numbers(self) -> list[int]:
        """Return the numbers of the messages that the server has taken in."""
        return self.stage.kept(self.recording.group_code).numbers()


@pytest.mark.parametrize("options", [ANY_TRANSPORT, WEBSOCKET_ONLY], ids=["default", "websocket"])
def test_clean_cuts_lose_nothing_that_was_sent(stage: Stage, code: str, options: dict[str, Any]) -> None:
    """A WebSocket of the client throws away what it is given between the end of TCP and telling its owner of that.

    That is a turn of Node's loop. So this looks at what was really on the cable.
    """
    stage.start()
    cutting = Cutting(stage, code, options)

    cutting.play("cut", speed=150, cuts=CUTS, every_s=0.35)

    lost = cutting.finish()
    assert cutting.numbers() == sorted(numbers_on(cutting.cable))
    print(f"\n{CUTS} clean cuts: {len(lost)} of {len(cutting.recording.texts)} messages were never sent")


@pytest.mark.parametrize("options", [ANY_TRANSPORT, POLLING_ONLY], ids=["default", "polling"])
def test_resets_lose_only_what_was_on_its_way(stage: Stage, code: str, options: dict[str, Any]) -> None:
    stage.start()
    cutting = Cutting(stage, code, options)

    cutting.play("reset", speed=150, cuts=CUTS, every_s=0.35)

    lost = cutting.finish()
    print(f"\n{CUTS} resets: {len(lost)} of {len(cutting.recording.texts)} messages lost")


def test_blackholes_lose_only_what_was_sent_before_the_client_noticed(stage: Stage, code: str) -> None:
    stage.start("--ping-interval", "1", "--ping-timeout", "1")
    cutting = Cutting(stage, code, ANY_TRANSPORT)

    cutting.play("blackhole", speed=55, cuts=BLACKHOLES, every_s=2.2)

    lost = cutting.finish()
    waited = [noticed_at - cut_at for cut_at, noticed_at in cutting.unnoticed]
    assert max(waited) < NOTICED_S
    print(
        f"\n{BLACKHOLES} blackholes, noticed after {min(waited):.1f} to {max(waited):.1f} s: "
        f"{len(lost)} of {len(cutting.recording.texts)} messages lost in {sum(waited):.1f} s"
    )
