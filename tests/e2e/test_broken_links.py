"""Every link from the observer to the overlay is broken on purpose: both the doctor and the operator's page name it.

Where there can be no page, the row says why. What the page says is looked for in its text and in the JSON for scripts,
which have the same words. Of the clock the page itself judges, in the browser that shows it: tests/browser shows that.
"""

import html
import json
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import click.testing
import pytest

from tests.e2e import messages, odd_server
from tests.e2e.running import ACCESS_KEY, RunningServer, clean_environment, eventually, serve_command
from tests.e2e.sockets import WebSocketClient
from tests.e2e.stage import as_text
from tests.ports import closed_port
from tests.rehearsal.pretenders import DAY, certificate, web_server
from valo_ingest.cli import logs, main
from valo_ingest.rehearsal.diagnosis import watching

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

HOST: Final = "127.0.0.1"

QUIET_MS: Final = 300
"""Instead of 20 s, for the server and for the doctor."""

FULL: Final = 10 << 20
AHEAD_S: Final = 60


def start(directory: Path, *arguments: str, scheme: str = "http", **odd: object) -> RunningServer:
    command = serve_command("--auth-key", ACCESS_KEY, *arguments)
    command = [command[0], odd_server.__file__, *command[3:]]
    environment = {name: str(value) for name, value in odd.items()}
    return RunningServer(directory, command, environment=environment, scheme=scheme)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that is well, and calls an observer quiet soon."""
    server = start(tmp_path_factory.mktemp("plain"), "--insecure", ODD_QUIET_MS=QUIET_MS)
    yield server
    server.close()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose certificate is for another name, and ends tomorrow."""
    directory = tmp_path_factory.mktemp("tls")
    pem = str(certificate(directory, name="studio-pc", ends=DAY))
    server = start(directory, "--server-key", pem, "--server-cert", pem, scheme="https")
    yield server
    server.close()


