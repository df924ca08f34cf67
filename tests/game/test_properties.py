"""What holds for every match, whatever is sent: plausible events and odd ones, in any order.

The examples are the same in every run.
"""

import json
from itertools import accumulate, pairwise
from typing import Any, Final

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.game.builders import (
    LEFT_PRESSED,
    RIGHT_PRESSED,
    SEATS_SWAPPED,
    SIDES_SWAPPED,
    TECH_PRESSED,
    board,
    combat,
    make_match,
    make_match_with,
    make_settings,
    play,
    shopping,
    toast,
)
from valo_ingest.game import events as happened
from valo_ingest.game import milestones, rules
from valo_ingest.game.events import Event
from valo_ingest.game.milestones import Milestone
from valo_ingest.game.reducer import apply, expire
from valo_ingest.game.state import Match, RoundOutcome, TeamSetup, TeamTimeout
from valo_ingest.wire import overlay

Steps = list[tuple[int, Event]]

REPRODUCIBLE: Final = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

FLAGS: Final = st.booleans()
IDS: Final = st.sampled_from(["l1", "l1", "l1", "r1", "r1", "r1", "l3", "l6", ""])
NAMES: Final = st.sampled_from(
    ["L1", "R1", "Ash", "ALD Ash", "ALD", "BIR Bo", " ", "", "constructor", "ß\u2028😀"]
)
NAMES_OF_PLAYERS: Final = st.sampled_from(["L1", "L1", "R1", "R1", "L2", "ALD Ash", "Stranger"])
AGENTS_OR_NOT: Final = st.sampled_from(
    ["Smonk", "Smonk_PC_C", "Pine", "Rift", "Gumshoe", "Clay", "Newcomer", ""]
)
TEAM_NUMBERS: Final = st.sampled_from([0, 1, 0, 1, 0, 1, 0, 1, 2, 0.5])
SMALL: Final = st.integers(0, 8)
NUMBERS: Final = st.one_of(SMALL, st.sampled_from([300, 600, 800, 1_100, -1, 2.5, 2**31 - 1, -(2**31)]))
ROUND_NUMBERS: Final = st.one_of(st.integers(0, 28), st.sampled_from([99, 100, rules.MAX_ROUND_NUMBER]))
PHASES: Final = st.sampled_from(["shopping", "combat", "end"] * 3 + ["game_start", "LOBBY", "", "Combat"])
GAPS_MS: Final = st.sampled_from([0, 0, 1, 500, 999, 1_000, 4_000, 30_000, 99_000, 100_000])


def _boards() -> st.SearchStrategy[happened.Board]:
    return st.builds(
        happened.Board,
        player_id=IDS,
        agent_internal=AGENTS_OR_NOT,
        is_alive=FLAGS,
        armor=NUMBERS,
        weapon_internal=st.sampled_from(["TX_Hud_Volcano", "", "new"]),
        ult_points=st.sampled_from([0, 0, 3, 7]),
        max_ult_points=st.sampled_from([7, 7, 7, 0]),
        has_spike=FLAGS,
        money=NUMBERS,
        kills=NUMBERS,
        deaths=NUMBERS,
        assists=NUMBERS,
    )


def _rosters() -> st.SearchStrategy[Event]:
    return st.builds(
        happened.RosterReported,
        team_number=TEAM_NUMBERS,
        player_id=IDS,
        name=NAMES,
        tagline=st.sampled_from(["TAG", ""]),
        agent_internal=AGENTS_OR_NOT,
        position=SMALL,
        locked=FLAGS,
    )


def _kills() -> st.SearchStrategy[Event]:
    icons = st.sampled_from(["TX_Killfeed_Clove", "TX_Killfeed_Jett1", "TX_Killfeed_Raze", "new", ""])
    return st.builds(
        happened.KillReported,
        attacker=NAMES_OF_PLAYERS,
        victim=NAMES_OF_PLAYERS,
        weapon_internal=st.sampled_from(["knife", "", "constructor"]),
        headshot=FLAGS,
        assists=st.lists(icons, max_size=3).map(tuple),
        teamkill=FLAGS,
    )


