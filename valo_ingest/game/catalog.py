"""Names of the game feed and what a person reads instead.

The tables are exact and case sensitive. An unknown name is shown as it was sent, so that a new agent, map or
weapon never breaks or misleads.
"""

from typing import Final

AGENT_SUFFIX: Final = "_PC_C"
"""Ending that some clients leave on the internal name of an agent: "Clay_PC_C" is "Clay"."""

AGENTS: Final[dict[str, str]] = {
    "": "No Agent selected",
    "Clay": "Raze",
    "Pandemic": "Viper",
    "Wraith": "Omen",
    "Hunter": "Sova",
    "Thorne": "Sage",
    "Phoenix": "Phoenix",
    "Wushu": "Jett",
    "Gumshoe": "Cypher",
    "Sarge": "Brimstone",
    "Breach": "Breach",
    "Vampire": "Reyna",
    "Killjoy": "Killjoy",
    "Guide": "Skye",
    "Stealth": "Yoru",
    "Rift": "Astra",
    "Grenadier": "KAYO",
    "Deadeye": "Chamber",
    "Sprinter": "Neon",
    "BountyHunter": "Fade",
    "Mage": "Harbor",
    "Aggrobot": "Gekko",
    "Cable": "Deadlock",
    "Sequoia": "Iso",
    "Smonk": "Clove",
    "Nox": "Vyse",
    "Cashew": "Tejo",
    "Terra": "Waylay",
    "Pine": "Veto",
    "Iris": "Miks",
}
"""Internal name of an agent without its ending -> display name."""

KILLFEED_AGENTS: Final[dict[str, str]] = {
    "TX_Killfeed_Raze": "Clay",
    "TX_Killfeed_Viper": "Pandemic",
    "TX_Killfeed_Omen": "Wraith",
    "TX_Killfeed_Sova": "Hunter",
    "TX_Killfeed_Sage": "Thorne",
    "TX_Killfeed_Phoenix": "Phoenix",
    "TX_Killfeed_Jett": "Wushu",
    "TX_Killfeed_Cypher": "Gumshoe",
    "TX_Killfeed_Brimstone": "Sarge",
    "TX_Killfeed_Breach": "Breach",
    "TX_Killfeed_Reyna": "Vampire",
    "TX_Killfeed_Killjoy": "Killjoy",
    "TX_Killfeed_Skye": "Guide",
    "TX_Killfeed_Yoru": "Stealth",
    "TX_Killfeed_Astra": "Rift",
    "TX_Killfeed_KAYO": "Grenadier",
    "TX_Killfeed_Chamber": "Deadeye",
    "TX_Killfeed_Neon": "Sprinter",
    "TX_Killfeed_Fade": "BountyHunter",
    "TX_Killfeed_Harbor": "Mage",
    "TX_Killfeed_Gekko": "Aggrobot",
    "TX_Killfeed_Deadlock": "Cable",
    "TX_Killfeed_Iso": "Sequoia",
    "TX_Killfeed_Clove": "Smonk",
    "TX_Killfeed_Vyse": "Nox",
    "TX_Killfeed_Tejo": "Cashew",
    "TX_Killfeed_Waylay": "Terra",
    "TX_Killfeed_Veto": "Pine",
    "TX_Killfeed_Miks": "Iris",
}
"""Icon name in the assists of a kill -> internal name of the agent."""

