"""The pages that are kept up to date: the dashboard, and that of one match.

Theory of operation
-------------------
A page is made of parts, each an element with an id. Once a second, while somebody looks, each part is compared with
what it was, by what is in it; one that has changed is made anew and sent whole. What changes with every event (a rate,
the instant of the last one) is no reason to make a card anew: such values are sent by themselves. How long ago
something was, the page reckons by itself. So a message is small, also where two hundred matches are live, and it is the
same for all who look.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from valo_ingest.live import portrait
from valo_ingest.live.chronicle import RECENT
from valo_ingest.live.facts import Glance, MatchFacts, Problem, RoundFacts, Severity
from valo_ingest.live.last_hour import Refusal
from valo_ingest.live.matches import LiveMatch
from valo_ingest.live.problems import worst_first
from valo_ingest.live.scene import Scene
from valo_ingest.live.watch import Watch
from valo_ingest.transport.looks import LiveLook, Look, Looks
from valo_ingest.web import pages
from valo_ingest.web.pieces import ago

PARTS_PER_TURN: Final = 25
"""Made before others get a turn: about four milliseconds' worth, as of matches that are looked at."""

KEPT_PER_TURN: Final = 200
"""The same of those that need not be made, because they were."""

ENDED_SHOWN: Final = 20

REFUSALS_SHOWN: Final = 50

CARD: Final = "card.html"

Value = TypeVar("Value")
Inputs = Mapping[str, Any]
Make = Callable[[], str]


class Parts:
    """The parts of a page, by their ids, each as long as what is in it stays the same."""

    def __init__(self) -> None:
        self._contents: dict[str, object] = {}
        self._new: dict[str, Make] = {}

    def put(self, part: str, content: object, make: Make) -> None:
        """Have a part show what `make` returns, if `content` is another than it was."""
        if self._contents.get(part) != content:
            self._contents[part] = content
            self._new[part] = make

    def keep(self, parts: set[str]) -> None:
        """Forget all others."""
        self._contents = {part: content for part, content in self._contents.items() if part in parts}

    def make_new(self, pause: Callable[[], object]) -> dict[str, str]:
        """Make the parts in which something else is shown since the last call of this, or of `skip_new`."""
        new, self._new = self._new, {}
        made = {}
        for index, (part, make) in enumerate(new.items()):
            if index % PARTS_PER_TURN == 0:
                pause()
            made[part] = str(make())
        return made

    def skip_new(self) -> None:
        self._new = {}


def _maker(template: str, inputs: Inputs) -> Make:
    return lambda: pages.render(template, **inputs)


def _news(before: Mapping[str, Value], now: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in now.items() if before.get(name) != value}


def _encode(message: dict[str, Any]) -> bytes:
    return msgspec.json.encode({name: value for name, value in message.items() if value})


# --- all matches ----------------------------------------------------------------------------------------------


RATE: Final = f"rate-{secrets.token_hex(8)}"
LAST: Final = f"last-{secrets.token_hex(8)}"
"""Stand in a card that is kept for what changes with every event. Nobody can guess them, and so write them anywhere."""


