"""The operator of a real server, without a browser."""

import json
import re
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from typing import Any, Final
from urllib.parse import urlencode

from tests.e2e.running import EVENTUALLY_S, RunningServer

PASSWORD: Final = "correct horse battery"

FORM_TOKEN: Final = re.compile(r'name="token" value="([^"]+)"')


class Operator:
    """Somebody who has the password, and maybe has logged in."""

    def __init__(self, server: RunningServer) -> None:
        self._port = server.extras_port
        self._cookie = ""

    def get(self, path: str) -> tuple[int, dict[str, str], str]:
        """Return the status, the headers and the text of a page."""
        return self.send("GET", path)

    def json(self, path: str) -> Any:
        status, _, text = self.get(path)
        assert status == 200, text
        return json.loads(text)

    def log_in(self, password: str = PASSWORD) -> int:
        """Return the status; after 303, one is logged in."""
        status, headers, _ = self.send("POST", "/login", {"password": password})
        self._cookie = headers.get("set-cookie", "").partition(";")[0]
        return status

    def act(self, number: int, do: str) -> int:
        """Press a button on the page of a match; return the status."""
        _, _, page = self.get(f"/matches/?number={number}")
        fields = {"token": FORM_TOKEN.findall(page)[-1], "number": str(number), "do": do}
        return self.send("POST", "/act", fields)[0]

    def send(
        self, method: str, path: str, fields: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], str]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            headers = {"Cookie": self._cookie, "Origin": f"http://127.0.0.1:{self._port}"}
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request(method, path, body=urlencode(fields) if fields else None, headers=headers)
            response = connection.getresponse()
            text = response.read().decode()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, text
        finally:
            connection.close()


class EventStream:
    """Server-Sent Events, as they come."""

    def __init__(self, server: RunningServer, path: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.extras_port, timeout=10)
        self._connection.request("GET", path)
        self.response: HTTPResponse = self._connection.getresponse()
        assert self.response.status == 200, self.response.read()
        assert self.response.headers["Content-Type"].startswith("text/event-stream")

    def next(self) -> Any:
        """Return the value of the next message."""
        while True:
            line = self.response.readline().decode()
            assert line, "the stream has ended"
            if line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))

    def wait(self, where: Callable[[Any], bool], within_s: float = EVENTUALLY_S) -> Any:
        """Return the first message for which `where` holds."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            message = self.next()
            if where(message):
                return message
        raise AssertionError("no such message")

    def close(self) -> None:
        self._connection.close()