WEAPONS_AND_ABILITIES: Final[dict[str, str]] = {
    "TX_Hud_Pistol_Classic": "Classic",
    "TX_Hud_Pistol_Glock_S": "Classic",
    "TX_Hud_Pistol_Slim": "Shorty",
    "TX_Hud_Pistol_SawedOff_S": "Shorty",
    "TX_Hud_Pistol_AutoPistol": "Frenzy",
    "TX_Hud_AutoPistol": "Frenzy",
    "TX_Hud_Pistol_Luger": "Ghost",
    "TX_Hud_Pistol_Luger_S": "Ghost",
    "TX_Hud_Pistol_Sheriff": "Sheriff",
    "TX_Hud_Pistol_Revolver_S": "Sheriff",
    "TX_Hud_Pistol_Compact": "Bandit",
    "TX_Hud_Pistol_Compact_S": "Bandit",
    "TX_Hud_Shotguns_Pump": "Bucky",
    "TX_Hud_Pump": "Bucky",
    "TX_Hud_Shotguns_Persuader": "Judge",
    "TX_Hud_Shotguns_Spas12_S": "Judge",
    "TX_Hud_SMGs_Vector": "Stinger",
    "TX_Hud_Vector": "Stinger",
    "TX_Hud_SMGs_Ninja": "Spectre",
    "TX_Hud_SMG_MP5_S": "Spectre",
    "TX_Hud_Rifles_Burst": "Bulldog",
    "TX_Hud_Burst": "Bulldog",
    "TX_Hud_Rifles_DMR": "Guardian",
    "tx_hud_dmr": "Guardian",
    "TX_Hud_Rifles_Ghost": "Phantom",
    "TX_Hud_Assault_AR10A2_S": "Phantom",
    "TX_Hud_Rifles_Volcano": "Vandal",
    "TX_Hud_Volcano": "Vandal",
    "TX_Hud_Sniper_Bolt": "Marshal",
    "TX_Hud_Sniper_BoltAction_S": "Marshal",
    "TX_Hud_Sniper_Operater": "Operator",
    "TX_Hud_Operator": "Operator",
    "TX_Hud_Sniper_DoubleSniper": "Outlaw",
    "TX_Hud_DoubleSniper": "Outlaw",
    "TX_Hud_LMG": "Ares",
    "TX_Hud_HMG": "Odin",
    "knife": "Knife",
    "TX_Hud_Knife_Standard_S": "Knife",
    "unknown": "Unknown",
    "TX_Breach_FusionBlast": "Aftershock",
    "TX_Sarge_MolotovLauncher": "Incendiary",
    "TX_Sarge_OrbitalStrike": "Orbital Strike (ULT)",
    "TX_Pheonix_FireWall": "Blaze",
    "TX_Pheonix_Molotov": "Hot Hands",
    "TX_Hunter_ShockArrow": "Shock Bolt",
    "TX_Hunter_BowBlast": "Hunters Fury",
    "TX_Hud_Deadeye_Q_Pistol": "Headhunter",
    "TX_Hud_Deadeye_X_GiantSlayer": "Tour de Force (ULT)",
    "TX_Cable_FishingHook": "Annihilation (ULT)",
    "TX_Hud_Wushu_X_Dagger": "Blade Storm (ULT)",
    "TX_Neon_Ult": "Overdrive (ULT)",
    "TX_Thorne_Heal": "Resurrection (ULT)",
    "TX_Gumshoe_Tripwire": "Trapwire",
    "TX_Gren_Icon": "Frag/ment",
    "TX_Aggrobot_Bubbles": "Mosh Pit",
    "TX_KJ_Bees": "Nanoswarm",
    "tx_KJ_turret": "Turret",
    "TX_Clay_Boomba": "Boom bot",
    "TX_Clay_ClusterBomb": "Paint Shells",
    "TX_Clay_RocketLauncher": "Show stopper (ULT)",
    "TX_Guide4": "Trail blazer",
    "TX_Pandemic_AcidLauncher": "Snake bite",
}
"""Icon name of a weapon or ability -> display name."""

MAPS: Final[dict[str, str]] = {
    "Infinityy": "Abyss",
    "Triad": "Haven",
    "Duality": "Bind",
    "Bonsai": "Split",
    "Ascent": "Ascent",
    "Port": "Icebox",
    "Foxtrot": "Breeze",
    "Canyon": "Fracture",
    "Pitt": "Pearl",
    "Jam": "Lotus",
    "Juliett": "Sunset",
    "Range": "Practice Range",
    "HURM_Alley": "District",
    "HURM_Yard": "Piazza",
    "HURM_Bowl": "Kasbah",
    "HURM_Helix": "Drift",
    "Rook": "Corrode",
    "Infinity": "Abyss",
}
"""Internal name of a map -> display name."""

ARMOR: Final = ("None", "Light", "Heavy", "None", "Regen")
"""Armour by the index that the feed sends; 3 is sent while a round loads."""

NO_WEAPON: Final = "Unknown"
"""Shown while the feed names no weapon."""


def plain_agent(internal: str) -> str:
    """Return the internal name of an agent without its ending."""
    return internal.removesuffix(AGENT_SUFFIX)


def agent_name(internal: str) -> str:
    return AGENTS.get(plain_agent(internal), internal)


def assisting_agent(icon: str) -> str | None:
    """Return the internal name of the agent behind an icon of a kill's assists, or None if nobody knows it.

    Icons come with and without a trailing digit: "TX_Killfeed_Sova1" is "TX_Killfeed_Sova".
    """
    return KILLFEED_AGENTS.get(icon) or KILLFEED_AGENTS.get(icon.rstrip("0123456789"))


def weapon_name(internal: str) -> str:
    return WEAPONS_AND_ABILITIES.get(internal, internal) or NO_WEAPON


def map_name(internal: str) -> str:
    return MAPS.get(internal, internal)


def armor_name(index: float) -> str:
    """Return the armour of `index`; any other number is none."""
    return ARMOR[int(index)] if index in range(len(ARMOR)) else ARMOR[0]
