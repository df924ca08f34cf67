"""Recordings of matches, read from files: steps, and what is wrong with the rest.

Theory of operation
-------------------
Two formats are read, line by line:

* a *stream*, one JSON object a line: who did what when, with logons, disconnections and auxiliary clients. Streams are
  what `valo-ingest matches export` writes;
* a *.replay file* of the original server: a header with what the logon said, then every message that the server took
  in, with the instant of its receipt. Logons are made up for them.

Files are damaged in practice: cut off in a crash, edited by hand, pasted into each other. A line that cannot be read is
named and left out, and the others are read all the same. What is wrong inside a message is not looked at here: a
server is to see every message as it was.
"""

import zlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from valo_ingest.errors import InvalidMessage, InvalidRecording
from valo_ingest.rehearsal.formats import Damaged, Reader, ReplayFileReader, StreamReader
from valo_ingest.rehearsal.steps import DATA, Channel, Step, auxiliary_logon, observer_logon
from valo_ingest.wire.json import read
from valo_ingest.wire.record import FORMAT

WHAT_IS_ONE: Final = "Give what `valo-ingest matches export CODE --format jsonl` writes, or a .replay file."

MAX_FILE_BYTES: Final = 512 * 1024 * 1024
"""A match of two hours has some 5 MB."""

MAX_LINE_BYTES: Final = 1024 * 1024
"""No server takes a message beyond it."""


class Format(StrEnum):
    STREAM = "stream"
    REPLAY_FILE = ".replay file"


class Fault(Struct, frozen=True):
    """A line, counted from 1, and what is wrong with it."""

    line: int
    what: str


class Recording(Struct, frozen=True, kw_only=True):
    """What is in a file, in its order; times never run backwards."""

    format: Format
    steps: tuple[Step, ...]
    duration_ms: int
    faults: tuple[Fault, ...] = ()
    left_out: int = 0
    """Lines that are not about clients."""
    modernized: int = 0
    """Messages in the spelling of old clients, which are read in that of today's."""


# --- files ----------------------------------------------------------------------------------------------------


def load(path: Path) -> Recording:
    """Read a file, which may be compressed with gzip.

    Raises:
        InvalidRecording: It cannot be opened, or nothing in it can be played.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidRecording(name, f"it cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise InvalidRecording(name, "no file can have this name.") from None
    content, is_whole = _inflated(content, name)
    recording = parse(content, name)
    if is_whole:
        return recording
    last = Fault(content.count(b"\n") + 1, "the compressed file breaks off here. Is there another copy?")
    return replace(recording, faults=(*(each for each in recording.faults if each.line != last.line), last))


def _inflated(content: bytes, name: str) -> tuple[bytes, bool]:
    """Return `content` without compression, and whether that is all; where it breaks off, what is before it."""
    is_whole = True
    if content.startswith(b"\x1f\x8b"):
        inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            content = inflate.decompress(content, MAX_FILE_BYTES + 1)
            is_whole = inflate.eof
        except zlib.error:
            raise InvalidRecording(
                name, "it is compressed with gzip, and damaged. Is there another copy?"
            ) from None
    if len(content) > MAX_FILE_BYTES:
        raise InvalidRecording(
            name, f"it is larger than {MAX_FILE_BYTES // 1024**2} MB, and no recording is."
        )
    return content, is_whole


# --- text -----------------------------------------------------------------------------------------------------


def parse(content: bytes | str, name: str = "the text") -> Recording:
    """Read the text of a file, which an error calls `name`.

    Raises:
        InvalidRecording: Nothing in it can be played.
    """
    lines, faults = _read_lines(content)
    newest = max(
        (version for _, value in lines if isinstance(version := value.get("format"), int)), default=0
    )
    if newest > FORMAT:
        raise InvalidRecording(
            name,
            f"a later version of valo-ingest wrote it, in format {newest}; this one reads up to {FORMAT}.",
        )
    is_stream = any("channel" in value for _, value in lines)
    reader: Reader = StreamReader() if is_stream else ReplayFileReader()
    for number, value in lines:
        try:
            reader.take(number, value)
        except Damaged as damage:
            faults.append(Fault(number, str(damage)))
    faults.sort(key=lambda fault: fault.line)
    if not reader.steps:
        raise InvalidRecording(name, _why_nothing(faults))
    return Recording(
        format=Format.STREAM if is_stream else Format.REPLAY_FILE,
        steps=tuple(_with_logons(reader.steps)),
        duration_ms=reader.duration_ms,
        faults=tuple(faults),
        left_out=reader.left_out,
        modernized=reader.modernized,
    )


def _why_nothing(faults: list[Fault]) -> str:
    where = f" (line {faults[0].line}: {faults[0].what})" if faults else ""
    return f"it is no recording: there is no message of a match in it{where}. {WHAT_IS_ONE}"


def _read_lines(content: bytes | str) -> tuple[list[tuple[int, dict[str, Any]]], list[Fault]]:
    """Return the JSON objects of each line with its number, and which lines are damaged."""
    objects: list[tuple[int, dict[str, Any]]] = []
    faults: list[Fault] = []
    for number, line in enumerate(_encoded(content).split(b"\n"), 1):
        text = line.strip(b" \t\r,")
        if not text or text in (b"[", b"]"):
            continue
        if len(text) > MAX_LINE_BYTES:
            faults.append(Fault(number, f"it is longer than {MAX_LINE_BYTES // 1024**2} MB"))
            continue
        try:
            found = read(b"[" + text + b"]")  # .replay files set commas between objects, also within a line
        except InvalidMessage as error:
            faults.append(Fault(number, _of_the_line(error.detail)))
            continue
        for value in found:
            if isinstance(value, dict):
                objects.append((number, value))
            else:
                faults.append(Fault(number, "it is not a JSON object"))
    return objects, faults


def _encoded(content: bytes | str) -> bytes:
    """Return `content` in UTF-8: what a shell of Windows redirects into a file may be UTF-16."""
    if isinstance(content, str):
        return content.encode(errors="replace")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace").encode(errors="replace")
    return content.removeprefix(b"\xef\xbb\xbf")


def _with_logons(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield `steps`, with a logon before what a client sends that never logged on: its own was lost with its line."""
    known: set[str] = set()
    for step in steps:
        if step.channel in DATA and step.client not in known:
            is_observer = step.channel is Channel.OBSERVER_DATA
            yield replace(
                step,
                channel=Channel.OBSERVER_LOGON if is_observer else Channel.AUXILIARY_LOGON,
                payload=observer_logon(step.payload) if is_observer else auxiliary_logon(step.payload),
                raw=None,
                is_made_up=True,
            )
        known.add(step.client)
        yield step


def _of_the_line(sentence: str) -> str:
    return sentence.replace("The text", "it", 1).rstrip(".")
