"""What holds for all templates and the style sheet, whatever is shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from valo_ingest.web import pages

TEMPLATES = sorted((pages.HERE / "templates").iterdir())
STYLES = (pages.HERE / "static" / "page.css").read_text(encoding="utf-8")
SCRIPT = (pages.HERE / "static" / "page.js").read_text(encoding="utf-8")

MAX_STATIC_BYTES = 40_000
"""Of the style sheet and the script together: a phone loads them on match day."""

AA_TEXT = 4.5
AA_MARK = 3.0
"""Contrasts that WCAG 2 asks for, of text and of marks."""


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_what_the_policy_forbids(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "http://" not in text.replace("http://localhost", "")
    assert "https://" not in text, "a page has to work without a connection to anywhere else"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_switches_escaping_off(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert not re.search(r"url\(|@import|https?:", STYLES)
    assert not re.search(r"https?:|import\(|eval\(|document\.cookie|localStorage", SCRIPT)


def test_styles_and_script_are_small() -> None:
    assert len(STYLES.encode()) + len(SCRIPT.encode()) < MAX_STATIC_BYTES


def test_a_template_is_told_what_it_does_not_get() -> None:
    with pytest.raises(Exception, match="undefined"):
        pages.render("problems.html")


def test_what_is_shown_is_escaped() -> None:
    page = pages.render("message.html", title="<b>", text="a & b", back='"', session=None)

    assert "<b>" not in page
    assert "a &amp; b" in page


@pytest.mark.parametrize("name", ["../pages.py", "nothing.css", "", ".", "page.css.map"])
def test_only_static_files_are_served(name: str) -> None:
    assert pages.static_file(name) is None


def test_the_address_of_a_file_changes_with_its_content() -> None:
    assert re.fullmatch(r"/static/page\.css\?v=[0-9a-f]{12}", pages.static_path("page.css"))
    assert pages.static_path("page.css")[-12:] != pages.static_path("page.js")[-12:]


# --- contrast -------------------------------------------------------------------------------------------------


def schemes() -> Iterator[dict[str, str]]:
    """Yield the colours of the style sheet by their names, for dark and for light."""
    for block in re.findall(r":root \{(.*?)\}", STYLES, re.DOTALL):
        yield dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def luminance(color: str) -> float:
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colors", list(schemes()), ids=["dark", "light"])
def test_everything_can_be_read(colors: dict[str, str]) -> None:
    assert len(colors) == 15
    for ground in ("ground", "surface", "raised"):
        for text in ("text", "quiet", "link", "ok", "note", "warning", "alarm", "left", "right"):
            assert contrast(colors[text], colors[ground]) >= AA_TEXT, (text, ground)
        assert contrast(colors["focus"], colors[ground]) >= AA_MARK
    for mark in ("ok", "warning", "alarm", "link"):
        assert contrast(colors["on-mark"], colors[mark]) >= AA_TEXT, mark
