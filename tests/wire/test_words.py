import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from marshmallow import Schema, fields

from valo_ingest.errors import InvalidMessage
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message
from valo_ingest.wire.names import AuxiliaryType, ObserverType
from valo_ingest.wire.schemas import AUXILIARY_SCHEMAS, OBSERVER_SCHEMAS
from valo_ingest.wire.words import DATA, FIELDS, WHOLE_DATA, fault

SECRET = "Ymir"
"""What a sender sent must never be in what is said about it."""

Read = Callable[[Any], object]


def names_of(schema: Schema) -> Iterator[str]:
    for name, field in schema.fields.items():
        yield field.data_key or name
        if isinstance(field, fields.Nested):
            yield from names_of(field.schema)


def refusal(read: Read, event_type: str, data: Any) -> InvalidMessage:
    message = {"obsName": "C", "playerId": "P", "groupCode": "A", "matchId": "A"}
    with pytest.raises(InvalidMessage) as caught:
        read(json.dumps({**message, "type": event_type, "data": data}))
    return caught.value


def test_there_are_words_for_every_field() -> None:
    schemas = [*OBSERVER_SCHEMAS.values(), *AUXILIARY_SCHEMAS.values()]
    names = {name for schema in schemas for name in names_of(schema)} - {DATA}

    assert names <= FIELDS.keys()


@pytest.mark.parametrize(
    ("event_type", "data", "sentence"),
    [
        ("score", {"team_0": "many", "team_1": 1}, "the score of team 0 is not a number"),
        ("score", {"team_1": 1}, "the score of team 0 is missing"),
        ("score", {"team_0": 1, "team_1": None}, "the score of team 1 is null"),
        ("score", SECRET, "its data is not an object"),
        ("map", 5, "the map is not a text"),
        (
            "round_info",
            {"roundNumber": 1.5, "roundPhase": "end"},
            "the number of the round is not a whole number",
        ),
        ("toast", {"text": "x" * 2_000}, "the toast holds a text longer than 1024 characters"),
        ("toast", {"duration": SECRET}, "the duration of the toast is not a number of milliseconds"),
    ],
)
def test_a_fault_is_told_as_a_sentence(event_type: str, data: Any, sentence: str) -> None:
    error = refusal(decode_observer_message, event_type, data)

    assert error.detail == f"The {event_type} event was dropped: {sentence}."
    assert error.event_type == event_type


def test_an_entry_of_a_list_is_counted_as_people_do() -> None:
    assert fault("killfeed", "data.assists.0", "not a text") == (
        "The killfeed event was dropped: the list of those who assisted (entry 1) is not a text."
    )
    assert fault("aux_scoreboard_team", "data.4.money", "not a number") == (
        "The aux_scoreboard_team event was dropped: the player's money (entry 5) is not a number."
    )


@pytest.mark.parametrize(
    "data", [SECRET, {SECRET: SECRET}, [SECRET], json.dumps([{SECRET: SECRET}])], ids=repr
)
@pytest.mark.parametrize(
    ("read", "event_type"),
    [
        *((decode_observer_message, name.value) for name in ObserverType),
        *((decode_auxiliary_message, name.value) for name in AuxiliaryType),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_fault_repeats_what_was_sent(read: Read, event_type: str, data: Any) -> None:
    try:
        read(
            json.dumps({"obsName": "C", "playerId": "P", "groupCode": "A", "type": event_type, "data": data})
        )
    except InvalidMessage as error:
        assert error.detail.startswith(f"The {event_type} event was dropped: ")
        assert error.detail.endswith(".")
        assert SECRET not in str(error)


def test_the_words_for_whole_data_are_of_types_of_the_protocol() -> None:
    assert WHOLE_DATA.keys() <= {*ObserverType, *AuxiliaryType}
