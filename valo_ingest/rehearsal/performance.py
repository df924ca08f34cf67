"""A simulated match, played to a running server in time: its clients, and what goes wrong on purpose."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from valo_ingest.errors import NotLetIn
from valo_ingest.game.rules import STANDARD_MODE
from valo_ingest.game.state import GAME_END
from valo_ingest.rehearsal.accounting import Tally
from valo_ingest.rehearsal.clients import (
    CLIENT_VERSION,
    AuxiliaryClient,
    AuxiliaryIdentity,
    ObserverClient,
    ObserverIdentity,
)
from valo_ingest.rehearsal.faults import (
    SECOND_OBSERVER,
    Action,
    Breaking,
    Fault,
    Leaving,
    Sending,
    is_game_end,
    with_faults,
)
from valo_ingest.rehearsal.returning import RECONNECT_S
from valo_ingest.rehearsal.sending import SendingClient
from valo_ingest.rehearsal.simulation.feed import OBSERVER, Step
from valo_ingest.rehearsal.simulation.matches import SimulatedMatch
from valo_ingest.wire.names import ObserverType

OBSERVER_NAME: Final = "Rehearsal#OBS"
SECOND_OBSERVER_NAME: Final = "Second#OBS"

MAX_UNANSWERED: Final = 1_000
"""Events that may be on their way; a match that is played faster than the server takes it waits here."""

LOOK_S: Final = 0.01
"""How often it is looked whether they have become fewer."""

PATIENCE_S: Final = 5.0
"""How long the server may give no answer at all before what it owes is taken for lost."""

STOP_S: Final = 2.0
"""The same where somebody wants to stop."""

HANDOVER_S: Final = 0.3
"""Time for an event to arrive where no answer tells that it has."""

RETURN_S: Final = 30.0
"""How long the end of a match waits for clients that have lost their connections."""

GOODBYE_S: Final = 2.0
"""How long the server may take to let the clients of a match go that is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is played, where, and how fast."""

    url: str
    group_code: str
    seed: int
    key: str = field(default="", repr=False)
    mode: str = STANDARD_MODE
    match_id: str | None = None
    auxiliaries: int = 0
    speed: float = 1.0
    faults: Mapping[Fault, float] = field(default_factory=dict)
    client_version: str = CLIENT_VERSION
    tools: Mapping[str, Any] = field(default_factory=dict)
    reconnect_s: tuple[float, float] = RECONNECT_S
    patience_s: float = PATIENCE_S
    return_s: float = RETURN_S


class Performance:
    """One match that is played. Others may look at its public attributes meanwhile."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.tally = Tally()
        self.match = SimulatedMatch(
            script.seed, mode=script.mode, auxiliaries=script.auxiliaries, match_id=script.match_id
        )
        self.round_number = 0
        self.phase = ""
        self._rounds_won = (0, 0)
        """By the team that began on attack, and by the other, as far as they were sent."""
        self.is_over = False
        """Whether it was played to its end."""
        self.failure: Exception | None = None
        """What ended `play` early: a `ServerUnreachable`, a `NotLetIn`, or a fault of ours."""
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._began_s = 0.0
        self._clients: dict[int, SendingClient] = {}

    def play(self) -> None:
        """Play the match. Returns when it is over, when `stop` was called, or with `failure`."""
        try:
            self._log_on_observers()
            self._began_s = time.monotonic()
            for action in with_faults(self.match.steps(), self.script.faults, self.script.seed):
                if not self._wait_for(action) or not self._carry_out(action):
                    break
            if self._stopping.is_set():
                self._end_early()
        except Exception as error:  # handed over to whoever waits for the match
            self.failure = error
        finally:
            self.close()
            self._ended.set()

    @property
    def has_ended(self) -> bool:
        """Whether `play` is through, however it ended."""
        return self._ended.is_set()

    def wait_until_ended(self, timeout_s: float) -> None:
        self._ended.wait(timeout_s)

    def stop(self) -> None:
        """End the match as soon as possible. `play` returns soon."""
        self._stopping.set()

    def close(self) -> None:
        """Log all clients off."""
        for client in self._clients.values():
            client.close()

    @property
    def lost_connections(self) -> int:
        """How many clients are trying to come back."""
        return sum(not client.is_over and not client.is_connected for client in list(self._clients.values()))

    @property
    def score(self) -> tuple[int, int]:
        """Rounds won by the left and the right team, as an overlay shows them."""
        first, second = self._rounds_won
        return (first, second) if self.match.left_starts_attacking else (second, first)

    # --- clients ----------------------------------------------------------------------------------------------

    def _log_on_observers(self) -> None:
        script = self.script
        identity = ObserverIdentity(
            group_code=script.group_code,
            key=script.key,
            name=OBSERVER_NAME,
            client_version=script.client_version,
            left_team=self.match.team_setup(is_left=True),
            right_team=self.match.team_setup(is_left=False),
            tools=script.tools,
        )
        first = ObserverClient(script.url, identity, **self._options)
        self._add(OBSERVER, first)
        if script.faults.get(Fault.SECOND_OBSERVER):
            second = replace(first.identity, name=SECOND_OBSERVER_NAME)
            self._add(SECOND_OBSERVER, ObserverClient(script.url, second, **self._options))
            self.tally.inject(Fault.SECOND_OBSERVER)

    def _log_on_auxiliaries(self) -> None:
        """Let the auxiliary clients in, now that the server has been told the match id. Meanwhile time stands still."""
        began_s = time.monotonic()
        self._wait_until_back(OBSERVER, by_s=began_s + self.script.return_s)
        self._let_arrive()
        for number, fighter in enumerate(self.match.auxiliary_players, start=1):
            if self._stopping.is_set():
                return
            identity = AuxiliaryIdentity(
                match_id=self.match.match_id,
                player_id=fighter.player_id,
                name=fighter.name,
                client_version=self.script.client_version,
            )
            self._add(number, AuxiliaryClient(self.script.url, identity, **self._options))
        self._began_s += time.monotonic() - began_s

    @property
    def _options(self) -> dict[str, Any]:
        return {"tally": self.tally, "reconnect_s": self.script.reconnect_s}

    def _add(self, sender: int, client: SendingClient) -> None:
        client.connect()
        self._clients[sender] = client

    # --- time -------------------------------------------------------------------------------------------------

    def _wait_for(self, action: Action) -> bool:
        """Wait until it is time for `action` and there is room for another event; tell whether to go on."""
        at_ms = action.at_ms if isinstance(action, Breaking) else action.step.at_ms
        due_s = self._began_s + at_ms / 1_000 / self.script.speed
        if (left_s := due_s - time.monotonic()) > 0:
            self._stopping.wait(left_s)
        if self.tally.has_answers:
            while self.tally.waiting_count >= MAX_UNANSWERED and not self._stopping.is_set():
                self._stopping.wait(LOOK_S)
        return not self._stopping.is_set()

    def _wait_until_back(self, sender: int, *, by_s: float) -> None:
        """Wait until a client that lost its connection has sent what it has to send; by then it will not come any more.

        Args:
            by_s: As `time.monotonic()`.
        """
        client = self._clients[sender]
        while not (client.is_connected or client.is_over or self._stopping.is_set()):
            if time.monotonic() > by_s:
                return
            client.wait_until_back(LOOK_S)

    def _let_arrive(self) -> None:
        """Return when the server has taken in what was sent, as far as anybody can tell."""
        if self.tally.settle(self.script.patience_s).unconfirmed:
            self._stopping.wait(HANDOVER_S)

    # --- what is done -----------------------------------------------------------------------------------------

    def _carry_out(self, action: Action) -> bool:
        """Do what is to be done; tell whether the match goes on."""
        match action:
            case Breaking(sender=sender):
                self._break(sender)
            case Leaving():
                self.tally.inject(Fault.DROPS)
            case Sending(step=step, faults=faults):
                for fault in faults:
                    if fault is not Fault.SECOND_OBSERVER:
                        self.tally.inject(fault)
                if is_game_end(step):
                    self._end(step)
                    return False
                self._send(step, may_be_refused=action.may_be_refused)
                if not action.may_be_refused:
                    self._note(step)
                if step.type == ObserverType.MATCH_START:
                    self._log_on_auxiliaries()
        return self._may_go_on()

    def _may_go_on(self) -> bool:
        """Tell whether the first observer is still a client of the server, or may be one again."""
        observer = self._clients[OBSERVER]
        if not observer.is_over:
            return True
        self.failure = observer.failure or NotLetIn(
            self.script.url, f"observer of {self.script.group_code}", "It was disconnected during the match"
        )
        return False

    def _send(self, step: Step, *, may_be_refused: bool = False) -> None:
        client = self._clients.get(step.sender)
        if isinstance(client, (ObserverClient, AuxiliaryClient)):
            client.send(step.type, step.data, may_be_refused=may_be_refused)

    def _note(self, step: Step) -> None:
        """Keep for those who look what was sent. Numbers may be text: a server reads them."""
        if step.sender != OBSERVER:
            return
        if step.type == ObserverType.ROUND_INFO:
            self.round_number = int(step.data["roundNumber"])
            self.phase = step.data["roundPhase"]
        elif step.type == ObserverType.SCORE:
            self._rounds_won = (int(step.data["team_0"]), int(step.data["team_1"]))

    def _break(self, sender: int) -> None:
        client = self._clients.get(sender)
        if client is not None and client.is_connected:
            self._let_arrive()  # what would get lost with the connection could not be told from what the server loses
            client.drop()
            self.tally.inject(Fault.RECONNECTS)

    # --- the end ----------------------------------------------------------------------------------------------

    def _end(self, step: Step) -> None:
        """End the match, once everything else has arrived: the server lets its clients go then."""
        by_s = (
            time.monotonic() + self.script.return_s
        )  # all together: where the server has died, nobody comes
        for sender in self._clients:
            self._wait_until_back(sender, by_s=by_s)
        self._let_arrive()
        self._say_goodbye(step)
        self.is_over = True

    def _end_early(self) -> None:
        """End a match that somebody stopped, so that its group code is free again."""
        for client in self._clients.values():
            client.discard_waiting()
        self.tally.settle(STOP_S)
        if self._clients[OBSERVER].is_connected:
            data = {"roundNumber": self.round_number, "roundPhase": GAME_END}
            self._say_goodbye(Step(0, OBSERVER, ObserverType.ROUND_INFO.value, data))

    def _say_goodbye(self, step: Step) -> None:
        self._send(step)
        self.tally.settle(min(GOODBYE_S, self.script.patience_s))
        second = self._clients.get(SECOND_OBSERVER)
        if second is not None and not second.is_over and not self._clients[OBSERVER].is_over:
            # The server has made it the one whose events count, while the first one was away.
            self._send(replace(step, sender=SECOND_OBSERVER))
            self.tally.settle(GOODBYE_S)
        self.phase = GAME_END


