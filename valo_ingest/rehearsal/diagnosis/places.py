"""Where the three sides of a server are, and how to ask them something."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from http.client import HTTPConnection, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from valo_ingest.errors import ServerUnreachable

ANSWER_S: Final = 5.0
"""How long a side may take to be connected with, and to answer a request."""

MAX_BODY_BYTES: Final = 16 << 20
"""Of an answer; two hundred live matches are reported in less."""

NAME: Final = "valo-ingest doctor"
"""How we call ourselves to servers, so that their logs show who that was."""


class Side(StrEnum):
    INGEST = "ingest"
    OUTPUT = "output"
    EXTRAS = "extras"


USUAL_PORTS: Final[Mapping[Side, int]] = {Side.INGEST: 5100, Side.OUTPUT: 5200, Side.EXTRAS: 5101}
SCHEME_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """One side of a server."""

    side: Side
    scheme: str
    host: str
    port: int
    is_port_guessed: bool = False
    """Whether nobody typed it, so that it is that of the scheme."""

    @property
    def has_tls(self) -> bool:
        return self.scheme == "https"

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def with_scheme(self, scheme: str) -> "Place":
        return replace(self, scheme=scheme)

    def beside(self, side: Side, port: int | None = None) -> "Place":
        """Return another side of the same server, on its usual port where none is given."""
        return replace(
            self, side=side, port=USUAL_PORTS[side] if port is None else port, is_port_guessed=False
        )


def place_of(side: Side, url: str) -> Place:
    """Return where `url` is. Without a scheme it is https, and without a port that of the scheme, as for real clients.

    Raises:
        ServerUnreachable: It is no URL of a server.
    """
    text = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in SCHEME_PORTS or not host or port == 0:
        raise ServerUnreachable(
            url, f"no URL of a server. Give one such as http://192.168.1.20:{USUAL_PORTS[side]}."
        )
    return Place(side, scheme, host, port or SCHEME_PORTS[scheme], is_port_guessed=port is None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and when (epoch s) it was asked for and there. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    asked_at: float
    answered_at: float


def ask(
    place: Place, path: str, headers: Mapping[str, str] | None = None, *, body: bytes | None = None
) -> Answer:
    """Send one request, GET or with a body POST, whatever the certificate is.

    Raises:
        OSError: Nothing answers, or no TLS (`ssl.SSLError`).
        http.client.HTTPException: What answers speaks no HTTP.
    """
    connection: HTTPConnection = HTTPConnection(place.host, place.port, timeout=ANSWER_S)
    if place.has_tls:
        connection = HTTPSConnection(place.host, place.port, timeout=ANSWER_S, context=any_certificate())
    asked_at = time.time()
    try:
        sent = {"User-Agent": NAME, "Connection": "close", **(headers or {})}
        connection.request("GET" if body is None else "POST", path, body=body, headers=sent)
        response = connection.getresponse()
        answered_at = time.time()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read(MAX_BODY_BYTES), asked_at, answered_at)
    finally:
        connection.close()


def any_certificate() -> ssl.SSLContext:
    """Return a context that takes whatever is there, as observer clients do."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
