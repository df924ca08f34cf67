from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from tests.live.fakes import FakeJournal, setup
from tests.transport.builders import FakeTeller, NoDeadlines
from valo_ingest.clock import ManualClock
from valo_ingest.errors import InvalidMessage
from valo_ingest.game import events as happened
from valo_ingest.game.reducer import apply
from valo_ingest.game.state import Match, new_match
from valo_ingest.live.refusals import Refusals
from valo_ingest.live.sessions import Sessions
from valo_ingest.live.turns import Turns
from valo_ingest.transport.audience import room_of
from valo_ingest.transport.overlays import (
    BUSY_FACTOR,
    MAX_FOLLOWED,
    RETRY_MS,
    OverlayHandlers,
    OverlayPublisher,
)
from valo_ingest.wire import overlay

INTERVAL_MS = 20


class FakeSio:
    """Keeps what is sent, and to whom."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}
        self.sent: list[tuple[str, str, str]] = []
        self.rooms: list[tuple[str, str]] = []
        self.gone: set[str] = set()

    def on(self, event: str, handler: Callable[..., None]) -> None:
        self.handlers[event] = handler

    def emit(self, event: str, text: str, *, to: str = "", room: str = "") -> None:
        self.sent.append((event, text, to or room))

    def enter_room(self, sid: str, room: str) -> None:
        if sid in self.gone:
            raise KeyError(sid)
        self.rooms.append((sid, room))

    def leave_room(self, sid: str, room: str) -> None:
        self.rooms.remove((sid, room))


class FakeAudience:
    """Sends all at once, and what is owed when it is asked to."""

    def __init__(self, sent: list[tuple[str, str, str]]) -> None:
        self._sent = sent
        self.owed: list[tuple[str, str]] = []
        self.is_stuck = False

    def send(self, group_code: str, text: str) -> None:
        self._sent.append(("match_data", text, room_of(group_code)))

    def welcome(self, client_id: str, group_code: str) -> None:
        self.owed.append((client_id, group_code))

    def send_owed(self, text_of: Callable[[str], str | None], *, to_slow: bool) -> None:
        if not self.is_stuck:
            owed, self.owed = self.owed, []
            for client_id, group_code in owed:
                text = text_of(group_code)
                if text is not None:
                    self._sent.append(("match_data", text, client_id))

    def forget(self, client_id: str, group_code: str | None = None) -> None:
        self.owed = [owed for owed in self.owed if owed[0] != client_id or group_code not in (None, owed[1])]


class FakeTimers:
    """Runs functions later, by a clock that is moved by hand."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._waiting: list[tuple[int, Callable[..., None], tuple[Any, ...]]] = []

    def call_later(self, seconds: float, function: Callable[..., None], *arguments: Any) -> None:
        self._waiting.append((self._clock.now_ms() + round(seconds * 1000), function, arguments))

    def pass_time(self, duration_ms: int) -> None:
        """Run what is due, step by step; by 0 ms as well, as an event loop does."""
        for step in range(duration_ms + 1):
            self._clock.advance(min(step, 1))
            due = [timer for timer in self._waiting if timer[0] <= self._clock.now_ms()]
            self._waiting = [timer for timer in self._waiting if timer not in due]
            for _, function, arguments in due:
                function(*arguments)


