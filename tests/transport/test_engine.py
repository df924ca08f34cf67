import gc
import logging
import re
import weakref
from collections.abc import Callable
from importlib.metadata import version
from queue import Queue
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
import socketio
from engineio.packet import PING, PONG, Packet
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.builders import make_server
from valo_ingest.transport.deflate import Broadcast
from valo_ingest.transport.engine import (
    ENGINE_VERSIONS,
    MAX_UNTAKEN,
    Engine,
    LogonDeadlines,
    installed_versions,
)
from valo_ingest.transport.packets import MALFORMED
from valo_ingest.transport.server import DELIBERATE_REASONS, GoodbyeServer


@pytest.mark.parametrize(("package", "known"), ENGINE_VERSIONS.items())
def test_the_installed_library_is_one_whose_inside_is_known(package: str, known: tuple[str, ...]) -> None:
    assert version(package).startswith(known), f"look whether engine.py still holds for {package}"


class Session:
    def __init__(self) -> None:
        self.closed = False
        self.reason = ""
        self.queue: Queue[str] = Queue()

    def close(self, *, wait: bool, reason: str) -> None:
        assert not wait
        self.closed = True
        self.reason = reason


def no_pause() -> None:
    pass


def test_a_session_that_does_not_log_on_in_time_is_ended() -> None:
    refused = []
    now = 0.0
    sessions = {name: Session() for name in ("late", "in time")}
    sio = SimpleNamespace(
        eio=SimpleNamespace(sockets=sessions),
        environ={"late": {"REMOTE_ADDR": "10.0.0.1"}},
        manager=SimpleNamespace(eio_sid_from_sid=lambda client_id, namespace: client_id),
        reason=socketio.Server.reason,
    )
    deadlines = LogonDeadlines(
        sio,
        refuse=lambda address, code, text: refused.append((address, code)),
        timeout_s=10,
        pause=no_pause,
        now=lambda: now,
    )
    deadlines.sweep()
    deadlines.logged_on("in time")
    now = 9.9
    deadlines.sweep()
    assert not sessions["late"].closed

    now = 10
    deadlines.sweep()
    deadlines.sweep()
    assert sessions["late"].closed
    assert not sessions["in time"].closed
    assert refused == [("10.0.0.1", "no_logon")]

    deadlines.logged_off("in time")
    deadlines.sweep()
    now = 19.9
    deadlines.sweep()
    assert not sessions["in time"].closed
    now = 20
    deadlines.sweep()
    assert sessions["in time"].closed


def test_a_session_whose_client_leaves_its_answers_is_ended_and_may_come_back() -> None:
    refused = []
    sessions = {name: Session() for name in ("stuck", "slow")}
    sio = SimpleNamespace(
        eio=SimpleNamespace(sockets=sessions),
        environ={"stuck": {"REMOTE_ADDR": "10.0.0.1"}},
        manager=SimpleNamespace(eio_sid_from_sid=lambda client_id, namespace: client_id),
        reason=GoodbyeServer.reason,
    )
    deadlines = LogonDeadlines(
        sio,
        refuse=lambda address, code, text: refused.append((address, code)),
        timeout_s=10,
        pause=no_pause,
    )
    for name, session in sessions.items():
        deadlines.logged_on(name)
        for _ in range(MAX_UNTAKEN):
            session.queue.put("answer")
    deadlines.sweep()
    assert refused == []

    sessions["stuck"].queue.put("one too many")
    deadlines.sweep()
    deadlines.sweep()

    assert refused == [("10.0.0.1", "stuck_peer")]
    assert [session.closed for session in sessions.values()] == [True, False]
    assert sessions["stuck"].reason not in DELIBERATE_REASONS


def test_others_have_a_turn_after_each_session_that_is_ended() -> None:
    now = 0.0
    sessions = {str(number): Session() for number in range(3)}
    ended_at_turns: list[int] = []
    sio = SimpleNamespace(eio=SimpleNamespace(sockets=sessions), environ={}, reason=socketio.Server.reason)
    deadlines = LogonDeadlines(
        sio,
        refuse=lambda *_: None,
        timeout_s=10,
        pause=lambda: ended_at_turns.append(sum(session.closed for session in sessions.values())),
        now=lambda: now,
    )
    deadlines.sweep()
    now = 10
    deadlines.sweep()

    assert ended_at_turns == [1, 2, 3]


