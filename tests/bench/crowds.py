"""Many clients that hardly say anything: logging on all at once, staying idle, coming and going."""

import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.connections import Connection
from tests.bench.frames import CLOSE, masked_frame
from tests.bench.matches import PLAYERS
from tests.bench.measure import peak_rss_bytes, percentile, rss_bytes
from tests.bench.scenario import Outcome
from tests.bench.servers import Holdings
from tests.bench.stage import Document, Logon, Script, Stage, auxiliary_logon

SETTLED_S: Final = 1.0

STARTED_S: Final = 6.0
"""A server does for 5 s what it does at its start only."""

GONE_S: Final = 60
"""What a connection held must be given back within this time."""

LOOK_S: Final = 0.5


def _open(stage: Stage, matches: int) -> None:
    scripts = [Script.write(index, compression=stage.loop.compression) for index in range(matches)]
    stage.open_matches(scripts)


def _logons(stage: Stage, clients: int) -> list[Logon]:
    """Return logons of auxiliary clients, spread over matches and players."""
    matches = len(stage.matches)
    return [
        auxiliary_logon(stage.matches[number % matches].match, number // matches % PLAYERS)
        for number in range(clients)
    ]


@dataclass(frozen=True)
class LogonStorm:
    """All clients connect at the same moment and log on."""

    matches: int
    clients: int

    def play(self, stage: Stage, shown: Document | None) -> Outcome:
        _open(stage, self.matches)
        logons = _logons(stage, self.clients)
        with stage.clocks() as clocks:
            clients, admitted = stage.log_on(stage.server.ingest_port, logons, at_once=len(logons))
            window = clocks.read()
        stage.check_nothing_refused()
        waits = [at - client.began_at for client, at in zip(clients, admitted, strict=True)]
        measures = {
            "logon_us": window.server_s / self.clients * 1e6,
            "p50_ms": percentile(waits, 0.50) * 1e3,
            "p99_ms": percentile(waits, 0.99) * 1e3,
            "peak_rss_mb": peak_rss_bytes(stage.server.pid) / 1e6,
        }
        return Outcome(measures, window)


@dataclass(frozen=True)
class Idle:
    """Clients are logged on and say nothing, but answer pings."""

    matches: int
    clients: int
    seconds: float
    """How long they stay; from 30 s on every one of them has been pinged, and has answered."""

    def play(self, stage: Stage, shown: Document | None) -> Outcome:
        _open(stage, self.matches)
        logons = _logons(stage, self.clients)
        stage.loop.run_for(SETTLED_S)
        before = rss_bytes(stage.server.pid)
        clients, _ = stage.log_on(stage.server.ingest_port, logons)
        stage.loop.run_for(SETTLED_S)
        taken = rss_bytes(stage.server.pid) - before
        with stage.clocks() as clocks:
            stage.loop.run_for(self.seconds)
            window = clocks.read()
        stage.check_nothing_refused()
        measures = {
            "client_kb": taken / self.clients / 1e3,
            "held": sum(client.is_open for client in clients),
            "pings": stage.loop.pings,
            "idle_share": window.server_s / window.wall_s * 100,
            "peak_rss_mb": peak_rss_bytes(stage.server.pid) / 1e6,
        }
        return Outcome(measures, window)


@dataclass(frozen=True)
class Churn:
    """Clients come, log on and go, each kind of leaving in turn; then nothing of them may be left."""

    matches: int
    clients: int
    at_once: int

    def play(self, stage: Stage, shown: Document | None) -> Outcome:
        _open(stage, self.matches)
        stage.loop.run_for(STARTED_S)
        before = stage.server.holdings()
        self._come_and_go(stage, self.at_once)
        rss_before = rss_bytes(
            stage.server.pid
        )  # what is made once, for the first of its kind, is there by now
        with stage.clocks() as clocks:
            for _ in range(self.at_once, self.clients, self.at_once):
                self._come_and_go(stage, self.at_once)
            window = clocks.read()
        after = self._await(stage, before)
        measured = self.clients - self.at_once
        stage.check_nothing_refused()
        measures = {
            "left_connections": after.connections - before.connections,
            "left_files": after.files - before.files,
            "left_greenlets": after.greenlets - before.greenlets,
            "left_kb": (rss_bytes(stage.server.pid) - rss_before) / measured / 1e3,
            "logon_us": window.server_s / measured * 1e6,
        }
        return Outcome(measures, window)

    def _come_and_go(self, stage: Stage, clients: int) -> None:
        connections, _ = stage.log_on(stage.server.ingest_port, _logons(stage, clients))
        for number, connection in enumerate(connections):
            LEAVING[number % len(LEAVING)](connection)

    def _await(self, stage: Stage, before: Holdings) -> Holdings:
        """Return what the server holds when that is the same as before, or after a while in any case."""
        deadline = time.perf_counter() + GONE_S
        while (now := stage.server.holdings()) != before and time.perf_counter() < deadline:
            stage.loop.run_for(LOOK_S)
        return now


def _say_goodbye(connection: Connection) -> None:
    """Leave as Socket.IO does."""
    connection.send(masked_frame(b"41"))
    connection.close()


def _close_websocket(connection: Connection) -> None:
    connection.send(masked_frame(b"\x03\xe8", CLOSE))
    connection.close()


def _hang_up(connection: Connection) -> None:
    connection.close()


def _reset(connection: Connection) -> None:
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


LEAVING: Final[Sequence[Callable[[Connection], None]]] = (_say_goodbye, _close_websocket, _hang_up, _reset)
"""The ways in which clients end their connection."""
