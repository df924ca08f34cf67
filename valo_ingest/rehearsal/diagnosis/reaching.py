"""The lower links: the name, the port, the scheme, and whether it is our server that answers."""

import re
import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPException
from typing import Final

import msgspec

from valo_ingest.rehearsal.diagnosis.findings import Finding, broken, ok
from valo_ingest.rehearsal.diagnosis.machine import is_this_machine, port_holder
from valo_ingest.rehearsal.diagnosis.places import (
    ANSWER_S,
    USUAL_PORTS,
    Answer,
    Place,
    Side,
    any_certificate,
    ask,
)

OPENING: Final = "/socket.io/?EIO=4&transport=polling"
"""What every client asks first; it opens a session."""

PROBES: Final = {Side.INGEST: OPENING, Side.OUTPUT: OPENING, Side.EXTRAS: "/status"}
"""Requests that only a server of the protocol answers as it does."""

SESSION: Final = re.compile(rb'0\{"sid":"([A-Za-z0-9_-]+)"')
"""The start of the answer to `OPENING`."""

GOODBYE: Final = b"1"
"""Engine.IO's packet that ends a session."""

OUR_EXTRAS: Final = b"Known paths: /status"

SHOWN_LENGTH: Final = 60
"""Characters of what a foreign server calls itself."""


def check_name(host: str) -> Finding:
    """Tell whether anybody knows a machine of that name."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return broken(
            "name",
            f"nobody knows a machine called {host}",
            "Look at the address again, or type the machine's number, such as 192.168.1.20. "
            "The server prints it when it starts.",
        )
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    return ok("name", host if addresses == [host] else f"{host} is {', '.join(addresses)}")


def check_port(place: Place) -> Finding:
    """Tell whether anything listens at a port."""
    check = f"{place.side} port"
    try:
        with socket.create_connection((place.host, place.port), ANSWER_S) as connection:
            if place.has_tls:
                _shake_hands(connection, place)
    except TimeoutError:
        return broken(
            check,
            f"{place.host} does not answer on port {place.port}: something drops what is sent there",
            _whole_address(place)
            or f"Let port {place.port} through the firewall of that machine, and look whether it is the right address.",
        )
    except ConnectionRefusedError:
        return broken(
            check,
            f"port {place.port} of {place.host} is closed: nothing listens there",
            _whole_address(place)
            or f"Start the server there, or look which port it printed{_port_to_say(place)}",
        )
    except OSError as error:
        return broken(
            check,
            f"{place.host} cannot be reached: {error.strerror or error}",
            "Look at the address, the cable or Wi-Fi, and whether both machines are in the same network.",
        )
    return ok(check, f"port {place.port} of {place.host} is open")


def _whole_address(place: Place) -> str:
    """Return what to type where it seems that only a part of the address was; empty where it was all."""
    if not place.is_port_guessed:
        return ""
    whole = replace(place, scheme="http", port=USUAL_PORTS[place.side])
    return f"Type the whole address, as the server printed it, such as {whole.url}"


def _port_to_say(place: Place) -> str:
    """Return how to type another port: it is the usual one that is guessed where nothing is said."""
    usual = USUAL_PORTS[place.side]
    if place.port == usual and place.side is not Side.INGEST:
        return f", and give its address with --{place.side}-url."
    return "." if place.port == usual else f". The usual port of the {place.side} side is {usual}."


def _shake_hands(connection: socket.socket, place: Place) -> None:
    """Speak TLS, whatever comes of it: a server takes who leaves without it for a client that cannot."""
    with suppress(OSError, ValueError), any_certificate().wrap_socket(connection, server_hostname=place.host):
        pass


def check_server(place: Place) -> tuple[Finding, Answer | None]:
    """Tell whether our server answers at `place`, by the scheme that was typed; return its answer with that."""
    answer, fault = _ask(place)
    if answer is not None and is_ours(place.side, answer):
        _end_session(place, answer)
        tls = "with TLS" if place.has_tls else "without TLS"
        return ok(f"{place.side} server", f"{place.url} is a server of the protocol, {tls}"), answer
    if place.has_tls and isinstance(fault, ssl.SSLError):
        plain, _ = _ask(place.with_scheme("http"))
        if plain is not None:
            return _wrong_scheme(place, "http", "has no TLS"), None
    elif not place.has_tls and _speaks_tls(place):
        return _wrong_scheme(place, "https", "has TLS"), None
    return _another_server(place, answer, fault), None


def is_ours(side: Side, answer: Answer) -> bool:
    """Tell whether an answer to a probe is that of a server of the protocol, ours or the original."""
    if side is not Side.EXTRAS:
        return SESSION.match(answer.body) is not None
    try:
        value = msgspec.json.decode(answer.body)
    except ValueError:
        return False
    return answer.status == 200 and isinstance(value, dict) and "matchesRunning" in value


def _end_session(place: Place, answer: Answer) -> None:
    session = SESSION.match(answer.body)
    if session is not None:
        with suppress(OSError, HTTPException):
            ask(place, f"{OPENING}&sid={session[1].decode()}", body=GOODBYE)


def _ask(place: Place) -> tuple[Answer | None, Exception | None]:
    try:
        return ask(place, PROBES[place.side]), None
    except (OSError, HTTPException, ValueError) as error:
        return None, error


def _speaks_tls(place: Place) -> bool:
    try:
        with (
            socket.create_connection((place.host, place.port), ANSWER_S) as plain,
            any_certificate().wrap_socket(plain, server_hostname=place.host),
        ):
            return True
    except (OSError, ValueError):
        return False


def _wrong_scheme(place: Place, right: str, what: str) -> Finding:
    return broken(
        f"{place.side} server",
        f"{place.scheme}:// was typed, but port {place.port} {what}",
        f"Type {place.with_scheme(right).url}",
    )


def _other_side(place: Place, answer: Answer) -> str:
    """Return which side of a server of the protocol has answered, where it is not that of `place`; empty if none."""
    if OUR_EXTRAS in answer.body:
        return str(Side.EXTRAS)
    sockets = replace(place, side=Side.INGEST)
    opened, _ = _ask(sockets) if place.side is Side.EXTRAS else (None, None)
    if opened is None or not is_ours(Side.INGEST, opened):
        return ""
    _end_session(sockets, opened)
    return f"{Side.INGEST} or {Side.OUTPUT}"


def _another_server(place: Place, answer: Answer | None, fault: Exception | None) -> Finding:
    holder = port_holder(place.port) if is_this_machine(place.host) else None
    who = f" It is {holder}." if holder else ""
    other_side = "" if answer is None else _other_side(place, answer)
    if other_side:
        return broken(
            f"{place.side} server",
            f"port {place.port} is the {other_side} side of a server, not its {place.side} side.",
            f"Look which port the server printed. Usually, the {place.side} side is port {USUAL_PORTS[place.side]}.",
        )
    if answer is not None:
        name = answer.headers.get("server", "")[:SHOWN_LENGTH]
        saw = f"another server has port {place.port}: {name or 'a web server'}, which answers {answer.status}.{who}"
    elif isinstance(fault, TimeoutError):
        saw = f"something has port {place.port} and answers nothing within {ANSWER_S:g} s.{who}"
    else:
        saw = f"another program has port {place.port}, which speaks neither HTTP nor TLS.{who}"
    return broken(
        f"{place.side} server",
        saw,
        f"Stop that program, or start valo-ingest with another --{place.side}-port and type that one.",
    )
