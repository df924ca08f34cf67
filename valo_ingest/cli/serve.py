"""`valo-ingest serve`: the server."""

import logging
import os
import sys
from dataclasses import replace
from functools import partial
from typing import Any

import click

from valo_ingest import app
from valo_ingest.cli import announcement, logs
from valo_ingest.cli.settings import CONTEXT
from valo_ingest.cli.sources import Resolved, resolve, warn_of_slips, with_settings
from valo_ingest.cli.text import Refusal, one_line
from valo_ingest.config import Config
from valo_ingest.errors import ConfigError, DataDirInUse, ListenError
from valo_ingest.storage.keys import keep_auth_key, keep_operator_password
from valo_ingest.transport.addresses import lan_addresses
from valo_ingest.transport.notify import ServiceManager

logger = logging.getLogger(__name__)


@click.command(context_settings=CONTEXT)
@with_settings
@click.pass_context
def serve(ctx: click.Context, /, **_: Any) -> None:
    """Take in matches from observer clients and serve them to overlays, until Ctrl-C or SIGTERM.

    \b
    On a LAN, without TLS, with an access key and a password that are made once and printed:
        valo-ingest serve --lan ./data

    \b
    The same with TLS, by a certificate that is made for this machine:
        valo-ingest serve --lan ./data --self-signed

    Exit status: 0 after Ctrl-C or SIGTERM, 1 when a port or the data directory is in use, 2 when a setting makes no
    sense.
    """
    resolved = resolve(ctx)
    warn_of_slips(ctx)
    log = app.Outlet(sys.stderr)
    log.take_tracebacks()
    try:
        config, made = _prepare(resolved)
        logs.configure(config.log_format, config.log_level, log)
        app.serve(config, announce=partial(_announce, config, made), manager=_service_manager())
    except ConfigError as error:
        raise Refusal(resolved.explain(error)) from error
    except (ListenError, DataDirInUse) as error:
        raise click.ClickException(one_line(str(error))) from error
    finally:
        log.close()


def _prepare(resolved: Resolved) -> tuple[Config, announcement.Made]:
    """Return the configuration and the secrets that are the server's own: made, if need be, once all else is right."""
    config = resolved.config()
    made = announcement.Made()
    if resolved.makes_auth_key:
        key, _ = keep_auth_key(config.data_dir)
        config, made = replace(config, auth_key=key), replace(made, auth_key=key)
    if resolved.makes_operator_password:
        password, _ = keep_operator_password(config.data_dir)
        config, made = replace(config, operator_password=password), replace(made, operator_password=password)
    return config, made


def _service_manager() -> ServiceManager:
    """Return what systemd wants to be told, as sd_notify(3) and sd_watchdog_enabled(3) have it."""
    own = str(os.getpid())
    watchdog_us = os.environ.get("WATCHDOG_USEC", "")
    is_watched = watchdog_us.isdecimal() and os.environ.get("WATCHDOG_PID", own) == own
    return ServiceManager(
        os.environ.get("NOTIFY_SOCKET", ""), watchdog_s=int(watchdog_us) / 1e6 if is_watched else 0.0
    )


def _announce(config: Config, made: announcement.Made, ports: announcement.BoundPorts) -> None:
    try:
        for line in announcement.lines(config, ports, addresses=lan_addresses(), made=made):
            click.echo(line)
    except OSError as error:  # nobody reads on, or the disk is full: no reason not to serve
        logger.warning("the addresses cannot be printed: %s", error.strerror)
