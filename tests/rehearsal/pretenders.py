"""Servers on loopback that are not what they should be, each in a thread."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
DAY = timedelta(days=1)


@contextmanager
def web_server(
    answers: Mapping[str, Any] | None = None,
    *,
    clock_ahead_s: float = 0,
    certificate: Path | None = None,
    passwords: Callable[[str], bool] = lambda given: True,
) -> Iterator[int]:
    """Serve JSON values by the path without its query; all else is a page of somebody else. Yield the port."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "SomebodyElse/1.0"

        def do_GET(self) -> None:
            value = (answers or {}).get(self.path.partition("?")[0])
            status = 200
            if isinstance(value, tuple):
                status, value = value
            if not passwords(self.headers.get("Authorization", "")) and self.path.startswith("/api"):
                status, value = 401, {"error": "no"}
            body = b"<h1>Hello</h1>" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + timedelta(seconds=clock_ahead_s), usegmt=True)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def talker(greeting: bytes) -> Iterator[int]:
    """Say `greeting` to whoever connects, whatever comes, and hang up. Yield the port."""
    with socket.create_server((HOST, 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    accepted, _ = listening.accept()
                except OSError:
                    return
                with accepted:
                    accepted.sendall(greeting)
                    accepted.shutdown(socket.SHUT_WR)
                    accepted.settimeout(1)
                    accepted.recv(65_536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(2)


def certificate(
    directory: Path, *, name: str = HOST, starts: timedelta = -DAY, ends: timedelta = DAY
) -> Path:
    """Write a self-signed certificate and its key, valid from `starts` to `ends` after now."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + starts)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
