from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from valo_ingest.config import TAKES, Config
from valo_ingest.errors import ConfigError

DATA_DIR = Path("data")
KEY, CERT = Path("key.pem"), Path("cert.pem")


def make_config(**changes: Any) -> Config:
    """Return a configuration that is all right but for `changes`."""
    return Config(**{"data_dir": DATA_DIR, "insecure": True, "auth_key": "k", **changes})


def refusal(**changes: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        make_config(**changes)
    return caught.value


def test_the_defaults_are_those_of_the_protocol() -> None:
    config = make_config()

    assert (config.ingest_port, config.output_port, config.extras_port) == (5100, 5200, 5101)
    assert config.client_versions == ">=0.3.3 <0.3.25"
    assert (config.send_interval_ms, config.idle_minutes, config.result_minutes) == (5, 30, 60)
    assert config.require_auth_key
    assert (config.max_connections, config.max_connections_per_address) == (10_000, 1_024)
    assert (config.max_events_per_s, config.deadline_s) == (500, 10)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        make_config().host = "::"  # type: ignore[misc]


def test_the_access_key_is_not_in_the_representation() -> None:
    assert "hunter2" not in repr(make_config(auth_key="hunter2"))
    assert "hunter22" not in repr(make_config(operator_password="hunter22"))


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("HOST", "host", ""),
        ("HOST", "host", "http://10.0.0.1"),
        ("HOST", "host", "two words"),
        ("INGEST_PORT", "ingest_port", -1),
        ("INGEST_PORT", "ingest_port", "abc"),
        ("INGEST_PORT", "ingest_port", True),
        ("OUTPUT_PORT", "output_port", 65_536),
        ("EXTRAS_PORT", "extras_port", 99_999),
        ("DATA_DIR", "data_dir", Path("a\0b")),
        ("INSECURE", "insecure", "maybe"),
        ("SERVER_KEY", "server_key", Path("a\0b")),
        ("SERVER_CERT", "server_cert", Path("a\0b")),
        ("SELF_SIGNED", "self_signed", "2"),
        ("REQUIRE_AUTH_KEY", "require_auth_key", ""),
        ("CLIENT_VERSIONS", "client_versions", ""),
        ("CLIENT_VERSIONS", "client_versions", "newest"),
        ("CLIENT_VERSIONS", "client_versions", ">=0.3"),
        ("CLIENT_VERSIONS", "client_versions", ">=0.3.3, <0.3.25"),
        ("CLIENT_VERSIONS", "client_versions", "~0.3.3"),
        ("SEND_INTERVAL", "send_interval_ms", -1),
        ("SEND_INTERVAL", "send_interval_ms", 10_001),
        ("IDLE_MINUTES", "idle_minutes", 0),
        ("IDLE_MINUTES", "idle_minutes", 1_441),
        ("RESULT_MINUTES", "result_minutes", 0),
        ("DEADLINE", "deadline_s", 0),
        ("MAX_CONNECTIONS", "max_connections", 0),
        ("MAX_CONNECTIONS_PER_ADDRESS", "max_connections_per_address", "many"),
        ("MAX_EVENTS_PER_SECOND", "max_events_per_s", -1),
        ("METRICS", "metrics", "everybody"),
        ("LOG_FORMAT", "log_format", "xml"),
        ("LOG_LEVEL", "log_level", "loud"),
        ("SERVICE_SPONSOR_URL", "service_sponsor_url", "sponsor.webp"),
        ("SERVICE_SPONSOR_URL", "service_sponsor_url", "https://a b"),
        ("ORGANIZATION", "organization", ""),
        ("ORGANIZATION", "organization", "a\nb"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_its_setting_and_what_that_takes(
    setting: str, field: str, value: object
) -> None:
    error = refusal(**{field: value})

    assert error.setting == setting
    assert str(error).startswith(f"{setting}: ")
    assert TAKES[setting] in str(error)
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "::"),
        ("host", "fe80::1%eth0"),
        ("host", "studio-pc.local"),
        ("ingest_port", 65_535),
        ("client_versions", "0.3.3"),
        ("client_versions", ">=0.3.3"),
        ("client_versions", ">0.3.3  <=1.0.0 =0.9.9"),
        ("send_interval_ms", 0),
        ("idle_minutes", 1_440),
        ("log_format", "json"),
        ("service_sponsor_url", "https://example.org/logo.webp"),
    ],
)
def test_values_at_the_edge_are_taken(field: str, value: object) -> None:
    assert getattr(make_config(**{field: value}), field) == value


def test_a_long_value_is_not_repeated_in_full() -> None:
    assert len(str(refusal(host="x" * 100_000))) < 200


@pytest.mark.parametrize("key", ["", " ", "a\nb", "x" * 1_025])
def test_an_access_key_that_cannot_be_used_is_refused_and_not_shown(key: str) -> None:
    error = refusal(auth_key=key)

    assert error.setting == "AUTH_KEY"
    assert "xxxx" not in str(error)


def test_two_listeners_cannot_share_a_port() -> None:
    error = refusal(ingest_port=6000, output_port=6000)

    assert "INGEST_PORT" in str(error)
    assert "OUTPUT_PORT" in str(error)


def test_any_number_of_listeners_may_take_a_free_port() -> None:
    make_config(ingest_port=0, output_port=0, extras_port=0)


def test_without_tls_settings_the_one_line_names_the_ways_out() -> None:
    message = str(refusal(insecure=False))

    assert all(name in message for name in ("--server-key", "--server-cert", "--insecure", "--lan"))
    assert "\n" not in message


def test_a_key_without_a_certificate_is_refused() -> None:
    assert refusal(insecure=False, server_key=KEY).setting == "SERVER_CERT"


def test_a_certificate_without_a_key_is_refused() -> None:
    assert refusal(insecure=False, server_cert=CERT).setting == "SERVER_KEY"


def test_a_key_and_its_certificate_give_tls() -> None:
    assert make_config(insecure=False, server_key=KEY, server_cert=CERT).scheme == "https"


def test_self_signed_gives_tls() -> None:
    assert make_config(insecure=False, self_signed=True).scheme == "https"


def test_insecure_wins_over_key_and_certificate() -> None:
    assert make_config(insecure=True, server_key=KEY, server_cert=CERT).scheme == "http"


@pytest.mark.parametrize(
    "changes",
    [
        {"insecure": True},
        {"insecure": False, "server_key": KEY, "server_cert": CERT},
        {"insecure": False, "server_cert": CERT},
    ],
)
def test_self_signed_contradicts_the_other_ways(changes: dict[str, Any]) -> None:
    assert refusal(self_signed=True, **changes).setting == "SELF_SIGNED"


def test_a_required_access_key_that_is_not_set_is_refused() -> None:
    message = str(refusal(auth_key=None))

    assert "AUTH_KEY" in message
    assert "REQUIRE_AUTH_KEY" in message


def test_no_access_key_is_needed_where_none_is_required() -> None:
    assert make_config(auth_key=None, require_auth_key=False).auth_key is None


@pytest.mark.parametrize("password", ["", "short", "        ", "two\nlines of it", "x" * 1_025])
def test_a_password_that_nobody_should_use_is_refused_without_being_shown(password: str) -> None:
    error = refusal(operator_password=password)

    assert error.setting == "OPERATOR_PASSWORD"
    assert not password or password not in str(error)
