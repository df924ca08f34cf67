"""Real servers for the tests that need one, and the replay of all streams, which runs beside the other tests."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the replay of the streams, which takes minutes of waiting, not be waited for by the others.

    One process runs it last and starts it first. Where several share the tests, it is all that one of them does.
    """
    items.sort(key=streams.is_replay, reverse=hasattr(config, "workerinput"))


def pytest_collection_finish(session: pytest.Session) -> None:
    is_shared = hasattr(session.config, "workerinput")
    if is_shared or session.config.option.collectonly:
        return
    if any(streams.is_replay(item) for item in session.items):
        streams.start_replay()


def pytest_sessionfinish() -> None:
    streams.stop_replay()
