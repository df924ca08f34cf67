"""Packets, frames and requests that no client library sends: refused without a traceback, and nobody else notices."""

import socket
import struct
from collections.abc import Callable
from typing import Any, Final

import pytest
import websocket

from tests.e2e import messages
from tests.e2e.conftest import Counting, WatchedMatch
from tests.e2e.running import RunningServer
from tests.e2e.sockets import PATH, TIMEOUT_S, Client, PollingClient, WebSocketClient, event_packet

pytestmark = pytest.mark.usefixtures("log_of_the_server")

BRACKETS = "[" * 100_000
BINARY = '451-["obs_data",{"_placeholder":true,"num":%s}]'

MALFORMED = [
    "42",
    "42[]",
    '42{"a":1}',
    '42"obs_data"',
    "42[1]",
    "42[null]",
    '42["connect"]',
    '42["disconnect","x"]',
    '42["*"]',
    '42["malformed packet"]',
    '42["obs_data",',
    '42["obs_data",NaN]',
    '42["obs_data",1e999]',
    r'42["obs_data","\ud800"]',
    f'42["obs_data",{"9" * 5_000}]',
    f'42["obs_data",{BRACKETS}',
    f"42{BRACKETS}",
    f"42{'1' * 5_000}[]",
    "40{",
    f"40{BRACKETS}",
    "43[]",
    "430{}",
    '43{"a":1}',
    "44{}",
    "44",
    "45",
    "45[]",
    '45["obs_data"]',
    '450-["obs_data",{"_placeholder":true,"num":0}]',
    '459-["obs_data",{"_placeholder":true,"num":0}]',
    '4599999999999-["obs_data"]',
    f'45{"1" * 5_000}-["obs_data"]',
    "451-[]",
    '451-{"a":1}',
    "46[]",
    "49",
    "4x",
    "4",
    "4{}",
    "4[]",
    '4{"a":1}',
    "4null",
    "4true",
    "4false",
    '4"42"',
    f"4{BRACKETS}",
    "4{" * 50_000,
    "4\x00",
    "4²",
    "b",
    "b!!!",
    "beHg=",
]
"""Engine.IO packets of type "message" in which there is no Socket.IO packet that makes sense."""

NOT_ENGINE = ["", "7", "9", "x", "hello", "[]", "²", "bA", "b=", "bä", " 42[]"]
"""Texts that are no Engine.IO packets."""


def names(packets: list[str]) -> list[str]:
    return [packet if len(packet) < 50 else f"{packet[:20]}..." for packet in packets]


@pytest.mark.parametrize("packet", MALFORMED + NOT_ENGINE, ids=names(MALFORMED + NOT_ENGINE))
def test_a_malformed_packet_is_counted_and_changes_nothing(
    watched: WatchedMatch, bystander: WatchedMatch, counting: Counting, packet: str
) -> None:
    assert isinstance(watched.observer, WebSocketClient)
    watched.observer.send_packet(packet)

    watched.assert_unchanged()
    bystander.assert_unchanged()
    assert counting.new() == {"malformed_packet": 1}


POSTED = [packet.encode() for packet in MALFORMED + NOT_ENGINE if packet]
POSTED += [b"0", b"0{}", b"2", b"2probe", b"6", b"\xff\xfe", b'42["\xff"]', b"d=", b"d=%ff", b"d=x&d=y"]


@pytest.mark.parametrize("packet", POSTED, ids=names([str(packet) for packet in POSTED]))
def test_a_malformed_packet_in_a_polling_request_is_counted_and_changes_nothing(
    polled: WatchedMatch, counting: Counting, packet: bytes
) -> None:
    assert isinstance(polled.observer, PollingClient)
    polled.observer.send_body(packet)

    polled.assert_unchanged()
    assert counting.new() == {"malformed_packet": 1}


def test_packets_around_a_malformed_one_are_not_lost(polled: WatchedMatch, counting: Counting) -> None:
    assert isinstance(polled.observer, PollingClient)
    toggle = event_packet("obs_data", messages.observer_data(polled.code, "switch_kda_credits", True))
    choose = event_packet("obs_data", messages.observer_data(polled.code, "map", "Ascent"))
    polled.observer.send_packets(toggle, "x", "", "7", f"4{BRACKETS}", choose)

    document = polled.overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")
    assert document["showAliveKDA"] is True
    assert counting.new() == {"malformed_packet": 4}


