import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from valo_ingest.cli.logs import JsonFormatter, TextFormatter, configure

FORGED = "dropped\n2026-05-01T18:00:00.000Z INFO valo_ingest forged\r\x1b[2J\u2028\ud800"


def make_record(message: str = "hello %s", *arguments: object, exc_info: Any = None) -> logging.LogRecord:
    record = logging.LogRecord(
        "valo_ingest.live", logging.WARNING, "x.py", 1, message, arguments or None, exc_info
    )
    record.created = 1_777_658_400.25
    return record


def failure(message: str) -> Any:
    try:
        raise ValueError(message)
    except ValueError:
        return sys.exc_info()


def test_a_text_line_has_instant_level_and_logger() -> None:
    line = TextFormatter().format(make_record("group_code=%s gone", "A"))

    assert line == "2026-05-01T18:00:00.250Z WARNING valo_ingest.live group_code=A gone"


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_no_message_forges_a_second_line(formatter: logging.Formatter) -> None:
    line = formatter.format(make_record("%s", FORGED))

    assert len(line.splitlines()) == 1
    assert line.isprintable()
    line.encode("utf-8")


def test_a_traceback_has_a_margin_that_no_record_has() -> None:
    first, *traceback = TextFormatter().format(make_record("failed", exc_info=failure(FORGED))).split("\n")

    assert first.endswith("WARNING valo_ingest.live failed")
    assert len(traceback) > 2
    assert all(line.startswith("    | ") and line.isprintable() for line in traceback)


def test_json_has_one_object_per_line() -> None:
    document = json.loads(JsonFormatter().format(make_record("hello %s", "you")))

    assert document == {
        "ts": "2026-05-01T18:00:00.250Z",
        "level": "WARNING",
        "logger": "valo_ingest.live",
        "message": "hello you",
    }


def test_json_has_the_exception_in_the_same_line() -> None:
    line = JsonFormatter().format(make_record("failed", exc_info=failure(FORGED)))

    assert len(line.splitlines()) == 1
    assert "ValueError" in json.loads(line)["exc"]


@pytest.fixture
def loggers_restored() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("valo_ingest")
    handlers, root_level, our_level = root.handlers[:], root.level, ours.level
    for handler in handlers:
        root.removeHandler(handler)  # or it would be closed
    yield
    root.handlers[:] = handlers
    root.setLevel(root_level)
    ours.setLevel(our_level)


@pytest.mark.usefixtures("loggers_restored")
def test_our_lines_are_written_and_of_libraries_only_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    configure("text", "debug")

    logging.getLogger("valo_ingest.live").debug("ours")
    logging.getLogger("engineio.server").info("theirs")
    logging.getLogger("engineio.server").warning("of theirs a warning")

    assert [line.split(" ", 3)[3] for line in capsys.readouterr().err.splitlines()] == [
        "ours",
        "of theirs a warning",
    ]
