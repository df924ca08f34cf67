from typing import Any

import pytest

from tests.game.builders import after, auxiliary_board, board, join, kill, make_match, player_of
from valo_ingest.game import events as happened
from valo_ingest.game.state import Match

ULT_AGENTS = pytest.mark.parametrize(
    ("agent", "suffix"),
    [
        ("Smonk", "NotDeadYet"),
        ("Smonk_PC_C", "NotDeadYet"),
        ("Pine", "Evolution"),
        ("Pine_PC_C", "Evolution"),
    ],
)
EVERY_BOARD = pytest.mark.parametrize("event", [board, auxiliary_board])


def make_match_as(agent: str) -> Match:
    """Return a match in which "l1" plays `agent`, has played a while and has his ult ready."""
    return after(make_match(), join("l1", agent_internal=agent), told(board, agent, ult_points=7))


def told(event: Any, agent: str, **values: Any) -> happened.Event:
    scoreboard: happened.Event = event("l1", **{"agent_internal": agent, "kills": 1, **values})
    return scoreboard


def suffix_of(match: Match) -> str:
    return player_of(match).icon_suffix


@ULT_AGENTS
def test_a_ready_ult_that_is_used_changes_the_icon(agent: str, suffix: str) -> None:
    assert suffix_of(after(make_match_as(agent), told(board, agent))) == suffix


@ULT_AGENTS
def test_an_auxiliary_board_tells_of_the_ult_too(agent: str, suffix: str) -> None:
    match = after(
        make_match(), join("l1"), told(auxiliary_board, agent, ult_points=7), told(auxiliary_board, agent)
    )

    assert suffix_of(match) == suffix


@pytest.mark.parametrize("agent", ["Smonk", "Pine"])
def test_an_ult_that_was_not_ready_or_still_has_points_changes_nothing(agent: str) -> None:
    match = after(make_match_as(agent), told(board, agent, ult_points=6), told(board, agent))
    assert suffix_of(match) == ""

    assert suffix_of(after(make_match_as(agent), told(board, agent, ult_points=1))) == ""


@pytest.mark.parametrize("agent", ["Smonk", "Pine"])
def test_points_that_are_reset_before_the_player_has_done_anything_are_no_ult(agent: str) -> None:
    match = after(
        make_match(), join("l1"), told(board, agent, kills=0, ult_points=7), told(board, agent, kills=0)
    )

    assert suffix_of(match) == ""


@pytest.mark.parametrize("values", [{"kills": 1}, {"kills": 0, "deaths": 1}, {"kills": 0, "assists": 1}])
def test_any_kill_death_or_assist_shows_that_the_player_has_played(values: dict[str, int]) -> None:
    match = after(make_match(), join("l1"))

    match = after(match, told(board, "Pine", ult_points=7, **values), told(board, "Pine", **values))

    assert suffix_of(match) == "Evolution"


def test_the_ult_of_any_other_agent_changes_no_icon() -> None:
    assert suffix_of(after(make_match_as("Wushu"), told(board, "Wushu"))) == ""


@EVERY_BOARD
@ULT_AGENTS
def test_death_ends_the_ult(event: Any, agent: str, suffix: str) -> None:
    match = after(make_match(), join("l1"), told(event, agent, ult_points=7), told(event, agent))
    assert suffix_of(match) == suffix

    assert suffix_of(after(match, told(event, agent, is_alive=False, deaths=1))) == ""


@pytest.mark.parametrize("values", [{"kills": 2}, {"assists": 1}])
def test_cloves_ult_ends_with_a_kill_or_an_assist(values: dict[str, int]) -> None:
    match = after(make_match_as("Smonk"), told(board, "Smonk"))

    assert suffix_of(after(match, told(board, "Smonk", **values))) == ""


@pytest.mark.parametrize("values", [{"kills": 2}, {"assists": 1}])
def test_vetos_ult_goes_on_after_a_kill_or_an_assist(values: dict[str, int]) -> None:
    match = after(make_match_as("Pine"), told(board, "Pine"))

    assert suffix_of(after(match, told(board, "Pine", **values))) == "Evolution"


def test_kills_and_assists_from_before_end_no_ult() -> None:
    boards = [told(board, "Smonk", assists=2, ult_points=points) for points in (7, 0, 1)]
    match = after(make_match(), join("l1"), *boards)

    assert suffix_of(match) == "NotDeadYet"


def test_totals_that_are_corrected_downwards_end_no_ult() -> None:
    match = after(make_match_as("Smonk"), told(board, "Smonk"), told(board, "Smonk", kills=0))

    assert suffix_of(match) == "NotDeadYet"


CONTRIBUTIONS = pytest.mark.parametrize("event", [kill("L1"), kill("L2", assists=("TX_Killfeed_Clove",))])


@CONTRIBUTIONS
@pytest.mark.parametrize("agent", ["Smonk", "Smonk_PC_C"])
def test_cloves_ult_ends_with_a_kill_or_an_assist_of_the_kill_feed(
    event: happened.KillReported, agent: str
) -> None:
    match = after(
        make_match_as(agent), told(board, agent), join("l2"), happened.RoundPhaseChanged(1, "shopping")
    )
    assert suffix_of(match) == "NotDeadYet"

    assert suffix_of(after(match, event)) == ""


@CONTRIBUTIONS
def test_the_kill_feed_ends_no_ult_of_a_player_with_a_scoreboard(event: happened.KillReported) -> None:
    match = after(make_match_as("Smonk"), told(board, "Smonk"), join("l2"), event)

    assert suffix_of(match) == "NotDeadYet"


def test_the_kill_feeds_death_ends_no_suffix() -> None:
    match = after(
        make_match(), join("l1", agent_internal="Rift"), happened.AstraTargetingReported("l1", True)
    )

    match = after(match, kill("R1", "L1"))

    assert (player_of(match).is_alive, suffix_of(match)) == (False, "Targeting")


ICON_SWITCHES = pytest.mark.parametrize(
    ("event", "agent", "suffix"),
    [
        (happened.AstraTargetingReported, "Rift", "Targeting"),
        (happened.AstraTargetingReported, "Rift_PC_C", "Targeting"),
        (happened.CypherCameraReported, "Gumshoe", "Cam"),
        (happened.CypherCameraReported, "Gumshoe_PC_C", "Cam"),
    ],
)


@ICON_SWITCHES
def test_astra_and_cypher_switch_their_icon(event: Any, agent: str, suffix: str) -> None:
    match = after(make_match(), join("l1", agent_internal=agent), event("l1", True))
    assert suffix_of(match) == suffix

    assert suffix_of(after(match, event("l1", False))) == ""


@ICON_SWITCHES
def test_another_agent_has_no_such_icon(event: Any, agent: str, suffix: str) -> None:
    match = after(make_match(), join("l1", agent_internal="Wushu"))

    assert after(match, event("l1", True)) is match


@pytest.mark.parametrize("scoreboard", [board, auxiliary_board])
@ICON_SWITCHES
def test_death_on_a_scoreboard_ends_the_icon(event: Any, agent: str, suffix: str, scoreboard: Any) -> None:
    match = after(make_match(), join("l1", agent_internal=agent), event("l1", True))

    match = after(match, told(scoreboard, agent))
    assert suffix_of(match) == suffix

    assert suffix_of(after(match, told(scoreboard, agent, is_alive=False))) == ""
