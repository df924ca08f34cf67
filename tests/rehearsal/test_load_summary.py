import csv
import io
import xml.etree.ElementTree as ElementTree
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from valo_ingest.rehearsal.accounting import Accounts
from valo_ingest.rehearsal.load import report, results
from valo_ingest.rehearsal.load.chart import Line, line_chart
from valo_ingest.rehearsal.load.measurements import Latency, LoadSide, Second, latency_of
from valo_ingest.rehearsal.load.scenario import Limits, Scenario
from valo_ingest.rehearsal.load.summary import (
    CapacityResult,
    CapacityStep,
    Events,
    ServerSide,
    Summary,
    lines,
    missed_limits,
    to_json,
    warnings_of,
)
from valo_ingest.rehearsal.load.venue import added_up

LIMITS = Limits(p99_ms=100, errors=1, lost=0)
SEEN = latency_of([20.0, 30.0])


def make_second(at_s: int, **changes: Any) -> Second:
    second = Second(
        at_s=at_s, matches=1, sent=10, seen=SEEN, load_cpu=0.1, server_cpu=0.05, server_memory_mb=60
    )
    return msgspec.structs.replace(second, **changes)


def make_summary(**changes: Any) -> Summary:
    summary = Summary(
        version="1",
        scenario="lan-final",
        settings=Scenario(
            about="One match", matches=1, auxiliaries=1, overlays=1, duration_s=5, limits=LIMITS
        ),
        started_at="2026-11-23T20:00:00+00:00",
        took_s=5.2,
        server=ServerSide(
            url="http://127.0.0.1:1", started_here=True, cpu=0.1, busiest_cpu=0.2, memory_mb=60
        ),
        matches=1,
        clients=3,
        events=Events(sent=12, applied=10, refused={"match_over": 1}, lost=1, lost_by_type={"score": 1}),
        seen=SEEN,
        rows={"logon": {"observer": latency_of([5])}, "event seen": {"score": SEEN}},
        failures={"logon, observer: Invalid Key": 2},
        load=LoadSide(cpu=0.1, busiest_cpu=0.3, late=latency_of([1])),
        seconds=[make_second(1), make_second(2, seen=Latency(), server_cpu=None, server_memory_mb=None)],
    )
    return msgspec.structs.replace(summary, **changes)


def make_step(matches: int, **changes: Any) -> CapacityStep:
    step = CapacityStep(matches=matches, seen=SEEN, errors=0, lost=0, load_cpu=0.1, server_cpu=0.1)
    return msgspec.structs.replace(step, **changes)


