"""`valo-ingest loadtest`: plays a venue full of simulated matches to a server, and says whether it holds."""

import importlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Final, Protocol

import click
from msgspec.structs import replace

from valo_ingest.cli.client_options import INTERRUPTED, client_version_option
from valo_ingest.cli.numbers import Number, WholeNumber
from valo_ingest.cli.progress import ProgressLine
from valo_ingest.cli.settings import CONTEXT, environment_without_settings
from valo_ingest.cli.text import Refusal, Text, one_line
from valo_ingest.errors import InvalidScenario, ListenError, NotLetIn, ServerUnreachable
from valo_ingest.rehearsal.load import results
from valo_ingest.rehearsal.load import summary as summaries
from valo_ingest.rehearsal.load.capacity import CapacitySearch
from valo_ingest.rehearsal.load.checking import check
from valo_ingest.rehearsal.load.measurements import Second
from valo_ingest.rehearsal.load.openfiles import allow_clients
from valo_ingest.rehearsal.load.scenario import Scenario, read_scenario
from valo_ingest.rehearsal.load.servers import StartedServer, Target, usual_output_url

CAPACITY: Final = "capacity"
CAPACITY_OF: Final = "league-night"
"""Whose matches and limits the capacity is looked for with, unless somebody says otherwise."""

SHORTEST_S: Final = 2.0


class Outcome(Protocol):
    """What came of a run."""

    @property
    def summary(self) -> summaries.Summary: ...
    @property
    def locust_report(self) -> str: ...
    @property
    def tables(self) -> Mapping[str, str]: ...


@click.command(context_settings=CONTEXT)
@click.argument("scenario")
@click.argument("of", required=False)
@click.option(
    "--url",
    help="The ingest side of a server that runs; by default one is started for the test.",
    allow_from_autoenv=False,
)
@click.option(
    "--output-url",
    help="The output side of that server, if its port is not 100 above that of the ingest side.",
    allow_from_autoenv=False,
)
@click.option("--key", type=Text(), default="", help="The access key of that server.", show_envvar=True)
@client_version_option
@click.option(
    "--duration",
    type=Number(SHORTEST_S, 86_400),
    help="Seconds, instead of what the scenario says; with capacity, of each step.",
    allow_from_autoenv=False,
)
@click.option(
    "--results",
    "parent",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Where each run gets a directory of its own.",
    allow_from_autoenv=False,
)
@click.option("--web", is_flag=True, help="Start and stop it in locust's web UI.", allow_from_autoenv=False)
@click.option(
    "--web-port",
    type=WholeNumber(1, 65_535),
    default=8089,
    show_default=True,
    help="Port of the web UI, on this machine only.",
    allow_from_autoenv=False,
)
@click.pass_context
def loadtest(
    ctx: click.Context,
    /,
    *,
    scenario: str,
    of: str | None,
    url: str | None,
    output_url: str | None,
    key: str,
    client_version: str,
    duration: float | None,
    parent: Path,
    web: bool,
    web_port: int,
) -> None:
    """Test how much load a server holds, with the SCENARIO of that name, or in that TOML file.

    \b
    lan-final     one match, ten auxiliary clients, five overlays
    league-night  twelve matches at once
    stress        fifty matches, one after the other
    capacity      more and more matches, until a limit is crossed;
                  OF names the scenario of which they are, league-night if none

    \b
    Test this machine, and then the server that runs in the venue:
        valo-ingest loadtest lan-final
        valo-ingest loadtest lan-final --url http://192.168.1.20:5100 --key KEY

    A report with charts, tables as CSV, and a summary as JSON are left in a directory below `results`.

    Exit status: 1 when a limit of the scenario is missed or the server cannot be reached, 2 when the scenario or an
    option makes no sense, 130 after Ctrl-C.
    """
    is_search = scenario == CAPACITY
    _check_options(of=of, is_search=is_search, url=url, output_url=output_url, web=web)
    name, settings = _read((of or CAPACITY_OF) if is_search else scenario, duration, is_search=is_search)
    _allow_clients(name, settings, is_search=is_search)
    _make_directory(parent)
    running = _import_running()
    talk = Talk(parent, CapacitySearch(settings.capacity, settings.limits) if is_search else None)
    try:
        with _target(url, output_url, key, client_version) as target:
            click.echo(f"Playing {one_line(name)} to {one_line(target.ingest_url)}. Ctrl-C ends it.")
            logging.basicConfig(level=logging.ERROR)  # what locust warns of, the summary says as well
            test = running.LoadTest(
                f"{CAPACITY}-{name}" if is_search else name,
                settings,
                target,
                search=talk.search,
                on_second=talk.show,
            )
            if web:
                click.echo(f"Start it in locust's web UI: http://127.0.0.1:{web_port}/")
                test.serve_web_ui(web_port, partial(talk.tell, target))
            else:
                talk.tell(target, test.run())
    except (ServerUnreachable, NotLetIn, ListenError) as error:
        raise click.ClickException(one_line(str(error))) from error
    except OSError as error:
        raise click.ClickException(one_line(str(error))) from error
    ctx.exit(0 if web else talk.exit_status)


