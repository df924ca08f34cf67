import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.e2e.running import clean_environment
from valo_ingest import __version__
from valo_ingest.cli.settings import SETTINGS


def test_the_version_is_told(valo_ingest: CommandLine) -> None:
    assert valo_ingest("--version").stdout == f"valo-ingest, version {__version__}\n"


def test_variables_of_a_container_image_do_not_disturb(valo_ingest: CommandLine) -> None:
    valo_ingest.environment = {"VALO_INGEST_VERSION": "1.2.3", "VALO_INGEST_HELP": "https://example.org"}

    assert valo_ingest("config", "--lan", "data").exit_code == 0


def test_the_help_teaches_how_to_start(valo_ingest: CommandLine) -> None:
    text = valo_ingest("--help").stdout

    assert "valo-ingest serve --lan ./data" in text
    assert ".env" in text
    assert "VALO_INGEST_INGEST_PORT" in text


@pytest.mark.parametrize("command", ["serve", "config"])
def test_the_help_of_a_command_names_every_setting(valo_ingest: CommandLine, command: str) -> None:
    text = valo_ingest(command, "--help").stdout

    for setting in SETTINGS:
        assert setting.flag.split("/")[0] in text
        assert all(variable in text for variable in setting.variables)


def test_an_unknown_flag_is_a_mistake_of_the_operator(valo_ingest: CommandLine) -> None:
    result = valo_ingest("serve", "--ingest-prot", "1")

    assert result.exit_code == 2
    assert "--ingest-prot" in result.stderr


def test_a_misspelt_command_is_told_what_it_may_have_meant(valo_ingest: CommandLine) -> None:
    result = valo_ingest("simulat")

    assert result.exit_code == 2
    assert "Did you mean 'simulate'?" in result.stderr


def test_only_the_command_that_was_asked_for_is_loaded() -> None:
    look = "import sys; print('valo_ingest.cli.serve' in sys.modules, 'valo_ingest.rehearsal' in sys.modules)"
    run = f"from valo_ingest.__main__ import main; main(['serve', '--help'], standalone_mode=False); {look}"

    done = subprocess.run(
        [sys.executable, "-c", run], env=clean_environment(), capture_output=True, text=True
    )

    assert done.stdout.splitlines()[-1] == "True False", done.stderr


FULL = "Error: The output cannot be written: No space left on device.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no shell, and no /dev/full there")
@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        ("doctor --url http://127.0.0.1:1 >&-", 1, ""),
        ("simulate --url http://127.0.0.1:1 2>&-", 1, ""),
        ("config --lan data >/dev/full", 1, FULL),
        ("--help >/dev/full", 1, FULL),
        ("--version >/dev/full", 1, FULL),
        (
            "keys create Crew --lan data >&-",
            1,
            "Error: There is no standard output to print the key to, so none was made.\n",
        ),
    ],
)
def test_what_cannot_be_printed_is_no_traceback(
    tmp_path: Path, arguments: str, exit_code: int, told: str
) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m valo_ingest {arguments}', sys.executable],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (exit_code, told)
    assert "Traceback" not in done.stdout


LOOK_WHEN_PATCHED = """
import sys
from gevent import monkey
patch_all = monkey.patch_all
def look():
    print({"socketio", "engineio", "marshmallow", "valo_ingest.cli"} & set(sys.modules))
    patch_all()
monkey.patch_all = look
import valo_ingest.__main__
import valo_ingest.cli.serve
import socket
print(socket.socket.__module__)
"""


def test_the_standard_library_is_patched_before_anything_takes_its_locks_and_sockets() -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOOK_WHEN_PATCHED], env=clean_environment(), capture_output=True, text=True
    )

    assert result.stdout.splitlines() == ["set()", "gevent._socket3"], result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_ctrl_c_while_the_program_is_loaded_ends_it_without_a_traceback(tmp_path: Path) -> None:
    pressed = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    (tmp_path / "marshmallow.py").write_text(pressed)  # is loaded on the way

    done = subprocess.run(
        [sys.executable, "-m", "valo_ingest", "demo"],
        env={**clean_environment(), "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
