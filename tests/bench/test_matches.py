"""The made-up matches: the server takes every message of them, and they are like recorded ones."""

from collections import Counter
from itertools import islice

import pytest

from tests.bench.frames import COMPRESSED, event_frame, text_of
from tests.bench.matches import FIRST_MARK, MARK, MARKED_PLAYER, PLAYERS, ROUNDS, Match
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message


def test_the_server_takes_every_message_of_an_observer() -> None:
    match = Match(3)
    for message in [*match.opening(), *match.observer_messages(), match.marked_board(FIRST_MARK)]:
        assert decode_observer_message(text_of(message)).group_code == match.group_code


@pytest.mark.parametrize("number", range(PLAYERS))
def test_the_server_takes_every_message_of_an_auxiliary_client(number: int) -> None:
    match = Match(3)
    messages = islice(match.auxiliary_messages(number), 300)
    for message in [*messages, match.marked_charges(number, FIRST_MARK)]:
        assert decode_auxiliary_message(text_of(message)).match_id == match.match_id


def test_a_match_is_the_same_at_every_run_and_unlike_others() -> None:
    def told(index: int) -> list[str]:
        match = Match(index)
        return [text_of(message) for message in [*match.opening(), *match.observer_messages()]]

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_events_come_in_the_proportions_of_a_recorded_match() -> None:
    kinds = Counter(message["type"] for message in Match(0).observer_messages())
    total = sum(kinds.values())

    assert 130 < total / ROUNDS < 160
    assert 0.85 < kinds["scoreboard"] / total < 0.95
    assert 0.03 < kinds["killfeed"] / total < 0.07
    assert kinds["round_info"] == 3 * ROUNDS


def test_as_many_messages_of_auxiliary_clients_are_long_as_in_a_recorded_match() -> None:
    match = Match(0)
    frames = [
        event_frame("aux_data", message, compression=True)
        for number in range(PLAYERS)
        for message in islice(match.auxiliary_messages(number), 1_000)
    ]

    assert 0.035 < sum(bool(frame[0] & COMPRESSED) for frame in frames) / len(frames) < 0.05


def test_the_stream_leaves_the_money_of_the_marked_player_alone() -> None:
    match = Match(0)
    marked = match.players[MARKED_PLAYER]["playerId"]
    boards = [message["data"] for message in match.observer_messages() if message["type"] == "scoreboard"]
    assisted = [
        message
        for number in range(PLAYERS)
        for message in islice(match.auxiliary_messages(number), 300)
        if message["type"].startswith("aux_scoreboard")
    ]

    assert all(board["playerId"] != marked for board in boards)
    assert all(marked not in text_of(message["data"]) for message in assisted)


def test_further_games_have_match_ids_of_their_own() -> None:
    match = Match(0)
    starts = [message for message in match.observer_messages(games=3) if message["type"] == "match_start"]

    assert len({match.match_id, *(message["data"] for message in starts)}) == 3


def test_marks_are_found_in_a_document_as_it_is_sent() -> None:
    document = text_of({"money": FIRST_MARK, "other": 7_000, "at": 1_700_000_001_000, "n": 7_000_000_010})
    packet = "42" + text_of(["match_data", document])

    assert MARK.findall(packet.encode()) == [str(FIRST_MARK).encode()]
