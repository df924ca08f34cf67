"""What a simulated match is made of: its economy, the plan of a round, and made-up time."""

from functools import cache
from random import Random

import pytest

from valo_ingest.game import catalog
from valo_ingest.rehearsal.simulation import measured, shop
from valo_ingest.rehearsal.simulation.agenda import Agenda
from valo_ingest.rehearsal.simulation.fighters import LINE_UP, NO_ARMOR, Fighter, draw_fighters
from valo_ingest.rehearsal.simulation.plans import ATTACKERS, DEFENDERS, Outcome, RoundPlan, draw_plan
from valo_ingest.rehearsal.simulation.shop import (
    CLASSIC,
    Loadout,
    Weapon,
    payment,
    purchases_of,
    swift_payment,
)

WEAPONS = [value for value in vars(shop).values() if isinstance(value, Weapon)]

FIGHTERS = draw_fighters(Random(1))
SIDES = (FIGHTERS[:5], FIGHTERS[5:])


@cache
def drawn_plans() -> list[RoundPlan]:
    rng = Random(2)
    return [draw_plan(rng, *SIDES, 0.5) for _ in range(600)]


def plans(outcome: Outcome | None = None) -> list[RoundPlan]:
    return [plan for plan in drawn_plans() if outcome is None or plan.outcome is outcome]


def dead(plan: RoundPlan, side: int, *, until_ms: int | None = None) -> int:
    return sum(
        kill.victim in SIDES[side] and (until_ms is None or kill.at_ms <= until_ms) for kill in plan.kills
    )


# --- the economy ----------------------------------------------------------------------------------------------


def test_a_won_round_pays_three_thousand_and_two_hundred_for_a_kill() -> None:
    assert payment(has_won=True, losses=0, kills=3, is_unpaid_survivor=False) == 3_600


@pytest.mark.parametrize(("losses", "credits"), [(1, 1_900), (2, 2_400), (3, 2_900), (7, 2_900)])
def test_each_further_lost_round_pays_more_up_to_a_limit(losses: int, credits: int) -> None:
    assert payment(has_won=False, losses=losses, kills=0, is_unpaid_survivor=False) == credits


def test_who_survives_when_the_time_runs_out_is_paid_less() -> None:
    assert payment(has_won=False, losses=3, kills=1, is_unpaid_survivor=True) == 1_200


@pytest.mark.parametrize(
    ("round_of_half", "has_won", "credits"),
    [(2, True, 3_000), (2, False, 2_400), (3, False, 4_250), (4, True, 4_250)],
)
def test_swift_play_pays_both_teams_the_same_later_on(
    round_of_half: int, has_won: bool, credits: int
) -> None:
    assert swift_payment(has_won=has_won, round_of_half=round_of_half, kills=0) == credits


@pytest.mark.parametrize("money", [0, 300, 800, 2_000, 3_900, 5_000, 9_000])
@pytest.mark.parametrize("share", [0.3, 0.85, 1.0])
def test_nobody_buys_for_more_than_he_wants_to_spend(money: int, share: float) -> None:
    rng = Random(3)
    for _ in range(50):
        has = Loadout(money, None, CLASSIC, NO_ARMOR, (0, 1, 2))
        bought = purchases_of(has, share, rng)

        assert sum(purchase.price for purchase in bought) <= money * share
        assert sum(purchase.charge == 1 for purchase in bought) == 0, "he has one already"
        assert sum(purchase.charge == 0 for purchase in bought) <= 2
        assert sum(purchase.weapon is not None for purchase in bought) <= 1


def test_who_has_a_rifle_and_heavy_armour_buys_neither() -> None:
    has = Loadout(9_000, shop.VANDAL, CLASSIC, shop.HEAVY_ARMOR, (0, 0, 0))

    bought = purchases_of(has, 1.0, Random(4))

    assert bought
    assert all(purchase.charge is not None for purchase in bought)


def test_a_team_saves_that_cannot_afford_enough_unless_it_is_its_last_chance() -> None:
    poor = [1_900] * 5

    assert shop.budget_of_team(poor, is_last_chance=False, rng=Random(5)) == shop.SAVING_SHARE
    assert shop.budget_of_team(poor, is_last_chance=True, rng=Random(5)) == 1.0
    assert shop.budget_of_team([5_000] * 5, is_last_chance=False, rng=Random(5)) == 1.0


