"""The real client with and without compression: what is really on the wire, in both directions."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.e2e import messages
from tests.e2e.proxy import Proxy, lengths_of_texts, websockets
from tests.e2e.running import RunningServer
from tests.interop.conftest import BOTH_WAYS, Connect, text
from valo_ingest.transport.deflate import THRESHOLD

AGREED: Final = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

SPONSORS: Final = {"enabled": True, "duration": 5, "sponsors": [f"http://sponsor/{n}" for n in range(100)]}
"""Makes a logon and every document long enough to be compressed."""


@BOTH_WAYS
def is_compressed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def through() -> Iterator[Callable[[int], Proxy]]:
    """Make cables to ports, which tell what went over them."""
    proxies: list[Proxy] = []

    def make(port: int) -> Proxy:
        proxies.append(Proxy(port))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()


@pytest.mark.parametrize("transports", [["polling", "websocket"], ["websocket"]], ids="+".join)
def test_what_is_long_is_compressed_both_ways_where_the_client_offers_it(
    connect: Connect,
    server: RunningServer,
    through: Callable[[int], Proxy],
    code: str,
    is_compressed: bool,
    transports: list[str],
) -> None:
    ingest, output = through(server.ingest_port), through(server.output_port)
    observer = connect(ingest.url, transports=transports)
    overlay = connect(output.url, transports=transports)
    if "polling" in transports:
        for client in (observer, overlay):
            client.wait_until_happened("upgrade")
    observer.emit("obs_logon", text(messages.observer_logon(code, toolsData={"sponsorInfo": SPONSORS})))
    assert observer.wait_for("obs_logon_ack")["value"] is True
    overlay.emit("logon", text({"groupCode": code}))
    for name in ("Ascent", "Bind"):
        observer.emit("obs_data", text(messages.observer_data(code, "map", name)))
        overlay.wait_for("match_data", lambda document, name=name: document["map"] == name)
    documents = overlay.texts("match_data")

    (of_observer,), (of_overlay,) = websockets(ingest), websockets(output)
    for each in (of_observer, of_overlay):
        assert (b"permessage-deflate" in each.request) is is_compressed
        assert each.agreed == (AGREED if is_compressed else "")
    sent, sent_as_is = lengths_of_texts(of_observer.sent)
    got, got_as_is = lengths_of_texts(of_overlay.got)
    if is_compressed:
        assert len(sent) == 1  # the logon; the events are short
        assert len(got) == len(documents)
        assert max(sent) < THRESHOLD
        assert max(got) < min(map(len, documents)) / 2
    else:
        assert sent == got == []
        assert max(sent_as_is) > THRESHOLD
        assert max(got_as_is) >= max(map(len, documents))
