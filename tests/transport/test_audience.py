from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from valo_ingest.clock import ManualClock
from valo_ingest.transport import audience as module
from valo_ingest.transport.audience import Audience, room_of
from valo_ingest.transport.deflate import Broadcast

A_DOCUMENT = '{"groupCode":"A"}'


class FakeWebSocket:
    """Takes messages while it can."""

    def __init__(self) -> None:
        self.is_stuck = False
        self.taken: list[str] = []

    def offer(self, message: Broadcast) -> bool:
        if not self.is_stuck:
            assert message.text.startswith("42")
            event, text = msgspec.json.decode(message.text[2:])
            assert event == "match_data"
            self.taken.append(text)
        return not self.is_stuck


class FakeWorld:
    """A Socket.IO server and what lies below it. The session of a client is named like the client."""

    def __init__(self, **rooms: list[str]) -> None:
        self.manager = self
        self.rooms = {room_of(group_code): clients for group_code, clients in rooms.items()}
        self.websockets: dict[str, FakeWebSocket] = {}
        self.busy: set[str] = set()
        self.emitted: list[tuple[str, str]] = []
        for clients in rooms.values():
            for client_id in clients:
                self.websockets.setdefault(client_id, FakeWebSocket())

    def get_participants(self, namespace: str, room: str) -> list[tuple[str, str]]:
        return [(client_id, client_id) for client_id in self.rooms.get(room, [])]

    def eio_sid_from_sid(self, client_id: str, namespace: str) -> str | None:
        is_there = any(client_id in clients for clients in self.rooms.values())
        return client_id if is_there else None

    def is_idle(self, session_id: str) -> bool:
        return session_id not in self.busy

    def offer(self, session_id: str, message: Broadcast) -> bool | None:
        websocket = self.websockets.get(session_id)
        return None if websocket is None else self.is_idle(session_id) and websocket.offer(message)

    def emit(self, event: str, text: str, *, to: str) -> None:
        self.emitted.append((to, text))

    def taken(self, client_id: str) -> list[str]:
        return self.websockets[client_id].taken


def make(**rooms: list[str]) -> tuple[Audience, Any]:
    world = FakeWorld(**rooms)
    clock = ManualClock(1_000)
    return Audience(world, world, now_ms=clock.now_ms), world


def test_a_document_is_written_to_all_who_follow_its_match() -> None:
    audience, world = make(A=["one", "two"], B=["other"])

    audience.send("A", A_DOCUMENT)

    assert world.taken("one") == world.taken("two") == [A_DOCUMENT]
    assert world.taken("other") == []
    assert audience.owed == {}


def test_who_is_slow_holds_nobody_up_and_gets_the_newest_document() -> None:
    audience, world = make(A=["slow", "quick"])
    world.websockets["slow"].is_stuck = True
    for number in range(5):
        audience.send("A", str(number))
    assert world.taken("quick") == ["0", "1", "2", "3", "4"]
    assert audience.owed == {"slow": {"A": 1_000}}

    world.websockets["slow"].is_stuck = False
    audience.send_owed({"A": "4"}.get, to_slow=True)

    assert world.taken("slow") == ["4"]
    assert audience.dropped == 4
    assert audience.owed == {}


def test_who_can_take_a_document_again_is_not_sent_the_older_one_behind_it() -> None:
    audience, world = make(A=["slow"])
    world.websockets["slow"].is_stuck = True
    audience.send("A", "old")
    world.websockets["slow"].is_stuck = False

    audience.send("A", "new")
    audience.send_owed({"A": "new"}.get, to_slow=True)

    assert world.taken("slow") == ["new"]
    assert audience.dropped == 1


def test_nothing_overtakes_what_waits_to_be_sent_to_a_client() -> None:
    audience, world = make(A=["one"])
    world.busy.add("one")

    audience.welcome("one", "A")
    audience.send_owed({"A": A_DOCUMENT}.get, to_slow=False)
    assert world.taken("one") == []

    world.busy.clear()
    audience.send_owed({"A": A_DOCUMENT}.get, to_slow=True)
    assert world.taken("one") == [A_DOCUMENT]


