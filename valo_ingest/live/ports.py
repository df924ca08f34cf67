"""What running matches need of the world, and what the world may ask of them: small protocols."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from valo_ingest.game.state import Match
from valo_ingest.live.clients import Auxiliary, Client, Observer
from valo_ingest.wire.messages import AuxiliaryLogon, AuxiliaryMessage, ObserverLogon, ObserverMessage


@dataclass(frozen=True, slots=True)
class Organization:
    """Whose access key it is."""

    id: str
    name: str
    is_supporter: bool


class AccessPolicy(Protocol):
    """Decides which access keys are good."""

    def check(self, key: str) -> None:
        """Accept `key`, or refuse it. May block.

        Raises:
            LogonRefused: "Invalid Key", "Expired Key", or "Unknown Error" where nobody can tell.
        """

    def organization_of(self, key: str) -> Organization | None:
        """Return whose key it is; None if it is nobody's. May block."""


class Publisher(Protocol):
    """Shows matches to overlays. None of its methods blocks."""

    def publish(self, match: Match) -> None:
        """Show the newest state of a match, soon; states that come faster than overlays need are skipped."""

    def publish_final(self, match: Match) -> None:
        """Show the last state of a match before anything else happens."""

    def forget(self, group_code: str) -> None:
        """Keep nothing of that match any more."""


class Connections(Protocol):
    """Reaches the clients behind logons."""

    def disconnect(self, client_ids: Iterable[str]) -> None:
        """Disconnect these clients; those that are gone already are no error. Must not block."""


class Controller(Protocol):
    """What the ingest handlers call: `MatchController`, or one of your own. Every method may block.

    A client's calls come one at a time and in the order in which it sent; other clients go on meanwhile.
    """

    def log_on_observer(self, client_id: str, logon: ObserverLogon) -> tuple[Observer, str]:
        """Return the observer and the group secret with which it may come back.

        Raises:
            LogonRefused: The text is what the client is told.
        """

    def log_on_auxiliary(self, client_id: str, logon: AuxiliaryLogon) -> Auxiliary:
        """Return the auxiliary client. Raises as `log_on_observer`."""

    def receive_from_observer(self, sender: Observer, message: ObserverMessage) -> None:
        """Take in one message.

        Raises:
            InvalidMessage: The sender may not write this; nothing has changed.
        """

    def receive_from_auxiliary(self, sender: Auxiliary, message: AuxiliaryMessage) -> None:
        """Take in one message. Raises as `receive_from_observer`."""

    def disconnect(self, client: Client) -> None:
        """A client is gone. Called once for every client that logged on."""
