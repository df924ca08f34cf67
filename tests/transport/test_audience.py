from typing import Any

import msgspec

from valo_ingest.transport.audience import Audience, room_of

A_DOCUMENT = '{"groupCode":"A"}'


class FakeWebSocket:
    """Takes messages while it can."""

    def __init__(self) -> None:
        self.is_stuck = False
        self.taken: list[str] = []

    def offer(self, message: str) -> bool:
        if not self.is_stuck:
            assert message.startswith("42")
            event, text = msgspec.json.decode(message[2:])
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

    def eio_sid_from_sid(self, client_id: str, namespace: str) -> str:
        return client_id

    def is_idle(self, session_id: str) -> bool:
        return session_id not in self.busy

    def websocket_of(self, session_id: str) -> FakeWebSocket | None:
        return self.websockets.get(session_id)

    def emit(self, event: str, text: str, *, to: str) -> None:
        self.emitted.append((to, text))

    def taken(self, client_id: str) -> list[str]:
        return self.websockets[client_id].taken


def make(**rooms: list[str]) -> tuple[Audience, Any]:
    world = FakeWorld(**rooms)
    return Audience(world, world), world


def test_a_document_is_written_to_all_who_follow_its_match() -> None:
    audience, world = make(A=["one", "two"], B=["other"])

    audience.send("A", A_DOCUMENT, 0)

    assert world.taken("one") == world.taken("two") == [A_DOCUMENT]
    assert world.taken("other") == []
    assert audience.owed == {}


def test_who_is_slow_holds_nobody_up_and_gets_the_newest_document() -> None:
    audience, world = make(A=["slow", "quick"])
    world.websockets["slow"].is_stuck = True
    for number in range(5):
        audience.send("A", str(number), 1_000 + number)
    assert world.taken("quick") == ["0", "1", "2", "3", "4"]
    assert audience.owed == {"slow": {"A": 1_000}}

    world.websockets["slow"].is_stuck = False
    assert audience.send_owed({"A": "4"}.get) is False

    assert world.taken("slow") == ["4"]
    assert audience.dropped == 4
    assert audience.owed == {}


def test_who_can_take_a_document_again_is_not_sent_the_older_one_behind_it() -> None:
    audience, world = make(A=["slow"])
    world.websockets["slow"].is_stuck = True
    audience.send("A", "old", 0)
    world.websockets["slow"].is_stuck = False

    audience.send("A", "new", 20)
    audience.send_owed({"A": "new"}.get)

    assert world.taken("slow") == ["new"]
    assert audience.dropped == 1


def test_nothing_overtakes_what_waits_to_be_sent_to_a_client() -> None:
    audience, world = make(A=["one"])
    world.busy.add("one")

    audience.owe("one", "A", 0)
    assert audience.send_owed({"A": A_DOCUMENT}.get) is True
    assert world.taken("one") == []

    world.busy.clear()
    assert audience.send_owed({"A": A_DOCUMENT}.get) is False
    assert world.taken("one") == [A_DOCUMENT]


def test_who_follows_two_matches_is_owed_each() -> None:
    audience, world = make(A=["one"], B=["one"])
    world.websockets["one"].is_stuck = True
    audience.send("A", "a", 0)
    audience.send("B", "b", 5)
    assert audience.owed == {"one": {"A": 0, "B": 5}}

    world.websockets["one"].is_stuck = False
    audience.send_owed({"A": "a", "B": "b"}.get)

    assert world.taken("one") == ["a", "b"]


def test_who_has_no_websocket_is_sent_a_document_when_it_has_taken_the_last() -> None:
    audience, world = make(A=["polling"])
    del world.websockets["polling"]

    audience.send("A", "1", 0)
    world.busy.add("polling")
    audience.send("A", "2", 0)
    audience.send("A", "3", 0)
    world.busy.clear()
    audience.send_owed({"A": "3"}.get)

    assert world.emitted == [("polling", "1"), ("polling", "3")]
    assert audience.dropped == 1


def test_a_match_that_has_no_document_is_owed_to_nobody() -> None:
    audience, _world = make(A=["one"])
    audience.owe("one", "A", 0)

    assert audience.send_owed({}.get) is False
    assert audience.owed == {}


def test_who_is_gone_is_owed_nothing() -> None:
    audience, _world = make(A=["one"])
    audience.owe("one", "A", 0)

    audience.forget("one")
    audience.forget("one")

    assert audience.owed == {}
