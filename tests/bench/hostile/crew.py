"""The real match: an observer, ten auxiliary clients and some overlays, all of whom mean well and must notice nothing.

What each client sends is kept, and compared in the end with the journal of the server, text by text and in order. One
in `MARK_EVERY` events is marked: that is a sample of the time from `emit` to each overlay.

Beside it a recorded match is played by `valo-ingest replay`, which asks for an acknowledgement of every event.
"""

import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import count, cycle
from pathlib import Path
from typing import Final

import msgspec

from tests.bench.connections import LoadError
from tests.bench.frames import event_frame, text_of
from tests.bench.matches import FIRST_MARK, Match, Message
from tests.bench.pacing import Schedule, latencies
from tests.bench.stage import Logon, Script, Stage, View, overlay_logon
from tests.e2e.running import ROOT, clean_environment
from valo_ingest.storage.tables import FILE_NAME, MATCH_COLUMNS, read_match
from valo_ingest.wire.record import Kind

AUXILIARIES: Final = 10
OVERLAYS: Final = 5
EVENTS_PER_S: Final = 50.0
"""Of all clients together: about ten times as many as in a recorded match, so that there are enough samples."""
MARK_EVERY: Final = 5

AGREE_S: Final = 10.0

LAST_S: Final = 30.0
"""For the last mark to be seen by all."""

Texts = dict[str, list[str]]
"""What was told, by the player whose client told it; the observer's is ""."""


class Crew:
    """The clients of the real match."""

    def __init__(self, stage: Stage, *, rate: float = EVENTS_PER_S) -> None:
        self.match = Match(0)
        self.told: Texts = defaultdict(list)
        self._stage = stage
        self._rate = rate
        self._views: list[View] = []
        self._marks = count(FIRST_MARK)
        self._sent: list[tuple[int, float]] = []
        self._streams: Iterator[tuple[int, Iterator[Message]]] = iter(())

    def enter(self) -> None:
        """Bring the match to where its first round begins, with all its clients."""
        stage, match = self._stage, self.match
        opening = list(match.opening())
        self.told[""] += map(text_of, opening)
        frames = [event_frame("obs_data", told, compression=stage.loop.compression) for told in opening]
        stage.open_matches([Script(match, frames)], auxiliaries=AUXILIARIES)
        live = stage.matches[0]
        views = [View() for _ in range(OVERLAYS - 1)]
        followings: list[Logon] = [overlay_logon(match) for _ in views]
        stage.log_on(stage.server.output_port, followings, views=views)
        self._views = [live.view, *views]
        own = [(0, match.observer_messages(games=None))]
        own += [(number, match.auxiliary_messages(number - 1)) for number in range(1, 1 + AUXILIARIES)]
        self._streams = cycle(own)

    def play(self, seconds: float) -> None:
        """Tell of the match for so long, at an even pace."""
        total = int(seconds * self._rate)
        schedule = Schedule(self._rate, total)
        began = time.perf_counter()
        sent = 0
        while sent < total:
            while sent < schedule.due(time.perf_counter() - began):
                self._tell(sent)
                sent += 1
            self._stage.loop.step(began + schedule.due_at(sent) - time.perf_counter())

    def _tell(self, number: int) -> None:
        senders = self._stage.matches[0].senders
        if number % MARK_EVERY:
            client, stream = next(self._streams)
            message = next(stream)
        else:
            client, mark = 0, next(self._marks)
            message = self.match.marked_board(mark)
            self._sent.append((mark, time.perf_counter()))
        self.told["" if client == 0 else self.match.players[client - 1]["playerId"]].append(text_of(message))
        name = "obs_data" if client == 0 else "aux_data"
        senders[client].send(event_frame(name, message, compression=self._stage.loop.compression))

    def await_last(self) -> None:
        """Return when all overlays have seen the last mark."""
        last, _ = self._sent[-1]
        everybody = self._views
        self._stage.loop.run_until(
            lambda: all(last in view.marks for view in everybody), "all see the last mark", within_s=LAST_S
        )

    def waits(self, *, since: float = 0.0) -> list[float]:
        """Return how long each mark that was sent `since` then took to each overlay, in seconds."""
        sent = [each for each in self._sent if each[1] >= since]
        return [wait for view in self._views for wait in latencies(sent, view.newest)]

    def agrees(self) -> bool:
        """Tell whether all overlays come to show the same, now that nothing is told any more."""
        first, *others = self._views
        try:
            self._stage.loop.run_until(
                lambda: all(view.packet == first.packet for view in others),
                "all show the same",
                within_s=AGREE_S,
            )
        except LoadError:
            return False
        return True


def kept(data_dir: Path, group_code: str) -> Texts:
    """Return what the journal of a server that has stopped has of a match."""
    texts: Texts = defaultdict(list)
    with closing(sqlite3.connect(data_dir / FILE_NAME)) as database:
        rows = database.execute(
            f"SELECT {MATCH_COLUMNS} FROM matches WHERE group_code = ? ORDER BY number DESC", (group_code,)
        )
        number = read_match(rows.fetchone()).number
        entries = database.execute("SELECT kind, text FROM entries WHERE match = ? ORDER BY id", (number,))
        for kind, text in entries:
            if Kind(kind) is Kind.OBSERVER_MESSAGE:
                texts[""].append(text)
            elif Kind(kind) is Kind.AUXILIARY_MESSAGE:
                texts[msgspec.json.decode(text)["playerId"]].append(text)
    return texts


def lost(told: Mapping[str, Sequence[str]], kept_texts: Mapping[str, Sequence[str]]) -> int:
    """Return how many events of a client are missing, or stand behind one that was sent later."""
    missing = 0
    for player, texts in told.items():
        found = iter(kept_texts.get(player, ()))
        missing += sum(text not in found for text in texts)  # which looks on from where the last was found
    return missing


ACCOUNT: Final = re.compile(r"Sent ([\d,]+) events?: ([\d,]+) accepted, ([\d,]+) refused, ([\d,]+) lost")

STREAM: Final = ROOT.parent / "shared" / "streams" / "real-inhouse-2024-03-aux.jsonl"
"""A recorded match with auxiliary clients, where there is one beside this checkout; otherwise one is simulated."""

STOP_S: Final = 60.0


class SecondMatch:
    """A match that is played by a program of its own, which accounts for every event by acknowledgements."""

    def __init__(self, url: str, key: str, directory: Path) -> None:
        self.is_recorded = STREAM.exists()
        what = ["replay", str(STREAM), "--loop"] if self.is_recorded else ["simulate", "--aux", "10"]
        command = [
            sys.executable,
            "-m",
            "valo_ingest",
            *what,
            "--url",
            url,
            "--key",
            key,
            "--group-code",
            "SECOND",
        ]
        self._output = directory / "second.txt"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=directory,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def finish(self) -> tuple[int, int]:
        """End it; return how many events were sent, and how many lost.

        Raises:
            LoadError: It tells no such thing.
        """
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        said = self._output.read_text(encoding="utf-8")
        accounts = ACCOUNT.findall(said)
        if not accounts:
            raise LoadError(f"the second match gives no account: {said[-500:]}")
        sent, _, _, missing = (
            sum(int(each[place].replace(",", "")) for each in accounts) for place in range(4)
        )
        return sent, missing

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
