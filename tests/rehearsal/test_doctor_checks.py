"""Broken links made on purpose, one at a time, and what the doctor says of each."""

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.ports import closed_port
from tests.rehearsal.pretenders import DAY, HOST, certificate, talker, web_server
from valo_ingest.errors import JournalFault, ServerUnreachable
from valo_ingest.rehearsal.diagnosis import logons, machine, reaching, service, watching
from valo_ingest.rehearsal.diagnosis.certificates import check_certificate, is_name
from valo_ingest.rehearsal.diagnosis.findings import Finding, State
from valo_ingest.rehearsal.diagnosis.places import USUAL_PORTS, Answer, Place, Side, place_of
from valo_ingest.wire.names import SocketEvent

STATUS = {"status": "UP", "matchesRunning": 0}


def place(port: int, side: Side = Side.EXTRAS, scheme: str = "http") -> Place:
    return Place(side, scheme, HOST, port)


# --- the address


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("http://192.168.1.20:5100", "http://192.168.1.20:5100"),
        ("https://match.example.org/", "https://match.example.org:443"),
        ("192.168.1.20:5100", "https://192.168.1.20:5100"),
        ("http://[::1]:5100", "http://[::1]:5100"),
    ],
)
def test_an_address_is_read_as_clients_read_it(typed: str, url: str) -> None:
    assert place_of(Side.INGEST, typed).url == url