def test_the_library_has_what_is_used_of_it() -> None:
    quiet = logging.getLogger(__name__)  # it sets the level of its own for all who come after
    sio = socketio.Server(async_mode="threading", logger=quiet, engineio_logger=quiet)

    assert sio.eio.sockets == {}
    assert sio.environ == {}
    assert sio.manager.eio_sid_from_sid("nobody", "/") is None


# --- pings ----------------------------------------------------------------------------------------------------

PING_INTERVAL_S = 0.02


class Pinged:
    """A server with sessions that poll, which keep what they have been sent."""

    def __init__(self) -> None:
        quiet = logging.getLogger(__name__)
        self.sio = socketio.Server(
            async_mode="gevent",
            ping_interval=PING_INTERVAL_S,
            ping_timeout=60,
            logger=quiet,
            engineio_logger=quiet,
        )
        self.sio.on("connect", lambda sid, environ, auth: None)
        assert Engine(self.sio).shorten(installed_versions())

    def open(self) -> Any:
        """Return a session that has been opened, and whose answer has been taken."""
        before = set(self.sio.eio.sockets)
        environ = {"REQUEST_METHOD": "GET", "QUERY_STRING": "EIO=4&transport=polling"}
        self.sio.eio.handle_request(environ, lambda status, headers: None)
        (session_id,) = set(self.sio.eio.sockets) - before
        return self.sio.eio.sockets[session_id]

    def close(self) -> None:
        for session in self.sio.eio.sockets.values():
            session.close(wait=False, abort=True)
        self.sio.shutdown()


def next_packet(session: Any) -> Any:
    return session.queue.get(timeout=5)


def test_every_client_is_pinged_and_again_when_it_has_answered() -> None:
    server = Pinged()
    sessions = [server.open() for _ in range(20)]

    for _ in range(3):
        assert [next_packet(session).packet_type for session in sessions] == [PING] * len(sessions)
        for session in sessions:
            assert session.last_ping is not None  # from when on it has time to answer
            assert session.queue.empty()
            session.receive(Packet(PONG))
    server.close()


def test_clients_that_came_at_different_times_are_each_pinged() -> None:
    server = Pinged()
    first = server.open()
    gevent.sleep(PING_INTERVAL_S / 2)
    second = server.open()

    assert next_packet(first).packet_type == next_packet(second).packet_type == PING
    late = server.open()  # nobody is waiting to be pinged now
    assert next_packet(late).packet_type == PING
    server.close()


def test_a_fault_with_one_client_keeps_no_other_from_being_pinged(capsys: pytest.CaptureFixture[str]) -> None:
    server = Pinged()
    sessions = [server.open() for _ in range(3)]

    def fail(packet: object) -> None:
        raise RuntimeError("a bug")

    sessions[0].send = fail

    assert [next_packet(session).packet_type for session in sessions[1:]] == [PING] * 2
    assert "a bug" in capsys.readouterr().err  # gevent tells of greenlets that fail
    server.close()


def greenlets() -> int:
    gc.collect()
    return sum(isinstance(each, gevent.Greenlet) and not each.dead for each in gc.get_objects())


def test_clients_that_come_and_go_leave_no_greenlets_behind() -> None:
    server = Pinged()
    server.sio.eio.ping_interval = 25
    server.open()
    before = greenlets()
    sessions = [server.open() for _ in range(50)]
    gone = weakref.ref(sessions[0])

    for session in sessions:
        session.close(wait=False, abort=True)
        server.sio.eio.sockets.pop(session.sid)
    del session, sessions

    assert greenlets() == before
    assert gone() is None
    server.close()


def test_other_tasks_of_the_library_are_started_as_before() -> None:
    server, done = Pinged(), []

    server.sio.eio.start_background_task(done.append, "done").join()

    assert done == ["done"]
    server.close()


# --- the short way --------------------------------------------------------------------------------------------


