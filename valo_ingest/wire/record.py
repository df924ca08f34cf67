"""The record of a match: what is kept of it, so that it can be played again.

Theory of operation
-------------------
A record is the setup of the match and a list of entries, each with the instant of its receipt. Messages are kept as
the text that was received; what the connections of clients mean for the match is kept as a small JSON object. Played
in their order through the decoder and the reducer, the entries give the match again. Nothing else is needed, and
nothing secret is in it: keys and secrets come with logons only, and of those the setup is kept. Of the access key there
is what the operator calls it.

`FORMAT` is written with every record. A later version of this module reads older formats. A field that plays no part
in playing a record again may come without a new format, if it has a default: older records get that, and older
versions leave the field aside.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import Final

from msgspec import Struct

from valo_ingest.errors import InvalidMessage
from valo_ingest.game import events as happened
from valo_ingest.game.reducer import apply
from valo_ingest.game.state import Match, MatchSetup, new_match
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message
from valo_ingest.wire.json import read_object

logger = logging.getLogger(__name__)

FORMAT: Final = 1


class Kind(IntEnum):
    """What an entry is. The numbers are kept in journals: never give one another meaning."""

    OBSERVER_MESSAGE = 1
    AUXILIARY_MESSAGE = 2
    OBSERVER_ON = 3
    OBSERVERS_GONE = 4
    AUXILIARY_ON = 5
    AUXILIARY_GONE = 6
    AUXILIARY_BACK = 7
    ABANDONED = 8
    STANDBY_ON = 9
    STANDBY_GONE = 20
    HANDED_OVER = 21
    DISCONNECTED = 22
    ENDED_BY_OPERATOR = 23


class Entry(Struct, frozen=True):
    """One thing that happened to a match, received at `at` (epoch ms)."""

    at: int
    kind: Kind
    text: str


class KeyHolder(Struct, frozen=True, kw_only=True):
    """Whose access key it is; never the key itself. By default nobody's: the key of who was let in with any."""

    key_name: str = ""
    """What the operator calls the key."""
    organization: str = ""
    is_supporter: bool = False


class Opening(Struct, frozen=True, kw_only=True):
    """How a match began: what its logon said, without the secrets."""

    setup: MatchSetup
    at: int
    observer_name: str
    client_version: str
    format: int = FORMAT
    opened_by: KeyHolder = KeyHolder()
    """Since 2026-11; nobody in older records."""


def _of_observer_message(text: str) -> happened.Event:
    return decode_observer_message(text).event


def _of_auxiliary_message(text: str) -> happened.Event:
    return decode_auxiliary_message(text).event


def _text_in(text: str, name: str) -> str:
    return str(read_object(text).get(name, ""))


def _player_id(text: str) -> str:
    return _text_in(text, "playerId")


EVENTS: Final[Mapping[Kind, Callable[[str], happened.Event]]] = {
    Kind.OBSERVER_MESSAGE: _of_observer_message,
    Kind.AUXILIARY_MESSAGE: _of_auxiliary_message,
    Kind.OBSERVER_ON: lambda text: happened.ObserverJoined(_text_in(text, "name")),
    Kind.OBSERVERS_GONE: lambda text: happened.ObserversGone(),
    Kind.AUXILIARY_ON: lambda text: happened.UnknownReported(),
    Kind.AUXILIARY_GONE: lambda text: happened.AuxiliaryGone(_player_id(text)),
    Kind.AUXILIARY_BACK: lambda text: happened.AuxiliaryReturned(_player_id(text)),
    Kind.ABANDONED: lambda text: happened.MatchAbandoned(),
    Kind.STANDBY_ON: lambda text: happened.UnknownReported(),
    Kind.STANDBY_GONE: lambda text: happened.UnknownReported(),
    Kind.HANDED_OVER: lambda text: happened.UnknownReported(),
    Kind.DISCONNECTED: lambda text: happened.UnknownReported(),
    Kind.ENDED_BY_OPERATOR: lambda text: happened.MatchAbandoned(),
}
"""What each kind of entry means for the match."""


def event_of(entry: Entry) -> happened.Event:
    """Return what an entry means.

    Raises:
        InvalidMessage: Nobody can read it any more.
    """
    return EVENTS[entry.kind](entry.text)


def replay(match: Match, entries: Iterable[Entry]) -> Match:
    """Return `match` after `entries`. One that cannot be read is left out, and logged."""
    for entry in entries:
        try:
            match = apply(match, event_of(entry), entry.at)
        except InvalidMessage as error:
            logger.warning("group_code=%s entry of a record left out: %s", match.group_code, error)
    return match


def replay_opening(opening: Opening, entries: Iterable[Entry]) -> Match:
    """Return the match that was opened so, after `entries`."""
    return replay(new_match(opening.setup), entries)
