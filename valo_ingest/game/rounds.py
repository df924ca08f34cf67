"""Rounds: phases, the spike, the score, why a round was won, the change of sides and overtime."""

from msgspec.structs import replace

from valo_ingest.game import rules
from valo_ingest.game.catalog import plain_agent
from valo_ingest.game.events import (
    RoundPhaseChanged,
    ScoreReported,
    SpikeDefused,
    SpikeDetonated,
    SpikePlanted,
)
from valo_ingest.game.seats import BySeat, Seat
from valo_ingest.game.state import (
    COMBAT,
    GAME_END,
    ROUND_END,
    SHOPPING,
    Match,
    Player,
    RoundOutcome,
    RoundResult,
    Spike,
    Team,
)


def change_phase(match: Match, event: RoundPhaseChanged, at: int) -> Match:
    changed = replace(match, round_number=event.number, phase=event.phase)
    if event.phase == SHOPPING:
        # A round whose shopping was seen, or one before it, is only announced again: nothing happens twice.
        return _begin_round(changed) if event.number > match.last_begun_round else changed
    if event.phase == COMBAT:
        return _begin_combat(changed, at)
    if event.phase == ROUND_END:
        return _end_round(changed, at)
    if event.phase == GAME_END:
        return _end_game(changed)
    return changed


def _begin_round(match: Match) -> Match:
    number = match.round_number
    if number > 1:
        match = _record_round(match, number - 1)
    if number >= match.first_overtime_round and not match.has_entered_overtime:
        match = replace(match, has_entered_overtime=True)
        if match.presentation.max_timeouts:  # a match set up without timeouts gets none in overtime either
            match = replace(match, timeouts_left=match.timeouts_left.map(_with_overtime_bonus))
    switches = number == match.switch_round or number >= match.first_overtime_round
    return replace(
        match,
        last_begun_round=number,
        spike=Spike(detonates_at=match.spike.detonates_at),  # as long as nobody says that the round is over
        is_clock_judged=False,
        teams=match.teams.map(lambda team: _refreshed_team(team, switches_sides=switches)),
    )


def _with_overtime_bonus(timeouts: float | None) -> float | None:
    if timeouts is None or timeouts >= rules.MAX_TIMEOUTS_AFTER_BONUS:
        return timeouts
    return timeouts + 1


def _refreshed_team(team: Team, *, switches_sides: bool) -> Team:
    return replace(
        team,
        is_attacking=team.is_attacking is not switches_sides,
        players=tuple(_refreshed_player(player, is_paid_afresh=switches_sides) for player in team.players),
    )


def _refreshed_player(player: Player, *, is_paid_afresh: bool) -> Player:
    return replace(
        player,
        kills_this_round=0,
        deaths_this_round=0,
        killed_names=(),
        money=rules.SIDE_SWITCH_CREDITS if is_paid_afresh else player.money,
        money_spent=0,
        has_spent=False,
        has_scoreboard=False,
        auxiliary=replace(player.auxiliary, has_scoreboard=False),
        lost_auxiliary=replace(player.lost_auxiliary, has_scoreboard=False),
        is_alive=True,
        health=rules.FULL_HEALTH,
    )


def _begin_combat(match: Match, at: int) -> Match:
    if match.toast.is_shown:
        match = replace(match, toast=replace(match.toast, is_shown=False, closes_at=None))
    match = replace(match, teams=match.teams.map(_with_duplicates_found))
    if match.spike.is_planted:
        return match
    return replace(match, clock_ends_at=at + rules.ROUND_CLOCK_MS, is_clock_judged=False)


def _with_duplicates_found(team: Team) -> Team:
    agents = [plain_agent(player.agent_internal) for player in team.players]
    has_duplicates = len(set(agents)) < len(agents)
    if has_duplicates is team.has_duplicate_agents:
        return team
    return replace(team, has_duplicate_agents=has_duplicates)


def _end_round(match: Match, at: int) -> Match:
    match = _judge_clock(match, at)
    return replace(match, clock_ends_at=None, spike=replace(match.spike, detonates_at=None))


