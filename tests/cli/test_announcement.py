from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valo_ingest.cli.announcement import lines
from valo_ingest.config import Config


@dataclass(frozen=True)
class Ports:
    ingest_port: int = 5100
    output_port: int = 5200
    extras_port: int = 5101


def announced(*, addresses: tuple[str, ...] = (), made_key: str | None = None, **settings: Any) -> str:
    config = Config(**{"data_dir": Path("data"), "insecure": True, "auth_key": "hunter2", **settings})
    return "\n".join(lines(config, Ports(), addresses=addresses, made_key=made_key))


def test_every_address_of_the_lan_is_named_with_all_ports() -> None:
    text = announced(addresses=("192.168.1.20", "10.0.0.5"))

    for address in ("192.168.1.20", "10.0.0.5", "localhost"):
        assert f"http://{address}:5100" in text
        assert f'"serverEndpoint": "http://{address}:5200"' in text
        assert f'"extrasEndpoint": "http://{address}:5101"' in text


def test_only_an_address_that_is_listened_on_is_named() -> None:
    text = announced(host="10.0.0.5", addresses=("192.168.1.20", "10.0.0.5"))

    assert "http://10.0.0.5:5100" in text
    assert "192.168.1.20" not in text
    assert "localhost" not in text


def test_an_ipv6_address_has_brackets() -> None:
    assert "http://[fd00::7]:5100" in announced(host="fd00::7")


def test_a_machine_without_a_network_is_told_so() -> None:
    assert "nobody else reaches it" in announced()


def test_tls_is_in_the_addresses() -> None:
    text = announced(insecure=False, server_key=Path("k"), server_cert=Path("c"), addresses=("10.0.0.5",))

    assert "https://10.0.0.5:5100" in text
    assert "http://" not in text
    assert "accept" not in text


def test_a_self_signed_certificate_is_explained() -> None:
    assert "open the serverEndpoint and the extrasEndpoint" in announced(insecure=False, self_signed=True)


def test_a_made_key_is_shown() -> None:
    assert announced(made_key="ABCDE-FGHJK").endswith("(kept in data): ABCDE-FGHJK")


def test_a_key_of_the_operator_is_not_shown() -> None:
    text = announced()

    assert "hunter2" not in text
    assert "AUTH_KEY" in text


def test_a_server_without_keys_says_so() -> None:
    assert "REQUIRE_AUTH_KEY is false" in announced(auth_key=None, require_auth_key=False)
