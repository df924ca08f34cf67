"""What was refused: counted by reason, and logged at a limited rate."""

import logging
from collections import Counter
from collections.abc import Mapping

from valo_ingest.clock import Clock
from valo_ingest.errors import InvalidMessage, LogonRefused
from valo_ingest.live.last_hour import MAX_TEXT, UNKNOWN_MATCH, LastHour, Refusal

logger = logging.getLogger(__name__)

LOGGED_PER_WINDOW = 5
"""Refusals of one reason that are logged within a window; the others are only counted."""

WINDOW_MS = 10_000


class Refusals:
    """Counts refused logons, messages and connections, and says in the log which and why."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._windows: dict[str, _Window] = {}
        self.last_hour = LastHour()

    @property
    def counts(self) -> Mapping[str, int]:
        """Refusals by reason since the start."""
        return self._counts

    def refuse_message(
        self, group_code: str, error: InvalidMessage, *, address: str = "", match_id: str = ""
    ) -> None:
        """A message was dropped. Where its sender has no match by its group code, it may have one by `match_id`."""
        whose = f"{group_code} match_id={match_id}" if match_id else group_code
        self._note(error.code, "group_code=%s message dropped: %s", whose, error)
        self._keep(error.code, error.detail, error.path, group_code, address, match_id)

    def refuse_logon(self, group_code: str, error: LogonRefused, *, address: str = "") -> None:
        self._note(error.code, "group_code=%s logon refused: %s", group_code, error)
        self._keep(error.code, str(error), "", group_code, address)

    def refuse_connection(self, address: str, code: str, why: str) -> None:
        """Something of a connection from `address` was refused, or the connection itself; nobody has read anything."""
        self._note(code, "address=%s %s", address, f"{code}: {why}")
        self._keep(code, why, "", UNKNOWN_MATCH, address)

    def _keep(
        self, code: str, text: str, path: str, group_code: str, address: str, match_id: str = ""
    ) -> None:
        self.last_hour.add(
            Refusal(
                at=self._clock.now_ms(),
                code=code,
                text=text[:MAX_TEXT],
                path=path[:MAX_TEXT],
                group_code="" if group_code == UNKNOWN_MATCH else group_code,
                match_id=match_id,
                address=address,
            )
        )

    def _note(self, code: str, text: str, whose: str, error: object) -> None:
        self._counts[code] += 1
        window = self._windows.setdefault(code, _Window())
        now = self._clock.now_ms()
        if now - window.began_at >= WINDOW_MS:
            if window.unlogged:
                logger.warning("%d more refusals of reason %s were not logged", window.unlogged, code)
            window.began_at, window.logged, window.unlogged = now, 0, 0
        if window.logged < LOGGED_PER_WINDOW:
            window.logged += 1
            logger.warning(text, whose, error)
        else:
            window.unlogged += 1


class _Window:
    def __init__(self) -> None:
        self.began_at = -WINDOW_MS
        self.logged = 0
        self.unlogged = 0
