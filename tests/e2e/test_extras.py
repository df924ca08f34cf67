"""The small JSON API beside the two Socket.IO sides, and who may call all three from a browser."""

import re
import socket
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e import messages
from tests.e2e.conftest import WatchedMatch
from tests.e2e.messages import Message, fresh_code
from tests.e2e.running import ACCESS_KEY, RunningServer, request
from tests.e2e.sockets import PATH, TIMEOUT_S, Client, WebSocketClient
from valo_ingest import __version__

pytestmark = pytest.mark.usefixtures("log_of_the_server")

JSON = "application/json; charset=utf-8"
GAME_END = {"roundNumber": 20, "roundPhase": "game_end"}


def preview(**changes: Any) -> Message:
    logon = messages.observer_logon("")
    kept = ("clientVersion", "key", "leftTeam", "rightTeam", "toolsData")
    return {"type": "preview", "previewCode": "", **{name: logon[name] for name in kept}, **changes}


def ended_match(server: RunningServer, score: tuple[int, int], **logon: Any) -> str:
    """Play a match to its end; return its group code."""
    code = fresh_code()
    observer = WebSocketClient(server.ingest_port)
    observer.emit("obs_logon", messages.observer_logon(code, **logon))
    observer.emit(
        "obs_data", messages.observer_data(code, "score", dict(zip(("team_0", "team_1"), score, strict=True)))
    )
    observer.emit("obs_data", messages.observer_data(code, "round_info", GAME_END))
    observer.wait_closed()
    return code


# --- status and health ----------------------------------------------------------------------------------------


def test_status_counts_the_matches_that_are_live(server: RunningServer) -> None:
    status, headers, before = server.extras("GET", "/status")
    assert (status, headers["content-type"]) == (200, JSON)
    assert before.keys() == {"status", "matchesRunning"}
    assert before["status"] == "UP"

    match = WatchedMatch(server, WebSocketClient(server.ingest_port))
    assert server.extras("GET", "/status")[2]["matchesRunning"] == before["matchesRunning"] + 1

    match.tell("round_info", GAME_END)
    match.observer.wait_closed()
    assert server.extras("GET", "/status")[2] == before
    match.close()


def test_health_tells_the_version_and_what_was_refused(
    server: RunningServer, connect: Callable[..., Client]
) -> None:
    status, _, health = server.extras("GET", "/healthz")
    assert status == 200
    assert health["status"] == "ok"
    assert health["version"] == __version__

    for key in ("wrong", "wronger"):
        client = connect()
        client.emit("obs_logon", messages.observer_logon(fresh_code(), key=key))
        client.wait_closed()
    stranger = connect()
    stranger.emit("obs_data", {})
    stranger.wait_closed()

    refused = server.refused()
    assert refused["invalid_key"] == health["refused"].get("invalid_key", 0) + 2
    assert refused["not_logged_on"] == health["refused"].get("not_logged_on", 0) + 1


# --- results --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("score", "higher"), [((13, 11), 0), ((11, 13), 1), ((12, 12), 1)])
def test_the_result_of_a_match_is_kept(server: RunningServer, score: tuple[int, int], higher: int) -> None:
    settings = {"tournamentInfo": {"name": "Cup"}, "sponsorInfo": {"enabled": True, "sponsors": ["s"]}}
    code = ended_match(server, score, toolsData=settings)

    status, headers, result = server.extras("GET", f"/getTeamInfoForCode?groupCode={code}")

    assert (status, headers["content-type"]) == (200, JSON)
    logon = messages.observer_logon(code)
    assert result == {
        "leftTeam": logon["leftTeam"],
        "rightTeam": logon["rightTeam"],
        "higherScore": higher,
        "isSupporter": False,
        **settings,
    }


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 400, "Group code is required"),
        ("?groupCode=", 400, "Group code is required"),
        ("?code=X", 400, "Group code is required"),
        ("?groupCode=NOSUCH", 404, "Group code not found"),
        ("?groupCode=../../etc", 404, "Group code not found"),
        ("?groupCode=%00%ff", 404, "Group code not found"),
        (f"?groupCode={'G' * 5_000}", 404, "Group code not found"),
    ],
)
def test_no_result_without_a_group_code_that_ended(
    server: RunningServer, query: str, status: int, text: str
) -> None:
    answered, headers, body = server.extras("GET", f"/getTeamInfoForCode{query}")

    assert (answered, headers["content-type"]) == (status, JSON)
    assert body == {"error": text}


