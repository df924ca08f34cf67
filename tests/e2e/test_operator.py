"""The operator's pages of a real server, without a browser: what HTTP, restarts and real clients mean for them."""

import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from tests.e2e import messages
from tests.e2e.operator import PASSWORD, EventStream, Operator
from tests.e2e.running import ACCESS_KEY, RunningServer, eventually, serve_command
from tests.e2e.sockets import DISCONNECTED, WebSocketClient
from tests.e2e.stage import as_text
from valo_ingest.app import STOP_S

Start = Callable[..., RunningServer]


class Crew:
    """An observer and a player's client of one match."""

    def __init__(self, server: RunningServer, code: str) -> None:
        self.code = code
        self.observer = WebSocketClient(server.ingest_port)
        self.observer.emit("obs_logon", as_text(messages.observer_logon(code)))
        assert self.observer.wait_for("obs_logon_ack")["value"]
        self.tell("roster", messages.roster("P"))
        self.tell("match_start", code)
        self.tell("round_info", {"roundNumber": 1, "roundPhase": "shopping"})
        self.player = WebSocketClient(server.ingest_port)

    def tell(self, kind: str, data: object = True) -> None:
        self.observer.emit("obs_data", as_text(messages.observer_data(self.code, kind, data)))

    def log_player_on(self) -> None:
        self.player.emit("aux_logon", as_text(messages.auxiliary_logon(self.code, "P")))
        assert self.player.wait_for("aux_logon_ack")["value"]

    def close(self) -> None:
        self.observer.close()
        self.player.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    command = serve_command("--insecure", "--auth-key", ACCESS_KEY, "--operator-password", PASSWORD)
    running = RunningServer(tmp_path_factory.mktemp("server"), command)
    yield running
    running.close()


@pytest.fixture
def operator(server: RunningServer) -> Operator:
    return Operator(server)


@pytest.fixture
def crew(server: RunningServer, code: str) -> Iterator[Crew]:
    crew = Crew(server, code)
    yield crew
    crew.close()


def number_of(operator: Operator, code: str) -> int:
    return int(operator.json(f"/api/matches/{quote(code, safe='')}")["match"]["number"])


def test_a_match_is_live_on_the_page_and_in_the_api(operator: Operator, crew: Crew) -> None:
    crew.log_player_on()

    told = operator.json(f"/api/matches/{crew.code}")
    assert told["match"]["players"][0]["auxiliary"]["client"]["address"] == "127.0.0.1"
    status, headers, page = operator.get("/")
    assert status == 200
    assert crew.code in page
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("code", ["A/B", "a b?#%", "..", "ä☃", "<i>"])
def test_any_group_code_has_a_page(server: RunningServer, operator: Operator, code: str) -> None:
    crew = Crew(server, code)
    match = next(each for each in operator.json("/api/matches")["matches"] if each["groupCode"] == code)

    status, _, page = operator.get(f"/matches/{quote(code, safe='')}?number={match['number']}")

    assert status == 200
    assert f"#{match['number']}</span>" in page
    assert operator.json(f"/api/matches/{quote(code, safe='')}")["match"]["groupCode"] == code
    crew.close()


def test_a_feed_tells_of_a_client_that_was_cut(server: RunningServer, operator: Operator, crew: Crew) -> None:
    crew.log_player_on()
    number = number_of(operator, crew.code)
    operator.get("/")
    pages, scripts = EventStream(server, "/events"), EventStream(server, "/api/events")
    assert scripts.next()["isWhole"]

    crew.player.reset()

    pages.wait(lambda message: "Client gone" in message.get("html", {}).get(f"m{number}", ""))
    changed = scripts.wait(lambda message: any(match["number"] == number for match in message["matches"]))
    assert changed["isWhole"] is False
    pages.close()
    scripts.close()


def test_a_viewer_that_goes_leaves_nothing_behind(server: RunningServer) -> None:
    """More of them than may look at the same time."""
    for _ in range(2):
        eventually(lambda: _can_look(server), "somebody else may look", within_s=20)


def _can_look(server: RunningServer) -> bool:
    """Tell whether fifteen more can look; they go again."""
    streams: list[EventStream] = []
    try:
        while len(streams) < 15:
            streams.append(EventStream(server, "/events"))
    except AssertionError:
        time.sleep(0.2)
        return False
    finally:
        for stream in streams:
            stream.close()
    return True


