from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valo_ingest.cli.announcement import Made, lines
from valo_ingest.config import Config


@dataclass(frozen=True)
class Ports:
    ingest_port: int = 5100
    output_port: int = 5200
    extras_port: int = 5101


def announced(*, addresses: tuple[str, ...] = (), made: Made = Made(), **settings: Any) -> str:  # noqa: B008
    config = Config(**{"data_dir": Path("data"), "insecure": True, "auth_key": "hunter2", **settings})
    return "\n".join(lines(config, Ports(), addresses=addresses, made=made))


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
    assert "(kept in data): ABCDE-FGHJK\n" in announced(made=Made(auth_key="ABCDE-FGHJK"))


def test_a_key_of_the_operator_is_not_shown() -> None:
    text = announced()

    assert "hunter2" not in text
    assert "AUTH_KEY" in text


def test_a_server_without_keys_says_so() -> None:
    assert "REQUIRE_AUTH_KEY is false" in announced(auth_key=None, require_auth_key=False)


def test_a_made_password_is_shown() -> None:
    assert announced(made=Made(operator_password="WORD")).endswith("(kept in data): WORD")


def test_a_password_of_the_operator_is_not_shown() -> None:
    text = announced(operator_password="correct horse")

    assert "correct horse" not in text
    assert "OPERATOR_PASSWORD is set to" in text


def test_a_server_without_a_password_says_who_sees_the_pages() -> None:
    assert "on this machine only" in announced()


def test_the_address_of_the_operators_pages_is_named() -> None:
    assert "http://localhost:5101/\n" in announced()
