import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.e2e import messages
from tests.live.fakes import FakeJournal
from tests.transport.builders import FakeTeller, NoDeadlines
from valo_ingest import __version__
from valo_ingest.clock import ManualClock
from valo_ingest.errors import InvalidMessage, LeftAside, LogonRefused
from valo_ingest.game import events as happened
from valo_ingest.live.clients import Auxiliary, Observer, Sender
from valo_ingest.live.refusals import Refusals
from valo_ingest.live.sessions import Sessions
from valo_ingest.transport.ingest import ClientConnections, IngestHandlers
from valo_ingest.transport.limits import LogonDelays
from valo_ingest.transport.packets import MALFORMED
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.messages import AuxiliaryLogon, AuxiliaryMessage, ObserverLogon, ObserverMessage

MAP = {"obsName": "C", "groupCode": "A", "type": "map", "data": "Duality"}
HEALTH = {"playerId": "P", "matchId": "M", "type": "aux_health", "data": 5}


class FakeSio:
    """Calls handlers as python-socketio does, and keeps what is sent and who is disconnected."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., Any]] = {}
        self.manager = SimpleNamespace(
            sid_from_eio_sid=lambda session_id, namespace: (
                session_id if session_id in self.connected else None
            )
        )
        self.connected: set[str] = set()
        self.happened: list[tuple[Any, ...]] = []

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        self.handlers[event] = handler

    def emit(self, event: str, text: str, *, to: str) -> None:
        self.happened.append((event, to, json.loads(text)))

    def disconnect(self, sid: str) -> None:
        """End a connection: the handler is called before this returns, and only once."""
        if sid in self.connected:
            self.connected.remove(sid)
            self.happened.append(("disconnect", sid))
            self.handlers["disconnect"](sid, "server disconnect")

    def connect(self, sid: str) -> None:
        self.connected.add(sid)
        self.handlers["connect"](sid, {}, None)

    def receive(self, sid: str, event: str, *arguments: Any) -> Any:
        """Return what a client is answered that asks for an acknowledgement."""
        if sid not in self.connected:
            return None
        if event in self.handlers:
            return self.handlers[event](sid, *arguments)
        return self.handlers["*"](event, sid, *arguments)


class FakeController:
    """Lets everybody in who is not to be refused, and keeps what it is called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refusal: LogonRefused | None = None
        self.invalid: InvalidMessage | None = None
        self.meanwhile: Callable[[], None] = lambda: None
        """Runs while a logon is checked."""

    def log_on_observer(self, client_id: str, logon: ObserverLogon, address: str) -> tuple[Observer, str]:
        self._check("observer", client_id, logon.group_code)
        return Observer(
            client_id=client_id, group_code=logon.group_code, name=logon.observer_name
        ), "SECRETSECRET"

    def log_on_auxiliary(self, client_id: str, logon: AuxiliaryLogon) -> Auxiliary:
        self._check("auxiliary", client_id, logon.match_id)
        return Auxiliary(
            client_id=client_id, match_id=logon.match_id, player_id=logon.player_id, name=logon.name
        )

    def _check(self, *call: Any) -> None:
        self.calls.append(call)
        self.meanwhile()
        if self.refusal is not None:
            raise self.refusal

    def resume(self, sender: Sender) -> bool:
        return True

    def adopt(self, client_id: str, message: ObserverMessage, address: str) -> Observer | None:
        return None

    def receive_from_observer(self, sender: Observer, message: ObserverMessage) -> None:
        self._take(sender, message.event)

    def receive_from_auxiliary(self, sender: Auxiliary, message: AuxiliaryMessage) -> Auxiliary:
        self._take(sender, message.event)
        return sender

    def _take(self, sender: Sender, event: happened.Event) -> None:
        if self.invalid is not None:
            raise self.invalid
        self.calls.append((sender.client_id, event))

    def disconnect(self, client: Sender) -> None:
        self.calls.append(("gone", client.client_id))


