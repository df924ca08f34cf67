"""Access keys that are made and revoked while the server runs."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.e2e.messages import ACCESS_KEY, fresh_code, observer_logon
from tests.e2e.running import clean_environment
from tests.e2e.sockets import WebSocketClient
from tests.e2e.stage import Stage, tell
from tests.e2e.stage import code_fixture as code_fixture
from tests.e2e.stage import stage_fixture as stage_fixture
from valo_ingest.storage.keystore import FILE_NAME
from valo_ingest.wire.record import KeyHolder

REFUSED_WITHIN_S = 1.0
"""Promised to the operator: this long after `keys revoke`, a key is good nowhere any more."""

GAME_END = {"roundNumber": 20, "roundPhase": "game_end"}


def valo_ingest(data_dir: Path, *arguments: str) -> str:
    """Run a command beside the server, as an operator does; return what it prints."""
    command = [sys.executable, "-m", "valo_ingest", *arguments, "--data-dir", str(data_dir)]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def log_on(stage: Stage, key: str, group_code: str = "") -> tuple[WebSocketClient, dict[str, Any]]:
    """Log an observer on; return it and its answer."""
    client = stage.raw(stage.server.ingest_port)
    client.emit("obs_logon", observer_logon(group_code or fresh_code(), key=key))
    answer: dict[str, Any] = client.wait_for("obs_logon_ack")
    return client, answer


def refusal(stage: Stage, key: str) -> str:
    """Return what an observer with a key that is not good is told; it is disconnected then."""
    client, answer = log_on(stage, key)
    assert answer["value"] is False
    client.wait_closed()
    return str(answer["reason"])


def test_a_key_counts_from_its_making_to_its_revoking(stage: Stage, code: str) -> None:
    stage.start()
    assert refusal(stage, "AAAAA-AAAAA-AAAAA-AAAAA") == "Invalid Key"
    assert not (stage.data_dir / FILE_NAME).exists()

    made = ("--organization", "League", "--supporter", "--expires", "1d")
    key = valo_ingest(stage.data_dir, "keys", "create", "crew", *made)
    observer, answer = log_on(stage, key, code)
    assert answer["value"] is True, answer
    tell(observer, code, "match_start", code)
    status, _, organization = stage.server.extras("GET", f"/getOrgForKey?key={key}")
    assert (status, organization) == (200, {"id": "League", "name": "League", "isSupporter": True})
    assert log_on(stage, ACCESS_KEY)[1]["value"] is True

    valo_ingest(stage.data_dir, "keys", "revoke", "crew")
    revoked_at = time.monotonic()
    assert refusal(stage, key) == "Invalid Key"
    took_s = time.monotonic() - revoked_at
    assert took_s < REFUSED_WITHIN_S
    assert stage.server.extras("GET", f"/getOrgForKey?key={key}")[0] == 401
    assert log_on(stage, ACCESS_KEY)[1]["value"] is True

    overlay = stage.raw(stage.server.output_port)
    overlay.emit("logon", {"groupCode": code})
    tell(observer, code, "score", {"team_0": 13, "team_1": 4})
    document = overlay.wait_for("match_data", lambda shown: shown["teams"][0]["roundsWon"] == 13)
    assert document["isRunning"] is True
    assert stage.kept(code).opening.opened_by == KeyHolder(
        key_name="crew", organization="League", is_supporter=True
    )

    tell(observer, code, "round_info", GAME_END)
    observer.wait_closed()
    result = stage.server.extras("GET", f"/getTeamInfoForCode?groupCode={code}")[2]
    assert (result["higherScore"], result["isSupporter"]) == (0, True)
    assert f"group_code={code} match opened by Caster#OBS at 127.0.0.1 with access key crew" in stage.log
    kept = [path.read_bytes() for path in stage.data_dir.iterdir()]
    assert not any(key.encode() in content for content in (stage.log.encode(), *kept))
    print(f"\na revoked key: refused {took_s * 1000:.0f} ms after the command had ended")


def test_keys_that_cannot_be_read_do_not_lock_the_operator_out(stage: Stage) -> None:
    stage.start()
    stage.data_dir.mkdir(exist_ok=True)
    (stage.data_dir / FILE_NAME).write_bytes(b"no database " * 1_000)

    assert refusal(stage, "AAAAA-AAAAA-AAAAA-AAAAA") == "Unknown Error"

    assert log_on(stage, ACCESS_KEY)[1]["value"] is True
    assert stage.server.refused()["keys_unreadable"] == 1
    assert stage.log.count("cannot be read: file is not a database.") == 1
