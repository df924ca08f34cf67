"""A recorded match as an observer's messages, each with a number of its own, to be played at any speed."""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import pytest

from tests.e2e import messages
from tests.e2e.proxy import Proxy
from tests.e2e.running import LOOK_S, ROOT
from tests.e2e.sockets import WebSocketClient
from tests.e2e.stage import Document, Stage, as_text

STREAMS: Final = ROOT.parent / "shared" / "streams"
STREAM: Final = "real-inhouse-2024-03"
"""Seven rounds and a half, from the agent selection to the end: 1,105 messages in 639 s."""

NUMBER: Final = re.compile(r'\\"timestamp\\":(\d+)')
"""In a message that is a text within JSON."""


class Recording:
    """The messages of one recorded match under a group code. A message is found again by its `timestamp`: its number.

    Real clients send a `timestamp`, too, and the server makes nothing of it.
    """

    def __init__(self, group_code: str) -> None:
        path = STREAMS / f"{STREAM}.jsonl"
        if not path.exists():
            pytest.skip("no recorded match is played: beside this checkout there is no shared/streams")
        first, *others = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        self.group_code = group_code
        self.logon = {**first["payload"], "groupCode": group_code, "key": messages.ACCESS_KEY}
        self._at_s = [line["at_ms"] / 1000 for line in others]
        self.texts = [
            as_text({**line["payload"], "groupCode": group_code, "timestamp": number})
            for number, line in enumerate(others)
        ]

    def paced(self, speed: float, meanwhile: Callable[[], None] = lambda: None) -> Iterator[tuple[int, str]]:
        """Yield each message with its number when it is time for it; between them call `meanwhile` all the time."""
        began = time.monotonic()
        for number, (at_s, text) in enumerate(zip(self._at_s, self.texts, strict=True)):
            while time.monotonic() < began + at_s / speed:
                meanwhile()
                time.sleep(LOOK_S)
            yield number, text


def uninterrupted(stage: Stage, numbers: Iterable[int] | None = None) -> Document:
    """Play the recording, or these messages of it, without any trouble; return the document in the end."""
    recording = Recording(messages.fresh_code())
    observer = WebSocketClient(stage.server.ingest_port)
    observer.emit("obs_logon", as_text(recording.logon))
    assert observer.wait_for("obs_logon_ack")["value"] is True
    for number in range(len(recording.texts)) if numbers is None else numbers:
        observer.emit("obs_data", recording.texts[number])
    observer.wait_closed()  # by the server, at the end of the match
    observer.close()
    document = stage.document(recording.group_code)
    assert document["roundPhase"] == "game_end"
    return document


def count_events(packets: Iterable[str], event: str) -> int:
    """Return how many Engine.IO packets hold that event of Socket.IO."""
    return sum(packet.startswith(f'42["{event}"') for packet in packets)


def numbers_on(cable: Proxy) -> set[int]:
    """Return the numbers of the messages that the client's library has sent over a cable."""
    found = (NUMBER.search(packet) for packet in cable.sent() if packet.startswith('42["obs_data"'))
    return {int(number[1]) for number in found if number is not None}


def missing(numbers: Iterable[int], count: int) -> list[int]:
    """Return which of `count` numbers are not there."""
    return sorted(set(range(count)) - set(numbers))


def runs(numbers: list[int]) -> list[list[int]]:
    """Return ascending numbers in runs that follow each other without a gap."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return found


def assert_in_order(numbers: list[int]) -> None:
    """Prove that nothing was taken in twice, or before what was sent earlier."""
    assert numbers == sorted(set(numbers))
