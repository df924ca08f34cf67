"""The smallest runs, on the server of this checkout. They prove that the proofs come true; numbers they prove none."""

import pytest

from tests.bench import servers
from tests.bench.__main__ import main, play
from tests.bench.connections import LoadError
from tests.bench.fanout import FanOut
from tests.bench.measure import Cores
from tests.bench.operated import Operated
from tests.bench.paced import Paced
from tests.bench.report import MEASURES
from tests.bench.saturation import Saturation, write
from tests.bench.scenario import Scenario

UNPINNED = Cores(server=None, load=None)

SATURATION = Saturation(matches=2, auxiliaries=2, events=1_200)
PACED = Paced(matches=2, auxiliaries=1, rate=400, seconds=0.25, warm_up_s=0.25, mark_every=5)
OPERATED = Operated(
    matches=2,
    auxiliaries=1,
    rate=200,
    seconds=0.5,
    pairs=2,
    pages=2,
    mark_every=2,
    warm_up_events=40,
    open_every_s=0.1,
)
FAN_OUT = FanOut(overlays=3, rate=100, seconds=0.2)


@pytest.mark.parametrize(
    ("scenario", "compression"),
    [(SATURATION, False), (SATURATION, True), (PACED, True), (FAN_OUT, True), (OPERATED, True)],
    ids=["saturation-plain", "saturation", "paced", "fan-out", "operated"],
)
def test_a_small_scenario_is_played_to_its_end(scenario: Scenario, compression: bool) -> None:
    outcome = play(scenario, servers.valo_ingest(UNPINNED), UNPINNED, compression=compression)

    assert set(outcome.measures) <= set(MEASURES)
    assert outcome.window.server_s > 0


def test_more_events_than_a_match_has_are_refused() -> None:
    endless = Saturation(matches=1, auxiliaries=1, events=20_000)

    with pytest.raises(LoadError, match="a match has no 10000 events of its observer"):
        write(endless, compression=False)


@pytest.mark.parametrize("arguments", [["--only", "nonsense"], ["--rounds", "0"]])
def test_what_makes_no_sense_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_status:
        main(["--no-yardstick", *arguments])

    assert exit_status.value.code == 2
    assert arguments[0] in capsys.readouterr().err
