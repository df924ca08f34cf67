"""The clients of a load test that send nothing: overlays, and strangers who are to be turned away."""

import secrets
import time
from typing import Any, ClassVar, Final

from locust import User, task
from locust.exception import StopUser

from valo_ingest.errors import NotLetIn, ServerUnreachable
from valo_ingest.rehearsal.clients import (
    AuxiliaryClient,
    AuxiliaryIdentity,
    OverlayClient,
)
from valo_ingest.rehearsal.load.measurements import Row
from valo_ingest.rehearsal.load.play import Play
from valo_ingest.rehearsal.load.senders import AuxiliaryUser
from valo_ingest.rehearsal.load.sightings import MUTE_AFTER_S, Watcher
from valo_ingest.rehearsal.load.venue import Venue
from valo_ingest.rehearsal.load.venue_user import IDLE_S, RECONNECT_S, VenueUser

NOTHING_SHOWN: Final = f"it was shown nothing any more, for {MUTE_AFTER_S:g} s or longer"


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
            play.sent.forget(self._watcher)

    def _follow(self, play: Play) -> None:
        while not (play.is_over.is_set() or self.venue.may_leave.is_set()):
            if self.is_to_be_cut:
                self._tell_if_mute()
                play.sent.forget(self._watcher)
                self._watcher = Watcher()  # who is away sees nothing; nobody can be blamed for that
                self.cut()
                self._watcher = play.sent.watch()
            play.is_over.wait(IDLE_S)
        self._tell_if_mute()

    def _tell_if_mute(self) -> None:
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
