"""The clients of a load test, as users of locust. Each plays one match after the other, as long as the run lasts."""

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

import gevent
from locust import User, task
from locust.exception import StopUser

from valo_ingest.errors import NotLetIn, ServerUnreachable
from valo_ingest.game.state import GAME_END
from valo_ingest.rehearsal.accounting import Tally
from valo_ingest.rehearsal.clients import (
    AuxiliaryClient,
    AuxiliaryIdentity,
    ObserverClient,
    ObserverIdentity,
    OverlayClient,
)
from valo_ingest.rehearsal.load.measurements import Row
from valo_ingest.rehearsal.load.play import Play
from valo_ingest.rehearsal.load.sightings import MUTE_AFTER_S, Watcher
from valo_ingest.rehearsal.load.venue import Slot, Venue
from valo_ingest.rehearsal.returning import Client
from valo_ingest.rehearsal.simulation.feed import OBSERVER, Step
from valo_ingest.wire.names import ObserverType

RECONNECT_S: Final = (0.1, 2.0)
"""A lost client tries again so soon. Real ones wait a second; that is left out to see what the server takes."""

RETRY_S: Final = 2.0
"""A client that was not let in tries again then."""

LOOK_S: Final = 0.02
"""How often a client looks whether something has come about that takes some ms, and of which nobody tells it."""

IDLE_S: Final = 0.3
"""The same of a client that has nothing to do."""

PATIENCE_S: Final = 3.0
"""A client waits for answers as long as some come; when none has come for so long, there will be no more."""

LONGEST_WAIT_S: Final = 30.0
"""But it does not wait for longer than that."""

BACK_S: Final = 20.0
"""A client that is not back by then will not come."""

LAST_DOCUMENT_S: Final = 0.5
"""Overlays stay so long after the end of a match."""

NOTHING_SHOWN: Final = f"it was shown nothing any more, for {MUTE_AFTER_S:g} s or longer"


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


class SendingUser(VenueUser):
    """A client that sends its part of a match."""

    abstract = True
    tally: Tally
    """What becomes of its events; a new one for each match."""

    def send_part(self, play: Play, sender: int, *, from_s: float = 0.0) -> None:
        """Send what `sender` has to tell, each at its time; what was due before `from_s` is left out."""
        for step in self._due(play, sender, from_s):
            if self.is_to_be_cut:
                self.cut()
            client = self.client
            assert client is not None, "only who is in can send"
            if client.is_over:
                if not self.has_to_stop(play):
                    self._report(Row.RECONNECT, time.perf_counter(), "the server let it go amidst a match")
                return
            if client.is_connected:  # or else it has to wait, and the server must not be blamed for it
                self.note(play, step)
            self.send(step)

    def _due(self, play: Play, sender: int, from_s: float) -> Iterator[Step]:
        while (step := play.next_of(sender)) is not None:
            due = play.due_s(step)
            if due < from_s:
                continue
            self.rest(due - time.perf_counter())
            if self.venue.is_ending.is_set() or self.has_to_stop(play):
                return
            yield step

    def has_to_stop(self, play: Play) -> bool:
        """Tell whether this client has to stop before its part is over."""
        return False

    def note(self, play: Play, step: Step) -> None:
        """Have the overlays of the match look for what is being sent."""
        raise NotImplementedError

    def send(self, step: Step) -> None:
        """Send it."""
        raise NotImplementedError

    def wait_for_answers(self) -> None:
        _wait_for_none(lambda: self.tally.waiting_count, PATIENCE_S)


def _wait_for_none(count: Callable[[], int], patience_s: float) -> None:
    """Wait until `count` returns 0, but not if it stays the same for `patience_s`."""
    left = count()
    longest = time.perf_counter() + LONGEST_WAIT_S
    deadline = time.perf_counter() + patience_s
    while left and time.perf_counter() < min(deadline, longest):
        gevent.sleep(LOOK_S)
        before, left = left, count()
        if left != before:
            deadline = time.perf_counter() + patience_s


class ObserverUser(SendingUser):
    """Opens a match and sends what the whole lobby sees."""

    kind = "observer"

    def play(self) -> None:
        play = self._play = self.slot.open()
        try:
            self.tally = self.venue.new_tally()
            lineup = play.lineup
            identity = ObserverIdentity(
                group_code=play.group_code,
                key=self.venue.target.key,
                client_version=self.venue.target.client_version,
                left_team=lineup.left_team,
                right_team=lineup.right_team,
            )
            client = ObserverClient(
                self.venue.target.ingest_url, identity, tally=self.tally, reconnect_s=RECONNECT_S
            )
            if self.enter(client):
                self._client = client
                play.begin(time.perf_counter())
                self.send_part(play, OBSERVER)
                if not client.is_over and not play.is_ending.is_set():
                    self._end()
                self.wait_for_answers()
                gevent.sleep(LAST_DOCUMENT_S)
        finally:
            self.slot.close(play)

    def note(self, play: Play, step: Step) -> None:
        play.sent.note(self, step.type, step.data, player_id="", at=time.perf_counter())

    def send(self, step: Step) -> None:
        if step.type == ObserverType.ROUND_INFO:
            self._play.round_number = step.data["roundNumber"]
            if step.data["roundPhase"] == GAME_END:
                self._quieten()
        self._client.send(step.type, step.data)
        if step.type == ObserverType.MATCH_START:
            self.wait_for_answers()
            self._play.is_known.set()

    def _quieten(self) -> None:
        """Let the auxiliary clients fall silent: the match is over for them with the next event."""
        self._play.is_ending.set()
        _wait_for_none(lambda: self._play.busy, LONGEST_WAIT_S)

    def _end(self) -> None:
        """Break the match off, lest it stay on the server until it is forgotten."""
        self._quieten()
        self.wait_for_answers()
        data = {"roundNumber": self._play.round_number, "roundPhase": GAME_END}
        self._client.send(ObserverType.ROUND_INFO, data)


