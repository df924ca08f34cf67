from pathlib import Path

import pytest

from valo_ingest.errors import InvalidScenario
from valo_ingest.rehearsal.load.scenario import (
    SHIPPED,
    Capacity,
    Limits,
    Scenario,
    parse_scenario,
    read_scenario,
    shipped,
)

SMALLEST = """
about = "One match"
matches = 1
auxiliaries = 2
overlays = 3
duration_s = 10

[limits]
p99_ms = 100
"""


def refusal_of(text: str) -> str:
    with pytest.raises(InvalidScenario) as caught:
        parse_scenario(text, source="mine.toml")
    return str(caught.value)


def test_what_is_not_said_has_a_default() -> None:
    assert parse_scenario(SMALLEST, source="mine.toml") == Scenario(
        about="One match",
        matches=1,
        auxiliaries=2,
        overlays=3,
        duration_s=10,
        limits=Limits(p99_ms=100, errors=0, lost=0),
        ramp_s=0,
        speed=1,
        mode="bomb",
        seed=1,
        reconnects_per_minute=0,
        refusals_per_minute=0,
        capacity=Capacity(),
    )


def test_a_match_has_one_observer_besides_what_the_scenario_says() -> None:
    assert parse_scenario(SMALLEST, source="mine.toml").clients_of_a_match == 6


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        ("matches = 1", "", "mine.toml: matches: is missing."),
        ("p99_ms = 100", "", "mine.toml: limits.p99_ms: is missing."),
        ("matches = 1", "matches = 0", "mine.toml: matches: Expected `int` >= 1."),
        ("matches = 1", 'matches = "1"', "mine.toml: matches: Expected `int`, got `str`."),
        ("matches = 1", "matches = 1.5", "mine.toml: matches: Expected `int`, got `float`."),
        ("p99_ms = 100", "p99_ms = nan", "mine.toml: limits.p99_ms: Expected `float` > 0.0."),
        ("p99_ms = 100", "p99_ms = true", "mine.toml: limits.p99_ms: Expected `float`, got `bool`."),
        ("p99_ms", "p99", "mine.toml: limits.p99: unknown key; known are p99_ms, errors, lost."),
        ("[limits]", "limits = 3\n[capacity]", "mine.toml: capacity.p99_ms: unknown key; "),
        ("duration_s = 10", "duration_s = 10\nramp_s = 10", "mine.toml: ramp_s: 10 leaves nothing of "),
        ("matches = 1", "matches =", "mine.toml: no TOML: "),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line_that_names_file_and_key(
    old: str, new: str, refusal: str
) -> None:
    assert old in SMALLEST

    said = refusal_of(SMALLEST.replace(old, new))

    assert said.startswith(refusal)
    assert "\n" not in said


def test_a_table_that_is_none_is_refused() -> None:
    assert refusal_of("limits = 3\n" + SMALLEST.partition("[limits]")[0]) == (
        "mine.toml: limits: Expected `object`, got `int`."
    )


def test_three_scenarios_are_shipped_and_make_sense() -> None:
    scenarios = {name: read_scenario(name)[1] for name in shipped()}

    found = {name: (each.matches, each.auxiliaries, each.overlays) for name, each in scenarios.items()}
    assert found == {"lan-final": (1, 10, 5), "league-night": (12, 10, 2), "stress": (50, 10, 1)}
    assert all(each.limits.lost == 0 and each.limits.errors == 0 for each in scenarios.values())


def test_a_scenario_of_ones_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "our-cup.toml"
    path.write_text(SMALLEST, encoding="utf-8")

    name, scenario = read_scenario(str(path))

    assert (name, scenario.about) == ("our-cup", "One match")


@pytest.mark.parametrize("name", ["nope", "nope.toml", "."])
def test_a_file_that_cannot_be_read_is_refused_with_the_names_of_those_that_can(name: str) -> None:
    with pytest.raises(
        InvalidScenario, match=r"cannot be read: .* lan-final, league-night, stress"
    ) as caught:
        read_scenario(name)

    assert str(caught.value).startswith(f"{name}: ")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(InvalidScenario, match="it is no UTF-8 text"):
        read_scenario(str(path))


def test_every_shipped_file_says_in_comments_what_it_is_for() -> None:
    assert all(path.read_text(encoding="utf-8").startswith("# ") for path in SHIPPED.glob("*.toml"))
