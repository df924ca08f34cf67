from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import msgspec
import pytest

from tests.e2e import messages
from tests.e2e.running import RunningServer
from tests.interop import nodejs
from tests.interop.nodejs import JsClient, Node

Connect = Callable[..., JsClient]
Follow = Callable[[str], JsClient]
Document = dict[str, Any]


class LogOn(Protocol):
    """Connects a client and logs it on."""

    def __call__(self, *identity: str, **changes: Any) -> JsClient: ...


def text(message: object) -> str:
    """Return `message` as real clients send it: JSON in a text."""
    return msgspec.json.encode(message).decode()


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    nodejs.require_node()
    nodejs.install(nodejs.DIRECTORY)
    running = Node()
    yield running
    running.close()


@pytest.fixture
def is_compressed() -> bool:
    """Whether real clients offer compression, as they do by default. A module may have it both ways."""
    return True


BOTH_WAYS: Final = pytest.fixture(
    params=[True, False], ids=["compressed", "not compressed"], name="is_compressed"
)
"""Makes a fixture that has the tests of a module run with and without compression."""


@pytest.fixture
def connect(node: Node, is_compressed: bool) -> Iterator[Connect]:
    """Connect real clients: `connect(url, **options of socket.io-client)`. They do not reconnect unless told so.

    Each WebSocket is proved to be compressed, or not to be, as the test wants it.
    """
    clients = []
    wanted = {} if is_compressed else {"perMessageDeflate": False}

    def connect_one(url: str, **options: object) -> JsClient:
        clients.append(node.connect(url, **{"reconnection": False, **wanted, **options}))
        return clients[-1]

    yield connect_one
    for client in clients:
        client.leave()
    for client in clients:
        client.wait_until_happened("closed")
        assert all(("permessage-deflate" in each) is is_compressed for each in client.websockets())


@pytest.fixture
def observe(connect: Connect, server: RunningServer) -> LogOn:
    """Log observers on: `observe(group_code, **changes of the logon)`."""

    def log_on(*identity: str, **changes: Any) -> JsClient:
        client = connect(server.ingest_url)
        client.emit("obs_logon", text(messages.observer_logon(*identity, **changes)))
        return client

    return log_on


@pytest.fixture
def join(connect: Connect, server: RunningServer) -> LogOn:
    """Log auxiliary clients on: `join(match_id, player_id, **changes of the logon)`."""

    def log_on(*identity: str, **changes: Any) -> JsClient:
        client = connect(server.ingest_url)
        client.emit("aux_logon", text(messages.auxiliary_logon(*identity, **changes)))
        return client

    return log_on


@pytest.fixture
def follow(connect: Connect, server: RunningServer) -> Follow:
    """Let an overlay follow a match: `follow(group_code)`."""

    def log_on(group_code: str) -> JsClient:
        overlay = connect(server.output_url)
        overlay.emit("logon", text({"groupCode": group_code}))
        overlay.wait_for("logon_success")
        return overlay

    return log_on


def tell(observer: JsClient, group_code: str, kind: str, data: Any = True) -> None:
    observer.emit("obs_data", text(messages.observer_data(group_code, kind, data)))


def tell_auxiliary(client: JsClient, match_id: str, player_id: str, kind: str, data: Any) -> None:
    client.emit("aux_data", text(messages.auxiliary_data(match_id, player_id, kind, data)))


def player_of(document: Document, player_id: str) -> Document:
    players: list[Document] = [player for team in document["teams"] for player in team["players"]]
    return next((player for player in players if player["riotId"] == player_id), {})
