"""The doctor's command beside real servers: whole chains, and links of them that are broken on purpose."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click.testing
import pytest

from tests.conftest import StartServer
from tests.e2e.conftest import WatchedMatch
from tests.e2e.running import ACCESS_KEY, RunningServer, eventually, serve_command
from tests.e2e.sockets import WebSocketClient
from tests.ports import closed_port
from tests.rehearsal.pretenders import web_server
from valo_ingest.cli import doctor, logs, main
from valo_ingest.rehearsal.diagnosis import watching

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server of all tests is."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(directory: Path) -> Iterator[RunningServer]:
    running = RunningServer(directory, serve_command("--insecure", "--auth-key", ACCESS_KEY))
    yield running
    running.close()


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logs, "configure", lambda log_format, log_level: None)
    monkeypatch.setattr(watching, "DOCUMENT_S", 0.3)  # it comes together with the answer to the logon


def invoke(*arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(main, ["doctor", *arguments], catch_exceptions=False)


def urls(server: RunningServer, scheme: str | None = None) -> list[str]:
    ingest, output, extras = (f"{scheme or server.scheme}://127.0.0.1:{port}" for port in server.ports)
    return ["--url", ingest, "--output-url", output, "--extras-url", extras]


def ask(*arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Return the exit status, and the last finding of each check."""
    result = invoke(*arguments, "--json")
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["ok"] is (result.exit_code == 0)
    return result.exit_code, {each["check"]: each for each in found["findings"]}


@pytest.fixture
def match(server: RunningServer) -> Iterator[WatchedMatch]:
    """A match in its first round."""
    watched = WatchedMatch(server, WebSocketClient(server.ingest_port))
    watched.prepare()
    watched.tell("round_info", {"roundNumber": 1, "roundPhase": "combat"})
    watched.overlay.wait_for("match_data", lambda document: document["roundPhase"] == "combat")
    yield watched
    watched.close()


def test_a_chain_that_holds(server: RunningServer) -> None:
    before = server.refused()
    result = invoke(*urls(server), "--key", ACCESS_KEY)

    assert result.exit_code == 0, result.stdout
    lines = result.stdout.splitlines()
    assert not [line for line in lines if line.startswith(("!", "X"))]
    assert lines[-1].startswith("No link is broken.")
    assert "\x1b" not in result.stdout
    assert ACCESS_KEY not in result.stdout
    after = server.refused()
    assert {code: after[code] - before.get(code, 0) for code in after} == {"match_not_found": 1}
    assert "valo-ingest doctor" in server.log
    assert server.extras("GET", "/status")[2]["matchesRunning"] == 0


def test_https_on_a_plain_port(server: RunningServer) -> None:
    status, found = ask(*urls(server, "https"))

    assert status == 1
    assert found["ingest server"]["saw"] == f"https:// was typed, but port {server.ingest_port} has no TLS"
    assert found["ingest server"]["do"] == f"Type {server.ingest_url}"
    assert server.refused()["tls_on_plain_port"] >= 3
    assert found["version"]["state"] == "skipped"


def test_a_server_with_tls(start_server: StartServer) -> None:
    server = start_server("--self-signed", "--auth-key", ACCESS_KEY, scheme="https")

    status, found = ask(*urls(server), "--key", ACCESS_KEY)
    assert status == 0, found
    assert found["output certificate"]["state"] == "warning"
    assert "ERR_CERT_AUTHORITY_INVALID" in found["output certificate"]["saw"]
    assert found["output websocket"]["state"] == "ok"
    assert "bad_handshake" not in server.log  # nobody has to wonder about the visits of a doctor

    status, found = ask(*urls(server, "http"))
    assert status == 1
    assert found["output server"]["saw"] == f"http:// was typed, but port {server.output_port} has TLS"
    assert found["output server"]["do"] == f"Type {server.output_url}"
    assert "plain_on_tls_port: a client speaks plain http:// to port" in server.log


@pytest.mark.parametrize("version", ["0.3.25", "0.2.0"])
def test_a_version_that_is_refused(server: RunningServer, version: str) -> None:
    status, found = ask(*urls(server), "--client-version", version)

    assert status == 1
    assert found["version"]["saw"].startswith(f"the server refuses version {version}: Client version")
    assert "--client-versions" in found["version"]["do"]


def test_a_key_that_is_refused(server: RunningServer) -> None:
    status, found = ask(*urls(server), "--key", "wrong-key")

    assert status == 1
    assert found["key"]["saw"] == "the server refuses this access key: Invalid Key"