class PageReader(HTMLParser):
    """Collects what is on a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.inner_page = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "iframe":
            self.inner_page = dict(attrs)["srcdoc"] or ""

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_run_within_its_limits_misses_none() -> None:
    assert missed_limits(LIMITS, seen=latency_of([100.0]), errors=1, lost=0) == []


def test_each_limit_that_is_missed_has_a_line_with_both_numbers() -> None:
    assert missed_limits(LIMITS, seen=latency_of([100.1]), errors=2, lost=3) == [
        "p99_ms: 100.1 ms from event to overlay, limit 100 ms",
        "errors: 2, limit 1",
        "lost: 3 events lost, limit 0",
    ]


def test_a_run_that_measured_nothing_has_not_passed() -> None:
    assert missed_limits(LIMITS, seen=Latency(), errors=0, lost=0) == [
        "no event was seen at any overlay: nothing was measured"
    ]


def test_a_reader_is_told_of_a_server_that_answers_no_event() -> None:
    warnings = warnings_of(LIMITS, LoadSide(), Events(sent=7, unconfirmed=7))

    assert len(warnings) == 1 and "did not answer 7 events" in warnings[0]
    assert warnings_of(LIMITS, LoadSide(), Events(sent=7, applied=7)) == []


def test_the_accounts_of_all_connections_are_added_up() -> None:
    found = added_up(
        [
            Accounts(sent=5, accepted=3, refused={"match_over": 1}, lost=1, lost_by_type={"score": 1}),
            Accounts(sent=4, accepted=2, refused={"match_over": 2}),
        ]
    )

    assert found == Events(sent=9, applied=5, refused={"match_over": 3}, lost=1, lost_by_type={"score": 1})


def test_what_only_some_connections_have_no_answer_to_is_lost() -> None:
    found = added_up(
        [Accounts(sent=1, accepted=1), Accounts(sent=2, unconfirmed=2, sent_by_type={"aux_health": 2})]
    )

    assert found == Events(sent=3, applied=1, lost=2, lost_by_type={"aux_health": 2})


def test_a_server_that_answers_nothing_has_lost_nothing() -> None:
    assert added_up([Accounts(sent=2, unconfirmed=2)]) == Events(sent=2, unconfirmed=2)


def test_the_terminal_tells_what_became_of_all_events_and_of_each_limit() -> None:
    text = "\n".join(lines(make_summary(missed=["lost: 1 events lost, limit 0"], warnings=["it was late"])))

    assert "events: sent 12: applied 10, refused 1 match_over, lost 1" in text
    assert "event to overlay: p50 20 ms, p95 30, p99 30, max 30 (2 times)" in text
    assert "failed 2 times: logon, observer: Invalid Key" in text
    assert "Limit missed: lost: 1 events lost, limit 0." in text
    assert "Beware: it was late." in text


@pytest.mark.parametrize(
    ("capacity", "says"),
    [
        (
            CapacityResult(
                matches=20, is_limit=True, steps=[make_step(20), make_step(40, over=["lost: 1 events lost"])]
            ),
            "holds 20 matches; with 40 it is over the limit (lost: 1 events lost)",
        ),
        (
            CapacityResult(matches=20, is_limit=False, steps=[make_step(20)]),
            "holds at least 20 matches; more were not tried",
        ),
        (
            CapacityResult(matches=0, is_limit=True, steps=[make_step(20, over=["errors: 1"])]),
            "does not even hold 20 matches (errors: 1)",
        ),
        (CapacityResult(matches=0, is_limit=False, steps=[]), "nothing is known of the capacity"),
    ],
)
def test_the_capacity_is_told_in_one_sentence(capacity: CapacityResult, says: str) -> None:
    assert says in "\n".join(lines(make_summary(capacity=capacity)))


def test_the_json_summary_holds_all_of_it() -> None:
    summary = make_summary()

    assert msgspec.json.decode(to_json(summary), type=Summary) == summary
    assert msgspec.json.decode(to_json(summary))["format"] == 1


def test_the_report_shows_verdict_accounts_charts_and_the_report_of_locust() -> None:
    locust_report = '<html><body>charts & tables "of" locust</body></html>'

    page = PageReader(report.page(locust_report, make_summary(missed=["errors: 2, limit 1"])))

    assert page.inner_page == locust_report
    assert page.tags.count("svg") == 3
    assert "errors: 2, limit 1" in page.text
    assert "refused: match_over" in page.text and "lost: score" in page.text
    assert "logon, observer: Invalid Key" in page.text


def test_the_report_of_a_search_has_charts_over_the_number_of_matches() -> None:
    capacity = CapacityResult(matches=20, is_limit=False, steps=[make_step(10), make_step(20)])

    page = PageReader(report.page("", make_summary(capacity=capacity)))

    assert page.tags.count("svg") == 5
    assert "Passed" not in page.text
    assert "holds at least 20 matches" in page.text


def test_nothing_in_the_report_is_taken_for_html() -> None:
    page = report.page("", make_summary(failures={"<script>alert(1)</script>": 1}))

    assert "<script>" not in page


def test_a_chart_is_an_svg_with_a_line_for_each_series_and_its_limit() -> None:
    svg = line_chart(
        "Times <now>",
        x="s",
        y="ms",
        lines=[Line("p50", [(1, 5), (2, 6)]), Line("p99", [(1, 50), (2, 260)]), Line("none", [])],
        limit=100,
    )

    tree = ElementTree.fromstring(svg)
    texts = [element.text for element in tree.iter("text")]
    assert len(list(tree.iter("polyline"))) == 2
    assert {"Times <now>", "p50", "p99", "limit 100", "500"} <= set(texts)
    heights = [
        float(point.split(",")[1])
        for line in tree.iter("polyline")
        for point in line.get("points", "").split()
    ]
    assert all(0 <= height <= 280 for height in heights)


def test_a_chart_of_nothing_says_so() -> None:
    assert line_chart("Times", x="s", y="ms", lines=[]) == "<p>Times: nothing was measured.</p>"


def test_a_chart_of_one_point_or_of_zeros_can_be_drawn() -> None:
    for points in ([(3, 0)], [(1, 0), (2, 0)], [(5, 7)]):
        ElementTree.fromstring(line_chart("Times", x="s", y="ms", lines=[Line("p50", points)]))


def test_a_run_leaves_report_summary_tables_and_the_servers_log(tmp_path: Path) -> None:
    results.write(
        tmp_path, make_summary(), locust_report="", tables={"stats": "a,b\n"}, server_log="started\n"
    )

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("report.html", "seconds.csv", "server.log", "stats.csv", "summary.json")
    ]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "seconds.csv").read_text(encoding="utf-8"))))
    assert [(row["at_s"], row["seen_p99_ms"], row["server_cpu"]) for row in rows] == [
        ("1", "30.0", "0.05"),
        ("2", "0.0", ""),
    ]


def test_each_run_has_a_directory_of_its_own(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, 20, 5, 6)

    names = [results.new_directory(tmp_path / "results", "lan-final", now).name for _ in range(3)]

    assert names == [f"lan-final-20261123-200506{more}" for more in ("", "-2", "-3")]


def test_a_file_in_the_place_of_the_results_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")

    with pytest.raises(OSError):
        results.new_directory(tmp_path / "results", "lan-final", datetime(2026, 1, 1))
