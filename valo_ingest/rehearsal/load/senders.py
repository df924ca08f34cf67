"""The clients of a load test that send: observers and auxiliary clients."""

import time
from collections.abc import Callable, Iterator
from typing import Final

import gevent

from valo_ingest.game.state import GAME_END
from valo_ingest.rehearsal.accounting import Tally
from valo_ingest.rehearsal.clients import (
    AuxiliaryClient,
    AuxiliaryIdentity,
    ObserverClient,
    ObserverIdentity,
)
from valo_ingest.rehearsal.load.measurements import Row
from valo_ingest.rehearsal.load.play import Play
from valo_ingest.rehearsal.load.venue_user import IDLE_S, LOOK_S, RECONNECT_S, VenueUser
from valo_ingest.rehearsal.simulation.feed import OBSERVER, Step
from valo_ingest.wire.names import ObserverType

PATIENCE_S: Final = 3.0
"""A client waits for answers as long as some come; when none has come for so long, there will be no more."""

LONGEST_WAIT_S: Final = 30.0
"""But it does not wait for longer than that."""

LAST_DOCUMENT_S: Final = 0.5
"""Overlays stay so long after the end of a match."""


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
        self._client = client
        self._player_id = player_id
        play.busy += 1  # while it logs on, too: the server would know no match that has ended meanwhile
        try:
            if not self.enter(client):
                return
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
