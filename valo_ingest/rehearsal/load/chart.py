"""Line charts as SVG, for reports that open without any network."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 760
HEIGHT: Final = 280
LEFT: Final = 64
RIGHT: Final = 16
TOP: Final = 44
BOTTOM: Final = 44

COLOURS: Final = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")
LIMIT_COLOUR: Final = "#888"
TICKS: Final = 5

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points, from left to right."""

    name: str
    points: Points


def line_chart(title: str, *, x: str, y: str, lines: Iterable[Line], limit: float | None = None) -> str:
    """Return an SVG element.

    Args:
        x, y: What the axes show, with the unit.
        limit: Where to draw a dashed line across.
    """
    drawn = [line for line in lines if line.points]
    points = [point for line in drawn for point in line.points]
    if not points:
        return f"<p>{escape(title)}: nothing was measured.</p>"
    columns = [column for column, _ in points]
    scale = _Scale(
        min(columns), max(columns), _round_up(max([height for _, height in points] + [limit or 0.0]))
    )
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        _text(LEFT, 16, title, "start", weight="bold"),
        *_axes(scale, x, y),
    ]
    if limit is not None:
        height = scale.y(limit)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}" '
            f'stroke="{LIMIT_COLOUR}" stroke-dasharray="6 4"/>'
        )
        parts.append(_text(WIDTH - RIGHT, height - 4, f"limit {limit:g}", "end"))
    for number, line in enumerate(drawn):
        parts.extend(_drawn(line, scale, COLOURS[number % len(COLOURS)], LEFT + number * 150))
    return "\n".join([*parts, "</svg>"])


@dataclass(frozen=True, slots=True)
class _Scale:
    first: float
    last: float
    top: float

    def x(self, value: float) -> float:
        width = (self.last - self.first) or 1.0
        return LEFT + (value - self.first) / width * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)


def _drawn(line: Line, scale: _Scale, colour: str, legend_x: float) -> Iterator[str]:
    path = " ".join(f"{scale.x(column):.1f},{scale.y(height):.1f}" for column, height in line.points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    if len(line.points) <= 40:
        for column, height in line.points:
            yield (
                f'<circle cx="{scale.x(column):.1f}" cy="{scale.y(height):.1f}" r="3" fill="{colour}">'
                f"<title>{column:g}: {height:g}</title></circle>"
            )
    yield f'<rect x="{legend_x:.0f}" y="24" width="12" height="4" fill="{colour}"/>'
    yield _text(legend_x + 16, 30, line.name, "start")


def _axes(scale: _Scale, x: str, y: str) -> Iterator[str]:
    for number in range(TICKS + 1):
        value = scale.top * number / TICKS
        height = scale.y(value)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}" stroke="#ddd"/>'
        yield _text(LEFT - 6, height + 4, f"{value:g}", "end")
    for column in _ticks(scale.first, scale.last):
        yield _text(scale.x(column), HEIGHT - BOTTOM + 16, f"{column:g}", "middle")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x, "middle")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield _text(14, middle, y, "middle", turned=True)


def _ticks(first: float, last: float) -> list[float]:
    """Return a few round numbers between both."""
    width = last - first
    if width <= 0:
        return [first]
    step = _round_up(width / 8)
    start = math.ceil(first / step)
    return [round(step * number, 9) for number in range(start, math.floor(last / step) + 1)]


def _round_up(value: float) -> float:
    """Return the next 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= value * 0.999_999)


def _text(x: float, y: float, text: str, anchor: str, *, weight: str = "normal", turned: bool = False) -> str:
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"{turn}>{escape(text)}</text>'
