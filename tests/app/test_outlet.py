"""The thread of the log is real, so these tests wait for what it does; nothing here depends on how fast it is."""

import io
import logging
import os
import select
import sys
from collections.abc import Iterator
from typing import TextIO

import gevent
import pytest

from tests.e2e.running import eventually
from valo_ingest.app import outlet as module
from valo_ingest.app.outlet import Outlet

FULL = "x" * 999 + "\n"

UNREAD = 200
"""Of these lines more than any pipe takes unread."""


class Pipe:
    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        self.stream: TextIO = os.fdopen(writing, "w", encoding="utf-8")

    def read_lines(self, count: int) -> list[str]:
        """Return so many lines that were written there."""
        text = b""
        while text.count(b"\n") < count:
            assert select.select([self.reading], [], [], 10)[0], f"no more came after {text[-1000:]!r}"
            text += os.read(self.reading, 65_536)
        return text.decode().splitlines()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reading)
    pipe.stream.close()


def test_what_is_taken_is_there_at_once(pipe: Pipe) -> None:
    outlet = Outlet(pipe.stream)

    outlet.write("a line\n")

    assert outlet.waiting == 0
    assert os.read(pipe.reading, 100) == b"a line\n"


def test_nobody_waits_for_a_reader_and_he_gets_all_in_order(pipe: Pipe) -> None:
    outlet = Outlet(pipe.stream)

    for number in range(UNREAD):
        outlet.write(f"{number} {FULL}")  # would never return where it waited

    assert outlet.waiting
    lines = pipe.read_lines(UNREAD)
    assert [int(line.split()[0]) for line in lines] == list(range(UNREAD))
    eventually(lambda: outlet.waiting == 0, "nothing waits")
    outlet.write("the last\n")
    assert pipe.read_lines(1) == ["the last"]


def test_what_is_too_much_is_left_out_and_that_is_told(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 10)
    outlet = Outlet(pipe.stream)
    handler = logging.StreamHandler(outlet)
    monkeypatch.setattr(module.logger, "handlers", [handler])
    monkeypatch.setattr(module.logger, "propagate", False)
    for number in range(UNREAD):
        outlet.write(f"{number} {FULL}")

    kept = UNREAD - outlet.left_out
    assert kept < UNREAD
    lines = pipe.read_lines(kept)
    eventually(lambda: outlet.waiting == 0, "nothing waits")
    outlet.write("the next\n")

    assert [int(line.split()[0]) for line in lines] == list(range(kept))
    missing = f"{UNREAD - kept} lines are missing here: nobody took what was logged"
    assert pipe.read_lines(2) == [missing, "the next"]


def test_what_was_left_out_is_told_at_the_end_at_the_latest(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 10)
    outlet = Outlet(pipe.stream)
    for number in range(UNREAD):
        outlet.write(f"{number} {FULL}")
    left_out = outlet.left_out
    pipe.read_lines(UNREAD - left_out)

    outlet.close()

    assert [record.args for record in caplog.records] == [(left_out,)]


def test_what_was_left_out_is_told_in_a_terminal_too_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty")
    monkeypatch.setattr(module, "MAX_WAITING", 10)
    monkeypatch.setattr(module, "CLOSE_S", 30.0)
    monkeypatch.setattr(module.logger, "propagate", False)
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as stream:
        outlet = Outlet(stream)
        monkeypatch.setattr(module.logger, "handlers", [logging.StreamHandler(outlet)])
        for number in range(UNREAD):
            outlet.write(f"{number} {FULL}")
        shown = b""
        while shown.count(b"\n") < UNREAD - outlet.left_out:
            shown += os.read(ours, 65_536)

        outlet.close()

        assert outlet.waiting == 0
        assert b"lines are missing here" in os.read(ours, 65_536)
    os.close(ours)


def test_a_terminal_that_is_held_holds_up_nobody() -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as stream:
        outlet = Outlet(stream)
        os.write(ours, b"\x13")  # Ctrl-S
        eventually(lambda: not select.select([], [theirs], [], 0)[1], "the terminal is held")

        outlet.write("a line\n")

        assert outlet.waiting == 1
        os.write(ours, b"\x11")  # Ctrl-Q
        eventually(lambda: outlet.waiting == 0, "it is written")
        shown = b""
        while b"a line" not in shown:
            shown += os.read(ours, 100)
    os.close(ours)


def test_a_terminal_that_nobody_reads_holds_up_nobody() -> None:
    """It says that it takes something when it has room for a part of a line."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as stream:
        outlet = Outlet(stream)

        for number in range(UNREAD):
            outlet.write(f"{number} {FULL}")  # would never return where it waited

        assert outlet.waiting
        shown = b""
        while shown.count(b"\n") < UNREAD:
            shown += os.read(ours, 65_536)
        eventually(lambda: outlet.waiting == 0, "all is written")
    os.close(ours)


def test_a_pipe_that_does_not_block_is_waited_for_without_turning_round(pipe: Pipe) -> None:
    """Such is one that was inherited from Node, say: it refuses what it has no room for."""
    os.set_blocking(pipe.stream.fileno(), False)
    tries: list[int] = []
    outlet = Outlet(pipe.stream)
    file = outlet._file
    assert file is not None

    class Counted:
        def write(self, content: bytes) -> int | None:
            tries.append(len(content))
            return file.write(content)

        def fileno(self) -> int:
            return file.fileno()

    outlet._file = Counted()  # type: ignore[assignment]
    for number in range(UNREAD):
        outlet.write(f"{number} {FULL}")
    eventually(lambda: tries.count(tries[-1]) > 1 and outlet.waiting, "the thread meets a full pipe")
    refused = len(tries)
    select.select([], [], [], 0.2)
    assert len(tries) - refused < 10

    lines = pipe.read_lines(UNREAD)
    assert [int(line.split()[0]) for line in lines] == list(range(UNREAD))


def test_an_exception_that_ends_a_greenlet_holds_up_nobody(pipe: Pipe) -> None:
    outlet = Outlet(pipe.stream)
    outlet.take_tracebacks()
    for number in range(UNREAD):
        outlet.write(f"{number} {FULL}")

    gevent.spawn(lambda: 1 / 0).join()  # would never return where gevent waited

    assert outlet.waiting
    shown = ""
    while "failed with ZeroDivisionError" not in shown:
        shown += os.read(pipe.reading, 65_536).decode()
    assert f"{FULL}Traceback" in shown
    outlet.close()
    assert gevent.get_hub().exception_stream is sys.stderr


def test_a_reader_who_has_gone_is_no_error(pipe: Pipe) -> None:
    outlet = Outlet(pipe.stream)
    os.close(pipe.reading)

    outlet.write("a line\n")

    pipe.reading = os.open(os.devnull, os.O_RDONLY)
    assert outlet.waiting == 0


def test_the_end_waits_for_a_reader_but_not_for_ever(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 0.05)
    outlet = Outlet(pipe.stream)
    for _ in range(UNREAD):
        outlet.write(FULL)

    outlet.close()

    assert outlet.waiting
    pipe.read_lines(UNREAD)


def test_characters_that_the_stream_cannot_show_are_told_by_their_numbers() -> None:
    reading, writing = os.pipe()
    with open(writing, "w", encoding="ascii") as stream:
        Outlet(stream).write("Zoë\n")
    assert os.read(reading, 100) == b"Zo\\xeb\n"
    os.close(reading)


def test_a_stream_without_a_file_is_written_to() -> None:
    stream = io.StringIO()

    Outlet(stream).write("a line\n")

    assert stream.getvalue() == "a line\n"
