"""One server, one browser and one match for the tests of the pages."""

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Chromium, require_chromium
from tests.browser.show import Show
from tests.e2e.messages import ACCESS_KEY
from tests.e2e.operator import PASSWORD
from tests.e2e.running import RunningServer, serve_command


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    require_chromium()
    command = serve_command("--insecure", "--auth-key", ACCESS_KEY, "--operator-password", PASSWORD)
    running = RunningServer(tmp_path_factory.mktemp("server"), command)
    yield running
    running.close()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def show(server: RunningServer, code: str) -> Iterator[Show]:
    """A match of ten players with their clients, an observer and an overlay."""
    show = Show(server, code)
    yield show
    show.close()
