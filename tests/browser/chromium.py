"""A headless Chromium that is driven over its DevTools protocol: enough to look at pages and to use them."""

import base64
import json
import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
import websocket

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

START_S: Final = 30
WAIT_S: Final = 30
LOOK_S: Final = 0.03

DESK: Final = (1360, 900)
PHONE: Final = (390, 844)
"""Widths and heights of windows, in CSS pixels."""

PAGE_CHANGES: Final = frozenset(
    {
        "Inspected target navigated or closed",
        "Execution context was destroyed.",
        "Cannot find default execution context",
    }
)
"""What Chromium answers when it is asked something about a page in the moment in which another takes its place."""


class PageChanges(Exception):
    """A page is just being replaced by another: ask again."""


def find_chromium() -> str | None:
    """Return the path of a Chromium; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def require_chromium() -> str:
    """Return the path of a Chromium; skip the test where there is none."""
    found = find_chromium()
    if found is not None:
        return found
    pytest.skip("no Chromium is here: install the package chromium to have the pages tested in a browser")


class Chromium:
    """One browser, with any number of pages."""

    def __init__(self, directory: Path) -> None:
        self._port_file = directory / "DevToolsActivePort"
        command = [
            require_chromium(),
            "--headless=new",
            "--no-sandbox",  # which needs rights that a container does not give
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--remote-debugging-port=0",
            "--remote-allow-origins=*",
            f"--user-data-dir={directory}",
            "about:blank",
        ]
        environment = {**os.environ, "HOME": str(directory)}
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )
        try:
            port, path = self._await_port()
        except BaseException:
            self.close()
            raise
        self._socket = websocket.create_connection(f"ws://127.0.0.1:{port}{path}", timeout=START_S)
        self._last_id = 0
        self.events: list[dict[str, Any]] = []
        """What it told without being asked, as far as it was read: that happens while it answers a call."""

    def _await_port(self) -> tuple[str, str]:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            lines = self._port_file.read_text().splitlines() if self._port_file.exists() else []
            if len(lines) == 2:
                return lines[0], lines[1]
            assert self._process.poll() is None, "Chromium did not start"
            time.sleep(LOOK_S)
        raise AssertionError("Chromium does not say where it listens")

    def call(self, method: str, *, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol; return its result."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        self._socket.send(json.dumps({**message, "sessionId": session} if session else message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._last_id:
                if answer.get("error", {}).get("message") in PAGE_CHANGES:
                    raise PageChanges
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self.events.append(answer)

    def open(self, url: str, size: tuple[int, int] = DESK, *, scheme: str = "dark") -> "Page":
        """Open a page in a window of its own, with cookies of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, size)
        page.prefer(scheme)
        page.go(url)
        return page

    def close(self) -> None:
        """End it without a goodbye, which would take seconds; its children end with it."""
        self._process.kill()
        self._process.wait()


class Page:
    """One page of a browser."""

    def __init__(self, browser: Chromium, session: str, size: tuple[int, int]) -> None:
        self._browser = browser
        self._session = session
        self._size = size
        self._resize(*size)
        self._call("Page.enable")
        # What a page must never do: the policy of its server forbids it, and the browser says so here.
        self._call(
            "Page.addScriptToEvaluateOnNewDocument",
            source="window.faults = [];"
            "addEventListener('securitypolicyviolation', (e) => faults.push(`policy: ${e.violatedDirective}`));"
            "addEventListener('error', (e) => faults.push(`error: ${e.message}`));",
        )

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, session=self._session, **parameters)

    def _resize(self, width: int, height: int) -> None:
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def prefer(self, scheme: str) -> None:
        """Have the page think that its reader prefers "dark" or "light"."""
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def handshakes(self) -> list[dict[str, str]]:
        """Return the headers of the answers to this page's WebSockets so far, with names in lower case.

        The first call begins to look: call it before there are any.
        """
        self._call("Network.enable")
        return [
            {name.lower(): value for name, value in event["params"]["response"]["headers"].items()}
            for event in self._browser.events
            if event["method"] == "Network.webSocketHandshakeResponseReceived"
            and event["sessionId"] == self._session
        ]

    def set_clock_ahead(self, by_ms: int) -> None:
        """Have pages that are opened from now on think that it is later, or with a negative number earlier."""
        self._call(
            "Page.addScriptToEvaluateOnNewDocument",
            source=f"{{ const now = Date.now; Date.now = () => now() + {by_ms}; }}",
        )

    def forbid_scripts(self) -> None:
        """Have the page run no script of its own."""
        self._call("Emulation.setScriptExecutionDisabled", value=True)

    def go(self, url: str) -> None:
        """Go to another address, and wait until it is there."""
        self._call("Page.navigate", url=url)
        blank = "true" if url == "about:blank" else "location.href !== 'about:blank'"
        self.wait(f"document.readyState === 'complete' && {blank}")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript."""
        result = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, expression: str, within_s: float = WAIT_S) -> Any:
        """Return the value of an expression as soon as it is anything true."""
        deadline = time.monotonic() + within_s
        while True:
            found = None
            with suppress(PageChanges):
                found = self.evaluate(expression)
            if found:
                return found
            assert time.monotonic() < deadline, (
                f"not within {within_s} s: {expression}\n{self.text()[:3_000]}"
            )
            time.sleep(LOOK_S)

    def wait_for_text(self, text: str, where: str = "body") -> None:
        self.wait(
            f"(document.querySelector({json.dumps(where)})?.innerText ?? '').includes({json.dumps(text)})"
        )

    def text(self, where: str = "body") -> str:
        return str(self.evaluate(f"document.querySelector({json.dumps(where)})?.innerText ?? ''"))

    def click(self, selector: str) -> None:
        self.wait(f"document.querySelector({json.dumps(selector)}) !== null")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def type(self, selector: str, text: str) -> None:
        """Put the cursor somewhere and type."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self._call("Input.insertText", text=text)

    def submit(self, selector: str) -> None:
        """Click what leads to another page, and wait for that."""
        self.evaluate("window.isOld = true")
        self.click(selector)
        self.wait("window.isOld === undefined && document.readyState === 'complete'")

    def faults(self) -> list[str]:
        """Return the errors of scripts, and what the policy of the page forbade."""
        found: list[str] = self.evaluate("window.faults")
        return found

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        return int(
            self.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )

    def picture(self, path: Path, *, height: int = 0) -> None:
        """Take a picture of the whole page, or of its upper part of that height."""
        width = self._size[0]
        height = height or int(self.evaluate("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        data = self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))