def test_a_newcomer_that_was_sent_a_document_is_not_sent_it_again() -> None:
    audience, world = make(A=["one"])
    audience.welcome("one", "A")

    audience.send("A", A_DOCUMENT)
    audience.send_owed({"A": A_DOCUMENT}.get, to_slow=False)

    assert world.taken("one") == [A_DOCUMENT]


def test_who_follows_two_matches_is_owed_each() -> None:
    audience, world = make(A=["one"], B=["one"])
    world.websockets["one"].is_stuck = True
    audience.send("A", "a")
    audience.send("B", "b")
    assert audience.owed == {"one": {"A": 1_000, "B": 1_000}}

    world.websockets["one"].is_stuck = False
    audience.send_owed({"A": "a", "B": "b"}.get, to_slow=True)

    assert world.taken("one") == ["a", "b"]


def test_who_has_no_websocket_is_sent_a_document_when_it_has_taken_the_last() -> None:
    audience, world = make(A=["polling"])
    del world.websockets["polling"]

    audience.send("A", "1")
    world.busy.add("polling")
    audience.send("A", "2")
    audience.send("A", "3")
    world.busy.clear()
    audience.send_owed({"A": "3"}.get, to_slow=True)

    assert world.emitted == [("polling", "1"), ("polling", "3")]
    assert audience.dropped == 1


def test_a_match_that_has_no_document_is_owed_to_nobody() -> None:
    audience, _world = make(A=["one"])
    audience.welcome("one", "A")

    audience.send_owed({}.get, to_slow=True)
    assert audience.owed == {}


def test_who_is_gone_is_owed_nothing() -> None:
    audience, _world = make(A=["one"])
    audience.welcome("one", "A")

    audience.forget("one")
    audience.forget("one")

    assert audience.owed == {}


def test_who_is_new_is_shown_the_match_and_has_missed_nothing() -> None:
    audience, world = make(A=["new"])
    world.busy.add("new")  # the answer to its logon is not sent yet
    audience.welcome("new", "A")

    audience.send("A", "newest")
    assert audience.dropped == 0
    world.busy.clear()
    audience.send_owed({"A": "newest"}.get, to_slow=False)

    assert world.taken("new") == ["newest"]
    assert audience.owed == {}


def test_who_is_slow_is_not_tried_at_every_turn() -> None:
    audience, world = make(A=["slow"])
    world.websockets["slow"].is_stuck = True
    audience.send("A", A_DOCUMENT)
    world.websockets["slow"].is_stuck = False

    audience.send_owed({"A": A_DOCUMENT}.get, to_slow=False)
    assert world.taken("slow") == []

    audience.send_owed({"A": A_DOCUMENT}.get, to_slow=True)
    assert world.taken("slow") == [A_DOCUMENT]


def test_who_goes_while_its_logon_is_answered_is_owed_nothing() -> None:
    """Answering a client can show that it is gone, so that it is forgotten before it is welcomed."""
    audience, _world = make(A=[])
    audience.forget("gone")
    audience.welcome("gone", "A")

    audience.send_owed({"A": A_DOCUMENT}.get, to_slow=True)
    audience.send_owed({"A": A_DOCUMENT}.get, to_slow=True)

    assert audience.owed == {}


def test_a_document_is_encoded_once_however_many_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    audience, world = make(A=["one", "two"])
    encoded = []

    def counting(text: str, message: Callable[[str], str] = module._message) -> str:
        encoded.append(text)
        return message(text)

    monkeypatch.setattr(module, "_message", counting)
    world.busy |= {"one", "two"}
    audience.send("A", A_DOCUMENT)
    audience.send_owed({"A": A_DOCUMENT}.get, to_slow=True)
    assert encoded == [A_DOCUMENT]

    world.busy.clear()
    audience.send_owed({"A": A_DOCUMENT}.get, to_slow=True)
    assert encoded == [A_DOCUMENT] * 2


def test_nothing_of_a_match_that_a_client_has_left_is_sent_to_it() -> None:
    audience, world = make(A=["slow"], B=["slow"])
    world.websockets["slow"].is_stuck = True
    audience.send("A", "a")
    audience.send("B", "b")
    audience.welcome("slow", "C")

    audience.forget("slow", "A")
    audience.forget("slow", "C")
    world.websockets["slow"].is_stuck = False
    audience.send_owed({"A": "a", "B": "b", "C": "c"}.get, to_slow=True)

    assert world.taken("slow") == ["b"]
