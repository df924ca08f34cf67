"""Engine.IO and Socket.IO packets: they never crash what reads them, and they tell a client its token.

python-socketio lets whatever is wrong with a packet escape as an exception, which ends in a traceback per packet. Here
a malformed one becomes the event `MALFORMED`, which the handlers count like any other message that is refused. A
packet that Engine.IO could not read becomes an empty message before that, and so a malformed packet of Socket.IO.
"""

import base64
from collections.abc import Callable
from typing import Any, Final

import msgspec
from socketio import packet

MALFORMED: Final = "malformed packet"
"""Name of the event that takes the place of a packet that makes no sense. No client can emit it: see `_is_event`."""

RESERVED: Final = frozenset({"connect", "disconnect", "*", MALFORMED})
"""Events that only the server itself raises, and the name under which it looks for a handler of all others."""

MAX_ATTACHMENTS: Final = 4
"""Binary parts of one event. Clients of this protocol send one at most."""

EMPTY_MESSAGE: Final = "4"
"""The Engine.IO packet that takes the place of one that makes no sense."""

ENGINE_PACKET_TYPES: Final = "0123456"
"""First character of an Engine.IO packet."""

BASE64_MARK: Final = "b"
"""First character of a packet that is binary data in base64."""

UNREADABLE: Final = (ValueError, TypeError, IndexError, KeyError, AttributeError, RecursionError)
"""What reading a packet from a hostile client was seen to raise."""


class Json:
    """The part of the interface of `json` that packets use, on msgspec: faster, and strict about NaN.

    Engine.IO reads packets with it as well, and expects nothing but a ValueError.
    """

    JSONDecodeError = ValueError

    @staticmethod
    def loads(text: str) -> Any:
        try:
            return msgspec.json.decode(text)
        except RecursionError:
            raise ValueError("nested too deep") from None

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return msgspec.json.encode(value).decode()


class SafePacket(packet.Packet):  # type: ignore[misc]
    """A packet for `socketio.Server(serializer=...)`."""

    json = Json

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if "encoded_packet" in options and not options["encoded_packet"]:
            self._become_malformed()  # nothing at all, which is not even decoded

    def decode(self, encoded_packet: Any) -> int:
        if not isinstance(encoded_packet, str):
            return self._become_malformed()  # binary data that no event announced, or JSON of Engine.IO
        try:
            attachments: int = super().decode(encoded_packet) or 0
        except UNREADABLE:
            return self._become_malformed()
        if self.packet_type in (packet.EVENT, packet.BINARY_EVENT):
            fits = _is_event(self.data) and attachments <= MAX_ATTACHMENTS
        elif self.packet_type in (packet.ACK, packet.BINARY_ACK):
            fits = isinstance(self.data, list) and self.id is not None and attachments <= MAX_ATTACHMENTS
        else:
            fits = self.packet_type in (packet.CONNECT, packet.DISCONNECT)
        is_binary = self.packet_type in (packet.BINARY_EVENT, packet.BINARY_ACK)
        return attachments if fits and is_binary is (attachments > 0) else self._become_malformed()

    def add_attachment(self, attachment: Any) -> bool:
        try:
            is_complete: bool = super().add_attachment(attachment)
        except UNREADABLE:
            self._become_malformed()
            self.packet_type = packet.BINARY_EVENT  # what a packet with attachments is dispatched by
            return True
        return is_complete

    def _become_malformed(self) -> int:
        self.packet_type = packet.EVENT
        self.data = [MALFORMED]
        self.id = None
        return 0


def packets_with_token(token_of: Callable[[str], str | None]) -> type[SafePacket]:
    """Return a packet class whose answer to a CONNECT carries the token of the connection, as `pid`.

    That is Socket.IO's connection state recovery: the client's library sends it back when it reconnects.
    """

    class TokenPacket(SafePacket):
        def encode(self) -> Any:
            if self.packet_type == packet.CONNECT and isinstance(self.data, dict) and "sid" in self.data:
                token = token_of(self.data["sid"])
                if token is not None:
                    self.data = {**self.data, "pid": token}
            return super().encode()

    return TokenPacket


def _is_event(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in RESERVED


def is_engine_packet(text: str, types: str = ENGINE_PACKET_TYPES) -> bool:
    """Tell whether Engine.IO can read `text`, and it is a packet of one of these types or binary data."""
    if not text.startswith(BASE64_MARK):
        return text != "" and text[0] in types
    try:
        base64.b64decode(text[1:])
    except ValueError:  # binascii.Error is one; another is for what is not ASCII
        return False
    return True
