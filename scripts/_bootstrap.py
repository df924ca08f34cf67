"""The scripts: from a bare checkout to an environment in which valo-ingest runs, and what to run in it.

The environment is `.venv` in the checkout. A stamp in it says what it was made from; as long as that is the same and
the Python in it works, nothing is installed again. Needs the standard library only.
"""

import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NoReturn

ROOT: Final = Path(__file__).resolve().parents[1]
ENVIRONMENT: Final = ROOT / ".venv"
STAMP: Final = ENVIRONMENT / "valo-ingest.json"
PYTHON: Final = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

CHECKS: Final = {
    "format": ["ruff", "format", "--check"],
    "lint": ["ruff", "check"],
    "types": ["mypy", "--strict", "valo_ingest", "scripts/_bootstrap.py", "tests/bench"],
    "import direction": ["pytest", "--quiet", "tests/test_architecture.py"],
}


def serve() -> NoReturn:
    """Start a server with what a crew on a LAN needs, all kept in data/; arguments go to it."""
    python = _prepare()
    _become([python, "-m", "valo_ingest", "serve", "--lan", str(ROOT / "data"), *sys.argv[1:]])


def loadtest() -> NoReturn:
    """Test the load that a server holds; arguments go to the load test."""
    python = _prepare("loadtest")
    _become([python, "-m", "valo_ingest", "loadtest", *sys.argv[1:]])


TEST_PROCESSES: Final = 4
"""That share all the tests: one only waits for streams that are played in real time."""


def test() -> NoReturn:
    """Run the tests; arguments go to pytest. Without any, several processes share the tests."""
    python = _prepare("test")
    os.chdir(ROOT)
    _keep_bytecode()
    # A file is run by one process, and the files are given out in their order.
    shared = ["--numprocesses", str(TEST_PROCESSES), "--dist", "loadfile", "--no-loadscope-reorder"]
    _become([python, "-m", "pytest", *(sys.argv[1:] or shared)])


def _keep_bytecode() -> None:
    """Have all that is compiled kept in the environment, also where Python is told to keep nothing beside sources.

    The tests start hundreds of Pythons, which would all compile the server anew, and pytest its assertions.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(ENVIRONMENT / "bytecode")


def bench() -> NoReturn:
    """Run the benchmark; arguments go to it."""
    python = _prepare("test")  # it is beside the tests, and uses what they start servers with
    os.chdir(ROOT)
    _become([python, "-m", "tests.bench", *sys.argv[1:]])


def check() -> NoReturn:
    """Run all checks, also behind one that fails, and tell at the end which did."""
    python = _prepare("check", "test")  # one of the checks is a test
    failed = []
    for name, command in CHECKS.items():
        print(f"--- {name}: {' '.join(command)}", flush=True)
        if subprocess.run([python, "-m", *command], cwd=ROOT).returncode != 0:
            failed.append(name)
    print(f"--- failed: {', '.join(failed)}" if failed else "--- all is well", flush=True)
    sys.exit(1 if failed else 0)


@dataclass(frozen=True)
class _Stamp:
    """What an environment was made from."""

    digest: str = ""
    extras: tuple[str, ...] = ()


def _prepare(*extras: str) -> str:
    """Return the Python of an environment that has valo-ingest and its `extras`, made now if there is none."""
    digest = _digest()
    stamp = _read_stamp()
    works = _works()
    if works and stamp.digest == digest and set(extras) <= set(stamp.extras):
        return str(PYTHON)
    _say("preparing .venv; this takes a minute, once")
    if not works:
        _make_environment()
    wanted = tuple(sorted({*extras, *stamp.extras}))
    _install(wanted)
    STAMP.write_text(json.dumps(asdict(_Stamp(digest, wanted))), encoding="utf-8")
    return str(PYTHON)


def _digest() -> str:
    content = [(ROOT / name).read_bytes() for name in ("setup.cfg", "constraints.txt")]
    return hashlib.sha256(b"\0".join(content)).hexdigest()


def _read_stamp() -> _Stamp:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        return _Stamp(stamp["digest"], tuple(stamp["extras"]))
    except (OSError, ValueError, KeyError, TypeError):
        return _Stamp()


def _works() -> bool:
    """Tell whether the environment has a Python that runs and is new enough."""
    question = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([PYTHON, "-c", question], capture_output=True).returncode == 0
    except OSError:
        return False


def _make_environment() -> None:
    try:
        venv.create(ENVIRONMENT, clear=True, with_pip=True, symlinks=os.name != "nt")
    except (OSError, subprocess.CalledProcessError) as error:
        _give_up(f"cannot make {ENVIRONMENT}: {error}. On Debian and Ubuntu: apt install python3-venv")


def _install(extras: Sequence[str]) -> None:
    project = f".[{','.join(extras)}]" if extras else "."
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--constraint", "constraints.txt", "--editable", project]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        _give_up("installing failed, for the reason above. It takes a connection to the internet")


def _become(command: list[str]) -> NoReturn:
    """Run `command` in the place of this script: it gets the signals, and its exit status is the script's."""
    if os.name != "nt":
        os.execv(command[0], command)
    process = subprocess.Popen(command)  # Windows has no exec that the console waits for
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:  # Ctrl-C reaches the command as well, which ends in its own time
            continue


def _say(text: str) -> None:
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr, flush=True)


def _give_up(text: str) -> NoReturn:
    _say(text)
    sys.exit(2)
