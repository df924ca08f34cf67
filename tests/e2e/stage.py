"""What the tests of recovery play on: a server that can be killed and come back, cables, and real clients."""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.e2e import messages
from tests.e2e.proxy import Proxy
from tests.e2e.running import RunningServer, eventually, serve_command
from tests.e2e.sockets import Client, WebSocketClient
from tests.interop import nodejs
from tests.interop.nodejs import JsClient, Node
from tests.ports import closed_ports
from valo_ingest.game.state import new_match
from valo_ingest.storage.tables import FILE_NAME, MATCH_COLUMNS, read_match
from valo_ingest.wire import overlay
from valo_ingest.wire.record import Entry, Kind, Opening, replay

DIFFICULT: Final[dict[str, Any]] = {"reconnectionDelay": 50, "reconnectionDelayMax": 200}
"""Options of clients that come back soon, so that tests are quick. Everything else is as the real ones have it."""

INSTANTS: Final = ("agentSelectStartTime", "roundTimeoutTime", "spikeDetonationTime")

STATES: Final = ("connect", "disconnect")

Document = dict[str, Any]


class Stage:
    """A server, its clients and the cables between them, in one directory. Everything is gone after `close`.

    Several tests may play on one after the other: `clear` takes the clients and the cables of a test away, and `start`
    leaves a server as it is that runs already as it is wanted.
    """

    def __init__(self, directory: Path) -> None:
        self._parent = directory
        self._directory = directory
        self._servers = 0
        self._arguments: tuple[str, ...] = ()
        self._server: RunningServer | None = None
        self._node: Node | None = None
        self._clients: list[JsClient] = []
        self._raw_clients: list[Client] = []
        self._proxies: list[Proxy] = []
        self._earlier_logs = ""

    # --- the server -------------------------------------------------------------------------------------------

    @property
    def server(self) -> RunningServer:
        assert self._server is not None, "call start first"
        return self._server

    @property
    def data_dir(self) -> Path:
        return self._directory / "data"

    @property
    def log(self) -> str:
        """Return everything that the server has logged, before and after restarts."""
        return self._earlier_logs + self.server.log

    def start(self, *arguments: str) -> None:
        """Start a server with data of its own, unless one runs with these arguments already."""
        if self._server is not None:
            if arguments == self._arguments and self._server.process.poll() is None:
                return
            self._end_server()
        self._servers += 1
        self._directory = self._parent / f"server-{self._servers}"
        self._directory.mkdir()
        self._arguments = arguments
        self._server = self._serve(closed_ports())

    def _serve(self, ports: tuple[int, int, int]) -> RunningServer:
        key = ("--auth-key", messages.ACCESS_KEY)
        return RunningServer(
            self._directory, serve_command("--insecure", *key, *self._arguments, ports=ports)
        )

    def _end_server(self) -> None:
        self.kill()
        self.server.assert_no_traceback()
        self._earlier_logs += self.server.log
        self._server = None

    def kill(self) -> None:
        """End the server as the system does that runs out of memory."""
        self.server.process.kill()
        self.server.process.wait()

    def restart(self) -> float:
        """Start the server again, with the same data and ports; return how many seconds it took to be ready."""
        self._earlier_logs += self.server.log
        began = time.monotonic()
        self._server = self._serve(self.server.ports)
        return time.monotonic() - began

    # --- clients ----------------------------------------------------------------------------------------------

    def cable(self, port: int) -> Proxy:
        """Return a cable to a port of the server."""
        self._proxies.append(Proxy(port))
        return self._proxies[-1]

    def connect(self, url: str, **options: Any) -> JsClient:
        """Connect a real client, which comes back by itself."""
        if self._node is None:
            nodejs.require_node()
            nodejs.install(nodejs.DIRECTORY)
            self._node = Node()
        self._clients.append(self._node.connect(url, **{**DIFFICULT, **options}))
        return self._clients[-1]

    def observe(
        self,
        group_code: str,
        *,
        over: Proxy | None = None,
        options: dict[str, Any] | None = None,
        **changes: Any,
    ) -> JsClient:
        """Connect an observer and log it on, once; its answer has not been looked at."""
        client = self.connect(self.server.ingest_url if over is None else over.url, **(options or {}))
        client.emit("obs_logon", as_text(messages.observer_logon(group_code, **changes)))
        return client

    def follow(self, group_code: str, *, over: Proxy | None = None, **options: Any) -> JsClient:
        """Connect an overlay and log it on, once."""
        client = self.connect(self.server.output_url if over is None else over.url, **options)
        client.emit("logon", as_text({"groupCode": group_code}))
        client.wait_for("logon_success")
        return client

    def raw(self, port: int) -> WebSocketClient:
        """Connect a client without a library, which does not come back."""
        client = WebSocketClient(port)
        self._raw_clients.append(client)
        return client

    def document(self, group_code: str) -> Document:
        """Return the state of a match that the server shows now."""
        client = WebSocketClient(self.server.output_port)
        try:
            client.emit("logon", {"groupCode": group_code})
            shown: Document = client.wait_for("match_data")
            return shown
        finally:
            client.close()

    def clear(self) -> None:
        """Take the clients and the cables away; the server goes on."""
        for client in self._clients:
            client.leave()
        for raw in self._raw_clients:
            raw.close()
        for proxy in self._proxies:
            proxy.close()
        self._clients, self._raw_clients, self._proxies = [], [], []

    def close(self) -> None:
        """Take everything down, and prove that the server logged no traceback."""
        self.clear()
        if self._node is not None:
            self._node.close()
        if self._server is not None:
            self._end_server()
        assert "Traceback" not in self._earlier_logs, self._earlier_logs[-10_000:]

    # --- what was kept ----------------------------------------------------------------------------------------

    def kept(self, group_code: str) -> "KeptRecord":
        """Return what the journal holds of the newest match of that code."""
        with closing(sqlite3.connect(self.data_dir / FILE_NAME)) as database:
            rows = database.execute(
                f"SELECT {MATCH_COLUMNS} FROM matches WHERE group_code = ? ORDER BY number DESC",
                (group_code,),
            )
            found = read_match(rows.fetchone())
            entries = database.execute(
                "SELECT at, kind, text FROM entries WHERE match = ? ORDER BY id", (found.number,)
            )
            return KeptRecord(found.opening, [Entry(at, Kind(kind), text) for at, kind, text in entries])


