"""The server as a whole: its health, its clock, and what it reports of its matches to an operator."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Final

import msgspec

from valo_ingest.rehearsal.diagnosis.findings import Finding, broken, ok, warning
from valo_ingest.rehearsal.diagnosis.places import Answer, Place, ask

MAX_SKEW_S: Final = 2.0

REPORT: Final = "/api/matches"

HALF_SECOND: Final = 0.5
"""A Date header leaves out the part of a second."""


def check_health(extras: Place) -> Finding:
    """Tell which version runs there, whether it is well, and what it has refused."""
    answer = _json(extras, "/healthz")
    if answer is None or "version" not in answer:
        status = _json(extras, "/status") or {}
        return ok("health", f"up; {_matches(status)}. It tells no more: an older server, or the original")
    saw = f"valo-ingest {answer['version']}, {_matches(answer)}; {_refused(answer.get('refused'))}"
    problems, warnings = _sentences(answer.get("problems")), _sentences(answer.get("warnings"))
    if problems or answer.get("status") != "ok":
        return broken(
            "health",
            f"{problems or answer.get('status')} ({saw})",
            "Matches go on, but a crash would lose what is not written. Look at the server's disk, and at its log.",
        )
    return (
        warning("health", f"{warnings} ({saw})", "Look at the server's disk.")
        if warnings
        else ok("health", saw)
    )


def _sentences(found: object) -> str:
    return " ".join(map(str, found)) if isinstance(found, list) else ""


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


def check_password(extras: Place, password: str) -> Finding:
    """Tell whether the server takes an operator's password."""
    answer = _ask(extras, REPORT, _bearer(password))
    if answer is not None and answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return warning(
            "operator",
            "the server does not look at this operator password: too many of this machine were wrong",
            f"Wait for {answer.headers.get('retry-after', '10')} s, and give the right one.",
        )
    if answer is not None and answer.status == HTTPStatus.UNAUTHORIZED:
        return warning(
            "operator",
            "the server refuses this operator password",
            "Give the one that it printed at its start, or that OPERATOR_PASSWORD is set to there.",
        )
    if answer is None or _report(answer) is None:
        return warning(
            "operator",
            "the server reports no matches for this operator password",
            "An older server has no reports at all, and neither has the original.",
        )
    return ok("operator", "the server takes this operator password")


def report(extras: Place, password: str | None = None) -> Mapping[str, Any] | None:
    """Return what the server reports of its matches to an operator; None if it does not, or not to us."""
    answer = _ask(extras, REPORT, _bearer(password) if password else {})
    return None if answer is None else _report(answer)


def _report(answer: Answer) -> Mapping[str, Any] | None:
    found = _object(answer)
    return found if found is not None and isinstance(found.get("matches"), list) else None


def _bearer(password: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {password}"}


def _json(extras: Place, path: str) -> dict[str, Any] | None:
    answer = _ask(extras, path, {})
    return None if answer is None else _object(answer)


def _ask(extras: Place, path: str, headers: Mapping[str, str]) -> Answer | None:
    try:
        return ask(extras, path, headers)
    except (OSError, HTTPException, ValueError):
        return None


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(answer.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