class Fixture:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sio = FakeSio()
        self.timers = FakeTimers(self.clock)
        self.refusals = Refusals(self.clock)
        self.journal = FakeJournal()
        turns = Turns(clock=self.clock, call_later=self.timers.call_later, commit=self.journal.commit)
        self.audience = FakeAudience(self.sio.sent)
        self.in_line: Callable[[], None] = lambda: None
        """What happens while somebody waits in line."""
        self.teller = FakeTeller()
        self.publisher = OverlayPublisher(
            self.audience,
            now_ms=self.clock.now_ms,
            request_turn=turns.request,
            send_interval_ms=INTERVAL_MS,
            stopwatch=lambda: self.clock.now_ms() / 1000,
        )
        turns.show_by(self.publisher.send_due)
        tokens = (f"token-{number}" for number in range(1_000))
        self.sessions = Sessions(
            clock=self.clock,
            journal=self.journal,
            new_token=lambda: next(tokens),
            ttl_ms=7_200_000,
            max_lost_per_address=10,
            max_lost=100,
        )
        self.overlays = OverlayHandlers(
            self.sio,
            publisher=self.publisher,
            audience=self.audience,
            sessions=self.sessions,
            deadlines=NoDeadlines(),
            wait_in_line=lambda address: self.in_line(),
            refusals=self.refusals,
            teller=self.teller,
            now_ms=self.clock.now_ms,
        )
        self.overlays.attach()

    def log_on(self, payload: object, sid: str = "overlay") -> None:
        self.sio.handlers["connect"](sid, {"REMOTE_ADDR": "10.0.0.7"}, None)
        self.sio.handlers["logon"](sid, payload)

    def message(self) -> str:
        """Return what the overlay that logged on last was told."""
        answers = [text for event, text, _ in self.sio.sent if event == "logon_success"]
        return str(msgspec.json.decode(answers[-1])["msg"])

    def documents(self, group_code: str = "A") -> list[dict[str, Any]]:
        """Return what was sent to those who follow a match."""
        texts = [
            text for event, text, to in self.sio.sent if (event, to) == ("match_data", room_of(group_code))
        ]
        return [msgspec.json.decode(text) for text in texts]

    def rounds_won(self) -> list[int]:
        return [document["teams"][0]["roundsWon"] for document in self.documents()]


@pytest.fixture
def made() -> Fixture:
    return Fixture()


def match_with(rounds_won: int = 0, *, group_code: str = "A") -> Match:
    match = new_match(setup(group_code))
    return apply(match, happened.ScoreReported(rounds_won, 0), 0) if rounds_won else match


# --- the publisher --------------------------------------------------------------------------------------------


def test_a_change_is_sent_at_once(made: Fixture) -> None:
    made.publisher.publish(match_with(1))

    made.timers.pass_time(0)

    assert made.rounds_won() == [1]


def test_the_next_change_waits_for_the_interval(made: Fixture) -> None:
    made.publisher.publish(match_with(1))
    made.timers.pass_time(5)
    made.publisher.publish(match_with(2))

    made.timers.pass_time(INTERVAL_MS - 6)
    assert made.rounds_won() == [1]
    made.timers.pass_time(1)
    assert made.rounds_won() == [1, 2]


def test_of_changes_within_an_interval_the_newest_is_sent(made: Fixture) -> None:
    for rounds_won in range(100):
        made.publisher.publish(match_with(rounds_won))
    made.timers.pass_time(0)
    for rounds_won in range(100, 200):
        made.publisher.publish(match_with(rounds_won))
    made.timers.pass_time(INTERVAL_MS)

    assert made.rounds_won() == [99, 199]


def test_a_change_after_a_quiet_time_is_sent_at_once_again(made: Fixture) -> None:
    for rounds_won in (1, 2, 3):
        made.publisher.publish(match_with(rounds_won))
        made.timers.pass_time(0)
        assert made.rounds_won()[-1] == rounds_won
        made.timers.pass_time(INTERVAL_MS)


def test_documents_are_never_closer_than_the_interval_and_the_last_one_comes(made: Fixture) -> None:
    sent_at = []
    for now in range(500):
        if now % 3 == 0:
            made.publisher.publish(match_with(now + 1))
        before = len(made.sio.sent)
        made.timers.pass_time(0)
        sent_at += [now] * (len(made.sio.sent) - before)
        made.clock.advance(1)
    made.timers.pass_time(INTERVAL_MS)

    assert all(later - earlier >= INTERVAL_MS for earlier, later in pairwise(sent_at))
    assert len(sent_at) >= 500 // (INTERVAL_MS + 3)
    assert made.rounds_won()[-1] == 499


