from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine, FakeApp


def rows(output: str) -> dict[str, tuple[str, str]]:
    """Return value and source of each setting, by its name."""
    found = {}
    for line in output.splitlines()[:-1]:
        name, value, source = line.split("  ", 1)[0], *line.split("  ", 1)[1].strip().rsplit("  ", 1)
        found[name] = value.strip(), source
    return found


def row(valo_ingest: CommandLine, name: str, *arguments: str) -> tuple[str, str]:
    return rows(valo_ingest("config", *arguments).stdout)[name]


def test_flags_win_over_the_environment_and_that_over_env_file_and_that_over_defaults(
    valo_ingest: CommandLine,
) -> None:
    assert row(valo_ingest, "INGEST_PORT") == ("5100", "default")

    Path(".env").write_text("VALO_INGEST_INGEST_PORT=1\n")
    assert row(valo_ingest, "INGEST_PORT") == ("1", ".env VALO_INGEST_INGEST_PORT")

    valo_ingest.environment["VALO_INGEST_INGEST_PORT"] = "2"
    assert row(valo_ingest, "INGEST_PORT") == ("2", "environment VALO_INGEST_INGEST_PORT")

    assert row(valo_ingest, "INGEST_PORT", "--ingest-port", "3") == ("3", "flag --ingest-port")


def test_the_names_of_the_original_are_read_from_the_environment_and_ours_win(
    valo_ingest: CommandLine,
) -> None:
    valo_ingest.environment["INSECURE"] = "true"
    assert row(valo_ingest, "INSECURE") == ("true", "environment INSECURE")

    valo_ingest.environment["VALO_INGEST_INSECURE"] = "false"
    assert row(valo_ingest, "INSECURE") == ("false", "environment VALO_INGEST_INSECURE")


def test_the_names_of_the_original_are_read_from_the_env_file_and_ours_win(valo_ingest: CommandLine) -> None:
    Path(".env").write_text("INSECURE=true\n")
    assert row(valo_ingest, "INSECURE") == ("true", ".env INSECURE")

    Path(".env").write_text("VALO_INGEST_INSECURE=false\nINSECURE=true\n")
    assert row(valo_ingest, "INSECURE") == ("false", ".env VALO_INGEST_INSECURE")


def test_a_switch_is_named_as_it_was_given(valo_ingest: CommandLine) -> None:
    assert row(valo_ingest, "INSECURE", "--secure") == ("false", "flag --secure")


def test_an_empty_variable_is_not_set(valo_ingest: CommandLine) -> None:
    valo_ingest.environment["VALO_INGEST_HOST"] = ""
    Path(".env").write_text("VALO_INGEST_HOST=\n")

    assert row(valo_ingest, "HOST") == ("0.0.0.0", "default")


def test_another_env_file_can_be_named(valo_ingest: CommandLine) -> None:
    Path(".env").write_text("VALO_INGEST_HOST=10.0.0.1\n")
    Path("night.env").write_text("VALO_INGEST_HOST=10.0.0.2\n")

    assert row(valo_ingest, "HOST", "--env-file", "night.env") == ("10.0.0.2", "night.env VALO_INGEST_HOST")


def test_an_env_file_that_is_named_has_to_be_there(valo_ingest: CommandLine) -> None:
    result = valo_ingest("config", "--env-file", "missing.env")

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: missing.env: cannot be read: ")


def test_an_access_key_is_masked(valo_ingest: CommandLine) -> None:
    result = valo_ingest("config", "--insecure", "--auth-key", "hunter2")

    assert "hunter2" not in result.output
    assert rows(result.stdout)["AUTH_KEY"] == ("********", "flag --auth-key")


def test_a_valid_configuration_is_said_to_be_so(valo_ingest: CommandLine) -> None:
    result = valo_ingest("config", "--insecure", "--auth-key", "hunter2")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "Valid."


def test_a_configuration_that_is_not_valid_is_shown_all_the_same_with_the_reason(
    valo_ingest: CommandLine,
) -> None:
    Path(".env").write_text("VALO_INGEST_INGEST_PORT=abc\n")

    result = valo_ingest("config", "--insecure", "--auth-key", "hunter2")

    assert result.exit_code == 2
    assert rows(result.stdout)["INGEST_PORT"] == ("abc", ".env VALO_INGEST_INGEST_PORT")
    last = result.stdout.splitlines()[-1]
    assert last.startswith("Not valid. INGEST_PORT: 'abc' makes no sense; it takes a port from 0 to 65535")
    assert last.endswith("(from .env VALO_INGEST_INGEST_PORT)")


