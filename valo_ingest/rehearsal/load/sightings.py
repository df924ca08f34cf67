"""How long it takes until an overlay shows what a client has sent.

Theory of operation
-------------------
Many events say what a field of the document is going to be: the scoreboard of a player his credits, `aux_health` his
health. Such a field is a *register* here. An event that was sent is *pending* until a document arrives in which its
register has changed to its value; that document's arrival ends its latency. An event that changes nothing one could
see is not told from one that has not arrived, and is left out.

Documents are states: of two changes within one send interval only the second is shown, and another source may write
the same register. So an event can be masked for good. Since the events of one connection take effect in their order,
whatever was sent before an event that is seen has had its effect: it counts as seen with it if no document came in
between (both were in the gap before this one), and is forgotten otherwise. Nothing is ever counted too early by that,
and a stall counts for all events that waited in it. An overlay that gets no document at all any more sees nothing, and
would pass for a fast one by what it saw before: it is *mute*, and that has to be told as well.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from valo_ingest.wire.names import AuxiliaryType, ObserverType

Document = Mapping[str, Any]
Register = tuple[str, str]
"""What is looked at, and of whom ("" where there is only one)."""

FORGET_AFTER_S: Final = 10.0
"""An event that was not seen by then, although documents came, is masked; that nothing is lost is not proved here but
by the answers."""

MUTE_AFTER_S: Final = 2.0
"""After an event that should be seen, an overlay gets a document within this time, or it is mute."""


class Sighting(Struct, frozen=True):
    """An event of type `kind` was seen `latency_s` after it was sent."""

    kind: str
    latency_s: float


class _Pending(Struct):
    kind: str
    register: Register
    value: Hashable
    sent_at: float
    is_seen: bool = False


def expectation(kind: str, data: Any, player_id: str) -> tuple[Register, Hashable] | None:
    """Return which register an event sets to which value; None where nobody could tell.

    Args:
        player_id: Of the auxiliary client that sends it; "" for an observer.
    """
    expect = _EXPECTED.get(kind)
    return None if expect is None else expect(data, player_id)


def registers(document: Document) -> dict[Register, Hashable]:
    """Return all that can be told from a document."""
    teams = sorted(document["teams"], key=lambda team: int(team["ingameTeamId"]))
    spike = document["spikeState"]
    found: dict[Register, Hashable] = {
        ("match", ""): document["matchId"],
        ("round", ""): (document["roundNumber"], document["roundPhase"]),
        ("score", ""): tuple(team["roundsWon"] for team in teams),
        **{("spike", each): spike[each] for each in ("planted", "defused", "detonated")},
    }
    for team in teams:
        for player in team["players"]:
            whose = player["riotId"]
            found["board", whose] = tuple(player[name] for name in _BOARD_OF_A_DOCUMENT)
            found["health", whose] = player["health"]
            found["abilities", whose] = tuple(player["abilities"].values())
            found["roster", whose] = (player["agentInternal"], player["locked"])
            if player["isObserved"]:
                found["observed", ""] = player["searchName"]
    return found


class Sent:
    """What was sent to one match, for its overlays to look for."""

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []

    def watch(self) -> "Watcher":
        """Return a watcher for one more overlay; it knows what is sent from now on."""
        watcher = Watcher()
        self._watchers.append(watcher)
        return watcher

    def forget(self, watcher: "Watcher") -> None:
        """Leave out an overlay that is gone; once is enough."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def note(self, sender: Hashable, kind: str, data: Any, *, player_id: str, at: float) -> None:
        """Note that `sender`, a connection, sends this now (`at`, s)."""
        expected = expectation(kind, data, player_id)
        if expected is not None:
            for watcher in self._watchers:
                watcher.expect(sender, kind, *expected, at=at)