def test_while_much_is_to_be_done_the_interval_is_longer(made: Fixture) -> None:
    made.publisher.publish(match_with(1))
    made.timers.pass_time(0)
    made.publisher.publish(match_with(2))
    sent_at = made.clock.now_ms()

    due_at = made.publisher.send_due(sent_at + INTERVAL_MS, is_busy=True)
    assert due_at == sent_at + BUSY_FACTOR * INTERVAL_MS
    assert made.rounds_won() == [1]

    made.publisher.send_due(sent_at + INTERVAL_MS)
    assert made.rounds_won() == [1, 2]


def test_matches_do_not_wait_for_each_other(made: Fixture) -> None:
    made.publisher.publish(match_with(1, group_code="A"))
    made.publisher.publish(match_with(1, group_code="B"))

    made.timers.pass_time(0)

    assert len(made.documents("A")) == len(made.documents("B")) == 1


def test_the_same_document_is_not_sent_twice(made: Fixture) -> None:
    for _ in range(3):
        made.publisher.publish(match_with(1))
        made.timers.pass_time(INTERVAL_MS)

    assert made.rounds_won() == [1]


def test_a_change_that_was_taken_back_in_time_is_not_sent(made: Fixture) -> None:
    made.publisher.publish(match_with(1))
    made.timers.pass_time(0)
    made.publisher.publish(match_with(2))
    made.publisher.publish(match_with(1))
    made.timers.pass_time(INTERVAL_MS)

    assert made.rounds_won() == [1]


def test_the_final_state_is_sent_at_once_and_nothing_after_it(made: Fixture) -> None:
    made.publisher.publish(match_with(1))
    made.timers.pass_time(0)
    made.publisher.publish(match_with(2))

    made.publisher.publish_final(match_with(3))
    assert made.rounds_won() == [1, 3]

    made.timers.pass_time(10 * INTERVAL_MS)
    assert made.rounds_won() == [1, 3]


def test_a_final_state_that_was_sent_already_is_not_sent_again(made: Fixture) -> None:
    made.publisher.publish(match_with(1))
    made.timers.pass_time(0)

    made.publisher.publish_final(match_with(1))

    assert made.rounds_won() == [1]


