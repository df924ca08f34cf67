"""What only this machine knows: its addresses, who has a port, and how it is with the data directory."""

import shutil
import socket
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import psutil

from valo_ingest.errors import ValoIngestError
from valo_ingest.rehearsal.diagnosis.findings import Finding, broken, ok, skipped, warning

FULL_BYTES: Final = 100 << 20
"""With less than this left the journal may stop within a match day: a match with ten auxiliary clients takes 30 MB."""

LOW_BYTES: Final = 1 << 30

SERVER_NAMES: Final = ("python", "valo-ingest")
"""Words in the name of a process that may be a server."""

MEGABYTE: Final = 1 << 20
GIGABYTE: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDir:
    """Where a server of this machine keeps what it makes."""

    path: Path
    lock: Path
    """The file that a running server holds."""
    live_codes: Callable[[], Sequence[str]]
    """Reads the group codes of live matches from the journal; raises a `ValoIngestError` where that cannot be read."""


def is_this_machine(host: str) -> bool:
    """Tell whether `host` is the machine on which this runs."""
    try:
        wanted = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    own = {each.address for entries in psutil.net_if_addrs().values() for each in entries}
    return any(address in own or ip_address(address.partition("%")[0]).is_loopback for address in wanted)


def port_holder(port: int) -> str | None:
    """Return which program of this machine listens on `port`, as far as this user may know."""
    try:
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr.port == port and each.pid:
                return f"{psutil.Process(each.pid).name()} (process {each.pid})"
    except (psutil.Error, OSError):
        pass
    return None


def check_directory(data: DataDir) -> Finding:
    """Tell whether the data directory can be written."""
    if not data.path.is_dir():
        return warning(
            "data directory",
            f"there is no directory {data.path}",
            "Give the one of the server: --data-dir or --lan, as for `serve`.",
        )
    try:
        with tempfile.TemporaryFile(dir=data.path):
            pass
    except OSError as error:
        return broken(
            "data directory",
            f"{data.path} cannot be written: {error.strerror}",
            "Give this user the right to write there, or the server another --data-dir.",
        )
    holder = _file_holder(data.lock)
    return ok("data directory", f"{data.path} can be written; {_used_by(holder)}")


def _used_by(holder: str | None) -> str:
    return f"{holder} uses it" if holder else "no server of this user uses it now"


def _file_holder(path: Path) -> str | None:
    """Return which Python program has `path` open. Others are not asked: on Windows each takes long to answer."""
    wanted = str(path.resolve())
    for process in psutil.process_iter():
        try:
            if any(word in process.name() for word in SERVER_NAMES) and any(
                each.path == wanted for each in process.open_files()
            ):
                return f"{process.name()} (process {process.pid})"
        except (psutil.Error, OSError):
            continue
    return None


def check_disk(data: DataDir) -> Finding:
    """Tell whether there is room for the journal."""
    try:
        free = shutil.disk_usage(data.path).free
    except OSError as error:
        return skipped("disk", f"nobody knows how full it is: {error.strerror}")
    saw = f"{_size(free)} free where {data.path} is"
    do = "Delete what is not needed there, old matches too: `valo-ingest matches delete --older-than 7`."
    if free < FULL_BYTES:
        return broken("disk", f"the disk is full: {saw}", do)
    return warning("disk", f"the disk is nearly full: {saw}", do) if free < LOW_BYTES else ok("disk", saw)


def _size(count: int) -> str:
    return f"{count / GIGABYTE:.1f} GB" if count >= GIGABYTE else f"{count // MEGABYTE} MB"


def check_journal(data: DataDir) -> tuple[Finding, Sequence[str]]:
    """Tell whether the journal can be read; return the live codes in it with that."""
    try:
        codes = data.live_codes()
    except ValoIngestError as error:
        return broken("journal", str(error), "The server's log says more. Is it on a disk that works?"), ()
    return ok("journal", f"it can be read; {len(codes)} live in it"), codes
