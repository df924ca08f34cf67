"""A planned round, carried out: kills, the spike, and what the clients see of them, message by message."""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Final

from valo_ingest.game import rules
from valo_ingest.game.catalog import KILLFEED_AGENTS
from valo_ingest.rehearsal.simulation import measured, shop
from valo_ingest.rehearsal.simulation.agenda import Agenda
from valo_ingest.rehearsal.simulation.feed import Feed
from valo_ingest.rehearsal.simulation.fighters import ASTRA, CYPHER, NO_ARMOR, Fighter
from valo_ingest.rehearsal.simulation.plans import Kill, Outcome, RoundPlan
from valo_ingest.wire.names import AuxiliaryType, ObserverType

ICONS: Final = {agent: icon for icon, agent in KILLFEED_AGENTS.items()}
"""Agent -> icon in the assists of a kill."""

SPECIALS: Final = {ASTRA: AuxiliaryType.ASTRA_TARGETING, CYPHER: AuxiliaryType.CYPHER_CAM}

USES_ULT_SHARE: Final = 0.45
USES_CHARGE_SHARE: Final = 0.7
TAKES_ORB_SHARE: Final = 0.07
USES_SPECIAL_SHARE: Final = 0.8
SURVIVOR_HIT_SHARE: Final = 0.3
"""How likely each is in a round, or at a kill. Assumptions; orbs and hits as boards of recording A suggest."""

SPECIAL_MS: Final = (1_500, 7_000)
"""How long Astra plans her stars, or Cypher looks through his camera. An assumption."""

PICKUP_MS: Final = (900, 6_000)
"""How long the spike lies after its carrier died. 1 to 6 s in recording A."""

PASS_MS: Final = (500, 2_200)
"""How long it lies when it is passed on."""


