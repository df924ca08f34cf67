from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from tests.e2e import messages
from tests.e2e.messages import fresh_code
from tests.e2e.running import RunningServer
from tests.e2e.sockets import Client, PollingClient, WebSocketClient

Document = dict[str, Any]


class WatchedMatch:
    """A match with its observer and an overlay, which shows whether something that was sent changed it."""

    def __init__(self, server: RunningServer, observer: Client) -> None:
        self.server = server
        self.code = fresh_code()
        self.observer = observer
        observer.emit("obs_logon", messages.observer_logon(self.code))
        assert observer.wait_for("obs_logon_ack")["value"] is True
        self.overlay = WebSocketClient(server.output_port)
        self.overlay.emit("logon", {"groupCode": self.code})
        self.document: Document = self.overlay.wait_for("match_data")

    def tell(self, kind: str, data: Any = True, **changes: Any) -> None:
        self.observer.emit("obs_data", as_text(messages.observer_data(self.code, kind, data, **changes)))

    def prepare(self) -> None:
        """Start the match, with a player "P" in team 0 and "Q" in team 1."""
        self.tell("roster", messages.roster("P"))
        self.tell("roster", messages.roster("Q", team=1))
        self.tell("match_start", self.code)
        self.document = self.overlay.wait_for("match_data", lambda document: document["isRunning"])

    def assert_unchanged(self) -> None:
        """Prove that nothing sent until now changed the match, and that its observer can still do so.

        The server takes in what a client sends in order. So the next document that overlays get is one in which a key
        was pressed since the last one, and in which nothing else has changed.
        """
        self.observer.answer_pings()
        shown = not self.document["showAliveKDA"]
        self.tell("switch_kda_credits")
        document = self.overlay.wait_for("match_data")
        assert document == {**self.document, "showAliveKDA": shown}
        self.document = document

    def close(self) -> None:
        self.observer.close()
        self.overlay.close()


class Counting:
    """What was refused since the last look at it."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._before = server.refused()

    def new(self) -> dict[str, int]:
        """Return how often each reason has come up since the last call."""
        before, self._before = self._before, self._server.refused()
        return {
            reason: count - before.get(reason, 0)
            for reason, count in self._before.items()
            if count > before.get(reason, 0)
        }


def as_text(message: object) -> str:
    """Return `message` as real clients send it: JSON in a text."""
    return msgspec.json.encode(message).decode()


@pytest.fixture(scope="module")
def watched(server: RunningServer) -> Iterator[WatchedMatch]:
    """A match whose observer is on a WebSocket, for all tests of a module."""
    match = WatchedMatch(server, WebSocketClient(server.ingest_port))
    match.prepare()
    yield match
    match.close()


@pytest.fixture
def polled(server: RunningServer) -> Iterator[WatchedMatch]:
    """A match whose observer polls."""
    match = WatchedMatch(server, PollingClient(server.ingest_port))
    yield match
    match.close()


@pytest.fixture(scope="module")
def bystander(server: RunningServer) -> Iterator[WatchedMatch]:
    """A match that nobody disturbs."""
    match = WatchedMatch(server, WebSocketClient(server.ingest_port))
    match.prepare()
    yield match
    match.close()


@pytest.fixture
def counting(server: RunningServer) -> Counting:
    return Counting(server)


@pytest.fixture
def connect(server: RunningServer) -> Iterator[Callable[..., Client]]:
    """Connect clients that are closed after the test: `connect()` to the ingest side, `connect(port)` to another."""
    clients: list[Client] = []

    def connect_one(port: int = 0, kind: type[Client] = WebSocketClient) -> Client:
        clients.append(kind(port or server.ingest_port))
        return clients[-1]

    yield connect_one
    for client in clients:
        client.close()
