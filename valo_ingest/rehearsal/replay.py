"""Plays a recording to a running server, as the clients that it is of."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import gevent
import msgspec

from valo_ingest.errors import NotLetIn
from valo_ingest.game.state import GAME_END
from valo_ingest.rehearsal.accounting import Accounts, Tally
from valo_ingest.rehearsal.clients import OLD_REJOIN_REASON
from valo_ingest.rehearsal.pacing import Due, Plan
from valo_ingest.rehearsal.sending import SendingClient, as_text
from valo_ingest.rehearsal.steps import DATA, GROUP_SECRET, LOGONS, Channel, Step, game_end, texts
from valo_ingest.wire.names import ObserverType, SocketEvent

LOOK_S: Final = 0.25
"""How often somebody is told that nothing is due yet."""

HANDOVER_S: Final = 0.05
"""How long what one client did has to arrive before another one acts, where no answer tells that it has."""

MAX_WAITING: Final = 500
"""Events that may be on their way at a time. More would only wait in our own memory, and nobody could stop us."""

RETURN_S: Final = 30.0
"""How long clients that lost their connections are waited for in the end."""

CAUGHT_UP_S: Final = 0.1
"""Who is later than this stays late: whoever made up for it would give timers less time than the plan counts on."""

STOP_S: Final = 1.0
"""How long an answer is waited for when a person wants an end."""


def read_line() -> str:
    """Return the next line that a person types, with its end; "" at the end of the input. Clients go on meanwhile."""
    line: str = gevent.get_hub().threadpool.apply(sys.stdin.readline)
    return line


class PlayedClient(Protocol):
    """A client of a recording."""

    is_over: bool

    @property
    def is_connected(self) -> bool: ...

    @property
    def group_secret(self) -> str:
        """The secret that it was told with its logon; "" if it was told none."""

    def connect(self) -> None:
        """Log on. Raises as `SendingClient.connect`."""

    def send_text(self, kind: str, text: str, *, is_goodbye: bool = False) -> None: ...

    def wait_until_back(self, timeout_s: float) -> bool: ...

    def close(self) -> None: ...


class _RecordedClient(SendingClient):
    """Logs on with the words of a recording."""

    def __init__(self, url: str, step: Step, logon: Mapping[str, Any], tally: Tally) -> None:
        super().__init__(url, tally=tally)
        self._step = step
        self._payload = dict(logon)
        self.group_secret = ""

    @property
    def _who(self) -> str:
        if self._step.channel is Channel.OBSERVER_LOGON:
            return f"observer of {self._payload.get('groupCode')}"
        return f"auxiliary client {self._payload.get('name') or self._step.client}"

    def _logon(self) -> Any:
        raw = self._step.raw
        return self._payload if raw is None else msgspec.Raw(raw.encode())

    def _let_in(self, reason: str) -> None:
        if reason and reason != OLD_REJOIN_REASON:
            self.group_secret = reason
            self._payload["groupSecret"] = reason


class _RecordedObserver(_RecordedClient):
    DATA = SocketEvent.OBSERVER_DATA
    LOGON = SocketEvent.OBSERVER_LOGON
    LOGON_ACK = SocketEvent.OBSERVER_LOGON_ACK


class _RecordedAuxiliary(_RecordedClient):
    DATA = SocketEvent.AUXILIARY_DATA
    LOGON = SocketEvent.AUXILIARY_LOGON
    LOGON_ACK = SocketEvent.AUXILIARY_LOGON_ACK


MakeClient = Callable[[Step, Mapping[str, Any]], PlayedClient]
"""Makes the client that logs on with a step; its logon is the second argument."""


def clients_of(url: str, tally: Tally) -> MakeClient:
    """Return what makes clients of a server, whose events are counted."""

    def make(step: Step, logon: Mapping[str, Any]) -> PlayedClient:
        kind = _RecordedObserver if step.channel is Channel.OBSERVER_LOGON else _RecordedAuxiliary
        return kind(url, step, logon, tally)

    return make


class Player:
    """Plays plans, one after the other.

    What different clients did is kept in its order: before another one acts, everything that was sent is answered.
    """

    def __init__(
        self,
        make_client: MakeClient,
        *,
        tally: Tally,
        sleep: Callable[[float], None] = time.sleep,
        monotonic_s: Callable[[], float] = time.monotonic,
        watch: Callable[["Player"], None] = lambda player: None,
    ) -> None:
        """
        Args:
            watch: Is called after each step, and now and then while none is due.
        """
        self._make_client = make_client
        self._tally = tally
        self._sleep = sleep
        self._monotonic_s = monotonic_s
        self._watch = watch
        self._clients: dict[str, PlayedClient] = {}
        self._secrets: dict[object, str] = {}
        """The group secret that was told last for each group code."""
        self._observers: dict[str, Mapping[str, Any]] = {}
        """The newest logon of each."""
        self._has_logged_on = False
        self._last_client = ""
        self._cut_off: set[str] = set()
        """Clients that were to send something when they had lost their connection."""
        self.refused_logons: list[NotLetIn] = []
        self.not_sent = 0
        """Messages of clients that have no connection, since the server let them go or did not let them in."""
        self.position_ms = 0
        """Of the recording."""
        self.round: tuple[int, str] | None = None
        """The newest number and phase that an observer told."""
        self.score: tuple[Any, Any] | None = None
        """The newest rounds won of the left and the right team of the logon that an observer told."""
        self._left_team_number = 0

    @property
    def lost_connections(self) -> int:
        """How many clients are cut off at this moment."""
        return sum(not client.is_connected and not client.is_over for client in self._clients.values())

    def play(self, plan: Plan, *, may_go_on: Callable[[Due], bool] | None = None) -> bool:
        """Send everything in time, or whenever `may_go_on` returns true; tell whether it was played to its end.

        Raises:
            ServerUnreachable: Nothing that speaks the protocol answers.
            NotLetIn: The server refused the first logon.
        """
        self._has_logged_on = False
        self.round = self.score = None
        began_s = self._monotonic_s()
        for due in plan.dues:
            if may_go_on is None:
                due_s = began_s + due.at_ms / 1000
                self._wait_until(due_s)
                began_s += self._lateness_s(due_s)
            elif not may_go_on(due):
                return False
            self._take(due.step)
            self._watch(self)
        if may_go_on is None:
            self._wait_until(began_s + plan.end_ms / 1000)
        return True

    def end_matches(self, plan: Plan) -> None:
        """End the matches that the recording leaves running."""
        for step in plan.goodbyes:
            self._take(step)

    def leave(self) -> None:
        """Log all clients off, once what they sent is answered. Who lost its connection may come back to send it."""
        by_s = self._monotonic_s() + RETURN_S
        for name in self._cut_off & self._clients.keys():
            self._clients[name].wait_until_back(max(0.0, by_s - self._monotonic_s()))
        self._tally.settle()
        self.close()

    def stop(self) -> None:
        """End the matches that go on, so that their group codes are free, and log all clients off.

        What was sent is answered then, or nobody seems to answer.
        """
        self._tally.settle(STOP_S)
        for name, logon in self._observers.items():
            client = self._clients.get(name)
            if client is not None and client.is_connected:
                said = texts(logon, "obsName", "groupCode")
                number = self.round[0] if self.round else 0
                step = game_end(name, said.get("obsName", ""), said.get("groupCode", ""), number, 0)
                client.send_text(step.kind, as_text(step.payload), is_goodbye=True)
                self._tally.settle(STOP_S)
        self.close()

    def rest(self, duration_s: float) -> None:
        """Wait."""
        self._wait_until(self._monotonic_s() + duration_s)

    def close(self) -> None:
        """Log all clients off at once."""
        while self._clients:
            _, client = self._clients.popitem()
            client.close()

    def accounts(self) -> Accounts:
        """Return what became of everything; call it after `leave` or `close`."""
        return self._tally.settle()

    def _lateness_s(self, due_s: float) -> float:
        """Return by how much all that follows is late, once the server has taken in what was sent."""
        if self._monotonic_s() - due_s <= CAUGHT_UP_S:
            return 0.0
        self._hand_over()
        return self._monotonic_s() - due_s

    def _wait_until(self, instant_s: float) -> None:
        while (left_s := instant_s - self._monotonic_s()) > 0:
            self._sleep(min(left_s, LOOK_S))
            if left_s > LOOK_S:
                self._watch(self)

    def _take(self, step: Step) -> None:
        is_handed_over = step.channel not in DATA or step.client != self._last_client
        if is_handed_over or self._tally.waiting_count >= MAX_WAITING:
            self._hand_over()
        self._last_client = step.client
        if step.channel in DATA:
            self._send(step)
        else:
            self._disconnect(step.client)
            if step.channel in LOGONS:
                self._log_on(step)
        self.position_ms = step.at_ms

    def _hand_over(self) -> None:
        """Let everything arrive that was sent."""
        if self._tally.waiting_count:
            self._tally.settle()
        elif self._tally.accounts().unconfirmed:
            self._sleep(HANDOVER_S)

    def _disconnect(self, name: str) -> None:
        client = self._clients.pop(name, None)
        if client is not None and not client.is_over:
            client.close()
            self._sleep(HANDOVER_S)  # nobody answers a goodbye

    def _log_on(self, step: Step) -> None:
        payload = step.payload
        code = payload.get("groupCode")
        if payload.get("groupSecret") == GROUP_SECRET:
            payload = {**payload, "groupSecret": self._secrets.get(code, "")}
        client = self._make_client(step, payload)
        try:
            client.connect()
        except NotLetIn as error:
            if not self._has_logged_on:
                raise
            self.refused_logons.append(error)
            return
        self._has_logged_on = True
        self._clients[step.client] = client
        if step.channel is Channel.OBSERVER_LOGON:
            self._observers[step.client] = payload
        left = payload.get("leftTeam")
        if isinstance(left, dict):
            self._left_team_number = 0 if left.get("attackStart") is True else 1
        if client.group_secret:
            self._secrets[code] = client.group_secret

    def _send(self, step: Step) -> None:
        client = self._clients.get(step.client)
        if client is None or client.is_over:
            self.not_sent += 1
            return
        if not client.is_connected:
            self._cut_off.add(step.client)
        text = step.raw if step.raw is not None else as_text(step.payload)
        told = step.round_info()
        if told is not None and told[1] == GAME_END:
            # The server hangs up instead of answering. So that nobody takes what is still on its way for lost, or what
            # comes later for sent, there is nothing before and nothing behind it.
            self._hand_over()
            client.send_text(step.kind, text, is_goodbye=True)
            self._hand_over()
        else:
            client.send_text(step.kind, text)
        if told is not None:
            self.round = told
        data = step.payload.get("data")
        if step.kind == ObserverType.SCORE and isinstance(data, dict):
            score = data.get("team_0"), data.get("team_1")
            self.score = score[self._left_team_number], score[1 - self._left_team_number]
