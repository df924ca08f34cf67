import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rehearsal import tapes
from tests.rehearsal.tapes import gone, logon, opening, phase, replay_file, reported, score, stream, told
from tests.storage import kept
from valo_ingest.errors import InvalidRecording
from valo_ingest.rehearsal import recordings
from valo_ingest.rehearsal.recordings import Fault, Format, Recording, load, parse
from valo_ingest.rehearsal.steps import NO_TYPE, Channel
from valo_ingest.wire import exports

WHOLE = [*opening(), phase(5_000, 1, "combat"), score(9_000, 1, 0), phase(9_500, 1, "game_end")]


def kinds(found: Recording) -> list[str]:
    return [step.kind for step in found.steps]


# --- what is read ---------------------------------------------------------------------------------------------


def test_a_stream_is_read_as_steps() -> None:
    found = parse(stream(*WHOLE))

    assert found.format is Format.STREAM
    assert [(step.line, step.at_ms, step.client, step.channel) for step in found.steps][-1] == (
        9,
        9_500,
        "obs",
        Channel.OBSERVER_DATA,
    )
    assert kinds(found)[:3] == ["obs_logon", "map", "roster"]
    assert found.duration_ms == 9_500
    assert not found.faults


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n", " \n"])
def test_lines_end_as_they_like(ending: str) -> None:
    assert len(parse(stream(*WHOLE).replace("\n", ending)).steps) == len(WHOLE)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_a_shell_redirects_is_read(encoding: str) -> None:
    lines = [logon(obsName="Ása 猫"), told(0, "map", "Ascent")]

    found = parse(stream(*lines).encode(encoding))

    assert found.steps[0].payload["obsName"] == "Ása 猫"
    assert not found.faults


def test_our_exports_are_read() -> None:
    opening_, entries = kept.make_opening(), (*kept.ENTRIES, kept.GAME_END)

    as_stream = parse("".join(exports.stream(opening_, entries)))
    as_replay_file = parse("".join(exports.replay_file(opening_, entries)))

    assert as_stream.format is Format.STREAM
    assert as_replay_file.format is Format.REPLAY_FILE
    assert not as_stream.faults and not as_replay_file.faults
    sent = [step.payload for step in as_replay_file.steps if not step.is_made_up]
    assert len(sent) == sum(entry.text.find('"type"') > 0 for entry in entries)
    assert {step.client for step in as_replay_file.steps} == {"obs", "aux:1", "aux:2"}


@pytest.mark.skipif(not tapes.STREAMS.is_dir(), reason="the shared streams are not beside this checkout")
@pytest.mark.parametrize("name", tapes.shared_streams())
def test_the_shared_streams_are_read_whole(name: str) -> None:
    found = load(tapes.STREAMS / f"{name}.jsonl")

    assert not found.faults
    lines = (tapes.STREAMS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(found.steps) + found.left_out == len(lines)


# --- what is damaged ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("{", "it is not JSON"),
        (json.dumps(told(0, "map"))[:-20], "it is not JSON"),
        ("\x00\x01\x02", "it is not JSON"),
        ("[" * 100_000, "it is nested too deep"),
        ("9" * 5_000, None),
        ("null", "it is not a JSON object"),
        ("[1]", "it is not a JSON object"),
        ("{}", "it has no channel"),
        ('{"meta": {"steps": 12}}', "it has no channel"),
        ('{"channel": "obs"}', "its channel is none of the protocol"),
        ('{"channel": 5}', "its channel is none of the protocol"),
        ('{"channel": "obs_data", "client": "obs"}', "its payload is not an object"),
        ('{"channel": "obs_data", "client": "obs", "payload": []}', "its payload is not an object"),
        ('{"channel": "obs_data", "payload": {}}', "it names no client"),
        ('{"channel": "obs_data", "client": "", "payload": {}}', "it names no client"),
        ('{"channel": "obs_data", "client": "obs", "payload": {}, "at_ms": "0"}', "its time is not a number"),
        (
            '{"channel": "obs_data", "client": "obs", "payload": {}, "at_ms": true}',
            "its time is not a number",
        ),
        (
            '{"channel": "obs_data", "client": "obs", "payload": {}, "at_ms": 1e300}',
            "its time is not a number",
        ),
        (
            '{"channel": "obs_data", "client": "obs", "payload": {}, "at_ms": 360000000}',
            "its time is 100 hours after that of the line before",
        ),
        ('"' + "x" * recordings.MAX_LINE_BYTES + '"', "it is longer than 1 MB"),
    ],
)
def test_a_damaged_line_is_named_and_left_out(damage: str, what: str | None) -> None:
    lines = stream(*WHOLE).splitlines()
    lines.insert(3, damage)

    found = parse("\n".join(lines))

    assert len(found.steps) == len(WHOLE)
    assert [fault.line for fault in found.faults] == [4]
    assert what is None or found.faults[0].what.startswith(what)


def test_bytes_that_are_no_text_damage_their_line_only() -> None:
    lines = stream(*WHOLE).encode().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"Player P", b"Player \xff")

    found = parse(b"".join(lines))

    assert found.faults == (Fault(3, "it is not JSON"),)
    assert len(found.steps) == len(WHOLE) - 1


