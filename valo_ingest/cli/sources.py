"""Where the value of a setting comes from: flags, then the environment, then `.env`, then defaults.

click reads the first two by itself. `.env` reaches it as the default map of a command, so that each value is converted
in the same way and click can tell its source.
"""

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

from valo_ingest.cli.env_file import read_env_file
from valo_ingest.cli.settings import PREFIX, SETTINGS, FilePath, Setting
from valo_ingest.cli.text import Refusal, one_line
from valo_ingest.config import TRUTH, Config
from valo_ingest.errors import ConfigError

Command = TypeVar("Command", bound=Callable[..., object])

ENV_FILE: Final = Path(".env")
DEFAULT: Final = "default"
LAN: Final = "flag --lan"

NO_SETTINGS: Final = frozenset({f"{PREFIX}_ENV_FILE", f"{PREFIX}_KEY"})
"""Variables of ours that are no settings of the server: where settings are, and the key that a client logs on with."""

UNTIL_MADE: Final = "(made when the server starts)"
"""Stands for a key that is not made yet, so that everything else can be checked before."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value of every setting, by its name, and where it came from in words."""

    values: Mapping[str, Any]
    sources: Mapping[str, str]

    @property
    def makes_auth_key(self) -> bool:
        return self.values["MAKE_AUTH_KEY"] is True and not self.values["AUTH_KEY"]

    @property
    def makes_operator_password(self) -> bool:
        return self.values["MAKE_OPERATOR_PASSWORD"] is True and not self.values["OPERATOR_PASSWORD"]

    def makes(self, setting: Setting) -> bool:
        """Tell whether the server makes the value of a secret."""
        return {"AUTH_KEY": self.makes_auth_key, "OPERATOR_PASSWORD": self.makes_operator_password}[
            setting.name
        ]

    def config(self) -> Config:
        """Return the checked configuration. Where a key or a password will be made, `UNTIL_MADE` is in its place.

        Raises:
            ConfigError: a value makes no sense.
        """
        for name in ("MAKE_AUTH_KEY", "MAKE_OPERATOR_PASSWORD"):
            makes = self.values[name]
            if not isinstance(makes, bool):
                raise ConfigError(name, f"{makes!r} makes no sense; it takes {TRUTH}")
        found = {each.field: self.values[each.name] for each in SETTINGS if each.field}
        if self.makes_auth_key:
            found["auth_key"] = UNTIL_MADE
        if self.makes_operator_password:
            found["operator_password"] = UNTIL_MADE
        return Config(**found)

    def explain(self, error: ConfigError) -> str:
        """Return what is wrong, and where the operator finds the value that is."""
        source = self.sources.get(error.setting, DEFAULT)
        return str(error) if source == DEFAULT else f"{error} (from {source})"


def with_settings(command: Command) -> Command:
    """Give `command` a flag for each setting, and those that say where else to look."""
    return with_settings_but()(command)


def with_settings_but(*names: str) -> Callable[[Command], Command]:
    """Do so for all settings but `names`, whose flags mean something else to that command."""
    return lambda command: _with_settings(command, [each for each in SETTINGS if each.name not in names])


def _with_settings(command: Command, settings: Sequence[Setting]) -> Command:
    for setting in reversed(settings):
        command = click.option(
            setting.flag,
            setting.parameter,
            type=setting.type,
            default=setting.default,
            envvar=list(setting.variables),
            help=f"{setting.help}. Takes {setting.takes}.",
            show_default=setting.default not in (None, ""),
            show_envvar=True,
        )(command)
    command = click.option(
        "--lan",
        type=FilePath(),
        metavar="DIRECTORY",
        help="What a crew on a LAN needs, where nothing else is set: keep all that is kept in DIRECTORY, serve without "
        "TLS, and make an access key and a password for the operator.",
        allow_from_autoenv=False,  # it says what holds where all else is silent
    )(command)
    return click.option(
        "--env-file",
        type=FilePath(),
        is_eager=True,  # before the settings: it has what neither flags nor the environment say
        callback=_use_env_file,
        help=f"Read this file instead of {ENV_FILE} in the working directory.",
        show_envvar=True,
    )(command)


def resolve(ctx: click.Context) -> Resolved:
    """Return the settings of the command that `ctx` is about."""
    values = {each.name: ctx.params.get(each.parameter, each.default) for each in SETTINGS}
    sources = {each.name: _source(ctx, each) for each in SETTINGS}
    if ctx.params["lan"] is not None:
        for name, value in _lan_defaults(ctx.params["lan"], values).items():
            if sources[name] == DEFAULT and values[name] != value:
                values[name], sources[name] = value, LAN
    return Resolved(values, sources)


def warn_of_slips(ctx: click.Context) -> None:
    """Tell of variables that were meant to set something, and do not: a server would start without a word of it."""
    written: Mapping[str, str] = ctx.obj or {}
    short = {each.name: each.variables[0] for each in SETTINGS if not each.original}
    slips = [
        *((name, f"{ctx.params['env_file']} ") for name in written if name in short or _is_slip(name)),
        *((name, "environment ") for name in os.environ if _is_slip(name)),
    ]
    for name, source in slips:
        meant = short.get(name) or _likely(name)
        advice = f"Did you mean {meant}?" if meant else "`valo-ingest serve --help` lists them all."
        click.echo(one_line(f"Warning: {source}{name}: there is no such setting. {advice}"), err=True)


def _is_slip(variable: str) -> bool:
    known = {name for each in SETTINGS for name in each.variables}
    return variable.upper().startswith(f"{PREFIX}_") and variable not in known | NO_SETTINGS


def _likely(variable: str) -> str | None:
    """Return the variable that was probably meant. All begin alike, so only the rest can tell."""
    rest = variable.upper().removeprefix(f"{PREFIX}_")
    found = difflib.get_close_matches(rest, [each.name for each in SETTINGS], n=1)
    return f"{PREFIX}_{found[0]}" if found else None


def _lan_defaults(directory: Path, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what `--lan` stands for. It takes no TLS from who configured it, and makes no key that nobody needs."""
    asks_for_tls = values["SERVER_KEY"] or values["SERVER_CERT"] or values["SELF_SIGNED"]
    return {
        "DATA_DIR": directory,
        "INSECURE": not asks_for_tls,
        "MAKE_AUTH_KEY": values["REQUIRE_AUTH_KEY"] is not False,
        "MAKE_OPERATOR_PASSWORD": True,
    }


def _use_env_file(ctx: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    if path is None and not ENV_FILE.exists():
        return None
    path = path or ENV_FILE
    try:
        variables = read_env_file(path)
    except ConfigError as error:
        raise Refusal(str(error)) from error
    ctx.obj = variables
    ctx.default_map = {
        each.parameter: variables[name] for each in SETTINGS if (name := _set_variable(each, variables))
    }
    return path


def _set_variable(setting: Setting, variables: Mapping[str, str]) -> str | None:
    """Return the one of `variables` that counts for `setting`; an empty one is not set."""
    return next((name for name in setting.variables if variables.get(name)), None)


def _source(ctx: click.Context, setting: Setting) -> str:
    match ctx.get_parameter_source(setting.parameter):
        case ParameterSource.COMMANDLINE:
            positive, _, negative = setting.flag.partition("/")
            return f"flag {positive if ctx.params[setting.parameter] or not negative else negative}"
        case ParameterSource.ENVIRONMENT:
            return f"environment {_set_variable(setting, os.environ)}"
        case ParameterSource.DEFAULT_MAP:
            return f"{ctx.params['env_file']} {_set_variable(setting, ctx.obj)}"
        case _:
            return DEFAULT