class Combat:
    """One round from combat to its end."""

    def __init__(
        self,
        agenda: Agenda,
        feed: Feed,
        rng: Random,
        *,
        plan: RoundPlan,
        attackers: Sequence[Fighter],
        defenders: Sequence[Fighter],
    ) -> None:
        self._agenda = agenda
        self._feed = feed
        self._rng = rng
        self._plan = plan
        self._attackers = attackers
        self._fighters = [*attackers, *defenders]
        self._began_at = 0
        self._is_planted = False

    def begin(self) -> None:
        """Put the round on the agenda; it begins now."""
        self._began_at = self._agenda.now_ms
        plan = self._plan
        for kill in plan.kills:
            self._at(kill.at_ms, partial(self._kill, kill))
            self._plan_hits(kill)
        if plan.planted_at_ms is not None:
            self._at(plan.planted_at_ms, self._plant)
        deaths = {kill.victim.index: kill.at_ms for kill in plan.kills}
        for fighter in self._fighters:
            self._plan_skills(fighter, deaths.get(fighter.index, plan.ends_at_ms))
        self._plan_camera()
        for _ in range(self._rng.choice((0, 0, 1, 1))):
            self._at(self._rng.uniform(0.05, 0.5) * plan.ends_at_ms, self._pass_spike)

    def end(self, number: int, score: dict[str, int]) -> None:
        """Send how the round ended."""
        if self._plan.outcome is Outcome.BLAST:
            self._feed.observe(ObserverType.SPIKE_DETONATED)
        self._feed.observe(ObserverType.ROUND_INFO, {"roundNumber": number, "roundPhase": "end"})
        self._feed.observe(ObserverType.SCORE, score)
        if self._plan.outcome is Outcome.DEFUSE:  # it comes last: recordings A and B
            self._feed.observe(ObserverType.SPIKE_DEFUSED)

    # --- kills ------------------------------------------------------------------------------------------------

    def _plan_hits(self, kill: Kill) -> None:
        """Plan what is seen of the fight before a kill: armour breaks, health falls, the killer may be hurt, too."""
        rng = self._rng
        hurt = [kill.victim] * rng.choices((0, 1, 2), measured.HITS_SHARES)[0]
        if rng.random() < SURVIVOR_HIT_SHARE:
            hurt.append(kill.killer)
        for fighter in hurt:
            self._at(kill.at_ms - rng.uniform(*measured.ARMOR_HIT_MS), partial(self._hit, fighter))
        if rng.random() < measured.ARMOR_HIT_SHARE:
            self._at(
                kill.at_ms - rng.uniform(*measured.ARMOR_HIT_MS), partial(self._break_armor, kill.victim)
            )

    def _hit(self, fighter: Fighter) -> None:
        if fighter.is_alive:
            left = max(fighter.health - self._rng.randint(*measured.HIT_DAMAGE), self._rng.randint(2, 20))
            fighter.health = min(fighter.health, left)
            self._feed.show_health(fighter)

    def _break_armor(self, fighter: Fighter) -> None:
        if fighter.is_alive and fighter.armor != NO_ARMOR:
            fighter.armor = NO_ARMOR
            self._feed.show_board(fighter)

    def _kill(self, kill: Kill) -> None:
        killer, victim, rng = kill.killer, kill.victim, self._rng
        weapon = killer.weapon or shop.CLASSIC
        self._feed.observe(
            ObserverType.KILLFEED,
            {
                "attacker": killer.name,
                "victim": victim.name,
                "weaponKillfeedInternal": weapon.kill_icon,
                "headshotKill": kill.is_headshot,
                "assists": [ICONS[fighter.agent] for fighter in kill.assisting],
                "isTeamkill": False,
            },
        )
        for delay, action in (
            (measured.DEATH_BOARD_MS, partial(self._die, victim)),
            (measured.WEAPON_LOST_MS, partial(self._lose_weapon, victim)),
            (measured.KILL_BOARD_MS, partial(self._count_kill, killer)),
            (measured.DEATH_COUNT_MS, partial(self._count_death, victim)),
            (measured.ULT_POINT_MS, partial(self._gain_ult, killer)),
            (measured.ULT_POINT_MS, partial(self._gain_ult, victim)),
            *((measured.ASSIST_BOARD_MS, partial(self._count_assist, helper)) for helper in kill.assisting),
        ):
            self._agenda.after(rng.uniform(*delay), action)

    def _die(self, fighter: Fighter) -> None:
        had_spike, fighter.has_spike = fighter.has_spike, False
        fighter.is_alive = False
        fighter.health = 0
        self._feed.show_board(fighter)
        self._feed.show_health(fighter)
        if had_spike and not self._is_planted:
            self._agenda.after(self._rng.uniform(*PICKUP_MS), self._pick_up_spike)

    def _lose_weapon(self, fighter: Fighter) -> None:
        fighter.primary = fighter.sidearm = None
        fighter.armor = NO_ARMOR
        self._feed.show_board(fighter)

    def _count_kill(self, fighter: Fighter) -> None:
        fighter.kills += 1
        fighter.kills_this_round += 1
        self._feed.show_board(fighter)

    def _count_death(self, fighter: Fighter) -> None:
        fighter.deaths += 1
        self._feed.show_board(fighter)

    def _count_assist(self, fighter: Fighter) -> None:
        fighter.assists += 1
        self._feed.show_board(fighter)

    def _gain_ult(self, fighter: Fighter) -> None:
        if fighter.ult < fighter.max_ult:
            fighter.ult += 1
            self._feed.show_board(fighter)

    # --- the spike --------------------------------------------------------------------------------------------

    def _carrier(self) -> Fighter | None:
        return next((fighter for fighter in self._attackers if fighter.has_spike), None)

    def _pass_spike(self) -> None:
        carrier = self._carrier()
        if carrier is not None and not self._is_planted:
            carrier.has_spike = False
            self._feed.show_board(carrier)
            self._agenda.after(self._rng.uniform(*PASS_MS), self._pick_up_spike)

    def _pick_up_spike(self) -> None:
        alive = [fighter for fighter in self._attackers if fighter.is_alive]
        if alive and not self._is_planted and self._carrier() is None and not self._is_over():
            finder = self._rng.choice(alive)
            finder.has_spike = True
            self._feed.show_board(finder)

    def _plant(self) -> None:
        """The spike is planted: every attacker is paid, the living at once."""
        carrier = self._carrier()
        self._is_planted = True
        self._feed.observe(ObserverType.SPIKE_PLANTED)
        for fighter in self._attackers:
            if not fighter.is_alive:
                fighter.is_owed_for_plant = True
                continue
            fighter.money = min(fighter.money + rules.PLANT_REWARD_CREDITS, shop.MAX_CREDITS)
            self._feed.show_board(fighter)
        if carrier is not None:
            carrier.has_spike = False
            self._feed.show_board(carrier)
            self._gain_ult(carrier)

    # --- what else a round is made of -------------------------------------------------------------------------

    def _plan_skills(self, fighter: Fighter, until_ms: int) -> None:
        """Plan the abilities that a player uses while he lives."""
        rng = self._rng
        for ability, count in enumerate(fighter.charges):
            for _ in range(count):
                if rng.random() < USES_CHARGE_SHARE:
                    self._at(rng.uniform(0, until_ms), partial(self._use_charge, fighter, ability))
        if rng.random() < TAKES_ORB_SHARE:
            self._at(rng.uniform(0, until_ms), partial(self._take_orb, fighter))
        if rng.random() < USES_ULT_SHARE:
            self._at(rng.uniform(0, until_ms), partial(self._use_ult, fighter))
        special = SPECIALS.get(fighter.agent)
        if special is not None and rng.random() < USES_SPECIAL_SHARE:
            begins_at = rng.uniform(0, until_ms)
            self._at(begins_at, partial(self._switch_special, fighter, special, is_on=True))
            ends_at = begins_at + rng.uniform(*SPECIAL_MS)
            self._at(ends_at, partial(self._switch_special, fighter, special, is_on=False))

    def _use_charge(self, fighter: Fighter, ability: int) -> None:
        if fighter.is_alive:
            fighter.charges[ability] -= 1
            self._feed.show_charges(fighter)

    def _use_ult(self, fighter: Fighter) -> None:
        if fighter.is_alive and fighter.ult >= fighter.max_ult:
            fighter.ult = 0
            self._feed.show_board(fighter)

    def _take_orb(self, fighter: Fighter) -> None:
        if fighter.is_alive:
            self._gain_ult(fighter)

    def _switch_special(self, fighter: Fighter, kind: AuxiliaryType, *, is_on: bool) -> None:
        if fighter.is_alive and not self._is_over():
            self._feed.show_special(fighter, kind, is_on=is_on)

    def _plan_camera(self) -> None:
        """Plan whom the observer watches: somebody, and now and then the one who is about to kill."""
        rng = self._rng
        at_ms = rng.uniform(0, 1_500)
        while at_ms < self._plan.ends_at_ms:
            self._at(at_ms, self._watch_somebody)
            at_ms += rng.uniform(*measured.CAMERA_S) * 1_000
        for kill in self._plan.kills:
            if rng.random() < measured.CAMERA_FINDS_KILLER_SHARE:
                self._at(kill.at_ms - rng.uniform(200, 1_500), partial(self._watch, kill.killer))

    def _watch_somebody(self) -> None:
        self._watch(self._rng.choice([fighter for fighter in self._fighters if fighter.is_alive]))

    def _watch(self, fighter: Fighter) -> None:
        if fighter.is_alive:
            self._feed.observe(ObserverType.OBSERVING, fighter.search_name)

    def _is_over(self) -> bool:
        return self._agenda.now_ms >= self._began_at + self._plan.ends_at_ms

    def _at(self, at_ms: float, action: Callable[[], None]) -> None:
        self._agenda.at(self._began_at + at_ms, action)
