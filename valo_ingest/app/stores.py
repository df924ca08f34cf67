"""What a data directory keeps, for whoever looks at it without a server."""

from pathlib import Path

from valo_ingest.clock import SystemClock
from valo_ingest.storage.archive import Archive
from valo_ingest.storage.keystore import KeyStore


def open_archive(data_dir: Path) -> Archive:
    """Return the matches that a server keeps in `data_dir`. It may run meanwhile."""
    return Archive(data_dir, now_ms=SystemClock().now_ms)


def open_keys(data_dir: Path) -> KeyStore:
    """Return the access keys that are kept in `data_dir`. A server that asks for them may run meanwhile."""
    return KeyStore(data_dir, now_ms=SystemClock().now_ms)
