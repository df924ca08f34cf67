"""Every error that valo-ingest raises on purpose.

::

    ValoIngestError
    +-- ConfigError        a setting makes no sense; the operator can mend it (exit status 2)
    +-- ListenError        a port cannot be opened (exit status 1)
    +-- DataDirInUse       another server uses the data directory (exit status 1)
    +-- UnknownMatch       nobody kept a match of that name (exit status 1)
    +-- MatchIsLive        a kept match cannot be deleted, for it goes on (exit status 1)
    +-- JournalFault       the journal, or what it keeps of one match, cannot be read or changed (exit status 1)
    +-- KeyStoreFault      the access keys that are kept cannot be read or changed (exit status 1)
    +-- KeyNameTaken       an access key cannot be called so (exit status 1)
    +-- UnknownKey         no access key of that name can be revoked (exit status 1)
    +-- ServerUnreachable  no server of the protocol answers a rehearsal (exit status 1)
    +-- NotLetIn           a server refused a logon of a rehearsal, and said why (exit status 1)
    +-- InvalidRecording   a file has nothing in it that can be played (exit status 1)
    +-- InvalidScenario    a load test makes no sense; the text names the file and the key (exit status 2)
    +-- NotPossible        the operator asked of a running match what cannot be done (any more)
    +-- WrongPassword      somebody who is not the operator wants to be
    +-- LogonRefused       a client may not log on; the text is what the client shows to a person
    |   +-- InvalidLogon   its logon cannot be read
    +-- InvalidMessage     one message is dropped; its sender stays connected
        +-- LeftAside      one message of a stand-by, which is in order and has no effect

Refusals have a code: one word of `CODES`, which is the same in logs, in metrics, on pages and in what clients are told.
"""

from collections.abc import Mapping
from typing import Final


class ValoIngestError(Exception):
    """Anything that somebody outside the program can do something about."""


def _flag(setting: str) -> str:
    """Return what is typed to change `setting`: not its name, which is no variable that the server reads."""
    return "--" + setting.strip("-").lower().replace("_", "-")


