"""Why something was refused, in words for the person who can do something about it."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Reason(Struct, frozen=True):
    """What a word that is counted means, and what to do about it."""

    title: str
    advice: str


_CLIENT = "Update the client on that machine; if it is up to date, report this with the log of the server."
_PROGRAM = (
    "Something that is no client of this protocol talks to this port. Look at what runs on that machine."
)
_NETWORK = "Look at the network of that machine."
_SLOW = "Its machine or its network is slow, or it is not what it says it is."

REASONS: Final[Mapping[str, Reason]] = {
    "not_json": Reason("A message that is no JSON", _CLIENT),
    "not_object": Reason("A message that is no JSON object", _CLIENT),
    "missing_field": Reason("A message without a part that every message has", _CLIENT),
    "invalid_field": Reason("A message with a field that makes no sense", _CLIENT),
    "wrong_channel": Reason("An observer's message from a player's client, or the reverse", _CLIENT),
    "foreign_match": Reason(
        "A message for another match than the sender's",
        "Two clients are set up alike. Check the group code on that machine, and restart its client.",
    ),
    "match_over": Reason("A message for a match that is over", "Log on anew for the next match."),
    "unknown_session": Reason(
        "A client came back with a token that is not good any more",
        "It was away for too long. Restart the client: it then logs on anew.",
    ),
    "not_logged_on": Reason("Data before a logon", "Restart the client: it then logs on anew."),
    "malformed_packet": Reason("No packet of Socket.IO", _PROGRAM),
    "unknown_socket_event": Reason("An event that is not of this protocol", _PROGRAM),
    "overlay_logon": Reason(
        "An overlay logged on without a group code",
        "Open the overlay with its group code: ?groupCode=… in its address.",
    ),
    "overlay_event": Reason(
        "An overlay sent something else than a logon",
        "Is that an observer client with the overlays' port in its settings?",
    ),
    "too_many_codes": Reason(
        "An overlay that follows more group codes than it may",
        "Close it and open it anew with the codes that it needs: it has let go of the first one.",
    ),
    "invalid_packet": Reason("A logon that cannot be read", _CLIENT),
    "client_version": Reason(
        "A client of a version that may not log on",
        "Update that client, or let its version in with --client-versions.",
    ),
    "invalid_key": Reason(
        "A logon with a wrong access key",
        "Type the key anew in the observer client. scripts/serve prints it at its start.",
    ),
    "expired_key": Reason("A logon with an access key that has expired", "Take another key."),
    "keys_unreadable": Reason(
        "A logon with an access key of which nobody can tell whether it is good",
        "The file of the keys cannot be read; the log of the server says why.",
    ),
    "group_code_taken": Reason(
        "A logon to a group code that is live already",
        "Take another code; or, to take that match over, its group secret or the key that opened it.",
    ),
    "too_many_matches": Reason(
        "One match more than an access key may have", "End a match that is not needed any more."
    ),
    "match_not_found": Reason(
        "A player's client asks for a match that is not live",
        "It is let in as soon as the observer of that game has told its match id, when the game has started.",
    ),
    "no_logon": Reason(
        "Connected, but did not log on",
        "Is it the right port? Overlays take another one than observers and players.",
    ),
    "logon_delayed": Reason(
        "A logon has to wait, because too many of its address were refused", "Mend what is refused first."
    ),
    "events_slowed_down": Reason(
        "A client sends faster than it may, and has to wait",
        "If it is a real client, raise --max-events-per-second.",
    ),
    "slow_handshake": Reason(
        "Connected, but began no TLS",
        "Is http:// typed for https://? This server speaks TLS, and its addresses begin with https://.",
    ),
    "bad_handshake": Reason(
        "No TLS, or none that both sides know",
        "Is http:// typed for https://? If not, something else than a browser talks to this port.",
    ),
    "certificate_refused": Reason(
        "A client that does not take the certificate of this server",
        "In the browser of that overlay, open its serverEndpoint and its extrasEndpoint once and accept; or give the "
        "server a certificate that the machine trusts (SERVER_CERT). The doctor on that machine says what is wrong.",
    ),
    "tls_on_plain_port": Reason(
        "https:// was typed for a port without TLS", "Type http:// instead, on that machine."
    ),
    "plain_on_tls_port": Reason(
        "http:// was typed for a port with TLS", "Type https:// instead, on that machine."
    ),
    "slow_request": Reason("An HTTP request that did not end in time", _SLOW),
    "bad_request": Reason(
        "No HTTP request that can be read",
        "Is https:// typed for http://? If not, something else than a browser talks to this port.",
    ),
    "large_request": Reason("A polling request that is too large", _PROGRAM),
    "websocket_protocol": Reason("A frame that breaks the rules of WebSockets", _PROGRAM),
    "websocket_content": Reason("Text that is not UTF-8, or data that cannot be inflated", _PROGRAM),
    "websocket_size": Reason("A message beyond 1 MB", _CLIENT),
    "stuck_peer": Reason("A client that does not take what it is sent", _NETWORK),
    "silent_peer": Reason("A client that went without a word", _NETWORK),
    "too_many_connections": Reason(
        "More connections than there may be", "Raise --max-connections, or find out who opens so many."
    ),
    "too_many_connections_of_address": Reason(
        "More connections of one address than there may be",
        "Raise --max-connections-per-address, or find out who opens so many.",
    ),
    "wrong_password": Reason(
        "A wrong password of the operator", "If that was nobody of the crew, look who has that address."
    ),
}
"""Of every word that refusals are counted by; tests/live/test_reasons.py looks for others in the sources."""

LOGONS: Final = frozenset(
    {
        "invalid_packet",
        "client_version",
        "invalid_key",
        "expired_key",
        "keys_unreadable",
        "group_code_taken",
        "too_many_matches",
        "match_not_found",
        "no_logon",
        "not_logged_on",
        "unknown_session",
        "overlay_logon",
        "slow_handshake",
        "bad_handshake",
        "certificate_refused",
        "tls_on_plain_port",
        "plain_on_tls_port",
        "bad_request",
        "logon_delayed",
        "too_many_connections",
        "too_many_connections_of_address",
    }
)
"""Reasons for which somebody is not in who wants to be."""


def reason(code: str) -> Reason:
    """Return what `code` means; a word that nobody has described stands for itself."""
    return REASONS.get(code) or Reason(
        code.replace("_", " ").capitalize(), "The log of the server says more."
    )
