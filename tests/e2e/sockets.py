"""A Socket.IO client that can also misbehave: it says what it is told to, packet by packet."""

import json
import socket
import ssl
import struct
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any, Final

import websocket

PATH: Final = "/socket.io/?EIO=4&transport="

TIMEOUT_S: Final = 20

SEPARATOR: Final = "\x1e"
"""Between the packets of one polling request."""

Event = tuple[str, list[Any]]
Payload = Any
"""Text, bytes or an object: how a client may send the argument of an event."""


DISCONNECTED: Final = "disconnected by a packet"
CLOSED: Final = "closed by a frame"
BROKEN: Final = "broken without a word"


class Closed(Exception):
    """The server ended the connection; the text says how."""


def event_packet(event: str, *arguments: Any) -> str:
    return "42" + json.dumps([event, *arguments])


class WebSocketClient:
    """A client on a WebSocket, logged on to nothing."""

    def __init__(self, port: int, *, scheme: str = "ws", receive_buffer: int = 0) -> None:
        """
        Args:
            receive_buffer: How many bytes the system keeps that were not read yet; 0 leaves that to it.
        """
        self._socket = websocket.create_connection(
            f"{scheme}://127.0.0.1:{port}{PATH}websocket",
            timeout=TIMEOUT_S,
            enable_multithread=False,
            sockopt=((socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer),) if receive_buffer else (),
            sslopt={"cert_reqs": ssl.CERT_NONE, "check_hostname": False},
        )
        self.received: list[Event] = []
        self._looked_at = 0
        self._await_text("0")
        self.send_packet("40")
        self._await_text("40")

    def send_packet(self, text: str) -> None:
        """Send an Engine.IO packet as it is."""
        self._socket.send(text)

    def send_frame(self, payload: str | bytes, opcode: int) -> None:
        """Send a WebSocket frame as it is."""
        self._socket.send(payload, opcode)

    def send_bytes(self, content: bytes) -> None:
        """Send what is binary: an attachment of the packet before."""
        self._socket.send_binary(content)

    def send_raw(self, content: bytes) -> None:
        """Send bytes past the WebSocket: several frames at once, or none that makes sense."""
        self._tcp.sendall(content)

    def emit(self, event: str, payload: Payload) -> None:
        if isinstance(payload, bytes):
            self.send_packet(f'451-["{event}",{{"_placeholder":true,"num":0}}]')
            self.send_bytes(payload)
        else:
            self.send_packet(event_packet(event, payload))

    def wait_for(
        self, event: str, where: Callable[[Any], bool] = lambda _: True, *, within_s: float = TIMEOUT_S
    ) -> Any:
        """Return the JSON value of the next `event` for which `where` holds; what came before it counts as seen.

        Raises:
            Closed: The connection ended instead.
        """
        deadline = time.monotonic() + within_s
        while True:
            while self._looked_at < len(self.received):
                name, arguments = self.received[self._looked_at]
                self._looked_at += 1
                if name == event and where(value := json.loads(arguments[0])):
                    return value
            left = deadline - time.monotonic()
            if left <= 0 or not self._receive(left):
                raise AssertionError(f"no {event} within {within_s} s; received {self.received!r:.2000}")

    def wait_closed(self) -> str:
        """Return how the server ended it, when it has: `DISCONNECTED`, `CLOSED` or `BROKEN`."""
        try:
            while self._receive(TIMEOUT_S):
                pass
        except Closed as error:
            return str(error)
        raise AssertionError("the connection stays open")

    def answer_pings(self) -> None:
        """Take in what is there already; without this, a client that only sends is given up after 45 s."""
        while self._receive(0):
            pass

    def close(self) -> None:
        """Go away without a word, as a program that ends does."""
        self._socket.shutdown()

    def reset(self) -> None:
        """Go away as a machine does that was unplugged and is there again."""
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.shutdown()

    @property
    def _tcp(self) -> socket.socket:
        assert self._socket.sock is not None
        return self._socket.sock

    def _await_text(self, start: str) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while (text := self._read(deadline - time.monotonic())) is not None:
            if text.startswith(start):
                return
            self._keep(text)
        raise AssertionError(f"no packet {start}")

    def _receive(self, timeout_s: float) -> bool:
        """Take in one packet; tell whether there was one in time."""
        text = self._read(timeout_s)
        if text is not None:
            self._keep(text)
        return text is not None

    def _read(self, timeout_s: float) -> str | None:
        self._socket.settimeout(max(timeout_s, 0.001))
        try:
            opcode, content = self._socket.recv_data()
        except websocket.WebSocketTimeoutException:
            return None
        except (websocket.WebSocketException, OSError) as error:
            raise Closed(BROKEN) from error
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Closed(CLOSED)
        return str(content, "utf-8")

    def _keep(self, text: str) -> None:
        if text == "2":
            self.send_packet("3")
        elif text.startswith("41"):
            raise Closed(DISCONNECTED)
        elif text.startswith("42"):
            name, *arguments = json.loads(text[2:])
            self.received.append((name, arguments))


class PollingClient:
    """A client that polls, logged on to nothing."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._address = f"{PATH}polling"
        self.received: list[Event] = []
        self._looked_at = 0
        self._is_disconnected = False
        opened = json.loads(self._ask("GET")[1:])
        self.sid: str = opened["sid"]
        self._address += f"&sid={self.sid}"
        self.send_packets("40")
        assert self._ask("GET").startswith("40")

    def send_packets(self, *packets: str) -> str:
        """Send Engine.IO packets in one request; return what the server answers."""
        return self.send_body(SEPARATOR.join(packets).encode())

    def send_body(self, body: bytes) -> str:
        """Send the body of a request as it is; return what the server answers."""
        return self._ask("POST", body)

    def emit(self, event: str, payload: Payload) -> None:
        self.send_packets(event_packet(event, payload))

    def wait_for(self, event: str, where: Callable[[Any], bool] = lambda _: True) -> Any:
        """Return the JSON value of the next `event` for which `where` holds."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            while self._looked_at < len(self.received):
                name, arguments = self.received[self._looked_at]
                self._looked_at += 1
                if name == event and where(value := json.loads(arguments[0])):
                    return value
            self._poll()
        raise AssertionError(f"no {event}; received {self.received!r:.2000}")

    def wait_closed(self) -> None:
        """Return when the server has disconnected this client."""
        while not self._is_disconnected:
            self._poll()

    def answer_pings(self) -> None:
        """Do nothing: a client that polls hears of a ping when it next waits for something."""

    def close(self) -> None:
        self._connection.close()

    def _poll(self) -> None:
        for packet in self._ask("GET").split(SEPARATOR):
            if packet == "2":
                self.send_packets("3")
            elif packet in ("1", "41"):
                self._is_disconnected = True
            elif packet.startswith("42"):
                name, *arguments = json.loads(packet[2:])
                self.received.append((name, arguments))

    def _ask(self, method: str, body: bytes | None = None) -> str:
        self._connection.request(
            method, self._address, body=body, headers={"Content-Type": "text/plain;charset=UTF-8"}
        )
        response = self._connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, (response.status, text)
        return text


Client = WebSocketClient | PollingClient
