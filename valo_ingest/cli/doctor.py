"""`valo-ingest doctor`: why does the HUD show nothing?"""

import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from valo_ingest import app
from valo_ingest.cli.data_dir import DataDirCommand, print_any_letter
from valo_ingest.cli.group_codes import GroupCode
from valo_ingest.cli.numbers import Number
from valo_ingest.cli.scoreboard import columns
from valo_ingest.cli.settings import CONTEXT
from valo_ingest.cli.sources import DEFAULT, Resolved, resolve, with_settings_but
from valo_ingest.cli.text import Text, one_line
from valo_ingest.errors import JournalFault, ServerUnreachable
from valo_ingest.rehearsal.clients import CLIENT_VERSION
from valo_ingest.rehearsal.diagnosis.checkup import WATCH_S, Subject, examine
from valo_ingest.rehearsal.diagnosis.findings import Finding, State
from valo_ingest.rehearsal.diagnosis.machine import DataDir, is_this_machine
from valo_ingest.rehearsal.diagnosis.places import Place, Side, place_of
from valo_ingest.rehearsal.interrupts import interruptible
from valo_ingest.storage import journal, keys

LOCAL: Final = "localhost"
EVERYWHERE: Final = frozenset({"0.0.0.0", "::", ""})
"""Hosts to listen on that are no address to connect to."""

SHOWN: Final = frozenset({"ingest_port", "output_port", "extras_port", "insecure", "auth_key"})
"""Settings of `serve` that play a role here, besides the data directory."""

OPERATOR_PASSWORD: Final = "OPERATOR_PASSWORD"

LONGEST_WATCH_S: Final = 86_400
"""Waiting for more than a day is a slip."""

MARKS: Final = {
    State.OK: ("+ ok", "green"),
    State.WARNING: ("! warning", "yellow"),
    State.BROKEN: ("X BROKEN", "red"),
    State.SKIPPED: ("- skipped", None),
}
"""A shape and a word for each state; the colour is only for terminals."""

MARK_WIDTH: Final = 9
CHECK_WIDTH: Final = 18
INDENT: Final = MARK_WIDTH + CHECK_WIDTH + 4
MIN_TEXT_WIDTH: Final = 24


class _Command(DataDirCommand):
    """Takes all settings, so that what one types after `serve` works here, and shows those that matter."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for parameter in self.params:
            if isinstance(parameter, click.Option) and parameter.name in SHOWN:
                parameter.hidden = False


@click.command(cls=_Command, context_settings=CONTEXT)
@click.option(
    "--url",
    help="The ingest side, as it is typed into the observer client. By default that of a server of this machine, as "
    "its settings have it.",
    allow_from_autoenv=False,
)
@click.option(
    "--output-url",
    help="What the overlay has as serverEndpoint. By default the same machine, port 5200.",
    allow_from_autoenv=False,
)
@click.option(
    "--extras-url",
    help="What the overlay has as extrasEndpoint. By default the same machine, port 5101.",
    allow_from_autoenv=False,
)
@click.option(
    "--key",
    type=Text(),
    help="The access key of the observer client. By default that of the server.",
    show_envvar=True,
)
@click.option(
    "--client-version",
    type=Text(),
    default=CLIENT_VERSION,
    show_default=True,
    help="The version of the observer client.",
    allow_from_autoenv=False,
)
@click.option(
    "--group-code",
    type=GroupCode(),
    help="The group code that the overlay has.",
    allow_from_autoenv=False,
)
@click.option(
    "--watch-s",
    type=Number(0, LONGEST_WATCH_S),
    default=WATCH_S,
    show_default=True,
    help="Seconds without an event after which a match is called silent.",
    allow_from_autoenv=False,
)
@click.option(
    "--operator-password",
    envvar=[f"VALO_INGEST_{OPERATOR_PASSWORD}", OPERATOR_PASSWORD],
    show_envvar=True,
    help="Lets the doctor see all matches, overlays and clients. On the machine of the server it is not needed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.", allow_from_autoenv=False)
@with_settings_but(OPERATOR_PASSWORD)
@click.pass_context
def doctor(
    ctx: click.Context,
    /,
    *,
    url: str | None,
    output_url: str | None,
    extras_url: str | None,
    key: str | None,
    client_version: str,
    group_code: str | None,
    watch_s: float,
    operator_password: str | None,
    as_json: bool,
    **_: Any,
) -> None:
    """Look at every link from the observer to the overlay, and say which one is broken and what to do.

    \b
    On the machine of the server, with the flags that `serve` was given:
        valo-ingest doctor --lan ./data
    On the observer's PC, or that of the overlay:
        valo-ingest doctor --url http://192.168.1.20:5100 --key KEY --group-code FINALS

    It opens no match and changes none. The server counts one refused logon, of somebody called "valo-ingest doctor".

    Exit status: 0 when no link is broken, 1 when one is, 2 when the options make no sense.
    """
    print_any_letter()
    resolved = resolve(ctx)
    try:
        ingest, output, extras = _places(resolved, url, output_url, extras_url)
    except ServerUnreachable as error:
        raise click.UsageError(one_line(str(error))) from error
    is_own = url is None
    if not is_own and ctx.get_parameter_source("operator_password") is ParameterSource.DEFAULT_MAP:
        operator_password = None  # of the server here; the one that is looked at may be somebody else's
    subject = Subject(
        ingest=ingest,
        output=output,
        extras=extras,
        client_version=client_version,
        key=key or (_own_key(resolved) if is_own else ""),
        group_code=group_code,
        operator_password=operator_password or (_own_password(resolved) if is_own else None),
        watch_s=watch_s,
        data=_data(resolved, ingest),
    )
    findings: list[Finding] = []
    with interruptible():
        for finding in examine(subject):
            findings.append(finding)
            if not as_json:
                _print(finding)
    if as_json:
        click.echo(json.dumps(_summary(subject, findings), indent=2))
    else:
        click.echo()
        click.echo(_verdict(findings))
    ctx.exit(1 if any(each.state is State.BROKEN for each in findings) else 0)


def _places(
    resolved: Resolved, url: str | None, output_url: str | None, extras_url: str | None
) -> tuple[Place, Place, Place]:
    """Return where the three sides are: as typed, or as the settings of a server of this machine have them."""
    if url is None:
        ingest = Place(Side.INGEST, _scheme(resolved), _host(resolved), _port(resolved, Side.INGEST) or 5100)
        output = ingest.beside(Side.OUTPUT, _port(resolved, Side.OUTPUT))
        extras = ingest.beside(Side.EXTRAS, _port(resolved, Side.EXTRAS))
    else:
        ingest = place_of(Side.INGEST, url)
        output, extras = ingest.beside(Side.OUTPUT), ingest.beside(Side.EXTRAS)
    return (
        ingest,
        place_of(Side.OUTPUT, output_url) if output_url else output,
        place_of(Side.EXTRAS, extras_url) if extras_url else extras,
    )


def _scheme(resolved: Resolved) -> str:
    has_tls = any(resolved.values[name] for name in ("SERVER_KEY", "SERVER_CERT", "SELF_SIGNED"))
    return "https" if has_tls and resolved.values["INSECURE"] is not True else "http"


def _host(resolved: Resolved) -> str:
    host = str(resolved.values["HOST"])
    return LOCAL if host in EVERYWHERE else host


def _port(resolved: Resolved, side: Side) -> int | None:
    port = resolved.values[f"{side.name}_PORT"]
    return port if isinstance(port, int) and 0 < port <= 65_535 else None


def _own_key(resolved: Resolved) -> str:
    """Return the key that a server with these settings has: set, or made and kept."""
    if resolved.values["AUTH_KEY"]:
        return str(resolved.values["AUTH_KEY"])
    return _kept(resolved, keys.FILE_NAME) if resolved.makes_auth_key else ""


def _own_password(resolved: Resolved) -> str | None:
    """Return the operator's password that a server with these settings made and keeps; it may listen elsewhere only."""
    return (_kept(resolved, keys.PASSWORD_FILE_NAME) or None) if resolved.makes_operator_password else None


