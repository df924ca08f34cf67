"""Answers of the operator's pages, and what every one of them says to a browser."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]

MAX_FORM_BYTES: Final = 10_000

HTML: Final = "text/html; charset=utf-8"
JSON: Final = "application/json; charset=utf-8"
EVENTS: Final = "text/event-stream; charset=utf-8"

HEADERS: Final = (
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""No CORS headers: what is on these pages is for no other site's scripts."""

NEVER_KEPT: Final = (("Cache-Control", "no-store"),)
KEPT_FOR_EVER: Final = (("Cache-Control", "public, max-age=31536000, immutable"),)


@dataclass(frozen=True, slots=True)
class Response:
    """A status, a body of text or bytes or pieces of it, and headers besides those that all have."""

    status: HTTPStatus
    body: str | bytes | Iterable[bytes] = b""
    content_type: str = HTML
    headers: tuple[tuple[str, str], ...] = field(default=NEVER_KEPT)

    def start(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        body = self.body.encode(errors="replace") if isinstance(self.body, str) else self.body
        headers = [*HEADERS, *self.headers, ("Content-Type", self.content_type)]
        if isinstance(body, bytes):
            headers.append(("Content-Length", str(len(body))))
            body = (body,)
        start_response(f"{self.status.value} {self.status.phrase}", headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            close = getattr(body, "close", None)
            if close is not None:
                close()
            return ()
        return body


def redirect(path: str, *headers: tuple[str, str]) -> Response:
    """Return the answer to a form that was sent: look there."""
    return Response(HTTPStatus.SEE_OTHER, headers=(*NEVER_KEPT, ("Location", path), *headers))


def in_json(value: object, status: HTTPStatus = HTTPStatus.OK, *headers: tuple[str, str]) -> Response:
    return Response(status, msgspec.json.encode(value), JSON, (*NEVER_KEPT, *headers))


def error(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> Response:
    return in_json({"error": text}, status, *headers)


def query(environ: Environ, name: str) -> str:
    """Return a value of the query; "" if it has none of that name."""
    return parse_qs(str(environ.get("QUERY_STRING", ""))).get(name, [""])[0]


def whole_number(text: str) -> int | None:
    """Return the number that `text` is; None if it is none that anything could have."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def form(environ: Environ) -> Mapping[str, str]:
    """Return what a form was filled in with. One that is too large, or no form, is empty."""
    length = whole_number(str(environ.get("CONTENT_LENGTH") or "0"))
    if length is None or length > MAX_FORM_BYTES:
        return {}
    content = environ["wsgi.input"].read(length)
    fields = parse_qs(content.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def rest_of_path(rest: str) -> str:
    """Return a part of a path as it was meant: a WSGI server decodes every path as Latin-1."""
    return rest.encode("latin-1", errors="replace").decode(errors="replace")
