"""What running matches need of the world, and what the world may ask of them: small protocols."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from valo_ingest.errors import MatchIsLive
from valo_ingest.game.state import Match
from valo_ingest.live.clients import Auxiliary, Client, Observer, Sender
from valo_ingest.wire.messages import AuxiliaryLogon, AuxiliaryMessage, ObserverLogon, ObserverMessage
from valo_ingest.wire.record import Entry, KeyHolder, Opening


class AccessPolicy(Protocol):
    """Decides which access keys are good."""

    def check(self, key: str) -> KeyHolder:
        """Accept `key` and return whose it is, or refuse it. May block.

        Where no key is required, one that is nobody's is accepted, too.

        Raises:
            LogonRefused: "Invalid Key", "Expired Key", or "Unknown Error" where nobody can tell.
        """

    def holder_of(self, key: str) -> KeyHolder:
        """Return whose key it is, whether or not one is required. May block.

        Raises:
            LogonRefused: It is nobody's; as `check`.
        """


class Publisher(Protocol):
    """Shows matches to overlays. None of its methods blocks."""

    def publish(self, match: Match) -> None:
        """Show the newest state of a match, soon; states that come faster than overlays need are skipped."""

    def publish_final(self, match: Match) -> None:
        """Show the last state of a match before anything else happens."""

    def recall(self, match: Match) -> None:
        """Have the state of a match ready for those who ask; nobody who looks has missed it."""

    def forget(self, group_code: str) -> None:
        """Keep nothing of that match any more."""


class Connections(Protocol):
    """Reaches the clients behind logons."""

    def disconnect(self, client_ids: Iterable[str]) -> None:
        """Disconnect these clients; those that are gone already are no error. Must not block."""

    def address_of(self, client_id: str) -> str:
        """Return where a client connects from; "" if it is gone."""

    def tell_active(self, client_id: str) -> None:
        """Tell a stand-by that it is the active observer from now on. Must not block."""


class WatchingOverlay(Struct, frozen=True, kw_only=True):
    """An overlay that is connected, and since when (epoch ms) it was not able to take documents of which matches."""

    address: str
    connected_at: int
    group_codes: tuple[str, ...]
    owed_since: Mapping[str, int]


class Overlays(Protocol):
    """Knows the overlays that are connected."""

    def watching(self) -> Iterable[WatchingOverlay]:
        """Return those that have logged on."""


class KeptSession(Struct, frozen=True):
    """A session as the journal keeps it. Its tokens are hashed."""

    session_id: str
    token_hashes: tuple[str, ...]
    client: Client
    lost_at: int | None


class KeptMatch(Struct, kw_only=True):
    """A match as the journal kept it. The key and the group secrets are hashed."""

    number: int
    opening: Opening
    match: Match
    key_hash: str
    secret_hashes: frozenset[str]
    last_entry: int
    entry_count: int
    ended_at: int | None


class ArchivedMatch(Struct, frozen=True, kw_only=True):
    """A match that is kept, after its last entry. `ended_at` is None while it is live."""

    number: int
    opening: Opening
    match: Match
    first_entry: int
    last_entry: int
    entry_count: int
    ended_at: int | None

    @property
    def is_live(self) -> bool:
        return self.ended_at is None

    def check_ended(self) -> None:
        """Raise `MatchIsLive` if it is."""
        if self.is_live:
            raise MatchIsLive(self.number, self.opening.setup.group_code)


class Records(Protocol):
    """The matches that are kept, however long ago they ended. Every method blocks for a while."""

    def find(self, name: str) -> ArchivedMatch:
        """Return the latest match of a group code, or the one of a number: "#12".

        Raises:
            UnknownMatch: There is none.
            JournalFault: The journal cannot be read, or not what it keeps of that match.
        """

    def latest(self, count: int) -> Sequence[ArchivedMatch]:
        """Return the matches that ended, the newest first, and no more than `count`. Raises `JournalFault`."""

    def entries(self, archived: ArchivedMatch) -> Iterator[Entry]:
        """Yield the entries that led to `archived`. Raises `JournalFault`."""


class Kept(Struct, frozen=True):
    """What the journal kept from an earlier server, up to `latest_at` (epoch ms)."""

    matches: Sequence[KeptMatch] = ()
    sessions: Sequence[KeptSession] = ()
    latest_at: int = 0


class JournalHealth(Struct, frozen=True):
    """Whether the journal can be written: what is wrong ("" if nothing is), and how many entries wait."""

    fault: str
    waiting: int


class DiskState(Struct, frozen=True):
    """How the disk of the data directory is: its room, or what is wrong with it."""

    free_bytes: int | None
    """None: it cannot be read or written."""
    fault: str


class Journal(Protocol):
    """Keeps matches and sessions. Everything but `commit` only queues."""

    def open_match(self, opening: Opening, match: Match, *, key_hash: str, secret_hash: str) -> int:
        """Begin the record of a match; return its number, which no other match has."""

    def add_secret(self, number: int, secret_hash: str) -> None:
        """The match has one more group secret."""

    def append(self, number: int, entry: Entry, after: Match) -> None:
        """Add an entry to the record of a match, which is `after` then."""

    def end_match(self, number: int, at: int) -> None:
        """The match is over since `at` (epoch ms); nothing will be added to its record."""

    def keep_session(self, session: KeptSession) -> None:
        """Keep a session, in place of what was kept of it before."""

    def drop_session(self, session_id: str) -> None:
        """Keep a session no longer."""

    def commit(self) -> int:
        """Write what is queued; return how many entries were written.

        Where that fails, it stays queued: the journal complains, and nobody else fails.
        """

    def health(self) -> JournalHealth:
        """Tell whether it can be written."""


class Controller(Protocol):
    """What the ingest handlers call: `MatchController`, or one of your own. Every method may block.

    A client's calls come one at a time and in the order in which it sent; other clients go on meanwhile.
    """

    def log_on_observer(self, client_id: str, logon: ObserverLogon, address: str) -> tuple[Observer, str]:
        """Return the observer and the group secret with which it may come back.

        Args:
            address: Where it connects from.

        Raises:
            LogonRefused: The text is what the client is told.
        """

    def log_on_auxiliary(self, client_id: str, logon: AuxiliaryLogon) -> Auxiliary:
        """Return the auxiliary client. Raises as `log_on_observer`."""

    def resume(self, sender: Sender) -> bool:
        """A client that was lost is back on another connection; tell whether there still is a match for it."""

    def adopt(self, client_id: str, message: ObserverMessage, address: str) -> Observer | None:
        """Return the observer that a connection without a logon must be; None if nobody can tell."""

    def receive_from_observer(self, sender: Observer, message: ObserverMessage) -> None:
        """Take in one message.

        Raises:
            InvalidMessage: The sender may not write this; nothing has changed.
            LeftAside: The sender is a stand-by, which it is told once; nothing has changed.
        """

    def receive_from_auxiliary(self, sender: Auxiliary, message: AuxiliaryMessage) -> Auxiliary:
        """Take in one message; return the sender as it is known now. Raises as `receive_from_observer`."""

    def disconnect(self, sender: Sender) -> None:
        """A client is gone. Called once for every connection that logged on or came back."""
