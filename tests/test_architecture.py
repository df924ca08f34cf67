"""Imports point inward only: this reads the sources and proves it.

What a module uses is a set of edges (module, imported), each imported thing a dotted name. `violations` judges edges,
so that it can be shown made-up ones as well.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

PACKAGE = "valo_ingest"
SOURCES = Path(__file__).parents[1] / PACKAGE

Edge = tuple[str, str]

MAY_IMPORT = {
    "__init__": set(),
    "errors": set(),
    "clock": {"errors"},
    "config": {"errors"},
    "game": set(),
    "wire": {"game", "errors"},
    "live": {"wire", "game", "errors", "clock"},
    "storage": {"live", "wire", "game", "errors", "config"},
    "transport": {"live", "wire", "game", "web", "errors", "config"},
    "web": {"errors"},
    "rehearsal": {"wire", "game", "errors"},
    "app": {"transport", "storage", "live", "wire", "game", "errors", "clock", "config"},
    "cli": {
        "app",
        "loading",
        "rehearsal",
        "transport",
        "storage",
        "live",
        "wire",
        "game",
        "errors",
        "config",
    },
    "loading": set(),
    "__main__": {"cli", "loading"},
}
"""Which of our layers each layer may use besides itself. A layer is a module or package right below the top."""

SOCKETS = {"transport", "rehearsal", "app", "__main__"}
EVERYWHERE = set(MAY_IMPORT) - {"__init__", "errors", "clock", "loading"}

MAY_BE_IMPORTED_BY = {
    "gevent": SOCKETS,
    "geventwebsocket": SOCKETS,
    "socketio": SOCKETS,
    "engineio": SOCKETS,
    "marshmallow": {"wire"},
    "msgspec": EVERYWHERE,
    "click": {"cli"},
    "dotenv": {"cli"},
    "cryptography": {"transport", "rehearsal"},
    "isal": {"transport"},
    "filelock": {"storage"},
    "prometheus_client": {"transport"},
    "websockets": {"transport"},
    "psutil": {"transport", "rehearsal"},
    "locust": {"rehearsal"},
    "requests": {"rehearsal"},
    "websocket": {"rehearsal"},
    "jinja2": {"web"},
    "markupsafe": {"web"},
}
"""Who may use which package that is not ours. What is not named here is not used at all."""

NOT_IN_GAME = {
    "asyncio",
    "datetime",
    "json",
    "logging",
    "os",
    "random",
    "secrets",
    "select",
    "signal",
    "socket",
}
NOT_IN_GAME |= {"subprocess", "threading", "time"}
"""Parts of the standard library that a pure function of its arguments has no use for."""

ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv"}
TIME_NOW = {"time.time", "time.time_ns", "datetime.datetime.now", "datetime.datetime.utcnow"}
TIME_NOW |= {"datetime.datetime.today", "datetime.date.today"}


def violations(edges: Iterable[Edge]) -> list[str]:
    """Return what is wrong with each edge that breaks a rule, sorted."""
    return sorted(
        f"{module} uses {imported}: {reason}"
        for module, imported in set(edges)
        if (reason := _reason(layer_of(module), imported))
    )


def layer_of(module: str) -> str:
    """Return the layer of one of our modules: "valo_ingest.game.rules" is of "game"."""
    _, _, inside = module.partition(".")
    return inside.partition(".")[0] or "__init__"


def _reason(layer: str, imported: str) -> str | None:
    top = imported.partition(".")[0]
    if layer not in MAY_IMPORT:
        return f"the layer {layer} has no rule"
    if top == PACKAGE:
        return _reason_among_ours(layer, layer_of(imported))
    if top not in sys.stdlib_module_names:
        return None if layer in MAY_BE_IMPORTED_BY.get(top, ()) else f"{top} is not for {layer}"
    if layer == "game" and top in NOT_IN_GAME:
        return "the game is a pure function"
    if imported in ENVIRONMENT and layer != "cli":
        return "only cli reads the environment"
    if imported in TIME_NOW and layer not in {"clock", "rehearsal"}:
        return "only clock asks for the time"
    return None


def _reason_among_ours(layer: str, target: str) -> str | None:
    if target not in MAY_IMPORT:  # a name of the package itself, such as __version__
        target = "__init__"
    if target == "__init__":
        return "it stands alone" if layer in {"__init__", "game"} else None
    if target == layer or target in MAY_IMPORT[layer]:
        return None
    return f"{layer} may use {', '.join(sorted(MAY_IMPORT[layer])) or 'nothing'} of ours"


def edges_of(module: str, source: str, *, is_package: bool = False) -> Iterator[Edge]:
    """Yield what `source` imports, at its top or anywhere else, and which attributes of imported things it names."""
    tree = ast.parse(source)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield module, alias.name
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(module, node, is_package=is_package)
            for alias in node.names:
                yield module, f"{origin}.{alias.name}"
                names[alias.asname or alias.name] = f"{origin}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (dotted := _dotted(node, names)):
            yield module, dotted


def _origin(module: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    packages = module.split(".")
    packages = packages[: len(packages) - node.level + is_package]
    return ".".join([*packages, node.module] if node.module else packages)


def _dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    """Return the full name of `a.b.c` if `a` was imported."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and (left := _dotted(node.value, names)):
        return f"{left}.{node.attr}"
    return None


