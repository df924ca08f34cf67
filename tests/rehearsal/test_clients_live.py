"""The clients of rehearsals against a real server."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.e2e.messages import fresh_code
from tests.e2e.proxy import Proxy
from tests.e2e.running import ACCESS_KEY, RunningServer, eventually, serve_command
from valo_ingest.errors import NotLetIn, ServerUnreachable
from valo_ingest.rehearsal import sending
from valo_ingest.rehearsal.accounting import Tally
from valo_ingest.rehearsal.clients import (
    AuxiliaryClient,
    AuxiliaryIdentity,
    ObserverClient,
    ObserverIdentity,
    OverlayClient,
)
from valo_ingest.rehearsal.returning import Client

SOON = (0.05, 0.2)
"""Seconds after which lost clients try to come back, so that tests are quick."""

WITHIN_S = 30

Kind = TypeVar("Kind", bound=Client)


class Venue:
    """Connects clients to a server; all of them are closed in the end."""

    def __init__(self, server: RunningServer, closed: ExitStack) -> None:
        self.server = server
        self.code = fresh_code()
        self.match_id = f"{self.code}-id"
        self.tally = Tally()
        self._closed = closed

    def observer(
        self, url: str | None = None, *, transports: Sequence[str] | None = None, **changes: Any
    ) -> ObserverClient:
        identity = ObserverIdentity(**{"group_code": self.code, "key": ACCESS_KEY, **changes})
        url = self.server.ingest_url if url is None else url
        options = {"tally": self.tally, "reconnect_s": SOON, "transports": transports}
        return self._connected(ObserverClient(url, identity, **options))

    def auxiliary(self, url: str | None = None, **changes: Any) -> AuxiliaryClient:
        identity = AuxiliaryIdentity(**{"match_id": self.match_id, "player_id": "P", **changes})
        url = self.server.ingest_url if url is None else url
        return self._connected(AuxiliaryClient(url, identity, tally=self.tally, reconnect_s=SOON))

    def overlay(self, url: str | None = None, **options: Any) -> OverlayClient:
        url = self.server.output_url if url is None else url
        return self._connected(OverlayClient(url, self.code, reconnect_s=SOON, **options))

    def _connected(self, client: Kind) -> Kind:
        self._closed.callback(client.close)
        client.connect()
        return client


@pytest.fixture
def cable(server: RunningServer) -> Iterator[Proxy]:
    """A cable to the ingest side: who is not let in cannot come back, however long that takes a test."""
    proxy = Proxy(server.ingest_port)
    yield proxy
    proxy.close()


@pytest.fixture
def venue(server: RunningServer) -> Iterator[Venue]:
    with ExitStack() as closed:
        yield Venue(server, closed)


def phase(number: int, name: str = "combat") -> dict[str, Any]:
    return {"roundNumber": number, "roundPhase": name}


def test_what_an_observer_sends_is_seen_by_an_overlay(venue: Venue) -> None:
    seen: list[tuple[Any, float]] = []
    observer = venue.observer()
    overlay = venue.overlay(on_document=lambda document, at: seen.append((document["map"], at)))

    observer.send("map", "Duality")

    assert overlay.wait_for(lambda document: document["map"] == "Bind", WITHIN_S) is not None
    assert overlay.received == len(seen) == 2
    assert seen[-1][0] == "Bind"
    assert seen[-1][1] >= seen[0][1]
    assert len(observer.identity.group_secret) == 12
    assert venue.tally.settle().accepted == 1


def test_auxiliary_clients_send_for_their_player_or_another(venue: Venue) -> None:
    observer = venue.observer()
    observer.send("match_start", venue.match_id)
    venue.tally.settle()
    auxiliary = venue.auxiliary()

    auxiliary.send("aux_health", 50)
    auxiliary.send("aux_health", None)
    auxiliary.send("aux_health", 60, player_id="Q")

    accounts = venue.tally.settle()
    assert (accounts.accepted, accounts.refused) == (3, {"invalid_field": 1})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"key": "wrong"}, "Invalid Key. Give the access key of the server with --key."),
        ({"client_version": "9.9.9"}, "Give one that it takes with --client-version."),
        ({"group_code": ""}, "Invalid packet."),
    ],
)
def test_a_refused_observer_is_told_what_to_do(venue: Venue, changes: dict[str, str], told: str) -> None:
    with pytest.raises(NotLetIn, match=told):
        venue.observer(**changes)


def test_a_live_match_is_not_opened_again(venue: Venue) -> None:
    venue.observer()

    with pytest.raises(NotLetIn, match=r"still live\. Choose another with --group-code\."):
        venue.observer()


def test_an_auxiliary_client_needs_a_live_match(venue: Venue) -> None:
    with pytest.raises(NotLetIn, match=f"Match ID {venue.match_id} not found. It is known once"):
        venue.auxiliary()


def test_who_takes_the_wrong_address_is_told_so(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LOGON_S", 0.2)
    server = venue.server

    for url, told in (
        ("http://127.0.0.1:9", "nothing listens there"),
        (server.ingest_url.replace("http", "https"), "speaks no TLS. Write http:// instead"),
        (server.extras_url, "no server of this protocol"),
        (server.output_url, "does not answer the logon"),
        ("http://no-such-machine.invalid:5100", "nobody knows a machine"),
        ("127.0.0.1:5100", "no URL of a server"),
    ):
        with pytest.raises(ServerUnreachable, match=told):
            venue.observer(url)


def test_a_client_that_polls_may_send_many_events_at_once(venue: Venue) -> None:
    observer = venue.observer(transports=("polling",))

    for number in range(1, 100):
        observer.send("round_info", phase(number))

    assert venue.tally.settle().accepted == 99
    assert observer.returns == 0


def test_proxies_and_certificates_of_the_environment_play_no_role(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")

    venue.observer(transports=("websocket",)).close()
    venue.code = fresh_code()
    venue.observer(transports=("polling",))


def test_what_is_sent_without_a_connection_comes_after_it_and_in_order(cable: Proxy, venue: Venue) -> None:
    observer = venue.observer(cable.url)
    overlay = venue.overlay()
    observer.send("match_start", venue.match_id)
    venue.tally.settle()

    cable.lets_in = False
    observer.drop()
    assert not observer.is_connected
    for number in range(1, 8):
        observer.send("round_info", phase(number))
    cable.lets_in = True

    assert observer.wait_until_back(WITHIN_S)
    accounts = venue.tally.settle()
    assert (accounts.accepted, accounts.lost) == (8, 0)
    assert overlay.wait_for(lambda document: document["roundNumber"] == 7, WITHIN_S) is not None
    assert overlay.wait_for(lambda document: bool(document["isRunning"]), WITHIN_S) is not None
    eventually(lambda: observer.returns == 1, "it counts its return")


def test_clients_come_back_when_the_cable_breaks_and_overlays_too(venue: Venue) -> None:
    ingest, output = Proxy(venue.server.ingest_port), Proxy(venue.server.output_port)
    try:
        observer, overlay = venue.observer(ingest.url), venue.overlay(output.url)
        ingest.reset()
        output.reset()
        eventually(lambda: observer.returns == 1 and overlay.returns == 1, "both are back")

        observer.send("map", "Duality")

        assert overlay.wait_for(lambda document: document["map"] == "Bind", WITHIN_S) is not None
        assert venue.tally.settle().accepted == 1
    finally:
        observer.close()
        overlay.close()
        ingest.close()
        output.close()


def test_the_end_of_a_match_is_the_answer_to_its_last_event(venue: Venue) -> None:
    observer = venue.observer()
    observer.send("match_start", venue.match_id)
    venue.tally.settle()
    auxiliary = venue.auxiliary()

    observer.send("round_info", phase(1, "game_end"))

    accounts = venue.tally.settle()
    assert (accounts.accepted, accounts.lost) == (2, 0)
    eventually(lambda: observer.is_over and auxiliary.is_over, "both are let go")
    auxiliary.send("aux_health", 1)
    assert venue.tally.settle().lost == 1


def test_a_client_whose_match_ended_meanwhile_gives_up(cable: Proxy, venue: Venue) -> None:
    observer = venue.observer()
    observer.send("match_start", venue.match_id)
    venue.tally.settle()
    auxiliary = venue.auxiliary(cable.url)
    cable.lets_in = False
    auxiliary.drop()
    auxiliary.send("aux_health", 1)

    observer.send("round_info", phase(1, "game_end"))
    eventually(lambda: observer.is_over, "the match is over")
    cable.lets_in = True

    assert not auxiliary.wait_until_back(WITHIN_S)
    assert auxiliary.failure is not None
    assert venue.tally.settle().lost_by_type == {"aux_health": 1}


def test_what_a_rehearsal_does_not_want_to_send_any_more_is_not_lost(cable: Proxy, venue: Venue) -> None:
    observer = venue.observer(cable.url)
    cable.lets_in = False
    observer.drop()
    observer.send("map", "Duality")
    observer.discard_waiting()

    observer.close()

    assert venue.tally.settle().sent == 0


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_any_certificate_will_do(tmp_path: Path) -> None:
    command = serve_command("--self-signed", "--auth-key", ACCESS_KEY)
    server = RunningServer(tmp_path, command, scheme="https")
    try:
        with ExitStack() as closed:
            venue = Venue(server, closed)
            observer, overlay = venue.observer(), venue.overlay()

            observer.send("map", "Duality")

            assert overlay.wait_for(lambda document: document["map"] == "Bind", WITHIN_S) is not None
            with pytest.raises(ServerUnreachable, match="write https:// instead of http://"):
                venue.observer(server.ingest_url.replace("https", "http"))
    finally:
        server.close()