class KeptRecord:
    """The record of a match."""

    def __init__(self, opening: Opening, entries: list[Entry]) -> None:
        self.opening = opening
        self.entries = entries

    def numbers(self) -> list[int]:
        """Return the numbers of the messages of the observer that were taken in, in their order."""
        return [
            msgspec.json.decode(entry.text)["timestamp"]
            for entry in self.entries
            if entry.kind is Kind.OBSERVER_MESSAGE
        ]

    def told(self, kind: Kind, name: str = "how") -> list[str]:
        """Return what the entries of a kind tell under `name`."""
        return [msgspec.json.decode(entry.text).get(name) for entry in self.entries if entry.kind is kind]

    def documents(self) -> Iterator[str]:
        """Yield what overlays may have seen: the state after every prefix of the record."""
        match = new_match(self.opening.setup)
        yield overlay.encode(match)
        for entry in self.entries:
            match = replay(match, (entry,))
            yield overlay.encode(match)


def assert_stays_true(seen: Iterable[str], record: KeptRecord) -> None:
    """Prove that each document is the state after a prefix of the record, and none after a shorter one than before."""
    truths = record.documents()
    truth = next(truths)
    for number, text in enumerate(seen):
        while truth != text:
            found = next(truths, None)
            assert found is not None, f"document {number} is no state that the record leads to: {text}"
            truth = found


def as_text(message: object) -> str:
    """Return `message` as real clients send it: JSON in a text."""
    return msgspec.json.encode(message).decode()


def timeless(document: Document) -> Document:
    """Return a document without its group code, and without instants except for whether they are there."""
    return {
        **document,
        "groupCode": "",
        **{name: "an instant" for name in INSTANTS if name in document},
    }


def log_on(client: JsClient) -> str:
    """Return the group secret of an observer that has been let in."""
    answer = client.wait_for("obs_logon_ack")
    assert answer["value"] is True, answer
    return str(answer["reason"])


def tell(client: JsClient | Client, group_code: str, kind: str, data: Any = True, **changes: Any) -> None:
    client.emit("obs_data", as_text(messages.observer_data(group_code, kind, data, **changes)))


def is_connected(client: JsClient) -> bool:
    """Tell whether the client believes that it is connected."""
    return ["disconnect", *(name for name in client.names() if name in STATES)][-1] == "connect"


def wait_for_names(client: JsClient, count: int, name: str) -> None:
    """Return when `name` has happened to the client at least `count` times."""
    eventually(lambda: client.names().count(name) >= count, f"{count} times {name}")


@pytest.fixture(name="stage")
def stage_fixture(tmp_path: Path) -> Iterator[Stage]:
    """A stage of its own for each test. To be imported by the modules whose tests play on one."""
    stage = Stage(tmp_path)
    yield stage
    stage.close()


@pytest.fixture(name="house", scope="module")
def house_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """What `shared_stage_fixture` needs."""
    stage = Stage(tmp_path_factory.mktemp("stage"))
    yield stage
    stage.close()


@pytest.fixture(name="stage")
def shared_stage_fixture(house: Stage) -> Iterator[Stage]:
    """One stage for all tests of a module, one after the other: they keep apart by group codes of their own."""
    yield house
    house.clear()


@pytest.fixture(name="code")
def code_fixture() -> str:
    return messages.fresh_code()