def _one_of_kinds(*kinds: st.SearchStrategy[Event]) -> st.SearchStrategy[Event]:
    """Draw a kind, then an event of it: `one_of` would favour kinds that have many kinds in them."""
    return st.sampled_from(kinds).flatmap(lambda kind: kind)


SPIKE: Final[st.SearchStrategy[Event]] = st.sampled_from(
    [happened.SpikePlanted(), happened.SpikeDetonated(), happened.SpikeDefused()]
)
BOARDS: Final = _one_of_kinds(
    st.builds(happened.ScoreboardReported, TEAM_NUMBERS, _boards()),
    st.builds(happened.AuxiliaryScoreboardReported, TEAM_NUMBERS, _boards()),
    st.builds(happened.AuxiliaryTeamBoardReported, st.lists(_boards(), max_size=2).map(tuple)),
)
PLAYERS: Final = _one_of_kinds(
    _rosters(),
    st.builds(happened.AbilitiesReported, IDS, SMALL, SMALL, SMALL),
    st.builds(happened.HealthReported, IDS, NUMBERS),
    st.builds(happened.AstraTargetingReported, IDS, FLAGS),
    st.builds(happened.CypherCameraReported, IDS, FLAGS),
    st.builds(happened.AuxiliaryGone, IDS),
    st.builds(happened.PlayerObserved, st.sampled_from(["L1 #TAG", "Ash #TAG", "", "#"])),
)
ROUNDS: Final = _one_of_kinds(
    st.builds(happened.RoundPhaseChanged, ROUND_NUMBERS, PHASES),
    st.builds(happened.ScoreReported, NUMBERS, SMALL),
)
PAUSES: Final[st.SearchStrategy[Event]] = st.sampled_from(
    [*[LEFT_PRESSED, RIGHT_PRESSED] * 4, TECH_PRESSED, *map(toast, (None, 0, 900, 1_500.5, 60_000))]
)
SWAPS: Final[st.SearchStrategy[Event]] = st.sampled_from([SEATS_SWAPPED, SIDES_SWAPPED])
OTHERS: Final[st.SearchStrategy[Event]] = st.sampled_from(
    [
        happened.AliveKdaPressed(),
        happened.UnknownReported(),
        happened.ObserverJoined(),
        happened.ObserversGone(),
        happened.MapChosen("Triad"),
        happened.MapChosen(""),
        happened.GameModeChosen("bomb"),
        happened.GameModeChosen("swift"),
        happened.MatchStarted("m-1"),
        happened.MatchStarted("m-2"),
        happened.MatchStarted(""),
    ]
)
ANYTHING: Final = _one_of_kinds(BOARDS, PLAYERS, ROUNDS, PAUSES, PAUSES, SWAPS, OTHERS, SPIKE, _kills())
ENDING: Final[st.SearchStrategy[Event]] = st.one_of(
    st.builds(happened.RoundPhaseChanged, ROUND_NUMBERS, st.just("game_end")),
    st.just(happened.MatchAbandoned()),
)


@st.composite
def whole_rounds(draw: st.DrawFn) -> list[Event]:
    """Draw a round as the feed tells it, with more or less of what can happen in one."""
    number = draw(ROUND_NUMBERS)
    told = draw(st.lists(_one_of_kinds(SPIKE, BOARDS, _kills(), PLAYERS), min_size=2, max_size=6))
    end = happened.RoundPhaseChanged(number, "end")
    ending: list[Event] = [end, happened.ScoreReported(draw(SMALL), draw(SMALL))]
    return [shopping(number), combat(number), *told, *draw(st.permutations(ending))]


