"""One client that sends without a pause does not keep the others out."""

import os
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from tests.e2e import messages
from tests.e2e.conftest import WatchedMatch, as_text
from tests.e2e.running import ACCESS_KEY, RunningServer, eventually, serve_command
from tests.e2e.sockets import Client, WebSocketClient, event_packet

ANSWER_S = 1
"""Within this time others get an answer, mostly: it takes some ms, but the machine may be busy with other tests.
A server that is not fair lets them wait for as long as the firehose runs, which ends when they have their answers.
"""


def text_frame(text: str) -> bytes:
    """Return a masked WebSocket frame."""
    content, mask = text.encode(), os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(content))
    length = (
        struct.pack("!BH", 0x80 | 126, len(content)) if len(content) > 125 else bytes([0x80 | len(content)])
    )
    return b"\x81" + length + mask + masked


class Firehose:
    """Sends one message over and over, as fast as the server takes it."""

    def __init__(self, client: WebSocketClient, packet: str) -> None:
        self._client = client
        self._block = text_frame(packet) * 500
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0

    def __enter__(self) -> "Firehose":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            self._client.send_raw(self._block)
            self.sent += 500


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that slows nobody down for sending much: nothing but its fairness is in the way of a firehose."""
    command = serve_command("--insecure", "--auth-key", ACCESS_KEY, "--max-events-per-second", "0")
    running = RunningServer(tmp_path_factory.mktemp("server"), command)
    yield running
    running.close()


@pytest.fixture
def flooded(server: RunningServer) -> Iterator[WatchedMatch]:
    match = WatchedMatch(server, WebSocketClient(server.ingest_port))
    match.prepare()
    yield match
    match.close()


@pytest.mark.parametrize("is_good", [True, False], ids=["good messages", "bad messages"])
def test_others_are_answered_while_one_client_never_pauses(
    server: RunningServer, flooded: WatchedMatch, is_good: bool
) -> None:
    assert isinstance(flooded.observer, WebSocketClient)
    good = as_text(messages.observer_data(flooded.code, "scoreboard", messages.scoreboard("P", kills=3)))
    other = WatchedMatch(server, WebSocketClient(server.ingest_port))

    with Firehose(flooded.observer, event_packet("obs_data", good if is_good else "[" * 50)) as firehose:
        eventually(lambda: firehose.sent >= 2_000, "it sends")
        waits = [answer_time(other) for _ in range(10)]
        status, _, _ = server.extras("GET", "/status")
        sent = firehose.sent
        eventually(lambda: firehose.sent > sent, "it still sends")

    assert sorted(waits)[7] < ANSWER_S
    assert status == 200
    other.close()


def answer_time(match: WatchedMatch) -> float:
    """Return the seconds from a message of the observer to the document on the overlay."""
    began = time.monotonic()
    match.assert_unchanged()
    return time.monotonic() - began


def test_a_firehose_is_taken_in_completely(flooded: WatchedMatch) -> None:
    client: Client = flooded.observer
    assert isinstance(client, WebSocketClient)
    for number in range(1, 2_001):
        client.send_raw(
            text_frame(
                event_packet(
                    "obs_data", messages.observer_data(flooded.code, "score", {"team_0": number, "team_1": 0})
                )
            )
        )

    document = flooded.overlay.wait_for(
        "match_data", lambda document: document["teams"][0]["roundsWon"] == 2_000
    )
    assert document["teams"][1]["roundsWon"] == 0