def test_a_state_is_encoded_once_for_all_overlays(made: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []

    class CountingEncoder(overlay.Encoder):
        def encode(self, match: Match) -> str:
            encoded.append(match)
            return super().encode(match)

    monkeypatch.setattr(overlay, "Encoder", CountingEncoder)
    for number in range(10):
        made.log_on({"groupCode": "A"}, f"overlay-{number}")
    made.publisher.publish(match_with(1))
    made.timers.pass_time(INTERVAL_MS)
    made.log_on({"groupCode": "A"}, "late")

    assert len(encoded) == 1


def test_what_is_owed_to_somebody_is_tried_again_until_it_is_sent(made: Fixture) -> None:
    made.publisher.publish(match_with(1))
    made.timers.pass_time(0)
    made.audience.is_stuck = True
    made.log_on({"groupCode": "A"})
    made.timers.pass_time(5 * RETRY_MS)
    made.audience.is_stuck = False
    made.sio.sent.clear()

    made.timers.pass_time(RETRY_MS)

    assert [(event, to) for event, _, to in made.sio.sent] == [("match_data", "overlay")]


def test_nothing_is_owed_to_an_overlay_that_is_gone(made: Fixture) -> None:
    made.audience.is_stuck = True
    made.log_on({"groupCode": "A"})

    made.sio.handlers["disconnect"]("overlay", "transport close")

    assert made.audience.owed == []


def test_nothing_is_kept_of_a_match_that_is_forgotten(made: Fixture) -> None:
    made.publisher.publish(match_with(1))
    made.timers.pass_time(0)
    made.publisher.publish(match_with(2))

    made.publisher.forget("A")
    made.timers.pass_time(INTERVAL_MS)

    assert made.publisher.last_text("A") is None
    assert made.rounds_won() == [1]
    made.publisher.forget("NOSUCH")


def test_the_time_from_an_event_to_its_document_is_measured_once_per_document(made: Fixture) -> None:
    for rounds_won in (1, 2, 3):
        made.publisher.publish(match_with(rounds_won))
        made.clock.advance(3)
    made.timers.pass_time(0)
    made.publisher.publish(match_with(3))  # which looks the same, and is not sent
    made.timers.pass_time(INTERVAL_MS)
    made.publisher.publish(match_with(4))
    made.clock.advance(2)
    made.publisher.publish_final(match_with(5))

    assert [count for _, count in made.publisher.send_times.cumulative()][-1] == 2
    assert made.publisher.send_times.total == pytest.approx(0.009 + 0.002, abs=1e-6)


# --- the handlers ---------------------------------------------------------------------------------------------


def test_an_overlay_is_answered_and_gets_what_the_others_got_last(made: Fixture) -> None:
    made.publisher.publish(match_with(1))
    made.timers.pass_time(0)
    made.publisher.publish(match_with(2))  # not sent yet
    made.sio.sent.clear()

    made.log_on('{"groupCode": "A"}')
    made.timers.pass_time(5)

    (answer_event, answer, answer_to), (event, document, to) = made.sio.sent
    assert (answer_event, answer_to) == ("logon_success", "overlay")
    assert msgspec.json.decode(answer)["groupCode"] == "A"
    assert (event, to) == ("match_data", "overlay")
    assert msgspec.json.decode(document)["teams"][0]["roundsWon"] == 1
    assert made.sio.rooms == [("overlay", room_of("A"))]


def test_an_overlay_of_an_unknown_match_is_answered_and_waits(made: Fixture) -> None:
    made.log_on({"groupCode": "A"})
    made.timers.pass_time(5)

    assert [event for event, _, _ in made.sio.sent] == ["logon_success"]
    assert made.sio.rooms == [("overlay", room_of("A"))]
    assert made.message() == "Following this code; no match is live yet."


def test_an_overlay_of_a_live_match_is_told_so_also_before_anything_was_sent(made: Fixture) -> None:
    made.publisher.publish(match_with(1))
    made.log_on({"groupCode": "A"})
    assert made.message() == "Following this match."

    made.timers.pass_time(5)
    made.log_on({"groupCode": "A"})
    assert made.message() == "Following this match."


def test_an_overlay_follows_so_many_codes_and_the_oldest_makes_room(made: Fixture) -> None:
    made.audience.is_stuck = True
    made.log_on({"groupCode": "OLDEST"})
    newest = [f"CODE{number}" for number in range(MAX_FOLLOWED)]
    for code in newest:
        made.sio.handlers["logon"]("overlay", {"groupCode": code})

    assert made.sio.rooms == [("overlay", room_of(code)) for code in newest]
    assert made.audience.owed == [("overlay", code) for code in newest]
    assert made.refusals.counts == {"too_many_codes": 1}
    assert made.teller.told == [("overlay", "error", "too_many_codes", 0)]


def test_an_overlay_that_is_found_gone_when_it_is_told_of_too_many_codes_does_no_harm(made: Fixture) -> None:
    """As happens when it has not answered a ping: the library ends a session in the middle of sending."""
    made.log_on({"groupCode": "OLDEST"})
    for number in range(MAX_FOLLOWED - 1):
        made.sio.handlers["logon"]("overlay", {"groupCode": f"CODE{number}"})

    def find_gone(client_id: str, error: InvalidMessage, number: int = 0) -> None:
        made.sio.gone.add(client_id)
        made.sio.handlers["disconnect"](client_id, "ping timeout")

    made.teller.refuse = find_gone  # type: ignore[method-assign]
    made.sio.handlers["logon"]("overlay", {"groupCode": "NEWEST"})

    assert made.refusals.counts == {"too_many_codes": 1}
    assert made.overlays.clients()["Follower"] == 0


def test_an_overlay_that_logs_on_to_the_same_code_again_follows_no_more_codes_for_that(made: Fixture) -> None:
    made.log_on({"groupCode": "A"})
    for _ in range(2 * MAX_FOLLOWED):
        made.sio.handlers["logon"]("overlay", {"groupCode": "A"})

    assert made.refusals.counts == {}


def test_an_overlay_that_goes_while_it_waits_in_line_is_not_logged_on(made: Fixture) -> None:
    made.in_line = lambda: made.sio.handlers["disconnect"]("overlay", "transport close")

    made.log_on({"groupCode": "A"})

    assert made.sio.rooms == []
    assert made.sio.sent == []
    assert made.overlays.clients()["Follower"] == 0


@pytest.mark.parametrize("how", ["publish_final", "recall"])
def test_an_overlay_of_a_match_that_has_ended_is_told_so_until_the_next_one(made: Fixture, how: str) -> None:
    ended = apply(match_with(1), happened.MatchAbandoned(), 0)
    getattr(made.publisher, how)(ended)
    made.log_on({"groupCode": "A"})
    assert made.message() == "Following this code; its last match is over, and no other is live yet."

    made.publisher.publish(match_with(2))
    made.log_on({"groupCode": "A"})
    assert made.message() == "Following this match."
    made.timers.pass_time(INTERVAL_MS)
    made.log_on({"groupCode": "A"})
    assert made.message() == "Following this match."


def test_nothing_is_told_of_a_match_that_is_forgotten(made: Fixture) -> None:
    made.publisher.publish_final(apply(match_with(1), happened.MatchAbandoned(), 0))
    made.publisher.forget("A")

    made.log_on({"groupCode": "A"})

    assert made.message() == "Following this code; no match is live yet."


def test_connections_are_counted_by_whether_they_follow_a_match(made: Fixture) -> None:
    made.log_on({"groupCode": "A"}, "one")
    made.log_on({"groupCode": "A"}, "two")
    made.sio.handlers["connect"]("three", {}, None)
    assert made.overlays.clients() == {"Follower": 2, "": 1}

    made.sio.handlers["disconnect"]("one", "ping timeout")

    assert made.overlays.clients() == {"Follower": 1, "": 1}
    assert made.teller.forgotten == ["one"]
    assert made.overlays.disconnects == {"ping timeout": 1}


@pytest.mark.parametrize("form", [str, str.encode, msgspec.json.decode])
def test_every_form_of_a_logon_is_read(made: Fixture, form: Callable[[str], Any]) -> None:
    made.log_on(form('{"groupCode": "A", "extra": 1}'))

    assert made.sio.rooms == [("overlay", room_of("A"))]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "not_json"),
        ("[" * 100_000, "not_json"),
        (b"\xff", "not_json"),
        (None, "not_object"),
        ("[]", "not_object"),
        ({}, "overlay_logon"),
        ({"groupCode": 5}, "overlay_logon"),
        ({"groupCode": ""}, "overlay_logon"),
        ({"groupCode": "G" * 65}, "overlay_logon"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_logon_that_cannot_be_read_is_counted(made: Fixture, payload: object, reason: str) -> None:
    made.log_on(payload)

    assert made.refusals.counts == {reason: 1}
    assert made.teller.told == [("overlay", "error", reason, 0)]
    assert made.sio.sent == made.sio.rooms == []


def test_a_logon_without_any_argument_is_counted(made: Fixture) -> None:
    made.sio.handlers["logon"]("overlay")

    assert made.refusals.counts == {"not_object": 1}


def test_everything_else_is_counted(made: Fixture) -> None:
    made.sio.handlers["*"]("obs_data", "overlay", "{}", "more")

    assert made.refusals.counts == {"overlay_event": 1}
    assert made.teller.told == [("overlay", "error", "overlay_event", 0)]


def test_a_room_is_never_the_room_of_a_client() -> None:
    """Socket.IO gives every client a room named by its id, which a group code could look like."""
    assert room_of("client-id") != "client-id"