@pytest.mark.parametrize("weapon", WEAPONS, ids=lambda weapon: weapon.board_icon)
def test_every_weapon_has_one_name_on_the_board_and_in_the_kill_feed(weapon: Weapon) -> None:
    assert weapon.board_icon in catalog.WEAPONS_AND_ABILITIES
    assert catalog.weapon_name(weapon.board_icon) == catalog.weapon_name(weapon.kill_icon)


def test_every_agent_is_known() -> None:
    assert {agent for role in LINE_UP for agent in role} <= catalog.AGENTS.keys()


# --- the plan of a round --------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", Outcome, ids=lambda outcome: outcome.value)
def test_every_outcome_is_drawn(outcome: Outcome) -> None:
    assert plans(outcome)[0].ends_at_ms > 0


def test_kills_come_in_order_and_before_the_end() -> None:
    for plan in plans():
        instants = [kill.at_ms for kill in plan.kills]
        assert instants == sorted(instants)
        assert all(0 < at_ms < plan.ends_at_ms for at_ms in instants)


def test_only_the_living_kill_assist_and_die() -> None:
    for plan in plans():
        gone: list[Fighter] = []
        for kill in plan.kills:
            for fighter in (kill.killer, kill.victim, *kill.assisting):
                assert fighter not in gone
            assert kill.killer.team != kill.victim.team
            assert kill.killer not in kill.assisting
            assert all(fighter.team == kill.killer.team for fighter in kill.assisting)
            gone.append(kill.victim)


def test_a_round_that_is_won_by_kills_ends_with_the_fifth() -> None:
    for outcome, losers in (
        (Outcome.ATTACKERS_KILL, DEFENDERS),
        (Outcome.ATTACKERS_KILL_PLANTED, DEFENDERS),
        (Outcome.DEFENDERS_KILL, ATTACKERS),
    ):
        for plan in plans(outcome):
            assert dead(plan, losers) == 5
            assert dead(plan, 1 - losers) < 5
            assert plan.kills[-1].victim in SIDES[losers]
            assert 0 < plan.ends_at_ms - plan.kills[-1].at_ms <= 30


def test_a_round_without_a_plant_is_over_before_its_time_or_with_it() -> None:
    for plan in plans():
        if plan.outcome is Outcome.TIME:
            assert plan.ends_at_ms == measured.ROUND_LENGTH_MS
            assert max(dead(plan, ATTACKERS), dead(plan, DEFENDERS)) < 5
        elif not plan.outcome.has_plant:
            assert plan.planted_at_ms is None
            assert plan.ends_at_ms < measured.ROUND_LENGTH_MS - 1_500


def test_somebody_is_left_to_plant_and_the_spike_decides_in_time() -> None:
    for plan in plans():
        if not plan.outcome.has_plant:
            continue
        assert plan.planted_at_ms is not None
        assert plan.planted_at_ms < measured.ROUND_LENGTH_MS
        assert dead(plan, ATTACKERS, until_ms=plan.planted_at_ms) < 5
        assert dead(plan, DEFENDERS, until_ms=plan.planted_at_ms) < 5
        fuse_ms = plan.ends_at_ms - plan.planted_at_ms
        if plan.outcome is Outcome.BLAST:
            assert fuse_ms == 45_000
            assert dead(plan, DEFENDERS) < 5
        elif plan.outcome is Outcome.DEFUSE:
            assert 7_000 <= fuse_ms <= 45_000
            assert dead(plan, DEFENDERS) < 5
        else:
            assert 0 < fuse_ms < 45_000


def test_the_better_side_wins_more_often() -> None:
    rng = Random(6)
    won = sum(draw_plan(rng, *SIDES, 0.8).outcome.winners == ATTACKERS for _ in range(500))

    assert 360 < won < 440


# --- made-up time ---------------------------------------------------------------------------------------------


def test_an_agenda_does_things_in_their_order() -> None:
    agenda, done = Agenda(), []

    def note(name: str) -> None:
        done.append((agenda.now_ms, name))

    agenda.at(20, lambda: note("late"))
    agenda.at(10, lambda: (note("first"), agenda.after(5, lambda: note("between")))[0])
    agenda.at(10, lambda: note("second"))
    agenda.at(20, lambda: agenda.at(3, lambda: note("what should have been done already")))
    while agenda.do_next():
        pass

    assert done == [
        (10, "first"),
        (10, "second"),
        (15, "between"),
        (20, "late"),
        (20, "what should have been done already"),
    ]
