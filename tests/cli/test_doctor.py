import pytest

from tests.cli.conftest import CommandLine


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--group-code", ""), "a group code has 1 to 64 characters."),
        (("--group-code", "X" * 65), "a group code has 1 to 64 characters."),
        (("--group-code", "\udcff"), "it is no text in UTF-8."),
        (("--key", "\udcff"), "it is no text in UTF-8."),
        (("--client-version", "\udcff"), "it is no text in UTF-8."),
    ],
)
def test_what_no_overlay_and_no_observer_can_have_is_refused(
    valo_ingest: CommandLine, arguments: tuple[str, str], why: str
) -> None:
    result = valo_ingest("doctor", "--url", "http://127.0.0.1:1", *arguments)

    assert result.exit_code == 2
    assert result.stderr.endswith(f"Invalid value for '{arguments[0]}': {why}\n")