def test_an_empty_polling_request_changes_nothing(polled: WatchedMatch) -> None:
    assert isinstance(polled.observer, PollingClient)
    polled.observer.send_body(b"")

    polled.assert_unchanged()


@pytest.mark.parametrize("number", [17, 5_000])
def test_more_packets_in_a_polling_request_than_the_library_takes_all_arrive(
    polled: WatchedMatch, number: int
) -> None:
    """A client that was without a connection for a while sends everything at once."""
    assert isinstance(polled.observer, PollingClient)
    polled.observer.send_packets(
        *(
            event_packet("obs_data", messages.observer_data(polled.code, "score", score))
            for score in ({"team_0": rounds, "team_1": 0} for rounds in range(1, number + 1))
        )
    )

    polled.overlay.wait_for("match_data", lambda document: document["teams"][0]["roundsWon"] == number)


@pytest.mark.parametrize(
    ("placeholder", "attachment"),
    [
        ("5", b"x"),
        ("-1", b"x"),
        ('"a"', b"x"),
        ("null", b"x"),
        ("0.5", b"x"),
        ("[]", b"x"),
        ("9" * 5_000, None),
    ],
)
def test_a_binary_event_that_does_not_fit_together_is_counted_and_changes_nothing(
    watched: WatchedMatch, counting: Counting, placeholder: str, attachment: bytes | None
) -> None:
    assert isinstance(watched.observer, WebSocketClient)
    watched.observer.send_packet(BINARY % placeholder)
    if attachment is not None:
        watched.observer.send_bytes(attachment)

    watched.assert_unchanged()
    assert sum(counting.new().values()) == 1


@pytest.mark.parametrize("content", [b"", b"\x00", b"2", b'2["obs_data",{}]', b"\xff" * 1_000])
def test_binary_data_that_no_event_announced_is_counted_and_changes_nothing(
    watched: WatchedMatch, counting: Counting, content: bytes
) -> None:
    assert isinstance(watched.observer, WebSocketClient)
    watched.observer.send_bytes(content)

    watched.assert_unchanged()
    assert counting.new() == {"malformed_packet": 1}


@pytest.mark.parametrize(
    "packet",
    ["0", "0{}", "2", "2probe", "3", "3x", "5", "6", "430[]", '43999[1,"x"]', "41/other,", '42/other,["x"]'],
)
def test_a_packet_that_means_nothing_here_changes_nothing(
    watched: WatchedMatch, counting: Counting, packet: str
) -> None:
    assert isinstance(watched.observer, WebSocketClient)
    watched.observer.send_packet(packet)

    watched.assert_unchanged()
    assert counting.new() == {}


def test_a_second_connect_is_refused_and_changes_nothing(watched: WatchedMatch) -> None:
    assert isinstance(watched.observer, WebSocketClient)
    for packet in ("40", '40{"token":1}', "40/other,", f"40/{'x' * 10_000},"):
        watched.observer.send_packet(packet)

    watched.assert_unchanged()


def test_an_event_with_an_id_is_acknowledged(watched: WatchedMatch) -> None:
    assert isinstance(watched.observer, WebSocketClient)
    watched.observer.send_packet('427["obs_data","x"]')

    watched.assert_unchanged()


# --- what ends a connection, and only that one ----------------------------------------------------------------

TEXT, BYTES = websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY

ENDING: Final[dict[str, Callable[[WebSocketClient], None]]] = {
    "text that is not UTF-8": lambda client: client.send_frame(b'42["\xff"]', TEXT),
    "half a surrogate pair": lambda client: client.send_frame(b'42["\xed\xa0\x80"]', TEXT),
    "4 MB": lambda client: client.send_packet("4" + "x" * 4_000_001),
    "4 MB of bytes": lambda client: client.send_frame(b"x" * 4_000_001, BYTES),
    "an unknown opcode": lambda client: client.send_raw(b"\x83\x80\x00\x00\x00\x00"),
    "reserved bits": lambda client: client.send_raw(b"\xf1\x80\x00\x00\x00\x00"),
    "a continuation of nothing": lambda client: client.send_raw(b"\x80\x80\x00\x00\x00\x00"),
    "a close frame of one byte": lambda client: client.send_raw(b"\x88\x81\x00\x00\x00\x00x"),
    "a close": lambda client: client.send_packet("1"),
    "a disconnect": lambda client: client.send_packet("41"),
    "HTTP": lambda client: client.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
}


