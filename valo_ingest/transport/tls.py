"""TLS: checks a key and its certificate, or makes a pair for this machine."""

import ipaddress
import os
import ssl
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import gevent.ssl
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from valo_ingest.config import Config
from valo_ingest.errors import ConfigError
from valo_ingest.transport import addresses

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 has no others."""

VALIDITY: Final = timedelta(days=825)
"""Some systems take no certificate that is valid for longer (Apple, HT210176)."""

CLOCK_SKEW: Final = timedelta(days=1)
"""The clocks of a LAN may be this far apart: a certificate is valid from this long before it is made."""

RENEW_BEFORE: Final = timedelta(days=30)

KEY_FILE: Final = "self-signed-key.pem"
CERT_FILE: Final = "self-signed-cert.pem"


def configured_context(config: Config, now: datetime) -> ssl.SSLContext | None:
    """Return the context for listeners that the configuration asks for; None for no TLS. Raises as `server_context`."""
    if config.insecure:
        return None
    key, cert = config.server_key, config.server_cert
    if config.self_signed:
        key, cert = self_signed_pair(
            config.data_dir, names=addresses.host_names(), addresses=addresses.lan_addresses(), now=now
        )
    assert key is not None and cert is not None, "the configuration has checked itself"
    return server_context(key, cert, now=now)


class Validity(NamedTuple):
    """From when until when a certificate is valid."""

    start: datetime
    end: datetime


def configured_validity(config: Config) -> Validity | None:
    """Return how long the certificate is valid that the configuration asks for, as it is now; None for no TLS.

    Raises:
        ConfigError: it cannot be read.
    """
    if config.insecure:
        return None
    path = config.data_dir / CERT_FILE if config.self_signed else config.server_cert
    assert path is not None, "the configuration has checked itself"
    certificate = _read_certificate(path)
    return Validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def server_context(key: Path, cert: Path, now: datetime) -> ssl.SSLContext:
    """Return a context for listeners, once `key` and `cert` are shown to belong together and to be valid `now`.

    Raises:
        ConfigError: one of the files cannot be used; says which and why.
    """
    private_key = _read_key(key)
    certificate = _read_certificate(cert)
    _check_validity(cert, certificate, now)
    if _encoded(certificate.public_key()) != _encoded(private_key.public_key()):
        raise ConfigError("SERVER_KEY", f"{key} does not belong to the certificate in {cert} (SERVER_CERT)")
    # gevent's own class, so that it is cooperative even where the standard library is not patched.
    context: ssl.SSLContext = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHERS)
    try:
        context.load_cert_chain(cert, key)
    except ssl.SSLError as error:  # a key that is too short, for instance
        raise ConfigError("SERVER_CERT", f"{cert} cannot be used: {error.reason or error}") from error
    return context


def self_signed_pair(
    data_dir: Path, *, names: Iterable[str], addresses: Iterable[str], now: datetime
) -> tuple[Path, Path]:
    """Return key and certificate in `data_dir`, made anew where they are missing, near their end or lack a name.

    They are valid for this machine itself and for all `names` and `addresses`.

    Raises:
        ConfigError: the directory cannot be written.
    """
    key, cert = data_dir / KEY_FILE, data_dir / CERT_FILE
    wanted = {x509.DNSName(name) for name in ("localhost", *names)} | {
        x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1", *addresses)
    }
    if not _still_good(key, cert, wanted, now):
        private_key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(private_key, wanted, now)
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            _write(key, _private_pem(private_key), mode=0o600)
            _write(cert, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
        except OSError as error:
            raise ConfigError(
                "DATA_DIR", f"cannot keep a certificate in {data_dir}: {error.strerror}"
            ) from error
    return key, cert


def _read_key(path: Path) -> PrivateKeyTypes:
    pem = _read("SERVER_KEY", path)
    try:
        return serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise ConfigError("SERVER_KEY", f"{path} is locked by a passphrase; give a key without one") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("SERVER_KEY", f"{path} holds no private key in PEM format") from error


def _read_certificate(path: Path) -> x509.Certificate:
    """Return the first certificate of a file, which is the server's own; the others lead to its issuer."""
    pem = _read("SERVER_CERT", path)
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except ValueError as error:
        raise ConfigError("SERVER_CERT", f"{path} holds no certificate in PEM format") from error


def _read(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(setting, f"cannot read {path}: {error.strerror}") from error


def _check_validity(path: Path, certificate: x509.Certificate, now: datetime) -> None:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        raise ConfigError("SERVER_CERT", f"{path} expired on {end:%Y-%m-%d %H:%M} UTC; renew it")
    if now < start:
        raise ConfigError(
            "SERVER_CERT",
            f"{path} is not valid before {start:%Y-%m-%d %H:%M} UTC; is this machine's clock right?",
        )


def _still_good(key: Path, cert: Path, wanted: set[x509.DNSName | x509.IPAddress], now: datetime) -> bool:
    try:
        certificate = _read_certificate(cert)
        belongs = _encoded(certificate.public_key()) == _encoded(_read_key(key).public_key())
        covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ConfigError, x509.ExtensionNotFound):
        return False
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return belongs and wanted <= set(covered) and start <= now < end - RENEW_BEFORE


def _sign(
    key: ec.EllipticCurvePrivateKey, wanted: set[x509.DNSName | x509.IPAddress], now: datetime
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "valo-ingest")])
    start = now - CLOCK_SKEW
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + VALIDITY)
        .add_extension(x509.SubjectAlternativeName(sorted(wanted, key=str)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _encoded(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file of this mode, whole or not at all."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)  # its mode is set only when it is created
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    unfinished.replace(path)
