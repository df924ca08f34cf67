"""What the server tells people when it has started: what to type in where."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from valo_ingest import __version__
from valo_ingest.config import Config

ALL_INTERFACES: Final = frozenset({"0.0.0.0", "::"})


class BoundPorts(Protocol):
    """The ports that are listened on: where a setting is 0, the one that was free."""

    @property
    def ingest_port(self) -> int: ...
    @property
    def output_port(self) -> int: ...
    @property
    def extras_port(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Made:
    """Secrets that the server made and keeps; None where it did not."""

    auth_key: str | None = None
    operator_password: str | None = None


def lines(config: Config, ports: BoundPorts, *, addresses: Sequence[str], made: Made) -> Iterator[str]:
    """Yield the lines. `addresses` are those of this machine on the LAN."""
    yield f"valo-ingest {__version__} is running. Ctrl-C ends it."
    everywhere = config.host in ALL_INTERFACES
    for address in addresses if everywhere else ():
        yield from _urls(f"Machines of your network reach it at {address}:", config, ports, address)
    if everywhere and not addresses:
        yield "This machine has no address on a network: nobody else reaches it."
    if everywhere:
        yield from _urls("On this machine itself:", config, ports, "localhost")
    else:
        yield from _urls(f"It is reached at {config.host} only:", config, ports, config.host)
    yield from _about_certificate(config)
    yield from _about_key(config, made.auth_key)
    yield from _about_password(config, made.operator_password)


def _urls(heading: str, config: Config, ports: BoundPorts, host: str) -> Iterator[str]:
    base = f"{config.scheme}://{_in_url(host)}"
    yield heading
    yield f"  observer client, ingest server:        {base}:{ports.ingest_port}"
    yield f'  overlay\'s config.json:                 "serverEndpoint": "{base}:{ports.output_port}"'
    yield f'                                         "extrasEndpoint": "{base}:{ports.extras_port}"'
    yield f"  operator, in a browser:                {base}:{ports.extras_port}/"


def _in_url(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:  # a name
        return host


def _about_certificate(config: Config) -> Iterator[str]:
    if config.self_signed:
        yield (
            "The certificate was made by this server. The observer client takes it as it is; the browser of an "
            "overlay has to be told once: open the serverEndpoint and the extrasEndpoint in it and accept."
        )


def _about_key(config: Config, made_key: str | None) -> Iterator[str]:
    if made_key is not None:
        yield f"Access key for the observer client (kept in {config.data_dir}): {made_key}"
    elif config.require_auth_key:
        yield "Access key for the observer client: the one that AUTH_KEY is set to."
    else:
        yield "Access key for the observer client: any, because REQUIRE_AUTH_KEY is false."


def _about_password(config: Config, made_password: str | None) -> Iterator[str]:
    if made_password is not None:
        yield f"Password for the operator's pages (kept in {config.data_dir}): {made_password}"
    elif config.operator_password is not None:
        yield "Password for the operator's pages: the one that OPERATOR_PASSWORD is set to."
    else:
        yield (
            "Password for the operator's pages: none, because OPERATOR_PASSWORD is not set. They are shown on this "
            "machine only."
        )
