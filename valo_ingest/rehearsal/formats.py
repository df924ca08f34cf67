"""The formats of recordings: JSON objects of a file, each with the number of its line, as steps.

Clients are told apart in streams by their names. Messages of a .replay file have no channel and no client, and tell by
what they are whose they are.
"""

from collections.abc import Mapping
from typing import Any, Final

from valo_ingest.rehearsal.steps import Channel, Step, auxiliary_logon, observer_logon, texts
from valo_ingest.wire.names import AuxiliaryType, ObserverType

MAX_PAUSE_MS: Final = 6 * 60 * 60 * 1000
"""Longer than any pause of a match. A line that claims to come later than that after the one before is wrong."""

NOT_OF_CLIENTS: Final = frozenset({"http", "sleep"})
"""Channels of test streams that ask the extras side, or only wait."""

OBSERVER: Final = "obs"
"""The client that sends what a .replay file has of observers."""

HOUR_MS: Final = 60 * 60 * 1000


class Damaged(Exception):
    """What is wrong with a line."""


class Times:
    """Turns instants of a file into ms since the first one; they never run backwards."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._shift = 0.0
        self.latest = 0
        self.not_before = 0
        """The next one comes no earlier, and those after it are later by as much."""

    def next(self, said: Any) -> int:
        """Return when a line was that said this; one that says nothing was with the line before.

        Raises:
            Damaged: No line can have been then.
        """
        if said is None:
            return self.latest
        if isinstance(said, bool) or not isinstance(said, (int, float)) or not abs(said) < 2**53:
            raise Damaged("its time is not a number of milliseconds")
        first = said if self._first is None else self._first
        at = said - first + self._shift
        if at - self.latest > MAX_PAUSE_MS:
            hours = round((at - self.latest) / HOUR_MS)
            raise Damaged(f"its time is {hours:,} hours after that of the line before")
        self._first = first
        if at < self.not_before:
            self._shift += self.not_before - at
            at = self.not_before
        self.latest = max(self.latest, round(at))
        return self.latest


class Reader:
    """Collects the steps of a file."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.left_out = 0
        """Lines that are not about clients."""
        self.modernized = 0
        """Messages in an old spelling."""
        self._times = Times()

    @property
    def duration_ms(self) -> int:
        return self._times.latest

    def take(self, line: int, value: dict[str, Any]) -> None:
        """Read an object of a line.

        Raises:
            Damaged: It is nothing of this format.
        """
        raise NotImplementedError


class StreamReader(Reader):
    """Reads streams."""

    def __init__(self) -> None:
        super().__init__()
        self._at: list[int | None] = []
        """When each line was; lines name each other by their index."""

    def take(self, line: int, value: dict[str, Any]) -> None:
        self._at.append(None)
        channel = value.get("channel")
        if not isinstance(channel, str) or channel not in {*Channel, *NOT_OF_CLIENTS}:
            raise Damaged(
                "its channel is none of the protocol" if channel is not None else "it has no channel"
            )
        payload = value.get("payload", {} if channel == Channel.DISCONNECT else None)
        if not isinstance(payload, dict):
            raise Damaged("its payload is not an object")
        client, raw = value.get("client"), value.get("raw")
        if channel not in NOT_OF_CLIENTS and not (isinstance(client, str) and client):
            raise Damaged("it names no client")
        self._times.not_before = max(self._times.not_before, self._held_until(value.get("hold")))
        at = self._at[-1] = self._times.next(value.get("at_ms"))
        if channel in NOT_OF_CLIENTS:
            self.left_out += 1
            if channel == "sleep":
                self._times.not_before = at + _pause_ms(payload.get("ms"))
            return
        step = Step(
            line=line,
            at_ms=at,
            client=str(client),
            channel=Channel(channel),
            payload=payload,
            raw=raw if isinstance(raw, str) else None,
            keeps_version=value.get("keep_version") is True,
        )
        self.steps.append(step)

    def _held_until(self, hold: Any) -> int:
        """Return the time before which a line is not to be played: so many ms after another one."""
        if not isinstance(hold, dict):
            return 0
        index = hold.get("step")
        since = self._at[index] if isinstance(index, int) and 0 <= index < len(self._at) else None
        return 0 if since is None else since + _pause_ms(hold.get("ms"))


