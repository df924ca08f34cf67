import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rehearsal.tapes import (
    MATCH_ID,
    Line,
    auxiliary_logon,
    gone,
    logon,
    opening,
    recording,
    reported,
    told,
)
from valo_ingest.rehearsal.rekeying import Rekeyed, rekeyed

PLAYED = [
    *opening(),
    auxiliary_logon(2_000, "P"),
    reported(2_100, "P", "aux_health", 55),
    gone(3_000, "aux:P"),
]


def renamed(*lines: Line, group_code: str = "NEW") -> Rekeyed:
    ids = itertools.count(1)
    return rekeyed(
        recording(*lines),
        group_code=group_code,
        client_version="9.9.9",
        key="KEY",
        new_match_id=lambda: f"new id {next(ids)}",
    )


def test_nothing_is_left_of_the_old_names() -> None:
    found = renamed(*PLAYED)

    said = json.dumps([dict(step.payload) for step in found.recording.steps])
    assert "FINALS" not in said
    assert MATCH_ID not in said
    assert found.group_codes == {"FINALS": "NEW"}


def test_everybody_still_means_the_same_match() -> None:
    steps = renamed(*PLAYED).recording.steps

    assert {step.payload["groupCode"] for step in steps if "groupCode" in step.payload} == {"NEW"}
    assert {step.payload["matchId"] for step in steps if "matchId" in step.payload} == {"new id 1"}
    assert [step.payload["data"] for step in steps if step.kind == "match_start"] == ["new id 1"]


def test_all_that_is_no_name_stays() -> None:
    before = recording(*PLAYED)
    after = renamed(*PLAYED).recording

    for one, other in zip(before.steps, after.steps, strict=True):
        assert (one.at_ms, one.client, one.channel, one.line) == (
            other.at_ms,
            other.client,
            other.channel,
            other.line,
        )
        if one.kind not in ("match_start", "obs_logon", "aux_logon"):
            assert one.payload.get("data") == other.payload.get("data")


def test_logons_get_the_version_and_observers_the_key() -> None:
    observer, *_, auxiliary, _, _ = renamed(*PLAYED).recording.steps

    assert (observer.payload["clientVersion"], observer.payload["key"]) == ("9.9.9", "KEY")
    assert auxiliary.payload["clientVersion"] == "9.9.9"
    assert "key" not in auxiliary.payload


def test_a_logon_that_is_about_its_version_keeps_it() -> None:
    about_version = {**logon(clientVersion="0.0.1"), "keep_version": True}

    assert renamed(about_version).recording.steps[0].payload["clientVersion"] == "0.0.1"


def test_what_is_no_json_on_purpose_is_sent_as_it_is() -> None:
    raw = {**told(0, "raw"), "raw": '{"groupCode": "FINALS"'}

    assert renamed(logon(), raw).recording.steps[1].raw == raw["raw"]


def test_further_matches_get_codes_of_their_own() -> None:
    found = renamed(logon(), logon(client="obs2", code="OTHER"), told(0, "map", "Ascent", code="THIRD"))

    assert found.group_codes == {"FINALS": "NEW", "OTHER": "NEW-2", "THIRD": "NEW-3"}


def test_codes_of_further_matches_are_not_too_long() -> None:
    codes = renamed(logon(), logon(client="obs2", code="OTHER"), group_code="X" * 64).group_codes

    assert codes["FINALS"] == "X" * 64
    assert len(codes["OTHER"]) <= 64
    assert codes["OTHER"] != codes["FINALS"]


@pytest.mark.parametrize("code", ["", "X" * 65, None, 5])
def test_a_code_that_is_none_stays_wrong(code: object) -> None:
    changed = told(0, "map", "Ascent")
    changed["payload"]["groupCode"] = code

    assert renamed(logon(), changed).recording.steps[1].payload["groupCode"] == code


@given(st.lists(st.text(min_size=1, max_size=64), max_size=6))
def test_different_codes_stay_different(codes: list[str]) -> None:
    found = renamed(logon(), *(logon(client=f"obs{index}", code=code) for index, code in enumerate(codes)))

    assert len(set(found.group_codes.values())) == len(found.group_codes) == len({"FINALS", *codes})
