"""Clients that are let in, or try to be, and then are a nuisance."""

import asyncio
import random

from tests.bench.frames import event_frame
from tests.bench.hostile.peers import Attacker
from tests.bench.hostile.rows import row
from tests.e2e.messages import auxiliary_data, auxiliary_logon, observer_logon

NOBODY = "a-player-of-no-match"
"""Whom hostile auxiliary clients claim to be: what they tell is taken in, and changes nothing that is shown."""

FIREHOSE_S = 30.0
DEAF_S = 90.0
COLLECTED_CODES = 3_000


def _auxiliary(attacker: Attacker) -> dict[str, object]:
    return auxiliary_logon(attacker.target.match_id, NOBODY, name="Mallory")


@row(per_s=20, reasons=("invalid_key", "logon_delayed"), after_s=60.0)
async def guesses_of_the_key(attacker: Attacker, number: int) -> None:
    peer = await attacker.join("ingest")
    peer.emit("obs_logon", observer_logon(f"GUESS{number}", key=f"guess {number}"))
    await peer.hear(b'42["obs_logon_ack"')
    peer.abort()


@row(per_s=3, reasons=("invalid_key",))
async def takes_the_match_over(attacker: Attacker, number: int) -> None:
    """Log on to the real match without its secret, with a key that is not good, or is none."""
    peer = await attacker.join("ingest")
    key = (f"guess {number}", "", None, "x" * 100_000)[number % 4]
    peer.emit("obs_logon", observer_logon(attacker.target.group_code, key=key))
    await peer.stay(10)
    peer.abort()


@row(per_s=5, reasons=("unknown_session",))
async def guesses_of_tokens(attacker: Attacker, number: int) -> None:
    peer = await attacker.join("ingest", token=f"guess{number}")
    peer.abort()


@row(per_s=0.1, reasons=("events_slowed_down",))
async def a_firehose(attacker: Attacker, number: int) -> None:
    """Send events as fast as they are taken."""
    peer = await attacker.join("ingest")
    peer.emit("aux_logon", _auxiliary(attacker))
    await peer.hear(b'42["aux_logon_ack"')
    told = auxiliary_data(attacker.target.match_id, NOBODY, "aux_health", 50)
    frames = event_frame("aux_data", told, compression=False) * 100
    staying = asyncio.ensure_future(peer.stay(FIREHOSE_S))
    while not staying.done():
        peer.send(frames)
        await peer.drain()
        await asyncio.sleep(0)
    peer.abort()


@row(per_s=0.2)
async def events_that_are_refused(attacker: Attacker, number: int) -> None:
    """Send 200 events a second that are none, or of other matches."""
    peer = await attacker.join("ingest")
    peer.emit("aux_logon", _auxiliary(attacker))
    await peer.hear(b'42["aux_logon_ack"')
    target = attacker.target
    bad = [
        auxiliary_data("another-match", NOBODY, "aux_health", 1),
        auxiliary_data(target.match_id, NOBODY, "aux_health", "none"),
        auxiliary_data(target.match_id, NOBODY, "no_such_type", {"a": ["b"] * 50}),
        {"groupCode": target.group_code},
    ]
    staying = asyncio.ensure_future(peer.stay(15))
    while not staying.done():
        peer.send(b"".join(event_frame("aux_data", each, compression=False) for each in bad))
        peer.send(event_frame("obs_data", bad[3], compression=False))
        await peer.drain()
        await asyncio.sleep(0.025)
    peer.abort()


@row(per_s=0.3, reasons=("stuck_peer",), after_s=60.0)
async def overlays_that_never_read(attacker: Attacker, number: int) -> None:
    """Follow the real match without compression, and take nothing."""
    peer = await attacker.join("output")
    peer.emit("logon", {"groupCode": attacker.target.group_code})
    await peer.hear(b'42["logon_success"')
    peer.stop_reading()
    await asyncio.sleep(DEAF_S)
    peer.abort()


@row(per_s=0.3)
async def peers_that_are_gone(attacker: Attacker, number: int) -> None:
    """Log on and then be silent, as a machine is whose cable was pulled."""
    peer = await attacker.join(("ingest", "output")[number % 2])
    if number % 2:
        peer.emit("logon", {"groupCode": "NOBODY"})
    else:
        peer.emit("aux_logon", _auxiliary(attacker))
    peer.stop_reading()
    await asyncio.sleep(DEAF_S)
    peer.abort()


@row(per_s=0.1, reasons=("too_many_codes",))
async def overlays_on_thousands_of_codes(attacker: Attacker, number: int) -> None:
    peer = await attacker.join("output")
    staying = asyncio.ensure_future(peer.stay(FIREHOSE_S))
    for each in range(COLLECTED_CODES):
        if staying.done():
            break
        peer.emit("logon", {"groupCode": f"CODE{number}-{each}"})
        if each % 10 == 0:
            await peer.drain()
            await asyncio.sleep(0.01)
    await staying
    peer.abort()


@row(per_s=10)
async def auxiliaries_that_come_and_go(attacker: Attacker, number: int) -> None:
    """Log on and be lost, so that the server keeps a session."""
    peer = await attacker.join("ingest")
    peer.emit("aux_logon", _auxiliary(attacker))
    await peer.hear(b'42["aux_logon_ack"')
    peer.abort()


@row(per_s=10)
async def overlays_that_come_and_go(attacker: Attacker, number: int) -> None:
    """The same, on the code of the real match and on ones that nobody has."""
    peer = await attacker.join("output")
    code = attacker.target.group_code if number % 2 else f"NOBODY{random.randrange(10**9)}"
    peer.emit("logon", {"groupCode": code})
    await peer.hear(b'42["logon_success"')
    peer.abort()