class ScriptedWebSocket:
    """Says what is in a script, one message after the other, and keeps what it is sent."""

    version = path = origin = protocol = None

    def __init__(self, script: list[str | bytes]) -> None:
        self._script = script
        self.environ: dict[str, Any] = {}
        self.sent: list[str] = []
        self.during: Callable[[], None] = lambda: None
        """Is called when the script is through, before the connection ends."""
        self.before: dict[str, Callable[[], None]] = {}
        """Is called before a message that begins so."""

    def receive(self) -> str | bytes | None:
        for _ in range(3):
            gevent.sleep(0)  # so that the writer has sent what it was given
        if self._script:
            message = self._script.pop(0)
            self.before.get(message[:2] if isinstance(message, str) else "", lambda: None)()
            return message
        self.during()
        return None

    def send(self, message: str) -> None:
        self.sent.append(message)

    def offer(self, message: Broadcast) -> bool:
        self.sent.append(message.text)
        return True

    def close(self) -> None:
        pass


class Bench:
    """A server whose clients are scripts."""

    def __init__(self, *, is_short: bool) -> None:
        self.sio = make_server()
        self.heard: list[tuple[Any, ...]] = []
        self.session_ids: list[str] = []
        self.sio.on("connect", lambda sid, environ, auth: self.hear("connect", sid, auth))
        self.sio.on("disconnect", lambda sid, reason: self.hear("disconnect", sid, reason))
        self.sio.on("obs_data", self.on_data)
        self.sio.on("*", lambda event, sid, *arguments: self.hear("*", sid, event, *arguments))
        self.engine = Engine(self.sio)
        if is_short:
            assert self.engine.shorten(installed_versions())

    def hear(self, event: str, sid: str, *arguments: Any) -> None:
        self.session_ids.append(sid)
        self.heard.append((event, *arguments))

    def on_data(self, sid: str, *arguments: Any) -> str:
        self.hear("obs_data", sid, *arguments)
        if arguments == ("raise",):
            raise RuntimeError("a bug of the handler")
        if arguments == ("go",):
            self.sio.disconnect(sid)
        return "answer"

    def play(self, websocket: ScriptedWebSocket) -> None:
        environ = {
            "REQUEST_METHOD": "GET",
            "QUERY_STRING": "EIO=4&transport=websocket",
            "HTTP_UPGRADE": "websocket",
            "HTTP_CONNECTION": "upgrade",
            "REMOTE_ADDR": "10.0.0.1",
            "wsgi.websocket": websocket,
        }
        websocket.environ = environ
        self.sio.eio.handle_request(environ, lambda status, headers: None)
        self.sio.shutdown()


def outcome(script: list[str | bytes], *, is_short: bool) -> tuple[list[Any], list[str]]:
    """Return what the handlers heard and what the client was sent."""
    bench, websocket = Bench(is_short=is_short), ScriptedWebSocket(list(script))
    bench.play(websocket)
    return bench.heard, [re.sub(r'"sid":"[^"]*"', '"sid":""', message) for message in websocket.sent]


MESSAGES: list[str | bytes] = [
    "40",
    "41",
    "2",
    "3",
    "4",
    '42["obs_data","{}"]',
    '42["obs_data","\\u00e9\\n"]',
    '42["obs_data"]',
    '42["obs_data",1]',
    '42["obs_data",{"a":1}]',
    '42["obs_data","a","b"]',
    '42["obs_data","raise"]',
    '42["obs_data","go"]',
    '421["obs_data","{}"]',
    '42["obs_data","{}"] ',
    '42["obs_data","{}"',
    '42["obs_data","\\ud800"]',
    '42["nosuch","{}"]',
    '42["connect","{}"]',
    '42["disconnect","{}"]',
    '42["*","{}"]',
    f'42["{MALFORMED}","{{}}"]',
    '42/other,["obs_data","{}"]',
    '451-["obs_data",{"_placeholder":true,"num":0}]',
    '43["answer"]',
    b"attachment",
]


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_every_kind_of_message_has_the_same_outcome_on_both_ways(message: str | bytes) -> None:
    script = ["40", message, '42["obs_data","{}"]']

    assert outcome(script, is_short=True) == outcome(script, is_short=False)


@given(st.lists(st.sampled_from(MESSAGES), max_size=12))
def test_every_script_has_the_same_outcome_on_both_ways(script: list[str | bytes]) -> None:
    assert outcome(script, is_short=True) == outcome(script, is_short=False)