@st.composite
def ults(draw: st.DrawFn) -> list[Event]:
    """Draw an ult that is ready and used, or an icon that is switched on."""
    agent = draw(st.sampled_from(["Smonk", "Pine", "Rift", "Gumshoe"]))
    boards: list[Event] = [board("l1", agent_internal=agent, kills=1, ult_points=points) for points in (7, 0)]
    return [*boards, happened.AstraTargetingReported("l1", True), happened.CypherCameraReported("l1", True)]


@st.composite
def steps(draw: st.DrawFn) -> Steps:
    """Draw what happens in a match, each event at an instant, never earlier than the one before."""
    anything = ANYTHING.map(lambda event: [event])
    kinds = st.sampled_from([*[anything] * 5, whole_rounds(), whole_rounds(), ults()])
    blocks = draw(st.lists(kinds.flatmap(lambda kind: kind), min_size=8, max_size=24))
    events = [event for block in blocks for event in block]
    if draw(st.sampled_from([False, False, True])):
        events.insert(draw(st.integers(0, len(events))), draw(ENDING))
    gaps = draw(st.lists(GAPS_MS, min_size=len(events), max_size=len(events)))
    return list(zip(accumulate(gaps), events, strict=True))


LINE_UPS: Final = st.sampled_from(
    [
        [f"{seat}{number}" for seat in "lr" for number in range(1, 6)],
        ["l1", "l2", "l3", "r1", "r2"],
        ["l1", "r1"],
    ]
)


@st.composite
def matches(draw: st.DrawFn) -> Match:
    """Draw a new match, as logons of all kinds open it."""
    attack_start = st.sampled_from([True, False, None])
    tricode = st.sampled_from(["ALD", "BIR", "", None])
    return make_match_with(
        *draw(LINE_UPS),
        left=TeamSetup(tricode=draw(tricode), attack_start=draw(attack_start)),
        right=TeamSetup(tricode=draw(tricode), attack_start=draw(attack_start)),
        timeout_s=draw(st.sampled_from([60, 4, 0, -1, 2.5])),
        timeout_grace_s=draw(st.sampled_from([10, 0, 100])),
        max_timeouts=draw(st.sampled_from([2, 2, 2, 5, 1, 0, -1, None])),
        removes_tricodes=draw(st.sampled_from([True, False, None])),
        settings=make_settings(seriesInfo={"wonLeft": 1, "mapInfo": [{"left": 1}, None, "x"]}),
    )


def last_at(events: Steps) -> int:
    return events[-1][0] if events else 0


def states(match: Match, events: Steps) -> list[Match]:
    """Return every state that the match goes through."""
    return list(accumulate(events, lambda state, step: apply(state, step[1], step[0]), initial=match))


@REPRODUCIBLE
@given(matches(), steps(), st.integers(0, 40))
def test_a_match_that_is_replayed_from_any_point_comes_out_the_same(
    match: Match, events: Steps, cut: int
) -> None:
    at_the_cut = play(match, *events[:cut])

    assert play(at_the_cut, *events[cut:]) == play(match, *events)
    assert play(match, *events[:cut]) == at_the_cut


@REPRODUCIBLE
@given(matches(), steps(), st.data())
def test_extra_ticks_change_nothing(match: Match, events: Steps, data: st.DataObject) -> None:
    instants = data.draw(st.lists(st.integers(0, last_at(events) + 5_000), max_size=30).map(sorted))
    end = last_at(events) + data.draw(GAPS_MS)
    ticked = match
    for at, event in events:
        while instants and instants[0] <= at:
            ticked = expire(ticked, instants.pop(0))
        ticked = apply(ticked, event, at)
    for instant in [instant for instant in instants if instant <= end]:
        ticked = expire(ticked, instant)

    assert expire(ticked, end) == expire(play(match, *events), end)


@REPRODUCIBLE
@given(matches(), steps())
@example(make_match(), [(0, LEFT_PRESSED), (500, combat()), (500, shopping(13))])
def test_two_swaps_of_left_and_right_change_nothing(match: Match, events: Steps) -> None:
    at = last_at(events)
    match = expire(play(match, *events), at)

    assert play(match, (at, SEATS_SWAPPED), (at, SEATS_SWAPPED)) == match