@pytest.fixture(scope="module")
def ill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server on a full disk and with a wrong clock, which nobody has reached."""
    server = start(tmp_path_factory.mktemp("ill"), "--insecure", ODD_FREE_BYTES=FULL, ODD_AHEAD_S=AHEAD_S)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logs, "configure", lambda log_format, log_level: None)
    monkeypatch.setattr(watching, "DOCUMENT_S", 0.3)  # it comes together with the answer to the logon


# --- the two who have to name it ------------------------------------------------------------------------------


def doctor(server: RunningServer, options: Mapping[str, str]) -> tuple[int, list[dict[str, str]]]:
    """Return the exit status of the doctor, and what it found."""
    asked = {"--url": server.ingest_url, "--output-url": server.output_url, "--extras-url": server.extras_url}
    arguments = [word for pair in {**asked, **options}.items() for word in pair]
    result = click.testing.CliRunner().invoke(main, ["doctor", *arguments, "--json"], catch_exceptions=False)
    findings: list[dict[str, str]] = json.loads(result.stdout)["findings"]
    return result.exit_code, findings


def get(server: RunningServer, path: str) -> str:
    """Return what the server answers to somebody on its machine, who takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = HTTPConnection(HOST, server.extras_port, timeout=10)
    if server.scheme == "https":
        connection = HTTPSConnection(HOST, server.extras_port, timeout=10, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def told(server: RunningServer) -> list[dict[str, Any]]:
    """Return all problems that scripts are told of."""
    report = json.loads(get(server, "/api/matches"))
    return [*report["problems"], *(problem for match in report["matches"] for problem in match["problems"])]


# --- how each link is broken ----------------------------------------------------------------------------------

Clients = list[WebSocketClient]
Break = Callable[[RunningServer, Clients], Mapping[str, str]]
"""Breaks a link; returns the options for the doctor that somebody would give it then."""


def nothing(server: RunningServer, clients: Clients) -> Mapping[str, str]:
    return {}


def type_a_closed_port(server: RunningServer, clients: Clients) -> Mapping[str, str]:
    return {"--url": f"http://{HOST}:{closed_port()}"}


def type_http(server: RunningServer, clients: Clients) -> Mapping[str, str]:
    with suppress(OSError):
        HTTPConnection(HOST, server.ingest_port, timeout=10).request("GET", "/socket.io/")
    return {"--url": server.ingest_url.replace("https", "http")}


def type_https(server: RunningServer, clients: Clients) -> Mapping[str, str]:
    with suppress(OSError):
        HTTPSConnection(HOST, server.ingest_port, timeout=10).request("GET", "/socket.io/")
    return {"--url": server.ingest_url.replace("http", "https")}


def trust_nobody(server: RunningServer, clients: Clients) -> Mapping[str, str]:
    with pytest.raises(ssl.SSLCertVerificationError):
        HTTPSConnection(HOST, server.output_port, timeout=10).request("GET", "/socket.io/")
    return {}


def observe(server: RunningServer, clients: Clients, code: str, **changes: str) -> WebSocketClient:
    client = WebSocketClient(server.ingest_port)
    clients.append(client)
    client.emit("obs_logon", as_text(messages.observer_logon(code, **changes)))
    client.wait_for("obs_logon_ack")
    return client


def come_with_an_old_client(server: RunningServer, clients: Clients) -> Mapping[str, str]:
    observe(server, clients, "OLD", clientVersion="0.1.0")
    return {"--client-version": "0.1.0"}


def type_a_wrong_key(server: RunningServer, clients: Clients) -> Mapping[str, str]:
    observe(server, clients, "KEY", key="wrong-key")
    return {"--key": "wrong-key"}


def send_nothing(server: RunningServer, clients: Clients) -> Mapping[str, str]:
    code = messages.fresh_code()
    observer = observe(server, clients, code)
    for kind, data in (
        ("roster", messages.roster("P")),
        ("match_start", code),
        ("round_info", {"roundNumber": 1, "roundPhase": "combat"}),
    ):
        observer.emit("obs_data", as_text(messages.observer_data(code, kind, data)))
    eventually(
        lambda: any(problem["code"] == "observer_quiet" for problem in told(server)), "the observer is quiet"
    )
    return {"--group-code": code, "--watch-s": str(QUIET_MS / 1_000)}


def type_another_code(server: RunningServer, clients: Clients) -> Mapping[str, str]:
    observe(server, clients, "FINALS")
    overlay = WebSocketClient(server.output_port)
    clients.append(overlay)
    overlay.emit("logon", as_text({"groupCode": "FINALZ"}))
    assert "no match is live" in overlay.wait_for("logon_success")["msg"]
    return {"--group-code": "FINALZ"}


def have_a_full_disk(server: RunningServer, clients: Clients) -> Mapping[str, str]:
    return {"--data-dir": str(server.directory / "data")}


# --- the table ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Link:
    """A broken link, and what has to be said of it."""

    server: str
    """Which of the servers it is about."""
    breaks: Break
    check: str
    """The check of the doctor that finds it."""
    state: str = "broken"
    saw: str
    do: str
    problem: str = ""
    """The code of the problem of the page. Where it has none, `page` is all it says."""
    page: str
    advice: str = ""
    also: Mapping[str, str] = field(default_factory=dict)
    """Other checks of the doctor that name it, with what they see."""


LINKS: Final[Mapping[str, Link]] = {
    "the port is closed": Link(
        server="ill",
        breaks=type_a_closed_port,
        check="ingest port",
        saw="is closed: nothing listens there",
        do="Start the server there, or look which port it printed",
        # A server hears nothing of what is sent elsewhere. It says that nobody came, and what to compare.
        page="no observer's client has reached this server: compare the address and the port",
    ),
    "http for https": Link(
        server="tls",
        breaks=type_http,
        check="ingest server",
        saw="http:// was typed, but port",
        do="Type https://",
        problem="refused_logon",
        page="http:// was typed for a port with TLS",
        advice="Type https:// instead",
    ),
    "https for http": Link(
        server="plain",
        breaks=type_https,
        check="ingest server",
        saw="https:// was typed, but port",
        do="Type http://",
        problem="refused_logon",
        page="https:// was typed for a port without TLS",
        advice="Type http:// instead",
    ),
    "a certificate for another name, which nobody trusts": Link(
        server="tls",
        breaks=trust_nobody,
        check="output certificate",
        saw=f"it is for studio-pc and not for {HOST}; browsers say ERR_CERT_COMMON_NAME_INVALID",
        do="Type one of those names",
        also={"ingest certificate": "observer clients take it all the same"},
        problem="refused_logon",
        page="a client that does not take the certificate of this server",
        advice="open its serverEndpoint and its extrasEndpoint once",
    ),
    "a certificate that ends soon": Link(
        server="tls",
        breaks=nothing,
        check="output certificate",  # that it still holds is no broken link: the doctor names what is
        saw="it is for studio-pc",
        do="certificate",
        problem="certificate_expires",
        page="The certificate expires on",
        advice="Renew it",
    ),
    "an old client": Link(
        server="plain",
        breaks=come_with_an_old_client,
        check="version",
        saw="the server refuses version 0.1.0",
        do="Update the client",
        problem="refused_logon",
        page="a client of a version that may not log on",
        advice="Update that client",
    ),
    "a wrong key": Link(
        server="plain",
        breaks=type_a_wrong_key,
        check="key",
        saw="the server refuses this access key: Invalid Key",
        do="Type the key that the server prints",
        problem="refused_logon",
        page="a logon with a wrong access key",
        advice="Type the key anew",
    ),
    "clocks that differ": Link(
        server="ill",
        breaks=nothing,
        check="clock",
        state="warning",
        saw=f"the server's clock is {AHEAD_S} s ahead of this machine's",
        do="set their clocks by the network",
        # The page compares the clock of its reader; what it says then is in it from the beginning, and hidden.
        page='id="skew" role="status" hidden',
    ),
    "an observer that sends nothing": Link(
        server="plain",
        breaks=send_nothing,
        check="events",
        saw="although the observer is connected and a round is played",
        do="Look at the observer's PC",
        problem="observer_quiet",
        page="is connected, but sends nothing",
        advice="Look at the observer's PC",
    ),
    "an overlay on an unknown code": Link(
        server="plain",
        breaks=type_another_code,
        check="overlay",
        saw="FINALZ",
        do="Did you mean FINALS?",
        problem="overlay_waits",
        page="waits for FINALZ, which no match has",
        advice="The live code FINALS looks alike",
    ),
    "a full disk": Link(
        server="ill",
        breaks=have_a_full_disk,
        check="disk",
        saw="the disk is full: 10 MB free",
        do="Delete what is not needed there",
        also={"health": "The disk of the data directory is full but for 10 MB"},
        problem="disk_full",
        page="The disk of the data directory is full",
        advice="Delete what is not needed there",
    ),
}


@pytest.mark.parametrize("name", LINKS)
def test_a_broken_link_is_named_by_the_doctor_and_on_the_page(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = LINKS[name]
    server: RunningServer = request.getfixturevalue(link.server)
    if link.server == "ill":  # the doctor is on the same machine
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=FULL))
    clients: Clients = []
    options = link.breaks(server, clients)

    eventually(lambda: link.page in _words_of_page(server), f"the page says: {link.page}")
    problems = told(server)
    status, findings = doctor(server, options)
    for client in clients:
        client.close()

    assert status == 1 or link.state == "warning"
    named = [finding for finding in findings if finding["check"] == link.check and link.saw in finding["saw"]]
    assert named, findings
    assert (named[0]["state"], link.do in named[0]["do"]) == (link.state, True), named
    for check, saw in link.also.items():
        assert any(finding["check"] == check and saw in finding["saw"] for finding in findings), check
    if link.problem:
        described = [
            problem
            for problem in problems
            if problem["code"] == link.problem and link.page.casefold() in problem["text"].casefold()
        ]
        assert described, problems
        assert link.advice in described[0]["advice"]


