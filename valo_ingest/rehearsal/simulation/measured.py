"""What real recordings show of rates and order, and what we assume where they show nothing.

Recording A is a standard match of August 2024 (19 rounds, 2205 s from its first round to its end), B a swift one of
March 2024 (7 rounds, 549 s) that two auxiliary clients reported as well. A and B hold statistics for this, no content.
"""

from typing import Final

# --- a round ------------------------------------------------------------------------------------------------------

SHOPPING_MS: Final = 29_700
"""From "shopping" to "combat": 29.4 to 29.9 s in A and B."""

FIRST_SHOPPING_MS: Final = 44_300
"""The same in the first round of a half: 43.9 to 44.8 s."""

ROUND_END_MS: Final = 7_030
"""From "end" to the next "game_start": 7.00 to 7.15 s."""

GAME_START_MS: Final = (80, 340)
"""From "game_start" to "shopping": 55 to 730 ms, nearly all in this range."""

MATCH_END_MS: Final = 2_570
"""From the last "end" to "game_end": 2.56 and 2.57 s."""

ROUND_LENGTH_MS: Final = 100_000
"""From "combat" to the "end" of a round that ran out of time: 99 997 and 99 999 ms in A."""

LOADING_MS: Final = 16_000
"""From the last locked agent to the first boards of a match that loads, and on to its first "game_start": B."""

# --- kills --------------------------------------------------------------------------------------------------------

FIRST_KILL_S: Final = (14.0, 0.75, 2.5, 45.0)
"""Median, spread of the logarithm, least and most, in seconds from "combat" to the first kill. The median of A is 17,
that of B 7."""

KILL_GAP_S: Final = (4.3, 1.15, 0.12, 38.0)
"""The same for the seconds between kills of a round. Median 5.2 s in A (0.02 to 46 s), 3.8 s in B."""

HEADSHOT_SHARE: Final = 0.49
"""68 of 136 kills in A, 24 of 50 in B."""

ASSISTS_SHARES: Final = (126, 52, 8)
"""Kills with no, one and two assists, of A and B together."""

DEATH_BOARD_MS: Final = (0, 35)
WEAPON_LOST_MS: Final = (10, 60)
KILL_BOARD_MS: Final = (20, 60)
DEATH_COUNT_MS: Final = (30, 100)
ULT_POINT_MS: Final = (30, 110)
ASSIST_BOARD_MS: Final = (1, 30)
"""How long after the kill the scoreboards follow that tell of it, each of its own: A and B."""

ARMOR_HIT_SHARE: Final = 0.6
"""How often a victim's armour is seen to break before the kill: 88 of 125 in A, 47 of 46 in B, survivors included."""

ARMOR_HIT_MS: Final = (30, 900)
"""How long before."""

# --- the outcome --------------------------------------------------------------------------------------------------

OUTCOME_SHARES: Final = {
    "attackers by kills": 4,
    "attackers by kills after a plant": 7,
    "blast": 2,
    "defuse": 6,
    "defenders by kills": 5,
    "time": 2,
}
"""How rounds end. A and B: 15 of 26 rounds have a plant, 6 a defuse, 2 ran out of time; neither has a blast, but a
match of today has one now and then."""

PLANT_S: Final = (38.0, 0.5, 12.0, 92.0)
"""As FIRST_KILL_S, from "combat" to the plant: 15 to 92 s, median 29 s in A and 22 s in B."""

DEFUSE_S: Final = (8.0, 40.0)
"""From the plant to the defuse: 17.6 to 38.7 s; a defuse takes 7 s."""

# --- purchases ----------------------------------------------------------------------------------------------------

ROUND_BOARDS_MS: Final = (1, 45)
"""From "shopping" to the first board of each player."""

PAID_BOARDS_MS: Final = (60, 170)
"""And to the second, with the money."""

CLASSIC_BOARDS_MS: Final = (190, 260)
"""And to the third, of those who lost their weapon: each of the three comes as one burst of up to ten boards."""

BURST_GAP_MS: Final = (0, 1)
"""Between the boards of a burst."""

FIRST_PURCHASE_S: Final = (0.6, 14.0)
PURCHASE_GAP_S: Final = (0.13, 2.6)
"""When a player begins to buy, and the time between purchases."""

WEAPON_BOARD_MS: Final = (4, 60)
"""Between the board that shows the price paid and the one that shows what was bought."""

SECOND_THOUGHTS_SHARE: Final = 0.12
"""Purchases that are sold again and replaced: about every eighth in A."""

# --- auxiliary clients --------------------------------------------------------------------------------------------

AUXILIARY_LOGON_MS: Final = 1_000
"""From "match_start" to the logon of an auxiliary client: 1000 and 1026 ms in B."""

TEAM_BOARD_GRID_MS: Final = 300
"""An auxiliary client tells of its team-mates on this grid, of those of whom something has changed: B."""

# --- what no recording shows --------------------------------------------------------------------------------------

CAMERA_S: Final = (3.0, 11.0)
"""How long the observer watches one player. An assumption: the clients of the recordings did not send it."""

CAMERA_FINDS_KILLER_SHARE: Final = 0.55
"""How often the observer is with the killer when it happens. An assumption."""

HITS_SHARES: Final = (3, 5, 2)
"""How often a victim was hit no, one or two times before the shot that killed. An assumption."""

HIT_DAMAGE: Final = (12, 78)
"""What a hit costs that does not kill. An assumption."""

TEAM_TIMEOUT_SHARE: Final = 0.06
"""Rounds before which a team takes a timeout, if it has one left. An assumption: one or two a match."""

TECH_PAUSE_SHARE: Final = 0.012
"""Rounds before which there is a technical pause: in every fourth match. An assumption."""

TECH_PAUSE_S: Final = (25.0, 90.0)
KDA_SHARE: Final = 0.08
"""Rounds in which the crew shows kills instead of credits for a while. An assumption."""

TOAST_SHARE: Final = 0.03
"""Rounds in whose shopping the crew shows a notice. An assumption."""
