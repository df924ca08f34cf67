"""What became of the events of a rehearsal, as lines for people."""

from collections.abc import Iterator, Mapping

from valo_ingest.cli.text import one_line
from valo_ingest.rehearsal.accounting import Accounts


def accounts_lines(accounts: Accounts) -> Iterator[str]:
    """Yield what became of all events."""
    if accounts.unconfirmed == accounts.sent > 0:
        yield f"Sent {accounts.sent:,} events. This server does not answer events, so what became of them is unknown."
        return
    parts = [f"{accounts.accepted:,} accepted", f"{accounts.refused_count:,} refused{_by(accounts.refused)}"]
    if accounts.refused_as_injected:
        injected = sum(accounts.refused_as_injected.values())
        parts.append(f"{injected:,} refused that were spoilt on purpose{_by(accounts.refused_as_injected)}")
    if accounts.unconfirmed:
        parts.append(f"{accounts.unconfirmed:,} unconfirmed")
    parts.append(f"{accounts.lost:,} lost{_by(accounts.lost_by_type)}")
    yield f"Sent {accounts.sent:,} events: {', '.join(parts)}."


def _by(counts: Mapping[str, int]) -> str:
    listed = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
    return one_line(f" ({listed})") if listed else ""
