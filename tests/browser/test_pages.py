"""The operator's pages in a browser, at the widths of a desk and of a phone."""

import time
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.browser.chromium import DESK, PHONE, Chromium, Page
from tests.browser.show import Show
from tests.e2e import messages
from tests.e2e.operator import PASSWORD
from tests.e2e.running import RunningServer, eventually
from tests.e2e.sockets import WebSocketClient
from tests.e2e.stage import as_text

SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])

TOUCH_PX = 24
"""The least that WCAG 2.2 asks of what one touches."""


def log_in(page: Page, server: RunningServer, path: str = "/") -> None:
    page.go(f"{server.extras_url}/login?next={quote(path)}")
    page.type("#password", PASSWORD)
    page.submit(".login button")


def card_of(page: Page, code: str) -> str:
    """Return the selector of a match's card, as soon as it is there."""
    found = page.wait(
        f"[...document.querySelectorAll('.card')].find((card) => card.querySelector('h3').innerText === '{code}')?.id"
    )
    return f"#{found}"


def assert_sound(page: Page) -> None:
    """Prove that the page kept to its policy, fits its window, and can be touched and read out."""
    assert page.faults() == []
    assert page.overflow() <= 0
    small = page.evaluate(
        "[...document.querySelectorAll('a, button, summary, input:not([type=hidden])')]"
        ".filter((each) => each.checkVisibility() && !each.classList.contains('skip'))"
        ".map((each) => [each.innerText, each.getBoundingClientRect()])"
        f".filter(([, box]) => box.height < {TOUCH_PX}).map(([text, box]) => `${{text}}: ${{box.height}}`)"
    )
    assert small == []
    unnamed = page.evaluate(
        "[...document.querySelectorAll('table')].filter((table) => !table.querySelector('th[scope]')).length"
        " + [...document.querySelectorAll('svg[role=img]')].filter((each) => !each.ariaLabel).length"
        " + document.querySelectorAll('main').length - 1 + document.querySelectorAll('h1').length - 1"
    )
    assert unnamed == 0


@SIZES
def test_a_match_is_seen_and_kept_up_to_date(
    chromium: Chromium, server: RunningServer, show: Show, size: tuple[int, int], tmp_path: Path
) -> None:
    page = chromium.open(server.extras_url, size)
    card = card_of(page, show.code)
    page.wait_for_text("live", "#pulse")
    page.evaluate("window.isTheSame = true")

    show.play_round(1, (1, 0), end="spike_detonated")
    page.wait_for_text("1\n:", f"{card} .score")
    show.phase(2, "shopping")
    page.wait_for_text("buying", card)

    text = page.text(card)
    for words in (
        "LFT",
        "RGT",
        "Ascent",
        "Caster",
        "127.0.0.1",
        "client 0.3.20",
        "1 overlay",
        *("Ember", "Lark"),
    ):
        assert words in text
    assert page.evaluate(f"document.querySelectorAll('{card} .roster li.fresh').length") == len(show.clients)
    assert page.evaluate("window.isTheSame"), "the page was loaded again"
    assert_sound(page)
    page.picture(tmp_path / "dashboard.png")


def test_a_cut_client_is_seen_by_shape_and_words(
    chromium: Chromium, server: RunningServer, show: Show
) -> None:
    page = chromium.open(server.extras_url, PHONE)
    card = card_of(page, show.code)

    show.clients[2].reset()

    page.wait_for_text("Client gone: Nova", card)
    page.wait_for_text("Client gone: Nova", "#problems")
    cut = f"document.querySelector('{card} li.gone')"
    assert page.evaluate(f"{cut}.querySelector('use').getAttribute('href')") == "#i-gone"
    assert page.evaluate(f"{cut}.querySelector('svg').ariaLabel") == "gone"
    assert page.evaluate("document.title").startswith("(")
    page.wait(f"/\\d+ s ago/.test({cut}.innerText)")
    assert_sound(page)


