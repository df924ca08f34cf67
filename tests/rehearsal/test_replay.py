from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from tests.rehearsal.tapes import (
    CODE,
    Line,
    auxiliary_logon,
    gone,
    logon,
    opening,
    phase,
    recording,
    reported,
    score,
    told,
)
from valo_ingest.errors import NotLetIn
from valo_ingest.rehearsal.accounting import ACCEPTED, Accounts, Tally
from valo_ingest.rehearsal.pacing import Due, Pace, Plan, plan
from valo_ingest.rehearsal.replay import HANDOVER_S, MAX_WAITING, Player
from valo_ingest.rehearsal.steps import Step

AUX = [auxiliary_logon(2_000, "P"), reported(3_000, "P", "aux_health", 55), told(4_000, "map", "Port")]


class LateTally(Tally):
    """Of a server that answers only when everybody waits for it."""

    def __init__(self, stage: "Stage") -> None:
        super().__init__(monotonic_s=lambda: stage.now_s)
        self.due: list[int] = []

    def settle(self, *options: Any) -> Accounts:
        while self.due:
            self.answer(self.due.pop(), ACCEPTED)
        return super().settle(*options)


class Stage:
    """A server that is not there, and time that passes only when somebody sleeps."""

    def __init__(self, *, answers: bool = True, refuses: tuple[str, ...] = ()) -> None:
        self.now_s = 1_000.0
        self.answers = answers
        self.refuses = refuses
        self.log: list[tuple[float, str, str]] = []
        """When which client did what."""
        self.clients: dict[str, FakeClient] = {}
        self.logons: list[Mapping[str, Any]] = []
        self.sent: list[str] = []
        self.watched: list[int] = []
        self.watch: Callable[[], None] = lambda: None
        self.tally = LateTally(self)
        self.player = self.make_player(self.sleep)

    def make_player(self, sleep: Callable[[float], None]) -> Player:
        return Player(
            lambda step, logon: FakeClient(self, step, logon),
            tally=self.tally,
            sleep=sleep,
            monotonic_s=lambda: self.now_s,
            watch=lambda player: (self.watched.append(player.position_ms), self.watch())[0],
        )

    def sleep(self, duration_s: float) -> None:
        assert duration_s > 0
        self.now_s += duration_s

    def note(self, client: str, what: str) -> None:
        is_first_after_another = bool(self.log) and self.log[-1][1] != client
        assert not (is_first_after_another and self.tally.due), "what another client sent is not answered"
        self.log.append((round(self.now_s - 1_000, 3), client, what))

    def play(self, *lines: Line, pace: Pace | None = None, **options: Any) -> Plan:
        made = plan(recording(*lines), pace or Pace())
        self.player.play(made, **options)
        return made

    @property
    def did(self) -> list[tuple[str, str]]:
        return [(client, what) for _, client, what in self.log]


class FakeClient:
    """Writes down what it does."""

    def __init__(self, stage: Stage, step: Step, logon: Mapping[str, Any]) -> None:
        self._stage = stage
        self._step = step
        self._logon = logon
        self.is_over = False
        self.is_connected = False
        self.group_secret = ""
        stage.clients[step.client] = self

    def connect(self) -> None:
        self._stage.logons.append(self._logon)
        if self._step.client in self._stage.refuses:
            raise NotLetIn("http://server", self._step.client, "no")
        self.is_connected = True
        self._stage.note(self._step.client, "connect")
        if self._step.channel == "obs_logon":
            self.group_secret = f"SECRET{len(self._stage.logons)}"

    def send_text(self, kind: str, text: str, *, is_goodbye: bool = False) -> None:
        stage = self._stage
        assert not (is_goodbye and stage.tally.due), "what is before the end of a match is not answered"
        stage.note(self._step.client, kind)
        stage.sent.append(text)
        number = stage.tally.begin(kind)
        if number is not None and stage.answers:
            stage.tally.due.append(number)
        if is_goodbye:
            self.is_over = True

    def wait_until_back(self, timeout_s: float) -> bool:
        self._stage.log.append((0, self._step.client, "wait"))
        self.is_connected = True
        return True

    def close(self) -> None:
        self._stage.note(self._step.client, "close")
        self.is_connected = False


def test_everything_is_sent_at_its_time() -> None:
    stage = Stage()

    stage.play(*opening(), told(5_000, "map", "Port"), pace=Pace(speed=2))

    assert stage.log[-2:] == [(0.5, "obs", "round_info"), (2.5, "obs", "map")]
    assert [msgspec.json.decode(text)["type"] for text in stage.sent][-1] == "map"


def test_the_time_after_the_last_step_passes_too() -> None:
    stage = Stage()
    pause = {"channel": "sleep", "client": "-", "payload": {}, "at_ms": 9_000}

    stage.play(*opening(), pause)

    assert stage.now_s == pytest.approx(1_009)


@pytest.mark.parametrize(
    ("oversleeps_s", "sent_at"),
    [(0.08, [1.13, 1.13, 1.23]), (1.5, [1.75, 3.3, 4.85])],
    ids=["a little: it catches up", "much: all that follows is late"],
)
def test_who_is_late(oversleeps_s: float, sent_at: list[float]) -> None:
    stage = Stage()

    def sleep_long(duration_s: float) -> None:
        stage.now_s += duration_s + oversleeps_s

    late = [told(at_ms, "map") for at_ms in (1_050, 1_100, 1_150)]
    stage.make_player(sleep_long).play(plan(recording(logon(), *late), Pace()))

    assert [at for at, _, _ in stage.log[-3:]] == pytest.approx(sent_at)


