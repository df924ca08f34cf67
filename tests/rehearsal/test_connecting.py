import pytest

from valo_ingest.errors import ServerUnreachable
from valo_ingest.rehearsal.connecting import checked_url, explanation

URL = "http://192.168.1.20:5100"


@pytest.mark.parametrize("url", [URL, "https://venue.example:5100", "http://[::1]:5100", "http://localhost"])
def test_urls_of_servers_are_taken_without_a_slash_at_their_end(url: str) -> None:
    assert checked_url(url) == checked_url(f"{url}/") == url


@pytest.mark.parametrize(
    "url", ["", "192.168.1.20:5100", "localhost", "ftp://a:5100", "http://", "http://a:99999"]
)
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ServerUnreachable, match="no URL of a server"):
        checked_url(url)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("Failed to establish a new connection: [Errno 111] Connection refused", "nothing listens there"),
        ("[WinError 10061] No connection could be made", "nothing listens there"),
        (
            "SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number')",
            "Write http:// instead of https://",
        ),
        ("SSLError(1, '[SSL: TLSV1_ALERT_PROTOCOL_VERSION]')", "TLS handshake failed"),
        ("Failed to resolve 'venue' ([Errno -2] Name or service not known)", "nobody knows a machine"),
        ("HTTPConnectionPool: Read timed out. (read timeout=10)", "does not answer"),
        ("[Errno 113] No route to host", "does not answer"),
        ("('Connection aborted.', RemoteDisconnected('...'))", "write https:// instead of http://"),
        ("Unexpected status code 404 in server response", "no server of this protocol"),
    ],
)
def test_an_error_says_what_to_do(error: str, told: str) -> None:
    assert told in explanation(error)
