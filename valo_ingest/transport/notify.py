"""Telling systemd how the service is (sd_notify), which is a datagram to a socket that it names in the environment.

Without such a name nothing is told. A package for it would be a dependency on C code, or one without a release since
2017, for twenty lines.
"""

import logging
import os
import socket
import time
from typing import Final

logger = logging.getLogger(__name__)

SEND_S: Final = 1.0
"""systemd takes datagrams at once. A service must not hang where it does not."""


class ServiceManager:
    """What started the server, if that wants to know about it."""

    def __init__(self, address: str = "", watchdog_s: float = 0.0) -> None:
        """
        Args:
            address: A path, or "@" and the name of an abstract socket; "" for nobody.
            watchdog_s: Without a word for this long the service is killed; 0 means that it never is.
        """
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_s = watchdog_s

    def ready(self, status: str) -> None:
        """The server listens."""
        self._tell("READY=1", f"STATUS={status}")

    def alive(self, status: str) -> None:
        """The server gets round to saying so."""
        self._tell("WATCHDOG=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Settings are read again; `ready` has to follow."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        """The server is about to end."""
        self._tell("STOPPING=1", "STATUS=stopping")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(SEND_S)
                sender.sendto("\n".join(lines).encode(), os.fsencode(self._address))
        except OSError as error:
            logger.warning("systemd cannot be told %s: %s", lines[0], error)
