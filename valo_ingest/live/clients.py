"""Who is logged on, and so may write or see what."""

from typing import TypeAlias

from msgspec import Struct


class Observer(Struct, frozen=True, kw_only=True, tag=True):
    """Sends a whole match. It writes into the match of `group_code` and nowhere else."""

    client_id: str
    group_code: str
    name: str
    address: str = ""
    match_number: int = 0
    """Tells its match from later ones with the same group code."""
    client_version: str = ""


class Auxiliary(Struct, frozen=True, kw_only=True, tag=True):
    """One player's own client. It writes into every match with `match_id`, for any player of it.

    `player_id` is whom its loss is told of; where the logon left it empty, the first scoreboard supplies it.
    """

    client_id: str
    match_id: str
    player_id: str
    name: str
    client_version: str = ""


class Follower(Struct, frozen=True, kw_only=True, tag=True):
    """An overlay. It sees the matches of `group_codes`."""

    client_id: str
    group_codes: tuple[str, ...]


Sender: TypeAlias = Observer | Auxiliary
"""A client that may write."""

Client: TypeAlias = Observer | Auxiliary | Follower
