"""Charts, as SVG made here. Colours and text sizes are the style sheet's; what they show is also told in words."""

from collections.abc import Sequence
from typing import Any, Final

from markupsafe import Markup, escape

PLOT_HEIGHT: Final = 160
TOP: Final = 14
BOTTOM: Final = 22
LEFT: Final = 46
BAR: Final = 11
GAP: Final = 2
BETWEEN_ROUNDS: Final = 14
"""In units of the drawing, which is scaled to the width that there is."""

STEPS: Final = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
"""Between the lines of the scale, in credits."""

MAX_LINES: Final = 5

RATE_WIDTH: Final = 240
RATE_HEIGHT: Final = 40


def economy(rounds: Sequence[Any], left: str, right: str) -> Markup:
    """Return a chart of the credits that both teams had in each round: what they spent, and on top what they kept.

    Args:
        rounds: Each has a number, and purses (or None) of the left and the right team.
    """
    shown = [each for each in rounds if each.left or each.right]
    highest = max(
        (purse.spent + purse.left for each in shown for purse in (each.left, each.right) if purse), default=0
    )
    step = next((step for step in STEPS if highest / step <= MAX_LINES), STEPS[-1])
    top = max(step, -(-int(highest) // step) * step)
    per_round = 2 * BAR + GAP + BETWEEN_ROUNDS
    width = LEFT + max(1, len(shown)) * per_round
    parts = [
        Markup(
            '<svg class="chart economy" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" '
            'aria-label="Credits of {2} and {3} in each round">'
        ).format(width, TOP + PLOT_HEIGHT + BOTTOM, left, right)
    ]
    for credits in range(0, top + 1, step):
        y = _y(credits, top)
        parts.append(
            Markup('<line class="grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>').format(LEFT, width, y)
            + Markup('<text class="scale" x="{0}" y="{1}">{2}</text>').format(LEFT - 6, y + 4, f"{credits:,}")
        )
    for index, each in enumerate(shown):
        x = LEFT + BETWEEN_ROUNDS // 2 + index * per_round
        parts.append(_bar(x, each.left, top, "left", f"Round {each.number}, {left}"))
        parts.append(_bar(x + BAR + GAP, each.right, top, "right", f"Round {each.number}, {right}"))
        parts.append(
            Markup('<text class="round" x="{0}" y="{1}">{2}</text>').format(
                x + BAR + GAP / 2, TOP + PLOT_HEIGHT + 15, each.number
            )
        )
    return Markup("").join([*parts, Markup("</svg>")])


def _y(credits: float, top: int) -> float:
    return round(TOP + PLOT_HEIGHT * (1 - credits / top), 1)


def _bar(x: int, purse: Any, top: int, seat: str, whose: str) -> Markup:
    if purse is None:
        return Markup("")
    spent, kept = max(0, purse.spent), max(0, purse.left)
    title = escape(f"{whose}: {spent:,.0f} spent, {kept:,.0f} kept")
    return (
        Markup("<g><title>{}</title>").format(title)
        + _rectangle(x, 0, spent, top, f"{seat} spent")
        + _rectangle(x, spent, spent + kept, top, f"{seat} kept")
        + Markup("</g>")
    )


def _rectangle(x: int, low: float, high: float, top: int, classes: str) -> Markup:
    y = _y(high, top)
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        classes, x, y, BAR, round(_y(low, top) - y, 1)
    )


def rate(each_second: Sequence[int]) -> Markup:
    """Return a chart of the events in each of the last seconds, the oldest first."""
    counts = list(each_second)[-RATE_WIDTH // 4 :]
    highest = max([*counts, 1])
    bars = [
        Markup('<rect x="{}" y="{}" width="3" height="{}"/>').format(
            RATE_WIDTH - 4 * (len(counts) - index),
            RATE_HEIGHT - height,
            height,
        )
        for index, count in enumerate(counts)
        if (height := max(1 if count else 0, round(RATE_HEIGHT * count / highest)))
    ]
    label = f"Events in each of the last {len(counts)} seconds, {highest if counts else 0} at most"
    return Markup('<svg class="chart rate" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        RATE_WIDTH, RATE_HEIGHT, label, Markup("").join(bars)
    )
