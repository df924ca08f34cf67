"""What an operator can set, checked when it is built.

Settings are named as in the environment (INGEST_PORT), which is also their flag (--ingest-port) in capitals.
"""

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from valo_ingest.errors import ConfigError

Durability = Literal["process", "power"]
LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
MetricsFor = Literal["off", "loopback", "all"]

MAX_PORT: Final = 65_535
MAX_SEND_INTERVAL_MS: Final = 10_000
MAX_MINUTES: Final = 1_440
"""One day."""

MAX_DAYS: Final = 3_650
MAX_SECONDS: Final = 3_600
MAX_CONNECTIONS: Final = 1_000_000
MAX_EVENTS: Final = 1_000_000
MAX_MATCHES: Final = 1_000_000

MAX_TEXT_LENGTH: Final = 1_024
MIN_PASSWORD_LENGTH: Final = 8

MAX_URL_LENGTH: Final = 65_536
"""As much as an observer client may send for one."""

TRUTH: Final = "true or false"
PORT: Final = f"a port from 0 to {MAX_PORT}, 0 being any free one"
MINUTES: Final = f"whole minutes from 1 to {MAX_MINUTES}"
SECONDS: Final = f"whole seconds from 1 to {MAX_SECONDS}"
CONNECTIONS: Final = f"a number from 1 to {MAX_CONNECTIONS}"
FILE: Final = "the path of a PEM file"

TAKES: Final[Mapping[str, str]] = {
    "HOST": "an address or a name of this machine; 0.0.0.0 is all interfaces",
    "INGEST_PORT": PORT,
    "OUTPUT_PORT": PORT,
    "EXTRAS_PORT": PORT,
    "DATA_DIR": "the path of a directory",
    "INSECURE": TRUTH,
    "SERVER_KEY": FILE,
    "SERVER_CERT": FILE,
    "SELF_SIGNED": TRUTH,
    "REQUIRE_AUTH_KEY": TRUTH,
    "AUTH_KEY": f"1 to {MAX_TEXT_LENGTH} printable characters",
    "OPERATOR_PASSWORD": f"{MIN_PASSWORD_LENGTH} to {MAX_TEXT_LENGTH} printable characters",
    "CLIENT_VERSIONS": 'one or more of >=, >, <=, < and = with a version, as in ">=0.3.3 <0.3.25"',
    "SEND_INTERVAL": f"whole milliseconds from 0 to {MAX_SEND_INTERVAL_MS}",
    "IDLE_MINUTES": MINUTES,
    "RESULT_MINUTES": MINUTES,
    "DURABILITY": " or ".join(get_args(Durability)),
    "KEEP_DAYS": f"whole days from 1 to {MAX_DAYS}",
    "SESSION_TTL": MINUTES,
    "TAKEOVER_AFTER": SECONDS,
    "ADOPT_BY_ADDRESS": TRUTH,
    "TLS_RELOAD": TRUTH,
    "PING_INTERVAL": SECONDS,
    "PING_TIMEOUT": SECONDS,
    "DEADLINE": SECONDS,
    "MAX_CONNECTIONS": CONNECTIONS,
    "MAX_CONNECTIONS_PER_ADDRESS": CONNECTIONS,
    "MAX_MATCHES_PER_KEY": f"a number from 1 to {MAX_MATCHES}",
    "MAX_EVENTS_PER_SECOND": f"a number from 0 to {MAX_EVENTS}, 0 being no limit",
    "METRICS": ", ".join(get_args(MetricsFor)),
    "LOG_FORMAT": " or ".join(get_args(LogFormat)),
    "LOG_LEVEL": ", ".join(get_args(LogLevel)),
    "SERVICE_SPONSOR_URL": "a URL that starts with http:// or https://, or nothing",
    "ORGANIZATION": f"1 to {MAX_TEXT_LENGTH} printable characters",
}
"""What each setting takes, in words for its refusal and for the help of the command line."""

_NUMBER = r"(0|[1-9]\d{0,8})"
_COMPARATOR = rf"(>=|<=|>|<|=)?{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
VERSION_RANGE: Final = re.compile(rf"{_COMPARATOR}( +{_COMPARATOR})*", re.ASCII)
"""How `wire.compat` reads a range."""

