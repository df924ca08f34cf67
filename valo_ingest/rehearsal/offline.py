"""What a server makes of a recording, without one: who is let in, what is refused, and how the matches change.

Theory of operation
-------------------
`OfflineServer.take(step, at)` does with a step what our server does: the real decoders read it, and the reducer is what
changes a match. Access keys are the one thing that is not looked at, for they are not in recordings. Each step is
judged: "accepted", the reason of a refusal as `/healthz` of a server counts it, or `NOT_SENT` where the client has no
connection any more, because the server let it go.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from valo_ingest.errors import InvalidMessage, LogonRefused
from valo_ingest.game import events as happened
from valo_ingest.game.reducer import apply, counts, expire
from valo_ingest.game.state import Match, new_match
from valo_ingest.rehearsal.steps import GROUP_SECRET, Channel, Step
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message
from valo_ingest.wire.json import Payload
from valo_ingest.wire.logons import decode_auxiliary_logon, decode_observer_logon
from valo_ingest.wire.names import AuxiliaryType, ObserverType

ACCEPTED: Final = "accepted"
NOT_SENT: Final = "not_sent"

UNKNOWN_TYPE: Final = "unknown_type"
UNKNOWN_TEAM: Final = "unknown_team"
"""Of messages that are accepted, and can change nothing."""

KNOWN_TYPES: Final = frozenset({*ObserverType, *AuxiliaryType})

STANDBY_MS: Final = 2_000
"""A stand-by becomes active when nobody has observed for this long."""


class Verdict(Struct, frozen=True):
    """How a step was judged: a word, and what is wrong with it."""

    code: str
    detail: str = ""
    in_vain: str = ""
    """Why a message that was accepted can change nothing."""


class _Observer(Struct, frozen=True):
    name: str
    group_code: str


class _Auxiliary(Struct, frozen=True):
    match_id: str
    player_id: str


_Sender = _Observer | _Auxiliary


class _Live:
    """A match that goes on, and who observes it."""

    def __init__(self, match: Match, secret: str) -> None:
        self.match = match
        self.secret = secret
        self.observers: set[str] = set()
        self.standbys: list[str] = []
        self.lost_at = 0


class OfflineServer:
    """Takes in the steps of one recording."""

    def __init__(self, accepted_versions: VersionRange) -> None:
        self._accepted_versions = accepted_versions
        self._live: dict[str, _Live] = {}
        self._clients: dict[str, _Sender] = {}
        self._secrets = 0
        self.matches: dict[str, Match] = {}
        """The newest state of the newest match of every group code."""
        self.earlier_matches: list[Match] = []
        """Those that another one under their group code has followed."""

    @property
    def open_codes(self) -> tuple[str, ...]:
        """Group codes of the matches that go on."""
        return tuple(self._live)

    def observer_of(self, group_code: str) -> tuple[str, str] | None:
        """Return the client, and its name, whose messages count in a match; None where nobody's do."""
        live = self._live.get(group_code)
        client = None if live is None else min(live.observers, default=None)
        return None if client is None else (client, self._name_of(client))

    def take(self, step: Step, at: int) -> Verdict:
        """Take in what a client did `at` that time (ms), and return how it was judged."""
        self.pass_time(at)
        try:
            return self._HANDLERS[step.channel](self, step, at)
        except InvalidMessage as error:
            return Verdict(error.code, error.detail)
        except LogonRefused as error:
            return Verdict(error.code, error.reason)

    def pass_time(self, at: int) -> None:
        """Carry out what runs out by `at` (ms)."""
        for live in self._live.values():
            self._replace(live, expire(live.match, at))
            if live.standbys and not live.observers and at - live.lost_at >= STANDBY_MS:
                name = self._name_of(live.standbys[0])
                promoted = [client for client in live.standbys if self._name_of(client) == name]
                live.standbys = [client for client in live.standbys if client not in promoted]
                live.observers.update(promoted)
                self._apply(live, happened.ObserverJoined(), at)

    # --- logging on and off -----------------------------------------------------------------------------------

    def _log_on_observer(self, step: Step, at: int) -> Verdict:
        self._disconnect(step, at)
        logon = decode_observer_logon(self._payload(step), self._accepted_versions)
        live = self._live.get(logon.group_code)
        if live is not None and logon.group_secret != live.secret:
            raise LogonRefused("group_code_taken", "the match is still live")
        self._clients[step.client] = _Observer(logon.observer_name, logon.group_code)
        if live is None:
            live = self._live[logon.group_code] = _Live(new_match(logon.setup), self._new_secret())
            live.observers.add(step.client)
            if logon.group_code in self.matches:
                self.earlier_matches.append(self.matches[logon.group_code])
            self._replace(live, live.match)
        elif all(self._name_of(active) == logon.observer_name for active in live.observers):
            live.observers.add(step.client)
            self._apply(live, happened.ObserverJoined(), at)
        else:
            live.standbys.append(step.client)
        return Verdict(ACCEPTED)

    def _new_secret(self) -> str:
        self._secrets += 1
        return f"secret {self._secrets}"

    def _payload(self, step: Step) -> Payload:
        """Return what the step sends, with the group secret of a live match in its place."""
        if step.raw is not None:
            return step.raw
        code, said = step.payload.get("groupCode"), step.payload.get("groupSecret")
        live = self._live.get(code) if isinstance(code, str) else None
        if live is None or said != GROUP_SECRET:
            return dict(step.payload)
        return {**step.payload, "groupSecret": live.secret}

    def _name_of(self, client: str) -> str:
        sender = self._clients[client]
        assert isinstance(sender, _Observer)
        return sender.name

    def _log_on_auxiliary(self, step: Step, at: int) -> Verdict:
        self._disconnect(step, at)
        logon = decode_auxiliary_logon(self._payload(step), self._accepted_versions)
        if not self._matches_with(logon.match_id):
            raise LogonRefused("match_not_found", "no live match has this match id")
        self._clients[step.client] = _Auxiliary(logon.match_id, logon.player_id)
        return Verdict(ACCEPTED)

    def _disconnect(self, step: Step, at: int) -> Verdict:
        gone = self._clients.pop(step.client, None)
        if isinstance(gone, _Observer):
            live = self._live[gone.group_code]
            if step.client in live.standbys:
                live.standbys.remove(step.client)
            else:
                live.observers.discard(step.client)
                if not live.observers:
                    live.lost_at = at
                    self._apply(live, happened.ObserversGone(), at)
        elif gone is not None and gone not in self._clients.values():
            for live in self._matches_with(gone.match_id):
                self._apply(live, happened.AuxiliaryGone(gone.player_id), at)
        return Verdict(ACCEPTED)

    # --- messages ---------------------------------------------------------------------------------------------

    def _take_observer_data(self, step: Step, at: int) -> Verdict:
        sender = self._clients.get(step.client)
        if sender is None:
            return Verdict(NOT_SENT, "the server has let its client go")
        if not isinstance(sender, _Observer):
            raise InvalidMessage("wrong_channel", "of an auxiliary client")
        message = decode_observer_message(_text(step))
        if message.group_code != sender.group_code:
            raise InvalidMessage("foreign_match", "names another match than the sender's")
        live = self._live[sender.group_code]
        if step.client not in live.observers:
            return Verdict(ACCEPTED)
        verdict = _accepted(message.type, message.event, (live,))
        self._apply(live, message.event, at)
        return verdict

    def _take_auxiliary_data(self, step: Step, at: int) -> Verdict:
        sender = self._clients.get(step.client)
        if sender is None:
            return Verdict(NOT_SENT, "the server has let its client go")
        if not isinstance(sender, _Auxiliary):
            raise InvalidMessage("wrong_channel", "of an observer")
        message = decode_auxiliary_message(_text(step))
        if message.match_id != sender.match_id:
            raise InvalidMessage("foreign_match", "names another match than the sender's")
        if not sender.player_id and isinstance(message.event, happened.AuxiliaryScoreboardReported):
            player_id = message.player_id or message.event.board.player_id
            self._clients[step.client] = replace(sender, player_id=player_id)
        lives = self._matches_with(sender.match_id)
        if not lives:
            raise InvalidMessage("match_over", "the match of the sender is over")
        verdict = _accepted(message.type, message.event, lives)
        for live in lives:
            self._apply(live, message.event, at)
        return verdict

    # --- matches ----------------------------------------------------------------------------------------------

    def _apply(self, live: _Live, event: happened.Event, at: int) -> None:
        self._replace(live, apply(live.match, event, at))

    def _replace(self, live: _Live, match: Match) -> None:
        live.match = self.matches[match.group_code] = match
        if match.has_ended:
            self._close(live)

    def _close(self, live: _Live) -> None:
        """Let the clients of a match go that is over."""
        match = live.match
        if self._live.get(match.group_code) is live:
            del self._live[match.group_code]
        gone = {*live.observers, *live.standbys}
        if not self._matches_with(match.match_id):
            gone |= {
                client
                for client, sender in self._clients.items()
                if isinstance(sender, _Auxiliary) and sender.match_id == match.match_id
            }
        for client in gone:
            del self._clients[client]

    def _matches_with(self, match_id: str) -> list[_Live]:
        return [live for live in self._live.values() if match_id and live.match.match_id == match_id]

    _HANDLERS: Final[Mapping[Channel, Callable[["OfflineServer", Step, int], Verdict]]] = {
        Channel.OBSERVER_LOGON: _log_on_observer,
        Channel.AUXILIARY_LOGON: _log_on_auxiliary,
        Channel.OBSERVER_DATA: _take_observer_data,
        Channel.AUXILIARY_DATA: _take_auxiliary_data,
        Channel.DISCONNECT: _disconnect,
    }


def _accepted(kind: str, event: happened.Event, lives: Iterable[_Live]) -> Verdict:
    if kind not in KNOWN_TYPES:
        return Verdict(ACCEPTED, in_vain=UNKNOWN_TYPE)
    if not any(counts(live.match, event) for live in lives):
        return Verdict(ACCEPTED, in_vain=UNKNOWN_TEAM)
    return Verdict(ACCEPTED)


def _text(step: Step) -> Any:
    return step.raw if step.raw is not None else msgspec.json.encode(step.payload)
