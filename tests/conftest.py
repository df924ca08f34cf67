"""Real servers for the tests that need one, and the replay of all streams, which runs beside the other tests."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from tests.e2e.messages import fresh_code
from tests.e2e.running import ACCESS_KEY, RunningServer, serve_command
from tests.interop import streams

StartServer = Callable[..., RunningServer]

# The same examples at each run, and no deadline: the streams are replayed meanwhile, and the machine may be slow.
hypothesis.settings.register_profile("valo-ingest", derandomize=True, deadline=None)
hypothesis.settings.load_profile("valo-ingest")


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start servers of its own for a test: `start_server("--insecure", ...)`. They are stopped after it."""
    numbers = itertools.count()
    with ExitStack() as running:

        def start(
            *arguments: str, ports: tuple[int, int, int] = (0, 0, 0), scheme: str = "http"
        ) -> RunningServer:
            directory = tmp_path / f"server-{next(numbers)}"
            directory.mkdir()
            server = RunningServer(directory, serve_command(*arguments, ports=ports), scheme=scheme)
            running.callback(server.close)
            return server

        yield start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests of a module, without TLS, which takes `ACCESS_KEY`.

    Tests keep apart by group codes and match ids of their own.
    """
    command = serve_command("--insecure", "--auth-key", ACCESS_KEY)
    running = RunningServer(tmp_path_factory.mktemp("server"), command)
    yield running
    running.close()


@pytest.fixture
def log_of_the_server(server: RunningServer) -> Iterator[None]:
    """Prove after a test that it made the server log no traceback."""
    yield
    server.assert_no_traceback()


@pytest.fixture
def code() -> str:
    """Return a group code that no other test uses."""
    return fresh_code()


TOGETHER: Final = {
    "tests/e2e/test_recovery": "recovery",
    "tests/e2e/": "sockets",
    "tests/interop/": "sockets",
}
"""What one process runs where several share the tests, as servers and clients would disturb each other: paths, of which
the first that fits counts, and groups."""


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the replay of the streams, which takes minutes of waiting, not be waited for by the others.

    One process runs it last and starts it first. Where several share the tests, it is all that one of them does.
    """
    is_shared = hasattr(config, "workerinput")
    items.sort(key=streams.is_replay, reverse=is_shared)
    for item in items if is_shared else ():
        place = item.nodeid
        group = next((group for path, group in TOGETHER.items() if place.startswith(path)), None)
        if streams.is_replay(item):
            group = "replay"
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish(session: pytest.Session) -> None:
    is_shared = hasattr(session.config, "workerinput")
    if is_shared or session.config.option.collectonly:
        return
    if any(streams.is_replay(item) for item in session.items):
        streams.start_replay()


def pytest_sessionfinish() -> None:
    streams.stop_replay()