@pytest.mark.parametrize("end", ENDING.values(), ids=ENDING.keys())
def test_a_broken_connection_ends_alone(
    server: RunningServer, bystander: WatchedMatch, end: Callable[[WebSocketClient], None]
) -> None:
    client = WebSocketClient(server.ingest_port)
    match = WatchedMatch(server, client)
    match.prepare()

    end(client)

    match.overlay.wait_for("match_data", lambda document: not document["isRunning"])
    bystander.assert_unchanged()
    match.close()


@pytest.mark.parametrize("how", ["FIN", "RST"])
@pytest.mark.parametrize("half", [b"", b"\x81", b"\x81\xfe\x10\x00", b"\x81\xfe\x10\x00abcdefgh"])
def test_a_client_that_vanishes_is_gone_at_once(server: RunningServer, how: str, half: bytes) -> None:
    client = WebSocketClient(server.ingest_port)
    match = WatchedMatch(server, client)
    match.prepare()

    client.send_raw(half)
    if how == "RST":
        client.reset()
    else:
        client.close()

    match.overlay.wait_for("match_data", lambda document: not document["isRunning"])
    match.overlay.close()


# --- before anything else -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "packets",
    [
        ['42["obs_data","x"]'],
        ["42[]"],
        ["4"],
        ["41"],
        ["430[]"],
        ["40/other,"],
        ['42/other,["x"]'],
        ['451-["x",{"_placeholder":true,"num":0}]'],
        ['451-["x",{"_placeholder":true,"num":0}]', b"x"],
        ['461-0[{"_placeholder":true,"num":0}]', b"x"],
        [f"4{BRACKETS}"],
    ],
    ids=lambda packets: str(packets)[:30],
)
def test_packets_before_a_connect_do_no_harm(server: RunningServer, packets: list[Any]) -> None:
    raw = websocket.create_connection(
        f"ws://127.0.0.1:{server.ingest_port}{PATH}websocket", timeout=TIMEOUT_S
    )
    assert raw.recv().startswith("0")
    for packet in packets:
        raw.send(packet, BYTES if isinstance(packet, bytes) else TEXT)
    raw.send("40")

    answers = [raw.recv()]
    while not answers[-1].startswith("40"):
        answers.append(raw.recv())
    raw.close()


def reset(raw: websocket.WebSocket) -> None:
    raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.shutdown()


UPGRADES: Final[dict[str, Callable[[websocket.WebSocket], object]]] = {
    "gone": lambda raw: raw.shutdown(),
    "reset": reset,
    "a close frame": lambda raw: raw.close(),
    "a wrong probe": lambda raw: (raw.send("2nope"), raw.recv()),
    "no packet": lambda raw: (raw.send("x"), raw.recv()),
    "brackets": lambda raw: (raw.send(f"2{BRACKETS}"), raw.recv()),
    "4 MB": lambda raw: (raw.send("2" + "x" * 4_000_001), raw.recv()),
    "a binary probe": lambda raw: (raw.send_binary(b"2probe"), raw.recv()),
    "gone after the probe": lambda raw: (raw.send("2probe"), raw.recv(), raw.shutdown()),
    "reset after the probe": lambda raw: (raw.send("2probe"), raw.recv(), reset(raw)),
    "an event after the probe": lambda raw: (raw.send("2probe"), raw.recv(), raw.send("42[]"), raw.recv()),
}


@pytest.mark.parametrize("spoil", UPGRADES.values(), ids=UPGRADES.keys())
def test_an_upgrade_that_fails_leaves_the_client_polling(
    server: RunningServer, polled: WatchedMatch, spoil: Callable[[websocket.WebSocket], object]
) -> None:
    assert isinstance(polled.observer, PollingClient)
    raw = websocket.create_connection(
        f"ws://127.0.0.1:{server.ingest_port}{PATH}websocket&sid={polled.observer.sid}", timeout=TIMEOUT_S
    )

    spoil(raw)
    raw.shutdown()

    polled.assert_unchanged()


