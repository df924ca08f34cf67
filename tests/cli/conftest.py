import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import click.testing
import pytest

from valo_ingest import app
from valo_ingest.cli import announcement, logs, main, serve
from valo_ingest.config import Config
from valo_ingest.errors import ValoIngestError
from valo_ingest.transport.notify import ServiceManager

Announce = Callable[[announcement.BoundPorts], None]


OF_SYSTEMD = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}


class FakeApp:
    """Stands for `app.serve`: keeps the configuration, announces the ports 1, 2, 3, and fails with `error` if set."""

    def __init__(self) -> None:
        self.config: Config | None = None
        self.manager: ServiceManager | None = None
        self.error: ValoIngestError | None = None

    def serve(self, config: Config, announce: Announce, manager: ServiceManager) -> None:
        self.config = config
        self.manager = manager
        if self.error is not None:
            raise self.error
        announce(SimpleNamespace(ingest_port=1, output_port=2, extras_port=3))


class CommandLine:
    """Runs `valo-ingest` in an empty directory, with an empty environment but for what a test adds."""

    def __init__(self) -> None:
        self.environment: dict[str, str | None] = {}

    def __call__(self, *arguments: str) -> click.testing.Result:
        return click.testing.CliRunner().invoke(
            main, arguments, env=self.environment, prog_name="valo-ingest", catch_exceptions=False
        )


@pytest.fixture(autouse=True)
def empty_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    originals = {"INSECURE", "SERVER_KEY", "SERVER_CERT", "REQUIRE_AUTH_KEY", "AUTH_KEY", "OPERATOR_PASSWORD"}
    for name in list(os.environ):
        if name.startswith("VALO_INGEST_") or name in originals or name in OF_SYSTEMD:
            monkeypatch.delenv(name)
    monkeypatch.setattr(serve, "lan_addresses", lambda: ["192.168.1.20"])


@pytest.fixture(autouse=True)
def logs_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "configure", lambda log_format, log_level, to=None: None)


@pytest.fixture
def fake_app(monkeypatch: pytest.MonkeyPatch) -> FakeApp:
    fake = FakeApp()
    monkeypatch.setattr(app, "serve", fake.serve)
    return fake


@pytest.fixture
def valo_ingest() -> Iterator[CommandLine]:
    yield CommandLine()
