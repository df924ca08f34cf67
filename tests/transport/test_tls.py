import ipaddress
import os
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from valo_ingest.errors import ConfigError
from valo_ingest.transport.tls import RENEW_BEFORE, self_signed_pair, server_context

NOW = datetime(2026, 5, 1, 18, 0, tzinfo=UTC)
DAY = timedelta(days=1)
NAMES = ("studio-pc",)
ADDRESSES = ("192.168.1.20",)

Pair = tuple[Path, Path]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


def make_pair(
    data_dir: Path,
    *,
    names: Sequence[str] = NAMES,
    addresses: Sequence[str] = ADDRESSES,
    now: datetime = NOW,
) -> Pair:
    return self_signed_pair(data_dir, names=names, addresses=addresses, now=now)


def certificate_of(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair[1].read_bytes())


def refusal(key: Path, cert: Path, *, now: datetime = NOW) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        server_context(key, cert, now=now)
    return caught.value


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """Let two ends talk in memory; return the version of TLS that they agree on."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = ssl.SSLContext.wrap_bio(server, to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server, server_hostname=name)
    for end in (client_side, server_side) * 4:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client_side.version()


def trusting(pair: Pair) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pair[1]))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def test_a_client_that_trusts_the_certificate_connects(tmp_path: Path) -> None:
    now = datetime.now(UTC)  # OpenSSL goes by the real time
    pair = make_pair(tmp_path, now=now)

    for name in ("localhost", "studio-pc", "192.168.1.20", "127.0.0.1", "::1"):
        assert handshake(server_context(*pair, now=now), trusting(pair), name) == "TLSv1.3"


def test_tls_1_2_is_the_oldest_version(pair: Pair) -> None:
    context = server_context(*pair, now=NOW)

    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert all("GCM" in each["name"] or "CHACHA20" in each["name"] for each in context.get_ciphers())


def test_a_made_certificate_is_valid_for_this_machine(pair: Pair) -> None:
    covered = certificate_of(pair).extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert set(covered.get_values_for_type(x509.DNSName)) == {"localhost", "studio-pc"}
    assert set(covered.get_values_for_type(x509.IPAddress)) == {
        ipaddress.ip_address(address) for address in ("127.0.0.1", "::1", "192.168.1.20")
    }


def test_a_made_certificate_is_valid_at_once_and_for_825_days(pair: Pair) -> None:
    certificate = certificate_of(pair)

    assert certificate.not_valid_before_utc < NOW
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == 825 * DAY


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file modes")
def test_only_the_owner_reads_a_made_key(pair: Pair) -> None:
    assert pair[0].stat().st_mode & 0o777 == 0o600


def test_a_made_pair_is_kept(tmp_path: Path, pair: Pair) -> None:
    before = [path.read_bytes() for path in pair]

    assert make_pair(tmp_path, now=NOW + 100 * DAY) == pair
    assert [path.read_bytes() for path in pair] == before


def test_a_pair_that_covers_more_than_today_is_kept(tmp_path: Path, pair: Pair) -> None:
    before = certificate_of(pair)

    assert certificate_of(make_pair(tmp_path, addresses=())) == before


def test_a_made_pair_is_renewed_before_its_end(tmp_path: Path, pair: Pair) -> None:
    before = certificate_of(pair)
    near_the_end = before.not_valid_after_utc - RENEW_BEFORE

    assert (
        certificate_of(make_pair(tmp_path, now=near_the_end)).not_valid_after_utc > near_the_end + 800 * DAY
    )


def test_a_made_pair_is_renewed_for_a_new_address(tmp_path: Path, pair: Pair) -> None:
    before = certificate_of(pair)

    assert certificate_of(make_pair(tmp_path, addresses=("10.0.0.5",))) != before


def test_a_pair_is_made_anew_when_one_file_is_broken(tmp_path: Path, pair: Pair) -> None:
    pair[0].write_text("nothing")

    server_context(*make_pair(tmp_path), now=NOW)


def test_a_pair_is_made_anew_when_its_files_do_not_belong_together(tmp_path: Path, pair: Pair) -> None:
    make_pair(tmp_path / "other")[0].replace(pair[0])

    server_context(*make_pair(tmp_path), now=NOW)


def test_a_data_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")

    with pytest.raises(ConfigError, match="DATA_DIR: cannot keep a certificate"):
        make_pair(tmp_path / "file")


def test_a_missing_file_is_named(tmp_path: Path, pair: Pair) -> None:
    missing = tmp_path / "missing.pem"

    assert str(refusal(missing, pair[1])).startswith(f"SERVER_KEY: cannot read {missing}: ")
    assert str(refusal(pair[0], missing)).startswith(f"SERVER_CERT: cannot read {missing}: ")


def test_a_file_that_is_not_pem_is_named(tmp_path: Path, pair: Pair) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_bytes(b"\x00\xff garbage")

    assert str(refusal(garbage, pair[1])) == f"SERVER_KEY: {garbage} holds no private key in PEM format"
    assert str(refusal(pair[0], garbage)) == f"SERVER_CERT: {garbage} holds no certificate in PEM format"


def test_files_given_the_wrong_way_round_are_refused(pair: Pair) -> None:
    assert refusal(pair[1], pair[0]).setting == "SERVER_KEY"


def test_an_expired_certificate_is_refused(pair: Pair) -> None:
    error = refusal(*pair, now=NOW + 900 * DAY)

    assert error.setting == "SERVER_CERT"
    assert f"{pair[1]} expired on 2028-08-02 18:00 UTC" in str(error)


def test_a_certificate_of_the_future_is_refused(pair: Pair) -> None:
    error = refusal(*pair, now=NOW - 2 * DAY)

    assert error.setting == "SERVER_CERT"
    assert f"{pair[1]} is not valid before 2026-04-30 18:00 UTC" in str(error)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, pair: Pair) -> None:
    other_key, _ = make_pair(tmp_path / "other")

    error = refusal(other_key, pair[1])

    assert error.setting == "SERVER_KEY"
    assert str(other_key) in str(error)
    assert str(pair[1]) in str(error)


def test_a_locked_key_is_refused_without_asking_for_the_passphrase(tmp_path: Path, pair: Pair) -> None:
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )

    assert str(refusal(locked, pair[1])).startswith(f"SERVER_KEY: {locked} is locked by a passphrase")


def test_a_key_too_weak_for_tls_is_refused(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weak")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), NOW, NOW + DAY
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (tmp_path / "cert").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))

    assert refusal(tmp_path / "key", tmp_path / "cert").setting == "SERVER_CERT"
