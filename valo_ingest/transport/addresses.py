"""Under which addresses and names other machines reach this one."""

import ipaddress
import re
import socket
from typing import Final

import psutil

HOST_NAME: Final = re.compile(
    r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*", re.ASCII
)

VIRTUAL_INTERFACE: Final = re.compile(
    r"docker|br-|veth|virbr|vmnet|vboxnet|cni|flannel|vEthernet|VirtualBox|VMware"
)
"""Networks between this machine and its own guests. They look private, but no client of a production is there."""


def lan_addresses() -> list[str]:
    """Return the IPv4 addresses of this machine that others may reach, the likeliest first.

    IPv6 is left out: these addresses are long to type and, made for privacy, change every day.
    """
    states = psutil.net_if_stats()
    found: set[tuple[bool, bool, str, ipaddress.IPv4Address]] = set()
    for interface, entries in psutil.net_if_addrs().items():
        if interface in states and not states[interface].isup:
            continue
        for entry in entries:
            if entry.family == socket.AF_INET:
                address = ipaddress.IPv4Address(entry.address)
                if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                    virtual = VIRTUAL_INTERFACE.search(interface) is not None
                    found.add((virtual, not address.is_private, interface, address))
    return list(dict.fromkeys(str(address) for *_, address in sorted(found)))


def host_names() -> list[str]:
    """Return the names of this machine, also the one that mDNS announces (NAME.local)."""
    name = socket.gethostname().lower()
    candidates = [name, socket.getfqdn().lower(), f"{name.split('.')[0]}.local"]
    return list(dict.fromkeys(each for each in candidates if HOST_NAME.fullmatch(each)))