@SIZES
def test_endless_names_leave_room_for_the_rest(
    chromium: Chromium, server: RunningServer, code: str, size: tuple[int, int], tmp_path: Path
) -> None:
    name = "W" * 1_000
    team = {"name": name, "tricode": name, "url": "", "attackStart": True}
    observer = WebSocketClient(server.ingest_port)
    observer.emit("obs_logon", messages.observer_logon(code, leftTeam=team))
    assert observer.wait_for("obs_logon_ack")["value"] is True
    player = messages.roster("p1", name=name)
    observer.emit("obs_data", as_text(messages.observer_data(code, "roster", player)))
    page = chromium.open(server.extras_url, size)
    log_in(page, server)
    card = card_of(page, code)

    assert page.evaluate(f"document.querySelector('{card}').offsetHeight") < 500
    assert_sound(page)
    page.submit(f"{card} h3 a")
    page.wait("document.querySelector('.players tbody bdi') !== null")

    assert page.evaluate("document.querySelector('.match-head').offsetHeight") < 400
    assert page.evaluate("document.querySelector('.players').offsetWidth") < 1_500
    assert_sound(page)
    page.picture(tmp_path / "endless.png")
    observer.close()


@pytest.mark.parametrize(("by_ms", "words"), [(60_000, "60 s ahead of"), (-60_000, "60 s behind"), (0, "")])
def test_a_clock_that_differs_is_seen(
    chromium: Chromium, server: RunningServer, show: Show, by_ms: int, words: str
) -> None:
    page = chromium.open("about:blank", PHONE)
    page.set_clock_ahead(by_ms)
    page.go(server.extras_url)
    page.wait("offsets.length > 1")

    if words:
        page.wait_for_text(f"The clock of this device is {words} the server's.", "#skew")
        page.wait(r"/last event\s+\d{1,2} s ago/i.test(document.querySelector('.card').innerText)")
        assert_sound(page)
    else:
        assert not page.evaluate("document.getElementById('skew').checkVisibility()")


def test_refused_events_are_seen_in_words(chromium: Chromium, server: RunningServer, show: Show) -> None:
    page = chromium.open(server.extras_url)
    card = card_of(page, show.code)

    for _ in range(3):
        show.tell("score", {"team_0": "many", "team_1": 0})

    page.wait_for_text("A message with a field that makes no sense", card)
    page.wait_for_text("invalid_field", "#refused")
    page.submit(f"{card} h3 a")
    page.wait_for_text("data.team_0", "#refused")
    assert page.evaluate("document.querySelector('#refused tbody td').innerText") == "3"


def test_a_refused_logon_and_a_waiting_overlay_are_seen_with_what_to_do(
    chromium: Chromium, server: RunningServer, show: Show
) -> None:
    page = chromium.open(server.extras_url, PHONE)
    stranger = WebSocketClient(server.ingest_port)
    stranger.emit("obs_logon", as_text(messages.observer_logon("OTHER", key="wrong")))
    stranger.wait_for("obs_logon_ack")
    overlay = WebSocketClient(server.output_port)
    overlay.emit("logon", as_text({"groupCode": show.code.lower()}))

    page.wait_for_text("From 127.0.0.1: a logon with a wrong access key", "#problems")
    page.wait_for_text("Type the key anew", "#problems")
    page.wait_for_text(f"{show.code.lower()}, which no match has", "#problems")
    page.wait_for_text(f"{show.code} differs only in capital letters", "#waiting")
    assert_sound(page)
    stranger.close()
    overlay.close()


