"""Who may come back after a lost connection or a restart, and as whom.

Theory of operation
-------------------
Every connection is given a token in the answer to its Socket.IO CONNECT (`pid`), which the library of today's clients
sends back by itself when it reconnects. A logon makes a session of the connection; whoever brings the token of a
session is the client that it was.

A token works once. The connection that came back is given a new one, and the old one stays good only until the client
has shown, by sending something, that the new one reached it: an answer that was lost must not lock it out, and a token
that somebody overheard is worth nothing once its owner has used it. A session belongs to one connection at a time: one
that comes back takes it from one that is still there, because a pulled cable is noticed late.

Tokens are kept hashed. A session ends with a deliberate disconnect, or when it was lost for longer than its time to
live. That its match is over is for the controller to say.

Of one address only so many lost clients of a kind are kept, and of all together; the one that was lost first makes
room. Otherwise whoever logs on and leaves, again and again, would have the server keep a session each time.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from valo_ingest.clock import Clock
from valo_ingest.live.clients import Client
from valo_ingest.live.ports import Journal, KeptSession

MAX_TOKEN_LENGTH: Final = 64
"""Characters of a token that is looked at; ours are shorter."""


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class Resumed(Struct, frozen=True):
    """A session whose client is back on another connection."""

    client: Client
    previous: Client | None
    """The client on its old connection, if that was still there."""


class Sessions:
    """Gives out tokens, and finds sessions by them."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        new_token: Callable[[], str],
        ttl_ms: int,
        max_lost_per_address: int,
        max_lost: int,
    ) -> None:
        """
        Args:
            new_token: Makes a token that nobody can guess.
            ttl_ms: How long a lost client may stay away.
            max_lost_per_address: Lost clients of one kind and address.
            max_lost: Lost clients of one kind.
        """
        self._clock = clock
        self._journal = journal
        self._new_token = new_token
        self._ttl_ms = ttl_ms
        self._max_lost_per_address = max_lost_per_address
        self._max_lost = max_lost
        self._tokens: dict[str, tuple[str, str]] = {}
        """The token given to each connection, and the address that it comes from."""
        self._sessions: dict[str, KeptSession] = {}
        self._by_client: dict[str, str] = {}
        """The session of each connection that has one."""
        self._by_hash: dict[str, str] = {}
        self._lost: dict[type[Client], dict[str, str | None]] = {}
        """By kind of client, the sessions of those who are lost, the first one first, and their addresses."""
        self._lost_of: dict[tuple[type[Client], str], dict[str, None]] = {}
        """The same by kind and address."""
        self._unconfirmed: set[str] = set()
        """Connections that came back and have not shown yet that they know their new token."""

    def restore(self, kept: Iterable[KeptSession]) -> None:
        """Take over the sessions of an earlier server. Nobody is connected any more."""
        now = self._clock.now_ms()
        for session in kept:
            self._keep(replace(session, lost_at=now if session.lost_at is None else session.lost_at))
            self._note_lost(session, None)

    def offer(self, client_id: str, address: str) -> None:
        """Make the token of a new connection."""
        self._tokens[client_id] = self._new_token(), address

    def token_of(self, client_id: str) -> str | None:
        token, _ = self._tokens.get(client_id, (None, ""))
        return token

    def start(self, client: Client) -> None:
        """Make a session of a connection that has logged on, or tell what has changed about its client."""
        token = self.token_of(client.client_id)
        session_id = self._by_client.get(client.client_id)
        if session_id is not None:
            self._keep(replace(self._sessions[session_id], client=client))
        elif token is not None:
            token_hash = hash_token(token)
            self._by_client[client.client_id] = token_hash
            self._keep(KeptSession(token_hash, (token_hash,), client, lost_at=None))
        self._journal.commit()  # before the client hears that it is logged on

    def resume(self, token: object, client_id: str, kinds: tuple[type[Client], ...]) -> Resumed | None:
        """Return the session of `token`, now on the connection `client_id`; None if the token is not good (any more).

        `offer` has been called for the connection.

        Args:
            kinds: The clients that may come back there.
        """
        if not isinstance(token, str) or not token or len(token) > MAX_TOKEN_LENGTH:
            return None
        used = hash_token(token)
        session = self._sessions.get(self._by_hash.get(used, ""))
        if session is None or not isinstance(session.client, kinds):
            return None
        if self._is_expired(session):
            self._end(session)
            return None
        previous = None
        if session.lost_at is None:
            previous = session.client
            self._by_client.pop(previous.client_id, None)
            self._unconfirmed.discard(previous.client_id)
        self._note_found(session)
        client = replace(session.client, client_id=client_id)
        self._by_client[client_id] = session.session_id
        self._unconfirmed.add(client_id)
        new = hash_token(self._tokens[client_id][0])
        self._keep(replace(session, client=client, lost_at=None, token_hashes=(used, new)))
        self._journal.commit()  # before the client hears of its new token
        return Resumed(client, previous)

    def confirm(self, client_id: str) -> None:
        """The client has sent something, so it knows its new token: the old one is worth nothing from now on."""
        if client_id in self._unconfirmed:
            self._unconfirmed.discard(client_id)
            session = self._sessions[self._by_client[client_id]]
            self._keep(replace(session, token_hashes=session.token_hashes[-1:]))

    def lose(self, client_id: str) -> None:
        """The connection is gone; its client may come back."""
        _, address = self._tokens.get(client_id, ("", ""))
        session = self._leave(client_id)
        if session is not None:
            self._keep(replace(session, lost_at=self._clock.now_ms()))
            self._note_lost(session, address)

    def end(self, client_id: str) -> None:
        """The connection is gone for good."""
        session = self._leave(client_id)
        if session is not None:
            self._end(session)

    def _leave(self, client_id: str) -> KeptSession | None:
        self._tokens.pop(client_id, None)
        self._unconfirmed.discard(client_id)
        return self._sessions.get(self._by_client.pop(client_id, ""))

    def _note_lost(self, session: KeptSession, address: str | None) -> None:
        """Have those make room who were lost first, where there are too many.

        Args:
            address: None if nobody knows it, after a restart.
        """
        kind = type(session.client)
        of_all = self._lost.setdefault(kind, {})
        of_all[session.session_id] = address
        if address is not None:
            of_address = self._lost_of.setdefault((kind, address), {})
            of_address[session.session_id] = None
            if len(of_address) > self._max_lost_per_address:
                self._end(self._sessions[next(iter(of_address))])
        if len(of_all) > self._max_lost:
            self._end(self._sessions[next(iter(of_all))])

    def _note_found(self, session: KeptSession) -> None:
        """The client is back, or its session is over."""
        kind = type(session.client)
        address = self._lost.get(kind, {}).pop(session.session_id, None)
        if address is not None:
            of_address = self._lost_of[kind, address]
            del of_address[session.session_id]
            if not of_address:
                del self._lost_of[kind, address]

    def tick(self) -> None:
        """End sessions that were lost for too long. Call it now and then."""
        for session in [kept for kept in self._sessions.values() if self._is_expired(kept)]:
            self._end(session)

    def _is_expired(self, session: KeptSession) -> bool:
        return session.lost_at is not None and self._clock.now_ms() - session.lost_at >= self._ttl_ms

    def _keep(self, session: KeptSession) -> None:
        before = self._sessions.get(session.session_id)
        for stale in set(before.token_hashes if before else ()) - set(session.token_hashes):
            del self._by_hash[stale]
        for token_hash in session.token_hashes:
            self._by_hash[token_hash] = session.session_id
        self._sessions[session.session_id] = session
        self._journal.keep_session(session)

    def _end(self, session: KeptSession) -> None:
        for token_hash in session.token_hashes:
            self._by_hash.pop(token_hash, None)
        self._note_found(session)
        del self._sessions[session.session_id]
        self._journal.drop_session(session.session_id)
