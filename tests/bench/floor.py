"""The least that an event can cost at a pace: a bare loop of gevent that reads an event and writes a document.

It checks, keeps and shows nothing, so no server on gevent can do with less. `python -m tests.bench.floor` runs it at
the pace of recorded matches and at one at which caches stay warm, first without and then with reading the JSON of an
event and compressing the document.
"""

import json
import socket
import time
import zlib
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Final

from tests.bench.frames import text_of
from tests.bench.matches import Match
from tests.bench.measure import Cores

MATCHES: Final = 50
RECORDED_RATE: Final = 57
WARM_RATE: Final = 3_000
SECONDS: Final = 5
WARM_UP: Final = 50
"""Events that are not counted."""

DOCUMENT_BYTES: Final = 18_000
COMPRESSED_BYTES: Final = 3_600
"""What overlays are sent in the twelfth round of a match, and what is left of that on the wire."""


def _serve(port: int, core: int | None, does_work: bool, tell: Connection) -> None:
    """Connect to the load once for each sender and each overlay; then write to an overlay whatever a sender sends."""
    with Cores(server=core, load=None).starting_server():
        import gevent
        from gevent import socket as cooperative

        connections = [cooperative.create_connection(("127.0.0.1", port)) for _ in range(2 * MATCHES)]
    document = json.dumps([{"name": f"Player {number}", "kills": number} for number in range(600)]).encode()
    document = document[:DOCUMENT_BYTES]
    seen = 0
    began = 0.0

    def read(sender: Any, overlay: Any) -> None:
        nonlocal seen, began
        while events := sender.recv(65_536):
            for event in events.splitlines():
                seen += 1
                if seen == WARM_UP:
                    began = time.process_time()
                if does_work:
                    json.loads(event)
                    stream = zlib.compressobj(3, zlib.DEFLATED, -15, 7)
                    overlay.sendall(stream.compress(document) + stream.flush(zlib.Z_SYNC_FLUSH))
                else:
                    overlay.sendall(document[:COMPRESSED_BYTES])

    readers = [
        gevent.spawn(read, sender, overlay)
        for sender, overlay in zip(connections[:MATCHES], connections[MATCHES:], strict=True)
    ]
    gevent.joinall(readers)
    tell.send((time.process_time() - began) / (seen - WARM_UP))


def measure(rate: int, *, does_work: bool, seconds: float = SECONDS) -> float:
    """Return the CPU time that an event takes, in seconds."""
    cores = Cores.choose()
    cores.pin_load()
    listener = socket.create_server(("127.0.0.1", 0), backlog=2 * MATCHES)
    told, tell = get_context("spawn").Pipe(duplex=False)
    process = get_context("spawn").Process(
        target=_serve, args=(listener.getsockname()[1], cores.server, does_work, tell)
    )
    process.start()
    connections = [listener.accept()[0] for _ in range(2 * MATCHES)]
    events = [f"{text_of(next(Match(index).observer_messages()))}\n".encode() for index in range(MATCHES)]
    due = time.monotonic()
    for number in range(WARM_UP + int(rate * seconds)):
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))
        connections[number % MATCHES].sendall(events[number % MATCHES])
        if number >= MATCHES:  # what the overlay was sent the last time
            connections[MATCHES + number % MATCHES].recv(65_536)
    for connection in connections:
        connection.close()
    taken: float = told.recv()
    process.join()
    return taken


def main() -> None:
    for does_work in (False, True):
        for rate in (RECORDED_RATE, WARM_RATE):
            taken = measure(rate, does_work=does_work)
            what = "with JSON and compression" if does_work else "bare"
            print(f"{what:26} {rate:5,} events/s {taken * 1e6:6.0f} us of CPU an event")


if __name__ == "__main__":
    main()
