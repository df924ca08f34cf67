import json
from typing import get_args

import pytest

from tests.storage import kept
from tests.storage.kept import ENTRIES, make_opening, match_after
from valo_ingest.game.events import Event
from valo_ingest.live.words import (
    CONNECTIONS,
    MAX_WORDS,
    UNREAD,
    WORDS,
    connection_facts,
    event_facts,
    names_of,
)
from valo_ingest.wire.record import EVENTS, Entry, Kind

NAMES = names_of(match_after(make_opening(), ENTRIES))


def said(entry: Entry) -> str:
    return event_facts(entry, NAMES).text


def test_there_are_words_for_every_event() -> None:
    assert set(WORDS) == set(get_args(Event))


def test_there_are_words_for_everybody_who_comes_or_goes() -> None:
    assert set(CONNECTIONS) == set(EVENTS) - {Kind.OBSERVER_MESSAGE, Kind.AUXILIARY_MESSAGE}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (kept.observed(0, "map", "Ascent"), "Ascent"),
        (kept.phase(0, 3, "combat"), "round 3, combat"),
        (kept.score(0, 7, 5), "7 to 5"),
        (
            kept.observed(0, "scoreboard", kept.board("r1", kills=4, deaths=2)),
            "ALD r1: 4/2/0, 900 credits, Vandal",
        ),
        (kept.told(0, "l1", "aux_health", 70), "l1: 70"),
        (kept.kill(0, "l1", "r2"), "ALD l1 killed ALD r2 (Vandal, headshot)"),
        (kept.observed(0, "toast", {"title": "Break", "message": "m", "duration": None}), "Break"),
        (kept.observed(0, "spike_planted"), ""),
        (kept.observed(0, "of_tomorrow"), "changes nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_event_in_words(entry: Entry, words: str) -> None:
    assert said(entry).endswith(words)


def test_every_event_of_a_match_can_be_told() -> None:
    for entry in ENTRIES:
        if entry.kind in (Kind.OBSERVER_MESSAGE, Kind.AUXILIARY_MESSAGE):
            facts = event_facts(entry, NAMES)
            assert facts.type == json.loads(entry.text)["type"]
        else:
            assert connection_facts(entry).text


def test_nothing_of_an_event_is_told_but_what_it_means() -> None:
    entry = kept.observed(0, "of_tomorrow", {"key": kept.ACCESS_KEY}, groupSecret=kept.GROUP_SECRET)

    facts = event_facts(entry, NAMES)

    assert kept.ACCESS_KEY not in repr(facts)
    assert kept.GROUP_SECRET not in repr(facts)


def test_an_event_whose_text_was_not_kept_is_told_as_that() -> None:
    assert said(Entry(0, Kind.OBSERVER_MESSAGE, "")) == UNREAD


def test_long_words_are_cut() -> None:
    assert len(said(kept.observed(0, "observing", "x" * 1_000))) == MAX_WORDS


def test_what_the_operator_did_is_told() -> None:
    entry = kept.happened(0, Kind.HANDED_OVER, name="Caster", to="Second")

    assert connection_facts(entry).text == "The operator handed over from Caster to Second"