def _kept(resolved: Resolved, name: str) -> str:
    try:
        kept: Path = resolved.values["DATA_DIR"] / name
        return kept.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _data(resolved: Resolved, ingest: Place) -> DataDir | None:
    """Return the data directory, where it is that of the server which is looked at."""
    path: Path = resolved.values["DATA_DIR"]
    is_default = resolved.sources["DATA_DIR"] == DEFAULT
    if (is_default and not path.is_dir()) or not is_this_machine(ingest.host):
        return None
    return DataDir(path=path, lock=path / journal.LOCK_NAME, live_codes=lambda: _live_codes(path))


def _live_codes(path: Path) -> Sequence[str]:
    """Return the group codes of matches that are live by the journal. Raises `JournalFault`."""
    listing = app.open_archive(path).matches()
    if listing.faults:
        raise JournalFault("The journal", f"is damaged: {listing.faults[0]}")
    return [kept.match.group_code for kept in listing.matches if kept.is_live]


def _print(finding: Finding) -> None:
    mark, colour = MARKS[finding.state]
    head = f"{mark:{MARK_WIDTH}}  {finding.check:{CHECK_WIDTH}}  "
    first, *rest = _wrapped(finding.saw)
    click.echo(click.style(head, fg=colour, bold=finding.state is State.BROKEN) + first)
    lines = [*rest, *(_wrapped(f"-> {finding.do}") if finding.do else ())]
    for line in lines:
        click.echo(" " * INDENT + line)


def _wrapped(text: str) -> list[str]:
    """Return `text` in lines that fit beside the name of a check; where nobody looks, in one."""
    text = one_line(text)
    if not sys.stdout.isatty():
        return [text]
    width = max(MIN_TEXT_WIDTH, shutil.get_terminal_size().columns - INDENT - 1)
    return list(wrapped(text, width))


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield `text` in lines of `width` columns at most, but for words that are longer."""
    line = ""
    for word in text.split(" "):
        if line and columns(line) + 1 + columns(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _verdict(findings: Sequence[Finding]) -> str:
    counts = Counter(each.state for each in findings)
    first = next((each for each in findings if each.state is State.BROKEN), None)
    if first is not None:
        return one_line(f"Broken: {first.check}. {first.saw.rstrip('.')}. {first.do}")
    if counts[State.WARNING]:
        warned = [each.check for each in findings if each.state is State.WARNING]
        return one_line(f"No link is broken. Warnings: {', '.join(warned)}.")
    skipped = f" Not looked at: {counts[State.SKIPPED]}." if counts[State.SKIPPED] else ""
    return f"No link is broken.{skipped}"


def _summary(subject: Subject, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what was found, for programs."""
    return {
        "ok": all(each.state is not State.BROKEN for each in findings),
        "urls": {place.side.value: place.url for place in (subject.ingest, subject.output, subject.extras)},
        "findings": [
            {"check": each.check, "state": each.state.value, "saw": each.saw, "do": each.do}
            for each in findings
        ],
    }
