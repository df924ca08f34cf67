"""The upper links: does an overlay with this group code get a match, and does anything happen in it?"""

import difflib
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from valo_ingest.errors import ServerUnreachable
from valo_ingest.game.state import GAME_END, LOBBY
from valo_ingest.rehearsal.connecting import Connection
from valo_ingest.rehearsal.diagnosis.findings import Finding, broken, ok, skipped, warning
from valo_ingest.rehearsal.diagnosis.places import Place
from valo_ingest.wire.names import SocketEvent

LOGON_S: Final = 5.0
"""How long the answer to a logon may take. A server that is busy is no broken link."""

DOCUMENT_S: Final = 1.0
"""How long the first document may take: it comes right after that answer."""

ALIKE: Final = 0.5
"""How alike a live code has to be to be proposed, from 0 to 1, as difflib reckons it."""

MAX_CODES: Final = 8
"""How many codes are watched at once."""

LOOK_AT_PC: Final = "Look at the observer's PC: is the game running there, and does its client still see it?"
RECONNECT: Final = "Have its observer reconnect, or log another one on to this group code with the same key."

Document = Mapping[str, Any]


class Overlay:
    """An overlay that follows some codes at once, and notes when their documents came."""

    def __init__(self, place: Place, codes: Sequence[str]) -> None:
        self._codes = list(codes)[:MAX_CODES]
        self._connection = Connection(place.url)
        self._changed = threading.Condition()
        self._received: dict[str, list[Document]] = {code: [] for code in self._codes}
        self._logons = 0

    @property
    def codes(self) -> Sequence[str]:
        return self._codes

    def open(self) -> None:
        """Log on, and wait for the documents that are there.

        Raises:
            ServerUnreachable: The logon is not answered.
        """
        self._connection.on(SocketEvent.OVERLAY_LOGON_SUCCESS, self._on_logon)
        self._connection.on(SocketEvent.MATCH_DATA, self._on_document)
        self._connection.open()
        for code in self._codes:
            text = msgspec.json.encode({"groupCode": code}).decode()
            self._connection.emit(SocketEvent.OVERLAY_LOGON, text)
        with self._changed:
            if not self._changed.wait_for(lambda: self._logons >= len(self._codes), LOGON_S):
                raise ServerUnreachable("", "an overlay's logon is not answered")
            self._changed.wait_for(lambda: all(self._received.values()), DOCUMENT_S)

    def newest(self, code: str) -> Document | None:
        return self._received[code][-1] if self._received[code] else None

    def wait_for_changes(self, codes: Collection[str], timeout_s: float) -> Collection[str]:
        """Wait until each of `codes` has had one more document; return those that have not in that time."""
        before = {code: len(self._received[code]) for code in codes}

        def still() -> list[str]:
            return [code for code, count in before.items() if len(self._received[code]) == count]

        with self._changed:
            self._changed.wait_for(lambda: not still(), timeout_s)
            return still()

    def close(self) -> None:
        self._connection.close()

    def _on_logon(self, *_: object) -> None:
        with self._changed:
            self._logons += 1
            self._changed.notify_all()

    def _on_document(self, text: Any, *_: object) -> None:
        document = msgspec.json.decode(text)
        with self._changed:
            self._received.setdefault(document.get("groupCode", ""), []).append(document)
            self._changed.notify_all()


def check_overlay(overlay: Overlay, code: str, live: Collection[str]) -> Finding:
    """Tell whether an overlay with the group code `code` gets a match. `live` are the codes that are known."""
    document = overlay.newest(code)
    if document is None:
        return broken("overlay", f"no match has the group code {code}", _other_codes(code, live))
    teams = " against ".join(str(team.get("teamTricode") or "-") for team in document.get("teams", ()))
    where = f"round {document.get('roundNumber')}, {document.get('roundPhase')}"
    return ok("overlay", f"it gets the match {code}: {teams}, {where}")


def _other_codes(code: str, live: Collection[str]) -> str:
    likely = nearest(code, live)
    if likely:
        return f"Did you mean {likely}? Type the same group code in the observer client and in the overlay."
    if live:
        return f"These are live: {', '.join(sorted(live)[:MAX_CODES])}. Type one of them in the overlay."
    return "Type the same group code in the observer client and in the overlay, and have the observer log on."


