"""The economy of the game: what a round pays, what things cost, and what a player buys for what he has."""

from dataclasses import dataclass
from random import Random
from typing import Final

from valo_ingest.game import rules

MAX_CREDITS: Final = 9_000
"""Nobody has more: a board of recording A shows a payment cut off there."""

START_CREDITS: Final = rules.SIDE_SWITCH_CREDITS
OVERTIME_CREDITS: Final = 5_000
"""What every player has in each round of overtime, whatever he had."""

WIN_CREDITS: Final = 3_000
KILL_CREDITS: Final = 200
"""Paid with the next round, as is the win: recordings A and B."""

LOSS_CREDITS: Final = (1_900, 2_400, 2_900)
"""For the first, the second and every further loss in a row (A)."""

SURVIVED_LOSS_CREDITS: Final = 1_000
"""For an attacker who is alive when a round without a plant is lost."""

SWIFT_LOSS_CREDITS: Final = 2_400
SWIFT_LATER_CREDITS: Final = 4_250
"""In swift play: the first loss of a half, and what both teams get before its third and fourth round (B)."""


@dataclass(frozen=True, slots=True)
class Weapon:
    """`board_icon` is its name on the scoreboard, `kill_icon` that in the kill feed."""

    board_icon: str
    kill_icon: str
    price: int
    """Credits."""


CLASSIC: Final = Weapon("TX_Hud_Pistol_Classic", "TX_Hud_Pistol_Glock_S", 0)
SHORTY: Final = Weapon("TX_Hud_Pistol_Slim", "TX_Hud_Pistol_SawedOff_S", 300)
FRENZY: Final = Weapon("TX_Hud_Pistol_AutoPistol", "TX_Hud_AutoPistol", 450)
GHOST: Final = Weapon("TX_Hud_Pistol_Luger", "TX_Hud_Pistol_Luger_S", 500)
SHERIFF: Final = Weapon("TX_Hud_Pistol_Sheriff", "TX_Hud_Pistol_Revolver_S", 800)
STINGER: Final = Weapon("TX_Hud_SMGs_Vector", "TX_Hud_Vector", 1_100)
SPECTRE: Final = Weapon("TX_Hud_SMGs_Ninja", "TX_Hud_SMG_MP5_S", 1_600)
JUDGE: Final = Weapon("TX_Hud_Shotguns_Persuader", "TX_Hud_Shotguns_Spas12_S", 1_850)
MARSHAL: Final = Weapon("TX_Hud_Sniper_Bolt", "TX_Hud_Sniper_BoltAction_S", 950)
OUTLAW: Final = Weapon("TX_Hud_Sniper_DoubleSniper", "TX_Hud_DoubleSniper", 2_400)
OPERATOR: Final = Weapon("TX_Hud_Sniper_Operater", "TX_Hud_Operator", 4_700)
BULLDOG: Final = Weapon("TX_Hud_Rifles_Burst", "TX_Hud_Burst", 2_050)
GUARDIAN: Final = Weapon("TX_Hud_Rifles_DMR", "tx_hud_dmr", 2_250)
PHANTOM: Final = Weapon("TX_Hud_Rifles_Ghost", "TX_Hud_Assault_AR10A2_S", 2_900)
VANDAL: Final = Weapon("TX_Hud_Rifles_Volcano", "TX_Hud_Volcano", 2_900)
ARES: Final = Weapon("TX_Hud_LMG", "TX_Hud_LMG", 1_600)
ODIN: Final = Weapon("TX_Hud_HMG", "TX_Hud_HMG", 3_200)

SIDEARMS: Final = frozenset({CLASSIC, SHORTY, FRENZY, GHOST, SHERIFF})

CHEAP: Final = {SHORTY: 2, FRENZY: 3, GHOST: 9, SHERIFF: 4, MARSHAL: 2}
PRIMARIES: Final = {
    VANDAL: 60, PHANTOM: 26, OPERATOR: 9, ODIN: 2, OUTLAW: 6, GUARDIAN: 2, BULLDOG: 5, SPECTRE: 8, JUDGE: 1, ARES: 2,
    STINGER: 2,
}  # fmt: skip
"""What is bought how often, about as the kills of recordings A and B; the first by those who save."""

CHARGE_PRICES: Final = (150, 200, 250)
"""Of one use of a player's three abilities. Agents differ: 100 to 400 credits."""

MAX_CHARGES: Final = (2, 1, 2)

LIGHT_ARMOR: Final = 1
HEAVY_ARMOR: Final = 2
ARMOR_PRICES: Final = {LIGHT_ARMOR: 400, HEAVY_ARMOR: 1_000}

