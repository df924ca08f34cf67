from marshmallow import ValidationError

from valo_ingest.wire.names import AuxiliaryType, ObserverType
from valo_ingest.wire.schemas import AUXILIARY_SCHEMAS, OBSERVER_SCHEMAS, first_fault


def test_every_type_of_message_has_a_schema() -> None:
    assert set(OBSERVER_SCHEMAS) == set(ObserverType)
    assert set(AUXILIARY_SCHEMAS) == set(AuxiliaryType)


def test_the_first_fault_is_told_with_its_path() -> None:
    error = ValidationError({"data": {1: {"money": ["Not a number.", "Again."]}}})

    assert first_fault(error) == ("data.1.money", "Not a number")


def test_a_fault_of_a_whole_object_has_the_path_of_the_object() -> None:
    assert first_fault(ValidationError({"data": {"_schema": ["Not an object."]}})) == (
        "data",
        "Not an object",
    )


def test_a_fault_of_the_whole_message_has_no_path() -> None:
    assert first_fault(ValidationError("Nonsense.")) == ("", "Nonsense")