def test_half_a_file_is_played_as_far_as_it_goes() -> None:
    text = stream(*WHOLE)

    found = parse(text[: len(text) // 2])

    assert len(found.faults) == 1
    assert kinds(found) == kinds(parse(text))[: len(found.steps)]


def test_the_other_half_has_logons_made_up() -> None:
    aux = reported(2_000, "P", "aux_health", 55)

    found = parse(stream(told(0, "map", "Ascent"), aux, aux))

    assert kinds(found) == ["obs_logon", "map", "aux_logon", "aux_health", "aux_health"]
    made_up, logon_of_auxiliary = found.steps[0], found.steps[2]
    assert made_up.is_made_up and logon_of_auxiliary.is_made_up
    assert made_up.payload["groupCode"] == tapes.CODE
    assert made_up.payload["leftTeam"]["attackStart"] is True
    assert logon_of_auxiliary.payload["matchId"] == tapes.MATCH_ID
    assert logon_of_auxiliary.payload["playerId"] == "P"


def test_who_was_gone_and_sends_again_is_not_logged_on_by_us() -> None:
    lines = [logon(), told(0, "map", "Ascent"), gone(1), told(2, "map", "Port")]

    assert kinds(parse(stream(*lines))) == ["obs_logon", "map", "disconnect", "map"]


@given(st.binary(max_size=400) | st.text(max_size=400))
def test_no_content_is_too_much(content: bytes | str) -> None:
    try:
        parse(content)
    except InvalidRecording as error:
        assert "\n" not in str(error).removesuffix("\n")


@given(
    st.lists(st.integers(0, len(stream(*WHOLE)) - 1), max_size=8),
    st.sampled_from(["\x00", "{", '"', ",", "9"]),
)
def test_damage_costs_the_lines_where_it_is_and_no_others(places: list[int], letter: str) -> None:
    text = stream(*WHOLE)
    whole = {step.line: step for step in parse(text).steps}
    for place in places:
        if text[place] != "\n":  # else lines would have other numbers
            text = text[:place] + letter + text[place + 1 :]
    damaged = {
        number
        for number, (one, other) in enumerate(
            zip(text.split("\n"), stream(*WHOLE).split("\n"), strict=True), 1
        )
        if one != other
    }

    try:
        found = parse(text)
    except InvalidRecording:
        assert len(damaged) >= len(WHOLE) - 1
        return

    for step in found.steps:
        if step.line not in damaged and not step.is_made_up:
            assert step.payload == whole[step.line].payload
    assert {fault.line for fault in found.faults} <= damaged


# --- files ----------------------------------------------------------------------------------------------------


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "match.jsonl.gz"
    path.write_bytes(gzip.compress(stream(*WHOLE).encode()))

    assert len(load(path).steps) == len(WHOLE)


def test_of_a_compressed_file_that_breaks_off_the_beginning_is_read(tmp_path: Path) -> None:
    lines = [*WHOLE, *(told(10_000 + number, "observing", f"Player {number**3}") for number in range(2_000))]
    content = gzip.compress(stream(*lines).encode())
    path = tmp_path / "match.jsonl.gz"
    path.write_bytes(content[: len(content) // 2])

    recording = load(path)

    assert len(WHOLE) < len(recording.steps) < len(lines)
    (fault,) = recording.faults
    assert fault.line == len(recording.steps) + 1
    assert fault.what.startswith("the compressed file breaks off here")


def rubbish() -> dict[str, bytes]:
    return {
        "empty": b"",
        "blank": b"\n \r\n",
        "binary": bytes(range(256)) * 40,
        "a huge line": b"x" * (recordings.MAX_LINE_BYTES + 1),
        "prose": b"Dear crew,\nhere is the match.\n",
        "another JSON": b'{"name": "valo"}',
        "a list": b"[1, 2, 3]",
        "deep": b"[" * 100_000,
        "rubbish in gzip": gzip.compress(b"rubbish"),
        "broken gzip": b"\x1f\x8b" + b"rubbish" * 10,
        "broken UTF-16": b"\xff\xfe\x00",
    }


@pytest.mark.parametrize("name", rubbish())
def test_a_file_that_is_no_recording_is_refused_with_its_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(rubbish()[name])

    with pytest.raises(InvalidRecording) as refusal:
        load(path)

    assert str(refusal.value).startswith(f"{path}: it is ")


@pytest.mark.parametrize("name", ["", "missing", "a\0b"])
def test_what_cannot_be_opened_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRecording):
        load(tmp_path / name)  # "": the directory


def test_too_large_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MAX_FILE_BYTES", 100)
    path = tmp_path / "match.jsonl"
    for content in (stream(*WHOLE).encode(), gzip.compress(b"\n" * 10_000)):
        path.write_bytes(content)

        with pytest.raises(InvalidRecording, match="larger than"):
            load(path)


@pytest.mark.parametrize("first", [{"format": 2, **logon()}, {"format": 99, "groupCode": "A"}])
def test_a_format_of_the_future_is_refused(first: Any) -> None:
    with pytest.raises(InvalidRecording, match="a later version"):
        parse(json.dumps(first) + "\n")


def test_a_message_that_is_no_json_on_purpose_has_no_type() -> None:
    raw = {**told(0, "map", "Ascent"), "raw": "not json"}

    step = parse(stream(logon(), raw)).steps[1]

    assert (step.raw, step.kind) == ("not json", NO_TYPE)


def test_lists_of_messages_are_read_like_replay_files() -> None:
    message = {"obsName": "x", "groupCode": "A", "type": "map", "data": "Ascent"}

    text = f"[\n{replay_file(message, message)}\n]"

    assert (
        kinds(parse(text))
        == kinds(parse(json.dumps([message, message])[1:-1]))
        == ["obs_logon", "map", "map"]
    )