def _check_options(
    *, of: str | None, is_search: bool, url: str | None, output_url: str | None, web: bool
) -> None:
    """Refuse what makes no sense together."""
    if of is not None and not is_search:
        raise click.UsageError("Name one scenario, or `capacity` and one.")
    if output_url is not None and url is None:
        raise click.UsageError("--output-url goes with --url.")
    if web and is_search:
        raise click.UsageError("capacity has no web UI: it starts and stops by itself.")


def _read(name: str, duration_s: float | None, *, is_search: bool) -> tuple[str, Scenario]:
    """Return a scenario that lasts as long as it is to."""
    try:
        name, settings = read_scenario(name)
    except InvalidScenario as error:
        raise Refusal(str(error)) from error
    if duration_s is None:
        return name, settings
    if is_search:
        return name, replace(settings, capacity=replace(settings.capacity, step_s=duration_s))
    ramp_s = settings.ramp_s * duration_s / settings.duration_s
    return name, replace(settings, duration_s=duration_s, ramp_s=ramp_s)


def _allow_clients(name: str, settings: Scenario, *, is_search: bool) -> None:
    matches = settings.capacity.max_matches if is_search else settings.matches
    clients = matches * settings.clients_of_a_match
    allowed = allow_clients(clients)
    if allowed is not None:
        key = "capacity.max_matches" if is_search else "matches"
        raise Refusal(
            f"{name}: {key}: {matches} matches are {clients} connections, but this machine lets one program open "
            f"{allowed} files. Play fewer matches, or allow more (ulimit -n)."
        )


def _make_directory(parent: Path) -> None:
    """Make the directory of all results before anything is played: else nobody could write down what comes of it."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(
            one_line(f"{parent}: {error.strerror}. Name another directory with --results.")
        ) from error


def _import_running() -> ModuleType:
    """Return the part that needs locust, which not everybody has."""
    try:
        return importlib.import_module("valo_ingest.rehearsal.load.running")
    except ModuleNotFoundError as error:
        if error.name != "locust":
            raise
        raise click.ClickException(
            "Load tests need locust. Install it with: pip install 'valo-ingest[loadtest]'. "
            "scripts/loadtest of a checkout does so itself."
        ) from error


@contextmanager
def _target(url: str | None, output_url: str | None, key: str, client_version: str) -> Iterator[Target]:
    """Return the server to test: one that runs, or one that runs as long as this."""
    if url is not None:
        target = Target(url, output_url or usual_output_url(url), key=key, client_version=client_version)
        check(target)
        yield target
        return
    with TemporaryDirectory(prefix="valo-ingest-", ignore_cleanup_errors=True) as directory:
        target = StartedServer(Path(directory), environment=environment_without_settings())
        try:
            yield target
        finally:
            target.stop()


class Talk:
    """Tells people how a run goes and what came of it, and leaves its files."""

    def __init__(self, parent: Path, search: CapacitySearch | None) -> None:
        self._parent = parent
        self.search = search
        self._progress = ProgressLine()
        self.exit_status = 1
        """Until a run has told otherwise."""

    def show(self, second: Second) -> None:
        """Show how it goes."""
        self._progress.show(
            lambda: (
                f"{second.at_s} s   {second.matches} matches   {second.sent} events/s   "
                f"p99 {second.seen.p99_ms:g} ms"
            )
        )

    def tell(self, target: Target, outcome: Outcome) -> None:
        """Write down what came of a run, and print it.

        Raises:
            OSError: It cannot be written.
        """
        found = outcome.summary
        directory = results.new_directory(
            self._parent, found.scenario, datetime.fromisoformat(found.started_at)
        )
        results.write(
            directory,
            found,
            locust_report=outcome.locust_report,
            tables=outcome.tables,
            server_log=target.log(),
        )
        self._progress.clear()
        for line in summaries.lines(found):
            click.echo(one_line(line))
        if found.interrupted:
            click.echo("Stopped before its end.", err=True)
        verdict = "Failed" if not found.passed else "Passed" if found.capacity is None else "Done"
        click.echo(f"{verdict}. Report: {directory / results.REPORT}")
        self.exit_status = INTERRUPTED if found.interrupted else int(not found.passed)