class Fixture:
    def __init__(self) -> None:
        self.sio = FakeSio()
        self.controller = FakeController()
        self.clock = ManualClock()
        self.refusals = Refusals(self.clock)
        self.teller = FakeTeller()
        tokens = (f"token-{number}" for number in range(1_000))
        self.sessions = Sessions(
            clock=self.clock,
            journal=FakeJournal(),
            new_token=lambda: next(tokens),
            ttl_ms=7_200_000,
            max_lost_per_address=10,
            max_lost=100,
        )
        self.handlers = IngestHandlers(
            self.sio,
            controller=self.controller,
            sessions=self.sessions,
            deadlines=NoDeadlines(),
            wait_in_line=lambda address: None,
            teller=self.teller,
            delays=LogonDelays(now=lambda: 0.0),
            refusals=self.refusals,
            accepted_versions=VersionRange(">=0.3.3 <0.3.25"),
        )
        self.handlers.attach()
        self.sio.connect("c")

    def observe(self, sid: str = "c", **changes: Any) -> None:
        self.sio.receive(sid, "obs_logon", messages.observer_logon("A", **changes))

    def join(self, sid: str = "c", **changes: Any) -> None:
        self.sio.receive(sid, "aux_logon", messages.auxiliary_logon("M", "P", **changes))

    def counted(self) -> set[tuple[str, str, str, int]]:
        """Return which events were counted."""
        return {
            (channel.value, event_type, result, count)
            for channel, tally in self.handlers.tallies.items()
            for event_type, result, count in tally
            if count
        }

    def answer(self) -> dict[str, Any]:
        """Return the answer to a refused logon, behind which the connection was ended."""
        (event, to, answer), end = self.sio.happened
        assert event in ("obs_logon_ack", "aux_logon_ack")
        assert to == "c"
        assert end == ("disconnect", "c")
        assert answer["value"] is False
        return dict(answer)


@pytest.fixture
def made() -> Fixture:
    return Fixture()


# --- logons ---------------------------------------------------------------------------------------------------


def test_an_observer_is_answered_with_the_secret(made: Fixture) -> None:
    made.observe()

    answer = {"type": "authenticate", "value": True, "reason": "SECRETSECRET"}
    assert made.sio.happened == [("obs_logon_ack", "c", answer)]
    assert made.controller.calls == [("observer", "c", "A")]


def test_an_auxiliary_client_is_answered_without_a_reason(made: Fixture) -> None:
    made.join()

    assert made.sio.happened == [("aux_logon_ack", "c", {"type": "aux_authenticate", "value": True})]


def test_the_answer_to_a_refused_observer_comes_before_the_disconnect(made: Fixture) -> None:
    made.controller.refusal = LogonRefused("invalid_key", "Invalid Key")
    made.observe()

    assert made.answer() == {"type": "authenticate", "value": False, "reason": "Invalid Key"}
    assert made.refusals.counts == {"invalid_key": 1}
    assert ("gone", "c") not in made.controller.calls  # it was never there


def test_a_refused_auxiliary_client_is_answered_with_its_own_type(made: Fixture) -> None:
    made.controller.refusal = LogonRefused("match_not_found", "Game with Match ID M not found.")
    made.join()

    assert made.answer() == {
        "type": "aux_authenticate",
        "value": False,
        "reason": "Game with Match ID M not found.",
    }


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"type": "nonsense"}, "Invalid packet. type: "),
    ({"clientVersion": None}, "Invalid packet. clientVersion: "),
    (
        {"clientVersion": "9.9.9"},
        f"Client version 9.9.9 is not compatible with server version {__version__}.",
    ),
    ({"leftTeam": 5}, "Invalid packet. leftTeam: "),
]
"""What can be wrong with a logon, in the order in which it is looked at."""


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_the_first_fault_of_a_logon_is_the_one_that_is_told(made: Fixture, first: int) -> None:
    changes = {name: value for fault, _ in reversed(FAULTS[first:]) for name, value in fault.items()}
    made.controller.refusal = LogonRefused("invalid_key", "Invalid Key")

    made.observe(**changes)

    assert made.answer()["reason"].startswith(FAULTS[first][1])
    assert made.controller.calls == []  # the key and the group code come after all these


