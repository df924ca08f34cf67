"""Numbers of the game, each with its unit and where it comes from."""

from typing import Final

ROUND_CLOCK_MS: Final = 99_000
"""From the start of combat until the round has run out of time: 100 s on the game's clock, of which the first
second has passed when the feed reports combat (measured by the recordings' `roundTimeoutTime`)."""

SPIKE_FUSE_MS: Final = 45_000
"""From the plant to the blast."""

PLANT_REWARD_CREDITS: Final = 300
"""Paid to the planter at once. Not every client sends a plant event, so this is how we see one."""

SIDE_SWITCH_CREDITS: Final = 800
"""What every player has after a change of sides."""

FULL_HEALTH: Final = 100

MAX_PLAYERS_PER_TEAM: Final = 5

FIRST_ROUNDS_SHOWN: Final = 25
"""Rounds laid out as upcoming when a match begins: the most that a match without overtime has, and one."""

ROUNDS_LAID_OUT: Final = 5
"""Upcoming rounds laid out behind each finished one."""

MAX_TIMEOUTS_AFTER_BONUS: Final = 2
"""Overtime gives one more timeout, to at most this many."""

DEFAULT_TIMEOUTS: Final = 2
DEFAULT_TIMEOUT_S: Final = 60
DEFAULT_TIMEOUT_GRACE_S: Final = 10
"""A timeout cancelled within this time costs nothing."""

SWIFT_MODE: Final = "swift"
STANDARD_MODE: Final = "bomb"

SWITCH_ROUND: Final = 13
FIRST_OVERTIME_ROUND: Final = 25
SWIFT_SWITCH_ROUND: Final = 5
SWIFT_FIRST_OVERTIME_ROUND: Final = 99
"""Swift play has no overtime; no match reaches this round."""

MAX_ROUND_NUMBER: Final = 999
"""No match comes near it; a larger number is not a round."""