def _pause_ms(said: Any) -> int:
    return said if isinstance(said, int) and 0 < said <= MAX_PAUSE_MS else 0


class ReplayFileReader(Reader):
    """Reads .replay files, and makes up the logons that they leave out."""

    def __init__(self) -> None:
        super().__init__()
        self._header: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        """How players are called, by their ids."""
        self._auxiliaries: dict[tuple[str, str], str] = {}
        """Clients by match id and player id."""

    def take(self, line: int, value: dict[str, Any]) -> None:
        if "type" not in value and "data" not in value:
            if self.steps or self._header:
                raise Damaged("it is neither a message nor the header of the file")
            self._header = value
            return
        at = self._times.next(value.get("timestamp"))
        message = self._modern({name: part for name, part in value.items() if name != "timestamp"})
        is_auxiliary = _is_auxiliary(message)
        if not self.steps:
            said = {**({} if is_auxiliary else texts(message, "obsName", "groupCode")), **self._header}
            self._log_on(line, at, OBSERVER, Channel.OBSERVER_LOGON, observer_logon(said))
        if is_auxiliary:
            client = self._auxiliary(line, at, message)
            self._add(line, at, client, Channel.AUXILIARY_DATA, message)
        else:
            self._remember_name(message)
            self._add(line, at, OBSERVER, Channel.OBSERVER_DATA, message)

    def _auxiliary(self, line: int, at: int, message: Mapping[str, Any]) -> str:
        """Return the client that sent `message`; it logs on if that is its first one."""
        known = texts(message, "matchId", "playerId")
        owner = known.get("matchId", ""), known.get("playerId", "")
        client = self._auxiliaries.get(owner)
        if client is None:
            client = self._auxiliaries[owner] = f"aux:{len(self._auxiliaries) + 1}"
            logon = auxiliary_logon(message, name=self._names.get(owner[1], ""))
            logon |= texts(self._header, "clientVersion")
            self._log_on(line, at, client, Channel.AUXILIARY_LOGON, logon)
        return client

    def _log_on(self, line: int, at: int, client: str, channel: Channel, logon: Mapping[str, Any]) -> None:
        step = Step(line=line, at_ms=at, client=client, channel=channel, payload=logon, is_made_up=True)
        self.steps.append(step)

    def _add(self, line: int, at: int, client: str, channel: Channel, payload: Mapping[str, Any]) -> None:
        self.steps.append(Step(line=line, at_ms=at, client=client, channel=channel, payload=payload))

    def _remember_name(self, message: Mapping[str, Any]) -> None:
        data = message.get("data")
        if message.get("type") == ObserverType.ROSTER and isinstance(data, dict):
            player = texts(data, "playerId", "name", "tagline")
            if len(player) == 3:
                self._names[player["playerId"]] = f"{player['name']}#{player['tagline']}"

    def _modern(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return `message` in the spelling of today's clients."""
        modern = dict(message)
        # clients of the first half of 2024 sent the observer's name as playerName
        if "playerName" in modern and not {"obsName", "playerId"} & modern.keys():
            modern["obsName"] = modern.pop("playerName")
        # those until the end of 2024 sent the armour as initialShield, in the same numbers
        data = modern.get("data")
        if isinstance(data, dict) and "initialShield" in data and "initialArmor" not in data:
            modern["data"] = {_MODERN_NAMES.get(name, name): part for name, part in data.items()}
        # and told that the match has started, but not its id
        if modern.get("type") == ObserverType.MATCH_START and modern.get("data") is True:
            modern["data"] = "match"
        self.modernized += modern != message
        return modern


_MODERN_NAMES: Final = {"initialShield": "initialArmor"}


def _is_auxiliary(message: Mapping[str, Any]) -> bool:
    kind = message.get("type")
    if isinstance(kind, str) and kind in {*AuxiliaryType}:
        return True
    return "matchId" in message and not {"obsName", "groupCode"} & message.keys()
