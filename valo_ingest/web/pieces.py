"""Small pieces of pages that occur by the thousand where two hundred matches are live.

Those that are kept once they are made have nothing in them that a client made up, so there are few.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final

from markupsafe import Markup

from valo_ingest.web import words

DELIVERED: Final = ("health", "abilities", "scoreboard")
"""What a player's client may deliver, in the order in which it is shown."""


AGO: Final = '<time datetime="%s" data-ago="%d">%s</time>'


def ago(instant: int) -> Markup:
    """Return an instant (epoch ms) of which page.js says how long ago it was."""
    return Markup(AGO % (words.iso(instant), instant, words.clock(instant)))


@cache
def icon(name: str, meaning: str = "") -> Markup:
    """Return a picture of the sprite in icons.html; `meaning` is what it stands for, where it is no decoration."""
    told = Markup('role="img" aria-label="{}"').format(meaning) if meaning else Markup('aria-hidden="true"')
    return Markup('<svg class="icon i-{0}" {1}><use href="#i-{0}"/></svg>').format(name, told)


def delivers(what: Sequence[str]) -> Markup:
    """Return the letters of what a player's client may deliver; those that it does are marked."""
    return _delivers(tuple(name in what for name in DELIVERED))


@cache
def _delivers(has: tuple[bool, ...]) -> Markup:
    letters = Markup("").join(
        Markup('<abbr class="{}" title="{}{}">{}</abbr>').format(
            "has" if each else "lacks", name, "" if each else ": nothing yet", name[0].upper()
        )
        for name, each in zip(DELIVERED, has, strict=True)
    )
    return Markup('<span class="delivers">{}</span>').format(letters)