def test_a_match_that_is_live_has_no_result_yet(server: RunningServer) -> None:
    match = WatchedMatch(server, WebSocketClient(server.ingest_port))

    assert server.extras("GET", f"/getTeamInfoForCode?groupCode={match.code}")[0] == 404
    match.close()


# --- access keys ----------------------------------------------------------------------------------------------


def test_the_organization_of_the_access_key(server: RunningServer) -> None:
    status, _, organization = server.extras("GET", f"/getOrgForKey?key={ACCESS_KEY}")

    assert status == 200
    assert organization.keys() == {"id", "name", "isSupporter"}


@pytest.mark.parametrize(
    ("query", "status"), [("", 400), ("?key=", 400), ("?key=wrong", 401), ("?key=%ff", 401)]
)
def test_no_organization_without_the_access_key(server: RunningServer, query: str, status: int) -> None:
    answered, _, body = server.extras("GET", f"/getOrgForKey{query}")

    assert answered == status
    assert body.keys() == {"error"}


# --- previews -------------------------------------------------------------------------------------------------


def test_a_preview_shows_a_match_with_these_teams_and_settings(server: RunningServer) -> None:
    status, _, made = server.extras(
        "PUT",
        "/createPreview",
        preview(leftTeam={"name": "Previewed", "tricode": "PRV"}, toolsData={"timeoutDuration": 33}),
    )
    assert status == 200
    code = made["previewCode"]
    assert re.fullmatch("[A-Z0-9]{6}", code)

    status, headers, document = server.extras("GET", f"/preview/{code}")

    assert (status, headers["content-type"]) == (200, JSON)
    assert document["groupCode"] == code
    assert document["teams"][0]["teamName"] == "Previewed"
    assert document["tools"]["timeoutDuration"] == 33
    assert document["isRunning"] is True
    assert ACCESS_KEY not in str(document)


@pytest.mark.parametrize("code", ["ABC123", "a/b..c", "%41%42", "äöü123", "??&&##"])
def test_a_preview_code_of_six_characters_is_kept(server: RunningServer, code: str) -> None:
    assert server.extras("PUT", "/createPreview", preview(previewCode=code))[2] == {"previewCode": code}

    status, _, document = server.extras("GET", f"/preview/{quote(code, safe='')}")
    assert status == 200
    assert document["groupCode"] == code


@pytest.mark.parametrize("code", [None, "", "ABC12", "ABC1234", 123456, ["A"] * 6])
def test_another_preview_code_is_replaced(server: RunningServer, code: object) -> None:
    made = server.extras("PUT", "/createPreview", preview(previewCode=code))[2]["previewCode"]

    assert re.fullmatch("[A-Z0-9]{6}", made)
    assert made != code


BAD_PREVIEWS: dict[str, tuple[Any, int]] = {
    "nothing": (b"", 400),
    "words": (b"hello", 400),
    "not UTF-8": (b'{"type": "\xff"}', 400),
    "a list": ([1], 400),
    "100,000 brackets": (b"[" * 100_000, 400),
    "a number of 5,000 digits": (b"9" * 5_000, 400),
    "a wrong type": (preview(type="authenticate"), 400),
    "no teams": ({"type": "preview", "key": ACCESS_KEY}, 400),
    "a team that is a text": (preview(leftTeam="LFT"), 400),
    "toolsData that is a list": (preview(toolsData=[]), 400),
    "no key": (preview(key=""), 400),
    "null as a key": (preview(key=None), 400),
    "a wrong key": (preview(key="wrong"), 403),
    "a body of 2 MB": (preview(toolsData={"x": "y" * 2_000_000}), 413),
}


@pytest.mark.parametrize(("body", "status"), BAD_PREVIEWS.values(), ids=BAD_PREVIEWS.keys())
def test_a_preview_that_is_refused(server: RunningServer, body: Any, status: int) -> None:
    answered, headers, answer = server.extras("PUT", "/createPreview", body)

    assert (answered, headers["content-type"]) == (status, JSON)
    assert answer.keys() == {"error"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/preview", 400),
        ("/preview/", 400),
        ("/preview/ABC", 400),
        ("/preview/ABCDEFG", 400),
        ("/preview/NOSUCH", 404),
    ],
)
def test_no_preview_without_the_code_of_one(server: RunningServer, path: str, status: int) -> None:
    answered, _, body = server.extras("GET", path)

    assert answered == status
    assert body.keys() == {"error"}


