"""Packets of Engine.IO and Socket.IO that make no sense, one by one and in heaps."""

import asyncio
import json

from tests.bench.frames import event_frame, masked_frame
from tests.bench.hostile.peers import ANSWER_S, Attacker
from tests.bench.hostile.rows import row, speaking_side_of

PAUSE_S = 0.05

SEPARATOR = b"\x1e"

MALFORMED = (
    b"", b"4", b"x", b"7", b"0", b"6", b"2probe", b"5", b"b", b"b!!!", b"b4444", b"42", b"42[]", b"42{}", b"42[1]",
    b'42["obs_data"', b'42["connect"]', b'42["disconnect"]', b'42["*"]', b'42["no_such_event",1]', b"42[null,{}]",
    b"43", b"431[]", b"43x[]", b"44", b'44{"message":"no"}', b"45", b'451-["obs_data",{"_placeholder":true,"num":0}]',
    b'459999999-["obs_data"]', b'451-["obs_data",{"_placeholder":true,"num":99}]', b"46", b"461-[]", b"47", b"49",
    b'42/elsewhere,["obs_data","{}"]', b"40/elsewhere,", b"41/elsewhere,", b'4299999999999999999999["obs_data","{}"]',
    b"42" + b"[" * 5_000, b'42["obs_data",' + b"9" * 5_000 + b"]", b'42["obs_data","' + b"{\\\"a\\\":" * 500 + b'"]',
    b'42["obs_logon","[]"]', b'42["aux_logon","{}"]', b'42["logon","{}"]', b'42["logon",null]', b'42["aux_data","{}"]',
)  # fmt: skip

HEAP_BYTES = 2_000_000
HEAP_PACKETS = 29_000


@row(per_s=4, reasons=("malformed_packet", "unknown_socket_event", "overlay_logon"))
async def malformed_packets(attacker: Attacker, number: int) -> None:
    """Send each of them on one connection, beginning somewhere, until the server has had enough."""
    peer = await attacker.join(speaking_side_of(number))
    staying = asyncio.ensure_future(peer.stay(len(MALFORMED) * PAUSE_S + 1))
    for place in range(len(MALFORMED)):
        if staying.done():
            break
        peer.send(masked_frame(MALFORMED[(number * 7 + place) % len(MALFORMED)]))
        await asyncio.sleep(PAUSE_S)
    await staying
    peer.abort()


@row(per_s=2)
async def malformed_packets_at_full_speed(attacker: Attacker, number: int) -> None:
    """Send thousands of packets that are refused, and are told of, without waiting or reading."""
    peer = await attacker.join(speaking_side_of(number))
    peer.send(masked_frame(b'42["no_such_event",1]') * 2_000)
    peer.send(masked_frame(b"42[]") * 2_000)
    await peer.drain()
    await peer.stay(5)
    peer.abort()


@row(per_s=2, reasons=("not_logged_on",))
async def data_before_a_logon(attacker: Attacker, number: int) -> None:
    peer = await attacker.join("ingest")
    told = {
        "groupCode": attacker.target.group_code,
        "obsName": "X",
        "type": "score",
        "data": {"team_0": 13, "team_1": 0},
    }
    peer.send(event_frame("obs_data", told, compression=False) * 10)
    await peer.stay(5)
    peer.abort()


@row(per_s=0.2, reasons=("malformed_packet", "events_slowed_down"))
async def heaps_of_packets(attacker: Attacker, number: int) -> None:
    """Post a body of as many packets as it holds, again and again."""
    side = speaking_side_of(number)
    peer = await attacker.connect(side)
    path = b"/socket.io/?EIO=4&transport=polling"
    peer.send(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
    await peer.read_head()
    opened = await asyncio.wait_for(peer.reader.readuntil(b"}"), ANSWER_S)
    path += b"&sid=" + json.loads(opened[1:])["sid"].encode()
    packet = (b"4", b'42["no_such_event",1]', b"43[]", b"x")[number % 4]
    heap = SEPARATOR.join([b"40", *[packet] * min(HEAP_PACKETS, HEAP_BYTES // (len(packet) + 1))])
    for _ in range(3):
        peer.send(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (path, len(heap), heap))
        await peer.drain()
        if b" 200 " not in await peer.read_head():
            break
    peer.abort()
