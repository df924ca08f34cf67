"""Recordings for tests: lines of streams and of .replay files, with defaults for everything."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.e2e import messages
from valo_ingest.rehearsal.recordings import Recording, parse

CODE: Final = "FINALS"
MATCH_ID: Final = "id-of-the-match"

SHARED: Final = Path(__file__).parents[3] / "shared"
STREAMS: Final = SHARED / "streams"

INSTANTS: Final = ("agentSelectStartTime", "roundTimeoutTime", "spikeDetonationTime")

Line = dict[str, Any]


def logon(at_ms: int = 0, *, client: str = "obs", code: str = CODE, **changes: Any) -> Line:
    return _line(at_ms, client, "obs_logon", messages.observer_logon(code, **{"key": "", **changes}))


def told(at_ms: int, kind: str, data: Any = True, *, client: str = "obs", code: str = CODE) -> Line:
    """Return a message of an observer."""
    return _line(at_ms, client, "obs_data", messages.observer_data(code, kind, data))


def phase(at_ms: int, number: int, name: str, **more: Any) -> Line:
    return told(at_ms, "round_info", {"roundNumber": number, "roundPhase": name}, **more)


def score(at_ms: int, team_0: int, team_1: int) -> Line:
    return told(at_ms, "score", {"team_0": team_0, "team_1": team_1})


def auxiliary_logon(at_ms: int, player_id: str, *, match_id: str = MATCH_ID) -> Line:
    return _line(at_ms, f"aux:{player_id}", "aux_logon", messages.auxiliary_logon(match_id, player_id))


def reported(at_ms: int, player_id: str, kind: str, data: Any, *, match_id: str = MATCH_ID) -> Line:
    """Return a message of an auxiliary client."""
    return _line(
        at_ms, f"aux:{player_id}", "aux_data", messages.auxiliary_data(match_id, player_id, kind, data)
    )


def gone(at_ms: int, client: str = "obs") -> Line:
    return _line(at_ms, client, "disconnect", {})


def _line(at_ms: int, client: str, channel: str, payload: Line) -> Line:
    return {"channel": channel, "client": client, "payload": payload, "at_ms": at_ms}


def opening() -> list[Line]:
    """Return how a match begins, with the players "P" and "Q"."""
    return [
        logon(),
        told(0, "map", "Ascent"),
        told(100, "roster", messages.roster("P")),
        told(100, "roster", messages.roster("Q", team=1)),
        told(200, "match_start", MATCH_ID),
        phase(1_000, 1, "shopping"),
    ]


def stream(*lines: Line) -> str:
    """Return the text of a stream."""
    return "".join(json.dumps(line) + "\n" for line in lines)


def recording(*lines: Line) -> Recording:
    return parse(stream(*lines))


def replay_file(*values: Line) -> str:
    """Return the text of a .replay file."""
    return ",\n".join(json.dumps(value) for value in values)


def shared_streams() -> list[str]:
    """Return the names of the streams that lie beside the checkout."""
    return sorted(path.stem for path in STREAMS.glob("*.jsonl"))


@cache
def golden_documents(name: str) -> list[Any]:
    """Return the documents in the end of a stream, that of its first match first, without keys and instants."""
    last = b""
    with gzip.open(SHARED / "golden" / f"{name}.jsonl.gz") as golden:
        for line in golden:
            if b'"match_data":' in line or b'"also":' in line:
                last = line
    row = json.loads(last)
    return [timeless(document) for document in [row.get("match_data"), *row.get("also", {}).values()]]


def timeless(document: Any) -> Any:
    """Return a document without its keys, and without instants except for whether they are there."""
    if document is None:
        return None
    there = {name: "an instant" for name in INSTANTS if name in document}
    match_id = "an id" if document["matchId"] else ""
    return json.loads(json.dumps({**document, **there, "groupCode": "", "matchId": match_id}))