class Cards:
    """The cards of live matches. One is made anew when something else is to be seen at a glance."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Glance, str]] = {}

    def is_kept(self, each: LiveLook) -> bool:
        """Tell whether the card of a match need not be made."""
        kept = self._kept.get(each.glance.number)
        return kept is not None and kept[0] == each.glance

    def card(self, each: LiveLook) -> str:
        """Return the card of a match."""
        if not self.is_kept(each):
            made = pages.render(CARD, match=each.glance, rate=RATE, last=LAST)
            self._kept[each.glance.number] = (each.glance, str(made))
        text = self._kept[each.glance.number][1].replace(RATE, _rate(each), 1)
        return text.replace(LAST, ago(each.last_event_at), 1) if each.last_event_at else text

    def keep(self, live: Iterable[LiveLook]) -> None:
        """Forget the cards of all other matches."""
        numbers = {each.glance.number for each in live}
        self._kept = {number: kept for number, kept in self._kept.items() if number in numbers}


def _rate(each: LiveLook) -> str:
    return f"{each.events_per_s:.1f}"


class Dashboard:
    """The page of all matches."""

    def __init__(self, looks: Looks, *, pause: Callable[[], object]) -> None:
        self._looks = looks
        self._pause = pause
        self._parts = Parts()
        self._cards = Cards()
        self._seen: Look | None = None
        self._rates: dict[str, str] = {}
        self._instants: dict[str, int] = {}
        self._order: list[str] = []
        self._title = ""

    def page(self, **values: Any) -> str:
        """Return the whole page as of the last change; `values` are what its base needs."""
        look = self._seen or self._looks.look()
        cards = []
        work = 0.0
        for each in look.live:
            work += 1 / KEPT_PER_TURN if self._cards.is_kept(each) else 1 / PARTS_PER_TURN
            if work >= 1:
                work = 0.0
                self._pause()
            cards.append(self._cards.card(each))
        inputs = _sections(look)
        sections = {name: pages.render(f"{name}.html", **given) for name, given in inputs.items()}
        return pages.render(
            "dashboard.html",
            title=_title(len(inputs["problems"]["problems"])),
            cards=pages.joined(cards),
            server=look.overview.server,
            now=look.overview.at,
            **sections,
            **values,
        )

    def changes(self) -> bytes:
        """Return what has changed since the last call: the message that page.js carries out."""
        message = self._update()
        return _encode({**message, "html": self._parts.make_new(self._pause)})

    def settle(self) -> None:
        """Take things as they are now."""
        self._update()
        self._parts.skip_new()

    def _update(self) -> dict[str, Any]:
        """Look; return what has changed, but for the parts."""
        self._seen = look = self._looks.look()
        order = []
        for each in look.live:
            order.append(_card_id(each))
            self._parts.put(order[-1], each.glance, partial(self._cards.card, each))
        sections = _sections(look)
        for name, inputs in sections.items():
            self._parts.put(name, inputs, _maker(f"{name}.html", inputs))
        self._parts.keep({*order, *sections})
        self._cards.keep(look.live)
        rates = {f"{_card_id(each)}-rate": _rate(each) for each in look.live}
        instants = {f"{_card_id(each)}-last": each.last_event_at for each in look.live if each.last_event_at}
        title = _title(len(sections["problems"]["problems"]))
        message = {
            "at": look.overview.at,
            "title": title if title != self._title else "",
            "text": _news(self._rates, rates),
            "ago": _news(self._instants, instants),
            "order": {"live": order} if order != self._order else None,
        }
        self._rates, self._instants, self._order, self._title = rates, instants, order, title
        return message


def _card_id(each: LiveLook) -> str:
    return f"m{each.glance.number}"


def _title(count: int) -> str:
    """Return what a tab of the browser shows: how many problems there are, so that nobody has to look at it."""
    return f"({count}) valo-ingest" if count else "valo-ingest"


def _problems(look: Look) -> list[Problem]:
    """Return what is wrong anywhere, the worst first; what is only worth knowing is on the cards."""
    own = [
        replace(problem, number=each.glance.number, group_code=each.glance.group_code)
        for each in look.live
        for problem in each.glance.problems
    ]
    found = [problem for problem in (*look.overview.problems, *own) if problem.severity is not Severity.NOTE]
    return list(worst_first(found))


def _sections(look: Look) -> dict[str, Inputs]:
    """Return what is in each part of the dashboard that is no card."""
    overview = look.overview
    return {
        "problems": {"problems": _problems(look), "live": bool(look.live)},
        "waiting": {"waiting": overview.waiting, "more_waiting": overview.more_waiting},
        "refused": {"refused": overview.refused},
        "ended": {"ended": look.ended[:ENDED_SHOWN]},
    }


# --- one match ------------------------------------------------------------------------------------------------

MATCH_PARTS: Final = (
    "problems",
    "actions",
    "players",
    "rounds",
    "economy",
    "clients",
    "refused",
    "timeline",
)
"""Of the page of a match, from top to bottom; above is its head, and below its events."""

NOT_IN_HEAD: Final[Mapping[str, Any]] = {
    "events": 0,
    "events_per_s": 0.0,
    "last_event_at": None,
    "observers": (),
    "standbys": (),
    "players": (),
    "other_auxiliaries": (),
    "overlays": (),
    "problems": (),
}
"""What would be a reason to make the head of a page anew every second."""

FORMATS: Final = (
    ("jsonl", "the match as a stream"),
    ("replay", "a file as the original server writes it"),
    ("json", "its last document"),
    ("csv", "its players, for a spreadsheet"),
)


class MatchPage:
    """The page of one match."""

    def __init__(self, watch: Watch, live: LiveMatch, *, pause: Callable[[], object]) -> None:
        self._watch = watch
        self._live = live
        self._pause = pause
        self._parts = Parts()
        self._seen = live.chronicle.events

    def page(self, **values: Any) -> str:
        """Return the whole page as of the last change; `values` are what its base needs."""
        scene = self._watch.scene()
        match = self._watch.portraits.facts(self._live, scene)
        parts = {
            name: pages.render(f"match_{name}.html", **inputs)
            for name, inputs in self._inputs(match, scene).items()
        }
        return pages.render(
            "match.html",
            match=match,
            head=parts["head"],
            rate=parts["rate"],
            body=[parts[name] for name in MATCH_PARTS],
            events=self._rows(RECENT, skip=self._live.chronicle.events - self._seen),
            formats=FORMATS,
            now=scene.now,
            **values,
        )

    def changes(self) -> bytes:
        """Return what has changed since the last call: the message that page.js carries out."""
        seen = self._seen
        now = self._update()
        rows = str(self._rows(min(RECENT, self._seen - seen))) if self._seen > seen else ""
        return _encode(
            {"at": now, "html": self._parts.make_new(self._pause), "rows": {"events": rows} if rows else None}
        )

    def settle(self) -> None:
        """Take things as they are now."""
        self._update()
        self._parts.skip_new()

    def _update(self) -> int:
        """Look; return the time."""
        scene = self._watch.scene()
        match = self._watch.portraits.facts(self._live, scene)
        for name, inputs in self._inputs(match, scene).items():
            self._parts.put(name, inputs, _maker(f"match_{name}.html", inputs))
        self._seen = self._live.chronicle.events
        return scene.now

    def _rows(self, newest: int, *, skip: int = 0) -> str:
        """Return rows for the newest events.

        Args:
            skip: So many of them will be in the next message.
        """
        return pages.render("event_rows.html", events=portrait.events(self._live, newest, skip=skip))

    def _inputs(self, match: MatchFacts, scene: Scene) -> dict[str, Inputs]:
        """Return what is in each part."""
        rounds = portrait.rounds(self._live)
        teams = {"left": match.left, "right": match.right}
        return {
            "head": {
                "match": replace(match, **NOT_IN_HEAD),
                "is_observed": bool(match.observers),
            },
            "problems": {"problems": match.problems, "is_live": match.is_live},
            "actions": {
                "is_live": match.is_live,
                "group_code": match.group_code,
                "observers": [client.name for client in match.observers],
                "standbys": [client.name for client in match.standbys],
            },
            "players": {"players": match.players, **teams},
            "rounds": {"rounds": rounds, **teams},
            "economy": {"rounds": [each for each in rounds if _had_credits(each)], **teams},
            "clients": {
                "is_live": match.is_live,
                "observers": match.observers,
                "standbys": match.standbys,
                "players": match.players,
                "others": match.other_auxiliaries,
                "overlays": match.overlays,
            },
            "refused": {"refusals": _counted(scene.refusals_of(self._live.match))},
            "timeline": {
                "connections": portrait.connections(self._live),
                "opened_at": match.opened_at,
                "opened_by": match.opened_by,
            },
            "rate": {"each_second": self._live.chronicle.each_second(), "is_live": match.is_live},
        }


def _had_credits(each: RoundFacts) -> bool:
    return any(purse is not None and purse.spent + purse.left > 0 for purse in (each.left, each.right))


def _counted(refusals: Iterable[Refusal]) -> list[tuple[int, Refusal]]:
    """Return how often something was refused for the same reason, and the latest time, for each reason."""
    alike: dict[tuple[str, ...], list[Refusal]] = {}
    for refusal in refusals:
        key = (refusal.code, refusal.path, refusal.text, refusal.address)
        alike.setdefault(key, []).append(refusal)
    return [(len(each), each[0]) for each in alike.values()][:REFUSALS_SHOWN]
