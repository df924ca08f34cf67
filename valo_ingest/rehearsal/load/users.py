"""The clients of a load test, as users of locust. Each plays one match after the other, as long as the run lasts."""

from typing import Final

from locust import User

from valo_ingest.rehearsal.load.onlookers import OverlayUser, StrangerUser
from valo_ingest.rehearsal.load.senders import AuxiliaryUser, ObserverUser
from valo_ingest.rehearsal.load.venue import Venue
from valo_ingest.rehearsal.load.venue_user import VenueUser

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