def handshake(
    version: str = "13", key: str = "dGhlIHNhbXBsZSBub25jZQ==", path: str = f"{PATH}websocket"
) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


PREVIEW = b"PUT /createPreview HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

REQUESTS: Final = {
    "no HTTP": (b"HELLO\r\n\r\n", 400),
    "bytes": (b"\xff\xfe\xfd\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "an unknown HTTP": (b"GET / HTTP/9.9\r\n\r\n", 400),
    "a long request line": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", 414),
    "a long header": (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 400),
    "10,000 headers": (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 10_000 + b"\r\n", 400),
    "a negative length": (PREVIEW + b"Content-Length: -5\r\n\r\n", 400),
    "a length of words": (PREVIEW + b"Content-Length: much\r\n\r\n", 400),
    "a length of 5,000 digits": (PREVIEW + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", 400),
    "a WebSocket of version 12": (handshake(version="12"), 400),
    "a WebSocket without version": (handshake(version=""), 426),
    "a WebSocket without key": (handshake(key=""), 400),
    "a WebSocket with a short key": (handshake(key="eHh4"), 400),
    "a WebSocket with a key that is no base64": (handshake(key="x"), 400),
    "a WebSocket without upgrade": (
        f"GET {PATH}websocket HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(),
        400,
    ),
    "a WebSocket with two keys": (handshake(key="dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: x"), 400),
    "a WebSocket with an upgrade of something else": (
        handshake().replace(b"Connection: Upgrade", b"Connection: no-upgrade"),
        400,
    ),
    "a WebSocket whose upgrade a proxy took out": (
        handshake().replace(b"Connection: Upgrade\r\n", b""),
        400,
    ),
    "a WebSocket at another path": (handshake(path="/socket.io"), 404),
    "Engine.IO 3": (b"GET /socket.io/?EIO=3&transport=polling HTTP/1.0\r\n\r\n", 400),
    "an unknown transport": (b"GET /socket.io/?EIO=4&transport=carrier HTTP/1.0\r\n\r\n", 400),
    "an unknown session": (b"GET /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.0\r\n\r\n", 400),
    "a post without session": (
        b"POST /socket.io/?EIO=4&transport=polling HTTP/1.0\r\nContent-Length: 2\r\n\r\n40",
        400,
    ),
    "another path": (b"GET /other HTTP/1.0\r\n\r\n", 404),
    "a path without sense": (b"GET /%ff%fe%00/../x HTTP/1.0\r\n\r\n", 404),
}


@pytest.mark.parametrize(("request_bytes", "status"), REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_without_sense_is_refused(server: RunningServer, request_bytes: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", server.ingest_port), TIMEOUT_S) as raw:
        raw.sendall(request_bytes)

        assert raw.makefile("rb").readline().split()[1] == str(status).encode()


@pytest.mark.parametrize(("path", "status"), [("/status", 200), ("/events", 200), ("/nothing", 404)])
def test_the_extras_take_no_websocket(server: RunningServer, path: str, status: int) -> None:
    """One at a feed would be a viewer for ever: nobody reads it, so nobody learns that its client is gone."""
    with socket.create_connection(("127.0.0.1", server.extras_port), TIMEOUT_S) as raw:
        raw.sendall(handshake(path=path).replace(b"Host: x", b"Host: 127.0.0.1"))

        assert raw.makefile("rb").readline().split()[1] == str(status).encode()


def test_a_session_that_is_over_is_told_so(server: RunningServer) -> None:
    client = PollingClient(server.ingest_port)
    client.send_packets("1")

    with pytest.raises(AssertionError, match="400"):
        client.send_packets("42[]")
    client.close()


@pytest.mark.parametrize("kind", [WebSocketClient, PollingClient])
def test_overlays_get_away_with_no_more(
    connect: Callable[..., Client], server: RunningServer, watched: WatchedMatch, kind: type[Client]
) -> None:
    overlay = connect(server.output_port, kind)
    for packet in MALFORMED:
        if isinstance(overlay, WebSocketClient):
            overlay.send_packet(packet)
        else:
            overlay.send_packets(packet)
    overlay.emit("logon", {"groupCode": watched.code})

    assert overlay.wait_for("match_data") == watched.document