@pytest.mark.parametrize(
    "arguments",
    [(), (None,), ("[" * 100_000,), (b"\xff",), ([],), (5,), ({}, {}, {})],
    ids=lambda value: repr(value)[:20],
)
def test_a_logon_that_is_no_object_is_answered(made: Fixture, arguments: tuple[Any, ...]) -> None:
    made.sio.receive("c", "obs_logon", *arguments)

    assert made.answer()["reason"].startswith("Invalid packet. ")


def test_only_the_first_logon_of_a_kind_is_looked_at(made: Fixture) -> None:
    for _ in range(3):
        made.observe()
        made.join()

    assert made.controller.calls == [("observer", "c", "A")]
    assert len(made.sio.happened) == 1
    assert made.refusals.counts == {}


def test_a_logon_that_comes_while_the_first_is_checked_is_not_looked_at(made: Fixture) -> None:
    made.controller.meanwhile = made.observe
    made.observe()

    assert made.controller.calls == [("observer", "c", "A")]


def test_every_connection_has_a_logon_of_its_own(made: Fixture) -> None:
    made.sio.connect("d")
    made.observe("c")
    made.observe("d")

    assert made.controller.calls == [("observer", "c", "A"), ("observer", "d", "A")]


def test_a_client_that_went_while_its_key_was_checked_is_gone(made: Fixture) -> None:
    made.controller.meanwhile = lambda: made.sio.disconnect("c")

    made.observe()

    assert made.sio.happened == [("disconnect", "c")]
    assert made.controller.calls == [("observer", "c", "A"), ("gone", "c")]


def test_a_client_that_went_while_it_was_refused_was_never_there(made: Fixture) -> None:
    made.controller.meanwhile = lambda: made.sio.disconnect("c")
    made.controller.refusal = LogonRefused("invalid_key", "Invalid Key")

    made.observe()

    assert made.controller.calls == [("observer", "c", "A")]


# --- data -----------------------------------------------------------------------------------------------------


def test_data_reaches_the_controller_as_events(made: Fixture) -> None:
    made.sio.connect("d")
    made.observe("c")
    made.join("d")

    made.sio.receive("c", "obs_data", json.dumps(MAP))
    made.sio.receive("d", "aux_data", json.dumps(HEALTH).encode())
    made.sio.receive("c", "obs_data", MAP, "further", "arguments")

    assert made.controller.calls[2:] == [
        ("c", happened.MapChosen("Duality")),
        ("d", happened.HealthReported("P", 5)),
        ("c", happened.MapChosen("Duality")),
    ]


@pytest.mark.parametrize("event", ["obs_data", "aux_data"])
def test_data_before_a_logon_ends_the_connection_and_is_counted(made: Fixture, event: str) -> None:
    made.sio.receive("c", event, MAP)

    assert made.sio.happened == [("disconnect", "c")]
    assert made.refusals.counts == {"not_logged_on": 1}
    assert made.controller.calls == []
    assert made.teller.told == [("c", "error", "not_logged_on", 1)]


def test_data_behind_a_refused_logon_is_not_looked_at(made: Fixture) -> None:
    made.observe(type="nonsense")
    made.sio.receive("c", "obs_data", MAP)

    assert made.controller.calls == []
    assert made.refusals.counts == {"invalid_packet": 1}


def test_data_of_the_other_kind_is_counted_and_the_client_stays(made: Fixture) -> None:
    made.sio.connect("d")
    made.observe("c")
    made.join("d")
    made.sio.receive("c", "aux_data", HEALTH)
    made.sio.receive("d", "obs_data", MAP)

    assert made.refusals.counts == {"wrong_channel": 2}
    assert made.sio.connected == {"c", "d"}
    assert len(made.controller.calls) == 2


@pytest.mark.parametrize(
    "arguments",
    [(), (None,), ("x",), (b"\xff",), ("[" * 100_000,), ({},), ([MAP],)],
    ids=lambda value: repr(value)[:20],
)
def test_data_that_cannot_be_read_is_counted_and_the_client_stays(
    made: Fixture, arguments: tuple[Any, ...]
) -> None:
    made.observe()
    made.sio.receive("c", "obs_data", *arguments)

    assert sum(made.refusals.counts.values()) == 1
    assert made.sio.connected == {"c"}
    assert len(made.controller.calls) == 1