def test_what_runs_out_has_its_time_also_where_sending_takes_long() -> None:
    stage = Stage()

    def take_long() -> None:
        stage.now_s += 0.5

    stage.watch = take_long
    timeouts = [told(at_ms, "left_timeout") for at_ms in (2_000, 50_000)]

    made = stage.play(logon(toolsData={"timeoutDuration": 1}), *timeouts, pace=Pace(speed=None))

    assert made.added == 0
    first, second = (at for at, _, what in stage.log if what == "left_timeout")
    assert second - first > 1, "or else the second key would cancel the first timeout"


def test_somebody_may_watch_all_the_time() -> None:
    stage = Stage()

    stage.play(*opening(), told(5_000, "map", "Port"))

    assert stage.watched[-1] == 5_000
    assert len(stage.watched) > len(opening()) + 15


def test_clients_act_in_the_order_of_the_recording_and_after_what_was_sent_is_answered() -> None:
    stage = Stage()

    stage.play(*opening(), *AUX, gone(5_000, "aux:P"), auxiliary_logon(6_000, "P"))

    assert stage.did[len(opening()) :] == [
        ("aux:P", "connect"),
        ("aux:P", "aux_health"),
        ("obs", "map"),
        ("aux:P", "close"),
        ("aux:P", "connect"),
    ]


def test_not_everything_is_on_its_way_at_the_same_time() -> None:
    stage = Stage()
    most: list[int] = []
    stage.watch = lambda: most.append(stage.tally.waiting_count)

    stage.play(*opening(), *(told(2_000, "map", "Port") for _ in range(MAX_WAITING * 2)))

    assert max(most) == MAX_WAITING


def test_a_server_that_answers_nothing_is_given_time_between_clients() -> None:
    stage = Stage(answers=False)
    at_once = [
        auxiliary_logon(10_000, "P"),
        reported(10_000, "P", "aux_health", 55),
        told(10_000, "map", "Port"),
    ]

    stage.play(*opening(), told(10_000, "map", "Port"), *at_once)

    before, logged_on, sent, after = (at for at, _, _ in stage.log[-4:])
    assert logged_on - before == pytest.approx(HANDOVER_S)
    assert sent == logged_on
    assert after - sent == pytest.approx(HANDOVER_S)


def test_a_logon_repeats_the_group_secret_that_was_told_last() -> None:
    stage = Stage()

    stage.play(*opening(), gone(2_000), logon(3_000, groupSecret="${secret}"))

    assert [said["groupSecret"] for said in stage.logons] == ["", "SECRET1"]


def test_a_new_logon_closes_the_connection_before() -> None:
    stage = Stage()

    stage.play(*opening(), logon(2_000, groupSecret="${secret}"))

    assert stage.did[-2:] == [("obs", "close"), ("obs", "connect")]


def test_who_is_not_let_in_sends_nothing() -> None:
    stage = Stage(refuses=("aux:P",))

    stage.play(*opening(), *AUX)

    assert [error.who for error in stage.player.refused_logons] == ["aux:P"]
    assert stage.player.not_sent == 1
    assert stage.did[-1] == ("obs", "map")


def test_a_replay_ends_where_its_first_logon_is_refused() -> None:
    stage = Stage(refuses=("obs",))

    with pytest.raises(NotLetIn):
        stage.play(*opening())

    assert not stage.sent


def test_what_follows_the_end_of_a_match_is_not_sent() -> None:
    stage = Stage()

    stage.play(*opening(), phase(2_000, 1, "game_end"), told(3_000, "map", "Port"))

    assert stage.player.not_sent == 1
    assert stage.player.accounts().lost == 0


def test_a_message_that_is_no_json_is_sent_as_it_is() -> None:
    stage = Stage()

    stage.play(*opening(), {**told(2_000, "raw"), "raw": "not json"})

    assert stage.sent[-1] == "not json"


def test_a_person_may_stop_it_before_any_step() -> None:
    stage = Stage()
    left = [3]

    def may_go_on(due: Due) -> bool:
        left[0] -= 1
        return left[0] > 0

    made = plan(recording(*opening()), Pace())

    assert not stage.player.play(made, may_go_on=may_go_on)
    assert len(stage.log) == 2
    assert stage.now_s == 1_000


def test_round_and_score_are_told_by_the_left_and_the_right_team() -> None:
    stage = Stage()
    swapped = logon(
        leftTeam={"name": "L", "attackStart": False}, rightTeam={"name": "R", "attackStart": True}
    )

    stage.play(*opening(), phase(2_000, 4, "combat"), score(3_000, 5, 1))
    assert (stage.player.round, stage.player.score, stage.player.position_ms) == (
        (4, "combat"),
        (5, 1),
        3_000,
    )

    stage.play(swapped, score(3_000, 5, 1))
    assert (stage.player.round, stage.player.score) == (None, (1, 5))


def test_matches_that_go_on_are_ended_when_wanted() -> None:
    stage = Stage()
    made = stage.play(*opening(), *AUX)

    stage.player.end_matches(made)
    stage.player.leave()

    last = msgspec.json.decode(stage.sent[-1])
    assert (last["groupCode"], last["data"]["roundPhase"]) == (CODE, "game_end")
    assert {("obs", "close"), ("aux:P", "close")} <= set(stage.did)


def test_in_the_end_who_was_cut_off_with_something_to_send_is_waited_for() -> None:
    stage = Stage()
    stage.play(*opening(), *AUX)
    for client in stage.clients.values():
        client.is_connected = False
    assert stage.player.lost_connections == 2

    (sent,) = (due for due in plan(recording(told(0, "map", "Port")), Pace()).dues if not due.step.is_made_up)
    stage.player.play(
        Plan(dues=(sent,), end_ms=0, added=0, omitted=0, differences=(), group_codes=(), goodbyes=())
    )
    stage.player.leave()

    assert ("obs", "wait") in stage.did
    assert ("aux:P", "wait") not in stage.did
