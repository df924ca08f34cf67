"""The observer's PC dies, and somebody else goes on."""

import json
import time

from tests.e2e.messages import roster
from tests.e2e.running import eventually
from tests.e2e.stage import Document, Stage, is_connected, log_on, tell
from tests.e2e.stage import code_fixture as code_fixture
from tests.e2e.stage import stage_fixture as stage_fixture
from tests.interop.nodejs import JsClient

NOTICED_SOON = ("--ping-interval", "1", "--ping-timeout", "1")

NOTICED_S = 2
"""A silent connection is noticed after this long at most, with these settings."""

TAKEOVER_S = 1
STANDBY_S = 2

SLACK_S = 1
"""For a busy machine."""

EARLY_S = 0.1
"""How much sooner a test may see something than the server's clock says: it looks at two ends of a connection."""


class Scene:
    """A match that has begun, with a score of 3:2 and one kill, and an overlay that looks at it."""

    def __init__(self, stage: Stage, group_code: str, observer: JsClient) -> None:
        self._stage = stage
        self._code = group_code
        self.overlay = stage.follow(group_code)
        tell(observer, group_code, "roster", roster("P"))
        tell(observer, group_code, "roster", roster("Q", team=1))
        tell(observer, group_code, "match_start", group_code)
        tell(observer, group_code, "score", {"team_0": 3, "team_1": 2})
        self.kill(observer)
        self.await_kills(1)

    def kill(self, observer: JsClient) -> None:
        """Let an observer tell that Player P has killed Player Q, and return when the server has looked at it."""
        feed = {
            "attacker": "Player P",
            "victim": "Player Q",
            "weaponKillfeedInternal": "TX_Hud_Volcano",
            "headshotKill": False,
            "assists": [],
            "isTeamkill": False,
        }
        before = self._foreign()
        tell(observer, self._code, "killfeed", feed)
        tell(observer, "SOMEBODY", "killfeed", feed)  # which is refused, and counted
        eventually(lambda: self._foreign() > before, "the server has looked at what an observer told")

    def _foreign(self) -> int:
        return self._stage.server.refused().get("foreign_match", 0)

    def kills(self) -> int:
        """Return how many kills the server shows now."""
        return kills(self._stage.document(self._code))

    def await_kills(self, count: int) -> Document:
        document: Document = self.overlay.wait_for("match_data", lambda shown: kills(shown) == count)
        return document

    def await_running(self, *, running: bool) -> float:
        """Return when overlays see that somebody observes the match, or nobody does."""
        self.overlay.wait_for("match_data", lambda document: document["isRunning"] is running)
        return time.monotonic()


def kills(document: Document) -> int:
    """Return how many kills the kill feed has brought Player P in this match."""
    return sum(player["kills"] for team in document["teams"] for player in team["players"])


def score(document: Document) -> list[int]:
    return [team["roundsWon"] for team in document["teams"]]


def try_without_secret(stage: Stage, group_code: str) -> JsClient | None:
    """Log an observer on who has the key only; return it if it was let in."""
    client = stage.observe(group_code, obsName="Second")
    answer = client.wait_for("obs_logon_ack")
    if answer["value"]:
        return client
    assert answer["reason"] == f"Game with Group Code {group_code} exists and is still live."
    return None


def take_over(stage: Stage, group_code: str) -> JsClient:
    """Return an observer who has the key only, as soon as it is let in."""
    second = eventually(
        lambda: try_without_secret(stage, group_code), "the take-over", within_s=TAKEOVER_S + SLACK_S
    )
    assert second is not None
    return second