def test_an_overlay_that_takes_nothing_is_named_before_much_is_kept_for_it(
    server: RunningServer, operator: Operator, crew: Crew
) -> None:
    """The system would keep megabytes for it: minutes of a match, in which it would seem to be up to date."""
    overlay = WebSocketClient(server.output_port, receive_buffer=4_096)
    overlay.emit("logon", as_text({"groupCode": crew.code}))
    overlay.wait_for("logon_success")

    def told() -> bool:
        crew.tell("switch_kda_credits")
        match = operator.json(f"/api/matches/{crew.code}")["match"]
        return any(problem["code"] == "overlay_behind" for problem in match["problems"])

    eventually(told, "the overlay is named")
    (lag,) = operator.json(f"/api/matches/{crew.code}")["match"]["overlays"]
    assert lag["owedSince"]
    page = eventually(lambda: _page_with(operator, "cannot keep up"), "the page says so, too")
    assert "1 cannot keep up" in page
    overlay.close()


def _page_with(operator: Operator, text: str) -> str:
    page = operator.get("/")[2]
    return page if text in page else ""


def test_a_client_is_disconnected_and_does_not_come_back(operator: Operator, crew: Crew) -> None:
    crew.log_player_on()
    match = operator.json(f"/api/matches/{crew.code}")["match"]
    connection = match["players"][0]["auxiliary"]["client"]["connection"]
    assert operator.log_in() == 303

    assert operator.act(match["number"], f"disconnect:{connection}") == 303

    assert crew.player.wait_closed() == DISCONNECTED
    state = eventually(
        lambda: operator.json(f"/api/matches/{crew.code}")["match"]["players"][0]["auxiliary"]["goneAt"],
        "the client is gone",
    )
    assert state


def test_a_match_is_ended_and_kept_as_it_was(operator: Operator, crew: Crew) -> None:
    number = number_of(operator, crew.code)
    assert operator.log_in() == 303

    assert operator.act(number, "end") == 303

    assert crew.observer.wait_closed() == DISCONNECTED
    told = operator.json(f"/api/matches/?number={number}")
    assert (told["match"]["isLive"], told["match"]["isFinished"]) == (False, False)
    status, headers, text = operator.get(f"/exports/{number}.jsonl")
    assert (status, headers["content-type"]) == (200, "application/x-ndjson")
    assert text.splitlines()[-1].startswith('{"channel":"disconnect"')


def test_a_wrong_password_lets_nobody_act(operator: Operator, crew: Crew) -> None:
    assert operator.log_in("wrong") == 401
    assert operator.send("POST", "/act", {"number": "1", "do": "end"})[0] == 403


def test_a_restart_takes_nothing_from_the_page_of_a_match(start_server: Start) -> None:
    server = start_server("--insecure", "--auth-key", messages.ACCESS_KEY)
    crew = Crew(server, "KEPT")
    crew.log_player_on()
    crew.tell("scoreboard", messages.scoreboard("P", money=800))
    crew.tell("scoreboard", messages.scoreboard("P", money=300))
    crew.tell("round_info", {"roundNumber": 1, "roundPhase": "combat"})
    before = eventually(lambda: _with_rounds(Operator(server)), "the round is there")
    server.stop()
    crew.close()

    again = RunningServer(server.directory, server.command)
    after = Operator(again).json("/api/matches/KEPT")
    again.close()

    assert after["rounds"] == before["rounds"]
    assert after["events"] == before["events"]
    assert [each["kind"] for each in after["connections"]][-1] == "auxiliary_on"
    assert after["match"]["events"] == before["match"]["events"]
    assert [problem["code"] for problem in after["match"]["problems"]][:1] == ["no_observer"]


def _with_rounds(operator: Operator) -> dict[str, object] | None:
    told: dict[str, object] = operator.json("/api/matches/KEPT")
    return told if told["rounds"] else None


def test_nobody_who_looks_holds_a_stop_up(start_server: Start) -> None:
    server = start_server("--insecure", "--no-require-auth-key")
    streams = [EventStream(server, "/events"), EventStream(server, "/api/events")]

    assert server.stop() < STOP_S
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("path", ["/matches/nope", "/api/matches/nope"])
def test_a_match_that_was_never_kept_is_not_found_and_nothing_is_logged(
    server: RunningServer, log_of_the_server: None, path: str
) -> None:
    status, _, _ = server.extras("GET", path)

    assert status == 404
