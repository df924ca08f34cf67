"""`valo-ingest simulate`: plays made-up matches to a running server."""

import secrets
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click

from valo_ingest.cli.accounts import accounts_lines
from valo_ingest.cli.client_options import (
    INTERRUPTED,
    client_version_option,
    key_option,
    mode_option,
    url_option,
)
from valo_ingest.cli.group_codes import GroupCode, group_codes
from valo_ingest.cli.numbers import Speed, WholeNumber
from valo_ingest.cli.progress import ProgressLine
from valo_ingest.cli.settings import CONTEXT
from valo_ingest.cli.text import one_line
from valo_ingest.errors import NotLetIn, ServerUnreachable
from valo_ingest.game import rules
from valo_ingest.rehearsal.accounting import Accounts, total
from valo_ingest.rehearsal.faults import USUAL_RATES, Fault
from valo_ingest.rehearsal.interrupts import interruptible
from valo_ingest.rehearsal.performance import Performance, Script, play_all

MAX_SEED: Final = 999_999
"""Of the seeds that are drawn: short enough to be typed again."""

MAX_MATCHES: Final = 100
MAX_AUXILIARIES: Final = 2 * rules.MAX_PLAYERS_PER_TEAM

ALL_FAULTS: Final = "all"

MIN_TIMEOUT_S: Final = 1


def tools(speed: float) -> dict[str, Any]:
    """Return the settings of the overlay that a made-up match brings.

    The server counts a team timeout in real time; so that it is over when it should be, it is shorter at high speed.
    """
    return {
        "seriesInfo": {"needed": 2, "wonLeft": 0, "wonRight": 0, "mapInfo": []},
        "tournamentInfo": {"name": "Rehearsal", "logoUrl": "", "backdropUrl": ""},
        "timeoutDuration": max(MIN_TIMEOUT_S, round(rules.DEFAULT_TIMEOUT_S / speed)),
    }


