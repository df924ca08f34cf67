import pytest

from valo_ingest.errors import ConfigError
from valo_ingest.wire.compat import VersionRange

TODAY = VersionRange(">=0.3.3 <0.3.25")


@pytest.mark.parametrize("version", ["0.3.3", "0.3.9", "0.3.24", "v0.3.20", " 0.3.20 ", "0.3.20+build.5"])
def test_versions_in_the_range_are_accepted(version: str) -> None:
    assert TODAY.accepts(version)


@pytest.mark.parametrize("version", ["0.3.2", "0.3.25", "0.4.0", "1.3.20", "0.2.99", "0.30.3"])
def test_versions_outside_the_range_are_not_accepted(version: str) -> None:
    assert not TODAY.accepts(version)


@pytest.mark.parametrize(
    "version",
    [
        "",
        "0.3",
        "0.3.20.1",
        "0.3.x",
        "latest",
        "0.3.20-beta",
        "0.3.020",
        "vv0.3.20",
        "0.3.20 0.3.21",
        "0.3.20+",
        "0.3.\u0662",
        "0.3.20\n; drop",
        "0.3.9999999999",
        "0.3." + "9" * 5_000,
        " " * 300 + "0.3.20",
        "\ud800",
    ],
    ids=lambda version: repr(version)[:20],
)
def test_what_is_no_version_is_not_accepted(version: str) -> None:
    assert not TODAY.accepts(version)


@pytest.mark.parametrize(
    ("text", "accepted", "refused"),
    [
        ("0.3.3", "0.3.3", "0.3.4"),
        ("=0.3.3", "0.3.3", "0.3.2"),
        (">0.3.3", "0.3.4", "0.3.3"),
        (">=0.3.3", "0.3.3", "0.3.2"),
        ("<0.3.3", "0.3.2", "0.3.3"),
        ("<=0.3.3", "0.3.3", "0.3.4"),
        (">=0.3.3 <1.0.0", "0.10.0", "1.0.0"),
    ],
)
def test_comparators_all_have_to_hold(text: str, accepted: str, refused: str) -> None:
    assert VersionRange(text).accepts(accepted)
    assert not VersionRange(text).accepts(refused)


@pytest.mark.parametrize(
    "text", ["", "  ", "newest", ">=0.3", "^0.3.3", ">=0.3.3, <0.3.25", ">= 0.3.3", "0.3.3 || 0.3.4"]
)
def test_a_range_that_makes_no_sense_names_the_setting(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        VersionRange(text)

    assert caught.value.setting == "CLIENT_VERSIONS"
