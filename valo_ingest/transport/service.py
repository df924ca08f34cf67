"""What watches the server: /healthz, /readyz and /metrics, before whatever else the extras port serves."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from valo_ingest import __version__
from valo_ingest.config import MetricsFor
from valo_ingest.live.ports import JournalHealth
from valo_ingest.transport.health import State
from valo_ingest.transport.http import CORS_HEADERS, Environ
from valo_ingest.transport.metrics import CONTENT_TYPE, Metrics, Sources

StartResponse = Callable[[str, list[tuple[str, str]]], object]

JSON_TYPE: Final = "application/json; charset=utf-8"

METHODS: Final = ("GET", "HEAD", "OPTIONS")

FORWARDED: Final = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")
"""Headers of proxies. A request that has one comes from who knows where, though the proxy is on this machine."""


Answer = tuple[HTTPStatus, str, bytes]
"""Status, content type and body."""


class Service:
    """A WSGI application that answers those who watch the server, and passes everything else on."""

    def __init__(
        self,
        inner: Callable[[Environ, StartResponse], Iterable[bytes]],
        *,
        sources: Sources,
        metrics_for: MetricsFor,
    ) -> None:
        """
        Args:
            sources: Where everything is that is told.
            metrics_for: Whom /metrics answers: nobody, this machine, or everybody.
        """
        self._inner = inner
        self._sources = sources
        self._health = sources.health
        self._metrics = Metrics(sources)
        self._metrics_for = metrics_for
        self._routes: Mapping[str, Callable[[Environ], Answer]] = {
            "/healthz": self._alive,
            "/readyz": self._ready,
            "/metrics": self._measured,
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        route = self._routes.get(environ["PATH_INFO"])
        if route is None:
            return self._inner(environ, start_response)
        method = environ["REQUEST_METHOD"]
        # No page of somebody else may read metrics in the browser of an operator.
        cors = () if route == self._measured else CORS_HEADERS
        if method == "OPTIONS":
            start_response("204 No Content", [*cors, ("Content-Length", "0")])
            return []
        if method not in METHODS:
            status, content_type, body = _json(HTTPStatus.METHOD_NOT_ALLOWED, {"error": "Use GET."})
        else:
            status, content_type, body = route(environ)
        headers = [*cors, ("Content-Type", content_type), ("Content-Length", str(len(body)))]
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "GET"))
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if method == "HEAD" else [body]

    def _alive(self, environ: Environ) -> Answer:
        """Answer 200 to whoever asks whether to start the server anew: what it has in memory would be lost by that."""
        journal, disk, problems = self._health.journal(), self._health.disk, self._health.problems()
        audience = self._sources.audience
        return _json(
            HTTPStatus.OK,
            {
                "status": self._status(journal, problems),
                "version": __version__,
                "problems": problems,
                "warnings": self._health.warnings(),
                "matchesRunning": self._sources.matches.running,
                "journal": {"fault": journal.fault, "entriesWaiting": journal.waiting},
                "disk": {"fault": disk.fault, "freeBytes": disk.free_bytes},
                "listening": self._health.listening(),
                "overlays": {"waiting": len(audience.owed), "documentsDropped": audience.dropped},
                "refused": dict(self._sources.refusals.counts),
            },
        )

    def _status(self, journal: JournalHealth, problems: list[str]) -> str:
        """Return in a word or two how the server is: the first that is true."""
        if self._health.state is not State.RUNNING:
            return self._health.state.value
        if journal.fault:
            return "journal failing"
        return "not ready" if problems else "ok"

    def _ready(self, environ: Environ) -> Answer:
        problems = self._health.problems()
        return _json(
            HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK,
            {"ready": not problems, "problems": problems, "warnings": self._health.warnings()},
        )

    def _measured(self, environ: Environ) -> Answer:
        if self._metrics_for == "off":
            return _json(
                HTTPStatus.NOT_FOUND, {"error": "There are no metrics: this server runs with --metrics off."}
            )
        if self._metrics_for == "loopback" and not _is_of_this_machine(environ):
            return _json(
                HTTPStatus.FORBIDDEN,
                {"error": "Metrics are for this machine only. With --metrics all they are for everybody."},
            )
        return HTTPStatus.OK, CONTENT_TYPE, self._metrics.text()


def _json(status: HTTPStatus, value: Any) -> Answer:
    return status, JSON_TYPE, msgspec.json.encode(value)


def _is_of_this_machine(environ: Environ) -> bool:
    if any(header in environ for header in FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(environ.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)  # how an IPv6 socket tells an IPv4 address
    return (mapped or address).is_loopback
