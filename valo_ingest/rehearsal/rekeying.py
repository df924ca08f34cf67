"""A recording under other names, so that it meets no live match: group codes, match ids, versions and the key."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from valo_ingest.rehearsal.recordings import Recording
from valo_ingest.rehearsal.steps import LOGONS, Channel, Step, texts
from valo_ingest.wire import bounds
from valo_ingest.wire.names import ObserverType

MAX_ORDINAL_LENGTH: Final = 5
"""Characters of what makes the group code of a further match, such as "-2"."""


class Rekeyed(Struct, frozen=True):
    """A recording under other names."""

    recording: Recording
    group_codes: Mapping[str, str]
    """The new group code for each old one, that of the first match first."""


def rekeyed(
    recording: Recording, *, group_code: str, client_version: str, key: str, new_match_id: Callable[[], str]
) -> Rekeyed:
    """Return `recording` under other names.

    Args:
        group_code: Of the first match. Those of further matches are made from it: "FINALS-2".
        client_version: Of all clients but those that are about their version.
        key: The access key of all observers.
        new_match_id: Makes an id that no match has.
    """
    names = _Names(group_code, client_version, key, new_match_id)
    steps = tuple(names.renamed(step) for step in recording.steps)
    return Rekeyed(replace(recording, steps=steps), names.group_codes)


class _Names:
    def __init__(
        self, group_code: str, client_version: str, key: str, new_match_id: Callable[[], str]
    ) -> None:
        self._first_group_code = group_code
        self._client_version = client_version
        self._key = key
        self._new_match_id = new_match_id
        self.group_codes: dict[str, str] = {}
        self._match_ids: dict[str, str] = {}

    def renamed(self, step: Step) -> Step:
        if step.raw is not None or step.channel is Channel.DISCONNECT:
            return step
        said = texts(step.payload, "groupCode", "matchId", "data")
        changes: dict[str, Any] = {}
        if len(said.get("groupCode", "")) in range(1, bounds.MAX_GROUP_CODE + 1):
            changes["groupCode"] = self._group_code(said["groupCode"])
        if "matchId" in said:
            changes["matchId"] = self._match_id(said["matchId"])
        if step.kind == ObserverType.MATCH_START and "data" in said:
            changes["data"] = self._match_id(said["data"])
        if step.channel in LOGONS and not step.keeps_version:
            changes["clientVersion"] = self._client_version
        if step.channel is Channel.OBSERVER_LOGON:
            changes["key"] = self._key
        return replace(step, payload={**step.payload, **changes})

    def _group_code(self, old: str) -> str:
        new = self.group_codes.get(old)
        if new is None:
            count = len(self.group_codes)
            stem = self._first_group_code
            if count:
                stem = stem[: bounds.MAX_GROUP_CODE - MAX_ORDINAL_LENGTH]
            new = self.group_codes[old] = f"{stem}-{count + 1}" if count else stem
        return new

    def _match_id(self, old: str) -> str:
        if old not in self._match_ids:
            self._match_ids[old] = self._new_match_id()
        return self._match_ids[old]