def _judge_clock(match: Match, at: int) -> Match:
    """Settle once a round whether it ran out of time: its end and its score come in either order."""
    if match.is_clock_judged:
        return match
    ran_out = match.clock_ends_at is not None and at >= match.clock_ends_at
    return replace(match, is_clock_judged=True, ran_out_of_time=ran_out)


def _end_game(match: Match) -> Match:
    number = match.round_number
    if number >= 1 and match.has_unrecorded_score and not _has_result(match.teams.left, number):
        match = _record_round(match, number)
    return replace(match, is_running=False, has_ended=True)


def _has_result(team: Team, number: int) -> bool:
    return number <= len(team.record) and team.record[number - 1].outcome is not RoundOutcome.UPCOMING


def _record_round(match: Match, number: int) -> Match:
    reason = _win_reason(match)

    def recorded(team: Team) -> Team:
        outcome = reason if team.is_attacking is match.attackers_won else RoundOutcome.LOST
        return replace(team, record=with_result(team.record, number, outcome, was_attack=team.is_attacking))

    return replace(match, teams=match.teams.map(recorded), has_unrecorded_score=False)


def _win_reason(match: Match) -> RoundOutcome:
    if match.attackers_won:
        return RoundOutcome.DETONATED if match.spike.has_detonated else RoundOutcome.KILLS
    if match.spike.is_defused:
        return RoundOutcome.DEFUSED
    return RoundOutcome.TIMEOUT if match.ran_out_of_time else RoundOutcome.KILLS


def with_result(
    record: tuple[RoundResult, ...], number: int, outcome: RoundOutcome, *, was_attack: bool
) -> tuple[RoundResult, ...]:
    """Return `record` with the outcome of round `number` (from 1), and upcoming rounds laid out behind it.

    Results that stand there are kept; holes before the round become upcoming ones.
    """
    rounds = list(record)
    for missing in range(len(rounds) + 1, number + rules.ROUNDS_LAID_OUT + 1):
        rounds.append(RoundResult(missing, RoundOutcome.UPCOMING, was_attack))
    rounds[number - 1] = RoundResult(number, outcome, was_attack)
    for index in range(number, number + rules.ROUNDS_LAID_OUT):
        if rounds[index].outcome is RoundOutcome.UPCOMING:
            rounds[index] = RoundResult(index + 1, RoundOutcome.UPCOMING, was_attack)
    return tuple(rounds)


def report_score(match: Match, event: ScoreReported, at: int) -> Match:
    teams = match.teams
    scores = teams.map(lambda team: event.team_0 if team.number == 0 else event.team_1)
    risen = [teams[seat] for seat in Seat if scores[seat] > teams[seat].rounds_won]
    if risen:
        # Should both have risen, team 0 won.
        winner = min(risen, key=lambda team: team.number)
        match = replace(_judge_clock(match, at), attackers_won=winner.is_attacking, has_unrecorded_score=True)
    return replace(
        match,
        teams=BySeat(
            replace(teams.left, rounds_won=scores.left), replace(teams.right, rounds_won=scores.right)
        ),
        spike=replace(match.spike, is_planted=False),
    )


def plant_spike(match: Match, event: SpikePlanted, at: int) -> Match:
    return plant(match, at)


def plant(match: Match, at: int) -> Match:
    """Return `match` with the spike planted at `at`, if there is combat and it is not planted yet."""
    if match.phase != COMBAT or match.spike.is_planted:
        return match
    return replace(
        match,
        clock_ends_at=None,
        spike=replace(match.spike, is_planted=True, detonates_at=at + rules.SPIKE_FUSE_MS),
    )


def detonate_spike(match: Match, event: SpikeDetonated, at: int) -> Match:
    return replace(match, spike=replace(match.spike, has_detonated=True, detonates_at=None))


def defuse_spike(match: Match, event: SpikeDefused, at: int) -> Match:
    return replace(match, spike=replace(match.spike, is_defused=True, detonates_at=None))
