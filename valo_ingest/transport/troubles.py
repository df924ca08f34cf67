"""What is wrong with the server itself, as its operator's page tells it: a port, the disk, the certificate.

What is told stays equal to itself as long as it lasts, so a number that changes every second is in none of it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from valo_ingest.live.facts import Problem, Severity
from valo_ingest.transport.health import FULL_BYTES, LOW_BYTES, MEGABYTE, Health
from valo_ingest.transport.tls import Validity

EXPIRES_SOON: Final = timedelta(days=7)
"""A certificate that is renewed by itself is so long before this."""

RENEW: Final = "Renew it (SERVER_CERT) and restart the server; matches and clients come back by themselves."


def own_problems(health: Health, certificate: Validity | None, now: int) -> Iterator[Problem]:
    """Yield what is wrong at `now` (epoch ms), but for the journal. `certificate` is None without TLS."""
    for name in health.closed_ports():
        yield Problem(
            code="port_closed",
            severity=Severity.ALARM,
            text=f"The {name} port is not listened on",
            advice="Restart the server; matches and clients come back by themselves. Its log says why it is so.",
        )
    yield from _about_disk(health)
    if certificate is not None:
        yield from _about_certificate(certificate, datetime.fromtimestamp(now / 1_000, UTC))


def _about_disk(health: Health) -> Iterator[Problem]:
    disk = health.disk
    free_some = (
        "Delete what is not needed there, old matches too: `valo-ingest matches delete --older-than 7`. "
    )
    if disk.free_bytes is None:
        yield Problem(
            code="disk_failing",
            severity=Severity.ALARM,
            text=f"The data directory cannot be written: {disk.fault}",
            advice="Look at that disk and at who may write there. Matches go on, but a restart now would lose events.",
        )
    elif disk.free_bytes < FULL_BYTES:
        yield Problem(
            code="disk_full",
            severity=Severity.ALARM,
            text=f"The disk of the data directory is full: less than {FULL_BYTES // MEGABYTE} MB are left",
            advice=f"{free_some}Without room, events are in memory only, and a restart would lose them.",
        )
    elif disk.free_bytes < LOW_BYTES:
        yield Problem(
            code="disk_low",
            severity=Severity.WARNING,
            text=f"The disk of the data directory is nearly full: less than {LOW_BYTES // MEGABYTE:,} MB are left",
            advice=free_some.strip(),
        )


def _about_certificate(certificate: Validity, now: datetime) -> Iterator[Problem]:
    start, end = certificate
    if now > end:
        yield Problem(
            code="certificate_expired",
            severity=Severity.ALARM,
            text=f"The certificate expired on {end:%Y-%m-%d %H:%M} UTC: browsers refuse it, so overlays get nothing",
            advice=RENEW,
        )
    elif now < start:
        yield Problem(
            code="certificate_not_yet_valid",
            severity=Severity.ALARM,
            text=f"The certificate is not valid before {start:%Y-%m-%d %H:%M} UTC: browsers refuse it",
            advice="Set the clock of this machine right, or renew the certificate (SERVER_CERT).",
        )
    elif end - now < EXPIRES_SOON:
        yield Problem(
            code="certificate_expires",
            severity=Severity.WARNING,
            text=f"The certificate expires on {end:%Y-%m-%d %H:%M} UTC; browsers refuse it from then on",
            advice=RENEW,
        )
