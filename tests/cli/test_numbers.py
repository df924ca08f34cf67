import pytest

from tests.cli.conftest import CommandLine


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("doctor", "--watch-s", "soon"), "'--watch-s': 'soon' is not a valid number."),
        (("doctor", "--watch-s", "nan"), "'--watch-s': 'nan' is not a number."),
        (("doctor", "--watch-s", "inf"), "'--watch-s': inf is not in the range 0<=x<=86400."),
        (("loadtest", "lan-final", "--duration", "short"), "'--duration': 'short' is not a valid number."),
        (("loadtest", "lan-final", "--duration", "nan"), "'--duration': 'nan' is not a number."),
        (("matches", "delete", "--older-than", "2.5"), "'--older-than': '2.5' is not a valid whole number."),
        (("simulate", "--aux", "all"), "'--aux': 'all' is not a valid whole number."),
        (("simulate", "--speed", "fast"), "'--speed': 'fast' is not a valid speed."),
    ],
)
def test_a_number_that_is_none_is_refused_in_words(
    valo_ingest: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    result = valo_ingest(*arguments)

    assert result.exit_code == 2
    assert result.stderr.endswith(f"Error: Invalid value for {said}\n")
