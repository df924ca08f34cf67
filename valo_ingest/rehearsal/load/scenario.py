"""Scenarios of load tests: what is played, and what it may cost. Each is a TOML file."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from valo_ingest.errors import InvalidScenario

SHIPPED: Final = Path(__file__).with_name("scenarios")


class Limits(Struct, frozen=True, kw_only=True):
    """What a run may cost at most. A run that is over one of them has failed."""

    p99_ms: Annotated[float, Meta(gt=0, le=60_000)]
    """99 of 100 events are seen at an overlay within this time."""
    errors: Annotated[int, Meta(ge=0)] = 0
    """Logons, reconnects and refusals that went wrong, and refused events."""
    lost: Annotated[int, Meta(ge=0)] = 0
    """Events of which the server never told what became of them."""


class Capacity(Struct, frozen=True, kw_only=True):
    """How `capacity` looks for the number of matches that a machine holds."""

    step: Annotated[int, Meta(ge=1, le=100)] = 10
    """Matches that each step has more than the one before."""
    step_s: Annotated[float, Meta(ge=2, le=600)] = 20.0
    """How long each step is looked at, once all its clients are in."""
    max_matches: Annotated[int, Meta(ge=1, le=500)] = 200


class Scenario(Struct, frozen=True, kw_only=True):
    """What is played: so many matches at once, each with so many clients."""

    about: Annotated[str, Meta(min_length=1, max_length=200)]
    """One sentence for people."""
    matches: Annotated[int, Meta(ge=1, le=500)]
    auxiliaries: Annotated[int, Meta(ge=0, le=10)]
    """Auxiliary clients of each match."""
    overlays: Annotated[int, Meta(ge=1, le=100)]
    """Overlays of each match."""
    duration_s: Annotated[float, Meta(ge=2, le=86_400)]
    """How long events are sent, from the first logon on."""
    limits: Limits
    ramp_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    """The matches begin one by one, spread over this time."""
    speed: Annotated[float, Meta(gt=0, le=50)] = 1.0
    """How much faster than a real match a simulated one is played."""
    mode: Literal["bomb", "swift"] = "bomb"
    seed: Annotated[int, Meta(ge=0)] = 1
    reconnects_per_minute: Annotated[float, Meta(ge=0, le=600)] = 0.0
    """Connections that are cut, of clients of all kinds and matches together; each comes back by itself."""
    refusals_per_minute: Annotated[float, Meta(ge=0, le=40)] = 0.0
    """Logons that have to be refused. Servers slow an address down that has many of them: ours from 60 a minute."""
    capacity: Capacity = Capacity()

    @property
    def clients_of_a_match(self) -> int:
        return 1 + self.auxiliaries + self.overlays


def shipped() -> list[str]:
    """Return the names of the scenarios that come with the program."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def read_scenario(name: str) -> tuple[str, Scenario]:
    """Read a scenario: one that is shipped, by its name, or a file.

    Returns:
        A short name of it, and what it says.

    Raises:
        InvalidScenario: There is none of that name, or it makes no sense.
    """
    path = SHIPPED / f"{name}.toml" if name in shipped() else Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        known = ", ".join(shipped())
        raise InvalidScenario(name, "", f"cannot be read: {reason}. Shipped scenarios: {known}.") from None
    return path.stem, parse_scenario(text, source=path.name)


def parse_scenario(text: str, *, source: str) -> Scenario:
    """Return what the TOML `text` says; `source` is the name of its file, for errors.

    Raises:
        InvalidScenario: It makes no sense; the text names the first key that is at fault.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidScenario(source, "", f"no TOML: {error}.") from None
    _check_keys(table, Scenario, source, "")
    try:
        scenario = msgspec.convert(table, Scenario)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        raise InvalidScenario(source, place.rstrip("`"), f"{problem}.") from None
    if scenario.ramp_s >= scenario.duration_s:
        raise InvalidScenario(
            source, "ramp_s", f"{scenario.ramp_s:g} leaves nothing of duration_s = {scenario.duration_s:g}."
        )
    return scenario


def _check_keys(table: dict[str, Any], kind: type[Struct], source: str, path: str) -> None:
    """Refuse a key that is not known, and one that is missing; tables in a table are looked into."""
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    for key in table:
        if key not in known:
            raise InvalidScenario(source, path + key, f"unknown key; known are {', '.join(known)}.")
    for key, field in known.items():
        if key not in table:
            if field.required:
                raise InvalidScenario(source, path + key, "is missing.")
            continue
        if isinstance(field.type, type) and issubclass(field.type, Struct) and isinstance(table[key], dict):
            _check_keys(table[key], field.type, source, f"{path}{key}.")
