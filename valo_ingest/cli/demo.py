"""`valo-ingest demo`: a server and a made-up match on this machine, to look at."""

import secrets
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from valo_ingest.cli.client_options import mode_option
from valo_ingest.cli.numbers import Speed, WholeNumber
from valo_ingest.cli.settings import CONTEXT, environment_without_settings
from valo_ingest.cli.simulate import MAX_SEED, perform, tools
from valo_ingest.cli.text import one_line
from valo_ingest.errors import NotLetIn, ServerUnreachable
from valo_ingest.game import rules
from valo_ingest.rehearsal.interrupts import interruptible
from valo_ingest.rehearsal.local_server import USUAL_PORTS, LocalServer
from valo_ingest.rehearsal.performance import Performance, Script

GROUP_CODE: Final = "DEMO"

SPEED: Final = 4.0
AUXILIARIES: Final = 2 * rules.MAX_PLAYERS_PER_TEAM


@click.command(context_settings=CONTEXT)
@click.option(
    "--speed",
    type=Speed(),
    default=SPEED,
    show_default=True,
    help="How many times as fast as a real match.",
    allow_from_autoenv=False,
)
@click.option(
    "--seed",
    type=WholeNumber(min=0),
    help="The same seed plays the same match first. By default one is drawn.",
    allow_from_autoenv=False,
)
@mode_option
@click.option("--once", is_flag=True, help="Play one match and end, too.", allow_from_autoenv=False)
def demo(*, speed: float, seed: int | None, mode: str, once: bool) -> None:
    """Show what it looks like: start a server on this machine and play made-up matches to it, one after the other.

    Nobody else reaches the server, no setting plays a role, and everything that it keeps is deleted in the end. It
    listens on the usual ports if they are free. Ctrl-C ends it all.
    """
    seed = secrets.randbelow(MAX_SEED + 1) if seed is None else seed
    key = secrets.token_urlsafe()
    try:
        with (
            interruptible(),
            tempfile.TemporaryDirectory(prefix="valo-ingest-demo-", ignore_cleanup_errors=True) as directory,
        ):
            server = LocalServer(
                Path(directory), key=key, environment=environment_without_settings(), on_usual_ports=True
            )
            try:
                server.start()
                for line in _lines(server, speed):
                    click.echo(line)
                _play(server, key=key, seed=seed, mode=mode, speed=speed, once=once)
            finally:
                server.stop()
    except KeyboardInterrupt:
        pass
    except (ServerUnreachable, NotLetIn) as error:
        raise click.ClickException(one_line(str(error))) from error


def _play(server: LocalServer, *, key: str, seed: int, mode: str, speed: float, once: bool) -> None:
    """Play matches until somebody ends it.

    Raises:
        ServerUnreachable, NotLetIn: The server has died.
    """
    while True:
        script = Script(
            url=server.urls[0],
            key=key,
            group_code=GROUP_CODE,
            seed=seed,
            mode=mode,
            match_id=str(uuid.uuid4()),
            auxiliaries=AUXILIARIES,
            speed=speed,
            tools=tools(speed),
        )
        is_over, _ = perform([Performance(script)])
        if once or not is_over:
            return
        seed += 1


def _lines(server: LocalServer, speed: float) -> Iterator[str]:
    _, output, extras = server.urls
    yield f"A made-up match is being played, {speed:g} times as fast as a real one. Ctrl-C ends it and leaves nothing."
    if server.ports != USUAL_PORTS:
        yield "The usual ports are in use, so these are others."
    yield f'  overlay\'s config.json:   "serverEndpoint": "{output}"'
    yield f'                           "extrasEndpoint": "{extras}"'
    yield f"  group code:              {GROUP_CODE}"
    yield f"  operator, in a browser:  {extras}/"
