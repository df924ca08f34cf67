from collections import Counter
from typing import Any

import pytest

from tests.e2e.messages import roster, scoreboard
from tests.rehearsal import tapes
from tests.rehearsal.tapes import (
    CODE,
    Line,
    auxiliary_logon,
    gone,
    logon,
    opening,
    phase,
    recording,
    reported,
    told,
)
from valo_ingest.rehearsal.offline import NOT_SENT, OfflineServer, Verdict
from valo_ingest.rehearsal.recordings import load
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.overlay import document

VERSIONS = VersionRange(">=0.3.3 <0.3.25")

SECRET = {"groupSecret": "${secret}"}


def take(*lines: Line) -> tuple[OfflineServer, list[Verdict]]:
    server = OfflineServer(VERSIONS)
    return server, [server.take(step, step.at_ms) for step in recording(*lines).steps]


def codes(*lines: Line) -> list[str]:
    return [verdict.code for verdict in take(*lines)[1]]


@pytest.mark.skipif(not tapes.STREAMS.is_dir(), reason="the shared streams are not beside this checkout")
@pytest.mark.parametrize("name", tapes.shared_streams())
def test_a_stream_comes_out_as_its_golden_says(name: str) -> None:
    played = load(tapes.STREAMS / f"{name}.jsonl")
    # This golden was made of a recording of 40 minutes that was sent within one, so no round ran out of time.
    pace = 0 if name == "real-inhouse-2024-08" else 1
    server = OfflineServer(VERSIONS)

    for step in played.steps:
        server.take(step, step.at_ms * pace)
    server.pass_time(played.duration_ms * pace)

    expected = tapes.golden_documents(name)
    for wanted, got in zip(expected, server.matches.values(), strict=False):
        assert wanted in (None, tapes.timeless(document(got)))
    assert len(expected) <= len(server.matches)


def test_what_a_server_would_take_is_accepted() -> None:
    assert set(codes(*opening(), auxiliary_logon(2, "P"), reported(3, "P", "aux_health", 5))) == {"accepted"}


@pytest.mark.parametrize(
    ("line", "code", "detail"),
    [
        (
            told(9, "score", {"team_0": None, "team_1": 1}),
            "invalid_field",
            "the score of team 0 is null",
        ),
        (
            told(9, "aux_health", 5),
            "wrong_channel",
            "Events of type aux_health come from the other kind of client",
        ),
        (told(9, "map", "Port", code="OTHER"), "foreign_match", "names another match"),
        ({**told(9, "map"), "raw": "{"}, "not_json", "not JSON"),
        ({**told(9, "map"), "payload": {}}, "missing_field", "The event has no obsName or playerId"),
        (logon(9, client="obs2"), "group_code_taken", "still live"),
        (logon(9, client="obs2", code="B", clientVersion="0.2.0"), "client_version", "Client version 0.2.0"),
        (
            logon(9, client="obs2", code="B", leftTeam=1),
            "invalid_packet",
            "Invalid packet. leftTeam: not an object",
        ),
        (auxiliary_logon(9, "P", match_id="unknown"), "match_not_found", "no live match"),
    ],
)
def test_a_refusal_has_the_reason_of_the_server(line: Line, code: str, detail: str) -> None:
    verdict = take(*opening(), line)[1][-1]

    assert verdict.code == code
    assert detail in verdict.detail


def test_an_auxiliary_client_may_tell_of_its_own_match_only() -> None:
    line = reported(9, "P", "aux_health", 5, match_id="other")

    assert codes(*opening(), auxiliary_logon(8, "P"), line)[-1] == "foreign_match"
    assert codes(*opening(), auxiliary_logon(8, "P"), {**line, "channel": "obs_data"})[-1] == "wrong_channel"
    assert codes(*opening(), {**told(9, "map"), "channel": "aux_data"})[-1] == "wrong_channel"


@pytest.mark.parametrize(
    ("line", "in_vain"),
    [
        (told(9, "of_tomorrow", 5), "unknown_type"),
        (told(9, "roster", roster("X", team=7)), "unknown_team"),
        (told(9, "scoreboard", scoreboard("P", team=7)), "unknown_team"),
        (told(9, "scoreboard", scoreboard("P")), ""),
    ],
)
def test_what_can_change_nothing_is_accepted_in_vain(line: Line, in_vain: str) -> None:
    assert take(*opening(), line)[1][-1] == Verdict("accepted", in_vain=in_vain)


