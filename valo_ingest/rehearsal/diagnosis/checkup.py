"""The chain from end to end: each check in its order, and none whose link hangs on a broken one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from valo_ingest.errors import ServerUnreachable
from valo_ingest.rehearsal.diagnosis import logons, machine, reaching, service, watching
from valo_ingest.rehearsal.diagnosis.certificates import check_certificate
from valo_ingest.rehearsal.diagnosis.findings import Finding, State, broken, ok, skipped
from valo_ingest.rehearsal.diagnosis.places import Answer, Place

WATCH_S: Final = 20.0
"""An observer sends several events a second while a round is played; after this something is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at."""

    ingest: Place
    output: Place
    extras: Place
    client_version: str
    key: str = field(default="", repr=False)
    group_code: str | None = None
    operator_password: str | None = field(default=None, repr=False)
    watch_s: float = WATCH_S
    data: machine.DataDir | None = None
    """None where the server is another machine."""


@dataclass(slots=True)
class _Seen:
    """What earlier checks have learned for later ones."""

    answers: dict[Place, Answer] = field(default_factory=dict)
    """Of the places where our server answers."""
    journal_codes: Sequence[str] = ()
    report: Mapping[str, Any] | None = None


def examine(subject: Subject) -> Iterator[Finding]:
    """Look at every link of the chain and yield what is found, from the lowest link to the highest."""
    seen = _Seen()
    yield from _machine(subject, seen)
    known: dict[str, bool] = {}
    for place in (subject.ingest, subject.output, subject.extras):
        if place.host not in known:
            finding = reaching.check_name(place.host)
            known[place.host] = finding.state is State.OK
            yield finding
        yield from (
            _place(place, seen)
            if known[place.host]
            else _skip(f"{place.side} port", f"nobody knows {place.host}")
        )
    yield from _service(subject, seen)
    yield from _logons(subject, seen)
    yield from _matches(subject, seen)


def _skip(check: str, why: str) -> Iterator[Finding]:
    yield skipped(check, why)


def _machine(subject: Subject, seen: _Seen) -> Iterator[Finding]:
    data = subject.data
    if data is None:
        return
    directory = machine.check_directory(data)
    yield directory
    if directory.state is State.WARNING:  # it is not there
        return
    yield machine.check_disk(data)
    journal, seen.journal_codes = machine.check_journal(data)
    yield journal


def _place(place: Place, seen: _Seen) -> Iterator[Finding]:
    port = reaching.check_port(place)
    yield port
    if port.state is not State.OK:
        yield skipped(f"{place.side} server", "its port cannot be reached")
        return
    server, answer = reaching.check_server(place)
    yield server
    if answer is None:
        return
    seen.answers[place] = answer
    if place.has_tls:
        yield check_certificate(place)


def _service(subject: Subject, seen: _Seen) -> Iterator[Finding]:
    answer = next(iter(seen.answers.values()), None)
    if answer is None:
        yield skipped("clock", "no server answers")
    else:
        yield service.check_clock(answer)
    if subject.extras not in seen.answers:
        yield skipped("health", "the extras side cannot be asked")
        return
    yield service.check_health(subject.extras)
    password = subject.operator_password
    if password:
        taken = service.check_password(subject.extras, password)
        yield taken
        if taken.state is not State.OK:
            password = None  # who is on the server's machine needs none
    seen.report = service.report(subject.extras, password)


def _logons(subject: Subject, seen: _Seen) -> Iterator[Finding]:
    for place in (subject.ingest, subject.output):
        if place not in seen.answers:
            yield skipped(f"{place.side} polling", f"no server answers as the {place.side} side")
            continue
        for transport in ("polling", "websocket"):
            yield logons.check_transport(place, transport)
    if subject.ingest in seen.answers:
        yield logons.check_version(subject.ingest, subject.client_version)
    else:
        yield skipped("version", "the ingest side cannot be asked")
    if not subject.key:
        yield skipped("key", "none was given. Give the one of the observer client with --key")
    elif subject.extras not in seen.answers:
        yield skipped("key", "the extras side cannot be asked")
    else:
        yield logons.check_key(subject.extras, subject.key, requires_key=_requires_key(seen.report))


def _requires_key(report: Mapping[str, Any] | None) -> bool | None:
    server = (report or {}).get("server")
    required = server.get("requiresKey") if isinstance(server, dict) else None
    return required if isinstance(required, bool) else None


def _matches(subject: Subject, seen: _Seen) -> Iterator[Finding]:
    code, report = subject.group_code, seen.report
    live = list(seen.journal_codes) if report is None else watching.live_codes(report)
    codes = [code] if code else [] if report is not None else live
    unseen = bool(codes) and subject.output not in seen.answers
    if unseen:
        yield skipped("overlay", "the output side cannot be asked")
        codes = []
    if codes:
        yield from _watch(subject, codes, live, by_watching=report is None)
    if report is not None:
        yield from watching.check_waiting_by_report(report)
        yield from watching.check_events_by_report(report, code, subject.watch_s)
    elif not codes:
        yield _no_codes(subject, seen, unseen=unseen)


def _watch(
    subject: Subject, codes: Sequence[str], live: Sequence[str], *, by_watching: bool
) -> Iterator[Finding]:
    overlay = watching.Overlay(subject.output, codes)
    try:
        overlay.open()
        for code in overlay.codes:
            yield watching.check_overlay(overlay, code, live)
        if by_watching:
            yield from watching.check_events_by_watching(overlay, subject.watch_s)
    except ServerUnreachable as error:
        yield broken("overlay", error.reason, "Is this the output side, port 5200? Look at the server's log.")
    finally:
        overlay.close()


def _no_codes(subject: Subject, seen: _Seen, *, unseen: bool) -> Finding:
    running = service.matches_running(subject.extras) if subject.extras in seen.answers else None
    if running == 0:
        return ok("events", "no match is live, so there is nothing to watch")
    if unseen:
        return skipped("events", "an overlay would see them, but the output side cannot be asked")
    return skipped("events", "nobody says which matches are live. Give --group-code, or --operator-password")
