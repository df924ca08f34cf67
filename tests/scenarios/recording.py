"""Reads scenarios, and plays them.

A scenario is a file NAME.jsonl. Its first line says the format; each other line is something that a client did:

    {"format": 1, "about": "what it shows"}
    {"at": 1500, "client": "obs", "channel": "obs_data", "message": {"type": "map", ...}}

`at` counts milliseconds from the start, `channel` is one of `ingest.Channel`, and instead of a `message` there may be
a `text`, which is sent as it stands. Group secrets are SECRET000001 and so on. `NAME.json` beside it is the document
that overlays have in the end, of the match of the first logon; instants in it count from `START_MS`.

After a change, look at what the new document is, and keep it if it is right:

    python -m tests.scenarios.recording tests/scenarios/NAME.jsonl > tests/scenarios/NAME.json
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.scenarios.ingest import Channel, InProcessIngest
from valo_ingest.wire.json import Payload

START_MS: Final = 1_700_000_000_000


@dataclass(frozen=True)
class Action:
    """What a client did, `at` ms after the start."""

    at: int
    client: str
    channel: Channel
    payload: Payload


class UnknownFormat(Exception):
    """The scenario is of a format that nobody reads here."""


def read_actions(path: Path) -> Iterator[Action]:
    """Yield what happened in a scenario.

    Raises:
        UnknownFormat: Its first line names no format that is read here.
    """
    head, *lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    read = FORMATS.get(head.get("format"))
    if read is None:
        raise UnknownFormat(f"{path.name}: format {head.get('format')!r}")
    yield from map(read, lines)


def _read_format_1(line: Mapping[str, Any]) -> Action:
    payload = line["text"] if "text" in line else json.dumps(line.get("message"))
    return Action(line["at"], line["client"], Channel(line["channel"]), payload)


FORMATS: Final[dict[int, Callable[[Mapping[str, Any]], Action]]] = {1: _read_format_1}
"""Readers of all formats that ever were: old scenarios have to play for ever."""


def final_document(path: Path) -> Any:
    """Play a scenario and return the document that overlays have in the end."""
    ingest = InProcessIngest()
    assert ingest.clock.now_ms() == START_MS
    group_code = None
    for action in read_actions(path):
        ingest.pass_time(START_MS + action.at - ingest.clock.now_ms())
        if action.channel is Channel.DISCONNECT:
            ingest.disconnect(action.client)
        elif action.channel in (Channel.OBSERVER_LOGON, Channel.AUXILIARY_LOGON):
            ingest.log_on(action.client, action.channel, action.payload)
            group_code = group_code or json.loads(action.payload)["groupCode"]
        else:
            ingest.send(action.client, action.channel, action.payload)
        ingest.closed_by_server()
    text = None if group_code is None else ingest.publisher.text(group_code)
    assert text is not None, "no match was opened"
    return json.loads(text)


if __name__ == "__main__":
    print(json.dumps(final_document(Path(sys.argv[1])), indent=1, ensure_ascii=False))
