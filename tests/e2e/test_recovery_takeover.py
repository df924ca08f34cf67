"""The observer's PC dies, and somebody else goes on."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.e2e.messages import roster
from tests.e2e.running import eventually
from tests.e2e.stage import Document, Stage, is_connected, log_on, tell
from tests.e2e.stage import code_fixture as code_fixture
from tests.e2e.stage import house_fixture as house_fixture
from tests.e2e.stage import shared_stage_fixture as shared_stage_fixture
from tests.interop.nodejs import JsClient
from valo_ingest.wire.record import Entry, Kind

TAKEOVER_S = 1
STANDBY_S = 2

SETTINGS = ("--ping-interval", "1", "--ping-timeout", "1", "--takeover-after", str(TAKEOVER_S))

LATE_S = 10
"""How much later than they may, things happen at most. The server itself is 1 s late at most, but machines are busy."""

TRY_AGAIN_S = 0.1


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

    def await_running(self, *, running: bool) -> None:
        """Return when overlays see that somebody observes the match, or nobody does."""
        self.overlay.wait_for("match_data", lambda document: document["isRunning"] is running)

    def absence(self, *, ended_by: str) -> "Absence":
        """Return the last time in which nobody observed the match, until somebody came in that way."""
        return eventually(
            lambda: absence(self._stage.kept(self._code).entries, ended_by), "the journal tells of it"
        )


@dataclass(frozen=True)
class Absence:
    """A time in which nobody observed a match, by the clock of the server."""

    began_at: int
    ended_at: int
    taken_in: int
    """Messages of an observer that the server took in meanwhile."""

    @property
    def duration_s(self) -> float:
        return (self.ended_at - self.began_at) / 1_000


def absence(entries: Sequence[Entry], ended_by: str) -> Absence | None:
    """Return the last absence in the record of a match that ended so."""
    found = None
    began_at, taken_in = 0, 0
    for entry in entries:
        if entry.kind is Kind.OBSERVERS_GONE:
            began_at, taken_in = entry.at, 0
        elif entry.kind is Kind.OBSERVER_MESSAGE:
            taken_in += 1
        elif entry.kind is Kind.OBSERVER_ON and json.loads(entry.text)["how"] == ended_by:
            found = Absence(began_at, entry.at, taken_in)
    return found


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
    """Try again and again, from now on; return the observer who has the key only and is let in."""

    def try_now() -> JsClient | None:
        second = try_without_secret(stage, group_code)
        if second is None:
            time.sleep(TRY_AGAIN_S)
        return second

    second = eventually(try_now, "the take-over", within_s=2 * LATE_S)
    assert second is not None
    return second


def test_another_pc_takes_over_with_the_access_key(stage: Stage, code: str) -> None:
    stage.start(*SETTINGS)
    cable = stage.cable(stage.server.ingest_port)
    first = stage.observe(code, over=cable, obsName="First")
    secret = log_on(first)
    scene = Scene(stage, code, first)
    assert try_without_secret(stage, code) is None

    cable.lets_in = False
    cable.blackhole()  # the PC is off: it says nothing more, and does not come back
    died_at = time.time()
    second = take_over(stage, code)
    absence = scene.absence(ended_by="take-over")
    assert TAKEOVER_S <= absence.duration_s < TAKEOVER_S + LATE_S
    noticed_s = absence.began_at / 1_000 - died_at

    scene.await_running(running=False)
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
    scene.await_running(running=False)
    scene.await_running(running=True)
    assert scene.absence(ended_by="stand-by").duration_s >= STANDBY_S
    scene.kill(first)
    assert score(scene.await_kills(4)) == [3, 2]
    assert (
        stage.observe(code, obsName="First", groupSecret=secret).wait_for("obs_logon_ack")["reason"] == secret
    )
    print(
        f"\nobserver dead: noticed after {noticed_s:.2f} s, taken over by key "
        f"{absence.duration_s:.2f} s later (--takeover-after {TAKEOVER_S})"
    )


def test_a_match_is_taken_over_after_a_restart_too(stage: Stage, code: str) -> None:
    stage.start(*SETTINGS)
    first = stage.observe(code, obsName="First", options={"reconnection": False})
    secret = log_on(first)
    scene = Scene(stage, code, first)

    stage.kill()
    stage.restart()
    second = take_over(stage, code)
    assert scene.absence(ended_by="take-over").duration_s >= TAKEOVER_S

    new_secret = json.loads(second.texts("obs_logon_ack")[0])["reason"]
    for good in (
        secret,
        new_secret,
    ):  # a server that has started again knows of secrets only whether they are right
        assert log_on(stage.observe(code, obsName="Third", groupSecret=good)) == good
    document = stage.document(code)
    assert (score(document), kills(document), document["isRunning"]) == ([3, 2], 1, True)


def test_a_stand_by_that_is_back_first_after_a_restart_still_stands_by(stage: Stage, code: str) -> None:
    stage.start(*SETTINGS)
    late = {"reconnectionDelay": 2_000, "reconnectionDelayMax": 2_000}
    active = stage.observe(code, obsName="Active", options=late)
    standby = stage.observe(code, obsName="Backup", groupSecret=log_on(active))
    log_on(standby)
    scene = Scene(stage, code, active)

    stage.kill()
    stage.restart()
    eventually(lambda: f"group_code={code} observer Active is back" in stage.log, "Active is back")
    stands_by = stage.log.index(
        f"group_code={code} observer Backup stands by", stage.log.index("is back from")
    )
    eventually(lambda: is_connected(active), "Active knows that it is back")
    scene.kill(standby)
    scene.kill(active)

    assert stands_by < stage.log.index(f"group_code={code} observer Active is back")
    scene.await_kills(2)
    assert scene.kills() == 2


def test_a_stand_by_goes_on_by_itself(stage: Stage, code: str) -> None:
    stage.start(*SETTINGS)
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
    died_at = time.time()
    scene.await_running(running=False)
    scene.kill(standby)  # too soon: the other one may come back
    scene.await_running(running=True)
    eventually(
        lambda: '"active"' in standby.texts("message")[-1], "the stand-by is told, though it sends nothing"
    )
    absence = scene.absence(ended_by="stand-by")
    assert STANDBY_S <= absence.duration_s < STANDBY_S + LATE_S
    assert absence.taken_in == 0
    seen = scene.kills()
    scene.kill(standby)
    assert score(scene.await_kills(seen + 1)) == [3, 2]

    cable.lets_in = True
    eventually(
        lambda: f"group_code={code} observer Active stands by for Backup" in stage.log, "Active is back"
    )
    eventually(lambda: is_connected(active), "Active knows that it is back")
    scene.kill(active)
    scene.kill(standby)
    scene.await_kills(seen + 2)
    assert scene.kills() == seen + 2
    print(
        f"\nobserver dead: noticed after {absence.began_at / 1_000 - died_at:.2f} s, the stand-by is active "
        f"{absence.duration_s:.2f} s later"
    )
