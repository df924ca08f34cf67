"""One real server for the rehearsals, and what lies on the way to it."""

from collections.abc import Iterator

import pytest

from tests.e2e.running import ACCESS_KEY, RunningServer, serve_command


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests of rehearsals, without TLS, which takes `ACCESS_KEY`.

    Tests keep apart by group codes and match ids of their own.
    """
    command = serve_command("--insecure", "--auth-key", ACCESS_KEY, "--max-events-per-second", "0")
    running = RunningServer(tmp_path_factory.mktemp("server"), command)
    yield running
    running.close()
