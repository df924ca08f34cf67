import os
import subprocess
import sys
from pathlib import Path

import gevent
import pytest

from tests.cli.conftest import CommandLine, FakeApp
from tests.e2e.running import clean_environment, serve_command
from valo_ingest import app
from valo_ingest.errors import ConfigError, DataDirInUse, ListenError


def test_the_application_gets_the_settings(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    valo_ingest.environment["AUTH_KEY"] = "hunter2"
    Path(".env").write_text("VALO_INGEST_SEND_INTERVAL=50\nVALO_INGEST_LOG_LEVEL=DEBUG\n")

    result = valo_ingest("serve", "--insecure", "--ingest-port", "0", "--data-dir", "kept")

    assert result.exit_code == 0
    assert fake_app.config is not None
    assert fake_app.config.insecure
    assert fake_app.config.auth_key == "hunter2"
    assert fake_app.config.ingest_port == 0
    assert fake_app.config.send_interval_ms == 50
    assert fake_app.config.log_level == "debug"
    assert fake_app.config.data_dir == Path("kept")


def test_nothing_of_the_env_file_is_put_into_the_environment(
    valo_ingest: CommandLine, fake_app: FakeApp
) -> None:
    Path(".env").write_text("AUTH_KEY=hunter2\nOTHER=1\n")

    valo_ingest("serve", "--insecure")

    assert fake_app.config is not None
    assert not {"AUTH_KEY", "OTHER"} & set(os.environ)


OWN = "the id of this process"


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": "30000000"}, 30),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": OWN}, 30),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
        ({"WATCHDOG_USEC": ""}, 0),
    ],
)
def test_the_watchdog_of_systemd_is_read_from_the_environment(
    valo_ingest: CommandLine, fake_app: FakeApp, environment: dict[str, str], watchdog_s: float
) -> None:
    own = str(os.getpid())
    valo_ingest.environment.update({name: own if it == OWN else it for name, it in environment.items()})

    valo_ingest("serve", "--lan", "data")

    assert fake_app.manager is not None
    assert fake_app.manager.watchdog_s == watchdog_s


