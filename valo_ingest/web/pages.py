"""Templates (Jinja2, which escapes whatever is put into them) and static files, read once when they are needed."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from valo_ingest.web import charts, pieces, words

HERE: Final = Path(__file__).parent

CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

FINGERPRINT_LENGTH: Final = 12


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        clock=words.clock,
        day=words.day,
        iso=words.iso,
        amount=words.amount,
        phase=words.phase,
        counted=words.counted,
    )
    made.globals.update(
        match_path=words.match_path,
        static_path=static_path,
        ago=pieces.ago,
        icon=pieces.icon,
        delivers=pieces.delivers,
        reasons=words.REASONS,
        states=words.STATES,
        economy_chart=charts.economy,
        rate_chart=charts.rate,
    )
    return made


def render(template: str, **values: Any) -> Markup:
    """Return what a template makes of `values`: safe to be put into another one."""
    return Markup(environment().get_template(template).render(**values))


def joined(parts: Iterable[str]) -> Markup:
    """Return what was made by `render` as one piece."""
    return Markup("".join(parts))


@cache
def static_file(name: str) -> tuple[bytes, str] | None:
    """Return the content and the type of a static file; None if there is none of that name."""
    path = HERE / "static" / name
    if path.name != name or path.suffix not in CONTENT_TYPES or not path.is_file():
        return None
    return path.read_bytes(), CONTENT_TYPES[path.suffix]


@cache
def static_path(name: str) -> str:
    """Return the address of a static file. It changes with its content, so browsers may keep it for ever."""
    found = static_file(name)
    assert found is not None, name
    return f"/static/{name}?v={hashlib.sha256(found[0]).hexdigest()[:FINGERPRINT_LENGTH]}"