def edges_of_the_package() -> Iterator[Edge]:
    for path in sorted(SOURCES.rglob("*.py")):
        parts = path.relative_to(SOURCES.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        yield from edges_of(module, path.read_text(encoding="utf-8"), is_package=is_package)


def test_every_import_points_inward() -> None:
    edges = list(edges_of_the_package())

    assert len(edges) > 100, "the sources were not found"
    assert violations(edges) == []


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("valo_ingest", "valo_ingest.errors"),
        ("valo_ingest.errors", "valo_ingest.config"),
        ("valo_ingest.clock", "valo_ingest.config"),
        ("valo_ingest.config", "valo_ingest.wire.compat"),
        ("valo_ingest.config", "os.environ"),
        ("valo_ingest.game.rules", "valo_ingest.errors"),
        ("valo_ingest.game.rules", "valo_ingest.wire.names"),
        ("valo_ingest.game.rules", "valo_ingest.__version__"),
        ("valo_ingest.game.rules", "marshmallow"),
        ("valo_ingest.game.rules", "json.loads"),
        ("valo_ingest.game.rules", "time.monotonic"),
        ("valo_ingest.game.reducer", "logging"),
        ("valo_ingest.wire.decode", "valo_ingest.live.controller"),
        ("valo_ingest.wire.decode", "valo_ingest.clock"),
        ("valo_ingest.wire.decode", "valo_ingest.config.Config"),
        ("valo_ingest.live.controller", "valo_ingest.storage.keys"),
        ("valo_ingest.live.controller", "valo_ingest.config"),
        ("valo_ingest.live.controller", "marshmallow.Schema"),
        ("valo_ingest.live.controller", "gevent"),
        ("valo_ingest.live.controller", "os.getenv"),
        ("valo_ingest.live.controller", "time.time"),
        ("valo_ingest.storage.keys", "valo_ingest.transport.tls"),
        ("valo_ingest.storage.keys", "valo_ingest.clock"),
        ("valo_ingest.storage.keys", "gevent.sleep"),
        ("valo_ingest.transport.tls", "valo_ingest.storage.keys"),
        ("valo_ingest.transport.tls", "valo_ingest.clock.SystemClock"),
        ("valo_ingest.transport.tls", "valo_ingest.app"),
        ("valo_ingest.transport.tls", "datetime.datetime.now"),
        ("valo_ingest.rehearsal.load", "valo_ingest.live.controller"),
        ("valo_ingest.app", "valo_ingest.cli"),
        ("valo_ingest.app", "click"),
        ("valo_ingest.app.stack", "valo_ingest.rehearsal"),
        ("valo_ingest.cli.serve", "valo_ingest.clock"),
        ("valo_ingest.cli.serve", "gevent"),
        ("valo_ingest.cli.serve", "socketio"),
        ("valo_ingest.transport.http", "requests"),
        ("valo_ingest.helpers", "re"),
    ],
)
def test_a_rule_that_is_broken_is_found(module: str, imported: str) -> None:
    assert len(violations([(module, imported)])) == 1


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("valo_ingest.__main__", "gevent.monkey"),
        ("valo_ingest.__main__", "valo_ingest.cli.main"),
        ("valo_ingest.cli.serve", "valo_ingest.app.serve"),
        ("valo_ingest.cli.serve", "valo_ingest.storage.keys"),
        ("valo_ingest.cli.serve", "os.environ"),
        ("valo_ingest.cli", "valo_ingest.__version__"),
        ("valo_ingest.app", "valo_ingest.clock.SystemClock"),
        ("valo_ingest.app", "gevent.server"),
        ("valo_ingest.app.stack", "valo_ingest.transport.server"),
        ("valo_ingest.transport.ingest", "socketio.Server"),
        ("valo_ingest.transport.ingest", "valo_ingest.live.controller"),
        ("valo_ingest.storage.keys", "valo_ingest.live.ports"),
        ("valo_ingest.live.controller", "valo_ingest.clock.Clock"),
        ("valo_ingest.wire.schemas", "marshmallow.fields"),
        ("valo_ingest.wire.schemas", "valo_ingest.game.events"),
        ("valo_ingest.game.reducer", "msgspec.structs.replace"),
        ("valo_ingest.game.reducer", "enum.Enum"),
        ("valo_ingest.clock", "time.time_ns"),
        ("valo_ingest.rehearsal.load", "time.time"),
    ],
)
def test_what_the_rules_allow_is_allowed(module: str, imported: str) -> None:
    assert violations([(module, imported)]) == []


@pytest.mark.parametrize(
    ("source", "imported"),
    [
        ("import valo_ingest.live.ports", "valo_ingest.live.ports"),
        ("from valo_ingest import app", "valo_ingest.app"),
        ("from .. import app", "valo_ingest.app"),
        ("from ..live.ports import Journal", "valo_ingest.live.ports.Journal"),
        ("from . import tls", "valo_ingest.transport.tls"),
        ("def late():\n    import gevent", "gevent"),
        ("if TYPE_CHECKING:\n    from valo_ingest.app import x", "valo_ingest.app.x"),
        ("import os\nos.environ['A']", "os.environ"),
        ("import os as system\nsystem.getenv('A')", "os.getenv"),
        ("from os import environ", "os.environ"),
        ("import os.path\nos.environ.get('A')", "os.environ"),
        ("import datetime\ndatetime.datetime.now()", "datetime.datetime.now"),
        ("from datetime import datetime as instant\ninstant.now()", "datetime.datetime.now"),
    ],
)
def test_no_way_of_importing_is_overlooked(source: str, imported: str) -> None:
    assert ("valo_ingest.transport.http", imported) in set(edges_of("valo_ingest.transport.http", source))


def test_a_relative_import_in_a_package_starts_at_the_package() -> None:
    assert set(edges_of("valo_ingest.cli", "from . import serve", is_package=True)) == {
        ("valo_ingest.cli", "valo_ingest.cli.serve")
    }
