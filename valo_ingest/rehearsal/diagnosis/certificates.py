"""The certificate: what the browser of an overlay will say of it. Observer clients take any."""

import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from cryptography import x509

from valo_ingest.rehearsal.diagnosis.findings import Finding, State, broken, ok, warning
from valo_ingest.rehearsal.diagnosis.places import ANSWER_S, Place, Side, any_certificate

RENEW: Final = "Renew it (SERVER_CERT), or let the server make one with --self-signed."
DATE_CODES: Final = frozenset({9, 10})
"""How OpenSSL numbers "not yet valid" and "expired" (X509_V_ERR_...)."""


def check_certificate(place: Place, now: datetime | None = None) -> Finding:
    """Tell what is wrong with the certificate of `place` at `now`."""
    check = f"{place.side} certificate"
    try:
        certificate = _certificate(place)
    except (OSError, ValueError) as error:
        return warning(check, f"it cannot be read: {type(error).__name__}", RENEW)
    finding = _judge(check, place, certificate, now or datetime.now(UTC))
    if place.side is Side.INGEST and finding.state is not State.OK:
        return warning(check, f"{finding.saw}; observer clients take it all the same", finding.do)
    return finding


def _judge(check: str, place: Place, certificate: x509.Certificate, now: datetime) -> Finding:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        saw = f"it expired on {end:%Y-%m-%d %H:%M} UTC; browsers say ERR_CERT_DATE_INVALID"
        return broken(check, saw, RENEW)
    if now < start:
        return broken(
            check,
            f"it is not valid before {start:%Y-%m-%d %H:%M} UTC; browsers say ERR_CERT_DATE_INVALID",
            "Set the clock of this machine and of the server right, or renew the certificate (SERVER_CERT).",
        )
    names = names_of(certificate)
    if not any(is_name(place.host, name) for name in names):
        return broken(
            check,
            f"it is for {', '.join(names) or 'nobody'} and not for {place.host}; "
            "browsers say ERR_CERT_COMMON_NAME_INVALID",
            "Type one of those names, or give the server a certificate for this one.",
        )
    if not _is_trusted(place):
        return warning(
            check,
            "nobody whom this machine trusts has signed it; browsers say ERR_CERT_AUTHORITY_INVALID",
            f"Open {place.url} once in the browser of the overlay and accept it. The one inside OBS cannot be asked: "
            "there, trust it in the system, or serve without TLS.",
        )
    return ok(check, f"it is good for {place.host} until {end:%Y-%m-%d}")


def _certificate(place: Place) -> x509.Certificate:
    with _connect(place, any_certificate()) as wrapped:
        return x509.load_der_x509_certificate(wrapped.getpeercert(binary_form=True) or b"")


def _is_trusted(place: Place) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    try:
        with _connect(place, context):
            return True
    except ssl.SSLCertVerificationError as error:
        return error.verify_code in DATE_CODES  # dates were judged before
    except OSError:
        return False


def _connect(place: Place, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection((place.host, place.port), ANSWER_S)
    try:
        return context.wrap_socket(plain, server_hostname=place.host)
    except BaseException:
        plain.close()
        raise


def names_of(certificate: x509.Certificate) -> Sequence[str]:
    """Return the names and addresses that a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def is_name(host: str, name: str) -> bool:
    """Tell whether the name of a certificate is that of `host`; `*` stands for one part (RFC 6125)."""
    try:
        return ip_address(host) == ip_address(name)
    except ValueError:
        pass
    host, name = host.lower().rstrip("."), name.lower()
    return host == name or (name.startswith("*.") and host.partition(".")[2] == name[2:])