def test_what_the_controller_refuses_is_counted_and_the_client_stays(made: Fixture) -> None:
    made.observe()
    made.controller.invalid = InvalidMessage("foreign_match", "names another match")
    made.sio.receive("c", "obs_data", MAP)

    assert made.refusals.counts == {"foreign_match": 1}
    assert made.sio.connected == {"c"}


def test_an_event_that_was_taken_in_is_acknowledged(made: Fixture) -> None:
    made.observe()
    made.sio.connect("a")
    made.join("a")

    assert json.loads(made.sio.receive("c", "obs_data", MAP)) == {"type": "accepted"}
    assert json.loads(made.sio.receive("a", "aux_data", HEALTH)) == {"type": "accepted"}


def test_the_acknowledgement_of_a_refused_event_says_why(made: Fixture) -> None:
    made.observe()
    made.sio.connect("a")
    made.join("a")
    score = {"obsName": "C", "groupCode": "A", "type": "score", "data": {"team_0": None, "team_1": 1}}

    unreadable = json.loads(made.sio.receive("c", "obs_data", score))
    misplaced = json.loads(made.sio.receive("a", "obs_data", MAP))

    assert (unreadable["type"], unreadable["code"]) == ("error", "invalid_field")
    assert unreadable["path"] == "data.team_0"
    assert unreadable["message"]
    assert (misplaced["type"], misplaced["code"]) == ("error", "wrong_channel")


def test_a_bug_of_the_controller_is_not_caught(made: Fixture) -> None:
    made.observe()
    made.controller.invalid = ZeroDivisionError()  # type: ignore[assignment]

    with pytest.raises(ZeroDivisionError):
        made.sio.receive("c", "obs_data", MAP)


def test_unknown_events_and_malformed_packets_are_counted(made: Fixture) -> None:
    made.observe()
    made.sio.receive("c", "no_such_event", {}, {})
    made.sio.receive("c", MALFORMED)

    assert made.refusals.counts == {"unknown_socket_event": 1, "malformed_packet": 1}
    assert made.sio.connected == {"c"}


def test_a_stranger_may_send_unknown_events(made: Fixture) -> None:
    made.sio.receive("c", "no_such_event")

    assert made.refusals.counts == {"unknown_socket_event": 1}


