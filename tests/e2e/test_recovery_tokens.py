"""Stealing tokens is pointless: who brings one that is not good any more is nobody, and the match does not notice."""

import re
from pathlib import Path
from typing import Final

from tests.e2e.proxy import Proxy
from tests.e2e.running import eventually
from tests.e2e.stage import Document, Stage, log_on, tell, wait_for_names
from tests.e2e.stage import code_fixture as code_fixture
from tests.e2e.stage import house_fixture as house_fixture
from tests.e2e.stage import shared_stage_fixture as shared_stage_fixture
from tests.interop.nodejs import JsClient

TOKEN: Final = re.compile(rb'"pid":"([^"]+)"')

MADE_UP: Final = (
    "",
    "x",
    "A" * 32,
    "A" * 100_000,
    "\0",
    "ä" * 32,
    7,
    True,
    None,
    ["A" * 32],
    {"pid": "A" * 32},
)


class Scene:
    """A match on Ascent whose observer is behind a cable on which somebody listens in."""

    def __init__(self, stage: Stage, group_code: str) -> None:
        self._stage = stage
        self.code = group_code
        self.cable = stage.cable(stage.server.ingest_port)
        self.observer = stage.observe(group_code, over=self.cable)
        self.secret = log_on(self.observer)
        self.observer.wait_until_happened("upgrade")
        tell(self.observer, group_code, "match_start", group_code)
        self.choose("Ascent")

    @property
    def tokens(self) -> list[str]:
        """The tokens that the server has given to the observer, in order."""
        return overheard(self.cable)

    def choose(self, name: str, observer: JsClient | None = None) -> None:
        """Have an observer choose a map, and return when the server shows it."""
        tell(observer or self.observer, self.code, "map", name)
        eventually(lambda: self.document()["map"] == name, f"the observer has chosen {name}")

    def document(self) -> Document:
        return self._stage.document(self.code)

    def come_back(self) -> None:
        """Cut the cable, and return when the observer has its next token."""
        times = self.observer.names().count("connect")
        self.cable.cut()
        for happening in ("connect", "upgrade"):
            wait_for_names(self.observer, times + 1, happening)

    def assert_goes_on(self) -> None:
        """Prove that nobody but the observer has written, and that it still can."""
        assert self.document()["map"] == "Ascent"
        self.choose("Icebox")
        self.choose("Ascent")
        assert self.observer.names().count("disconnect") == self.observer.names().count("connect") - 1


def overheard(cable: Proxy) -> list[str]:
    return [found.decode() for link in cable.links for found in TOKEN.findall(bytes(link.downstream))]


def thief(stage: Stage, token: object, *, port: int | None = None) -> JsClient:
    """Connect a client that brings a token as if it were its own."""
    url = f"http://127.0.0.1:{port or stage.server.ingest_port}"
    client = stage.connect(url, auth={"pid": token, "offset": "1"}, reconnection=False)
    client.wait_for("connect")
    return client


def assert_is_nobody(stage: Stage, group_code: str, token: object) -> None:
    """Prove that a client with this token is let in as a stranger, and put out as soon as it sends data."""
    client = thief(stage, token)
    tell(client, group_code, "map", "Stolen")
    assert client.wait_for("disconnect") == "io server disconnect"


def test_a_made_up_token(stage: Stage, code: str) -> None:
    stage.start()
    scene = Scene(stage, code)

    for token in MADE_UP:
        assert_is_nobody(stage, code, token)

    scene.assert_goes_on()


def test_a_token_of_another_server(stage: Stage, code: str, tmp_path: Path) -> None:
    stage.start()
    scene = Scene(stage, code)
    directory = tmp_path / "other"
    directory.mkdir()
    other = Stage(directory)
    try:
        other.start()
        elsewhere = Scene(other, code)
        assert_is_nobody(stage, code, elsewhere.tokens[0])
        assert_is_nobody(other, code, scene.tokens[0])
        elsewhere.assert_goes_on()
    finally:
        other.close()
    scene.assert_goes_on()


