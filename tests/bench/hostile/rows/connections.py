"""Those who connect, and hardly more."""

import asyncio
import ssl
from contextlib import suppress
from functools import lru_cache

from tests.bench.hostile.peers import Attacker, unverified
from tests.bench.hostile.rows import row, side_of, speaking_side_of

TRICKLE_S = 0.2


@lru_cache
def client_hello() -> bytes:
    """Return what a TLS client says first."""
    outgoing = ssl.MemoryBIO()
    client = unverified().wrap_bio(ssl.MemoryBIO(), outgoing)
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@row(per_s=4, reasons=("slow_handshake",), scheme="https")
async def silent_before_tls(attacker: Attacker, number: int) -> None:
    peer = await attacker.dial(side_of(number))
    await peer.wait_ended()


@row(per_s=4, reasons=("slow_handshake",), scheme="https")
async def half_a_handshake(attacker: Attacker, number: int) -> None:
    peer = await attacker.dial(side_of(number))
    hello = client_hello()
    peer.send(
        hello[: (5, 50, len(hello) - 1, len(hello))[number % 4]]
    )  # the last is answered, and leaves it at that
    await peer.wait_ended()


@row(per_s=2, reasons=("slow_handshake",), scheme="https")
async def a_handshake_by_drops(attacker: Attacker, number: int) -> None:
    peer = await attacker.dial(side_of(number))
    ending = asyncio.ensure_future(peer.wait_ended())
    for place in range(len(client_hello())):
        if ending.done():
            break
        peer.send(client_hello()[place : place + 1])
        await asyncio.sleep(TRICKLE_S)
    await ending


@row(per_s=5, reasons=("bad_handshake",), scheme="https")
async def no_tls_at_all(attacker: Attacker, number: int) -> None:
    peer = await attacker.dial(side_of(number))
    peer.send(b"\x16\x03\x01" + bytes(range(256)))
    await peer.wait_ended()


@row(per_s=2, reasons=("plain_on_tls_port",), scheme="https")
async def plain_http_on_tls(attacker: Attacker, number: int) -> None:
    peer = await attacker.dial(side_of(number))
    peer.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await peer.wait_ended()


@row(per_s=2, reasons=("tls_on_plain_port",), scheme="http")
async def tls_on_plain_http(attacker: Attacker, number: int) -> None:
    peer = await attacker.dial(side_of(number))
    peer.send(client_hello())
    await peer.wait_ended()


@row(per_s=200, at_once=20)
async def a_flood_of_connections(attacker: Attacker, number: int) -> None:
    """Come and go at once, by FIN and RST in turn."""
    peer = await attacker.dial(side_of(number))
    if number % 2:
        peer.abort()
    else:
        await peer.leave()


@row(per_s=120, at_once=120, reasons=("too_many_connections_of_address",))
async def more_than_an_address_may(attacker: Attacker, number: int) -> None:
    """Hold connections: 1,200 at a time, of which 1,024 are let in."""
    peer = await attacker.dial(side_of(number))
    await peer.wait_ended()


@row(per_s=20, at_once=200)
async def a_stampede(attacker: Attacker, number: int) -> None:
    """Connect all at the same moment, as far as Socket.IO, and go."""
    peer = await attacker.join(speaking_side_of(number))
    peer.abort()


@row(per_s=3, reasons=("no_logon",))
async def a_websocket_that_never_joins(attacker: Attacker, number: int) -> None:
    peer = await attacker.upgrade(speaking_side_of(number))
    await peer.wait_ended()


@row(per_s=3, reasons=("no_logon",))
async def a_client_that_never_logs_on(attacker: Attacker, number: int) -> None:
    peer = await attacker.join(speaking_side_of(number))
    await peer.wait_ended()


@row(per_s=3, reasons=("no_logon",))
async def polls_and_never_logs_on(attacker: Attacker, number: int) -> None:
    side = speaking_side_of(number)
    await attacker.request(side, b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