def _words_of_page(server: RunningServer) -> str:
    return html.unescape(" ".join(get(server, "/").split()))


def test_another_program_on_the_port_leaves_no_page_and_the_server_says_who_has_it(tmp_path: Path) -> None:
    """A server that gets one of its ports does not start, so there is no page; it, and the doctor, say why."""
    with web_server() as taken:
        command = serve_command("--insecure", "--auth-key", ACCESS_KEY, ports=(0, 0, taken))
        refused = subprocess.run(
            command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, timeout=60
        )
        urls = [f"--{side}url=http://{HOST}:{taken}" for side in ("", "output-", "extras-")]
        result = click.testing.CliRunner().invoke(main, ["doctor", *urls], catch_exceptions=False)

    assert refused.returncode == 1
    assert f"EXTRAS_PORT: cannot listen on port {taken}" in refused.stderr
    assert "another program uses it already" in refused.stderr
    assert result.exit_code == 1
    assert f"Broken: ingest server. another server has port {taken}" in result.stdout
    assert "Stop that program" in result.stdout


def test_a_server_that_is_not_there_has_no_page(tmp_path: Path) -> None:
    urls = [f"--{side}url=http://{HOST}:{closed_port()}" for side in ("", "output-", "extras-")]
    result = click.testing.CliRunner().invoke(main, ["doctor", *urls], catch_exceptions=False)

    assert result.exit_code == 1
    assert "Broken: ingest port" in result.stdout
    assert "Start the server there" in result.stdout
