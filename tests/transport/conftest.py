import gevent
import pytest


@pytest.fixture(autouse=True)
def loop_that_knows_the_time() -> None:
    """Have timers count from now on.

    The loop of gevent knows the time of its last turn. Where it has had none since it was made, because other tests
    came first in this process, a timer of seconds may be over as soon as it is started.
    """
    gevent.get_hub().loop.update_now()