class ConfigError(ValoIngestError):
    """The setting `setting` has a value that makes no sense."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(setting, message)
        self.setting = setting
        self.message = message

    def __str__(self) -> str:
        return f"{self.setting}: {self.message}"


class ListenError(ValoIngestError):
    """The port of the setting `setting` cannot be listened on."""

    def __init__(self, setting: str, host: str, port: int, reason: str) -> None:
        super().__init__(setting, host, port, reason)
        self.setting = setting
        self.host = host
        self.port = port
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.setting}: cannot listen on port {self.port} of {self.host}: {self.reason}, "
            f"or choose another port with {_flag(self.setting)}."
        )


class DataDirInUse(ValoIngestError):
    """Another server uses the data directory."""

    def __init__(self, data_dir: str) -> None:
        super().__init__(data_dir)
        self.data_dir = data_dir

    def __str__(self) -> str:
        return (
            f"DATA_DIR: another server uses {self.data_dir}. "
            f"Stop it, or give this one a directory of its own with {_flag('DATA_DIR')}."
        )


class UnknownMatch(ValoIngestError):
    """No match is kept under `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"No match {self.name!r} is kept here. `valo-ingest matches list` tells which are."


class MatchIsLive(ValoIngestError):
    """A match that goes on cannot be deleted."""

    def __init__(self, number: int, group_code: str) -> None:
        super().__init__(number, group_code)
        self.number = number
        self.group_code = group_code

    def __str__(self) -> str:
        return (
            f"Match #{self.number} {self.group_code!r} is live and is not deleted. "
            "It ends with its game, or when nothing happened in it for a while."
        )


class JournalFault(ValoIngestError):
    """The journal, or what it keeps of one match, cannot be read or changed; `reason` is for the operator."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what = what
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.what} {self.reason}"


class KeyStoreFault(ValoIngestError):
    """The access keys in the file `path` cannot be read or changed; `reason` is for the operator."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"The access keys in {self.path} {self.reason}"


class KeyNameTaken(ValoIngestError):
    """An access key cannot be called `name`, which is that of `owner`."""

    def __init__(self, name: str, owner: str) -> None:
        super().__init__(name, owner)
        self.name = name
        self.owner = owner

    def __str__(self) -> str:
        return f"No key is made: {self.name!r} is the name of {self.owner}."


class UnknownKey(ValoIngestError):
    """No access key called `name` is there to be revoked."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            f"No key {self.name!r} is kept here that is not revoked already. "
            "`valo-ingest keys list` tells which are."
        )


class ServerUnreachable(ValoIngestError):
    """Nothing that speaks the protocol answers at `url`; `reason` says what was tried and what to do."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}"


class NotLetIn(ValoIngestError):
    """The server at `url` refused a logon: `reason` is its own word, `advice` what to do."""

    def __init__(self, url: str, who: str, reason: str, advice: str = "") -> None:
        super().__init__(url, who, reason, advice)
        self.url = url
        self.who = who
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        reason = self.reason.rstrip(".")
        return f"{self.url} did not let the {self.who} in: {reason}. {self.advice}".rstrip()


class InvalidRecording(ValoIngestError):
    """There is nothing in the file `name` that can be played; `reason` says what is wrong with it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class InvalidScenario(ValoIngestError):
    """The scenario `name` of a load test cannot be used: what is wrong with `key` ("" for the whole file)."""

    def __init__(self, name: str, key: str, reason: str) -> None:
        super().__init__(name, key, reason)
        self.name = name
        self.key = key
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.name}: {self.key}: {self.reason}" if self.key else f"{self.name}: {self.reason}"


class NotPossible(ValoIngestError):
    """The operator asked of a running match what cannot be done (any more); the text says why, and what to do."""


class WrongPassword(ValoIngestError):
    """The password is not the operator's, or (where `wait_s` is more than 0) was not even looked at yet."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s

    def __str__(self) -> str:
        if self.wait_s:
            return f"Too many wrong passwords came from your address. Try again in {self.wait_s} s."
        return "That is not the password."


class LogonRefused(ValoIngestError):
    """A client may not log on.

    `code` is one word of a small, fixed set (counted); `str(error)` is the reason that the client is told.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class InvalidLogon(LogonRefused):
    """A logon that cannot be read; `detail` says which field and why."""

    def __init__(self, detail: str) -> None:
        super().__init__("invalid_packet", f"Invalid packet. {detail}")


class InvalidMessage(ValoIngestError):
    """A message that is dropped.

    `code` is one word of a small, fixed set (counted), `path` the field that is at fault ("" for the whole message),
    `detail` a sentence about it for the people who can act, and `event_type` the type of the message, where it is one
    of the protocol. None of them ever holds a value that the sender sent.
    """

    def __init__(self, code: str, detail: str, path: str = "", *, event_type: str = "") -> None:
        super().__init__(code, detail, path)
        self.code = code
        self.detail = detail
        self.path = path
        self.event_type = event_type

    def __str__(self) -> str:
        return f"{self.code}: {self.path}: {self.detail}" if self.path else f"{self.code}: {self.detail}"


class LeftAside(InvalidMessage):
    """A message of a stand-by is in order, and has no effect as long as another observer is active."""

    def __init__(self, detail: str) -> None:
        super().__init__("stand_by", detail)


CODES: Final[Mapping[str, str]] = {
    # an event
    "not_json": "no JSON, or nested too deep",
    "not_object": "JSON, but no object",
    "missing_field": "a part that every event has is missing",
    "invalid_field": "a field is missing, cannot be read, or is out of the bounds of the game",
    "wrong_channel": "an event of the other kind of client",
    "foreign_match": "names another match than the sender's",
    "match_over": "the match of the sender, or of the session it came back with, is over",
    "not_logged_on": "data before a logon; the connection is closed",
    "malformed_packet": "no Socket.IO packet",
    "unknown_socket_event": "a Socket.IO event that is not of this protocol",
    "overlay_logon": "an overlay's logon without a group code",
    "overlay_event": "something else from an overlay",
    "too_many_codes": "an overlay that logs on to more than 16 group codes; it does not follow the first one any more",
    "events_slowed_down": "events that come faster than they may; their sender waits, and nothing is lost",
    "stand_by": "no refusal: an event of a stand-by, left aside as long as the active observer is there",
    "active": "no refusal: a stand-by has become the active observer",
    # a logon
    "invalid_packet": "a logon that cannot be read; the client is told which field",
    "client_version": "a logon of a version out of range",
    "invalid_key": "a logon with an access key that is unknown or revoked",
    "expired_key": "a logon with an access key that was good until some time ago",
    "keys_unreadable": "a logon with an access key of which nobody can tell; the log says why",
    "group_code_taken": "a logon to a live match without its group secret",
    "too_many_matches": "a logon that would open more matches than its access key may have",
    "match_not_found": "an auxiliary logon to a match id that no live match has",
    "logon_delayed": "a logon that has to wait, because too many of its address were refused",
    "no_logon": "a connection that did not log on in time",
    "unknown_session": "a client came back with a token that is not good (any more); it has to log on",
    # a connection
    "slow_handshake": "a TLS handshake that did not end in time",
    "bad_handshake": "no TLS, or none that could be agreed on",
    "certificate_refused": "a client that does not take the server's certificate",
    "tls_on_plain_port": "a client that was given ``https://``, on a port without TLS: type ``http://``",
    "plain_on_tls_port": "a client that was given ``http://``, on a port with TLS: type ``https://``",
    "slow_request": "an HTTP request that did not end in time",
    "bad_request": "no HTTP request that can be read",
    "large_request": "a polling request beyond 2 MB, or of more than 30,000 packets",
    "websocket_protocol": "a WebSocket frame that breaks RFC 6455 (closed with 1002)",
    "websocket_content": "text that is not UTF-8, or data that cannot be inflated (1007)",
    "websocket_size": "a WebSocket message beyond 1 MB, as it comes or inflated (1009)",
    "stuck_peer": "a client that took nothing for 30 s, or leaves 4,096 packets untaken",
    "silent_peer": "a client that has died without a word",
    "wrong_password": "somebody tried to be the operator with a wrong password",
    "too_many_connections": "more connections than there may be",
    "too_many_connections_of_address": "more connections from one address than there may be",
}
"""Every code of a refusal, and what it means. They are a promise: people look for them in logs, and programs count
them. The table in README.rst is this one, and tests/test_errors.py holds both, and the sources, to it."""

NOT_REFUSED: Final = frozenset({"stand_by", "active"})
"""Codes that clients are told and that count nowhere."""
