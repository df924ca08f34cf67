"""Operators who look: each opens the page and follows its feed, as the page's script in a browser does.

They run in threads of this process, beside the load: what a browser does with a message afterwards is no matter of
the server. That nobody misses anything is proved by the numbers of the messages, and that it is read by decoding it.
Where a real browser is asked for, its windows are open as well.
"""

import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import msgspec

from tests.bench.connections import LoadError, Loop
from tests.browser.chromium import Chromium, Page

FEED: Final = re.compile(r'data-feed="([^"]+)"')

ANSWER_S: Final = 30.0
"""How long an answer, or the next message of a feed, may take."""


def open_page(port: int) -> tuple[float, str]:
    """Return how long the page of all matches took to come (s), and the page.

    Raises:
        LoadError: It did not come.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    began = time.perf_counter()
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        page = response.read().decode()
        took = time.perf_counter() - began
    finally:
        connection.close()
    if response.status != 200:
        raise LoadError(f"the page answers {response.status}")
    return took, page


class Onlooker:
    """One operator with the page open."""

    def __init__(self, port: int) -> None:
        self.messages = 0
        self.bytes = 0
        self.fault = ""
        _, page = open_page(port)
        found = FEED.search(page)
        if found is None:
            raise LoadError("the page names no feed")
        path = found[1].replace("&amp;", "&")
        connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
        connection.connect()
        self._socket = connection.sock
        connection.request("GET", path)
        self._response = connection.getresponse()
        if self._response.status != 200:
            raise LoadError(f"the feed answers {self._response.status}")
        self._is_leaving = False
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        number = None
        try:
            while line := self._response.readline():
                self.bytes += len(line)
                name, _, value = line.rstrip(b"\n").partition(b": ")
                if name == b"event":
                    raise LoadError("the feed tells a reader to start anew")
                if name == b"id":
                    if number is not None and int(value) != number + 1:
                        raise LoadError(f"message {int(value)} of the feed follows {number}")
                    number = int(value)
                elif name == b"data":
                    msgspec.json.decode(value)
                    self.messages += 1
        except (OSError, HTTPException, ValueError, LoadError) as error:
            self.fault = str(error) or type(error).__name__
        else:
            self.fault = "" if self._is_leaving else "the feed has ended"
        finally:
            self._response.close()

    def leave(self) -> None:
        """Close the page.

        Raises:
            LoadError: It did not follow the feed up to here.
        """
        self._is_leaving = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(ANSWER_S)
        if self.fault:
            raise LoadError(self.fault)


class Caller(threading.Thread):
    """Somebody who opens the page again and again, and notes how long it took."""

    def __init__(self, port: int, every_s: float) -> None:
        super().__init__(daemon=True)
        self.times_s: list[float] = []
        self.bytes = 0
        self._port = port
        self._every_s = every_s
        self._is_over = threading.Event()
        self._fault = ""

    def run(self) -> None:
        try:
            while not self._is_over.wait(self._every_s):
                took, page = open_page(self._port)
                self.times_s.append(took)
                self.bytes = len(page.encode())
        except (OSError, HTTPException, LoadError) as error:
            self._fault = f"the page did not come: {error or type(error).__name__}"

    def end(self) -> None:
        """Have it end after this time.

        Raises:
            LoadError: The page did not come each time.
        """
        self._is_over.set()
        self.join(ANSWER_S)
        if self._fault or not self.times_s:
            raise LoadError(self._fault or "nobody came to open the page")


@contextmanager
def onlookers(loop: Loop, port: int, count: int) -> Iterator[list[Onlooker]]:
    """Have so many operators look meanwhile. Raises as `Onlooker.leave`."""
    found = loop.meanwhile(lambda: [Onlooker(port) for _ in range(count)])
    yield found
    for each in found:
        loop.meanwhile(each.leave)


@contextmanager
def browsers(loop: Loop, port: int, count: int) -> Iterator[None]:
    """Have so many windows of a real browser show the page meanwhile.

    Raises:
        LoadError: One of them did not follow it up to here.
    """
    with tempfile.TemporaryDirectory(prefix="valo-ingest-bench-", ignore_cleanup_errors=True) as directory:
        browser = loop.meanwhile(lambda: Chromium(Path(directory)))
        try:
            url = f"http://127.0.0.1:{port}/"
            windows = loop.meanwhile(lambda: [browser.open(url) for _ in range(count)])
            yield
            for window in windows:
                loop.meanwhile(partial(_check_follows, window))
        finally:
            browser.close()


def _check_follows(window: Page) -> None:
    window.evaluate("showPulse()")
    if window.text("#pulse") != "live" or window.faults():
        raise LoadError(f"a browser does not follow the page: {window.faults()}")