def test_a_token_that_was_used(stage: Stage, code: str) -> None:
    stage.start()
    scene = Scene(stage, code)
    scene.come_back()
    scene.choose("Icebox")
    scene.come_back()
    scene.choose("Ascent")
    *used, current = scene.tokens
    assert len({*used, current}) == 3

    for token in used:
        assert_is_nobody(stage, code, token)
    stage.kill()
    stage.restart()
    for token in used:
        assert_is_nobody(stage, code, token)

    wait_for_names(scene.observer, 4, "connect")
    scene.assert_goes_on()


def test_a_session_is_never_in_use_by_two(stage: Stage, code: str) -> None:
    """The token of now cannot be told from its owner's; but who loses the session is told, and out at once."""
    stage.start()
    scene = Scene(stage, code)
    running = matches_running(stage)

    heir = thief(stage, scene.tokens[-1])

    assert scene.observer.wait_for("disconnect") == "io server disconnect"
    tell(scene.observer, code, "map", "Icebox")
    scene.choose("Bind", heir)
    assert matches_running(stage) == running


def matches_running(stage: Stage) -> int:
    return int(stage.server.extras("GET", "/status")[2]["matchesRunning"])


def test_the_token_of_an_ended_match(stage: Stage, code: str) -> None:
    stage.start()
    scene = Scene(stage, code)
    scene.cable.lets_in = False
    scene.cable.cut()  # a client that is away when its match ends
    scene.observer.wait_for("disconnect")
    second = stage.observe(code, groupSecret=scene.secret)
    log_on(second)

    tell(second, code, "round_info", {"roundNumber": 1, "roundPhase": "game_end"})
    assert second.wait_for("disconnect") == "io server disconnect"
    again = Scene(stage, code)  # another match, with the same code

    assert_is_nobody(stage, code, scene.tokens[-1])
    again.assert_goes_on()


def test_the_token_of_a_client_that_said_goodbye(stage: Stage, code: str) -> None:
    stage.start()
    scene = Scene(stage, code)

    scene.observer.disconnect()
    eventually(lambda: not scene.document()["isRunning"], "the observer is gone")

    assert_is_nobody(stage, code, scene.tokens[-1])
    stage.kill()
    stage.restart()
    assert_is_nobody(stage, code, scene.tokens[-1])
    assert not scene.document()["isRunning"]
    log_on(stage.observe(code, groupSecret=scene.secret))


def test_a_token_on_the_wrong_side(stage: Stage, code: str) -> None:
    stage.start()
    scene = Scene(stage, code)
    cable = stage.cable(stage.server.output_port)
    overlay = stage.follow(code, over=cable)

    assert_is_nobody(stage, code, overheard(cable)[-1])
    client = thief(stage, scene.tokens[-1], port=stage.server.output_port)
    client.emit("logon", {"groupCode": code})
    client.wait_for("match_data")

    scene.assert_goes_on()
    scene.come_back()
    scene.choose("Lotus")
    cable.cut()
    overlay.wait_for("connect")
    overlay.wait_for("match_data", lambda document: document["map"] == "Lotus")


def test_tokens_and_secrets_are_never_logged(stage: Stage, code: str) -> None:
    stage.start("--log-level", "debug")
    scene = Scene(stage, code)
    scene.come_back()
    scene.choose("Icebox")
    assert_is_nobody(stage, code, scene.tokens[0])
    assert_is_nobody(stage, code, "made-up-token")
    cable = stage.cable(stage.server.output_port)
    stage.follow(code, over=cable)
    stage.kill()
    stage.restart()
    wait_for_names(scene.observer, 3, "connect")

    log = stage.log
    assert "is back (recovered)" in log
    for secret in (scene.secret, "made-up-token", *scene.tokens, *overheard(cable)):
        assert secret not in log
