"""Feeds: what changes on a page, or in the API, is sent to all who look at it (Server-Sent Events).

Theory of operation
-------------------
A feed composes a message a second, as long as somebody looks, and encodes it once for all. Messages are numbered; the
last few are kept. A viewer says after which number it goes on: a page has it written into it, and a browser that
reconnects repeats the last one it got. So nobody misses a change in between, and nobody has a queue: who is slow is
held up in its own greenlet, and who comes back too late, or fell behind by more than what is kept, is told to start
anew (`reload`). A viewer that takes nothing for the time of a write is given up by its socket.
"""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from typing import Final, Protocol

from gevent.event import Event
from gevent.lock import BoundedSemaphore

KEPT_MESSAGES: Final = 10

RETRY_MS: Final = 2_000
"""After which a browser reconnects."""

RELOAD: Final = b"event: reload\ndata: {}\n\n"

IDLE_TICKS: Final = 60
"""A feed at which nobody looked for so many seconds is forgotten."""

MAX_VIEWERS: Final = 100
MAX_VIEWERS_OF_ADDRESS: Final = 20


class Source(Protocol):
    """What a feed tells about. Others may have a turn during both."""

    def changes(self) -> bytes:
        """Return what has changed since the last call of either: a JSON text in one line."""

    def settle(self) -> None:
        """Take things as they are now, for there is nobody who has seen them otherwise."""


class Feed:
    """One stream of messages."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._composing = BoundedSemaphore(1)
        self._messages: deque[tuple[int, bytes]] = deque(maxlen=KEPT_MESSAGES)
        self._number = 0
        self._changed = Event()
        self._is_closed = False
        self.viewers = 0
        self.idle_ticks = 0

    @property
    def number(self) -> int:
        """Return the number of the latest message."""
        return self._number

    def settle(self) -> None:
        """Begin anew, if nobody looks: whoever comes now sees how it is."""
        with self._composing:
            if not self.viewers:
                self.source.settle()

    def advance(self) -> None:
        """Compose the next message, and wake everybody who looks."""
        with self._composing:
            text = self.source.changes()
            self._number += 1
            self._messages.append((self._number, b"id: %d\ndata: %b\n\n" % (self._number, text)))
        self._wake()

    def close(self) -> None:
        """End every stream; browsers reconnect."""
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, Event()
        changed.set()

    def messages(self, after: int, may_look: Callable[[], bool]) -> Iterator[bytes]:
        """Yield the messages behind number `after`, for as long as the viewer may look and takes them."""
        yield b"retry: %d\n\n" % RETRY_MS
        while not self._is_closed and may_look():
            if after > self._number or (self._messages and after < self._messages[0][0] - 1):
                yield RELOAD
                return
            missed = [message for number, message in self._messages if number > after]
            after = self._number
            if missed:
                yield b"".join(missed)
            else:
                self._changed.wait()


class Stream:
    """The messages of a feed on their way to one viewer. Whoever serves it closes it, also if it never began."""

    def __init__(self, messages: Iterator[bytes], leave: Callable[[], None]) -> None:
        self._messages = messages
        self._leave: Callable[[], None] | None = leave

    def __iter__(self) -> Iterator[bytes]:
        return self._messages

    def close(self) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()


class Feeds:
    """All feeds, and who looks at them."""

    def __init__(self) -> None:
        self._feeds: dict[Hashable, Feed] = {}
        self._by_address: Counter[str] = Counter()

    def feed(self, name: Hashable, source: Callable[[], Source]) -> Feed:
        """Return the feed of a name; `source` makes what it tells about, if there is no such feed yet."""
        if name not in self._feeds:
            self._feeds[name] = Feed(source())
        return self._feeds[name]

    def stream(
        self, feed: Feed, address: str, after: int, may_look: Callable[[], bool], first: bytes = b""
    ) -> Stream | None:
        """Return a feed's messages behind number `after`, and before them `first`; None if too many look already."""
        if self._by_address.total() >= MAX_VIEWERS or self._by_address[address] >= MAX_VIEWERS_OF_ADDRESS:
            return None
        feed.viewers += 1
        self._by_address[address] += 1

        def leave() -> None:
            feed.viewers -= 1
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

        return Stream(_with_first(first, feed.messages(after, may_look)), leave)

    def tick(self) -> None:
        """Have the feeds go on at which somebody looks. Call it once a second."""
        for name, feed in list(self._feeds.items()):
            if feed.viewers:
                feed.idle_ticks = 0
                feed.advance()
                continue
            feed.idle_ticks += 1
            if feed.idle_ticks >= IDLE_TICKS:
                del self._feeds[name]

    def close(self) -> None:
        """End all streams, so that nobody waits for them."""
        for feed in self._feeds.values():
            feed.close()


def _with_first(first: bytes, messages: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from messages
