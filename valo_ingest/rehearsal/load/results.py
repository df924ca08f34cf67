"""The files that a run leaves behind."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from valo_ingest.rehearsal.load import report
from valo_ingest.rehearsal.load.measurements import Second
from valo_ingest.rehearsal.load.summary import Summary, to_json

REPORT: Final = "report.html"
SUMMARY: Final = "summary.json"

_OF_A_SECOND: Final = ("matches", "sent", "load_cpu", "server_cpu", "server_memory_mb", "others_cpu")
_OF_A_LATENCY: Final = ("count", "p50_ms", "p95_ms", "p99_ms", "max_ms")


def new_directory(parent: Path, name: str, now: datetime) -> Path:
    """Make a directory for a run, named for it and for the moment, and return it.

    Raises:
        OSError: It cannot be made.
    """
    stem = f"{name}-{now:%Y%m%d-%H%M%S}"
    number = 1
    while True:
        directory = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            if not directory.is_dir():
                raise  # the parent is a file
            number += 1
        else:
            return directory


def write(
    directory: Path,
    summary: Summary,
    *,
    locust_report: str,
    tables: Mapping[str, str],
    server_log: str | None = None,
) -> None:
    """Write the report, the JSON summary, the tables as CSV, and the log of the server if it is known.

    Args:
        tables: Of locust: name -> CSV.

    Raises:
        OSError: They cannot be written.
    """
    _write(directory / REPORT, report.page(locust_report, summary))
    _write(directory / SUMMARY, to_json(summary).decode() + "\n")
    for name, text in {**tables, "seconds": seconds_table(summary.seconds)}.items():
        _write(directory / f"{name}.csv", text)
    if server_log is not None:
        _write(directory / "server.log", server_log)


def seconds_table(seconds: Iterable[Second]) -> str:
    """Return what each second was like, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("at_s", *_OF_A_SECOND, *(f"seen_{name}" for name in _OF_A_LATENCY)))
    for each in seconds:
        of_each = [getattr(each, name) for name in _OF_A_SECOND]
        writer.writerow((each.at_s, *of_each, *(getattr(each.seen, name) for name in _OF_A_LATENCY)))
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
