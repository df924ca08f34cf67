"""Logons as real clients make them, that open no match: the way there, the version, the access key."""

import secrets
import threading
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import quote

import msgspec

from valo_ingest.errors import ServerUnreachable
from valo_ingest.rehearsal.connecting import Connection
from valo_ingest.rehearsal.diagnosis.findings import Finding, broken, ok, warning
from valo_ingest.rehearsal.diagnosis.places import NAME, Place, ask
from valo_ingest.wire.names import PacketType, SocketEvent

LOGON_S: Final = 5.0
"""How long the answer to a logon may take; it comes at once, unless many were refused before."""

REFUSAL_S: Final = 0.5
"""How long to wait for the server to hang up after a refusal, as it should."""

NO_SUCH_MATCH: Final = "Match ID"
"""In the refusal of an auxiliary client whose version is good and whose match is not there."""


def check_transport(place: Place, transport: str) -> Finding:
    """Tell whether Socket.IO can be spoken over "polling" or "websocket"."""
    check = f"{place.side} {transport}"
    connection = Connection(place.url, transports=[transport])
    try:
        connection.open()
    except ServerUnreachable as error:
        if transport == "websocket":
            return warning(
                check,
                "no WebSocket comes through, so clients poll: that works, but slower",
                "Have the proxy before the server pass the headers Upgrade and Connection on, or leave it out.",
            )
        return broken(check, f"Socket.IO is not answered: {error.reason}", "Look at the server's log.")
    connection.close()
    return ok(check, f"Socket.IO is answered over {transport}")


def check_version(place: Place, version: str) -> Finding:
    """Tell whether clients of `version` are let in, by a logon to a match that cannot be there."""
    match_id = f"{NAME} {secrets.token_hex(4)}"
    try:
        reason = _refusal(place, match_id, version)
    except ServerUnreachable as error:
        return broken(
            "version", error.reason, "Is this the ingest side, port 5100? Look at the server's log."
        )
    if NO_SUCH_MATCH in reason:
        return ok("version", f"clients of version {version} are let in")
    if "version" in reason.lower():
        return broken(
            "version",
            f"the server refuses version {version}: {reason}",
            "Update the client, or have the server take it with --client-versions. "
            "(--client-version tells the doctor which one the client has.)",
        )
    return warning("version", f"the server answers a logon with {reason!r}", "Look at the server's log.")


def _refusal(place: Place, match_id: str, version: str) -> str:
    """Log on as an auxiliary client; return why that is refused.

    Raises:
        ServerUnreachable: The logon is not answered.
    """
    answers: list[object] = []
    answered = threading.Event()

    def hear(text: object = "", *_: object) -> None:
        answers.append(text)
        answered.set()

    connection = Connection(place.url)
    connection.on(SocketEvent.AUXILIARY_LOGON_ACK, hear)
    try:
        connection.open()
        connection.emit(
            SocketEvent.AUXILIARY_LOGON,
            msgspec.json.encode(
                {
                    "type": PacketType.AUXILIARY_LOGON.value,
                    "clientVersion": version,
                    "name": NAME,
                    "matchId": match_id,
                    "playerId": "",
                }
            ).decode(),
        )
        answered.wait(LOGON_S)
        connection.wait_for_end(REFUSAL_S)
    finally:
        connection.close()
    if not answers:
        raise ServerUnreachable(place.url, "a logon is not answered")
    return _reason(answers[0])


def _reason(text: Any) -> str:
    try:
        return str(msgspec.json.decode(text).get("reason", ""))
    except (ValueError, TypeError, AttributeError):
        return "something that is no answer to a logon"


def check_key(extras: Place, key: str, *, requires_key: bool | None) -> Finding:
    """Tell whether an access key is good, by asking whose it is.

    Args:
        requires_key: Whether the server lets nobody in without one; None if that is not known.
    """
    try:
        answer = ask(extras, f"/getOrgForKey?key={quote(key, safe='')}")
        value = msgspec.json.decode(answer.body)
    except (OSError, HTTPException, ValueError) as error:
        return warning(
            "key", f"it could not be asked for: {type(error).__name__}", "Look at the server's log."
        )
    if answer.status == 200:
        name = value.get("name") if isinstance(value, dict) else None
        return ok("key", f"it is good, and belongs to {name or 'somebody'}")
    reason = value.get("error") if isinstance(value, dict) else None
    saw = f"the server refuses this access key: {reason or answer.status}"
    if requires_key is False:
        return ok("key", f"{saw}; it matters not, for this server lets in whoever comes")
    return broken(
        "key",
        saw,
        "Type the key that the server prints at its start, or have one made: `valo-ingest keys create NAME`.",
    )
