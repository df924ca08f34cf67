import ipaddress
import socket
from types import SimpleNamespace

import psutil
import pytest

from valo_ingest.transport.addresses import host_names, lan_addresses

Interfaces = dict[str, list[tuple[int, str]]]


def pretend(monkeypatch: pytest.MonkeyPatch, interfaces: Interfaces, *, down: str = "") -> None:
    """Let this machine have these network interfaces."""
    addresses = {
        name: [SimpleNamespace(family=family, address=address) for family, address in entries]
        for name, entries in interfaces.items()
    }
    states = {name: SimpleNamespace(isup=name != down) for name in interfaces}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: states)


def test_private_addresses_come_first_and_those_of_guests_last(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(
        monkeypatch,
        {
            "docker0": [(socket.AF_INET, "172.17.0.1")],
            "eth0": [(socket.AF_INET, "8.8.4.4")],
            "eth1": [(socket.AF_INET, "192.168.1.20")],
        },
    )

    assert lan_addresses() == ["192.168.1.20", "8.8.4.4", "172.17.0.1"]


def test_what_no_other_machine_reaches_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(
        monkeypatch,
        {
            "lo": [(socket.AF_INET, "127.0.0.1")],
            "eth0": [(socket.AF_INET6, "fe80::1%eth0"), (socket.AF_INET, "10.0.0.5")],
            "eth1": [(socket.AF_INET, "169.254.7.7")],
            "eth2": [(socket.AF_INET, "10.0.0.6")],
        },
        down="eth2",
    )

    assert lan_addresses() == ["10.0.0.5"]


def test_an_address_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, {"a": [(socket.AF_INET, "10.0.0.5")], "b": [(socket.AF_INET, "10.0.0.5")]})

    assert lan_addresses() == ["10.0.0.5"]


def test_this_machine_can_be_asked() -> None:
    for address in lan_addresses():
        assert not ipaddress.IPv4Address(address).is_loopback


def test_names_are_those_that_a_certificate_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Studio-PC")
    monkeypatch.setattr(socket, "getfqdn", lambda: "studio-pc.example.org")

    assert host_names() == ["studio-pc", "studio-pc.example.org", "studio-pc.local"]


def test_a_name_that_no_certificate_can_hold_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "büro pc")
    monkeypatch.setattr(socket, "getfqdn", lambda: "pc.example.org")

    assert host_names() == ["pc.example.org"]
