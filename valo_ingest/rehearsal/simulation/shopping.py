"""The time before a round: players come back, are paid, and buy."""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Final

from valo_ingest.game import rules
from valo_ingest.rehearsal.simulation import measured, shop
from valo_ingest.rehearsal.simulation.agenda import Agenda
from valo_ingest.rehearsal.simulation.feed import Feed
from valo_ingest.rehearsal.simulation.fighters import NO_ARMOR, ULT_PRICES, USUAL_ULT_PRICE, Fighter

LAST_PURCHASE_MS: Final = 800
"""Before combat: nobody buys later."""

PICKS_SPIKE_MS: Final = (1_500, 15_000)
"""When an attacker takes the spike: 3 to 16 s into shopping in recording A."""

PASSES_SPIKE_SHARE: Final = 0.8
PASSES_SPIKE_MS: Final = (800, 6_000)

ONE_BOARD_SHARE: Final = 0.13
"""Purchases whose price and thing are seen on the same board: 35 of 272 in A."""


class Shopping:
    """What happens between the announcement of a round and its combat."""

    def __init__(
        self, agenda: Agenda, feed: Feed, rng: Random, fighters: Sequence[Fighter], *, length_ms: int
    ) -> None:
        """
        Args:
            fighters: All ten, in the order in which they are told of.
        """
        self._agenda = agenda
        self._feed = feed
        self._rng = rng
        self._fighters = fighters
        self._length_ms = length_ms

    def announce(self) -> None:
        """The next round is announced: some of the dead are shown alive already."""
        dead = [fighter for fighter in self._fighters if not fighter.is_alive and self._rng.random() < 0.5]
        self._burst((0, 3), dead, self._revive)

    def begin(self, money: Sequence[int], *, attackers: int, is_fresh: bool, ult: int | None) -> None:
        """Shopping begins now.

        Args:
            money: What each player has from now on, in credits, by his index.
            attackers: The team that takes the spike.
            is_fresh: Nobody keeps what he carried.
            ult: The points that every ult has from now on; None where they stay.
        """
        if is_fresh:  # then the first boards have the new money already: recording A
            for fighter in self._fighters:
                fighter.money = money[fighter.index]
        self._burst(measured.ROUND_BOARDS_MS, self._fighters, self._revive)
        self._burst(
            measured.PAID_BOARDS_MS, self._fighters, lambda fighter: self._pay(fighter, money[fighter.index])
        )
        unarmed = [fighter for fighter in self._fighters if is_fresh or fighter.sidearm is None]
        self._burst(measured.CLASSIC_BOARDS_MS, unarmed, partial(self._arm, is_fresh, ult))
        self._agenda.after(self._rng.uniform(*PICKS_SPIKE_MS), partial(self._take_spike, attackers))

    def buy(self, *, is_last_chance: bool) -> None:
        """Plan what everybody buys, now that all are paid.

        Args:
            is_last_chance: Nothing can be saved for a later round.
        """
        for team in (0, 1):
            members = [fighter for fighter in self._fighters if fighter.team == team]
            money = [fighter.money for fighter in members]
            share = shop.budget_of_team(money, is_last_chance=is_last_chance, rng=self._rng)
            for fighter in members:
                self._plan_purchases(fighter, shop.purchases_of(_loadout(fighter), share, self._rng))

    # --- coming back ------------------------------------------------------------------------------------------

    def _burst(
        self, begins_ms: tuple[int, int], fighters: Sequence[Fighter], action: Callable[[Fighter], None]
    ) -> None:
        delay_ms = self._rng.uniform(*begins_ms)
        for fighter in fighters:
            delay_ms += self._rng.uniform(*measured.BURST_GAP_MS)
            self._agenda.after(delay_ms, partial(action, fighter))

    def _revive(self, fighter: Fighter) -> None:
        was_hurt = fighter.health != rules.FULL_HEALTH
        fighter.is_alive = True
        fighter.has_spike = False
        fighter.health = rules.FULL_HEALTH
        self._feed.show_board(fighter)
        if was_hurt:
            self._feed.show_health(fighter)

    def _pay(self, fighter: Fighter, money: int) -> None:
        fighter.money = money
        fighter.kills_this_round = 0
        fighter.is_owed_for_plant = False
        self._feed.show_board(fighter)

    def _arm(self, is_fresh: bool, ult: int | None, fighter: Fighter) -> None:
        fighter.sidearm = shop.CLASSIC
        fighter.max_ult = ULT_PRICES.get(fighter.agent, USUAL_ULT_PRICE)
        if ult is not None:
            fighter.ult = ult
        if is_fresh:
            fighter.primary = None
            fighter.armor = NO_ARMOR
            fighter.charges = [0, 0, 0]
            self._feed.show_charges(fighter)
        self._feed.show_board(fighter)

    # --- the spike --------------------------------------------------------------------------------------------

    def _take_spike(self, attackers: int) -> None:
        team = [fighter for fighter in self._fighters if fighter.team == attackers]
        carrier = self._rng.choice(team)
        carrier.has_spike = True
        self._feed.show_board(carrier)
        if self._rng.random() < PASSES_SPIKE_SHARE:
            self._agenda.after(self._rng.uniform(*PASSES_SPIKE_MS), partial(self._pass_spike, carrier, team))

    def _pass_spike(self, carrier: Fighter, team: Sequence[Fighter]) -> None:
        other = self._rng.choice([fighter for fighter in team if fighter is not carrier])
        carrier.has_spike = False
        self._feed.show_board(carrier)
        other.has_spike = True
        self._feed.show_board(other)

    # --- purchases --------------------------------------------------------------------------------------------

    def _plan_purchases(self, fighter: Fighter, purchases: Sequence[shop.Purchase]) -> None:
        rng = self._rng
        delay_ms = rng.uniform(*measured.FIRST_PURCHASE_S) * 1_000
        last_ms = self._length_ms - LAST_PURCHASE_MS
        for purchase in purchases:
            self._agenda.after(min(delay_ms, last_ms), partial(self._buy, fighter, purchase))
            if purchase.charge is not None and rng.random() < measured.SECOND_THOUGHTS_SHARE * 2:
                delay_ms += rng.uniform(*measured.PURCHASE_GAP_S) * 1_000
                self._agenda.after(min(delay_ms, last_ms), partial(self._sell, fighter, purchase))
                delay_ms += rng.uniform(*measured.PURCHASE_GAP_S) * 1_000
                self._agenda.after(min(delay_ms, last_ms), partial(self._buy, fighter, purchase))
            delay_ms += rng.uniform(*measured.PURCHASE_GAP_S) * 1_000

    def _buy(self, fighter: Fighter, purchase: shop.Purchase) -> None:
        fighter.money -= purchase.price
        if purchase.charge is not None:
            fighter.charges[purchase.charge] += 1
            self._feed.show_charges(fighter)
        if purchase.charge is not None or self._rng.random() >= ONE_BOARD_SHARE:
            self._feed.show_board(fighter)
        if purchase.charge is None:
            delay_ms = self._rng.uniform(*measured.WEAPON_BOARD_MS)
            self._agenda.after(delay_ms, partial(self._take, fighter, purchase))

    def _sell(self, fighter: Fighter, purchase: shop.Purchase) -> None:
        if purchase.charge is not None:
            fighter.charges[purchase.charge] -= 1
            self._feed.show_charges(fighter)
        fighter.money += purchase.price
        self._feed.show_board(fighter)

    def _take(self, fighter: Fighter, purchase: shop.Purchase) -> None:
        if purchase.weapon in shop.SIDEARMS:
            fighter.sidearm = purchase.weapon
        elif purchase.weapon is not None:
            fighter.primary = purchase.weapon
        if purchase.armor is not None:
            fighter.armor = purchase.armor
        self._feed.show_board(fighter)


def _loadout(fighter: Fighter) -> shop.Loadout:
    return shop.Loadout(
        money=fighter.money,
        primary=fighter.primary,
        sidearm=fighter.sidearm or shop.CLASSIC,
        armor=fighter.armor,
        charges=tuple(fighter.charges),
    )
