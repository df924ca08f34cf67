from dataclasses import fields

from valo_ingest.cli.settings import SETTINGS
from valo_ingest.config import TAKES, Config


def test_every_field_of_the_configuration_is_a_setting() -> None:
    assert sorted(each.field for each in SETTINGS if each.field) == sorted(
        each.name for each in fields(Config)
    )


def test_what_a_setting_takes_is_said_of_all() -> None:
    assert {each.name for each in SETTINGS} - {"MAKE_AUTH_KEY", "MAKE_OPERATOR_PASSWORD"} == set(TAKES)


def test_the_names_of_the_original_are_known() -> None:
    assert {each.name for each in SETTINGS if each.original} == {
        "INSECURE",
        "SERVER_KEY",
        "SERVER_CERT",
        "REQUIRE_AUTH_KEY",
        "AUTH_KEY",
        "OPERATOR_PASSWORD",  # not of the original, but the same kind of secret
    }


def test_our_name_comes_before_that_of_the_original() -> None:
    by_name = {each.name: each for each in SETTINGS}

    assert by_name["INSECURE"].variables == ("VALO_INGEST_INSECURE", "INSECURE")
    assert by_name["HOST"].variables == ("VALO_INGEST_HOST",)
