import re

import pytest

from tests.cli.conftest import CommandLine
from valo_ingest.cli import simulate
from valo_ingest.cli.group_codes import group_codes
from valo_ingest.errors import NotLetIn, ServerUnreachable
from valo_ingest.rehearsal.accounting import Tally
from valo_ingest.rehearsal.faults import USUAL_RATES, Fault
from valo_ingest.rehearsal.performance import Performance, Script


class FakePerformances:
    """Stands for matches that are over at once: keeps their scripts. Of each one event is accepted, `lost` are lost."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.lost = 0
        self.are_over = True
        self.failure: Exception | None = None

    def play_all(self, performances: list[Performance], watch: object) -> bool:
        if self.failure is not None:
            raise self.failure
        for performance in performances:
            self.scripts.append(performance.script)
            self._play(performance.tally)
            performance.is_over = self.are_over
        return self.are_over

    def _play(self, tally: Tally) -> None:
        numbers = [tally.begin("map") for _ in range(1 + self.lost)]
        for number in numbers:
            assert number is not None
            tally.lose(number)
        assert numbers[0] is not None
        tally.answer(numbers[0])


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> FakePerformances:
    fake = FakePerformances()
    monkeypatch.setattr(simulate, "play_all", fake.play_all)
    return fake


def test_each_of_several_matches_has_its_own_seed_code_and_match_id(
    valo_ingest: CommandLine, played: FakePerformances
) -> None:
    result = valo_ingest("simulate", "--matches", "3", "--seed", "7", "--group-code", "CUP", "--aux", "10")

    assert result.exit_code == 0
    assert [(script.seed, script.group_code) for script in played.scripts] == [
        (7, "CUP-1"), (8, "CUP-2"), (9, "CUP-3")
    ]  # fmt: skip
    assert len({script.match_id for script in played.scripts}) == 3
    assert {script.auxiliaries for script in played.scripts} == {10}
    assert result.stdout.splitlines()[-1] == "Sent 3 events: 3 accepted, 0 refused, 0 lost."


def test_a_seed_is_drawn_and_told_so_that_the_match_can_be_played_again(
    valo_ingest: CommandLine, played: FakePerformances
) -> None:
    result = valo_ingest("simulate")

    found = re.match(r"([A-Z0-9]{6}), seed (\d+): [\w ]+ 0 : 0 [\w ]+ after 0 rounds\.", result.stdout)
    assert found is not None
    assert (found[1], int(found[2])) == (played.scripts[0].group_code, played.scripts[0].seed)


def test_the_key_is_also_read_from_the_environment_and_never_shown(
    valo_ingest: CommandLine, played: FakePerformances
) -> None:
    valo_ingest.environment["VALO_INGEST_KEY"] = "hunter2"

    result = valo_ingest("simulate")

    assert played.scripts[0].key == "hunter2"
    assert "hunter2" not in result.output
    assert "hunter2" not in repr(played.scripts[0])


def test_a_lost_event_is_exit_status_1(valo_ingest: CommandLine, played: FakePerformances) -> None:
    played.lost = 2

    result = valo_ingest("simulate")

    assert result.exit_code == 1
    assert "2 lost (map 2)" in result.stdout


def test_a_match_that_was_stopped_is_exit_status_130(
    valo_ingest: CommandLine, played: FakePerformances
) -> None:
    played.are_over = False

    result = valo_ingest("simulate", "--group-code", "CUP", "--seed", "1")

    assert result.exit_code == 130
    assert "CUP, seed 1: Juniper 0 : 0 Iron Kites in round 0." in result.stdout
    assert result.stderr == "Stopped.\n"


@pytest.mark.parametrize(
    "failure", [ServerUnreachable("http://a:1", "nothing\nlistens"), NotLetIn("http://a:1", "observer", "no")]
)
def test_a_server_that_cannot_be_used_is_one_line_and_exit_status_1(
    valo_ingest: CommandLine, played: FakePerformances, failure: Exception
) -> None:
    played.failure = failure

    result = valo_ingest("simulate")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: http://a:1")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("drops=0.5", {Fault.DROPS: 0.5}),
        ("drops", {Fault.DROPS: USUAL_RATES[Fault.DROPS]}),
        ("nulls=0.1, second-observer", {Fault.NULLS: 0.1, Fault.SECOND_OBSERVER: 1.0}),
        ("all", dict(USUAL_RATES)),
        ("all,drops=0", {**USUAL_RATES, Fault.DROPS: 0.0}),
        ("all=0.25", dict.fromkeys(Fault, 0.25)),
    ],
)
def test_faults_have_names_and_rates(
    valo_ingest: CommandLine, played: FakePerformances, text: str, rates: dict[Fault, float]
) -> None:
    assert valo_ingest("simulate", "--faults", text).exit_code == 0
    assert played.scripts[0].faults == rates


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lightning", "'lightning' is no fault. There are drops, duplicates"),
        ("", "'' is no fault"),
        ("drops=2", "'2' is no rate"),
        ("drops=-0.1", "'-0.1' is no rate"),
        ("drops=nan", "'nan' is no rate"),
        ("drops=", "'' is no rate"),
    ],
)
def test_what_is_no_fault_or_no_rate_is_refused(
    valo_ingest: CommandLine, played: FakePerformances, text: str, told: str
) -> None:
    result = valo_ingest("simulate", "--faults", text)

    assert result.exit_code == 2
    assert told in result.stderr
    assert not played.scripts


@pytest.mark.parametrize(
    "arguments",
    [
        ("--speed", "0"),
        ("--speed", "nan"),
        ("--aux", "11"),
        ("--matches", "0"),
        ("--mode", "deathmatch"),
        ("--seed", "-1"),
        ("--group-code", ""),
        ("--group-code", "X" * 65),
        ("--group-code", "X" * 63, "--matches", "2"),
        ("--group-code", "\udcff"),
        ("--key", "\udcff"),
        ("--client-version", "\udcff"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    valo_ingest: CommandLine, played: FakePerformances, arguments: tuple[str, ...]
) -> None:
    assert valo_ingest("simulate", *arguments).exit_code == 2
    assert not played.scripts


def test_a_fault_that_hit_nothing_is_told_as_well(valo_ingest: CommandLine, played: FakePerformances) -> None:
    result = valo_ingest("simulate", "--faults", "reconnects,nulls=0.1,drops=0")

    assert result.stdout.splitlines()[1] == "Done on purpose: nulls 0, reconnects 0."


def test_group_codes_that_are_made_are_easily_typed() -> None:
    (code,) = group_codes(None, 1)

    assert re.fullmatch(r"[A-HJ-NP-Z2-9]{6}", code)
    assert group_codes(None, 1) != [code]


def test_team_timeouts_are_as_much_shorter_as_the_match_is_faster() -> None:
    assert [simulate.tools(speed)["timeoutDuration"] for speed in (1, 4, 20, 1_000)] == [60, 15, 3, 1]
