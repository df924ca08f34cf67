"""Who is logged on, and so may write what."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Observer:
    """Sends a whole match. It writes into the match of `group_code` and nowhere else."""

    client_id: str
    group_code: str
    name: str


@dataclass(slots=True)
class Auxiliary:
    """One player's own client. It writes into every match with `match_id`, for any player of it.

    `player_id` is whom its loss is told of; where the logon left it empty, the first scoreboard supplies it.
    """

    client_id: str
    match_id: str
    player_id: str
    name: str


Client: TypeAlias = Observer | Auxiliary
