"""What the clients that are connected do: since when, and what they told last."""

from valo_ingest.game.events import Event


class Activity:
    """What one client has told on its connection. Whoever takes an event in puts it into `told_at`, and that is all."""

    __slots__ = ("connected_at", "connection", "told_at")

    def __init__(self, connection: int, now: int) -> None:
        self.connection = connection
        """Names the connection to people; what Socket.IO calls it is nobody's business."""
        self.connected_at = now
        self.told_at: dict[type[Event], int] = {}
        """When it told something of each kind last."""

    @property
    def last_event_at(self) -> int | None:
        return max(self.told_at.values(), default=None)


class Activities(dict[str, Activity]):
    """The activity of every client that is connected, by its id."""

    def __init__(self) -> None:
        super().__init__()
        self._last_connection = 0

    def begin(self, client_id: str, now: int) -> None:
        """A client has logged on, or is back on another connection."""
        self._last_connection += 1
        self[client_id] = Activity(self._last_connection, now)

    def end(self, client_id: str) -> None:
        self.pop(client_id, None)
