from typing import Any

from tests.bench.connections import DOCUMENT
from tests.bench.stage import View, _sees

NOBODY: Any = None


def test_a_mark_that_was_shown_before_a_run_is_waited_for_again() -> None:
    """The yardstick begins with the document that we ended with."""
    view = View()
    view.take(NOBODY, DOCUMENT + b',{"headshots":700000005}]', 1.0)
    last = _sees(view, {700_000_005})
    assert last()

    view.forget()
    view.take(NOBODY, DOCUMENT + b',{"headshots":700000004}]', 2.0)

    assert not last()
    assert view.newest == [(2.0, 700_000_004)]