def test_another_pc_takes_over_with_the_access_key(stage: Stage, code: str) -> None:
    stage.start(*NOTICED_SOON, "--takeover-after", str(TAKEOVER_S))
    cable = stage.cable(stage.server.ingest_port)
    first = stage.observe(code, over=cable, obsName="First")
    secret = log_on(first)
    scene = Scene(stage, code, first)
    assert try_without_secret(stage, code) is None

    cable.lets_in = False
    cable.blackhole()  # the PC is off: it says nothing more, and does not come back
    died_at = time.monotonic()
    assert try_without_secret(stage, code) is None
    noticed_at = scene.await_running(running=False)
    assert noticed_at - died_at < NOTICED_S + SLACK_S
    assert try_without_secret(stage, code) is None
    second = take_over(stage, code)
    taken_over_at = time.monotonic()
    assert taken_over_at - noticed_at > TAKEOVER_S - EARLY_S

    scene.await_running(running=True)
    scene.kill(second)
    assert score(scene.await_kills(2)) == [3, 2]
    assert f"group_code={code} taken over from First by Second" in stage.log

    cable.lets_in = True
    eventually(lambda: f"group_code={code} observer First stands by for Second" in stage.log, "First is back")
    scene.kill(first)
    scene.kill(second)
    scene.await_kills(3)

    second.disconnect()
    gone_at = scene.await_running(running=False)
    assert scene.await_running(running=True) - gone_at > STANDBY_S - EARLY_S
    scene.kill(first)
    assert score(scene.await_kills(4)) == [3, 2]
    assert (
        stage.observe(code, obsName="First", groupSecret=secret).wait_for("obs_logon_ack")["reason"] == secret
    )
    print(
        f"\nobserver dead: noticed after {noticed_at - died_at:.2f} s, taken over by key "
        f"{taken_over_at - noticed_at:.2f} s later (--takeover-after {TAKEOVER_S})"
    )


def test_a_match_is_taken_over_after_a_restart_too(stage: Stage, code: str) -> None:
    stage.start("--takeover-after", str(TAKEOVER_S))
    first = stage.observe(code, obsName="First", options={"reconnection": False})
    secret = log_on(first)
    Scene(stage, code, first)

    stage.kill()
    stage.restart()
    assert try_without_secret(stage, code) is None
    second = take_over(stage, code)

    new_secret = json.loads(second.texts("obs_logon_ack")[0])["reason"]
    for good in (
        secret,
        new_secret,
    ):  # a server that has started again knows of secrets only whether they are right
        assert log_on(stage.observe(code, obsName="Third", groupSecret=good)) == good
    document = stage.document(code)
    assert (score(document), kills(document), document["isRunning"]) == ([3, 2], 1, True)


def test_a_stand_by_goes_on_by_itself(stage: Stage, code: str) -> None:
    stage.start(*NOTICED_SOON)
    cable = stage.cable(stage.server.ingest_port)
    active = stage.observe(code, over=cable, obsName="Active")
    secret = log_on(active)
    standby = stage.observe(code, obsName="Backup", groupSecret=secret)
    assert log_on(standby) == secret
    scene = Scene(stage, code, active)

    for number in range(2, 5):  # both see everything
        scene.kill(standby)
        scene.kill(active)
        scene.await_kills(number)
    assert scene.kills() == 4

    cable.lets_in = False
    cable.blackhole()
    died_at = time.monotonic()
    noticed_at = scene.await_running(running=False)
    scene.kill(standby)  # not yet: the other one may come back
    assert scene.kills() == 4
    let_in_at = scene.await_running(running=True)
    assert STANDBY_S - EARLY_S < let_in_at - noticed_at < STANDBY_S + SLACK_S
    scene.kill(standby)
    assert score(scene.await_kills(5)) == [3, 2]

    cable.lets_in = True
    eventually(
        lambda: f"group_code={code} observer Active stands by for Backup" in stage.log, "Active is back"
    )
    eventually(lambda: is_connected(active), "Active knows that it is back")
    scene.kill(active)
    scene.kill(standby)
    scene.await_kills(6)
    assert scene.kills() == 6
    print(
        f"\nobserver dead: noticed after {noticed_at - died_at:.2f} s, the stand-by is active "
        f"{let_in_at - noticed_at:.2f} s later"
    )