def test_after_the_end_nobody_is_connected() -> None:
    end = phase(5_000, 1, "game_end")
    after = [told(6_000, "map", "Port"), reported(6_000, "P", "aux_health", 5)]

    assert codes(*opening(), auxiliary_logon(2_000, "P"), end, *after)[-2:] == [NOT_SENT] * 2


def test_who_was_refused_is_not_connected() -> None:
    lines = [*opening(), logon(2, client="obs2"), told(3, "map", "Port", client="obs2")]

    assert codes(*lines)[-1] == NOT_SENT


def test_an_auxiliary_client_stays_while_another_match_has_its_id() -> None:
    other = [
        logon(1, client="obs2", code="B"),
        told(2, "match_start", tapes.MATCH_ID, client="obs2", code="B"),
    ]
    lines = [*opening(), *other, auxiliary_logon(3, "P"), phase(5_000, 1, "game_end")]

    server, verdicts = take(*lines, reported(6_000, "P", "aux_health", 5))

    assert verdicts[-1].code == "accepted"
    assert server.open_codes == ("B",)


def test_an_observer_comes_back_with_the_secret() -> None:
    lines = [*opening(), gone(2_000)]
    assert not take(*lines)[0].matches[CODE].is_running

    server, verdicts = take(*lines, logon(3_000, **SECRET))

    assert verdicts[-1].code == "accepted"
    assert server.matches[CODE].is_running
    assert server.observer_of(CODE) == ("obs", "Caster#OBS")


def test_a_stand_by_counts_when_the_observer_has_been_gone_for_two_seconds() -> None:
    standby = logon(2_000, client="obs2", obsName="Second", **SECRET)
    second = [told(at, "map", "Port", client="obs2") for at in (2_500, 4_999, 5_000)]
    lines = [*opening(), standby, second[0], gone(3_000), second[1]]

    early, _ = take(*lines)
    late, _ = take(*lines, second[2])

    assert (early.matches[CODE].map, early.observer_of(CODE)) == ("Ascent", None)
    assert (late.matches[CODE].map, late.observer_of(CODE)) == ("Icebox", ("obs2", "Second"))


def test_a_stand_by_that_leaves_changes_nothing() -> None:
    standby = logon(2_000, client="obs2", obsName="Second", **SECRET)

    server, _ = take(*opening(), standby, gone(3_000, "obs2"))

    assert server.matches[CODE].is_running


def test_the_data_of_a_player_is_available_while_his_client_is_there() -> None:
    lines = [*opening(), auxiliary_logon(2_000, "P"), reported(2_100, "P", "aux_health", 5)]

    def has_health(*more: Line) -> bool:
        player = take(*lines, *more)[0].matches[CODE].teams.left.players[0]
        return player.auxiliary.has_health

    assert has_health()
    assert not has_health(gone(3_000, "aux:P"))


def test_a_second_match_under_a_code_follows_the_first() -> None:
    again = [logon(6_000), phase(6_100, 4, "combat")]

    server, verdicts = take(*opening(), phase(5_000, 3, "game_end"), *again)

    assert Counter(verdict.code for verdict in verdicts) == {"accepted": len(verdicts)}
    assert [match.round_number for match in (*server.earlier_matches, *server.matches.values())] == [3, 4]


def test_time_alone_ends_a_timeout() -> None:
    server, _ = take(*opening(), told(2_000, "left_timeout"))
    server.pass_time(61_999)
    assert server.matches[CODE].pause is not None

    server.pass_time(62_000)

    assert server.matches[CODE].pause is None


def test_every_player_of_the_first_scoreboard_gets_the_client_that_said_no_player() -> None:
    nameless = auxiliary_logon(2_000, "")
    board = {**reported(2_100, "", "aux_scoreboard", scoreboard("P")), "client": "aux:"}
    board["payload"] = {**board["payload"], "playerId": "P"}

    def has_scoreboard(*more: Line) -> Any:
        return take(*opening(), nameless, board, *more)[0].matches[CODE].teams.left.players[0].auxiliary

    assert has_scoreboard().has_scoreboard
    assert not has_scoreboard(gone(3_000, "aux:")).has_scoreboard