def nearest(code: str, live: Collection[str]) -> str | None:
    """Return the live code that was most likely meant."""
    folded = {each.casefold(): each for each in live}
    found = difflib.get_close_matches(code.casefold(), folded, n=1, cutoff=ALIKE)
    return folded[found[0]] if found else next(iter(live)) if len(live) == 1 else None


def check_events_by_watching(overlay: Overlay, watch_s: float) -> Iterator[Finding]:
    """Tell for each match that an overlay gets whether anything happens in it for `watch_s`."""
    began = time.monotonic()
    watched = [code for code in overlay.codes if overlay.newest(code) is not None]
    silent = overlay.wait_for_changes(watched, watch_s)
    for code in watched:
        document = overlay.newest(code) or {}
        waited_s = min(watch_s, time.monotonic() - began)
        yield (
            _judge_silence(code, document, watch_s)
            if code in silent
            else ok("events", f"{code}: the match goes on; its document changed within {waited_s:.0f} s")
        )


def _judge_silence(code: str, document: Document, watch_s: float) -> Finding:
    silence = f"{code}: nothing happened for {watch_s:g} s"
    phase = document.get("roundPhase")
    timeouts = document.get("timeoutState") or {}
    if document.get("isFinished") or phase == GAME_END:
        return ok("events", f"{silence}, for the match is over")
    if any(timeouts.get(name) for name in ("techPause", "leftTeam", "rightTeam")):
        return ok("events", f"{silence}, for there is a pause")
    if phase == LOBBY:
        return warning("events", f"{silence}; the game has not begun", LOOK_AT_PC)
    if not document.get("isRunning"):
        return broken("events", f"{silence}: nobody observes this match", RECONNECT)
    return broken(
        "events", f"{silence}, although the observer is connected and a round is played", LOOK_AT_PC
    )


def check_waiting_by_report(report: Mapping[str, Any]) -> Iterator[Finding]:
    """Tell of the overlays that wait for a group code which no match has."""
    live = live_codes(report)
    for waiting in report.get("waiting") or ():
        code, addresses = str(waiting.get("groupCode")), ", ".join(waiting.get("addresses") or ())
        saw = f"an overlay at {addresses} waits for {code}, and no match has that group code"
        do = _other_codes(code, live)
        yield broken("overlay", saw, do) if live else warning("overlay", saw, do)


def check_events_by_report(report: Mapping[str, Any], code: str | None, watch_s: float) -> Iterator[Finding]:
    """Tell the same of all live matches, or of one, from what the server reports to its operator."""
    live = [match for match in report["matches"] if match.get("isLive")]
    chosen = [match for match in live if code is None or match.get("groupCode") == code]
    if not chosen:
        yield skipped("events", "no match is live" if code is None else f"no match with code {code} is live")
    for match in chosen:
        yield _judge_reported(match, float(report.get("at") or 0), watch_s)


def _judge_reported(match: Mapping[str, Any], now: float, watch_s: float) -> Finding:
    code = match.get("groupCode")
    if not match.get("observers"):
        return broken("events", f"{code}: nobody observes this match", RECONNECT)
    last_at = match.get("lastEventAt")
    if last_at is None:
        return warning("events", f"{code}: the observer is connected and has sent nothing yet", LOOK_AT_PC)
    silent_s = (now - last_at) / 1000
    if silent_s < watch_s:
        return ok("events", f"{code}: the last event came {max(0, silent_s):.0f} s ago")
    silence = f"{code}: no event for {silent_s:.0f} s"
    if match.get("pause"):
        return ok("events", f"{silence}, for there is a pause")
    if not match.get("matchId") or match.get("phase") in (LOBBY, GAME_END):
        return warning("events", f"{silence}; no round is played", LOOK_AT_PC)
    return broken(
        "events", f"{silence}, although the observer is connected and a round is played", LOOK_AT_PC
    )


def live_codes(report: Mapping[str, Any]) -> list[str]:
    """Return the group codes of the live matches in a report."""
    return [str(match.get("groupCode")) for match in report["matches"] if match.get("isLive")]
