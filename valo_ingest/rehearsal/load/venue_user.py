"""What all clients of a load test have in common: they log on when it is their turn, are cut off, and leave."""

import time
from typing import ClassVar, Final

from locust import User, task
from locust.exception import StopUser

from valo_ingest.errors import NotLetIn, ServerUnreachable
from valo_ingest.rehearsal.load.measurements import Row
from valo_ingest.rehearsal.load.venue import Slot, Venue
from valo_ingest.rehearsal.returning import Client

RECONNECT_S: Final = (0.1, 2.0)
"""A lost client tries again so soon. Real ones wait a second; that is left out to see what the server takes."""

RETRY_S: Final = 2.0
"""A client that was not let in tries again then."""

LOOK_S: Final = 0.02
"""How often a client looks whether something has come about that takes some ms, and of which nobody tells it."""

IDLE_S: Final = 0.3
"""The same of a client that has nothing to do."""

BACK_S: Final = 20.0
"""A client that is not back by then will not come."""


class VenueUser(User):
    """A client of one match of the venue."""

    abstract = True
    kind: ClassVar[str]
    of_each_match: ClassVar[int] = 1
    venue: ClassVar[Venue]
    """Bound by `user_classes`."""

    def on_start(self) -> None:
        self.slot: Slot
        self.number: int
        self.slot, self.number = self.venue.place(self.kind, self.of_each_match)
        self.client: Client | None = None
        self.is_to_be_cut = False
        self._cuts = 0
        self.venue.members.append(self)

    def on_stop(self) -> None:
        self.venue.members.remove(self)
        self._leave()

    @property
    def may_be_cut(self) -> bool:
        """Whether it has a connection that may be broken."""
        return self.client is not None and self.client.is_connected and not self.is_to_be_cut

    @task
    def play_on(self) -> None:
        """Play one match."""
        try:
            self.play()
        finally:
            self._leave()
        if self.venue.is_ending.is_set():
            self.venue.may_leave.wait()
            raise StopUser

    def play(self) -> None:
        """Take part in one match, to its end or that of the run."""
        raise NotImplementedError

    def enter(self, client: Client) -> bool:
        """Log a client on, when it is its turn; tell whether it is in."""
        self.rest(self.venue.turn_s(time.perf_counter()))
        if self.venue.is_ending.is_set():
            return False
        began = time.perf_counter()
        failure = None
        try:
            client.connect()
        except (NotLetIn, ServerUnreachable) as error:
            failure = error.reason
        self._report(Row.LOGON, began, failure)
        if failure is not None:
            self.rest(RETRY_S)
            return False
        self.client = client
        self.venue.enter()
        self._cuts = 0
        return True

    def rest(self, seconds: float) -> None:
        """Wait, but not beyond the end of the run."""
        self.venue.is_ending.wait(max(0.0, seconds))

    def cut(self) -> None:
        """Break the connection once all is answered, and wait until the client is back."""
        self.is_to_be_cut = False
        client = self.client
        assert client is not None, "only who is in can be cut off"
        self.wait_for_answers()
        self._cuts += 1
        began = time.perf_counter()
        client.drop()
        failure = None
        if not client.wait_until_back(BACK_S):
            failure = "it is not back" if client.failure is None else client.failure.reason
        self._report(Row.RECONNECT, began, failure)

    def wait_for_answers(self) -> None:
        """Wait until the server has answered what this client has sent; overlays send nothing."""

    def _leave(self) -> None:
        client, self.client = self.client, None
        if client is None:
            return
        self.venue.leave()
        if client.returns > self._cuts:
            self._report(Row.RECONNECT, time.perf_counter(), "the connection was lost without our doing")
        client.close()

    def _report(self, row: Row, began: float, failure: str | None) -> None:
        self.venue.report(row, self.kind, (time.perf_counter() - began) * 1000, failure)
