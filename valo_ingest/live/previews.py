"""Previews: made-up matches for trying overlays out, kept for ten minutes."""

from collections.abc import Callable
from typing import Final

from valo_ingest.clock import Clock
from valo_ingest.game.preview import made_up_match
from valo_ingest.game.state import Match
from valo_ingest.live.ports import AccessPolicy
from valo_ingest.wire.messages import PreviewRequest

CODE_LENGTH: Final = 6

KEPT_MS: Final = 10 * 60 * 1000

MAX_PREVIEWS: Final = 200
"""At most this many are kept; the oldest makes room."""


class Previews:
    """Makes previews for those who have an access key, and finds them again."""

    def __init__(self, *, clock: Clock, access: AccessPolicy, new_code: Callable[[], str]) -> None:
        self._clock = clock
        self._access = access
        self._new_code = new_code
        self._previews: dict[str, tuple[int, Match]] = {}

    def create(self, request: PreviewRequest) -> str:
        """Return the code of a new preview: the one asked for, or a fresh one where that is no code.

        Raises:
            LogonRefused: The access key is not good.
        """
        self._access.check(request.key)
        now = self._clock.now_ms()
        wanted = request.preview_code
        code = wanted if wanted is not None and len(wanted) == CODE_LENGTH else self._new_code()
        self._previews.pop(code, None)
        while len(self._previews) >= MAX_PREVIEWS:
            del self._previews[next(iter(self._previews))]
        self._previews[code] = (now, made_up_match(request.setup_for(code), now))
        return code

    def find(self, code: str) -> Match | None:
        made_at, match = self._previews.get(code, (0, None))
        return match if self._clock.now_ms() - made_at < KEPT_MS else None
