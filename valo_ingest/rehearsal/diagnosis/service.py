"""The server as a whole: its health, its clock, and what it reports of its matches to an operator."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, Final

import msgspec

from valo_ingest.rehearsal.diagnosis.findings import Finding, broken, ok, warning
from valo_ingest.rehearsal.diagnosis.places import Answer, Place, ask

MAX_SKEW_S: Final = 2.0

HALF_SECOND: Final = 0.5
"""A Date header leaves out the part of a second."""


def check_health(extras: Place) -> Finding:
    """Tell which version runs there, whether it is well, and what it has refused."""
    answer = _json(extras, "/healthz")
    if answer is None or "version" not in answer:
        status = _json(extras, "/status") or {}
        return ok("health", f"up; {_matches(status)}. It tells no more: an older server, or the original")
    journal = answer.get("journal")
    fault = journal.get("fault") if isinstance(journal, dict) else ""
    saw = f"valo-ingest {answer['version']}, {_matches(answer)}; {_refused(answer.get('refused'))}"
    if fault or answer.get("status") != "ok":
        return broken(
            "health",
            f"{saw}; the journal cannot be written: {fault}",
            "Matches go on, but a crash would lose them. Look at the server's disk, and at its log.",
        )
    return ok("health", saw)


def _matches(values: Mapping[str, Any]) -> str:
    count = values.get("matchesRunning", 0)
    return "1 match is live" if count == 1 else f"{count} matches are live"


def _refused(counts: object) -> str:
    if not isinstance(counts, dict) or not counts:
        return "nothing was refused since its start"
    words = (f"{str(code).replace('_', ' ')} {count}" for code, count in counts.items())
    return f"refused since its start: {', '.join(words)}"


def matches_running(extras: Place) -> int | None:
    """Return how many matches are live; None if the server does not say."""
    count = (_json(extras, "/status") or {}).get("matchesRunning")
    return count if isinstance(count, int) else None


def check_clock(answer: Answer) -> Finding:
    """Compare the clocks of the server and of this machine, by the date of an answer."""
    try:
        told = parsedate_to_datetime(answer.headers["date"]).timestamp() + HALF_SECOND
    except (KeyError, ValueError):
        return ok("clock", "the server does not tell the time")
    # Rounding and the way there and back are no skew.
    uncertain_s = HALF_SECOND + (answer.answered_at - answer.asked_at) / 2
    skew_s = told - (answer.asked_at + answer.answered_at) / 2
    if abs(skew_s) - uncertain_s <= MAX_SKEW_S:
        return ok("clock", "both clocks say the same")
    which = "ahead of" if skew_s > 0 else "behind"
    return warning(
        "clock",
        f"the server's clock is {abs(skew_s):.0f} s {which} this machine's",
        "Have both machines set their clocks by the network; countdowns on overlays are wrong by as much.",
    )


def report(extras: Place, password: str | None) -> Mapping[str, Any] | None:
    """Return what the server reports of its matches to an operator; None if it does not, or not to us."""
    headers = {"Authorization": f"Bearer {password}"} if password else {}
    found = _json(extras, "/api/matches", headers)
    return found if found is not None and isinstance(found.get("matches"), list) else None


def _json(extras: Place, path: str, headers: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(ask(extras, path, headers).body)
    except (OSError, HTTPException, ValueError):
        return None
    return value if isinstance(value, dict) else None
