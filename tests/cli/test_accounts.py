import pytest

from valo_ingest.cli.accounts import accounts_lines
from valo_ingest.rehearsal.accounting import Accounts


@pytest.mark.parametrize(
    ("accounts", "line"),
    [
        (Accounts(), "Sent 0 events: 0 accepted, 0 refused, 0 lost."),
        (Accounts(sent=2_000, accepted=2_000), "Sent 2,000 events: 2,000 accepted, 0 refused, 0 lost."),
        (
            Accounts(sent=9, accepted=3, refused={"b": 2, "a": 1}, lost=3, lost_by_type={"map": 3}),
            "Sent 9 events: 3 accepted, 3 refused (a 1, b 2), 3 lost (map 3).",
        ),
        (
            Accounts(sent=2, accepted=1, refused_as_injected={"not_json": 1}),
            "Sent 2 events: 1 accepted, 0 refused, 1 refused that were spoilt on purpose (not_json 1), 0 lost.",
        ),
        (
            Accounts(sent=5, unconfirmed=5),
            "Sent 5 events. This server does not answer events, so what became of them is unknown.",
        ),
    ],
)
def test_what_became_of_all_events_is_one_line(accounts: Accounts, line: str) -> None:
    assert list(accounts_lines(accounts)) == [line]
