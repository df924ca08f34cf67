"""Who may look at the operator's pages, and who may act.

Theory of operation
-------------------
The operator's password opens everything: typed into the log-in form it makes a session, whose token is in a cookie;
a script sends it as a bearer token, and may read. On the machine of the server itself one may read without it. What
counts there is where the connection comes from, and nothing that a request says: but a request that says that it was
forwarded, or that was sent to a name which is not this machine's own, is not taken for local. The latter is how a page
of somebody else's, in a browser on that machine, would look (DNS rebinding).

Acting takes a session, the token of the form that was filled in, and an `Origin` that is ours. The cookie is never sent
along with a request that another site makes (SameSite), nor can any script read it (HttpOnly).

Tokens are kept hashed, and in memory only: after a restart one logs in again. Secrets are compared in a time that does
not tell how much of them is right. Wrong passwords of an address are counted, by the network where that is IPv6, whose
addresses one machine has as many of as it likes; whoever was wrong too often has to wait.
"""

import hashlib
import hmac
import ipaddress
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from valo_ingest.errors import WrongPassword
from valo_ingest.transport.limits import Buckets, network_of

Environ = Mapping[str, Any]

COOKIE: Final = "valo_ingest_session"

SESSION_S: Final = 12 * 60 * 60
"""A match day."""

MAX_SESSIONS: Final = 100
"""At most this many are kept; the oldest makes room."""

WRONG_PASSWORDS_BURST: Final = 10
WRONG_PASSWORDS_PER_S: Final = 0.1
"""Ten are free, and then there is one every ten seconds."""

FORWARDED: Final = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_REAL_IP",
    "HTTP_VIA",
)
"""Headers of requests that somebody passes on: the address of the connection is not its sender's."""

BEARER: Final = "bearer"

CHALLENGE: Final = ("WWW-Authenticate", 'Bearer realm="valo-ingest"')
"""How a script shows who it is. RFC 9110 wants it beside every 401."""


class Session(Struct, frozen=True):
    """Somebody who has logged in. `form_token` is in every form that acts."""

    token_hash: str
    form_token: str
    ends_at: float


class Guard:
    """Lets the operator in, and nobody else."""

    def __init__(
        self,
        *,
        password: str | None,
        is_tls: bool,
        new_token: Callable[[], str],
        refuse: Callable[[str, str, str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            password: None lets nobody in; then one can only read, and on this machine alone.
            new_token: Makes a token that nobody can guess.
            refuse: Is told the address, a word that is counted, and what happened.
        """
        self._password_hash = None if password is None else _hash(password)
        self._is_tls = is_tls
        self._new_token = new_token
        self._refuse = refuse
        self._now = now
        self._wrong = Buckets(WRONG_PASSWORDS_PER_S, WRONG_PASSWORDS_BURST, now)
        self._sessions: dict[str, Session] = {}

    @property
    def has_password(self) -> bool:
        """Tell whether anybody can log in."""
        return self._password_hash is not None

    def may_read(self, environ: Environ) -> bool:
        return self.session(environ) is not None or is_local(environ)

    def check_bearer(self, environ: Environ) -> bool:
        """Tell whether a request brings the password as a bearer token.

        Raises:
            WrongPassword: It brings another.
        """
        scheme, _, token = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
        if scheme.lower() != BEARER:
            return False
        self._check(environ, token.strip().encode("latin-1").decode(errors="replace"))
        return True

    def session(self, environ: Environ) -> Session | None:
        """Return the session of a request; None if it has none, or none that goes on."""
        token = _cookie(environ)
        return None if token is None else self.session_of(_hash(token))

    def session_of(self, token_hash: str) -> Session | None:
        """Return the session of a hashed token, if it goes on."""
        session = self._sessions.get(token_hash)
        if session is not None and self._now() >= session.ends_at:
            del self._sessions[token_hash]
            return None
        return session

    def log_in(self, environ: Environ, password: str) -> str:
        """Begin a session; return the cookie for it.

        Raises:
            WrongPassword: The password is not the operator's, or there were too many before and it was not looked at.
        """
        self._check(environ, password)
        token = self._new_token()
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        ends_at = self._now() + SESSION_S
        self._sessions[_hash(token)] = Session(_hash(token), self._new_token(), ends_at)
        return self._written(token, SESSION_S)

    def log_out(self, environ: Environ) -> str:
        """End the session of a request; return the cookie that takes its place."""
        token = _cookie(environ)
        if token is not None:
            self._sessions.pop(_hash(token), None)
        return self._written("", 0)

    def may_act(self, environ: Environ, form_token: str) -> bool:
        """Tell whether a request of a form may change anything: it has a session, and comes from a page of ours."""
        session = self.session(environ)
        return (
            session is not None
            and hmac.compare_digest(session.form_token.encode(), form_token.encode(errors="replace"))
            and self.is_of_our_origin(environ)
        )

    def is_of_our_origin(self, environ: Environ) -> bool:
        """Tell whether a form was sent from a page of ours, as far as its browser says so."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            return environ.get("HTTP_SEC_FETCH_SITE", "same-origin") in ("same-origin", "none")
        return str(origin).lower().partition("://")[2] == str(environ.get("HTTP_HOST", "")).lower() != ""

    def _check(self, environ: Environ, password: str) -> None:
        network = network_of(str(environ.get("REMOTE_ADDR", "")))
        wait_s = self._wrong.take(network, 0)
        if wait_s > 0:
            raise WrongPassword(math.ceil(wait_s))
        if self._password_hash is None or not hmac.compare_digest(_hash(password), self._password_hash):
            self._refuse(str(environ.get("REMOTE_ADDR", "")), "wrong_password", "not the operator's password")
            self._wrong.take(network, 1)
            raise WrongPassword(0)

    def _written(self, token: str, max_age_s: int) -> str:
        secure = "; Secure" if self._is_tls else ""
        return f"{COOKIE}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}"


def is_local(environ: Environ) -> bool:
    """Tell whether a request comes from this machine, and was meant for it."""
    if any(name in environ for name in FORWARDED):
        return False
    return _is_loopback(str(environ.get("REMOTE_ADDR", ""))) and _is_own_name(
        str(environ.get("HTTP_HOST", ""))
    )


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _is_own_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


def _cookie(environ: Environ) -> str | None:
    for cookie in str(environ.get("HTTP_COOKIE", "")).split(";"):
        name, _, value = cookie.partition("=")
        if name.strip() == COOKIE:
            return value.strip()
    return None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