@REPRODUCIBLE
@given(matches(), steps())
def test_two_swaps_of_attackers_and_defenders_change_nothing(match: Match, events: Steps) -> None:
    at = last_at(events)
    match = expire(play(match, *events), at)

    assert play(match, (at, SIDES_SWAPPED), (at, SIDES_SWAPPED)) == match


@REPRODUCIBLE
@given(matches(), steps())
def test_an_ended_match_is_the_same_object_after_anything(match: Match, events: Steps) -> None:
    ended = apply(play(match, *events), happened.MatchAbandoned(), last_at(events))

    for at, event in events:
        assert apply(ended, event, last_at(events) + at) is ended
    assert expire(ended, last_at(events) + 10**6) is ended


@REPRODUCIBLE
@given(matches(), steps())
def test_a_match_ends_at_most_once(match: Match, events: Steps) -> None:
    seen = states(match, events)
    reached = [one for before, after in pairwise(seen) for one in milestones.between(before, after)]

    assert reached.count(Milestone.ENDED) == seen[-1].has_ended


@REPRODUCIBLE
@given(matches(), steps())
def test_every_state_makes_sense(match: Match, events: Steps) -> None:
    for state in states(match, events):
        assert_makes_sense(state)


def assert_makes_sense(match: Match) -> None:
    left, right = match.teams
    assert {left.number, right.number} == {0, 1}
    assert left.is_attacking is not right.is_attacking
    assert len(left.record) == len(right.record)
    assert match.last_begun_round <= rules.MAX_ROUND_NUMBER
    assert match.toast.is_shown or match.toast.closes_at is None
    assert not (match.has_ended and match.is_running)
    if isinstance(match.pause, TeamTimeout):
        assert (match.timeouts_left[match.pause.seat] or 0) > 0 or match.has_ended
    for team in match.teams:
        assert [result.number for result in team.record] == list(range(1, len(team.record) + 1))
        assert len(team.players) <= rules.MAX_PLAYERS_PER_TEAM
        ids = [player.player_id for player in team.players]
        assert len(set(ids)) == len(ids)
        for player in team.players:
            assert player.player_id and player.name and player.roster_name and player.tagline
            assert min(player.kills_this_round, player.deaths_this_round) >= 0
            assert player.icon_suffix in {"", "NotDeadYet", "Evolution", "Targeting", "Cam"}
            assert len(player.killed_names) <= sum(player.kills_by_weapon.values())
            assert sum(player.kills_of_teammates.values()) == player.teamkills
    for one, other in zip(left.record, right.record, strict=True):
        assert one.was_attack is not other.was_attack
        lost = [result.outcome is RoundOutcome.LOST for result in (one, other)]
        is_upcoming = [result.outcome is RoundOutcome.UPCOMING for result in (one, other)]
        assert is_upcoming in ([True, True], [False, False])
        assert is_upcoming[0] or lost in ([True, False], [False, True])


@REPRODUCIBLE
@given(matches(), steps())
def test_every_state_has_a_document(match: Match, events: Steps) -> None:
    encoder = overlay.Encoder()
    for state in states(match, events):
        assert encoder.encode(state) == overlay.encode(state)
        document: Any = json.loads(overlay.encode(state))
        assert document["groupCode"] == state.group_code
        for team, written in zip(state.teams, document["teams"], strict=True):
            assert written["playerCount"] == len(written["players"]) == len(team.players)
            assert written["spentThisRound"] == sum(player["moneySpent"] for player in written["players"])
            for player in written["players"]:
                assert (player["kdRatio"] is None) is (player["deaths"] == 0)
                assert player["armorName"] in {"None", "Light", "Heavy", "Regen"}
                assert player["highestWeapon"] != ""
