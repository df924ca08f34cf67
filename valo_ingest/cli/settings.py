"""The settings as the command line knows them: one table for all commands.

Text that cannot be read (a port "abc") is passed on as it is. `Config` refuses it by name, with the values that the
setting takes, and it is the same refusal whichever source the text came from.
"""

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Final

import click

from valo_ingest.config import TAKES, TRUTH, Config

PREFIX: Final = "VALO_INGEST"
CONTEXT: Final[Mapping[str, Any]] = {
    "auto_envvar_prefix": PREFIX,
    "help_option_names": ["-h", "--help"],
    "max_content_width": 110,
}
"""For the group and for every command: so a setting has the same variable in all of them."""


class Truth(click.types.BoolParamType):
    """Truth values, in all spellings of click."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            return value


class Number(click.ParamType[Any]):
    """Whole numbers."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return int(value)
        except ValueError:
            return value


class Word(click.ParamType[Any]):
    """One of a few words, in capitals or not."""

    name = "word"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return str(value).lower()


class FilePath(click.ParamType[Any]):
    """Paths; ~ is the home directory also where no shell had a look at it."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value)
        return Path(text if "\0" in text else os.path.expanduser(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: `name` is its variable (after the prefix), `field` its place in `Config` ("": in none)."""

    name: str
    field: str = ""
    flag: str
    type: click.ParamType[Any]
    help: str
    original: bool = False
    """Whether the variable `name` counts without our prefix, too: as for the server that we replace, or of its kind."""
    secret: bool = False

    @property
    def parameter(self) -> str:
        return self.name.lower()

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that set it; the first one that is set counts."""
        prefixed = f"{PREFIX}_{self.name}"
        return (prefixed, self.name) if self.original else (prefixed,)

    @property
    def default(self) -> Any:
        if self.field == "data_dir":
            return Path(click.get_app_dir("valo-ingest"))
        return DEFAULTS.get(self.field, False if self.takes == TRUTH else None)

    @property
    def takes(self) -> str:
        return TAKES.get(self.name, TRUTH)


DEFAULTS: Final[Mapping[str, Any]] = {
    each.name: each.default for each in fields(Config) if each.default is not MISSING
}
"""Of the fields of `Config`."""

SETTINGS: Final = (
    Setting(
        name="HOST",
        field="host",
        flag="--host",
        type=click.STRING,
        help="Where to listen",
    ),
    Setting(
        name="INGEST_PORT",
        field="ingest_port",
        flag="--ingest-port",
        type=Number(),
        help="Where observer clients connect",
    ),
    Setting(
        name="OUTPUT_PORT",
        field="output_port",
        flag="--output-port",
        type=Number(),
        help="Where overlays connect",
    ),
    Setting(
        name="EXTRAS_PORT",
        field="extras_port",
        flag="--extras-port",
        type=Number(),
        help="Where status, results and previews are asked for",
    ),
    Setting(
        name="DATA_DIR",
        field="data_dir",
        flag="--data-dir",
        type=FilePath(),
        help="Where the server keeps what it makes",
    ),
    Setting(
        name="INSECURE",
        field="insecure",
        flag="--insecure/--secure",
        type=Truth(),
        original=True,
        help="Serve without TLS. Wins over SERVER_KEY and SERVER_CERT; together with SELF_SIGNED it is refused",
    ),
    Setting(
        name="SERVER_KEY",
        field="server_key",
        flag="--server-key",
        type=FilePath(),
        original=True,
        help="Private key for TLS, without a passphrase",
    ),
    Setting(
        name="SERVER_CERT",
        field="server_cert",
        flag="--server-cert",
        type=FilePath(),
        original=True,
        help="Certificate that belongs to SERVER_KEY, followed by those that lead to its issuer",
    ),
    Setting(
        name="SELF_SIGNED",
        field="self_signed",
        flag="--self-signed/--no-self-signed",
        type=Truth(),
        help="Make a certificate for the names and LAN addresses of this machine, and keep it in DATA_DIR. Not "
        "together with INSECURE, SERVER_KEY or SERVER_CERT",
    ),
    Setting(
        name="REQUIRE_AUTH_KEY",
        field="require_auth_key",
        flag="--require-auth-key/--no-require-auth-key",
        type=Truth(),
        original=True,
        help="Let only those observers in that have an access key",
    ),
    Setting(
        name="AUTH_KEY",
        field="auth_key",
        flag="--auth-key",
        type=click.STRING,
        original=True,
        secret=True,
        help="The server's own access key, beside those of `valo-ingest keys`. Better not as a flag: every user of "
        "this machine sees those",
    ),
    Setting(
        name="MAKE_AUTH_KEY",
        flag="--make-auth-key/--no-make-auth-key",
        type=Truth(),
        help="Where AUTH_KEY is not set: make one, once, keep it in DATA_DIR, and print it at every start",
    ),
    Setting(
        name="OPERATOR_PASSWORD",
        field="operator_password",
        flag="--operator-password",
        type=click.STRING,
        original=True,
        secret=True,
        help="The password of the operator's pages. Better not as a flag: every user of this machine sees those",
    ),
    Setting(
        name="MAKE_OPERATOR_PASSWORD",
        flag="--make-operator-password/--no-make-operator-password",
        type=Truth(),
        help="Where OPERATOR_PASSWORD is not set: make one, once, keep it in DATA_DIR, and print it at every start",
    ),
    Setting(
        name="CLIENT_VERSIONS",
        field="client_versions",
        flag="--client-versions",
        type=click.STRING,
        help="Versions of clients that may log on",
    ),
    Setting(
        name="SEND_INTERVAL",
        field="send_interval_ms",
        flag="--send-interval",
        type=Number(),
        help="Shortest time between two updates of a match to its overlays",
    ),
    Setting(
        name="IDLE_MINUTES",
        field="idle_minutes",
        flag="--idle-minutes",
        type=Number(),
        help="A match is removed when nothing happened in it for this long",
    ),
    Setting(
        name="RESULT_MINUTES",
        field="result_minutes",
        flag="--result-minutes",
        type=Number(),
        help="How long the result of a match is kept after its end",
    ),
    Setting(
        name="DURABILITY",
        field="durability",
        flag="--durability",
        type=Word(),
        help="What the journal of matches survives: the end of this process, or a power cut as well, which costs a "
        "write to the disk for every few events",
    ),
    Setting(
        name="KEEP_DAYS",
        field="keep_days",
        flag="--keep-days",
        type=Number(),
        help="How long the records of ended matches are kept",
    ),
    Setting(
        name="SESSION_TTL",
        field="session_ttl_minutes",
        flag="--session-ttl",
        type=Number(),
        help="How long a client that lost its connection may stay away and still be the one it was",
    ),
    Setting(
        name="TAKEOVER_AFTER",
        field="takeover_after_s",
        flag="--takeover-after",
        type=Number(),
        help="After nobody has observed a match for this long, the access key that opened it, or a later one of the "
        "same name, takes it over without the group secret. Only where access keys are required",
    ),
    Setting(
        name="ADOPT_BY_ADDRESS",
        field="adopt_by_address",
        flag="--adopt-by-address/--no-adopt-by-address",
        type=Truth(),
        help="Take an old client that comes back without a logon for the observer of that name, group code and "
        "address that was lost less than two minutes ago",
    ),
    Setting(
        name="TLS_RELOAD",
        field="tls_reload",
        flag="--tls-reload/--no-tls-reload",
        type=Truth(),
        help="Read key and certificate again at SIGHUP; who is connected stays connected",
    ),
    Setting(
        name="PING_INTERVAL",
        field="ping_interval_s",
        flag="--ping-interval",
        type=Number(),
        help="How often clients are asked whether they are still there",
    ),
    Setting(
        name="PING_TIMEOUT",
        field="ping_timeout_s",
        flag="--ping-timeout",
        type=Number(),
        help="How long they may take to answer",
    ),
    Setting(
        name="DEADLINE",
        field="deadline_s",
        flag="--deadline",
        type=Number(),
        help="Time that a client has for a TLS handshake, for each part of a request, and from its connection to its "
        "logon",
    ),
    Setting(
        name="MAX_CONNECTIONS",
        field="max_connections",
        flag="--max-connections",
        type=Number(),
        help="Open connections of all three ports together; more are closed at once",
    ),
    Setting(
        name="MAX_CONNECTIONS_PER_ADDRESS",
        field="max_connections_per_address",
        flag="--max-connections-per-address",
        type=Number(),
        help="The same of one address. A whole venue may sit behind one",
    ),
    Setting(
        name="MAX_MATCHES_PER_KEY",
        field="max_matches_per_key",
        flag="--max-matches-per-key",
        type=Number(),
        help="How many matches of one access key may be live",
    ),
    Setting(
        name="MAX_EVENTS_PER_SECOND",
        field="max_events_per_s",
        flag="--max-events-per-second",
        type=Number(),
        help="Events that are taken from one connection, with a burst of four times as many; more have to wait",
    ),
    Setting(
        name="METRICS",
        field="metrics",
        flag="--metrics",
        type=Word(),
        help="Whom /metrics of EXTRAS_PORT answers: off is nobody, loopback this machine, all everybody who reaches it",
    ),
    Setting(
        name="LOG_FORMAT",
        field="log_format",
        flag="--log-format",
        type=Word(),
        help="How log lines are written, to standard error",
    ),
    Setting(
        name="LOG_LEVEL",
        field="log_level",
        flag="--log-level",
        type=Word(),
        help="The least important lines that are logged",
    ),
    Setting(
        name="SERVICE_SPONSOR_URL",
        field="service_sponsor_url",
        flag="--service-sponsor-url",
        type=click.STRING,
        help="Apply the presentation rules of the original's hosted service to all matches, with this image as a "
        "sponsor of each",
    ),
    Setting(
        name="ORGANIZATION",
        field="organization",
        flag="--organization",
        type=click.STRING,
        help="The name of who holds AUTH_KEY, told to who asks for it with the key",
    ),
)


def environment_without_settings() -> dict[str, str]:
    """Return the environment for a server of a rehearsal: the settings in it are for the real one."""
    settings = {variable for setting in SETTINGS for variable in setting.variables}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in settings and not name.startswith(f"{PREFIX}_")
    }