HOST_NAME: Final = re.compile(r"[\w.:%-]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of a server; raises `ConfigError` when one of them makes no sense.

    `insecure` wins over `server_key` and `server_cert`, so that a server can be tried without TLS for a moment.
    It does not win over `self_signed`: who asks for both is told. No file is opened here.
    """

    host: str = "0.0.0.0"
    ingest_port: int = 5100
    output_port: int = 5200
    extras_port: int = 5101
    data_dir: Path
    insecure: bool = False
    server_key: Path | None = None
    server_cert: Path | None = None
    self_signed: bool = False
    tls_reload: bool = False
    """Whether SIGHUP has key and certificate read again."""
    require_auth_key: bool = True
    auth_key: str | None = field(default=None, repr=False)
    operator_password: str | None = field(default=None, repr=False)
    """Opens the operator's pages; without one, they are shown on this machine only, and nobody can act."""
    client_versions: str = ">=0.3.3 <0.3.25"
    send_interval_ms: int = 5
    idle_minutes: int = 30
    """A match without an event for this long is removed."""
    result_minutes: int = 60
    """How long the result of a match is kept after its end."""
    durability: Durability = "process"
    """What the journal survives: the death of the process, or a power cut as well."""
    keep_days: int = 30
    """How long the records of ended matches are kept."""
    session_ttl_minutes: int = 120
    """How long a client that lost its connection may stay away."""
    takeover_after_s: int = 15
    """Nobody observes a match for this long: the access key that opened it takes it over."""
    adopt_by_address: bool = False
    """Whether a client that cannot say who it was is known by its address."""
    ping_interval_s: int = 25
    ping_timeout_s: int = 20
    """A connection that died without a word is noticed after both, at the latest."""
    deadline_s: int = 10
    """For a TLS handshake, for each part of a request, and from a connection to its logon."""
    max_connections: int = 10_000
    """Of all three listeners together."""
    max_connections_per_address: int = 1_024
    """A whole venue may sit behind one address."""
    max_matches_per_key: int = 256
    """Live matches that one access key may have opened; of all together where no key is required."""
    max_events_per_s: int = 500
    """Of one connection, with a burst of four times as many; 0 is no limit. Who sends more has to wait."""
    metrics: MetricsFor = "loopback"
    """Whom /metrics of the extras port answers: nobody, this machine, or everybody."""
    log_format: LogFormat = "text"
    log_level: LogLevel = "info"
    service_sponsor_url: str = ""
    """Where set, matches get the presentation rules of the original's hosted service, and this sponsor."""
    organization: str = "valo-ingest"
    """The name that belongs to `auth_key`."""

    def __post_init__(self) -> None:
        _check_kinds(self)
        _check_numbers(self)
        _check_texts(self)
        _check_ports_differ(self)
        _check_tls(self)
        _check_auth_key(self)
        _check_operator_password(self)

    @property
    def scheme(self) -> Literal["http", "https"]:
        """What the URLs of all three listeners start with."""
        return "http" if self.insecure else "https"


def _check_kinds(config: Config) -> None:
    """Refuse what is not even of the right type: the command line passes on text that it could not read."""
    _expect(isinstance(config.insecure, bool), "INSECURE", config.insecure)
    _expect(isinstance(config.self_signed, bool), "SELF_SIGNED", config.self_signed)
    _expect(isinstance(config.tls_reload, bool), "TLS_RELOAD", config.tls_reload)
    _expect(isinstance(config.require_auth_key, bool), "REQUIRE_AUTH_KEY", config.require_auth_key)
    _expect(isinstance(config.adopt_by_address, bool), "ADOPT_BY_ADDRESS", config.adopt_by_address)
    _expect(_is_path(config.data_dir), "DATA_DIR", config.data_dir)
    _expect(config.server_key is None or _is_path(config.server_key), "SERVER_KEY", config.server_key)
    _expect(config.server_cert is None or _is_path(config.server_cert), "SERVER_CERT", config.server_cert)


def _check_numbers(config: Config) -> None:
    for setting, value, low, high in (
        ("INGEST_PORT", config.ingest_port, 0, MAX_PORT),
        ("OUTPUT_PORT", config.output_port, 0, MAX_PORT),
        ("EXTRAS_PORT", config.extras_port, 0, MAX_PORT),
        ("SEND_INTERVAL", config.send_interval_ms, 0, MAX_SEND_INTERVAL_MS),
        ("IDLE_MINUTES", config.idle_minutes, 1, MAX_MINUTES),
        ("RESULT_MINUTES", config.result_minutes, 1, MAX_MINUTES),
        ("KEEP_DAYS", config.keep_days, 1, MAX_DAYS),
        ("SESSION_TTL", config.session_ttl_minutes, 1, MAX_MINUTES),
        ("TAKEOVER_AFTER", config.takeover_after_s, 1, MAX_SECONDS),
        ("PING_INTERVAL", config.ping_interval_s, 1, MAX_SECONDS),
        ("PING_TIMEOUT", config.ping_timeout_s, 1, MAX_SECONDS),
        ("DEADLINE", config.deadline_s, 1, MAX_SECONDS),
        ("MAX_CONNECTIONS", config.max_connections, 1, MAX_CONNECTIONS),
        ("MAX_CONNECTIONS_PER_ADDRESS", config.max_connections_per_address, 1, MAX_CONNECTIONS),
        ("MAX_MATCHES_PER_KEY", config.max_matches_per_key, 1, MAX_MATCHES),
        ("MAX_EVENTS_PER_SECOND", config.max_events_per_s, 0, MAX_EVENTS),
    ):
        _expect(type(value) is int and low <= value <= high, setting, value)


def _check_texts(config: Config) -> None:
    _expect(HOST_NAME.fullmatch(config.host) is not None, "HOST", config.host)
    versions = config.client_versions
    _expect(VERSION_RANGE.fullmatch(versions) is not None, "CLIENT_VERSIONS", versions)
    _expect(config.durability in get_args(Durability), "DURABILITY", config.durability)
    _expect(config.metrics in get_args(MetricsFor), "METRICS", config.metrics)
    _expect(config.log_format in get_args(LogFormat), "LOG_FORMAT", config.log_format)
    _expect(config.log_level in get_args(LogLevel), "LOG_LEVEL", config.log_level)
    url = config.service_sponsor_url
    _expect(url == "" or _is_url(url), "SERVICE_SPONSOR_URL", url)
    _expect(_is_label(config.organization), "ORGANIZATION", config.organization)


def _check_ports_differ(config: Config) -> None:
    taken: dict[int, str] = {}
    for setting, port in (
        ("INGEST_PORT", config.ingest_port),
        ("OUTPUT_PORT", config.output_port),
        ("EXTRAS_PORT", config.extras_port),
    ):
        if port and port in taken:
            raise ConfigError(
                setting, f"{port} is the {taken[port]} as well; each of the two takes a port of its own"
            )
        taken[port] = setting


def _check_tls(config: Config) -> None:
    if config.self_signed and config.insecure:
        raise ConfigError(
            "SELF_SIGNED", "it asks for TLS and INSECURE for none; set only one of the two to true"
        )
    if config.insecure:
        return
    if config.self_signed:
        if config.server_key or config.server_cert:
            raise ConfigError(
                "SELF_SIGNED",
                "it has a certificate made, but SERVER_KEY or SERVER_CERT names one; set only one kind",
            )
        return
    if config.server_key is None and config.server_cert is None:
        raise ConfigError(
            "SERVER_KEY",
            "not set: give --server-key and --server-cert to serve TLS, --self-signed to have a certificate made, "
            "or --insecure to serve without TLS; on a LAN, --lan DIRECTORY is all that it takes",
        )
    for setting, value, other in (
        ("SERVER_KEY", config.server_key, "SERVER_CERT"),
        ("SERVER_CERT", config.server_cert, "SERVER_KEY"),
    ):
        if value is None:
            raise ConfigError(setting, f"not set, though {other} is; TLS takes both")


def _check_auth_key(config: Config) -> None:
    if config.auth_key is not None and not _is_label(config.auth_key):
        raise ConfigError(
            "AUTH_KEY", f"this one cannot be used; it takes {TAKES['AUTH_KEY']}"
        )  # never shows it
    if config.require_auth_key and config.auth_key is None:
        raise ConfigError(
            "AUTH_KEY",
            "not set, though REQUIRE_AUTH_KEY is true: set AUTH_KEY, have one made with --make-auth-key, "
            "or let everybody in with --no-require-auth-key",
        )


def _check_operator_password(config: Config) -> None:
    password = config.operator_password
    if password is not None and not (_is_label(password) and len(password) >= MIN_PASSWORD_LENGTH):
        raise ConfigError(
            "OPERATOR_PASSWORD", f"this one cannot be used; it takes {TAKES['OPERATOR_PASSWORD']}"
        )  # never shows it


def _expect(sensible: bool, setting: str, value: object) -> None:
    if not sensible:
        shown = reprlib.repr(str(value))  # short, and one line whatever it holds
        raise ConfigError(setting, f"{shown} makes no sense; it takes {TAKES[setting]}")


def _is_path(value: object) -> bool:
    return isinstance(value, Path) and "\0" not in str(value)


def _is_url(text: str) -> bool:
    return (
        text.startswith(("http://", "https://"))
        and text.isprintable()
        and " " not in text
        and len(text) <= MAX_URL_LENGTH
    )


def _is_label(text: str) -> bool:
    return text.isprintable() and 0 < len(text.strip()) <= len(text) <= MAX_TEXT_LENGTH
