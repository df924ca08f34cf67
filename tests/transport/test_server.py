import logging
import socket

import pytest

from tests.transport.builders import make_server
from valo_ingest.errors import ConfigError, ListenError
from valo_ingest.transport.packets import SafePacket
from valo_ingest.transport.server import listen


def test_port_0_is_any_free_one() -> None:
    with listen("127.0.0.1", 0, "INGEST_PORT") as bound:
        assert bound.getsockname()[1] > 0
        with socket.create_connection(bound.getsockname(), 5):
            pass


def test_small_answers_do_not_wait_for_an_acknowledgement() -> None:
    with listen("127.0.0.1", 0, "INGEST_PORT") as bound, socket.create_connection(bound.getsockname(), 5):
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_in_use_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(ListenError) as caught:
            listen("127.0.0.1", port, "OUTPUT_PORT")

    error = caught.value
    assert (error.setting, error.host, error.port) == ("OUTPUT_PORT", "127.0.0.1", port)
    assert "another program uses it already" in str(error)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "203.0.113.1"])
def test_a_host_that_is_not_this_machine_is_named(host: str) -> None:
    with pytest.raises(ConfigError, match=f"HOST: .{host}"):
        listen(host, 0, "INGEST_PORT")


def test_messages_of_a_client_are_handled_one_at_a_time() -> None:
    sio = make_server()

    assert sio.async_handlers is False
    assert issubclass(sio.packet_class, SafePacket)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("post request handler error", "what the client sent"),
        ("Unknown receive error", "what the client sent"),
        ("message handler error", "Unexpected binary packet"),
    ],
)
def test_a_fault_of_a_client_is_refused_and_not_logged_each_time(
    caplog: pytest.LogCaptureFixture, text: str, fault: str
) -> None:
    refused: list[str] = []
    logger = make_server(refused.append).eio.logger
    for _ in range(3):
        try:
            raise ValueError(fault)
        except ValueError:
            logger.exception(text)

    assert caplog.records == []
    assert len(refused) == 3
    assert fault not in refused[0]


@pytest.mark.parametrize(
    "text", ["message handler error", "post request handler error", "Unknown receive error"]
)
def test_a_bug_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture, text: str) -> None:
    refused: list[str] = []
    logger = make_server(refused.append).eio.logger
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        logger.exception(text)

    assert refused == []
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None


def test_what_the_libraries_tell_of_every_packet_is_not_logged() -> None:
    sio = make_server()

    assert not sio.logger.isEnabledFor(logging.WARNING)
    assert not sio.eio.logger.isEnabledFor(logging.WARNING)
