"""Clients that type https:// where http:// is right, or the reverse: recognised by what they send first, and told.

Who speaks TLS to a plain port is recognised by the first byte, which no HTTP request begins with. Who speaks plain HTTP
to a port with TLS is found by OpenSSL, so a good handshake costs nothing more. Both are answered in plain HTTP: a
person with a browser or curl can read it, and a TLS client fails at once instead of after its time.
"""

import ssl
from contextlib import suppress
from typing import Final

from gevent import socket

TLS_HANDSHAKE: Final = b"\x16"
"""The type of the record that opens every TLS connection, a control character."""

HTTP_FAULTS: Final = frozenset({"HTTP_REQUEST", "HTTPS_PROXY_REQUEST"})
"""What OpenSSL calls it when a plain request comes instead of a handshake."""

CERTIFICATE_FAULTS: Final = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "TLSV1_ALERT_UNKNOWN_CA",
    }
)
"""What OpenSSL calls it when a client breaks the handshake off because it does not like the certificate."""

ANSWER_S: Final = 1.0
"""How long such a client may take to read what it is told."""

REQUEST_BYTES: Final = 65_536


def tls_on_plain_port(port: int) -> str:
    """Return what is wrong with a client that speaks TLS to the plain port `port`, and what to do."""
    return (
        f"a client speaks TLS (https://) to port {port}, which has none. Type http:// in it, and port {port}"
    )


def plain_on_tls_port(port: int) -> str:
    """Return what is wrong with a client that speaks plain HTTP to `port`, which has TLS, and what to do."""
    return (
        f"a client speaks plain http:// to port {port}, which has TLS. Type https:// in it, and port {port}"
    )


def bad_request(text: str) -> bytes:
    """Return a whole HTTP response that says `text`."""
    body = f"Bad request: {text}.\n".encode()
    head = (
        "HTTP/1.1 400 Bad Request\r\n"
        "Connection: close\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def answer_in_plain(wrapped: ssl.SSLSocket, text: str) -> None:
    """Say `text` to a client whose handshake failed because it speaks plain HTTP. The connection is closed then."""
    with suppress(OSError), socket.socket(fileno=wrapped.detach()) as plain:
        plain.settimeout(ANSWER_S)
        plain.sendall(bad_request(text))
        plain.shutdown(socket.SHUT_WR)
        plain.recv(REQUEST_BYTES)  # closing with unread data would take the answer back on its way