LOOK_AT_MATCHES_S: Final = 0.1

STOPPING_S: Final = 10.0
"""How long matches may take to end when somebody stops them."""


def play_all(performances: Sequence[Performance], watch: Callable[[], None]) -> bool:
    """Play matches side by side; tell whether all were played to their end. Ctrl-C ends them early.

    Args:
        watch: Called several times a second.

    Raises:
        ServerUnreachable, NotLetIn: The server cannot be used; all matches are ended then.
    """
    begun: list[Performance] = []
    try:
        for each in performances:
            begun.append(each)
            threading.Thread(target=each.play, daemon=True).start()
        # Not of the threads, by `is_alive` or `join`: a Ctrl-C in there, and with gevent both yield, makes CPython
        # believe that the thread has ended.
        while not (
            all(each.has_ended for each in performances) or any(each.failure for each in performances)
        ):
            watch()
            time.sleep(LOOK_AT_MATCHES_S)
    except KeyboardInterrupt:
        pass  # told by what is returned
    _end_all(begun)
    for each in performances:
        if each.failure is not None:
            raise each.failure
    return all(each.is_over for each in performances)


def _end_all(performances: Sequence[Performance]) -> None:
    for each in performances:
        each.stop()
    deadline = time.monotonic() + STOPPING_S
    for each in performances:
        each.wait_until_ended(max(0.0, deadline - time.monotonic()))