def test_an_ordinary_event_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(is_short=True)
    monkeypatch.setattr(bench.sio, "_handle_event", None)  # what the ordinary way would call

    bench.play(ScriptedWebSocket(["40", '42["obs_data","{}"]']))

    assert ("obs_data", "{}") in bench.heard


def test_libraries_that_are_not_known_take_the_ordinary_way(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(is_short=False)
    stock = bench.sio.eio._async["websocket"]
    start_task = bench.sio.eio.start_background_task

    assert not bench.engine.shorten({**installed_versions(), "python-engineio": "5.0.0"})

    assert bench.sio.eio._async["websocket"] is stock
    assert bench.sio.eio.start_background_task == start_task
    assert "5.0.0" in caplog.text


def test_a_session_is_offered_messages_as_long_as_it_is_open() -> None:
    bench, websocket = Bench(is_short=True), ScriptedWebSocket(["40", '42["obs_data","{}"]'])
    found: list[Any] = []

    def look() -> None:
        session_id = bench.sio.manager.eio_sid_from_sid(bench.session_ids[0], "/")
        found.append((session_id, bench.engine.offer(session_id, Broadcast("42[]"))))

    websocket.during = look
    bench.play(websocket)

    ((session_id, is_taken),) = found
    assert is_taken
    assert websocket.sent[-1] == "42[]"
    assert bench.engine.offer(session_id, Broadcast("42[]")) is None
    assert not bench.engine.is_idle(session_id)


def test_a_session_that_has_something_to_send_is_offered_nothing() -> None:
    bench, websocket = Bench(is_short=True), ScriptedWebSocket(["40", '42["obs_data","{}"]'])
    found: list[bool | None] = []

    def look() -> None:
        session_id = bench.sio.manager.eio_sid_from_sid(bench.session_ids[0], "/")
        bench.sio.emit("first", to=bench.session_ids[0])
        found.append(bench.engine.offer(session_id, Broadcast("42[]")))

    websocket.during = look
    bench.play(websocket)

    assert found == [False]
    assert "42[]" not in websocket.sent


def test_what_comes_before_a_client_is_connected_is_dropped_as_on_the_ordinary_way() -> None:
    for is_short in (True, False):
        bench, websocket = Bench(is_short=is_short), ScriptedWebSocket(["40", '42["obs_data","early"]'])
        bench.sio.manager.connect = lambda sid, namespace: sid  # its connect handler does not come to an end

        bench.play(websocket)

        assert "obs_data" not in [event for event, *_ in bench.heard]


def test_what_comes_while_a_client_is_being_disconnected_is_dropped_as_on_the_ordinary_way() -> None:
    for is_short in (True, False):
        bench, websocket = Bench(is_short=is_short), ScriptedWebSocket(["40", "3", '42["obs_data","late"]'])
        websocket.before["42"] = lambda bench=bench: bench.sio.manager.pre_disconnect(
            bench.session_ids[0], "/"
        )

        bench.play(websocket)

        assert "obs_data" not in [event for event, *_ in bench.heard]


def test_a_session_that_is_over_is_not_idle() -> None:
    bench, websocket = Bench(is_short=True), ScriptedWebSocket(["40", '42["obs_data","{}"]'])
    found = []

    def look() -> None:
        session_id = bench.sio.manager.eio_sid_from_sid(bench.session_ids[0], "/")
        bench.sio.eio.sockets[session_id].closed = True
        found.append(bench.engine.is_idle(session_id))
        found.append(bench.engine.offer(session_id, Broadcast("42[]")))

    websocket.during = look
    bench.play(websocket)

    assert found == [False, False]


@pytest.mark.parametrize("message", ["40", '42["obs_data","{}"]'])
def test_of_the_request_little_is_kept(message: str) -> None:
    bench, websocket = Bench(is_short=True), ScriptedWebSocket(["40", '42["obs_data","{}"]'])
    kept: list[dict[str, Any]] = []
    websocket.before[message[:2]] = lambda: kept.extend(
        (websocket.environ.copy(), *bench.sio.environ.values())
    )

    bench.play(websocket)

    little = {"REMOTE_ADDR": "10.0.0.1", "REQUEST_METHOD": "GET", "wsgi.websocket": websocket}
    assert kept == [little] * 2
