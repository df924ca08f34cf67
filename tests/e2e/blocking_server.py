"""A server whose controller takes its time, to show that it may. Started by `test_blocking.py`."""

from gevent import monkey

monkey.patch_all()

import signal  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, Final  # noqa: E402

import gevent  # noqa: E402
from gevent.event import Event  # noqa: E402

from valo_ingest.app import Server  # noqa: E402
from valo_ingest.clock import SystemClock  # noqa: E402
from valo_ingest.config import Config  # noqa: E402
from valo_ingest.live.clients import Auxiliary, Observer, Sender  # noqa: E402
from valo_ingest.live.ports import Connections, Publisher  # noqa: E402

SLOW: Final = "SLOW"
"""Group codes that begin so block for as long as the number behind it says, in ms, at every call."""

HELD: Final = "HELD"
"""Group codes that begin so block until there is a file of that name in the directory of the server."""

LOOK_S: Final = 0.005


class SlowController:
    """Prints what it is called with, once it has blocked."""

    def __init__(self, publisher: Publisher, connections: Connections) -> None:
        self._connections = connections

    def log_on_observer(self, client_id: str, logon: Any, address: str) -> tuple[Observer, str]:
        self._take_time(logon.group_code, "logon")
        return Observer(
            client_id=client_id, group_code=logon.group_code, name=logon.observer_name
        ), "SECRETSECRET"

    def log_on_auxiliary(self, client_id: str, logon: Any) -> Auxiliary:
        self._take_time(logon.match_id, "logon")
        return Auxiliary(
            client_id=client_id, match_id=logon.match_id, player_id=logon.player_id, name=logon.name
        )

    def resume(self, sender: Sender) -> bool:
        return True

    def adopt(self, client_id: str, message: Any, address: str) -> Observer | None:
        return None

    def receive_from_observer(self, sender: Observer, message: Any) -> None:
        self._take_time(sender.group_code, message.event.internal_name)

    def receive_from_auxiliary(self, sender: Auxiliary, message: Any) -> Auxiliary:
        self._take_time(sender.match_id, message.event.health)
        return sender

    def disconnect(self, client: Sender) -> None:
        group_code = client.group_code if isinstance(client, Observer) else client.match_id
        print(f"{group_code} gone", flush=True)

    def _take_time(self, group_code: str, what: object) -> None:
        if group_code.startswith(SLOW):
            gevent.sleep(int(group_code.removeprefix(SLOW)) / 1000)
        while group_code.startswith(HELD) and not Path(group_code).exists():
            gevent.sleep(LOOK_S)
        print(f"{group_code} {what}", flush=True)


def main() -> None:
    config = Config(
        host="127.0.0.1",
        ingest_port=0,
        output_port=0,
        extras_port=0,
        data_dir=Path("data"),
        insecure=True,
        require_auth_key=False,
    )
    server = Server(config, clock=SystemClock(), make_controller=SlowController)
    stopping = Event()
    gevent.signal_handler(signal.SIGTERM, stopping.set)
    ports = server.start()
    for port in (ports.ingest_port, ports.output_port, ports.extras_port):
        print(f"http://127.0.0.1:{port}/", flush=True)
    stopping.wait()
    server.stop()


if __name__ == "__main__":
    main()