def test_the_log_names_the_match_of_the_sender(made: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    for sid in ("o", "a", "s"):
        made.sio.connect(sid)
    made.observe("o")
    made.join("a")
    for sid in ("o", "a", "s"):
        made.sio.receive(sid, "no_such_event")

    assert [record.getMessage().split(" message ")[0] for record in caplog.records] == [
        "group_code=A",
        "group_code=- match_id=M",
        "group_code=-",
    ]


# --- what clients are told --------------------------------------------------------------------------------------


def test_a_refused_event_is_told_to_its_sender_with_its_number(made: Fixture) -> None:
    made.sio.connect("d")
    made.observe("c")
    made.join("d")
    made.sio.receive("c", "obs_data", MAP)
    made.sio.receive("d", "aux_data", HEALTH)
    made.sio.receive("d", "aux_data", HEALTH)
    made.sio.receive("c", "obs_data", {**MAP, "data": 5})
    made.sio.receive("d", "aux_data", "[]")
    made.sio.receive("c", "aux_data", HEALTH)

    assert made.teller.told == [
        ("c", "error", "invalid_field", 2),
        ("d", "error", "not_object", 3),
        ("c", "error", "wrong_channel", 3),
    ]


def test_what_is_no_event_of_the_protocol_is_told_with_the_number_of_the_last_one(made: Fixture) -> None:
    made.observe()
    made.sio.receive("c", "obs_data", MAP)
    made.sio.receive("c", "no_such_event")
    made.sio.receive("c", MALFORMED)

    assert made.teller.told == [
        ("c", "error", "unknown_socket_event", 1),
        ("c", "error", "malformed_packet", 1),
    ]


def test_a_stand_by_is_told_once_that_it_is_one_and_once_that_it_is_not_any_more(made: Fixture) -> None:
    made.observe()
    made.controller.invalid = LeftAside("You are a stand-by.")
    for _ in range(5):
        made.sio.receive("c", "obs_data", MAP)
    made.controller.invalid = None
    for _ in range(5):
        made.sio.receive("c", "obs_data", MAP)

    assert made.teller.told == [("c", "notice", "stand_by", 1), ("c", "notice", "active", 6)]
    assert made.refusals.counts == {}
    assert made.counted() == {("obs_data", "map", "left_aside", 5), ("obs_data", "map", "accepted", 5)}


def test_a_stand_by_that_cannot_be_told_yet_is_told_later(made: Fixture) -> None:
    made.observe()
    made.controller.invalid = LeftAside("You are a stand-by.")
    made.teller.is_heard = False
    made.sio.receive("c", "obs_data", MAP)
    made.teller.is_heard = True
    made.sio.receive("c", "obs_data", MAP)

    assert made.teller.told == [("c", "notice", "stand_by", 2)]


def test_a_client_that_sends_too_fast_is_told(made: Fixture) -> None:
    made.observe()
    made.sio.receive("c", "obs_data", MAP)

    made.handlers.slow_down("c")
    made.handlers.slow_down("a session of overlays")

    assert made.teller.told == [("c", "notice", "events_slowed_down", 1)]


def test_a_client_whose_session_is_lost_is_told_why_it_has_to_log_on(made: Fixture) -> None:
    made.sio.disconnect("c")
    made.sio.connected.add("d")
    made.sio.handlers["connect"]("d", {}, {"pid": "no such token"})

    answer = json.loads(made.sio.receive("d", "obs_data", MAP))

    assert answer["code"] == "not_logged_on"
    assert "session of before is not known" in answer["message"]
    assert made.refusals.counts == {"unknown_session": 1, "not_logged_on": 1}


def test_the_acknowledgement_of_an_event_that_is_left_aside_is_no_error(made: Fixture) -> None:
    made.observe()
    made.controller.invalid = LeftAside("You are a stand-by.")

    assert json.loads(made.sio.receive("c", "obs_data", MAP)) == {
        "type": "notice",
        "code": "stand_by",
        "message": "You are a stand-by.",
        "path": "",
    }


def test_events_are_counted_by_type_as_far_as_that_is_known(made: Fixture) -> None:
    made.observe()
    made.sio.receive("c", "obs_data", MAP)
    made.sio.receive("c", "obs_data", {**MAP, "type": "made up"})
    made.sio.receive("c", "obs_data", {**MAP, "data": 5})
    made.sio.receive("c", "obs_data", {**MAP, "type": "aux_health"})
    made.sio.receive("c", "obs_data", "nonsense")
    made.controller.invalid = InvalidMessage("foreign_match", "It names another match.")
    made.sio.receive("c", "obs_data", MAP)

    assert made.counted() == {
        ("obs_data", "map", "accepted", 1),
        ("obs_data", "unknown", "accepted", 1),
        ("obs_data", "map", "refused", 2),
        ("obs_data", "unknown", "refused", 2),
    }


def test_connections_are_counted_by_whose_they_are(made: Fixture) -> None:
    for sid in ("d", "e", "f"):
        made.sio.connect(sid)
    made.observe("c")
    made.observe("d")
    made.join("e")

    assert made.handlers.clients() == {"Observer": 2, "Auxiliary": 1, "": 1}
    made.sio.disconnect("d")
    assert made.handlers.clients() == {"Observer": 1, "Auxiliary": 1, "": 1}
    assert made.teller.forgotten == ["d"]
    assert made.handlers.disconnects == {"server disconnect": 1}


# --- the end --------------------------------------------------------------------------------------------------


def test_the_controller_hears_once_of_the_end_of_a_client_that_was_logged_on(made: Fixture) -> None:
    made.observe()
    made.sio.disconnect("c")
    made.sio.handlers["disconnect"]("c", "transport close")

    assert made.controller.calls == [("observer", "c", "A"), ("gone", "c")]


def test_the_controller_does_not_hear_of_the_end_of_a_stranger(made: Fixture) -> None:
    made.sio.disconnect("c")

    assert made.controller.calls == []


def test_the_controller_disconnects_clients(made: Fixture) -> None:
    made.sio.connect("d")
    made.sio.connect("e")

    ClientConnections(made.sio).disconnect(iter(["c", "d", "no longer there"]))

    assert made.sio.connected == {"e"}
