from collections.abc import Iterator

import gevent
import pytest

from valo_ingest.transport.feeds import (
    IDLE_TICKS,
    KEPT_MESSAGES,
    MAX_VIEWERS,
    MAX_VIEWERS_OF_ADDRESS,
    RELOAD,
    Feed,
    Feeds,
    Stream,
)


class FakeSource:
    """Counts how often it was asked for changes, and how often it settled."""

    def __init__(self) -> None:
        self.composed = 0
        self.settled = 0

    def changes(self) -> bytes:
        self.composed += 1
        return b'{"n":%d}' % self.composed

    def settle(self) -> None:
        self.settled += 1


def always() -> bool:
    return True


def viewer(feed: Feed, after: int = 0) -> Iterator[bytes]:
    """Return the messages of a feed behind a number; the first piece has been read."""
    messages = feed.messages(after, always)
    assert next(messages).startswith(b"retry: ")
    return messages


def numbers(piece: bytes) -> list[int]:
    return [int(line[4:]) for line in piece.decode().splitlines() if line.startswith("id: ")]


@pytest.fixture
def feed() -> Feed:
    return Feed(FakeSource())


def test_a_message_is_composed_once_for_all_who_look(feed: Feed) -> None:
    viewers = [viewer(feed) for _ in range(3)]
    feed.advance()

    pieces = [next(each) for each in viewers]

    assert pieces == [b'id: 1\ndata: {"n":1}\n\n'] * 3
    assert isinstance(feed.source, FakeSource) and feed.source.composed == 1


def test_a_viewer_waits_for_the_next_message(feed: Feed) -> None:
    messages = viewer(feed)
    got: list[bytes] = []
    waiting = gevent.spawn(lambda: got.append(next(messages)))
    gevent.sleep(0)
    assert got == []

    feed.advance()
    waiting.join(timeout=5)

    assert numbers(got[0]) == [1]


def test_a_viewer_that_was_away_gets_what_it_missed(feed: Feed) -> None:
    for _ in range(5):
        feed.advance()

    assert numbers(next(viewer(feed, after=2))) == [3, 4, 5]


def test_a_viewer_that_is_slow_gets_all_at_once_and_holds_nobody_up(feed: Feed) -> None:
    slow, quick = viewer(feed), viewer(feed)
    for number in range(1, 6):
        feed.advance()
        assert numbers(next(quick)) == [number]

    assert numbers(next(slow)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("after", [0, 99])
def test_a_viewer_that_missed_too_much_begins_anew(feed: Feed, after: int) -> None:
    """Also one that saw a feed of an earlier server, whose numbers were higher."""
    for _ in range(KEPT_MESSAGES + 5):
        feed.advance()
    messages = viewer(feed, after)

    assert next(messages) == RELOAD
    with pytest.raises(StopIteration):
        next(messages)


def test_a_stream_ends_when_its_viewer_may_not_look_any_more(feed: Feed) -> None:
    allowed = [True]
    messages = feed.messages(0, lambda: allowed[0])
    next(messages)
    feed.advance()
    next(messages)
    allowed[0] = False

    with pytest.raises(StopIteration):
        next(messages)


def test_streams_end_when_the_server_stops() -> None:
    feeds = Feeds()
    feed = feeds.feed("a", FakeSource)
    messages = viewer(feed)
    waiting = gevent.spawn(lambda: list(messages))
    gevent.sleep(0)

    feeds.close()
    waiting.join(timeout=5)

    assert waiting.ready()


def test_a_feed_goes_on_only_while_somebody_looks() -> None:
    feeds = Feeds()
    feed = feeds.feed("a", FakeSource)
    feeds.tick()
    assert feed.number == 0

    stream = feeds.stream(feed, "10.0.0.1", 0, always)
    assert stream is not None
    feeds.tick()
    assert feed.number == 1

    stream.close()
    feeds.tick()
    assert feed.number == 1


def test_a_feed_that_nobody_looks_at_is_forgotten() -> None:
    feeds = Feeds()
    feed = feeds.feed("a", FakeSource)
    for _ in range(IDLE_TICKS):
        feeds.tick()

    assert feeds.feed("a", FakeSource) is not feed


def test_whoever_comes_when_nobody_looks_is_not_told_what_he_sees() -> None:
    feeds = Feeds()
    feed = feeds.feed("a", FakeSource)
    feed.settle()
    stream = feeds.stream(feed, "10.0.0.1", 0, always)
    feed.settle()

    assert stream is not None
    assert isinstance(feed.source, FakeSource) and feed.source.settled == 1


def test_only_so_many_of_one_address_look() -> None:
    feeds = Feeds()
    feed = feeds.feed("a", FakeSource)
    streams = [feeds.stream(feed, "10.0.0.1", 0, always) for _ in range(MAX_VIEWERS_OF_ADDRESS)]

    assert feeds.stream(feed, "10.0.0.1", 0, always) is None
    assert feeds.stream(feed, "10.0.0.2", 0, always) is not None

    assert isinstance(streams[0], Stream)
    streams[0].close()
    assert feeds.stream(feed, "10.0.0.1", 0, always) is not None


def test_only_so_many_look_at_all() -> None:
    feeds = Feeds()
    feed = feeds.feed("a", FakeSource)
    for number in range(MAX_VIEWERS):
        assert feeds.stream(feed, f"10.0.0.{number}", 0, always) is not None

    assert feeds.stream(feed, "10.0.1.1", 0, always) is None


def test_a_stream_that_never_began_is_closed_once() -> None:
    feeds = Feeds()
    feed = feeds.feed("a", FakeSource)
    stream = feeds.stream(feed, "10.0.0.1", 0, always)
    assert stream is not None

    stream.close()
    stream.close()

    assert feed.viewers == 0


def test_what_a_viewer_sees_first_comes_before_the_messages() -> None:
    feeds = Feeds()
    feed = feeds.feed("a", FakeSource)
    stream = feeds.stream(feed, "10.0.0.1", 0, always, first=b"data: all\n\n")
    assert stream is not None

    assert next(iter(stream)) == b"data: all\n\n"