class Watcher:
    """Finds in the documents of one overlay what was sent."""

    def __init__(self) -> None:
        self._pending: dict[Hashable, deque[_Pending]] = {}
        self._newest: dict[Register, Hashable] = {}
        """What registers are to be once all is seen that is pending; the others are as shown."""
        self._shown: dict[Register, Hashable] = {}
        self._last_document_at = float("-inf")

    def expect(self, sender: Hashable, kind: str, register: Register, value: Hashable, *, at: float) -> None:
        """Look for `value` in the documents that arrive from now on (`at`, s), unless it is no news."""
        if self._newest.get(register, self._shown.get(register)) == value:
            return
        self._newest[register] = value
        self._pending.setdefault(sender, deque()).append(_Pending(kind, register, value, at))

    def see(self, document: Document, at: float) -> Iterator[Sighting]:
        """Yield what is seen for the first time in a document that arrived `at` (s)."""
        shown = registers(document)
        if self._shown:  # the first document tells what there was before
            for pending in self._pending.values():
                yield from self._seen(pending, shown, at)
        self._shown = shown
        self._last_document_at = at

    def is_mute(self, at: float) -> bool:
        """Tell whether nothing has come for long (until `at`, s), although there was something to show."""
        times = (event.sent_at for pending in self._pending.values() for event in pending)
        return (
            at - min((sent_at for sent_at in times if sent_at > self._last_document_at), default=at)
            >= MUTE_AFTER_S
        )

    def _seen(
        self, pending: deque[_Pending], shown: Mapping[Register, Hashable], at: float
    ) -> Iterator[Sighting]:
        while pending and pending[0].sent_at < min(self._last_document_at, at - FORGET_AFTER_S):
            self._take(pending)
        applied = self._mark(pending, shown)
        for _ in range(applied):
            event = self._take(pending)
            if event.is_seen or event.sent_at > self._last_document_at:
                yield Sighting(event.kind, at - event.sent_at)

    def _take(self, pending: deque[_Pending]) -> _Pending:
        event = pending.popleft()
        if self._newest.get(event.register) == event.value:
            del self._newest[event.register]
        return event

    def _mark(self, pending: deque[_Pending], shown: Mapping[Register, Hashable]) -> int:
        """Mark the events that `shown` shows, and return how many of the first have had their effect."""
        applied = 0
        looked_at: set[Register] = set()
        for number, event in enumerate(pending, start=1):
            register = event.register
            if register in looked_at or shown.get(register) != event.value:
                continue
            looked_at.add(register)  # the same value again, later: not yet
            if self._shown.get(register) != event.value:
                event.is_seen = True
                applied = number
        return applied


_BOARD_OF_A_DOCUMENT: Final = ("money", "currUltPoints", "maxUltPoints", "kills", "deaths", "assists")
_BOARD_OF_AN_EVENT: Final = _BOARD_OF_A_DOCUMENT  # the names happen to be the same
_ABILITIES: Final = ("grenade", "ability_1", "ability_2")

Expect = Callable[[Any, str], tuple[Register, Hashable]]


def _board(data: Any, player_id: str) -> tuple[Register, Hashable]:
    return ("board", data["playerId"]), tuple(data[name] for name in _BOARD_OF_AN_EVENT)


def _spike(what: str) -> Expect:
    return lambda data, player_id: (("spike", what), True)


_EXPECTED: Final[Mapping[str, Expect]] = {
    ObserverType.MATCH_START: lambda data, player_id: (("match", ""), data),
    ObserverType.ROSTER: lambda data, player_id: (
        ("roster", data["playerId"]),
        (data["agentInternal"], data["locked"]),
    ),
    ObserverType.SCOREBOARD: _board,
    ObserverType.ROUND_INFO: lambda data, player_id: (
        ("round", ""),
        (data["roundNumber"], data["roundPhase"]),
    ),
    ObserverType.SCORE: lambda data, player_id: (("score", ""), (data["team_0"], data["team_1"])),
    ObserverType.OBSERVING: lambda data, player_id: (("observed", ""), data),
    ObserverType.SPIKE_PLANTED: _spike("planted"),
    ObserverType.SPIKE_DEFUSED: _spike("defused"),
    ObserverType.SPIKE_DETONATED: _spike("detonated"),
    AuxiliaryType.ABILITIES: lambda data, player_id: (
        ("abilities", player_id),
        tuple(data[name] for name in _ABILITIES),
    ),
    AuxiliaryType.HEALTH: lambda data, player_id: (("health", player_id), data),
}
"""What each type of event tells of the document. Toggles and counters do not tell what they lead to; the boards of
auxiliary clients are not shown as long as the observer sends his own."""
