"""Every error that valo-ingest raises on purpose.

::

    ValoIngestError
    +-- ConfigError        a setting makes no sense; the operator can mend it (exit status 2)
    +-- ListenError        a port cannot be opened (exit status 1)
    +-- DataDirInUse       another server uses the data directory (exit status 1)
    +-- UnknownMatch       nobody kept a match of that name (exit status 1)
    +-- MatchIsLive        a kept match cannot be deleted, for it goes on (exit status 1)
    +-- JournalFault       the journal, or what it keeps of one match, cannot be read or changed (exit status 1)
    +-- NotPossible        the operator asked of a running match what cannot be done (any more)
    +-- WrongPassword      somebody who is not the operator wants to be
    +-- LogonRefused       a client may not log on; the text is what the client shows to a person
    |   +-- InvalidLogon   its logon cannot be read
    +-- InvalidMessage     one message is dropped; its sender stays connected
"""


class ValoIngestError(Exception):
    """Anything that somebody outside the program can do something about."""


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
            f"or choose another port with {self.setting}."
        )


class DataDirInUse(ValoIngestError):
    """Another server uses the data directory."""

    def __init__(self, data_dir: str) -> None:
        super().__init__(data_dir)
        self.data_dir = data_dir

    def __str__(self) -> str:
        return (
            f"DATA_DIR: another server uses {self.data_dir}. "
            "Stop it, or give this one a directory of its own with DATA_DIR."
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

    `code` is one word of a small, fixed set (counted), `path` the field that is at fault ("" for the whole
    message) and `detail` what is wrong with it. None of them ever holds a value that the sender sent.
    """

    def __init__(self, code: str, detail: str, path: str = "") -> None:
        super().__init__(code, detail, path)
        self.code = code
        self.detail = detail
        self.path = path

    def __str__(self) -> str:
        return f"{self.code}: {self.path}: {self.detail}" if self.path else f"{self.code}: {self.detail}"
