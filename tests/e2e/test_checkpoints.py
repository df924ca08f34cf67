from tests.e2e import messages
from tests.e2e.conftest import as_text
from tests.e2e.running import RunningServer, eventually
from tests.e2e.sockets import WebSocketClient
from tests.storage.test_checkpoints import in_database
from valo_ingest.storage.checkpoints import ENTRIES_PER_CHECKPOINT


def test_a_running_server_makes_checkpoints(server: RunningServer, code: str) -> None:
    observer = WebSocketClient(server.ingest_port)
    observer.emit("obs_logon", messages.observer_logon(code))
    assert observer.wait_for("obs_logon_ack")["value"] is True

    for number in range(2 * ENTRIES_PER_CHECKPOINT):
        score = messages.observer_data(code, "score", {"team_0": number, "team_1": 0})
        observer.emit("obs_data", as_text(score))

    eventually(
        lambda: in_database(server.directory / "data") >= ENTRIES_PER_CHECKPOINT,
        "entries are in the database itself",
    )
    observer.close()
