"""A whole made-up match, from agent select to its end."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from random import Random
from typing import Any, Final

from valo_ingest.game import rules
from valo_ingest.rehearsal.simulation import measured, shop
from valo_ingest.rehearsal.simulation.agenda import Agenda
from valo_ingest.rehearsal.simulation.combat import Combat
from valo_ingest.rehearsal.simulation.feed import Feed, Step
from valo_ingest.rehearsal.simulation.fighters import Fighter, draw_fighters, draw_teams, drawn_id
from valo_ingest.rehearsal.simulation.plans import ATTACKERS, Outcome, RoundPlan, draw_plan
from valo_ingest.rehearsal.simulation.shopping import Shopping
from valo_ingest.wire.names import ObserverType

MAPS: Final = (
    "Infinity",
    "Triad",
    "Duality",
    "Bonsai",
    "Ascent",
    "Port",
    "Foxtrot",
    "Pitt",
    "Jam",
    "Juliett",
    "Rook",
)
"""Maps of a tournament, by their internal names."""

ROUNDS_TO_WIN: Final = {rules.STANDARD_MODE: 13, rules.SWIFT_MODE: 5}
ROUNDS_OF_HALF: Final = {rules.STANDARD_MODE: 12, rules.SWIFT_MODE: 4}
"""Both as the two modes are played; overtime follows in the standard one only, and is won by two rounds."""

OVERTIME_LEAD: Final = 2

FRESH_ULT: Final = {rules.STANDARD_MODE: 0, rules.SWIFT_MODE: 2}
"""Points of an ult when a half begins: recordings A and B."""

SKILL_SPREAD: Final = 0.3
"""How different two teams are, in units of log-odds of a round. An assumption."""

EQUIPMENT_WEIGHT: Final = 0.7
"""Log-odds of a round for each 2,900 credits that a player of one team carries more. An assumption."""

OPENING_MS: Final = 100
"""From the logon to the first message."""

TOAST_MS: Final = 8_000

CANCELLED_TIMEOUT_SHARE: Final = 0.15
"""Timeouts that are pressed by mistake and cancelled in time. An assumption."""


class SimulatedMatch:
    """A match of a seed. `steps` tells it once; what else is here says who plays."""

    def __init__(
        self,
        seed: int | str,
        *,
        mode: str = rules.STANDARD_MODE,
        auxiliaries: int = 0,
        match_id: str | None = None,
    ) -> None:
        """
        Args:
            mode: "bomb" or "swift".
            auxiliaries: How many of the ten players have an auxiliary client; they are of both teams.
            match_id: In place of the one of the seed: what auxiliary clients send goes to every match with the same.
        """
        rng = self._rng = Random(f"{mode} {seed}")
        self.mode = mode
        seeded_id = drawn_id(rng)
        self.match_id = match_id or seeded_id
        self.fighters = draw_fighters(rng)
        self.left_starts_attacking = rng.random() < 0.5
        self._team_names = draw_teams(rng)
        self.auxiliary_players = _alternating(self.fighters)[:auxiliaries]
        self._agenda = Agenda()
        # With chances of its own: how many report of a match changes nothing of it.
        self._feed = Feed(self._agenda, self.auxiliary_players, Random(f"auxiliaries {mode} {seed}"))
        self._told_order = rng.sample(self.fighters, len(self.fighters))
        self._skill = rng.gauss(0, SKILL_SPREAD)
        self._round = 0
        self._score = [0, 0]
        self._losses = [0, 0]
        """Rounds lost in a row by each team."""
        self._unpaid: frozenset[int] = frozenset()
        """Who is paid less, for he was alive when his team ran out of time."""
        self._timeouts_left = [rules.DEFAULT_TIMEOUTS, rules.DEFAULT_TIMEOUTS]

    @property
    def score(self) -> tuple[int, int]:
        """Rounds won by team 0 and team 1, as far as the match has been told."""
        return self._score[0], self._score[1]

    @property
    def round_number(self) -> int:
        return self._round

    def team_setup(self, *, is_left: bool) -> dict[str, Any]:
        """Return a team as an observer's logon has it."""
        is_attacking = is_left is self.left_starts_attacking
        name, tricode = self._team_names[0 if is_attacking else 1]
        return {"name": name, "tricode": tricode, "url": "", "attackStart": is_attacking}

    def steps(self) -> Iterator[Step]:
        """Yield the messages of the match, in order."""
        self._agenda.at(OPENING_MS, self._select_agents)
        while self._agenda.do_next():
            yield from self._feed.take()

    # --- before the first round -------------------------------------------------------------------------------

    def _select_agents(self) -> None:
        feed, agenda, rng = self._feed, self._agenda, self._rng
        feed.observe(ObserverType.MAP, rng.choice(MAPS))
        feed.observe(ObserverType.GAME_MODE, self.mode)
        for fighter in self.fighters:
            # The second team is known half a second later: recording B.
            agenda.after(
                16 + 433 * fighter.team + fighter.index, partial(self._tell_roster, fighter, "", False)
            )
        last_ms = 0.0
        for fighter in self.fighters:
            hovers_ms = rng.uniform(9_000, 40_000)
            locks_ms = hovers_ms + rng.choice((1_000, rng.uniform(2_000, 16_000)))
            if rng.random() < 0.3:
                other = rng.choice(self.fighters).agent
                agenda.after(
                    hovers_ms - rng.uniform(1_000, 8_000), partial(self._tell_roster, fighter, other, False)
                )
            agenda.after(hovers_ms, partial(self._tell_roster, fighter, fighter.agent, False))
            agenda.after(locks_ms, partial(self._tell_roster, fighter, fighter.agent, True))
            last_ms = max(last_ms, locks_ms)
        agenda.after(last_ms + measured.LOADING_MS, self._load)

    def _tell_roster(self, fighter: Fighter, agent: str, is_locked: bool) -> None:
        self._feed.observe(ObserverType.ROSTER, fighter.roster_entry(agent, is_locked=is_locked))

    def _load(self) -> None:
        """The map is loaded: the boards come twice, with nothing on them."""
        for _ in range(2):
            for fighter in self._told_order:
                self._feed.show_board(fighter)
        self._agenda.after(measured.LOADING_MS, self._announce_round)

    # --- rounds -----------------------------------------------------------------------------------------------

    @property
    def _attackers(self) -> int:
        """The team that attacks in this round."""
        number, half = self._round, ROUNDS_OF_HALF[self.mode]
        if self._is_overtime:
            return (number - rules.FIRST_OVERTIME_ROUND) % 2
        return 0 if number <= half else 1

    @property
    def _is_overtime(self) -> bool:
        return self.mode == rules.STANDARD_MODE and self._round >= rules.FIRST_OVERTIME_ROUND

    @property
    def _begins_half(self) -> bool:
        return self._round in (1, ROUNDS_OF_HALF[self.mode] + 1)

    def _announce_round(self) -> None:
        self._round += 1
        if self._begins_half:
            # Older clients tell so who attacks; the server needs it no more.
            self._feed.observe(ObserverType.TEAM_IS_ATTACKER, self._attackers == 0)
        self._feed.observe(ObserverType.ROUND_INFO, self._phase("game_start"))
        if self._round > 1:
            self._shopping(0).announce()
        self._agenda.after(self._rng.uniform(*measured.GAME_START_MS), self._begin_shopping)

    def _begin_shopping(self) -> None:
        feed, agenda = self._feed, self._agenda
        if self._round == 1:
            feed.observe(ObserverType.MATCH_START, self.match_id)
            agenda.after(measured.AUXILIARY_LOGON_MS, self._let_auxiliaries_in)
        feed.observe(ObserverType.ROUND_INFO, self._phase("shopping"))
        if self._round == rules.FIRST_OVERTIME_ROUND:
            most = rules.MAX_TIMEOUTS_AFTER_BONUS
            self._timeouts_left = [max(left, min(left + 1, most)) for left in self._timeouts_left]
        length_ms = measured.FIRST_SHOPPING_MS if self._begins_half else measured.SHOPPING_MS
        length_ms += self._plan_interruption()
        shopping = self._shopping(length_ms)
        is_fresh = self._begins_half or self._is_overtime
        shopping.begin(
            [self._money(fighter) for fighter in self.fighters],
            attackers=self._attackers,
            is_fresh=is_fresh,
            ult=FRESH_ULT[self.mode] if self._begins_half else None,
        )
        is_last_chance = self._is_overtime or self._round in self._last_rounds
        agenda.after(measured.CLASSIC_BOARDS_MS[1] + 20, partial(shopping.buy, is_last_chance=is_last_chance))
        agenda.after(length_ms, self._begin_combat)

    def _shopping(self, length_ms: int) -> Shopping:
        return Shopping(self._agenda, self._feed, self._rng, self._told_order, length_ms=length_ms)

    def _let_auxiliaries_in(self) -> None:
        self._feed.has_auxiliaries = True
        for fighter in self.fighters:
            self._feed.show_health(fighter)
            self._feed.show_charges(fighter)

    @property
    def _last_rounds(self) -> tuple[int, int]:
        """The last round of each half: what is not spent in it is lost."""
        half = ROUNDS_OF_HALF[self.mode]
        return half, 2 * half

    def _money(self, fighter: Fighter) -> int:
        """Return what a player has when shopping begins."""
        if self._begins_half:
            return shop.START_CREDITS
        if self._is_overtime:
            return shop.OVERTIME_CREDITS
        losses = self._losses[fighter.team]
        if self.mode == rules.SWIFT_MODE:
            round_of_half = (self._round - 1) % ROUNDS_OF_HALF[self.mode] + 1
            # The ninth round, which decides, is paid as the last ones before it.
            if self._round > 2 * ROUNDS_OF_HALF[self.mode]:
                round_of_half = ROUNDS_OF_HALF[self.mode]
            paid = shop.swift_payment(
                has_won=not losses, round_of_half=round_of_half, kills=fighter.kills_this_round
            )
        else:
            paid = shop.payment(
                has_won=not losses,
                losses=losses,
                kills=fighter.kills_this_round,
                is_unpaid_survivor=fighter.index in self._unpaid,
            )
        owed = rules.PLANT_REWARD_CREDITS if fighter.is_owed_for_plant else 0
        return min(fighter.money + paid + owed, shop.MAX_CREDITS)

    def _plan_interruption(self) -> int:
        """Plan a pause or a notice of this round's shopping, if there is one; return by how many ms it gets longer."""
        rng, agenda, feed = self._rng, self._agenda, self._feed
        if rng.random() < measured.TOAST_SHARE:
            agenda.after(rng.uniform(4_000, 12_000), self._show_toast)
        begins_ms = rng.uniform(3_000, 20_000)
        if rng.random() < measured.TECH_PAUSE_SHARE:
            length_ms = round(rng.uniform(*measured.TECH_PAUSE_S) * 1_000)
            for at_ms in (begins_ms, begins_ms + length_ms):
                agenda.after(at_ms, partial(feed.observe, ObserverType.TECH_PAUSE))
            return length_ms
        team = rng.choice((0, 1))
        if self._round > 1 and self._timeouts_left[team] and rng.random() < measured.TEAM_TIMEOUT_SHARE * 2:
            is_left = (team == 0) is self.left_starts_attacking
            key = ObserverType.LEFT_TIMEOUT if is_left else ObserverType.RIGHT_TIMEOUT
            agenda.after(begins_ms, partial(feed.observe, key))
            if rng.random() < CANCELLED_TIMEOUT_SHARE:  # pressed by mistake: it costs nothing
                agenda.after(begins_ms + rng.uniform(2_000, 8_000), partial(feed.observe, key))
                return 0
            self._timeouts_left[team] -= 1
            return rules.DEFAULT_TIMEOUT_S * 1_000
        return 0

    def _show_toast(self) -> None:
        toast = {
            "duration": TOAST_MS,
            "title": "Rehearsal",
            "message": "This match is made up.",
            "eventLogoEnabled": False,
            "selectedTeam": "none",
            "active": True,
        }
        self._feed.observe(ObserverType.TOAST, toast)

    def _begin_combat(self) -> None:
        rng, agenda = self._rng, self._agenda
        self._feed.observe(ObserverType.ROUND_INFO, self._phase("combat"))
        attackers = [fighter for fighter in self.fighters if fighter.team == self._attackers]
        defenders = [fighter for fighter in self.fighters if fighter.team != self._attackers]
        odds = (_equipment(attackers) - _equipment(defenders)) * EQUIPMENT_WEIGHT
        odds += self._skill if self._attackers == 0 else -self._skill
        plan = draw_plan(rng, attackers, defenders, 1 / (1 + math.exp(-odds)))
        combat = Combat(agenda, self._feed, rng, plan=plan, attackers=attackers, defenders=defenders)
        combat.begin()
        if rng.random() < measured.KDA_SHARE:
            for share in (0.2, 0.7):
                agenda.after(
                    share * plan.ends_at_ms, partial(self._feed.observe, ObserverType.SWITCH_KDA_CREDITS)
                )
        agenda.after(plan.ends_at_ms, partial(self._end_round, combat, plan))

    def _end_round(self, combat: Combat, plan: RoundPlan) -> None:
        attackers = self._attackers
        winners = attackers if plan.outcome.winners == ATTACKERS else 1 - attackers
        self._score[winners] += 1
        self._losses[winners] = 0
        self._losses[1 - winners] += 1
        dead = {kill.victim.index for kill in plan.kills}
        survivors = [f.index for f in self.fighters if f.team == attackers and f.index not in dead]
        self._unpaid = frozenset(survivors if plan.outcome is Outcome.TIME else ())
        combat.end(self._round, {"team_0": self._score[0], "team_1": self._score[1]})
        if self._is_decided():
            self._agenda.after(measured.MATCH_END_MS, self._end_match)
        else:
            self._agenda.after(measured.ROUND_END_MS, self._announce_round)

    def _is_decided(self) -> bool:
        ahead = abs(self._score[0] - self._score[1])
        needed = OVERTIME_LEAD if self.mode == rules.STANDARD_MODE else 1
        return max(self._score) >= ROUNDS_TO_WIN[self.mode] and ahead >= needed

    def _end_match(self) -> None:
        self._feed.observe(ObserverType.ROUND_INFO, self._phase("game_end"))

    def _phase(self, phase: str) -> dict[str, Any]:
        return {"roundNumber": self._round, "roundPhase": phase}


def _equipment(fighters: Sequence[Fighter]) -> float:
    """Return what the players of a team carry, in rifles each."""
    worth = sum(
        (fighter.weapon.price if fighter.weapon else 0) + shop.ARMOR_PRICES.get(fighter.armor, 0)
        for fighter in fighters
    )
    return worth / len(fighters) / shop.VANDAL.price


def _alternating(fighters: Sequence[Fighter]) -> list[Fighter]:
    """Return the players so that both teams have as many among any first ones."""
    half = len(fighters) // 2
    return [fighter for pair in zip(fighters[:half], fighters[half:], strict=True) for fighter in pair]