class AuxiliaryUser(SendingUser):
    """Sends what one player's own game tells."""

    kind = "auxiliary"

    def play(self) -> None:
        play = self._wait_for_match()
        if play is None:
            return
        player_id = play.lineup.player_ids[self.number]
        self.tally = self.venue.new_tally()
        identity = AuxiliaryIdentity(
            match_id=play.lineup.match_id,
            player_id=player_id,
            name=f"Player {self.number + 1}",
            client_version=self.venue.target.client_version,
        )
        client = AuxiliaryClient(
            self.venue.target.ingest_url, identity, tally=self.tally, reconnect_s=RECONNECT_S
        )
        if not self.enter(client):
            return
        self._client = client
        self._player_id = player_id
        play.busy += 1
        try:
            self.send_part(play, self.number + 1, from_s=time.perf_counter())
            self.wait_for_answers()
        finally:
            play.busy -= 1
        self._wait_for_end(play)

    def _wait_for_match(self) -> Play | None:
        """Wait until the server knows a match of this slot; None if the run ends before."""
        self.slot.has_play.wait(IDLE_S)
        play = self.slot.current
        if play is not None and play.is_known.wait(IDLE_S) and not play.is_ending.is_set():
            return play
        self.rest(LOOK_S)
        return None

    def _wait_for_end(self, play: Play) -> None:
        while not (play.is_over.is_set() or self.venue.may_leave.is_set()):
            play.is_over.wait(IDLE_S)

    def has_to_stop(self, play: Play) -> bool:
        return bool(play.is_ending.is_set() or play.is_over.is_set())

    def note(self, play: Play, step: Step) -> None:
        play.sent.note(self, step.type, step.data, player_id=self._player_id, at=time.perf_counter())

    def send(self, step: Step) -> None:
        self._client.send(step.type, step.data)


class OverlayUser(VenueUser):
    """Follows a match, and tells how long each event takes until it shows it."""

    kind = "overlay"

    def play(self) -> None:
        self.slot.has_play.wait(IDLE_S)
        play = self.slot.current
        if play is None:
            return
        self._watcher = play.sent.watch()
        try:
            client = OverlayClient(
                self.venue.target.output_url,
                play.group_code,
                on_document=self._see,
                reconnect_s=RECONNECT_S,
            )
            if self.enter(client):
                self._follow(play)
        finally:
            self._stop_watching(play)

    def _follow(self, play: Play) -> None:
        while not (play.is_over.is_set() or self.venue.may_leave.is_set()):
            if self.is_to_be_cut:
                self._stop_watching(play)
                self._watcher = Watcher()  # who is away sees nothing; nobody can be blamed for that
                self.cut()
                self._watcher = play.sent.watch()
            play.is_over.wait(IDLE_S)

    def _stop_watching(self, play: Play) -> None:
        play.sent.forget(self._watcher)
        if self._watcher.is_mute(time.perf_counter()):
            self._report(Row.SEEN, time.perf_counter(), NOTHING_SHOWN)

    def _see(self, document: dict[str, Any], _: float) -> None:
        for sighting in self._watcher.see(document, time.perf_counter()):
            self.venue.report(Row.SEEN, sighting.kind, sighting.latency_s * 1000, None)


class StrangerUser(User):
    """Knocks again and again, and has to be turned away: it names a match that nobody plays."""

    fixed_count = 1
    abstract = True
    venue: ClassVar[Venue]

    @task
    def knock(self) -> None:
        """Try to log on."""
        self.venue.is_ending.wait(60 / self.venue.scenario.refusals_per_minute)
        if self.venue.is_ending.is_set():
            self.venue.may_leave.wait()
            raise StopUser
        target = self.venue.target
        identity = AuxiliaryIdentity(
            match_id=f"nobody-plays-{secrets.token_hex(4)}",
            name="Stranger",
            client_version=target.client_version,
        )
        client = AuxiliaryClient(target.ingest_url, identity)
        began = time.perf_counter()
        failure: str | None = "it was let in"
        try:
            client.connect()
        except NotLetIn:
            failure = None
        except ServerUnreachable as error:
            failure = error.reason
        self.venue.report(Row.REFUSAL, AuxiliaryUser.kind, (time.perf_counter() - began) * 1000, failure)
        client.close()


KINDS: Final = (ObserverUser.kind, AuxiliaryUser.kind, OverlayUser.kind)


def user_classes(venue: Venue) -> list[type[User]]:
    """Return the classes of users that play in `venue`, as many of each kind as a match has."""
    scenario = venue.scenario
    counts: dict[type[VenueUser], int] = {
        ObserverUser: 1,
        AuxiliaryUser: scenario.auxiliaries,
        OverlayUser: scenario.overlays,
    }
    classes = [
        type(
            kind.__name__.removesuffix("User"),
            (kind,),
            {"venue": venue, "weight": count, "of_each_match": count},
        )
        for kind, count in counts.items()
        if count
    ]
    if scenario.refusals_per_minute:
        classes.append(type("Stranger", (StrangerUser,), {"venue": venue, "abstract": False}))
    return classes