def test_ports_that_are_swapped(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOGON_S", 0.3)  # nobody there ever answers
    status, found = ask(
        "--url",
        server.extras_url,
        "--output-url",
        server.ingest_url,
        "--extras-url",
        server.output_url,
        "--group-code",
        "ANY",
    )

    assert status == 1
    assert "is the extras side of a server" in found["ingest server"]["saw"]
    assert "is the ingest or output side of a server" in found["extras server"]["saw"]
    assert "Stop that program" not in found["extras server"]["do"]
    assert found["overlay"]["saw"] == "an overlay's logon is not answered"
    assert "port 5200" in found["overlay"]["do"]


def test_a_port_that_is_closed_and_one_that_another_has(server: RunningServer) -> None:
    with web_server() as foreign:
        status, found = ask(
            "--url",
            f"http://127.0.0.1:{closed_port()}",
            "--output-url",
            f"http://127.0.0.1:{foreign}",
            "--extras-url",
            server.extras_url,
        )

    assert status == 1
    assert "is closed" in found["ingest port"]["saw"]
    assert found["ingest server"]["state"] == "skipped"
    assert f"another server has port {foreign}" in found["output server"]["saw"]
    assert found["health"]["state"] == "ok"


def test_events_that_no_overlay_could_see(server: RunningServer, match: WatchedMatch) -> None:
    closed = f"http://127.0.0.1:{closed_port()}"
    _, found = ask(
        "--url", server.ingest_url, "--output-url", closed, "--extras-url", closed, "--group-code", "ANY"
    )

    assert found["events"]["saw"] == "an overlay would see them, but the output side cannot be asked"


def test_an_overlay_on_an_unknown_code(server: RunningServer) -> None:
    status, found = ask(*urls(server), "--group-code", "FINALZ")

    assert status == 1
    assert found["overlay"]["saw"] == "no match has the group code FINALZ"
    assert "Type the same group code" in found["overlay"]["do"]


def test_the_nearest_live_code_is_read_from_the_journal(
    server: RunningServer, match: WatchedMatch, directory: Path
) -> None:
    data_dir = str(directory / "data")
    status, found = ask(*urls(server), "--group-code", match.code + "X", "--data-dir", data_dir)

    assert status == 1
    assert f"Did you mean {match.code}?" in found["overlay"]["do"]
    assert f"(process {server.process.pid}) uses it" in found["data directory"]["saw"]
    assert found["journal"]["state"] == "ok"
    assert found["disk"]["state"] in {"ok", "warning"}


def test_an_observer_that_is_connected_and_sends_nothing(server: RunningServer, match: WatchedMatch) -> None:
    def silent() -> dict[str, Any] | None:
        status, found = ask(*urls(server), "--group-code", match.code, "--watch-s", "0.2")
        return found if status == 1 and found["events"]["state"] == "broken" else None

    found = eventually(silent, "the match has been silent for long enough")

    assert "although the observer is connected" in found["events"]["saw"]
    assert "observer's PC" in found["events"]["do"]


def test_a_match_that_nobody_observes(server: RunningServer, match: WatchedMatch) -> None:
    match.observer.close()
    match.overlay.wait_for("match_data", lambda document: not document["isRunning"])
    status, found = ask(*urls(server), "--group-code", match.code, "--watch-s", "0.1")

    assert status == 1
    assert found["events"]["saw"].endswith("nobody observes this match")


def test_a_pause_is_no_silence(server: RunningServer, match: WatchedMatch) -> None:
    match.tell("tech_pause")
    match.overlay.wait_for("match_data", lambda document: document["timeoutState"]["techPause"])

    def silent() -> tuple[int, Any] | None:
        status, found = ask(*urls(server), "--group-code", match.code, "--watch-s", "0.1")
        return (status, found) if "no event" in found["events"]["saw"] else None

    status, found = eventually(silent, "the match has been silent for long enough")

    assert status == 0
    assert found["events"]["saw"].endswith("for there is a pause")


def test_a_local_server_is_found_by_its_settings(start_server: StartServer) -> None:
    server = start_server("--insecure", "--auth-key", ACCESS_KEY)
    ingest, output, extras = (str(port) for port in server.ports)
    ports = ["--ingest-port", ingest, "--output-port", output, "--extras-port", extras]
    status, found = ask("--lan", "data", "--auth-key", ACCESS_KEY, *ports)

    assert status == 0
    assert found["key"]["state"] == "ok"
    assert found["data directory"]["state"] == "warning"


def test_a_server_of_this_machine_that_is_not_started() -> None:
    ports = [f"--{side}-port={closed_port()}" for side in ("ingest", "output", "extras")]
    result = invoke(*ports)

    assert result.exit_code == 1
    assert "nothing listens there" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("Broken: ingest port. port ")


def test_the_key_of_this_machine_is_not_shown_to_other_servers(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH_KEY", "key-of-this-machine")
    _, found = ask(*urls(server))

    assert found["key"]["state"] == "skipped"


def test_an_operator_password_is_never_shown(start_server: StartServer) -> None:
    server = start_server("--insecure", "--auth-key", ACCESS_KEY, "--operator-password", "another one")
    _, found = ask(*urls(server), "--operator-password", "pa55word")

    assert found["operator"]["saw"] == "the server refuses this operator password"
    assert found["events"]["saw"] == "no match is live", "on its own machine it reports without one"
    assert "pa55word" not in str(found)


def test_the_password_that_a_server_of_this_machine_made_is_found(
    server: RunningServer, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "operator_password").write_text("of another server")
    ports = [
        f"--{side}-port={port}"
        for side, port in zip(("ingest", "output", "extras"), server.ports, strict=True)
    ]
    _, found = ask("--lan", "kept", *ports)

    assert found["operator"]["saw"] == "the server refuses this operator password"


def test_what_the_server_reports_is_used_where_it_does(server: RunningServer) -> None:
    match = {
        "groupCode": "FINALS",
        "isLive": True,
        "observers": [{}],
        "lastEventAt": 1_000,
        "phase": "combat",
    }
    reported = {"at": 31_000, "matches": [{**match, "matchId": "m"}], "waiting": [{"groupCode": "FINALZ"}]}
    answers = {"/status": {"matchesRunning": 1}, "/api/matches": reported}
    with web_server(answers) as extras:
        status, found = ask(*urls(server)[:4], "--extras-url", f"http://127.0.0.1:{extras}")

    assert status == 1
    assert found["events"]["saw"].startswith("FINALS: no event for 30 s, although the observer is connected")
    assert "waits for FINALZ" in found["overlay"]["saw"]


def test_an_address_that_makes_no_sense_is_a_usage_error() -> None:
    result = invoke("--url", "ftp://nowhere")

    assert result.exit_code == 2
    assert "no URL of a server" in result.stderr


def test_lines_fit_the_terminal_also_with_wide_letters() -> None:
    lines = list(doctor.wrapped("一二三 四五六 abc", 7))

    assert lines == ["一二三", "四五六", "abc"]
