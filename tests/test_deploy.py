"""What is in deploy/ fits the server: settings, ports and metrics that it names are there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.transport.test_metrics import make_sources
from valo_ingest.cli.settings import DEFAULTS, SETTINGS
from valo_ingest.transport.metrics import Metrics

ROOT: Final = Path(__file__).parents[1]
DEPLOY: Final = ROOT / "deploy"
OPERATING: Final = ROOT / "docs" / "operating.rst"

METRIC: Final = re.compile(r"\b(?:valo_ingest|process)_[a-z_]+")

PARTS_OF_HISTOGRAMS: Final = ("_bucket", "_sum", "_count")


def read(*names: str) -> str:
    return DEPLOY.joinpath(*names).read_text(encoding="utf-8")


def metrics() -> dict[str, set[str]]:
    """Return the labels of every metric that the server has, by its name at Prometheus."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(Metrics(make_sources()).text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def documented(metric: str) -> str:
    """Return the name under which people look for a metric: that of the histogram, for its parts."""
    for part in PARTS_OF_HISTOGRAMS:
        if metric.endswith(part):
            return metric.removesuffix(part)
    return metric


# --- the dashboard --------------------------------------------------------------------------------------------


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(read("grafana", "valo-ingest.json"))
    return loaded


def expressions() -> Iterator[str]:
    board = dashboard()
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (
        variable["definition"] for variable in board["templating"]["list"] if "definition" in variable
    )
    yield from (each["expr"] for each in board["annotations"]["list"])


def test_every_metric_of_the_dashboard_is_there() -> None:
    used = {name for expression in expressions() for name in METRIC.findall(expression)}

    assert len(used) > 10
    assert used <= metrics().keys()


def test_every_label_of_the_dashboard_is_one_of_its_metric() -> None:
    of_prometheus = {"job", "instance"}
    for expression in expressions():
        known = of_prometheus.union(*(metrics()[name] for name in METRIC.findall(expression)))
        used = set(re.findall(r"(\w+)=~?\"", expression))
        for listed in re.findall(r"by \(([^)]*)\)", expression):
            used |= {label.strip() for label in listed.split(",")}
        assert used <= known, expression


def test_every_metric_that_is_not_one_number_is_on_the_dashboard() -> None:
    used = {documented(name) for expression in expressions() for name in METRIC.findall(expression)}

    assert {documented(name) for name in metrics()} - used <= {"valo_ingest_journal_entries_written_total"}


def test_panels_have_a_place_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(dashboard()["panels"])


# --- everything else ------------------------------------------------------------------------------------------


def test_the_documentation_names_every_metric_and_no_other() -> None:
    named = set(METRIC.findall(OPERATING.read_text(encoding="utf-8")))

    assert named == {documented(name) for name in metrics()}


@pytest.mark.parametrize(
    "path",
    [*sorted(path for path in DEPLOY.rglob("*") if path.is_file()), OPERATING],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    known = {variable for setting in SETTINGS for variable in setting.variables}

    assert set(re.findall(r"VALO_INGEST_[A-Z]+(?:_[A-Z]+)*", path.read_text(encoding="utf-8"))) <= known


@pytest.mark.parametrize("path", ["docker/Dockerfile", "docker/compose.yaml", "windows/install-task.ps1"])
def test_the_ports_are_those_of_the_server(path: str) -> None:
    for field in ("ingest_port", "output_port", "extras_port"):
        assert str(DEFAULTS[field]) in read(*path.split("/"))


def test_the_image_is_made_of_files_that_are_there_and_not_left_out() -> None:
    let_in = {
        line[1:] for line in read("docker", "Dockerfile.dockerignore").splitlines() if line.startswith("!")
    }
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", read("docker", "Dockerfile"), re.MULTILINE)
        for name in line.split()[:-1]
    }

    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_the_image_runs_as_nobody_of_importance_and_keeps_one_volume() -> None:
    lines = read("docker", "Dockerfile").splitlines()

    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    assert [line for line in lines if line.startswith("VOLUME ")] == ["VOLUME /data"]
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert all(line.endswith(("-slim", "-slim AS build")) for line in lines if line.startswith("FROM "))


def test_the_unit_is_started_when_it_is_ready_and_watched() -> None:
    unit = read("systemd", "valo-ingest.service").splitlines()

    assert {"Type=notify", "WatchdogSec=30", "User=valo-ingest", "Restart=on-failure"} <= set(unit)
    assert "ExecReload=/bin/kill -HUP $MAINPID" in unit
    assert "Environment=VALO_INGEST_TLS_RELOAD=true" in unit  # without it, a SIGHUP would end the server