FULL_BUY_CREDITS: Final = 3_900
"""A rifle and heavy armour: with this on average a team buys everything."""

HALF_BUY_CREDITS: Final = 2_900
POOR_BUY_CREDITS: Final = 2_300
"""With the first on average a team mostly buys something, with the second sometimes; else it saves."""

HALF_BUY_SHARE: Final = 0.85
SAVING_SHARE: Final = 0.3
"""How much of his money a player spends then."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One thing that is bought: a weapon, armour, or a charge of ability 0, 1 or 2."""

    price: int
    weapon: Weapon | None = None
    armor: int | None = None
    charge: int | None = None


@dataclass(frozen=True, slots=True)
class Loadout:
    """What a player has before he buys."""

    money: int
    primary: Weapon | None
    sidearm: Weapon
    armor: int
    charges: tuple[int, ...]


def budget_of_team(money: list[int], *, is_last_chance: bool, rng: Random) -> float:
    """Return which share of its money each player of a team spends.

    Args:
        is_last_chance: Nothing can be saved for a later round.
    """
    average = sum(money) / len(money)
    if is_last_chance or average >= FULL_BUY_CREDITS or average <= START_CREDITS:
        return 1.0
    buys = (average >= HALF_BUY_CREDITS and rng.random() < 0.85) or (
        average >= POOR_BUY_CREDITS and rng.random() < 0.35
    )
    return HALF_BUY_SHARE if buys else SAVING_SHARE


def purchases_of(has: Loadout, share: float, rng: Random) -> list[Purchase]:
    """Return what a player buys who spends at most `share` of his money, in the order of buying."""
    left = int(has.money * share)
    bought: list[Purchase] = []

    def buy(purchase: Purchase) -> None:
        nonlocal left
        left -= purchase.price
        bought.append(purchase)

    weapon = _weapon_for(has, left, rng, is_saving=share <= SAVING_SHARE)
    if weapon is not None:
        buy(Purchase(weapon.price, weapon=weapon))
    armor = next((kind for kind in (HEAVY_ARMOR, LIGHT_ARMOR) if ARMOR_PRICES[kind] <= left), None)
    if armor is not None and armor > has.armor and (weapon not in CHEAP or rng.random() < 0.5):
        buy(Purchase(ARMOR_PRICES[armor], armor=armor))
    for ability in rng.sample(range(3), 3):
        for _ in range(MAX_CHARGES[ability] - has.charges[ability]):
            if CHARGE_PRICES[ability] <= left and rng.random() < 0.8:
                buy(Purchase(CHARGE_PRICES[ability], charge=ability))
    if rng.random() < 0.5:
        bought.reverse()
    return bought


def _weapon_for(has: Loadout, left: int, rng: Random, *, is_saving: bool) -> Weapon | None:
    if has.primary is None and not is_saving:
        affordable = {kind: often for kind, often in PRIMARIES.items() if kind.price <= left}
        # A rifle if he can, else the best there is: nobody buys a Bucky with 4,000 credits.
        worth = min(max((kind.price for kind in affordable), default=0), VANDAL.price) * 0.6
        wanted = {
            kind: often for kind, often in affordable.items() if kind.price >= max(worth, STINGER.price)
        }
        if wanted:
            return rng.choices(list(wanted), list(wanted.values()))[0]
    elif has.primary is not None and has.primary.price < BULLDOG.price and left >= VANDAL.price:
        return rng.choice((VANDAL, PHANTOM))
    cheap = {kind: often for kind, often in CHEAP.items() if kind.price <= left}
    if has.primary is None and has.sidearm is CLASSIC and cheap and rng.random() < 0.7:
        return rng.choices(list(cheap), list(cheap.values()))[0]
    return None


def payment(*, has_won: bool, losses: int, kills: int, is_unpaid_survivor: bool) -> int:
    """Return what a standard round pays a player.

    Args:
        losses: Rounds that his team has lost in a row.
        is_unpaid_survivor: An attacker who is alive although his team lost without a plant.
    """
    if has_won:
        return WIN_CREDITS + KILL_CREDITS * kills
    loss = SURVIVED_LOSS_CREDITS if is_unpaid_survivor else LOSS_CREDITS[min(losses, len(LOSS_CREDITS)) - 1]
    return loss + KILL_CREDITS * kills


def swift_payment(*, has_won: bool, round_of_half: int, kills: int) -> int:
    """Return what a round of swift play pays a player before the given round of the half (from 1)."""
    if round_of_half > 2:
        return SWIFT_LATER_CREDITS + KILL_CREDITS * kills
    return (WIN_CREDITS if has_won else SWIFT_LOSS_CREDITS) + KILL_CREDITS * kills
