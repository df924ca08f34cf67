"""Requests that never end, make no sense, ask for nothing that is there, or guess."""

import asyncio
import json

from tests.bench.hostile.peers import Attacker
from tests.bench.hostile.rows import row, side_of, speaking_side_of

DROP_S = 0.5

GARBAGE = (
    b"\x00\xff\xfe\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    b"BREW /coffee HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2_000 + b"\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    b"POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
)

NOT_THERE = (
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /matches/NOBODY HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /api/matches/%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /preview/\xff\xfe\xff\xfe\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /getTeamInfoForCode?groupCode=NOBODY HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /getOrgForKey?key=guess HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"DELETE /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /socket.io/?EIO=4&transport=polling&sid=guess HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /socket.io/?EIO=4&transport=pigeon HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
)


@row(per_s=4, reasons=("slow_request",))
async def half_a_head(attacker: Attacker, number: int) -> None:
    """Send a header every now and then."""
    peer = await attacker.connect(side_of(number))
    peer.send(b"GET / HTTP/1.1\r\n")
    ending = asyncio.ensure_future(peer.wait_ended())
    while not ending.done():
        peer.send(b"X: y\r\n")
        await asyncio.sleep(DROP_S)
    await ending


@row(per_s=4, reasons=("slow_request",))
async def half_a_body(attacker: Attacker, number: int) -> None:
    peer = await attacker.connect(side_of(number))
    peer.send(b"POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n")
    ending = asyncio.ensure_future(peer.wait_ended())
    while not ending.done():
        peer.send(b"4")
        await asyncio.sleep(DROP_S)
    await ending


@row(per_s=5, reasons=("bad_request",))
async def garbage(attacker: Attacker, number: int) -> None:
    peer = await attacker.connect(side_of(number))
    peer.send(GARBAGE[number % len(GARBAGE)])
    await peer.wait_ended()


@row(per_s=2, reasons=("large_request",))
async def a_body_that_is_too_large(attacker: Attacker, number: int) -> None:
    peer = await attacker.connect(side_of(number))
    peer.send(b"POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
    await peer.wait_ended()


@row(per_s=10)
async def what_is_not_there(attacker: Attacker, number: int) -> None:
    side = speaking_side_of(number) if number % len(NOT_THERE) > 6 else "extras"
    await attacker.request(side, NOT_THERE[number % len(NOT_THERE)])


@row(per_s=3)
async def previews_without_a_key(attacker: Attacker, number: int) -> None:
    body = json.dumps({"key": f"guess {number}", "previewCode": "AAAAAA"}).encode()
    await attacker.request(
        "extras",
        b"PUT /createPreview HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
        % (len(body), body),
    )


@row(per_s=5, reasons=("wrong_password",))
async def guesses_of_the_password(attacker: Attacker, number: int) -> None:
    if number % 2:
        content = (
            b"GET /api/matches HTTP/1.1\r\nHost: example.org\r\nAuthorization: Bearer guess%d\r\n"
            b"Connection: close\r\n\r\n" % number
        )
    else:
        body = b"password=guess%d" % number
        content = (
            b"POST /login HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nConnection: close\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )
    await attacker.request("extras", content)
