"""How many connections the load generator may have: each is an open file, of which many systems allow few."""

from typing import Final

FILES_OF_A_CLIENT: Final = 3
"""Its WebSocket, the polling before it, and one to spare."""

FILES_BESIDES: Final = 200


def allow_clients(count: int) -> int | None:
    """Let this process open as many files as `count` clients need.

    Returns:
        None, or how many files it may open if they are too few.
    """
    wanted = count * FILES_OF_A_CLIENT + FILES_BESIDES
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    if soft == endless or soft >= wanted:
        return None
    allowed = wanted if hard == endless else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return None if allowed >= wanted else allowed
