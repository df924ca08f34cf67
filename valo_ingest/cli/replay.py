"""`valo-ingest replay`: plays a recording to a running server."""

import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from valo_ingest.cli.accounts import accounts_lines
from valo_ingest.cli.client_options import INTERRUPTED, client_version_option, key_option, url_option
from valo_ingest.cli.group_codes import GroupCode, group_codes
from valo_ingest.cli.inspect import damage_lines, duration
from valo_ingest.cli.numbers import Speed, WholeNumber
from valo_ingest.cli.progress import ProgressLine
from valo_ingest.cli.settings import CONTEXT
from valo_ingest.cli.stepping import Stepper
from valo_ingest.cli.text import one_line
from valo_ingest.errors import InvalidRecording, NotLetIn, ServerUnreachable
from valo_ingest.game.rules import MAX_ROUND_NUMBER
from valo_ingest.rehearsal.accounting import Tally
from valo_ingest.rehearsal.interrupts import interruptible
from valo_ingest.rehearsal.pacing import Pace, Plan, first_step_of_round, plan
from valo_ingest.rehearsal.recordings import Recording, load
from valo_ingest.rehearsal.rekeying import Rekeyed, rekeyed
from valo_ingest.rehearsal.replay import Player, clients_of, read_line

LOOP_PAUSE_S: Final = 5.0
"""How long the end of a match is shown before it begins again."""

CODES_SHOWN: Final = 5
REFUSALS_SHOWN: Final = 5
"""Lines of each that are printed."""

TIMERS_KEEP_THEIR_SPEED: Final = "Timers of the game keep their own speed, so some things come out otherwise"


@click.command(context_settings=CONTEXT)
@click.argument("file", type=click.Path(path_type=Path))
@url_option
@key_option
@click.option(
    "--speed",
    type=Speed(),
    default=1.0,
    show_default=True,
    help="How many times as fast as it was.",
    allow_from_autoenv=False,
)
@click.option("--instant", is_flag=True, help="Send everything at once.", allow_from_autoenv=False)
@click.option(
    "--from-round",
    type=WholeNumber(1, MAX_ROUND_NUMBER),
    help="Send everything before this round at once.",
    allow_from_autoenv=False,
)
@click.option("--loop", is_flag=True, help="Begin again at the end, until Ctrl-C.", allow_from_autoenv=False)
@click.option(
    "--step",
    "by_step",
    is_flag=True,
    help="Show what comes next and send it when Enter is pressed.",
    allow_from_autoenv=False,
)
@click.option(
    "--group-code",
    type=GroupCode(),
    help="Play the match under this group code. By default a new one is made, and printed.",
    allow_from_autoenv=False,
)
@client_version_option
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    *,
    file: Path,
    url: str,
    key: str,
    speed: float,
    instant: bool,
    from_round: int | None,
    loop: bool,
    by_step: bool,
    group_code: str | None,
    client_version: str,
) -> None:
    """Play the recording FILE to a running server: observer, auxiliary clients and all.

    FILE is a stream (of `valo-ingest matches export`) or a .replay file of the original server, compressed with gzip
    or not. The match gets a group code and a match id of its own, so it meets no live match. Ctrl-C ends the replay,
    and the match on the server.

    \b
    Watch a match again from round 8, three times as fast:
        valo-ingest replay finals.jsonl --url http://192.168.1.20:5100 --key KEY --from-round 8 --speed 3

    Exit status: 1 when the server lost an event, cannot be reached or refuses the observer, or when there is nothing
    in FILE that can be played, 2 when the options make no sense, 130 after Ctrl-C (0 with --loop).
    """
    _check_options(ctx)
    code = group_codes(group_code, 1)[0]
    try:
        recording = load(file)
        replaying = Replaying(
            recording,
            name=one_line(str(file)),
            url=url,
            pace=_pace(file, recording, None if instant else speed, from_round),
            rekey=partial(
                rekeyed,
                recording,
                group_code=code,
                client_version=client_version,
                key=key,
                new_match_id=lambda: str(uuid.uuid4()),
            ),
        )
        with interruptible():
            is_over, is_clean = replaying.run(loop=loop, by_step=by_step)
    except (InvalidRecording, ServerUnreachable, NotLetIn) as error:
        raise click.ClickException(one_line(str(error))) from error
    ctx.exit((0 if is_over or loop else INTERRUPTED) if is_clean else 1)


def _check_options(ctx: click.Context) -> None:
    """Refuse what excludes each other."""
    given = {
        name
        for name in ctx.params
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE and ctx.params[name] is not None
    }
    for one, other in (
        ("instant", "speed"),
        ("instant", "from_round"),
        ("instant", "loop"),
        ("by_step", "instant"),
        ("by_step", "speed"),
    ):
        if {one, other} <= given:
            names = " and ".join(f"--{name.removeprefix('by_').replace('_', '-')}" for name in (one, other))
            raise click.UsageError(f"{names} exclude each other.")


