"""Simulated matches on a real server, by the command and over connections that are tampered with."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.messages import fresh_code
from tests.e2e.running import ACCESS_KEY, COMMAND_S, START_S, RunningServer, clean_environment, eventually
from tests.e2e.sockets import WebSocketClient
from tests.rehearsal.tampering import Tamper, TamperingProxy, swallowing_every, without_question
from valo_ingest.rehearsal.faults import Fault
from valo_ingest.rehearsal.performance import Performance, Script

RETURN_S = 2.0
"""How long clients of a server that has died are waited for."""

FAST = ("--speed", "500", "--mode", "swift", "--aux", "10")


def command(server: RunningServer, *arguments: str) -> list[str]:
    options = ["--url", server.ingest_url, "--key", ACCESS_KEY]
    return [sys.executable, "-m", "valo_ingest", "simulate", *options, *arguments]


def simulate(server: RunningServer, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(server, *arguments),
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=COMMAND_S,
        check=False,
    )


def shown(server: RunningServer, group_code: str) -> Any:
    """Return the document that an overlay gets which logs on now."""
    overlay = WebSocketClient(server.output_port)
    try:
        overlay.emit("logon", {"groupCode": group_code})
        return overlay.wait_for("match_data")
    finally:
        overlay.close()


def shown_in_the_end(server: RunningServer, group_code: str) -> Any:
    """Return the last document of a match; who has just been let go may be faster than it is."""
    return eventually(
        lambda: document if (document := shown(server, group_code))["roundPhase"] == "game_end" else None,
        "the match is over",
    )


def score_shown(document: Any) -> str:
    left, right = document["teams"]
    return f"{left['teamName']} {left['roundsWon']} : {right['roundsWon']} {right['teamName']}"


@contextmanager
def tampered(server: RunningServer, tamper: Tamper) -> Iterator[str]:
    """Yield the URL of a proxy before the ingest side."""
    proxy = TamperingProxy(server.ingest_port, tamper)
    try:
        yield proxy.url
    finally:
        proxy.close()


def perform(url: str, **changes: Any) -> Performance:
    """Play a match fast, in this process."""
    code = fresh_code()
    settings = {"seed": 7, "mode": "swift", "auxiliaries": 4, "speed": 1_000, "patience_s": 1.0, **changes}
    performance = Performance(
        Script(url=url, key=ACCESS_KEY, group_code=code, match_id=f"{code}-id", **settings)
    )
    performance.play()
    if performance.failure is not None:
        raise performance.failure
    return performance


def test_a_whole_match_with_ten_auxiliary_clients_arrives_without_a_loss(server: RunningServer) -> None:
    code = fresh_code()

    done = simulate(server, *FAST, "--seed", "7", "--group-code", code)

    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "where nobody looks it is quiet"
    summary, accounts = done.stdout.splitlines()
    sent = re.match(r"Sent ([\d,]+) events: \1 accepted, 0 refused, 0 lost\.", accounts)
    assert sent is not None, accounts
    assert int(sent[1].replace(",", "")) > 2_500
    document = shown_in_the_end(server, code)
    assert document["teams"][0]["ingameTeamId"] == 1, (
        "a seed where left is not the team that begins on attack"
    )
    assert summary == f"{code}, seed 7: {score_shown(document)} after {document['roundNumber']} rounds."
    for team in document["teams"]:
        assert all(player["auxiliaryAvailable"]["health"] for player in team["players"])


def test_with_all_faults_nothing_is_refused_but_what_was_spoilt(server: RunningServer) -> None:
    rates = "all,reconnects=0.001,nulls=0.03"

    done = simulate(server, *FAST, "--seed", "4", "--faults", rates)

    assert done.returncode == 0, done.stderr
    _, injected, accounts = done.stdout.splitlines()
    for fault in Fault:
        assert re.search(rf"\b{fault} [\d,]+", injected), fault
    assert re.search(
        r" 0 refused, \d+ refused that were spoilt on purpose \(invalid_field \d+\), 0 lost\.", accounts
    )


@pytest.mark.parametrize("faults", [{Fault.STRINGS: 1.0}, {Fault.NULLS: 1.0}])
def test_the_score_that_is_told_is_that_of_the_server(
    server: RunningServer, faults: dict[Fault, float]
) -> None:
    performance = perform(server.ingest_url, auxiliaries=0, faults=faults)

    left, right = shown_in_the_end(server, performance.script.group_code)["teams"]
    assert performance.score == (left["roundsWon"], right["roundsWon"])


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_match_on_the_server_too(server: RunningServer, ending: signal.Signals) -> None:
    code = fresh_code()
    process = subprocess.Popen(
        command(server, "--speed", "60", "--aux", "3", "--group-code", code),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    try:
        eventually(lambda: _is_running(server, code), "the match runs", within_s=START_S)
        process.send_signal(ending)
        output, errors = process.communicate(timeout=COMMAND_S)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 130
    assert errors == "Stopped.\n"
    assert " 0 refused, 0 lost." in output
    assert shown_in_the_end(server, code)


def _is_running(server: RunningServer, code: str) -> bool:
    # An overlay gets nothing before there is a match, so another side is asked first.
    _, _, status = server.extras("GET", "/status")
    return status["matchesRunning"] > 0 and bool(shown(server, code)["isRunning"])


def test_what_a_proxy_swallows_is_found_to_be_lost_exactly(server: RunningServer) -> None:
    tamper, swallowed = swallowing_every(100)
    with tampered(server, tamper) as url:
        performance = perform(url)

    accounts = performance.tally.accounts()
    assert performance.is_over
    assert swallowed() >= 20
    assert accounts.lost == swallowed()
    assert sum(accounts.lost_by_type.values()) == swallowed()
    assert accounts.accepted == accounts.sent - swallowed()
    assert not accounts.is_clean


def test_of_a_server_that_answers_no_event_nothing_is_said_to_be_lost(server: RunningServer) -> None:
    with tampered(server, without_question) as url:
        performance = perform(url, auxiliaries=1, patience_s=0.3)

    accounts = performance.tally.accounts()
    assert performance.is_over
    assert (accounts.unconfirmed, accounts.lost, accounts.accepted) == (accounts.sent, 0, 0)
    document = shown_in_the_end(server, performance.script.group_code)
    assert [team["roundsWon"] for team in document["teams"]] == list(performance.score)


def test_clients_of_a_server_that_has_died_are_waited_for_all_together(server: RunningServer) -> None:
    all_are_in = threading.Event()

    def tell(text: bytes) -> bytes:
        if b'"aux_data"' in text:
            all_are_in.set()
        return text

    proxy = TamperingProxy(server.ingest_port, tell)
    code = fresh_code()
    script = Script(
        url=proxy.url, key=ACCESS_KEY, group_code=code, seed=7, mode="swift", match_id=f"{code}-id"
    )
    performance = Performance(replace(script, auxiliaries=10, speed=300, patience_s=0.3, return_s=RETURN_S))
    playing = threading.Thread(target=performance.play)
    playing.start()
    assert all_are_in.wait(COMMAND_S)
    proxy.close()
    died_at = time.monotonic()
    playing.join(COMMAND_S)

    assert not playing.is_alive()
    # One after the other, eleven clients would take twice as long.
    assert time.monotonic() - died_at < 5.5 * RETURN_S
    assert performance.tally.accounts().lost > 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--key", "wrong"), "did not let the observer of {code} in: Invalid Key. Give the access key"),
        (("--client-version", "9.9.9"), "Give one that it takes with --client-version."),
        (("--url", "http://127.0.0.1:9"), "http://127.0.0.1:9: nothing listens there."),
    ],
)
def test_who_cannot_play_is_told_why_in_one_line(
    server: RunningServer, arguments: tuple[str, ...], told: str
) -> None:
    code = fresh_code()

    done = simulate(server, *FAST, "--group-code", code, *arguments)

    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert told.format(code=code) in done.stderr
    assert done.stderr.count("\n") == 1