@SIZES
def test_the_page_of_a_match(
    chromium: Chromium, server: RunningServer, show: Show, size: tuple[int, int], tmp_path: Path
) -> None:
    show.play_round(1, (1, 0), end="spike_detonated")
    show.play_round(2, (1, 1), end="spike_defused")
    show.phase(3, "shopping")
    page = chromium.open(f"{server.extras_url}/matches/{show.code}", size, scheme="light")

    page.wait("document.querySelectorAll('#rounds thead th').length === 3")
    assert page.evaluate("document.querySelector('#rounds .left .won svg').ariaLabel") == "spike detonated"
    assert page.evaluate("document.querySelector('#rounds .right .won svg').ariaLabel") == "spike defused"
    assert page.evaluate("document.querySelectorAll('#economy rect.left.spent').length") == 2
    rows = page.evaluate("document.querySelectorAll('#events tr').length")
    show.tell("observing", "Ember #EU")
    page.wait_for_text("Ember #EU", "#events")
    assert page.evaluate("document.querySelectorAll('#events tr').length") == rows + 1
    assert_sound(page)
    page.picture(tmp_path / "match.png")


def test_the_operator_logs_in_and_ends_a_match(chromium: Chromium, server: RunningServer, show: Show) -> None:
    page = chromium.open(f"{server.extras_url}/matches/{show.code}")
    assert not page.evaluate("document.querySelector('#actions').checkVisibility()")
    page.submit("a[href^='/login?next=']")
    page.type("#password", "not this one")
    page.submit(".login button")
    page.wait_for_text("That is not the password.")
    page.type("#password", PASSWORD)
    page.submit(".login button")
    page.wait_for_text(show.code, "h1")

    page.click("#actions details:last-of-type summary")
    show.play_round(1, (1, 0))
    page.wait_for_text("1\n:", "#head")
    page.submit("#actions .danger")

    page.wait_for_text("given up", "#head")
    page.wait_for_text("The operator ended the match", "#timeline")
    assert not page.evaluate("document.querySelector('#actions').checkVisibility()")
    assert page.faults() == []
    page.go(server.extras_url)
    page.wait_for_text(show.code, "#ended")


def test_what_is_opened_stays_open_while_things_change(
    chromium: Chromium, server: RunningServer, show: Show
) -> None:
    page = chromium.open(server.extras_url)
    log_in(page, server, f"/matches/{show.code}")
    page.click("#clients summary")
    page.wait("document.querySelector('#clients details').open")

    show.clients[0].reset()

    page.wait_for_text("Client gone: Ember", "#problems")
    assert page.evaluate("document.querySelector('#clients details').open")
    page.click("#clients summary")
    page.wait("!document.querySelector('#clients').innerText.includes('Ember')")


def test_an_observer_is_handed_over_and_a_client_disconnected(
    chromium: Chromium, server: RunningServer, show: Show
) -> None:
    second = show.log_observer_on("Second", groupSecret=show.secret)
    page = chromium.open(server.extras_url)
    log_in(page, server, f"/matches/{show.code}")

    page.click("#actions details summary")
    page.submit("#actions button[value='hand-over']")
    page.wait_for_text("The operator handed over from Caster to Second", "#timeline")

    page.click("#clients tbody tr:nth-child(2) summary")
    page.submit("#clients tbody tr:nth-child(2) button")
    page.wait_for_text("The operator disconnected Caster", "#timeline")
    page.wait_for_text("Caster, who stood by, is gone", "#timeline")
    second.close()


def test_without_scripts_a_page_shows_how_things_are(
    chromium: Chromium, server: RunningServer, show: Show
) -> None:
    page = chromium.open("about:blank")
    page.forbid_scripts()
    hour = time.strftime("%H:")

    def loaded() -> str:
        page.go(server.extras_url)
        return page.text() if show.code in page.text() else ""

    text = eventually(loaded, "a page that was loaded after the match began")
    assert "Ember" in text
    assert any(each in text for each in (hour, time.strftime("%H:")))


def test_a_server_that_is_gone_is_seen(chromium: Chromium, start_server, code: str) -> None:  # type: ignore[no-untyped-def]
    server = start_server("--insecure", "--no-require-auth-key")
    page = chromium.open(server.extras_url)
    page.wait_for_text("live", "#pulse")
    server.process.kill()
    server.process.wait()

    page.wait_for_text("No connection to the server", "#pulse")
