"""Our WebSocket against those of others: ws of Node, which the real clients use, and Python's websockets."""

import itertools
import json
import select
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.running import clean_environment
from tests.interop import nodejs
from tests.transport.test_frames import client_frame
from valo_ingest.transport.deflate import deflate

TIMEOUT_S = 30


@pytest.fixture(scope="module", params=["no context", "context"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A server that sends everything back, once without and once with context between compressed messages."""
    command = [sys.executable, "-m", "tests.interop.echo_server"]
    command += ["--keep-context"] if request.param == "context" else []
    process = subprocess.Popen(
        command, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.terminate()
    _, errors = process.communicate(timeout=TIMEOUT_S)
    assert errors == ""


Peer = Callable[..., Any]


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    """Have ws of Node talk to a port: `peer(port, mode, ...)`; what it tells of that is returned."""
    nodejs.require_node()
    nodejs.install(nodejs.DIRECTORY)
    process = subprocess.Popen(
        ["node", "websocket_peer.mjs"],
        cwd=nodejs.DIRECTORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    requests, answers = process.stdin, process.stdout

    def talk(*request: Any) -> Any:
        print(json.dumps(request), file=requests, flush=True)
        answered, _, _ = select.select([answers], [], [], TIMEOUT_S)
        assert answered, "ws is not told that its connection is over"
        return json.loads(answers.readline())

    yield talk
    requests.close()
    assert process.wait(TIMEOUT_S) == 0


NODE_OPTIONS: list[Any] = [
    False,
    True,
    {"threshold": 0},
    {"serverNoContextTakeover": True},
    {"clientNoContextTakeover": True},
    {"serverNoContextTakeover": True, "clientNoContextTakeover": True},
    *({"serverMaxWindowBits": bits} for bits in (9, 12, 15)),
    *({"clientMaxWindowBits": bits, "threshold": 0} for bits in (8, 9, 12, 15)),
    {"serverMaxWindowBits": 10, "clientMaxWindowBits": 11, "clientNoContextTakeover": True, "threshold": 0},
]


@pytest.mark.parametrize("options", NODE_OPTIONS, ids=json.dumps)
def test_ws_of_node_gets_back_what_it_sent(peer: Peer, port: int, options: Any) -> None:
    result = peer(port, "echo", options)

    assert "error" not in result
    assert result["equal"] == result["all"]
    assert (result["code"], result["reason"]) == (4000, "enough")
    assert result["extensions"].startswith("permessage-deflate" if options else "")


FIN_TEXT, COMPRESSED_TEXT = 0x81, 0xC1

MALFORMED = {
    "no mask": (b"\x81\x01x", 1002),
    "a reserved bit": (client_frame(0xA1, b"x"), 1002),
    "a reserved opcode": (client_frame(0x83, b"x"), 1002),
    "a reserved control opcode": (client_frame(0x8B, b"x"), 1002),
    "a continuation of nothing": (client_frame(0x80, b"x"), 1002),
    "a message within another": (client_frame(0x01, b"x") + client_frame(FIN_TEXT, b"x"), 1002),
    "a long ping": (client_frame(0x89, b"x" * 126), 1002),
    "a ping in pieces": (client_frame(0x09, b"x"), 1002),
    "half a close code": (client_frame(0x88, b"x"), 1002),
    "a close code that nobody may send": (client_frame(0x88, struct.pack("!H", 1005)), 1002),
    "a reason that is not UTF-8": (client_frame(0x88, b"\x03\xe8\xff"), 1007),
    "text that is not UTF-8": (client_frame(FIN_TEXT, b"\xed\xa0\x80"), 1007),
    "10 MB, of which only the head comes": (
        client_frame(FIN_TEXT, length=struct.pack("!BQ", 0xFF, 10**7)),
        1009,
    ),
    "data that cannot be inflated": (client_frame(COMPRESSED_TEXT, b"\xff" * 9), 1007),
    "a bomb": (client_frame(COMPRESSED_TEXT, deflate(bytes(5_000_000))), 1009),
    "half a character, compressed": (client_frame(COMPRESSED_TEXT, deflate(b"\xc3")), 1007),
}


@pytest.mark.parametrize(("data", "code"), MALFORMED.values(), ids=MALFORMED.keys())
def test_ws_of_node_is_told_what_was_wrong(peer: Peer, port: int, data: bytes, code: int) -> None:
    assert peer(port, "raw", data.hex(), True) == {"code": code}


def test_compressed_data_that_was_not_agreed_on_is_refused(peer: Peer, port: int) -> None:
    assert peer(port, "raw", client_frame(COMPRESSED_TEXT, deflate(b"x")).hex(), False) == {"code": 1002}


def test_websockets_of_python_gets_back_what_it_sent_under_all_parameters(port: int) -> None:
    pytest.importorskip("websockets")
    from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
    from websockets.sync.client import connect

    messages: list[str | bytes] = [
        "4" + "ä1x" * (size // 4) if size % 2 else bytes(size) for size in (0, 1, 125, 1_023, 1_025, 70_001)
    ]
    for server_alone, client_alone, server_bits, client_bits in itertools.product(
        (False, True), (False, True), (None, 9, 15), (None, True, 9, 15)
    ):
        extension = ClientPerMessageDeflateFactory(
            server_no_context_takeover=server_alone,
            client_no_context_takeover=client_alone,
            server_max_window_bits=server_bits,
            client_max_window_bits=client_bits,
        )
        with connect(f"ws://127.0.0.1:{port}/", extensions=[extension], compression=None) as socket:
            assert [each.name for each in socket.protocol.extensions] == ["permessage-deflate"]
            for message in messages * 2:
                socket.send(message)
            assert [socket.recv(timeout=TIMEOUT_S) for _ in messages * 2] == messages * 2
