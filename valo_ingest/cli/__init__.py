"""The command line: one module per command. Nothing else reads arguments or the environment."""

import click

from valo_ingest import __version__
from valo_ingest.cli import (
    config,
    demo,
    doctor,
    inspect,
    keys,
    loadtest,
    matches,
    replay,
    serve,
    simulate,
)
from valo_ingest.cli.settings import CONTEXT


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="valo-ingest", allow_from_autoenv=False)
def main() -> None:
    """Serve VALORANT matches to broadcast overlays, live.

    Observer clients push what happens in a match to one port (5100); overlays read the whole match, as it is now,
    from another (5200); a third one (5101) answers questions such as who won.

    \b
    A crew on a LAN starts it so, without TLS and with an access key that is
    made once. It prints the addresses to type into the clients:
        valo-ingest serve --lan ./data

    \b
    With a certificate, and the key in the environment:
        AUTH_KEY=... valo-ingest serve --server-key key.pem --server-cert cert.pem

    Every setting is a flag, or a variable in the environment, or a line in a file .env in the working directory:
    --ingest-port 6100, VALO_INGEST_INGEST_PORT=6100. Flags win over the environment, and that wins over .env.
    `valo-ingest config` tells which value holds and where it came from; `valo-ingest serve --help` lists them all.
    """


main.add_command(serve.serve)
main.add_command(config.config)
main.add_command(matches.matches)
main.add_command(keys.keys)
main.add_command(loadtest.loadtest)
main.add_command(replay.replay)
main.add_command(demo.demo)
main.add_command(simulate.simulate)
main.add_command(inspect.inspect)
main.add_command(doctor.doctor)
