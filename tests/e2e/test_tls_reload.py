"""A certificate is renewed while matches go on."""

import signal
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from tests.conftest import StartServer
from tests.e2e import messages
from tests.e2e.messages import fresh_code
from tests.e2e.running import ACCESS_KEY, RunningServer, eventually
from tests.e2e.sockets import WebSocketClient
from valo_ingest.transport.tls import self_signed_pair


def make_pair(directory: Path) -> tuple[Path, Path]:
    return self_signed_pair(directory, names=[], addresses=[], now=datetime.now(UTC))


def serial_number(server: RunningServer) -> int:
    """Return that of the certificate which a new connection is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", server.ingest_port), timeout=10) as connection,
        context.wrap_socket(connection) as wrapped,
    ):
        shown = wrapped.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def test_new_connections_get_the_new_certificate_and_old_ones_go_on(
    start_server: StartServer, tmp_path: Path
) -> None:
    key, cert = make_pair(tmp_path / "pair")
    server = start_server(
        "--server-key",
        str(key),
        "--server-cert",
        str(cert),
        "--auth-key",
        ACCESS_KEY,
        "--tls-reload",
        scheme="https",
    )
    before = serial_number(server)
    code = fresh_code()
    observer = WebSocketClient(server.ingest_port, scheme="wss")
    overlay = WebSocketClient(server.output_port, scheme="wss")
    observer.emit("obs_logon", messages.observer_logon(code))
    assert observer.wait_for("obs_logon_ack")["value"]
    overlay.emit("logon", {"groupCode": code})
    overlay.wait_for("match_data")

    new_key, new_cert = make_pair(tmp_path / "renewed")
    new_key.replace(key)
    new_cert.replace(cert)
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: serial_number(server) != before, "a new connection is shown the new certificate")

    observer.emit("obs_data", messages.observer_data(code, "map", "Ascent"))
    overlay.wait_for("match_data", lambda document: document["map"] == "Ascent")


def test_a_certificate_that_cannot_be_used_changes_nothing(start_server: StartServer, tmp_path: Path) -> None:
    key, cert = make_pair(tmp_path / "pair")
    server = start_server(
        "--server-key",
        str(key),
        "--server-cert",
        str(cert),
        "--auth-key",
        ACCESS_KEY,
        "--tls-reload",
        scheme="https",
    )
    before = serial_number(server)

    cert.write_text("half a certif", encoding="utf-8")
    server.process.send_signal(signal.SIGHUP)

    eventually(
        lambda: "the certificate stays as it was: SERVER_CERT" in server.log, "the log says what is wrong"
    )
    assert serial_number(server) == before
    server.assert_no_traceback()