@pytest.mark.parametrize("typed", ["", "ftp://x:5100", "http://x:99999", "http://:5100", "http://x:0"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ServerUnreachable, match=r"Give one such as http://192\.168\.1\.20:5100"):
        place_of(Side.INGEST, typed)


def test_a_name_that_nobody_knows() -> None:
    finding = reaching.check_name("no-such-host.invalid")

    assert finding.state is State.BROKEN
    assert finding.saw == "nobody knows a machine called no-such-host.invalid"


# --- the port


def test_a_port_that_is_closed() -> None:
    port = closed_port()
    finding = reaching.check_port(place(port))

    assert finding.state is State.BROKEN
    assert finding.saw == f"port {port} of {HOST} is closed: nothing listens there"
    assert "Start the server" in finding.do
    assert "usual port of the extras side is 5101" in finding.do


@pytest.mark.parametrize(
    ("side", "advice"),
    [
        (Side.INGEST, "look which port it printed."),
        (Side.OUTPUT, "look which port it printed, and give its address with --output-url."),
        (Side.EXTRAS, "look which port it printed, and give its address with --extras-url."),
    ],
)
def test_a_usual_port_that_is_closed_may_be_another_one(
    monkeypatch: pytest.MonkeyPatch, side: Side, advice: str
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)

    assert reaching.check_port(Place(side, "http", HOST, USUAL_PORTS[side])).do.endswith(advice)


@pytest.mark.parametrize("typed", ["10.0.0.5", "http://10.0.0.5"])
@pytest.mark.parametrize("error", [ConnectionRefusedError, TimeoutError])
def test_who_typed_half_an_address_is_told_to_type_it_all(
    monkeypatch: pytest.MonkeyPatch, typed: str, error: type[OSError]
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", refuse)

    advice = reaching.check_port(place_of(Side.INGEST, typed)).do
    assert advice == "Type the whole address, as the server printed it, such as http://10.0.0.5:5100"
    assert "Type the whole" not in reaching.check_port(place_of(Side.INGEST, "https://10.0.0.5:443")).do


@pytest.mark.parametrize(
    ("error", "words", "advice"),
    [
        (TimeoutError(), "does not answer on port 5101", "firewall"),
        (OSError(113, "No route to host"), "cannot be reached: No route to host", "the same network"),
    ],
)
def test_a_port_that_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, error: OSError, words: str, advice: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    finding = reaching.check_port(place(5101))

    assert finding.state is State.BROKEN
    assert words in finding.saw
    assert advice in finding.do


@pytest.mark.parametrize("side", list(Side))
def test_another_web_server_on_the_port_is_named_with_its_process(side: Side) -> None:
    with web_server() as port:
        finding, answer = reaching.check_server(place(port, side))

    assert answer is None
    assert finding.state is State.BROKEN
    assert f"another server has port {port}: SomebodyElse/1.0" in finding.saw
    assert f"(process {os.getpid()})" in finding.saw
    assert f"--{side}-port" in finding.do


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_another_program_on_the_port(scheme: str) -> None:
    with talker(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
        finding, _ = reaching.check_server(place(port, scheme=scheme))

    assert finding.state is State.BROKEN
    assert f"another program has port {port}, which speaks neither HTTP nor TLS" in finding.saw


# --- the certificate


def certificate_finding(directory: Path, side: Side = Side.OUTPUT, **of: Any) -> Finding:
    with web_server(certificate=certificate(directory, **of)) as port:
        return check_certificate(place(port, side, "https"))


@pytest.mark.parametrize(
    ("of", "saw", "do"),
    [
        ({"starts": -2 * DAY, "ends": -DAY}, "it expired on", "Renew it"),
        ({"starts": DAY, "ends": 2 * DAY}, "it is not valid before", "Set the clock"),
        ({"name": "studio-pc"}, f"it is for studio-pc and not for {HOST}", "Type one of those names"),
    ],
)
def test_a_certificate_that_browsers_refuse(tmp_path: Path, of: dict[str, Any], saw: str, do: str) -> None:
    finding = certificate_finding(tmp_path, **of)

    assert finding.state is State.BROKEN
    assert saw in finding.saw
    assert "browsers say ERR_CERT_" in finding.saw
    assert do in finding.do


def test_a_self_signed_certificate_has_to_be_accepted_once(tmp_path: Path) -> None:
    finding = certificate_finding(tmp_path)

    assert finding.state is State.WARNING
    assert "ERR_CERT_AUTHORITY_INVALID" in finding.saw
    assert f"Open https://{HOST}:" in finding.do


def test_observer_clients_take_any_certificate(tmp_path: Path) -> None:
    finding = certificate_finding(tmp_path, Side.INGEST, starts=-2 * DAY, ends=-DAY)

    assert finding.state is State.WARNING
    assert finding.saw.endswith("observer clients take it all the same")


@pytest.mark.parametrize(
    ("host", "name", "is_it"),
    [
        ("a.example.org", "*.example.org", True),
        ("A.example.org", "a.Example.org", True),
        ("b.a.example.org", "*.example.org", False),
        ("example.org", "*.example.org", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "localhost", False),
    ],
)
def test_names_of_certificates(host: str, name: str, is_it: bool) -> None:
    assert is_name(host, name) is is_it


# --- the server as a whole


@pytest.mark.parametrize(
    ("ahead_s", "saw"), [(60, "60 s ahead of this machine's"), (-60, "60 s behind this machine's"), (0, None)]
)
def test_clocks_that_differ(ahead_s: float, saw: str | None) -> None:
    with web_server({"/status": STATUS}, clock_ahead_s=ahead_s) as port:
        _, answer = reaching.check_server(place(port))
    assert answer is not None
    finding = service.check_clock(answer)

    assert finding.state is (State.WARNING if saw else State.OK)
    assert saw is None or saw in finding.saw


def test_two_seconds_are_no_skew() -> None:
    answer = Answer(200, {"date": "Thu, 01 Jan 1970 00:16:41 GMT"}, b"", asked_at=999.0, answered_at=999.0)

    assert service.check_clock(answer).state is State.OK


def test_a_journal_that_fails_is_told_by_the_server() -> None:
    health = {
        "status": "journal failing",
        "version": "0.1.0",
        "matchesRunning": 1,
        "problems": ["The journal cannot be written (disk is full): 3 entries wait in memory."],
        "warnings": [],
        "refused": {"invalid_key": 3},
    }
    with web_server({"/healthz": (503, health)}) as port:
        finding = service.check_health(place(port))

    assert finding.state is State.BROKEN
    assert finding.saw.startswith("The journal cannot be written (disk is full): 3 entries wait in memory.")
    assert "1 match is live; refused since its start: invalid key 3" in finding.saw


@pytest.mark.parametrize(
    ("problems", "warnings", "state"),
    [
        (["The disk is full."], [], State.BROKEN),
        ([], ["The disk has 500 MB left."], State.WARNING),
        ([], [], State.OK),
    ],
)
def test_whatever_the_server_says_is_wrong_with_it_is_told(
    problems: list[str], warnings: list[str], state: State
) -> None:
    status = "not ready" if problems else "ok"
    health = {"status": status, "version": "0.1.0", "problems": problems, "warnings": warnings}
    with web_server({"/healthz": health}) as port:
        finding = service.check_health(place(port))

    assert finding.state is state
    assert finding.saw.startswith("".join([*problems, *warnings]))
    assert "journal" not in finding.saw


def test_a_server_without_health_is_older_or_the_original() -> None:
    with web_server({"/status": STATUS}) as port:
        finding = service.check_health(place(port))

    assert finding.state is State.OK
    assert "an older server, or the original" in finding.saw


@pytest.mark.parametrize(
    ("status", "requires_key", "state"),
    [(401, None, State.BROKEN), (401, True, State.BROKEN), (401, False, State.OK), (200, None, State.OK)],
)
def test_an_access_key(status: int, requires_key: bool | None, state: State) -> None:
    value = {"name": "Crew A"} if status == 200 else {"error": "Expired Key"}
    with web_server({"/getOrgForKey": (status, value)}) as port:
        finding = logons.check_key(place(port), "s3cret&key", requires_key=requires_key)

    assert finding.state is state
    assert ("Crew A" if status == 200 else "Expired Key") in finding.saw
    assert "s3cret" not in finding.saw + finding.do


@pytest.mark.parametrize(
    ("transport", "state", "saw"),
    [
        ("websocket", State.WARNING, "no WebSocket comes through, so clients poll"),
        ("polling", State.BROKEN, "Socket.IO is not answered"),
    ],
)
def test_a_proxy_that_passes_no_socketio(transport: str, state: State, saw: str) -> None:
    with web_server() as port:
        finding = logons.check_transport(place(port, Side.INGEST), transport)

    assert finding.state is state
    assert saw in finding.saw


# --- this machine


def data(path: Path) -> machine.DataDir:
    return machine.DataDir(path=path, lock=path / "lock", live_codes=lambda: ["FINALS"])


@pytest.mark.parametrize(
    ("free", "state", "saw"),
    [
        (10 << 20, State.BROKEN, "the disk is full: 10 MB free"),
        (500 << 20, State.WARNING, "the disk is nearly full: 500 MB free"),
        (5 << 30, State.OK, "5.0 GB free"),
    ],
)
def test_a_disk_that_is_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, state: State, saw: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    finding = machine.check_disk(data(tmp_path))

    assert finding.state is state
    assert saw in finding.saw


def test_a_data_directory_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    finding = machine.check_directory(data(tmp_path))

    assert finding.state is State.BROKEN
    assert finding.saw == f"{tmp_path} cannot be written: Read-only file system"


def test_who_uses_the_data_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    assert "no server of this user uses it now" in machine.check_directory(data(tmp_path)).saw

    with (tmp_path / "lock").open():
        assert f"(process {os.getpid()}) uses it" in machine.check_directory(data(tmp_path)).saw


def test_a_data_directory_that_is_not_there(tmp_path: Path) -> None:
    assert machine.check_directory(data(tmp_path / "nowhere")).state is State.WARNING


def test_a_journal_that_cannot_be_read(tmp_path: Path) -> None:
    def fail() -> list[str]:
        raise JournalFault("The journal", "is damaged")

    broken = machine.DataDir(path=tmp_path, lock=tmp_path / "lock", live_codes=fail)
    finding, codes = machine.check_journal(broken)

    assert (finding.state, finding.saw, codes) == (State.BROKEN, "The journal is damaged", ())


# --- events, as the server reports them to its operator


def report(**changes: Any) -> dict[str, Any]:
    match = {
        "groupCode": "FINALS",
        "isLive": True,
        "observers": [{"name": "OBS"}],
        "lastEventAt": 1_000_000,
        "pause": "",
        "matchId": "m",
        "phase": "combat",
    }
    return {"at": 1_025_000, "matches": [{**match, **changes}]}


@pytest.mark.parametrize(
    ("changes", "state", "saw"),
    [
        ({}, State.BROKEN, "no event for 25 s, although the observer is connected and a round is played"),
        ({"observers": []}, State.BROKEN, "nobody observes this match"),
        ({"lastEventAt": 1_024_000}, State.OK, "the last event came 1 s ago"),
        ({"pause": "tech pause"}, State.OK, "for there is a pause"),
        ({"phase": "LOBBY"}, State.WARNING, "no round is played"),
        ({"lastEventAt": None}, State.WARNING, "has sent nothing yet"),
        ({"isLive": False}, State.SKIPPED, "no match is live"),
    ],
)
def test_a_match_without_events_for_20_s(changes: dict[str, Any], state: State, saw: str) -> None:
    (finding,) = watching.check_events_by_report(report(**changes), None, 20)

    assert finding.state is state
    assert saw in finding.saw


class SlowServer:
    """The connection of an overlay to a server that takes longer for an answer to a logon than for a document."""

    def __init__(self, url: str) -> None:
        self._handlers: dict[str, Callable[[str], None]] = {}

    def on(self, event: str, handler: Callable[[str], None]) -> None:
        self._handlers[event] = handler

    def open(self) -> None: ...

    def emit(self, event: str, text: str) -> None:
        answer = partial(self._handlers[SocketEvent.OVERLAY_LOGON_SUCCESS], text)
        threading.Timer(5 * watching.DOCUMENT_S, answer).start()


def test_a_server_that_takes_its_time_for_an_answer_is_no_broken_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "Connection", SlowServer)
    monkeypatch.setattr(watching, "DOCUMENT_S", 0.02)
    overlay = watching.Overlay(place(5200, Side.OUTPUT), ["FINALS"])

    overlay.open()

    assert overlay.newest("FINALS") is None


def test_an_overlay_that_waits_for_an_unknown_code_is_named() -> None:
    waiting = {"groupCode": "FINALZ", "overlays": 1, "addresses": ["192.168.1.30"]}
    (finding,) = watching.check_waiting_by_report({**report(), "waiting": [waiting]})

    assert finding.state is State.BROKEN
    assert finding.saw.startswith("an overlay at 192.168.1.30 waits for FINALZ")
    assert "Did you mean FINALS?" in finding.do


def test_a_report_needs_the_password() -> None:
    answers = {"/api/matches": report()}
    with web_server(answers, passwords=lambda given: given == "Bearer pass") as port:
        assert service.report(place(port), "wrong") is None
        assert service.report(place(port), "pass") == report()
        assert service.check_password(place(port), "pass").state is State.OK
        assert "refuses" in service.check_password(place(port), "wrong").saw


@pytest.mark.parametrize(
    ("answer", "saw"),
    [((429, {"error": "wait"}), "too many of this machine were wrong"), (None, "reports no matches")],
)
def test_a_password_that_is_not_looked_at(answer: Any, saw: str) -> None:
    with web_server({"/api/matches": answer} if answer else {}) as port:
        finding = service.check_password(place(port), "pass")

    assert finding.state is State.WARNING
    assert saw in finding.saw


@pytest.mark.parametrize(
    ("typed", "live", "meant"),
    [
        ("finals", ["FINALS", "SEMI"], "FINALS"),
        ("FINAL5", ["SEMI", "FINALS"], "FINALS"),
        ("XYZ", ["FINALS"], "FINALS"),
        ("XYZ", ["FINALS", "SEMI"], None),
        ("XYZ", [], None),
    ],
)
def test_the_nearest_live_code(typed: str, live: list[str], meant: str | None) -> None:
    assert watching.nearest(typed, live) == meant


def test_clock_skew_is_not_blamed_on_a_slow_network() -> None:
    date = {"date": "Thu, 01 Jan 1970 00:16:45 GMT"}
    answer = Answer(200, date, b"", asked_at=1_000, answered_at=1_006)

    assert service.check_clock(answer).state is State.OK
