"""Socket.IO packets that never crash what reads them.

python-socketio lets whatever is wrong with a packet escape as an exception, which ends in a traceback per packet. Here
a malformed one becomes the event `MALFORMED`, which the handlers count like any other message that is refused.
"""

from typing import Any, Final

import msgspec
from socketio import packet

MALFORMED: Final = "malformed packet"
"""Name of the event that takes the place of a packet that makes no sense. No client can emit it: see `_is_event`."""

RESERVED: Final = frozenset({"connect", "disconnect", MALFORMED})
"""Events that only the server itself raises."""

MAX_ATTACHMENTS: Final = 4
"""Binary parts of one event. Clients of this protocol send one at most."""

UNREADABLE: Final = (ValueError, TypeError, IndexError, KeyError, AttributeError, RecursionError)
"""What reading a packet from a hostile client was seen to raise."""


class _Json:
    """The part of the interface of `json` that packets use, on msgspec: faster, and strict about NaN."""

    JSONDecodeError = ValueError

    @staticmethod
    def loads(text: str) -> Any:
        return msgspec.json.decode(text)

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return msgspec.json.encode(value).decode()


class SafePacket(packet.Packet):  # type: ignore[misc]
    """A packet for `socketio.Server(serializer=...)`."""

    json = _Json

    def decode(self, encoded_packet: Any) -> int:
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
            return True
        return is_complete

    def _become_malformed(self) -> int:
        self.packet_type = packet.EVENT
        self.data = [MALFORMED]
        self.id = None
        return 0


def _is_event(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in RESERVED
