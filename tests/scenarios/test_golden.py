"""Plays every recorded and simulated stream in process, and compares each step with what was recorded of it.

Streams and goldens lie beside the checkout, in `../shared`; `driver/README.md` there describes both, and how a step is
judged. The driver plays them over sockets and in real time; here a `ManualClock` is moved by what the driver would
wait, so every time field is compared exactly. HTTP answers are not compared here.
"""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.scenarios.ingest import TICK_MS, Ack, Channel, InProcessIngest

SHARED: Final = Path(__file__).parents[3] / "shared"
STREAMS: Final = SHARED / "streams"
GOLDENS: Final = SHARED / "golden"

STEP_MS: Final = 40
"""What the recording driver took at least for looking at the state twice, after each step."""

QUIET_MS: Final = 250
"""How long it wants nothing to be pushed before it looks, in a quiet stream."""

PATIENCE_MS: Final = 3_000
"""After that time it looks in any case."""

SECRET: Final = "${secret}"
GROUP_SECRET: Final = re.compile(r"[A-Z0-9]{12}")
SERVER_VERSION: Final = re.compile(r"server version \d+\.\d+\.\d+\S*\.$")
INVALID_PACKET: Final = "Invalid packet."
RELATIVE_TOLERANCE: Final = 1e-9

ABSENT: Final = "(absent)"

Step = dict[str, Any]
Row = dict[str, Any]


