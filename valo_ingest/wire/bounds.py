"""How large a value may be. Beyond these no match can reach, so such a value cannot be read.

From the clarifications of the protocol.
"""

from typing import Final

MAX_NUMBER: Final = 2**31 - 1
MIN_NUMBER: Final = -(2**31)
"""Counts, money and health fit 32 bits."""

MAX_SHORT_TEXT: Final = 1_024
"""Names, ids and other short texts, in characters."""

MAX_LONG_TEXT: Final = 65_536
"""URLs, JSON texts inside a message and everything in toolsData, in characters."""

MAX_ENTRIES: Final = 256
"""Entries of a list or an object."""

MAX_GROUP_CODE: Final = 64
"""Characters of a group code."""

MAX_DEPTH: Final = 32
"""Objects and lists inside each other, in what is passed on to overlays. Real settings have five."""

MAX_OPAQUE_INTEGER: Final = 2**63
"""Whole numbers that are passed on to overlays."""
