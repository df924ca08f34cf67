import re
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from valo_ingest.web import charts

SVG = "{http://www.w3.org/2000/svg}"


def purse(spent: float, left: float) -> Any:
    return SimpleNamespace(spent=spent, left=left)


def round_(number: int, left: Any, right: Any) -> Any:
    return SimpleNamespace(number=number, left=left, right=right)


def drawn(*rounds: Any, left: str = "L", right: str = "R") -> ElementTree.Element:
    """Return the chart as a browser reads it."""
    return ElementTree.fromstring(str(charts.economy(rounds, left, right)))


def heights(chart: ElementTree.Element, classes: str) -> list[float]:
    return [float(bar.get("height", "0")) for bar in chart.iter("rect") if bar.get("class") == classes]


def test_bars_are_as_high_as_what_was_spent_and_kept() -> None:
    chart = drawn(round_(1, purse(4_000, 1_000), purse(0, 2_000)))

    assert heights(chart, "left spent") == [charts.PLOT_HEIGHT * 4_000 / 5_000]
    assert heights(chart, "left kept") == [charts.PLOT_HEIGHT * 1_000 / 5_000]
    assert heights(chart, "right spent") == [0]
    assert heights(chart, "right kept") == [charts.PLOT_HEIGHT * 2_000 / 5_000]


def test_bars_never_leave_the_plot() -> None:
    for credits in (1, 999, 1_001, 49_999, 52_000, 123_456, 10_000_000):
        chart = drawn(round_(1, purse(credits, credits), purse(-5, 0)))
        for bar in chart.iter("rect"):
            assert float(bar.get("y", "-1")) >= 0
            assert float(bar.get("height", "-1")) >= 0
        lines = list(chart.iter("line"))
        assert 2 <= len(lines) <= 300


def test_what_a_bar_shows_is_also_said() -> None:
    titles = [title.text for title in drawn(round_(3, purse(4_000, 150), None)).iter("title")]

    assert titles == ["Round 3, L: 4,000 spent, 150 kept"]


def test_a_round_without_purses_takes_no_room() -> None:
    chart = drawn(round_(1, None, None), round_(2, purse(1, 1), purse(1, 1)))

    assert [text.text for text in chart.iter("text") if text.get("class") == "round"] == ["2"]


def test_without_any_round_the_chart_is_empty() -> None:
    assert list(drawn().iter("rect")) == []


def test_names_are_escaped() -> None:
    chart = str(charts.economy([round_(1, purse(1, 1), purse(1, 1))], '"><script>', "<b>"))

    assert "<script>" not in chart
    assert "<b>" not in chart


@pytest.mark.parametrize("counts", [[], [0], [0, 0, 0], [5], list(range(60)), [1_000_000, 1]])
def test_rates_are_drawn_in_their_frame(counts: list[int]) -> None:
    chart = ElementTree.fromstring(str(charts.rate(counts)))

    bars = list(chart.iter("rect"))
    assert len(bars) == sum(1 for count in counts if count)
    for bar in bars:
        assert 0 <= float(bar.get("x", "-1")) <= charts.RATE_WIDTH
        assert 1 <= float(bar.get("height", "0")) <= charts.RATE_HEIGHT


def test_nothing_in_a_chart_is_styled_by_itself() -> None:
    """The policy of the pages forbids it."""
    chart = str(charts.economy([round_(1, purse(1, 1), purse(1, 1))], "L", "R")) + str(charts.rate([1, 2]))

    assert not re.search(r"\bstyle=|<style|\bon\w+=", chart)
