"""`apply`: the next state of a match. The one way in which a match changes.

Theory of operation
-------------------
A match is a pure function of what was received and when. `apply(match, event, at)` takes the state, one event and
the instant at which it was received, and returns the next state; the same object where it ignored the event. It calls
nothing outside, so a match can be replayed from its events at any speed and comes out the same.

There are no timers. What runs out (a team timeout, a toast) is an instant in the state, and `expire(match, at)`
carries out whatever has run out by `at`. `apply` does that first, so it plays no role whether anybody looked in
between: extra calls of `expire` never change the outcome. They only let overlays see a countdown move.

A match that has ended stays as it is.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast, get_args

from msgspec.structs import replace

from valo_ingest.game import events as happened
from valo_ingest.game import pauses, players, rounds, rules, swaps
from valo_ingest.game.catalog import map_name
from valo_ingest.game.state import Match, TeamTimeout, seat_of


def _choose_map(match: Match, event: happened.MapChosen, at: int) -> Match:
    return replace(match, map=map_name(event.internal_name))


def _choose_mode(match: Match, event: happened.GameModeChosen, at: int) -> Match:
    is_swift = event.mode == rules.SWIFT_MODE
    return replace(
        match,
        mode=event.mode,
        switch_round=rules.SWIFT_SWITCH_ROUND if is_swift else rules.SWITCH_ROUND,
        first_overtime_round=rules.SWIFT_FIRST_OVERTIME_ROUND if is_swift else rules.FIRST_OVERTIME_ROUND,
    )


def _start(match: Match, event: happened.MatchStarted, at: int) -> Match:
    is_remake = match.match_id not in ("", event.match_id)
    return replace(
        match,
        match_id=event.match_id,
        is_running=True,
        last_begun_round=-1 if is_remake else match.last_begun_round,
    )


def _press_alive_kda(match: Match, event: happened.AliveKdaPressed, at: int) -> Match:
    return replace(match, shows_alive_kda=not match.shows_alive_kda)


def _regain_observer(match: Match, event: happened.ObserverJoined, at: int) -> Match:
    return replace(match, is_running=match.is_running or match.match_id != "", observer_name=event.name)


def _lose_observers(match: Match, event: happened.ObserversGone, at: int) -> Match:
    return replace(match, is_running=False)


def _abandon(match: Match, event: happened.MatchAbandoned, at: int) -> Match:
    return replace(match, is_running=False, has_ended=True)


def _ignore(match: Match, event: happened.UnknownReported, at: int) -> Match:
    return match


Handler = Callable[[Match, Any, int], Match]

HANDLERS: Final[dict[type, Handler]] = {
    happened.MapChosen: _choose_map,
    happened.GameModeChosen: _choose_mode,
    happened.MatchStarted: _start,
    happened.RosterReported: players.report_roster,
    happened.ScoreboardReported: players.report_scoreboard,
    happened.AuxiliaryScoreboardReported: players.report_auxiliary_scoreboard,
    happened.AuxiliaryTeamBoardReported: players.report_team_board,
    happened.AbilitiesReported: players.report_abilities,
    happened.HealthReported: players.report_health,
    happened.AstraTargetingReported: players.report_astra_targeting,
    happened.CypherCameraReported: players.report_cypher_camera,
    happened.KillReported: players.report_kill,
    happened.RoundPhaseChanged: rounds.change_phase,
    happened.ScoreReported: rounds.report_score,
    happened.PlayerObserved: players.observe_player,
    happened.SpikePlanted: rounds.plant_spike,
    happened.SpikeDetonated: rounds.detonate_spike,
    happened.SpikeDefused: rounds.defuse_spike,
    happened.TechPausePressed: pauses.press_tech_pause,
    happened.TeamTimeoutPressed: pauses.press_team_timeout,
    happened.AliveKdaPressed: _press_alive_kda,
    happened.ToastPressed: pauses.press_toast,
    happened.SeatsSwapped: swaps.swap_seats,
    happened.SidesSwapped: swaps.swap_sides,
    happened.UnknownReported: _ignore,
    happened.ObserverJoined: _regain_observer,
    happened.ObserversGone: _lose_observers,
    happened.AuxiliaryGone: players.lose_auxiliary,
    happened.AuxiliaryReturned: players.regain_auxiliary,
    happened.MatchAbandoned: _abandon,
}


def apply(match: Match, event: happened.Event, at: int) -> Match:
    """Return `match` after `event`, received at `at` (epoch ms, never less than at the call before)."""
    if match.has_ended:
        return match
    if runs_out(match):  # seldom, and a call less for every event
        match = expire(match, at)
    return HANDLERS[type(event)](match, event, at)


_NamingATeam: TypeAlias = (
    happened.RosterReported | happened.ScoreboardReported | happened.AuxiliaryScoreboardReported
)
NAMING_A_TEAM: Final = frozenset(get_args(_NamingATeam))


def counts(match: Match, event: happened.Event) -> bool:
    """Tell whether `event` shows that the match goes on: what names a team that it has not does not count."""
    if type(event) not in NAMING_A_TEAM:  # `isinstance` takes five times as long where the answer is no
        return True
    return seat_of(match, cast("_NamingATeam", event).team_number) is not None


def runs_out(match: Match) -> bool:
    """Tell whether `expire` has something to carry out, now or later."""
    return (type(match.pause) is TeamTimeout or match.toast.closes_at is not None) and not match.has_ended


def expire(match: Match, at: int) -> Match:
    """Return `match` with everything carried out that has run out by `at` (epoch ms)."""
    if not runs_out(match):
        return match
    return pauses.run_toast(pauses.run_timeout(match, at), at)