def test_a_value_cannot_forge_a_row(valo_ingest: CommandLine) -> None:
    valo_ingest.environment["VALO_INGEST_ORGANIZATION"] = "x\nValid."

    result = valo_ingest("config", "--insecure", "--auth-key", "hunter2")

    assert result.exit_code == 2
    assert "Valid." not in result.stdout.splitlines()


def test_lan_is_a_default_for_what_nothing_else_sets(valo_ingest: CommandLine) -> None:
    Path(".env").write_text("VALO_INGEST_DATA_DIR=mine\n")

    result = valo_ingest("config", "--lan", "theirs")

    assert result.exit_code == 0
    found = rows(result.stdout)
    assert found["DATA_DIR"] == ("mine", ".env VALO_INGEST_DATA_DIR")
    assert found["INSECURE"] == ("true", "flag --lan")
    assert found["MAKE_AUTH_KEY"] == ("true", "flag --lan")


@pytest.mark.parametrize(
    "tls", [["--self-signed"], ["--server-key", "k", "--server-cert", "c"], ["--secure", "--self-signed"]]
)
def test_lan_takes_no_tls_from_who_asks_for_it(valo_ingest: CommandLine, tls: list[str]) -> None:
    result = valo_ingest("config", "--lan", "data", *tls)

    assert result.exit_code == 0
    assert rows(result.stdout)["INSECURE"][0] == "false"


def test_lan_makes_no_key_that_nobody_needs(valo_ingest: CommandLine) -> None:
    assert row(valo_ingest, "MAKE_AUTH_KEY", "--lan", "data", "--no-require-auth-key") == ("false", "default")


def test_nothing_is_made(valo_ingest: CommandLine) -> None:
    valo_ingest("config", "--lan", "data", "--self-signed")

    assert list(Path().iterdir()) == []


def test_home_is_understood_in_an_env_file(valo_ingest: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/crew")
    monkeypatch.setenv("USERPROFILE", "/home/crew")
    Path(".env").write_text("VALO_INGEST_DATA_DIR=~/data\n")

    assert row(valo_ingest, "DATA_DIR")[0] == str(Path("/home/crew/data"))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "VALO_INGEST_IDEL_MINUTES=3",
            "VALO_INGEST_IDEL_MINUTES: there is no such setting. Did you mean VALO_INGEST_IDLE_MINUTES?",
        ),
        ("INGEST_PORT=3", "INGEST_PORT: there is no such setting. Did you mean VALO_INGEST_INGEST_PORT?"),
        (
            "valo_ingest_host=::1",
            "valo_ingest_host: there is no such setting. Did you mean VALO_INGEST_HOST?",
        ),
        (
            "VALO_INGEST_LUNCH=3",
            "VALO_INGEST_LUNCH: there is no such setting. `valo-ingest serve --help` lists them all.",
        ),
    ],
)
@pytest.mark.parametrize("command", ["config", "serve"])
def test_a_line_that_sets_nothing_is_told(
    valo_ingest: CommandLine, fake_app: FakeApp, command: str, written: str, said: str
) -> None:
    Path(".env").write_text(written + "\n")

    result = valo_ingest(command, "--lan", "data")

    assert result.exit_code == 0
    assert result.stderr == f"Warning: .env {said}\n"


def test_a_variable_that_sets_nothing_is_told_if_it_is_ours(valo_ingest: CommandLine) -> None:
    valo_ingest.environment.update(
        {"VALO_INGEST_PORT": "1", "HOST": "of-the-shell", "VALO_INGEST_KEY": "a client's"}
    )
    valo_ingest.environment.update({"VALO_INGEST_HOST": "::1", "INSECURE": "true"})

    told = valo_ingest("config", "--lan", "data").stderr

    assert told.startswith("Warning: environment VALO_INGEST_PORT: there is no such setting. ")
    assert told.count("\n") == 1