def _pace(file: Path, recording: Recording, speed: float | None, from_round: int | None) -> Pace:
    if from_round is None:
        return Pace(speed=speed)
    first = first_step_of_round(recording, from_round)
    if first is None:
        rounds = max((told[0] for step in recording.steps if (told := step.round_info())), default=0)
        raise click.BadParameter(
            f"the last round in {one_line(str(file))} is {rounds}.", param_hint="--from-round"
        )
    return Pace(speed=speed, from_step=first)


class Replaying:
    """Plays a recording, once or again and again, and tells people how it goes."""

    def __init__(
        self, recording: Recording, *, name: str, url: str, pace: Pace, rekey: Callable[[], Rekeyed]
    ) -> None:
        """
        Args:
            rekey: Returns the recording under names that no live match has.
        """
        self._recording = recording
        self._name = name
        self._url = url
        self._pace = pace
        self._rekey = rekey
        self._progress = ProgressLine()
        self._tally = Tally()
        self._player = Player(clients_of(url, self._tally), tally=self._tally, watch=self._watch)
        self._by_step = False

    def run(self, *, loop: bool, by_step: bool) -> tuple[bool, bool]:
        """Play it until it is over, or somebody stops it: then its matches are ended on the server.

        Returns:
            Whether it came to its end or a person's `q`, and whether nothing was lost.

        Raises:
            ServerUnreachable: Nothing that speaks the protocol answers.
            NotLetIn: The server refused the observer.
        """
        self._by_step = by_step
        is_over = True
        try:
            if self._play(loop=loop):
                self._player.leave()
            else:
                self._player.stop()
        except KeyboardInterrupt:
            is_over = False
            self._progress.clear()
            click.echo("Stopped.", err=True)
            self._player.stop()
        except (ServerUnreachable, NotLetIn):
            self._progress.clear()
            self._player.stop()
            if self._tally.sent:
                self._tell_results()
            raise
        finally:
            self._progress.clear()
            self._player.close()
        self._tell_results()
        return is_over, not self._player.accounts().lost

    def _play(self, *, loop: bool) -> bool:
        """Play it, again and again if wanted; tell whether it came to its end."""
        is_first = True
        while True:
            names = self._rekey()
            made = plan(names.recording, self._pace)
            if is_first:
                self._announce(made, names)
            first = names.recording.steps[self._pace.from_step]
            stepper = Stepper(first, total=len(made.dues), read=read_line) if self._by_step else None
            if not self._player.play(made, may_go_on=stepper):
                return False
            if not loop:
                return True
            self._player.end_matches(made)
            self._player.leave()
            self._player.rest(LOOP_PAUSE_S)
            is_first = False

    def _announce(self, made: Plan, names: Rekeyed) -> None:
        if self._recording.faults or self._recording.modernized:
            for line in damage_lines(self._recording):
                click.echo(line, err=True)
        took = f", in {duration(made.end_ms)}" if made.end_ms and not self._by_step else ""
        click.echo(f"Replaying {self._name} to {one_line(self._url)}{took}.")
        opened = [(old, new) for old, new in names.group_codes.items() if new in made.group_codes]
        for old, new in opened[:CODES_SHOWN]:
            click.echo(f"Group code {one_line(new)} ({one_line(old)} in the file)")
        if len(opened) > CODES_SHOWN:
            click.echo(f"  and {len(opened) - CODES_SHOWN} more")
        if made.differences and not self._by_step:
            differences = "; ".join(one_line(difference) for difference in made.differences)
            click.echo(f"{TIMERS_KEEP_THEIR_SPEED}: {differences}.", err=True)

    def _watch(self, player: Player) -> None:
        if not self._by_step:
            self._progress.show(lambda: self._state(player))

    def _state(self, player: Player) -> str:
        number, phase = player.round or (0, "before the first round")
        score = "" if player.score is None else f"   {player.score[0]} : {player.score[1]}"
        at, whole = duration(player.position_ms), duration(self._recording.duration_ms)
        refused = f"   {self._tally.refused_count:,} refused" if self._tally.refused_count else ""
        lost = "   connection lost, waiting for it" if player.lost_connections else ""
        return f"{at} of {whole}   round {number}, {phase}{score}   {self._tally.sent:,} sent{refused}{lost}"

    def _tell_results(self) -> None:
        player = self._player
        for line in accounts_lines(player.accounts()):
            click.echo(line)
        if player.refused_logons:
            click.echo(f"Logons that the server refused: {len(player.refused_logons)}.")
            for error in player.refused_logons[:REFUSALS_SHOWN]:
                click.echo(f"  {one_line(error.who)}: {one_line(error.reason)}")
        if player.not_sent:
            click.echo(f"Not sent, because their client was not logged on (any more): {player.not_sent:,}.")
