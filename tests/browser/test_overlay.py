"""An overlay in a real Chromium, with the library that overlays use in its build for browsers."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser.chromium import Chromium, Page, require_chromium
from tests.e2e import messages
from tests.e2e.proxy import lengths_of_texts, websockets
from tests.e2e.stage import Stage, as_text
from tests.e2e.stage import stage_fixture as stage_fixture
from tests.interop import nodejs
from valo_ingest.transport.deflate import THRESHOLD

LIBRARY: Final = nodejs.DIRECTORY / nodejs.MODULES / "socket.io-client" / "dist" / "socket.io.min.js"
PAGE: Final = Path(__file__).with_name("overlay.html")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def page_url(tmp_path: Path) -> Iterator[str]:
    """A page of another origin than the server's, as overlays are."""
    require_chromium()
    nodejs.require_node()
    nodejs.install(nodejs.DIRECTORY)
    directory = tmp_path / "pages"
    directory.mkdir()
    for path in (PAGE, LIBRARY):
        shutil.copyfile(path, directory / path.name)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{PAGE.name}"
    server.shutdown()
    server.server_close()


def wait_for_map(page: Page, name: str) -> str:
    """Return the newest document of an overlay, once it shows this map."""
    page.wait(f"documents.length && JSON.parse(documents.at(-1)).map === '{name}'")
    return str(page.evaluate("documents.at(-1)"))


def test_an_overlay_in_a_browser_is_compressed_and_comes_back(
    chromium: Chromium, stage: Stage, page_url: str, code: str
) -> None:
    stage.start()
    observer = stage.observe(code)
    assert observer.wait_for("obs_logon_ack")["value"] is True

    def choose(name: str) -> None:
        observer.emit("obs_data", as_text(messages.observer_data(code, "map", name)))

    cable = stage.cable(stage.server.output_port)
    page = chromium.open("about:blank")
    assert page.handshakes() == []
    page.go(page_url)
    page.evaluate(f"begin('{cable.url}', '{code}')")
    page.wait("happened.includes('upgrade')")
    choose("Ascent")
    document = wait_for_map(page, "Ascent")

    (headers,) = page.handshakes()
    assert headers["sec-websocket-extensions"].startswith("permessage-deflate")
    (exchange,) = websockets(cable)
    assert b"permessage-deflate; client_max_window_bits" in exchange.request  # as browsers offer it
    assert exchange.agreed == headers["sec-websocket-extensions"]
    compressed, _ = lengths_of_texts(exchange.got)
    assert len(document) > THRESHOLD
    assert 0 < compressed[-1] < len(document) / 2

    stage.server.stop()
    page.wait("happened.includes('transport close')")
    stage.restart()
    page.wait("happened.filter((each) => each === 'upgrade').length === 2")
    choose("Bind")
    wait_for_map(page, "Bind")

    assert len(page.handshakes()) == len(websockets(cable)) == 2
    assert cable.sent().count(f'42["logon","{{\\"groupCode\\":\\"{code}\\"}}"]') == 1
    assert page.faults() == []