def test_a_preview_is_no_match(server: RunningServer, connect: Callable[..., Client]) -> None:
    before = server.extras("GET", "/status")[2]
    code = server.extras("PUT", "/createPreview", preview())[2]["previewCode"]

    assert server.extras("GET", "/status")[2] == before
    assert server.extras("GET", f"/getTeamInfoForCode?groupCode={code}")[0] == 404


# --- HTTP -----------------------------------------------------------------------------------------------------

PATHS = ["/status", "/healthz", "/getTeamInfoForCode", "/getOrgForKey", "/createPreview", "/preview/ABCDEF"]


@pytest.mark.parametrize("path", PATHS)
def test_any_origin_may_ask(server: RunningServer, path: str) -> None:
    for method in ("GET", "PUT", "POST"):
        _, headers, _ = server.extras(method, path, headers={"Origin": "http://overlay.example"})
        assert headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", PATHS)
def test_a_browser_that_asks_before_is_let_in(server: RunningServer, path: str) -> None:
    status, headers, body = server.extras(
        "OPTIONS",
        path,
        headers={
            "Origin": "http://overlay.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type",
        },
    )

    assert (status, body) == (204, "")
    assert headers["access-control-allow-origin"] == "*"
    assert "PUT" in headers["access-control-allow-methods"]
    assert headers["access-control-allow-headers"] == "*"


@pytest.mark.parametrize("side", ["ingest_port", "output_port"])
def test_any_origin_may_use_socket_io(server: RunningServer, side: str) -> None:
    origin = "http://overlay.example"
    for method in ("GET", "OPTIONS"):
        status, headers, _ = request(
            getattr(server, side), method, f"{PATH}polling", headers={"Origin": origin}
        )
        assert status == 200
        assert headers["access-control-allow-origin"] in (origin, "*")


@pytest.mark.parametrize("path", ["/status", "/healthz", "/getTeamInfoForCode", "/preview/NOSUCH"])
def test_head_is_get_without_a_body(server: RunningServer, path: str) -> None:
    status, headers, _ = server.extras("GET", path)
    answered, head, body = server.extras("HEAD", path)

    assert (answered, body) == (status, "")
    assert {**head, "date": ""} == {**headers, "date": ""}


@pytest.mark.parametrize(
    "path", ["", "/nothing", "/status/more", "/Status", "//status", "/socket.io/", "/%2e%2e"]
)
def test_an_unknown_path_is_answered_with_those_that_are_known(server: RunningServer, path: str) -> None:
    status, headers, body = server.extras("GET", path or "*")

    assert (status, headers["content-type"]) == (404, JSON)
    assert "/getTeamInfoForCode" in body["error"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/status", "GET"),
        ("PUT", "/status", "GET"),
        ("DELETE", "/getOrgForKey", "GET"),
        ("GET", "/createPreview", "PUT"),
        ("POST", "/createPreview", "PUT"),
        ("BREW", "/preview/ABCDEF", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(
    server: RunningServer, method: str, path: str, allowed: str
) -> None:
    status, headers, body = server.extras(method, path)

    assert status == 405
    assert headers["allow"] == allowed
    assert allowed in body["error"]


def test_a_query_without_sense_is_no_error(server: RunningServer) -> None:
    assert server.extras("GET", "/status?%ff=%00&a&&&=&key")[0] == 200


@pytest.mark.parametrize("body", [b"", b"abc"])
@pytest.mark.parametrize("how", ["FIN", "RST"])
def test_a_body_that_breaks_off_does_no_harm(server: RunningServer, body: bytes, how: str) -> None:
    head = b"PUT /createPreview HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.extras_port), TIMEOUT_S) as raw:
        raw.sendall(head + body)
        if how == "RST":
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            raw.shutdown(socket.SHUT_WR)
            assert b" 400 " in raw.makefile("rb").readline()

    assert server.extras("GET", "/status")[0] == 200


def test_a_body_that_is_announced_too_large_is_not_read(server: RunningServer) -> None:
    head = b"PUT /createPreview HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.extras_port), TIMEOUT_S) as raw:
        raw.sendall(head)

        assert b" 413 " in raw.makefile("rb").readline()


def test_several_requests_may_use_one_connection(server: RunningServer) -> None:
    with socket.create_connection(("127.0.0.1", server.extras_port), TIMEOUT_S) as raw:
        answers = raw.makefile("rb")
        for _ in range(3):
            raw.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in answers.readline()
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            assert answers.read(length).startswith(b'{"status":"UP"')