def test_the_addresses_to_type_in_are_printed(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    result = valo_ingest("serve", "--lan", "data")

    assert "http://192.168.1.20:1\n" in result.stdout
    assert '"serverEndpoint": "http://192.168.1.20:2"' in result.stdout
    assert '"extrasEndpoint": "http://192.168.1.20:3"' in result.stdout


def test_a_key_is_made_once_and_printed_at_every_start(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    first = valo_ingest("serve", "--insecure", "--make-auth-key", "--data-dir", "data")
    assert fake_app.config is not None
    key = fake_app.config.auth_key
    second = valo_ingest("serve", "--insecure", "--make-auth-key", "--data-dir", "data")

    assert fake_app.config.auth_key == key
    assert key is not None
    assert key in first.stdout
    assert key in second.stdout


def test_a_password_is_made_once_and_printed_at_every_start(
    valo_ingest: CommandLine, fake_app: FakeApp
) -> None:
    first = valo_ingest("serve", "--lan", "data")
    assert fake_app.config is not None
    password = fake_app.config.operator_password
    second = valo_ingest("serve", "--lan", "data")

    assert fake_app.config.operator_password == password
    assert password is not None
    assert password != fake_app.config.auth_key
    assert password in first.stdout
    assert password in second.stdout


def test_a_password_that_is_set_is_used_and_not_shown(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    valo_ingest.environment["OPERATOR_PASSWORD"] = "correct horse"

    result = valo_ingest("serve", "--lan", "data")

    assert fake_app.config is not None
    assert fake_app.config.operator_password == "correct horse"
    assert "correct horse" not in result.output
    assert not Path("data/operator_password").exists()


def test_without_lan_no_password_is_made(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    valo_ingest("serve", "--insecure", "--auth-key", "hunter2")

    assert fake_app.config is not None
    assert fake_app.config.operator_password is None


def test_no_key_is_made_where_one_is_set(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    result = valo_ingest(
        "serve", "--insecure", "--make-auth-key", "--auth-key", "hunter2", "--data-dir", "data"
    )

    assert fake_app.config is not None
    assert fake_app.config.auth_key == "hunter2"
    assert "hunter2" not in result.output
    assert not Path("data").exists()


def test_no_key_is_made_for_a_server_that_cannot_start(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    result = valo_ingest("serve", "--lan", "data", "--ingest-port", "99999")

    assert result.exit_code == 2
    assert not Path("data").exists()


def test_a_data_directory_that_cannot_be_used_is_refused(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    Path("file").write_text("not a directory")

    result = valo_ingest("serve", "--lan", "file")

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: DATA_DIR: cannot keep an access key in ")
    assert result.stderr.count("\n") == 1


def test_without_tls_settings_one_line_names_the_ways_out(
    valo_ingest: CommandLine, fake_app: FakeApp
) -> None:
    result = valo_ingest("serve", "--auth-key", "hunter2")

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert all(name in result.stderr for name in ("--server-key", "--server-cert", "--insecure", "--lan"))
    assert fake_app.config is None


def test_without_an_access_key_the_server_does_not_start(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    result = valo_ingest("serve", "--insecure")

    assert result.exit_code == 2
    assert "AUTH_KEY" in result.stderr
    assert fake_app.config is None


@pytest.mark.parametrize("source", ["flag", "environment", ".env"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INGEST_PORT", "abc"),
        ("INGEST_PORT", "99999"),
        ("OUTPUT_PORT", "-1"),
        ("EXTRAS_PORT", "5100.0"),
        ("EXTRAS_PORT", "9" * 5_000),
        ("SEND_INTERVAL", "20ms"),
        ("CLIENT_VERSIONS", "all"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
        ("HOST", "http://localhost"),
    ],
)
def test_a_value_that_makes_no_sense_gives_one_line_whatever_its_source(
    valo_ingest: CommandLine, fake_app: FakeApp, source: str, name: str, value: str
) -> None:
    arguments = ["serve", "--insecure", "--auth-key", "hunter2"]
    if source == "flag":
        arguments.append(f"--{name.lower().replace('_', '-')}={value}")
    elif source == "environment":
        valo_ingest.environment[f"VALO_INGEST_{name}"] = value
    else:
        Path(".env").write_text(f"VALO_INGEST_{name}={value}\n")

    result = valo_ingest(*arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {name}: ")
    assert "it takes " in result.stderr
    assert f"(from {source}" in result.stderr
    assert result.stderr.count("\n") == 1
    assert fake_app.config is None


@pytest.mark.parametrize("source", ["environment", ".env"])
@pytest.mark.parametrize("name", ["INSECURE", "SELF_SIGNED", "REQUIRE_AUTH_KEY", "MAKE_AUTH_KEY"])
def test_a_switch_that_is_neither_true_nor_false_gives_one_line(
    valo_ingest: CommandLine, fake_app: FakeApp, source: str, name: str
) -> None:
    if source == "environment":
        valo_ingest.environment[f"VALO_INGEST_{name}"] = "maybe"
    else:
        Path(".env").write_text(f"VALO_INGEST_{name}=maybe\n")

    result = valo_ingest("serve", "--auth-key", "hunter2")

    assert result.exit_code == 2
    assert result.stderr.startswith(
        f"Error: {name}: 'maybe' makes no sense; it takes true or false (from {source}"
    )
    assert result.stderr.count("\n") == 1


def test_a_line_of_the_env_file_that_cannot_be_read_is_named(
    valo_ingest: CommandLine, fake_app: FakeApp
) -> None:
    Path(".env").write_text("AUTH_KEY=hunter2\nINSECURE true\n")

    result = valo_ingest("serve")

    assert result.exit_code == 2
    assert result.stderr == "Error: .env: line 2 cannot be read; write NAME=value\n"


def test_an_env_file_in_another_encoding_is_refused(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    Path(".env").write_bytes("AUTH_KEY=schlüssel\n".encode("latin-1"))

    result = valo_ingest("serve")

    assert result.exit_code == 2
    assert result.stderr == "Error: .env: line 1 is not UTF-8; save the file as UTF-8 text\n"


def test_help_is_given_also_beside_a_broken_env_file(valo_ingest: CommandLine) -> None:
    Path(".env").write_text("broken line\n")

    assert valo_ingest("serve", "--help").exit_code == 0


def test_a_certificate_that_cannot_be_used_is_a_mistake_of_the_operator(
    valo_ingest: CommandLine, fake_app: FakeApp
) -> None:
    fake_app.error = ConfigError("SERVER_CERT", "c.pem expired")

    result = valo_ingest("serve", "--auth-key", "x", "--server-key", "k.pem", "--server-cert", "c.pem")

    assert result.exit_code == 2
    assert result.stderr == "Error: SERVER_CERT: c.pem expired (from flag --server-cert)\n"


def test_a_port_that_is_in_use_is_a_failure(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    fake_app.error = ListenError("INGEST_PORT", "0.0.0.0", 5100, "in use")

    result = valo_ingest("serve", "--lan", "data")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: INGEST_PORT: cannot listen on port 5100")
    assert result.stderr.endswith("choose another port with --ingest-port.\n")
    assert result.stderr.count("\n") == 1


def test_a_data_directory_that_is_in_use_is_a_failure(valo_ingest: CommandLine, fake_app: FakeApp) -> None:
    fake_app.error = DataDirInUse("data")

    result = valo_ingest("serve", "--lan", "data")

    assert result.exit_code == 1
    assert result.stderr.endswith("give this one a directory of its own with --data-dir.\n")


def test_what_gevent_says_of_a_greenlet_that_failed_is_written_as_the_log_is(
    valo_ingest: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams: list[object] = []
    monkeypatch.setattr(app, "serve", lambda *_, **__: streams.append(gevent.get_hub().exception_stream))
    valo_ingest.environment["AUTH_KEY"] = "hunter2"

    valo_ingest("serve", "--insecure")

    (stream,) = streams
    assert isinstance(stream, app.Outlet)
    assert gevent.get_hub().exception_stream is not stream


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_a_server_whose_addresses_nobody_reads_serves_all_the_same(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = serve_command("--insecure", "--auth-key", "key")
    process = subprocess.Popen(
        command, cwd=tmp_path, env=clean_environment(), stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        while line and "cannot be printed: Broken pipe" not in line:
            line = process.stderr.readline()
        process.terminate()
        rest = process.stderr.read()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()

    assert line
    assert rest.splitlines()[-1].endswith(" stopped")
