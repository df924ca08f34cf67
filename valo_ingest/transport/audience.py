"""Those who follow matches, and how documents reach them: whoever is slow skips some, and holds nobody up.

A document is written to each WebSocket at once, where nothing else is waiting to be sent there. Where something is, the
client is *owed* the document: it gets the newest one of that match as soon as it can take one, and those in between
are dropped and counted. So no queue of documents grows for anybody. Clients that poll are treated alike.
"""

from collections.abc import Callable, Mapping
from typing import Final

import socketio

from valo_ingest.transport.deflate import Broadcast
from valo_ingest.transport.engine import NAMESPACE, Engine
from valo_ingest.transport.packets import Json
from valo_ingest.wire.names import SocketEvent

EVENT_TYPES: Final = "42"
"""A message of Engine.IO that is an event of Socket.IO."""


def room_of(group_code: str) -> str:
    """Return the room of those who follow a match. Client ids are rooms, too, so it must not look like one."""
    return f"match:{group_code}"


class Audience:
    """Sends the documents of matches to those who follow them. None of its methods blocks."""

    def __init__(self, sio: socketio.Server, engine: Engine, *, now_ms: Callable[[], int]) -> None:
        """
        Args:
            now_ms: The time (epoch ms), to tell since when somebody waits.
        """
        self._sio = sio
        self._engine = engine
        self._now_ms = now_ms
        self._newcomers: dict[tuple[str, str], None] = {}
        """Clients and matches that have to be shown to them, in the order in which they asked."""
        self._owed: dict[str, dict[str, int]] = {}
        """By client: which matches are owed to it because it could not take a document, and since when."""
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many documents were not sent to somebody because a newer one took their place."""
        return self._dropped

    @property
    def owed(self) -> Mapping[str, Mapping[str, int]]:
        """Who is too slow for which matches, and since when (epoch ms)."""
        return self._owed

    def send(self, group_code: str, text: str) -> None:
        """Send a document to all who follow its match; whoever cannot take it is owed it."""
        message = _message(text)
        owing, newcomers = self._owed, self._newcomers  # both empty, nearly always
        for client_id, session_id in self._sio.manager.get_participants(NAMESPACE, room_of(group_code)):
            if owing and group_code in owing.get(client_id, ()):
                self._dropped += 1
            if self._deliver(client_id, session_id, message, text):
                if newcomers:
                    newcomers.pop((client_id, group_code), None)
                if owing:
                    self._settle(client_id, group_code)
            elif (client_id, group_code) not in newcomers:
                self._owe(client_id, group_code)

    def welcome(self, client_id: str, group_code: str) -> None:
        """Have `send_owed` send the newest document of a match to one client."""
        self._newcomers[client_id, group_code] = None

    def send_owed(self, text_of: Callable[[str], str | None], *, to_slow: bool) -> None:
        """Send newcomers what they have to be shown, if they can take it now.

        Args:
            text_of: Returns the newest document of a match; None if there is none.
            to_slow: Whether to try it with those as well who could not take a document before.
        """
        newcomers, self._newcomers = self._newcomers, {}
        pairs = list(newcomers)
        if to_slow:
            pairs += [
                (client_id, group_code) for client_id, owed in self._owed.items() for group_code in owed
            ]
        messages: dict[str, Broadcast] = {}
        for client_id, group_code in pairs:
            session_id = self._sio.manager.eio_sid_from_sid(client_id, NAMESPACE)
            text = text_of(group_code)
            if session_id is None or text is None:
                self._settle(client_id, group_code)  # one of the two is gone
            elif not self._engine.is_idle(session_id):
                self._owe(client_id, group_code)
            else:
                message = messages.get(group_code) or messages.setdefault(group_code, _message(text))
                if self._deliver(client_id, session_id, message, text):
                    self._settle(client_id, group_code)
                else:
                    self._owe(client_id, group_code)

    def forget(self, client_id: str, group_code: str | None = None) -> None:
        """The client is gone, or does not follow this match any more."""
        if group_code is None:
            self._owed.pop(client_id, None)
        else:
            self._newcomers.pop((client_id, group_code), None)
            self._settle(client_id, group_code)

    def _owe(self, client_id: str, group_code: str) -> None:
        self._owed.setdefault(client_id, {}).setdefault(group_code, self._now_ms())

    def _settle(self, client_id: str, group_code: str) -> None:
        owed = self._owed.get(client_id, {})
        owed.pop(group_code, None)
        if not owed:
            self._owed.pop(client_id, None)

    def _deliver(self, client_id: str, session_id: str, message: Broadcast, text: str) -> bool:
        """Send a document to one client, if it can take one now; tell whether it could."""
        is_taken = self._engine.offer(session_id, message)
        if is_taken is not None:
            return is_taken
        if not self._engine.is_idle(session_id):
            return False
        self._sio.emit(SocketEvent.MATCH_DATA.value, text, to=client_id)
        return True


def _message(text: str) -> Broadcast:
    """Return the message of Engine.IO that says the same as emitting `text`."""
    return Broadcast(EVENT_TYPES + Json.dumps([SocketEvent.MATCH_DATA.value, text]))
