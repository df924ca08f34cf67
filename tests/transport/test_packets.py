import json
from typing import Any

import pytest
from engineio.packet import Packet as EnginePacket
from hypothesis import given
from hypothesis import strategies as st
from socketio import packet

from valo_ingest.transport.packets import MALFORMED, MAX_ATTACHMENTS, Json, SafePacket, is_engine_packet

EVENT_NAMES = st.text().filter(lambda name: name not in ("connect", "disconnect", "*", MALFORMED))

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=5), values, max_size=4),
    max_leaves=10,
)

NEARLY_PACKETS = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            [
                *'0123456789-,/[]{}"\\x ',
                '["obs_data"',
                '{"_placeholder":true,"num":0}',
                "null",
                "9" * 5_000,
                "[" * 3_000,
                "\\ud800",
                "\x00",
                "²",
            ]
        ),
        max_size=12,
    ),
)


def read(encoded: Any) -> SafePacket:
    return SafePacket(encoded_packet=encoded)


def is_malformed(read_packet: SafePacket) -> bool:
    return read_packet.packet_type in (packet.EVENT, packet.BINARY_EVENT) and read_packet.data == [MALFORMED]


def assert_is_dispatchable(read_packet: SafePacket) -> None:
    """Prove that python-socketio can dispatch a packet without looking at it any further."""
    kind, data = read_packet.packet_type, read_packet.data
    assert kind in (
        packet.CONNECT,
        packet.DISCONNECT,
        packet.EVENT,
        packet.ACK,
        packet.BINARY_EVENT,
        packet.BINARY_ACK,
    )
    if kind in (packet.EVENT, packet.BINARY_EVENT):
        assert isinstance(data, list)
        assert isinstance(data[0], str)
        assert data[0] not in ("connect", "disconnect", "*")
    if kind in (packet.ACK, packet.BINARY_ACK):
        assert isinstance(data, list)
        assert isinstance(read_packet.id, int)
    is_binary = kind in (packet.BINARY_EVENT, packet.BINARY_ACK)
    assert is_binary is (0 < read_packet.attachment_count <= MAX_ATTACHMENTS)


# --- whatever is sent -----------------------------------------------------------------------------------------


@given(st.text() | NEARLY_PACKETS)
def test_any_text_is_a_packet_that_can_be_dispatched(text: str) -> None:
    assert_is_dispatchable(read(text))


@given(
    st.binary() | st.none() | st.booleans() | st.lists(st.integers()) | st.dictionaries(st.text(), st.none())
)
def test_anything_but_text_is_malformed(anything: object) -> None:
    """Engine.IO passes on binary data, and JSON that it has read already."""
    assert is_malformed(read(anything))


@given(NEARLY_PACKETS, st.lists(st.binary() | st.text(), max_size=MAX_ATTACHMENTS))
def test_any_attachments_end_in_a_packet_that_can_be_dispatched(text: str, attachments: list[object]) -> None:
    read_packet = read(text)
    if read_packet.packet_type not in (packet.BINARY_EVENT, packet.BINARY_ACK):
        return
    for attachment in attachments:
        if read_packet.add_attachment(attachment):
            break
    assert isinstance(read_packet.data, list)


@given(EVENT_NAMES, st.lists(JSON_VALUES, max_size=3), st.none() | st.integers(0, 10**6))
def test_what_clients_send_is_read_as_it_is(name: str, arguments: list[object], number: int | None) -> None:
    text = f"2{'' if number is None else number}{json.dumps([name, *arguments])}"

    read_packet = read(text)

    assert (read_packet.packet_type, read_packet.data, read_packet.id) == (
        packet.EVENT,
        [name, *arguments],
        number,
    )


@given(EVENT_NAMES, JSON_VALUES)
def test_what_is_sent_can_be_read_back(name: str, value: object) -> None:
    encoded = SafePacket(packet.EVENT, data=[name, value]).encode()

    assert read(encoded).data == [name, value]


# --- single packets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "2[]",
        '2{"a":1}',
        '2["connect"]',
        '2["disconnect","x"]',
        '2["*"]',
        f'2["{MALFORMED}"]',
        "2[1]",
        '2["a",NaN]',
        r'2["\ud800"]',
        f"2{'[' * 100_000}",
        f'2["a",{"9" * 5_000}]',
        "3[]",
        "30{}",
        "4{}",
        '5["a"]',
        '50-["a"]',
        f'5{MAX_ATTACHMENTS + 1}-["a"]',
        "7",
        "9[]",
        "x",
    ],
    ids=lambda text: text[:20] or "nothing",
)
def test_malformed(text: str) -> None:
    assert is_malformed(read(text))


def test_a_packet_to_be_sent_may_be_empty() -> None:
    assert SafePacket(packet.CONNECT, data={"sid": "x"}).encode() == '0{"sid":"x"}'
    assert SafePacket(packet.DISCONNECT).encode() == "1"


def test_a_binary_event_is_put_together() -> None:
    read_packet = read('51-["obs_data",{"_placeholder":true,"num":0}]')
    assert read_packet.packet_type == packet.BINARY_EVENT

    assert read_packet.add_attachment(b"{}") is True
    assert read_packet.data == ["obs_data", b"{}"]


@pytest.mark.parametrize("number", ["5", '"a"', "null", "0.5", "[]", "{}"])
@pytest.mark.parametrize("kind", ["51-", "61-7"])
def test_a_binary_packet_that_does_not_fit_together_is_malformed(kind: str, number: str) -> None:
    read_packet = read(f'{kind}["obs_data",{{"_placeholder":true,"num":{number}}}]')

    assert read_packet.add_attachment(b"{}") is True
    assert read_packet.packet_type == packet.BINARY_EVENT  # so that it is dispatched as an event
    assert is_malformed(read_packet)


# --- Engine.IO ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["0", "1", "2probe", "3", "4", "42[]", "5", "6", "b", "beHg=", "b!!!"])
def test_a_packet_of_engine_io(text: str) -> None:
    assert is_engine_packet(text)


@pytest.mark.parametrize("text", ["", "7", "9", "x", " 4", "²", "bA", "bA===A", "bä"])
def test_no_packet_of_engine_io(text: str) -> None:
    assert not is_engine_packet(text)


def test_types_of_packets_may_be_narrowed() -> None:
    assert is_engine_packet("4", "1345")
    assert not is_engine_packet("0", "1345")


@given(st.text() | NEARLY_PACKETS)
def test_engine_io_reads_every_packet_that_is_one(text: str) -> None:
    class PacketAsServed(EnginePacket):  # type: ignore[misc]
        json = Json

    if is_engine_packet(text):
        PacketAsServed(encoded_packet=text)
