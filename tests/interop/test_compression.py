"""The real client with and without compression: what is really on the wire, in both directions."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.e2e import messages
from tests.e2e.proxy import HEAD_END, Link, Proxy
from tests.e2e.running import RunningServer
from tests.interop.conftest import BOTH_WAYS, Connect, text
from valo_ingest.transport.deflate import THRESHOLD
from valo_ingest.transport.frames import COMPRESSED, OPCODE, TEXT

EXTENSION: Final = b"Sec-WebSocket-Extensions: permessage-deflate"

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


def lengths_of_messages(stream: bytes) -> tuple[list[int], list[int]]:
    """Return the lengths of the payloads of all texts in a stream of frames, compressed ones and others."""
    compressed: list[int] = []
    others: list[int] = []
    while len(stream) >= 2:
        first, second = stream[:2]
        length, start = second & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(stream[2:start], "big")
        start += 4 * (second >> 7)
        if first & OPCODE == TEXT:
            (compressed if first & COMPRESSED else others).append(length)
        stream = stream[start + length :]
    return compressed, others


def websocket_of(proxy: Proxy) -> tuple[bytes, bytes, Link]:
    """Return the heads of the request and of the answer that began the WebSocket on a cable, and its connection."""
    for link in proxy.links:
        request, _, _ = bytes(link.upstream).partition(HEAD_END)
        answer, _, _ = bytes(link.downstream).partition(HEAD_END)
        if b" 101 " in answer:
            return request, answer, link
    raise AssertionError("there was no WebSocket")


def frames_of(stream: bytearray) -> bytes:
    return bytes(stream).partition(HEAD_END)[2]


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

    for proxy in (ingest, output):
        request, answer, _ = websocket_of(proxy)
        assert (EXTENSION in request) is (EXTENSION in answer) is is_compressed
    _, _, link = websocket_of(ingest)
    sent, sent_as_is = lengths_of_messages(frames_of(link.upstream))
    _, _, link = websocket_of(output)
    got, got_as_is = lengths_of_messages(frames_of(link.downstream))
    if is_compressed:
        assert len(sent) == 1  # the logon; the events are short
        assert len(got) == len(documents)
        assert max(sent) < THRESHOLD
        assert max(got) < min(map(len, documents)) / 2
    else:
        assert sent == got == []
        assert max(sent_as_is) > THRESHOLD
        assert max(got_as_is) >= max(map(len, documents))
