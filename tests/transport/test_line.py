from itertools import pairwise

import gevent
import pytest
from gevent import socket

from valo_ingest.transport.line import SHARE_S, Line

NEWCOMERS = 100


class Newcomers:
    """Greenlets that stand in line, and the order in which they were let through."""

    def __init__(self, step_s: float = SHARE_S) -> None:
        """
        Args:
            step_s: How long each takes that is let through.
        """
        self._step_s = step_s
        self._now = 0.0
        self.line = Line(lambda: self._now)
        self.let_in: list[str] = []
        self.greenlets: dict[str, gevent.Greenlet] = {}

    def join(self, name: str, address: str) -> None:
        self.greenlets[name] = gevent.spawn(self._wait, name, address)

    def _wait(self, name: str, address: str) -> None:
        self.line.wait(address)
        self._now += self._step_s
        self.let_in.append(name)

    def await_all(self) -> None:
        gevent.joinall(list(self.greenlets.values()), timeout=10, raise_error=True)


@pytest.fixture
def made() -> Newcomers:
    return Newcomers()


def test_each_is_let_through_and_those_of_one_address_in_their_order(made: Newcomers) -> None:
    for number in range(100):
        made.join(str(number), "10.0.0.1")

    made.await_all()

    assert made.let_in == [str(number) for number in range(100)]
    assert len(made.line) == 0


def test_addresses_have_turns_however_long_the_line_of_one_is(made: Newcomers) -> None:
    for number in range(50):
        made.join(f"flood-{number}", "10.0.0.66")
    made.join("crew-1", "10.0.0.1")
    made.join("crew-2", "10.0.0.1")

    made.await_all()

    assert made.let_in.index("crew-1") <= 2
    assert made.let_in.index("crew-2") <= 4


def test_addresses_of_one_ipv6_network_share_their_turns(made: Newcomers) -> None:
    for number in range(50):
        made.join(f"flood-{number}", f"2001:db8::{number:x}")
    made.join("crew", "2001:db8:1::1")

    made.await_all()

    assert made.let_in.index("crew") <= 2


def newcomers_between_messages(made: Newcomers) -> int:
    """Return how many newcomers were let in at most between two messages of somebody who is logged on."""
    ours, theirs = socket.socketpair()
    answered_after = [0]

    def serve() -> None:
        while len(made.let_in) < NEWCOMERS:
            socket.wait_read(theirs.fileno())
            theirs.recv(1)
            answered_after.append(len(made.let_in))
            ours.send(b"x")

    for number in range(NEWCOMERS):
        made.join(str(number), "10.0.0.66")
    ours.send(b"x")
    serving = gevent.spawn(serve)
    made.await_all()
    serving.join(timeout=10)
    ours.close()
    theirs.close()
    return max(after - before for before, after in pairwise(answered_after))


def test_who_is_logged_on_waits_for_one_newcomer_where_that_takes_long() -> None:
    assert newcomers_between_messages(Newcomers()) <= 2


def test_newcomers_who_want_little_are_let_through_together_for_a_while() -> None:
    assert 9 <= newcomers_between_messages(Newcomers(SHARE_S / 10)) <= 22


def test_who_leaves_the_line_holds_nobody_up(made: Newcomers) -> None:
    for name in ("a", "gone", "b"):
        made.join(name, "10.0.0.1")
    gevent.idle()
    made.join("gone alone", "10.0.0.2")
    made.greenlets["gone alone"].kill(block=False)

    made.await_all()

    assert made.let_in == ["a", "gone", "b"]
    assert len(made.line) == 0


def test_who_is_killed_in_the_middle_of_the_line_is_left_out(made: Newcomers) -> None:
    for name in ("a", "gone", "b"):
        made.join(name, "10.0.0.1")
    gevent.sleep(0)  # they stand in line, and nobody has been let through
    assert made.let_in == []
    made.greenlets["gone"].kill()

    made.await_all()

    assert made.let_in == ["a", "b"]