class FaultRates(click.ParamType[dict[Fault, float]]):
    """Faults by name, each with a rate if one likes: `drops=0.01,nulls`."""

    name = "faults"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[Fault, float]:
        if isinstance(value, Mapping):
            return dict(value)
        rates: dict[Fault, float] = {}
        for word in str(value).split(","):
            name, has_rate, rate = word.strip().partition("=")
            known = list(Fault) if name == ALL_FAULTS else [fault for fault in Fault if fault == name]
            if not known:
                self.fail(
                    f"{name!r} is no fault. There are {', '.join(Fault)}, and {ALL_FAULTS}.", param, ctx
                )
            for fault in known:
                rates[fault] = self._rate(rate, param, ctx) if has_rate else USUAL_RATES[fault]
        return rates

    def _rate(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            rate = float(text)
        except ValueError:
            rate = -1.0
        if not 0 <= rate <= 1:
            self.fail(
                f"{text!r} is no rate. It is the share of events that are hit, from 0 to 1.", param, ctx
            )
        return rate


@click.command(context_settings=CONTEXT)
@url_option
@key_option
@click.option(
    "--seed",
    type=WholeNumber(min=0),
    help="The same seed plays the same match. By default one is drawn, and printed.",
    allow_from_autoenv=False,
)
@click.option(
    "--speed",
    type=Speed(),
    default=1.0,
    show_default=True,
    help="How many times as fast as a real match.",
    allow_from_autoenv=False,
)
@click.option(
    "--aux",
    "auxiliaries",
    type=WholeNumber(0, MAX_AUXILIARIES),
    default=0,
    show_default=True,
    help="How many of the ten players have an auxiliary client.",
    allow_from_autoenv=False,
)
@click.option(
    "--matches",
    type=WholeNumber(1, MAX_MATCHES),
    default=1,
    show_default=True,
    help="How many matches are played at the same time, with the seeds from --seed on.",
    allow_from_autoenv=False,
)
@mode_option
@click.option(
    "--faults",
    type=FaultRates(),
    default={},
    help=f"What goes wrong on purpose, with the share of events that are hit, as in drops=0.01,nulls: "
    f"{', '.join(Fault)}, or {ALL_FAULTS}.",
    allow_from_autoenv=False,
)
@click.option(
    "--group-code",
    type=GroupCode(),
    help="The group code of the match; a number is put behind it if there are several. By default one is made.",
    allow_from_autoenv=False,
)
@client_version_option
@click.pass_context
def simulate(
    ctx: click.Context,
    /,
    *,
    url: str,
    key: str,
    seed: int | None,
    speed: float,
    auxiliaries: int,
    matches: int,
    mode: str,
    faults: dict[Fault, float],
    group_code: str | None,
    client_version: str,
) -> None:
    """Play a made-up match to a running server, as its observer and auxiliary clients would.

    It looks like a real match on an overlay: ten players with agents, purchases, kills, plants, timeouts, a change of
    sides, overtime now and then. At speed 1 it takes about 40 minutes. Ctrl-C ends it early, on the server, too.

    \b
    Twenty times as fast, with all ten auxiliary clients, watched on an overlay with the group code TEST:
        valo-ingest simulate --url http://192.168.1.20:5100 --key KEY --speed 20 --aux 10 --group-code TEST

    \b
    What if the network is bad?
        valo-ingest simulate --key KEY --speed 20 --aux 10 --faults drops=0.02,delays=0.05,reconnects

    Exit status: 1 when the server cannot be reached, refuses a client or an event that is good, or loses an event; 2
    when the options make no sense, 130 after Ctrl-C.
    """
    seed = secrets.randbelow(MAX_SEED + 1) if seed is None else seed
    scripts = [
        Script(
            url=url,
            key=key,
            group_code=code,
            seed=seed + number,
            mode=mode,
            match_id=str(uuid.uuid4()),
            auxiliaries=auxiliaries,
            speed=speed,
            faults=faults,
            client_version=client_version,
            tools=tools(speed),
        )
        for number, code in enumerate(group_codes(group_code, matches))
    ]
    performances = [Performance(script) for script in scripts]
    if sys.stderr.isatty():
        for each in performances:
            click.echo(f"Playing {_what(each)} to {one_line(url)}. Ctrl-C ends it.", err=True)
    try:
        with interruptible():
            are_over, accounts = perform(performances)
    except (ServerUnreachable, NotLetIn) as error:
        raise click.ClickException(one_line(str(error))) from error
    if not are_over:
        click.echo("Stopped.", err=True)
    ctx.exit((0 if are_over else INTERRUPTED) if accounts.is_clean else 1)


def perform(performances: Sequence[Performance]) -> tuple[bool, Accounts]:
    """Play matches, tell people how it goes, and print in the end what became of them and of all events.

    Returns:
        Whether all were played to their end, and the accounts of all together.

    Raises:
        ServerUnreachable, NotLetIn: The server cannot be used.
    """
    progress = ProgressLine()
    try:
        are_over = play_all(performances, lambda: progress.show(lambda: _state(performances)))
    finally:
        progress.clear()
    accounts = total(each.tally.accounts() for each in performances)
    for line in _results(performances, accounts):
        click.echo(line)
    return are_over, accounts


def _what(performance: Performance) -> str:
    script = performance.script
    return f"the match of seed {script.seed} with group code {one_line(script.group_code)}"


def _state(performances: Sequence[Performance]) -> str:
    """Return how far the matches are, for the line of progress."""
    if len(performances) == 1:
        match = performances[0]
        where = f"round {match.round_number}, {match.phase}" if match.round_number else "agent select"
        where += f"   {_score(match, 'tricode')}"
    else:
        numbers = [each.round_number for each in performances]
        over = sum(each.is_over for each in performances)
        where = f"{len(performances)} matches, rounds {min(numbers)} to {max(numbers)}, {over} over"
    sent = sum(each.tally.sent for each in performances)
    refused = sum(each.tally.refused_count for each in performances)
    lost = sum(each.lost_connections for each in performances)
    state = f"{where}   {sent:,} events sent   {refused:,} refused"
    return f"{state}   {lost} connections lost, waiting for them" if lost else state


def _score(performance: Performance, name: str) -> str:
    """Return the score as an overlay shows it, the left team first; `name` is what of a team's setup names it."""
    left, right = (performance.match.team_setup(is_left=is_left)[name] for is_left in (True, False))
    return f"{left} {performance.score[0]} : {performance.score[1]} {right}"


def _results(performances: Sequence[Performance], accounts: Accounts) -> Iterator[str]:
    for each in performances:
        when = f"after {each.round_number} rounds" if each.is_over else f"in round {each.round_number}"
        yield f"{one_line(each.script.group_code)}, seed {each.script.seed}: {_score(each, 'name')} {when}."
    wanted = sorted({fault for each in performances for fault, rate in each.script.faults.items() if rate})
    if wanted:
        listed = ", ".join(f"{fault} {accounts.injected.get(fault, 0):,}" for fault in wanted)
        yield f"Done on purpose: {listed}."
    yield from accounts_lines(accounts)
