import gzip
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click.testing
import pytest

from tests.cli.conftest import CommandLine
from tests.rehearsal.tapes import (
    Line,
    auxiliary_logon,
    logon,
    opening,
    phase,
    replay_file,
    reported,
    score,
    stream,
    told,
)
from valo_ingest.cli import main, replay
from valo_ingest.errors import NotLetIn, ServerUnreachable
from valo_ingest.rehearsal.accounting import Tally
from valo_ingest.rehearsal.steps import Step

END = phase(3_000, 1, "game_end")
AUX = [auxiliary_logon(2_000, "P"), reported(2_100, "P", "aux_health", 55)]


class FakeServer:
    """Takes everything in at once, and answers as it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.logons: list[Mapping[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], str | None] = lambda message: '{"type":"accepted"}'
        """What a message is answered with; None loses it."""
        self.error: Exception | None = None
        self.interrupt_after = -1

    def clients_of(self, url: str, tally: Tally) -> Callable[[Step, Mapping[str, Any]], "FakeClient"]:
        self.url = url
        return lambda step, logon: FakeClient(self, tally, logon)

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.messages]


class FakeClient:
    def __init__(self, server: FakeServer, tally: Tally, logon: Mapping[str, Any]) -> None:
        self._server = server
        self._tally = tally
        self._logon = logon
        self.is_over = False
        self.is_connected = True
        self.group_secret = ""

    def connect(self) -> None:
        if self._server.error is not None:
            raise self._server.error
        self._server.logons.append(self._logon)

    def send_text(self, kind: str, text: str, *, is_goodbye: bool = False) -> None:
        if len(self._server.messages) == self._server.interrupt_after:
            self._server.interrupt_after = -1
            raise KeyboardInterrupt
        message = json.loads(text)
        self._server.messages.append(message)
        number = self._tally.begin(kind)
        assert number is not None
        answer = self._server.answer(message)
        if answer is None:
            self._tally.lose(number)
        else:
            self._tally.answer(number, answer)
        self.is_over = is_goodbye

    def wait_until_back(self, timeout_s: float) -> bool:
        return True

    def close(self) -> None:
        self.is_connected = False


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    fake = FakeServer()
    monkeypatch.setattr(replay, "clients_of", fake.clients_of)
    return fake


def keep(*lines: Line, name: str = "match.jsonl") -> str:
    Path(name).write_text(stream(*lines), encoding="utf-8")
    return name


def run(valo_ingest: CommandLine, *arguments: str, status: int = 0) -> click.testing.Result:
    result = valo_ingest("replay", *arguments)
    assert result.exit_code == status, result.output
    return result


# --- what is sent ---------------------------------------------------------------------------------------------


def test_a_recording_is_played_to_the_server(valo_ingest: CommandLine, server: FakeServer) -> None:
    file = keep(*opening(), *AUX, END)

    result = run(valo_ingest, file, "--url", "http://10.0.0.1:5100", "--key", "KEY", "--instant")

    assert server.url == "http://10.0.0.1:5100"
    assert server.kinds() == [
        "map",
        "roster",
        "roster",
        "match_start",
        "round_info",
        "aux_health",
        "round_info",
    ]
    assert [said.get("key") for said in server.logons] == ["KEY", None]
    assert result.stdout.endswith("Sent 7 events: 7 accepted, 0 refused, 0 lost.\n")
    assert result.stderr == ""


def test_the_key_comes_from_the_environment_and_is_never_shown(
    valo_ingest: CommandLine, server: FakeServer
) -> None:
    valo_ingest.environment["VALO_INGEST_KEY"] = "TOPSECRET"

    result = run(valo_ingest, keep(*opening()), "--instant")

    assert server.logons[0]["key"] == "TOPSECRET"
    assert "TOPSECRET" not in result.output


def test_each_replay_has_a_group_code_and_a_match_id_of_its_own(
    valo_ingest: CommandLine, server: FakeServer
) -> None:
    file = keep(*opening())

    printed = [run(valo_ingest, file, "--instant").stdout for _ in range(2)]

    codes = [said["groupCode"] for said in server.logons]
    ids = [message["data"] for message in server.messages if message["type"] == "match_start"]
    assert len({"FINALS", *codes}) == len({"id-of-the-match", *ids}) == 3
    for text, code in zip(printed, codes, strict=True):
        assert f"Group code {code} (FINALS in the file)\n" in text


def test_group_code_and_version_can_be_chosen(valo_ingest: CommandLine, server: FakeServer) -> None:
    run(valo_ingest, keep(*opening()), "--instant", "--group-code", "MINE", "--client-version", "0.3.10")

    assert {message["groupCode"] for message in server.messages} == {"MINE"}
    assert server.logons[0]["clientVersion"] == "0.3.10"


def test_of_several_matches_each_code_is_told(valo_ingest: CommandLine, server: FakeServer) -> None:
    others = [logon(client=f"obs{number}", code=f"C{number}") for number in range(7)]

    text = run(valo_ingest, keep(*opening(), *others), "--instant", "--group-code", "MINE").stdout

    assert "Group code MINE-2 (C0 in the file)\n" in text
    assert "  and 3 more\n" in text


def test_a_replay_file_is_played(valo_ingest: CommandLine, server: FakeServer) -> None:
    messages = [line["payload"] for line in opening()[1:]]
    Path("match.replay").write_text(replay_file({"version": "v0.0.0"}, *messages))

    run(valo_ingest, "match.replay", "--instant")

    assert server.kinds() == [message["type"] for message in messages]


def test_a_compressed_file_is_played(valo_ingest: CommandLine, server: FakeServer) -> None:
    Path("match.gz").write_bytes(gzip.compress(stream(*opening()).encode()))

    run(valo_ingest, "match.gz", "--instant")

    assert len(server.messages) == len(opening()) - 1


def test_at_a_speed_it_takes_its_time(valo_ingest: CommandLine, server: FakeServer) -> None:
    text = run(valo_ingest, keep(*opening(), told(61_000, "map", "Port")), "--speed", "1000").stdout

    assert "in 0:00" in text
    assert server.kinds()[-1] == "map"


def test_from_a_round_on(valo_ingest: CommandLine, server: FakeServer) -> None:
    file = keep(*opening(), phase(4_000_000, 8, "shopping"), phase(4_000_100, 8, "combat"))

    text = run(valo_ingest, file, "--from-round", "8").stdout

    assert "in 0:00" in text
    assert len(server.messages) == len(opening()) + 1


# --- what became of it ----------------------------------------------------------------------------------------


def test_refusals_are_told_by_reason(valo_ingest: CommandLine, server: FakeServer) -> None:
    server.answer = lambda message: (
        '{"type":"error","code":"invalid_field"}' if message["type"] == "roster" else '{"type":"accepted"}'
    )

    text = run(valo_ingest, keep(*opening()), "--instant").stdout

    assert "Sent 5 events: 3 accepted, 2 refused (invalid_field 2), 0 lost.\n" in text


def test_a_lost_event_fails_the_command(valo_ingest: CommandLine, server: FakeServer) -> None:
    server.answer = lambda message: None if message["type"] == "map" else '{"type":"accepted"}'

    text = run(valo_ingest, keep(*opening()), "--instant", status=1).stdout

    assert "Sent 5 events: 4 accepted, 0 refused, 1 lost (map 1).\n" in text


def test_what_is_not_sent_is_told(valo_ingest: CommandLine, server: FakeServer) -> None:
    file = keep(*opening(), END, told(4_000, "map", "Port"), told(4_000, "map", "Port"))

    assert "not logged on (any more): 2.\n" in run(valo_ingest, file, "--instant").stdout


def test_a_logon_that_the_server_refuses_is_told(
    valo_ingest: CommandLine, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(client: FakeClient) -> None:
        if "matchId" in client._logon:
            raise NotLetIn("http://x", "auxiliary client Player", "Game with Match ID 5 not found.")

    monkeypatch.setattr(FakeClient, "connect", connect)

    text = run(valo_ingest, keep(*opening(), *AUX), "--instant").stdout

    assert (
        "Logons that the server refused: 1.\n  auxiliary client Player: Game with Match ID 5 not found.\n"
        in text
    )


@pytest.mark.parametrize(
    "error",
    [
        ServerUnreachable("http://x", "nothing listens there."),
        NotLetIn("http://x", "observer", "Invalid Key", "Give the access key."),
    ],
)
def test_a_server_that_cannot_be_used_is_one_line(
    valo_ingest: CommandLine, server: FakeServer, error: Exception
) -> None:
    server.error = error

    result = run(valo_ingest, keep(*opening()), "--instant", status=1)

    assert result.stderr == f"Error: {error}\n"


def test_what_was_sent_until_the_server_was_gone_is_told(
    valo_ingest: CommandLine, server: FakeServer
) -> None:
    def answer(message: dict[str, Any]) -> str:
        server.error = ServerUnreachable("http://x", "nothing listens there.")
        return '{"type":"accepted"}'

    server.answer = answer

    result = run(valo_ingest, keep(*opening(), *AUX), "--instant", status=1)

    assert "Sent 6 events: 6 accepted" in result.stdout, "the sixth ends the match"
    assert result.stderr.count("\n") == 1


def test_ctrl_c_ends_it_with_what_was_sent(valo_ingest: CommandLine, server: FakeServer) -> None:
    server.interrupt_after = 3

    result = run(valo_ingest, keep(*opening()), "--instant", status=130)

    assert result.stdout.endswith("Sent 4 events: 4 accepted, 0 refused, 0 lost.\n")
    assert result.stderr == "Stopped.\n"
    assert server.messages[-1]["data"] == {"roundNumber": 0, "roundPhase": "game_end"}, (
        "its code is free again"
    )


def test_rounds_that_come_out_otherwise_are_told(valo_ingest: CommandLine, server: FakeServer) -> None:
    by_time = [
        phase(10_000, 1, "combat"),
        phase(120_000, 1, "end"),
        score(120_000, 0, 1),
        phase(127_000, 2, "shopping"),
    ]

    assert (
        "round 1 won by kills instead of by time."
        in run(valo_ingest, keep(*opening(), *by_time), "--instant").stderr
    )


# --- again and again ------------------------------------------------------------------------------------------


def test_a_loop_ends_each_match_and_begins_again_under_the_same_code(
    valo_ingest: CommandLine, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LOOP_PAUSE_S", 0)
    server.interrupt_after = 3 * len(opening())  # its messages and its end

    result = run(valo_ingest, keep(*opening()), "--speed", "1000", "--loop", "--group-code", "LOOP")

    assert [said["groupCode"] for said in server.logons][:3] == ["LOOP"] * 3
    ids = [message["data"] for message in server.messages if message["type"] == "match_start"]
    assert len(set(ids)) == len(ids) == 3
    assert server.messages.pop()["data"]["roundPhase"] == "game_end", "of the fourth, which was interrupted"
    ends = [message["data"]["roundPhase"] for message in server.messages if message["type"] == "round_info"]
    assert ends == ["shopping", "game_end"] * 3
    assert result.stdout.count("Group code") == 1
    assert result.stderr == "Stopped.\n"


def test_a_match_that_ended_by_itself_is_not_ended_again(
    valo_ingest: CommandLine, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LOOP_PAUSE_S", 0)
    server.interrupt_after = 2 * len(opening())

    run(valo_ingest, keep(*opening(), END), "--speed", "1000", "--loop")

    once = [line["payload"]["type"] for line in [*opening()[1:], END]]
    assert server.kinds() == [*once, *once, "round_info"], "the end of the third, which was interrupted"


# --- step by step ---------------------------------------------------------------------------------------------


def step_through(typed: str, *arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(main, ["replay", *arguments, "--step"], input=typed)


def test_enter_sends_what_is_shown(server: FakeServer) -> None:
    result = step_through("\n\n\nq\n", keep(*opening()), "--group-code", "MINE")

    assert result.exit_code == 0, result.output
    assert server.kinds() == ["map", "roster", "round_info"]
    assert server.messages[-1]["data"]["roundPhase"] == "game_end"
    shown = [line for line in result.stdout.splitlines() if line[:1].isdigit()]
    assert shown[1] == '2/6  0:00  obs  map  "Ascent"'
    assert len(shown) == 4


def test_a_number_sends_so_many(server: FakeServer) -> None:
    step_through("4\n\n", keep(*opening()))

    assert server.kinds() == ["map", "roster", "roster", "match_start", "round_info"]


def test_stepping_begins_at_the_round(server: FakeServer) -> None:
    file = keep(*opening(), phase(9_000, 2, "shopping"), phase(19_000, 2, "combat"))

    result = step_through("\nq\n", file, "--from-round", "2")

    assert len(server.messages) == len(opening()) + 1
    assert server.messages[-1]["data"] == {"roundNumber": 2, "roundPhase": "game_end"}
    assert result.stdout.count("round_info") == 2


def test_who_steps_is_shown_no_secret(server: FakeServer) -> None:
    result = step_through("q\n", keep(*opening()), "--key", "TOPSECRET")

    assert "obs_logon" in result.stdout
    assert "TOPSECRET" not in result.stdout


# --- mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["--instant", "--speed", "2"],
        ["--instant", "--from-round", "1"],
        ["--instant", "--loop"],
        ["--step", "--instant"],
        ["--step", "--speed", "1"],
        ["--speed", "0"],
        ["--speed", "-1"],
        ["--speed", "nan"],
        ["--from-round", "0"],
        ["--from-round", "2"],
        ["--group-code", ""],
        ["--group-code", "X" * 65],
        ["--group-code", "\udcff"],
    ],
)
def test_options_that_make_no_sense_are_refused(
    valo_ingest: CommandLine, server: FakeServer, arguments: list[str]
) -> None:
    result = run(valo_ingest, keep(*opening()), *arguments, status=2)

    assert not server.logons
    assert "Error: " in result.stderr


def test_the_last_round_is_told_to_who_wants_a_later_one(
    valo_ingest: CommandLine, server: FakeServer
) -> None:
    file = keep(*opening(), phase(9_000, 7, "combat"))

    assert (
        "the last round in match.jsonl is 7." in run(valo_ingest, file, "--from-round", "8", status=2).stderr
    )


def rubbish() -> dict[str, bytes]:
    return {
        "empty": b"",
        "binary": bytes(range(256)) * 9,
        "huge line": b"x" * 3_000_000,
        "gz": gzip.compress(b"rubbish"),
        "broken gz": b"\x1f\x8b\x08nothing",
        "evil\nname": b"{}",
    }


@pytest.mark.parametrize("command", ["replay", "inspect"])
@pytest.mark.parametrize("name", [*rubbish(), "missing", "."])
def test_what_is_no_recording_is_one_line(
    valo_ingest: CommandLine, server: FakeServer, command: str, name: str
) -> None:
    if name in rubbish():
        Path(name).write_bytes(rubbish()[name])

    result = valo_ingest(command, name)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert not server.logons


def test_damaged_lines_are_named_and_the_others_played(valo_ingest: CommandLine, server: FakeServer) -> None:
    lines = stream(*opening()).splitlines()
    lines[2:2] = ["{", *itertools.repeat("null", 25)]
    Path("match.jsonl").write_text("\n".join(lines))

    result = run(valo_ingest, "match.jsonl", "--instant")

    assert len(server.messages) == len(opening()) - 1
    assert "Damaged lines, left out: 26.\n  line 3: it is not JSON\n" in result.stderr
    assert "  and 6 more\n" in result.stderr