def _whole_where_it_can_be(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


_read_json = msgspec.json.Decoder(float_hook=_whole_where_it_can_be).decode
_write_json = msgspec.json.Encoder(order="sorted").encode


class Player:
    """Plays one stream, step by step, the way the driver does."""

    def __init__(self, steps: list[Step]) -> None:
        self.ingest = InProcessIngest()
        self._steps = steps
        self._is_quiet = steps[0].get("settle") == "quiet"
        self.sent_at: list[int] = []
        self.watched: list[str] = []
        """Group codes whose state is compared, the primary one first."""
        self._secrets: dict[str, str] = {}

    def play(self, index: int) -> Row:
        """Play one step and return what came of it, in the form of a golden."""
        step = self._steps[index]
        changes_before = dict(self.ingest.publisher.changes)
        self._wait_before(step)
        self.sent_at.append(self.ingest.clock.now_ms())
        row: Row = {"step": index}
        channel = step["channel"]
        if channel == "sleep":
            self.ingest.pass_time(step["payload"]["ms"])
        elif channel == Channel.DISCONNECT:
            self.ingest.disconnect(step["client"])
        elif channel in (Channel.OBSERVER_LOGON, Channel.AUXILIARY_LOGON):
            row["ack"] = self._log_on(step, Channel(channel))
        elif channel in (Channel.OBSERVER_DATA, Channel.AUXILIARY_DATA):
            self.ingest.send(step["client"], Channel(channel), self._payload(step))
        closed = self.ingest.closed_by_server()
        self._wait_after(step)
        row["closed"] = sorted([*closed, *self.ingest.closed_by_server()])
        row["documents"] = {
            code: None if (text := self.ingest.publisher.text(code)) is None else _read_json(text)
            for code in self.watched
        }
        primary = next(iter(self.watched), "")
        row["pushed"] = self.ingest.publisher.changes.get(primary, 0) > changes_before.get(primary, 0)
        return row

    def _wait_before(self, step: Step) -> None:
        self.ingest.pass_time(step.get("gap_ms", 0))
        if hold := step.get("hold"):
            due_at = self.sent_at[hold["step"]] + hold["ms"]
            self.ingest.pass_time(due_at - self.ingest.clock.now_ms())

    def _wait_after(self, step: Step) -> None:
        self.ingest.pass_time(step.get("settle_ms", 0))
        if self._is_quiet and step.get("quiet") is not False:
            self._wait_until_quiet()
        self.ingest.pass_time(STEP_MS)

    def _wait_until_quiet(self) -> None:
        clock, changes = self.ingest.clock, self.ingest.publisher.changes
        seen, quiet_since = dict(changes), clock.now_ms()
        give_up_at = quiet_since + PATIENCE_MS
        while clock.now_ms() < min(quiet_since + QUIET_MS, give_up_at):
            self.ingest.pass_time(TICK_MS)
            if changes != seen:
                seen, quiet_since = dict(changes), clock.now_ms()

    def _log_on(self, step: Step, channel: Channel) -> Ack:
        group_code = step["payload"].get("groupCode", "")
        is_watched = channel is Channel.OBSERVER_LOGON and not step.get("no_capture_code")
        if is_watched and group_code not in self.watched:
            self.watched.append(group_code)
        ack = self.ingest.log_on(step["client"], channel, self._payload(step))
        if "reason" not in ack:
            return ack
        for word in step.get("reason_has", ()):
            assert word in ack["reason"]
        return {**ack, "reason": self._stored_reason(ack, group_code)}

    def _stored_reason(self, ack: Ack, group_code: str) -> str:
        reason: str = ack["reason"]
        if ack["value"] is True:
            is_same = self._secrets.get(group_code) == reason
            self._secrets[group_code] = reason
            assert GROUP_SECRET.fullmatch(reason)
            return "<same secret>" if is_same else "<secret>"
        if reason.startswith(INVALID_PACKET):
            return INVALID_PACKET
        return SERVER_VERSION.sub("server version <version>.", reason)

    def _payload(self, step: Step) -> Any:
        """Return what travels: JSON as text, as bytes or as an object."""
        if "raw" in step:
            return step["raw"]
        payload = dict(step["payload"])
        if isinstance(secret := payload.get("groupSecret"), str):
            payload["groupSecret"] = secret.replace(SECRET, self._secrets.get(payload["groupCode"], ""))
        form = step.get("as")
        if form == "object":
            return payload
        text = json.dumps(payload)
        return text.encode() if form == "bytes" else text


def differences(expected: Row, got: Row, sent_at: list[int]) -> Iterator[str]:
    """Yield what differs between a row of a golden and what came of its step."""
    documents = got["documents"]
    primary = next(iter(documents), None)
    wanted = {primary: expected.get("match_data"), **expected.get("also", {})}
    for code, document in wanted.items():
        yield from _document_differences(_dated(document, sent_at), documents.get(code), f"[{code}]")
    if "ack" in expected and expected["ack"] != got["ack"]:
        yield f"acknowledgement: expected {expected['ack']}, got {got['ack']}"
    if expected.get("closed", []) != got["closed"]:
        yield f"closed clients: expected {expected.get('closed', [])}, got {got['closed']}"
    if expected.get("pushed", got["pushed"]) != got["pushed"]:
        yield f"pushed: expected {expected['pushed']}, got {got['pushed']}"


def _dated(document: Any, sent_at: list[int]) -> Any:
    """Return `document` with its time fields, {"$t": [step, plus]}, as instants."""
    if not isinstance(document, dict):
        return document
    return {
        name: sent_at[value["$t"][0]] + value["$t"][1] if isinstance(value, dict) and "$t" in value else value
        for name, value in document.items()
    }


def _document_differences(expected: Any, got: Any, path: str) -> Iterator[str]:
    if _write_json(expected) == _write_json(got):
        return  # nearly always, and much faster than looking at each field
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in [*expected, *(set(got) - set(expected))]:
            yield from _document_differences(
                expected.get(name, ABSENT), got.get(name, ABSENT), f"{path}.{name}"
            )
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from _document_differences(one, other, f"{path}.{index}")
    elif not (_is_number(expected) and _is_number(got) and _is_close(expected, got)):
        yield f"{path}: expected {expected}, got {got}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_close(one: float, other: float) -> bool:
    return abs(one - other) <= RELATIVE_TOLERANCE * max(1, abs(one))


def _stream_names() -> list[str]:
    return sorted(path.stem for path in STREAMS.glob("*.jsonl"))


@pytest.mark.skipif(not STREAMS.is_dir(), reason="the shared streams are not beside this checkout")
@pytest.mark.parametrize("name", _stream_names())
def test_a_stream_comes_out_as_its_golden_says(name: str) -> None:
    steps = [json.loads(line) for line in (STREAMS / f"{name}.jsonl").read_text().splitlines()]
    with gzip.open(GOLDENS / f"{name}.jsonl.gz") as golden:
        rows = {row["step"]: row for line in golden if "step" in (row := _read_json(line))}
    player = Player(steps)

    assert rows
    for index in range(len(steps)):
        got = player.play(index)
        if index in rows:
            found = list(differences(rows[index], got, player.sent_at))
            assert not found, f"step {index}: {found[:12]}"


def test_streams_and_goldens_belong_together() -> None:
    if not STREAMS.is_dir():
        pytest.skip("the shared streams are not beside this checkout")

    assert _stream_names() == sorted(
        path.name.removesuffix(".jsonl.gz") for path in GOLDENS.glob("*.jsonl.gz")
    )


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ({"match_data": {"a": {"b": [1, 2]}}}, {"a": {"b": [1, 3]}}),
        ({"match_data": {"a": {"b": [1, 2]}}}, {"a": {"b": [1]}}),
        ({"match_data": {"a": None}}, {}),
        ({"match_data": {}}, {"a": None}),
        ({"match_data": {"a": True}}, {"a": 1}),
        ({"match_data": {"a": "1"}}, {"a": 1}),
        ({"match_data": {"a": 1.0}}, {"a": 1.0001}),
        ({"match_data": {"a": {"$t": [0, 45]}}}, {"a": 1_046}),
        ({"match_data": {"a": {"$t": [0, 45]}}}, {}),
        ({"match_data": None}, {}),
        ({"match_data": {}}, None),
        ({"match_data": {}, "also": {"OTHER": {}}}, {}),
        ({"match_data": {}, "closed": ["obs"]}, {}),
        ({"match_data": {}, "pushed": True}, {}),
        ({"match_data": {}, "ack": {"value": True}}, {}),
    ],
)
def test_a_difference_from_a_golden_is_found(expected: Row, got: Any) -> None:
    row = {"documents": {"CODE": got}, "closed": [], "pushed": False, "ack": {"value": False}}

    assert len(list(differences(expected, row, sent_at=[1_000]))) == 1


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ({"match_data": None}, None),
        ({"match_data": {"a": 1, "b": [1, 2]}}, {"b": [1, 2], "a": 1.0}),
        ({"match_data": {"a": 1 / 3}}, {"a": 0.333333333333}),
        ({"match_data": {"a": {"$t": [0, 45]}}}, {"a": 1_045}),
    ],
)
def test_what_counts_as_equal_is_no_difference(expected: Row, got: Any) -> None:
    row = {"documents": {"CODE": got}, "closed": [], "pushed": False}

    assert list(differences(expected, row, sent_at=[1_000])) == []
