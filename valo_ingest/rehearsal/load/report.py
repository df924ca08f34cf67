"""The report that people open: our verdict, accounts and charts, and locust's own report below."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from valo_ingest.rehearsal.load.chart import Line, line_chart
from valo_ingest.rehearsal.load.measurements import Latency
from valo_ingest.rehearsal.load.summary import (
    CapacityResult,
    Summary,
    capacity_line,
    matches_at_most,
    what_is_played,
)

STYLE: Final = """
body { margin: 0; } iframe { border: 0; width: 100%; height: 1200px; }
.rehearsal { font: 14px/1.5 system-ui, sans-serif; max-width: 900px; margin: 24px auto; padding: 0 16px;
             color: #222; background: #fff; }
.rehearsal svg { width: 100%; font-size: 12px; margin: 12px 0; }
.rehearsal table { border-collapse: collapse; margin: 12px 0; }
.rehearsal td, .rehearsal th { border: 1px solid #ccc; padding: 2px 10px; text-align: right; }
.rehearsal td:first-child, .rehearsal th:first-child { text-align: left; }
.rehearsal .passed, .rehearsal .missed, .rehearsal .warning { padding: 8px 12px; border-radius: 4px; }
.rehearsal .passed { background: #d9f2dd; } .rehearsal .missed { background: #f9d8d8; }
.rehearsal .warning { background: #fdf0cc; margin-top: 8px; }
"""

FIT: Final = (
    "const fit = () => { this.style.height = this.contentDocument.documentElement.scrollHeight + 'px' };"
    "new ResizeObserver(fit).observe(this.contentDocument.body)"
)
"""Makes the frame as high as what is in it, once that has been drawn."""

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{section}
<iframe title="Report of locust" onload="{fit}" srcdoc="{locust}"></iframe>
</body>
</html>
"""


def page(locust_report: str, summary: Summary) -> str:
    """Return our report, with locust's below; all in one file, which needs no network."""
    return PAGE.format(
        title=escape(f"{summary.scenario}, {summary.started_at}"),
        style=STYLE,
        section="\n".join(_section(summary)),
        fit=escape(FIT),
        locust=escape(locust_report),
    )


def _section(summary: Summary) -> Iterator[str]:
    yield '<main class="rehearsal">'
    yield f"<h1>{escape(summary.scenario)}</h1>"
    yield f"<p>{escape(what_is_played(summary))}. {escape(_setting_out(summary))}</p>"
    yield from _verdict(summary)
    yield from (f'<p class="warning">Beware: {escape(text)}.</p>' for text in summary.warnings)
    if summary.capacity is not None:
        yield "<h2>Capacity</h2>"
        yield from _capacity(summary.capacity, summary.settings.limits.p99_ms)
    yield "<h2>Events</h2>"
    yield from _accounts(summary)
    yield from _failures(summary)
    yield "<h2>Second by second</h2>"
    yield from _charts(summary)
    yield "<h2>Times</h2>"
    yield _latencies(summary)
    yield "<h2>Report of locust</h2></main>"


def _setting_out(summary: Summary) -> str:
    server = "a server that was started for it" if summary.server.started_here else "the server"
    stopped = " It was stopped before its end." if summary.interrupted else ""
    return (
        f"{matches_at_most(summary)}, {summary.clients} clients, {summary.took_s:.0f} s, against {server} "
        f"at {summary.server.url}; {summary.started_at}.{stopped}"
    )


def _verdict(summary: Summary) -> Iterator[str]:
    if summary.passed and summary.capacity is not None:
        yield f'<p class="passed">{escape(capacity_line(summary.capacity))}.</p>'
    elif summary.passed:
        yield '<p class="passed">Passed: within all limits of the scenario.</p>'
    else:
        missed = "".join(f"<li>{escape(line)}</li>" for line in summary.missed)
        yield f'<div class="missed">Limits missed:<ul>{missed}</ul></div>'


def _accounts(summary: Summary) -> Iterator[str]:
    events = summary.events
    rows: list[tuple[str, object]] = [("sent", events.sent), ("applied", events.applied)]
    rows += [(f"refused: {reason}", count) for reason, count in events.refused.items()]
    rows.append(("lost", events.lost))
    rows += [(f"lost: {kind}", count) for kind, count in events.lost_by_type.items()]
    if events.unconfirmed:
        rows.append(("unconfirmed", events.unconfirmed))
    yield _table(("what became of them", "events"), rows)


def _latencies(summary: Summary) -> str:
    rows = [("event seen, all", *_cells(summary.seen))]
    rows += [
        (f"{row}, {name}", *_cells(latency))
        for row, by_name in summary.rows.items()
        for name, latency in by_name.items()
    ]
    return _table(("", "times", "p50 ms", "p95 ms", "p99 ms", "max ms"), rows)


def _cells(latency: Latency) -> tuple[object, ...]:
    return latency.count, latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.max_ms


def _failures(summary: Summary) -> Iterator[str]:
    if summary.failures:
        yield "<h2>Failures</h2>"
        yield _table(("what failed", "times"), summary.failures.items())


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{titles}</tr>{body}</table>"


def _charts(summary: Summary) -> Iterator[str]:
    seconds = summary.seconds
    seen = [(each.at_s, each.seen) for each in seconds if each.seen.count]
    yield _latency_chart("s", seen, summary.settings.limits.p99_ms)
    yield line_chart(
        "Load",
        x="s",
        y="per second",
        lines=[
            Line("events sent", [(each.at_s, each.sent) for each in seconds]),
            Line("events seen", [(each.at_s, each.seen.count) for each in seconds]),
            Line("matches", [(each.at_s, each.matches) for each in seconds]),
        ],
    )
    yield _processor_chart("s", [(each.at_s, each.load_cpu, each.server_cpu) for each in seconds])


def _capacity(capacity: CapacityResult, p99_ms_limit: float) -> Iterator[str]:
    steps = capacity.steps
    yield _latency_chart("matches", [(step.matches, step.seen) for step in steps], p99_ms_limit)
    yield _processor_chart("matches", [(step.matches, step.load_cpu, step.server_cpu) for step in steps])
    yield _table(
        ("matches", "p50 ms", "p99 ms", "errors", "lost", "limits"),
        [
            (
                step.matches,
                step.seen.p50_ms,
                step.seen.p99_ms,
                step.errors,
                step.lost,
                "; ".join(step.over) or "kept",
            )
            for step in steps
        ],
    )


def _latency_chart(x: str, seen: Sequence[tuple[int, Latency]], p99_ms_limit: float) -> str:
    return line_chart(
        "From event to overlay",
        x=x,
        y="ms",
        lines=[
            Line("p50", [(at, latency.p50_ms) for at, latency in seen]),
            Line("p99", [(at, latency.p99_ms) for at, latency in seen]),
        ],
        limit=p99_ms_limit,
    )


def _processor_chart(x: str, shares: Sequence[tuple[int, float, float | None]]) -> str:
    """Return a chart of the shares of a core that load generator and server took; None where nobody knows."""
    return line_chart(
        "Processor",
        x=x,
        y="% of a core",
        lines=[
            Line("load generator", [(at, round(100 * load)) for at, load, _ in shares]),
            Line("server", [(at, round(100 * server)) for at, _, server in shares if server is not None]),
        ],
    )
