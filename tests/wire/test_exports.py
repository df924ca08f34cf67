import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage import kept
from tests.storage.kept import ENTRIES, GAME_END, MATCH_ID, START, make_opening, match_after
from valo_ingest.game import events as happened
from valo_ingest.game.reducer import apply, expire
from valo_ingest.game.state import Match, new_match
from valo_ingest.wire import exports
from valo_ingest.wire.compat import VersionRange
from valo_ingest.wire.decode import decode_auxiliary_message, decode_observer_message
from valo_ingest.wire.logons import decode_auxiliary_logon, decode_observer_logon
from valo_ingest.wire.overlay import document
from valo_ingest.wire.record import Entry, Kind, Opening

WHOLE = (*ENTRIES, GAME_END)

Step = dict[str, Any]


def steps(entries: Iterable[Entry] = WHOLE, opening: Opening | None = None) -> list[Step]:
    text = "".join(exports.stream(opening or make_opening(), entries))
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


class StreamPlayer:
    """Plays a stream as a server does that has it played to it: what counts is who is logged on."""

    def __init__(self) -> None:
        self.match: Match | None = None
        self._is_observed = False
        self._owners: dict[str, str] = {}
        """The player of each auxiliary client that is logged on."""

    def play(self, played: Iterable[Step]) -> Match:
        for step in played:
            event = getattr(self, step["channel"])(step["client"], step["payload"])
            if self.match is not None and event is not None:
                self.match = apply(self.match, event, START + step["at_ms"])
        assert self.match is not None
        return self.match

    def obs_logon(self, client: str, payload: Any) -> happened.Event | None:
        logon = decode_observer_logon(payload, VersionRange(">=0.3.3 <0.3.25"))
        self._is_observed = True
        if self.match is None:
            assert payload["groupSecret"] == ""
            self.match = new_match(logon.setup)
            return None
        assert payload["groupSecret"] == "${secret}"
        return happened.ObserverJoined()

    def obs_data(self, client: str, payload: Any) -> happened.Event | None:
        assert self._is_observed
        return decode_observer_message(json.dumps(payload)).event

    def aux_logon(self, client: str, payload: Any) -> happened.Event | None:
        logon = decode_auxiliary_logon(payload, VersionRange(">=0.3.3 <0.3.25"))
        assert self.match is not None and logon.match_id == self.match.match_id
        assert client not in self._owners
        self._owners[client] = logon.player_id
        return None

    def aux_data(self, client: str, payload: Any) -> happened.Event | None:
        if not self._owners[client] and payload["type"] == "aux_scoreboard":
            self._owners[client] = payload["playerId"]
        return decode_auxiliary_message(json.dumps(payload)).event

    def disconnect(self, client: str, payload: Any) -> happened.Event | None:
        if client == "obs":
            assert self._is_observed
            self._is_observed = False
            return happened.ObserversGone()
        player_id = self._owners.pop(client)
        return None if player_id in self._owners.values() else happened.AuxiliaryGone(player_id)


def played(entries: Sequence[Entry], opening: Opening | None = None) -> Any:
    match = StreamPlayer().play(steps(entries, opening))
    return document(expire(match, entries[-1].at) if entries else match)


def recorded(entries: Iterable[Entry], opening: Opening | None = None) -> Any:
    return document(match_after(opening or make_opening(), entries))


# --- streams --------------------------------------------------------------------------------------------------


def test_a_stream_played_gives_the_document_of_the_match_after_each_of_its_entries() -> None:
    for count in range(len(WHOLE) + 1):
        assert played(WHOLE[:count]) == recorded(WHOLE[:count]), WHOLE[count - 1]


def test_a_stream_begins_with_the_logon_and_its_format() -> None:
    first = steps()[0]

    assert first["channel"] == "obs_logon"
    assert first["format"] == 1
    assert first["at_ms"] == 0
    assert first["payload"]["key"] == first["payload"]["groupSecret"] == ""
    assert first["payload"]["toolsData"]["crew"] == {"of": ["our", "own"]}


def test_what_the_logon_left_out_is_left_out_again() -> None:
    opening = make_opening(leftTeam={}, rightTeam={"attackStart": True})

    assert steps((), opening)[0]["payload"]["leftTeam"] == {}
    assert played((), opening) == recorded((), opening)


def test_messages_are_told_at_their_time_by_the_client_that_sent_them() -> None:
    sent = [
        (step["client"], step["at_ms"], step["payload"]["type"])
        for step in steps()
        if "data" in step["channel"]
    ]

    assert ("obs", 20, "match_start") in sent
    assert ("aux:1", 1_300, "aux_abilities") in sent
    assert ("aux:2", 1_400, "aux_scoreboard") in sent


def test_every_kind_of_entry_is_something_in_a_stream() -> None:
    assert set(exports.LINES) == set(Kind)


@pytest.mark.parametrize("kind", [Kind.ABANDONED, Kind.ENDED_BY_OPERATOR])
def test_an_abandoned_match_is_one_whose_observer_goes_away(kind: Kind) -> None:
    entries = (*ENTRIES, kept.happened(99_000, kind))

    assert steps(entries)[-1] == {"channel": "disconnect", "client": "obs", "payload": {}, "at_ms": 99_000}
    assert played(entries) == recorded(entries)


def test_what_the_operator_did_is_nothing_in_a_stream_but_what_came_of_it() -> None:
    handed_over = (
        kept.happened(96_000, Kind.HANDED_OVER, name="Second", to="Caster"),
        kept.happened(96_000, Kind.OBSERVER_ON, name="Caster", how="stand-by"),
        kept.happened(97_000, Kind.DISCONNECTED, name="L One"),
        kept.happened(97_000, Kind.AUXILIARY_GONE, name="L One", playerId="l1"),
        kept.happened(98_000, Kind.STANDBY_GONE, name="Second"),
    )
    entries = (*ENTRIES, *handed_over)

    assert [step["channel"] for step in steps(entries)[-2:]] == ["obs_logon", "disconnect"]
    assert played(entries) == recorded(entries)


def test_a_client_that_came_back_by_itself_repeats_what_was_remembered_of_it() -> None:
    back = [step["payload"].get("type") for step in steps() if step.get("synthetic")]

    assert back == ["aux_authenticate", "aux_health", "aux_abilities"]


def test_a_client_that_was_back_before_anybody_noticed_repeats_nothing() -> None:
    entries = (
        *kept.BEGINNING,
        kept.happened(2_000, Kind.AUXILIARY_ON, name="L One", playerId="l1"),
        kept.told(2_100, "l1", "aux_health", 70),
        kept.happened(2_200, Kind.AUXILIARY_BACK, name="L One", playerId="l1"),
    )

    assert not any(step.get("synthetic") for step in steps(entries))


def test_data_of_a_client_that_logged_on_to_another_match_of_the_game_has_a_sender() -> None:
    entries = (*kept.BEGINNING, kept.told(2_000, "l1", "aux_health", 70))

    assert [step["channel"] for step in steps(entries)][-2:] == ["aux_logon", "aux_data"]
    assert played(entries) == recorded(entries)


def test_a_message_that_is_spread_over_lines_is_one_line() -> None:
    text = json.dumps(
        {"obsName": "x", "groupCode": "FINALS", "type": "map", "data": "A\u2028\x85B\nC"}, indent=2
    )
    entries = (Entry(START, Kind.OBSERVER_MESSAGE, text),)

    exported = "".join(exports.stream(make_opening(), entries))

    assert len(exported.splitlines()) == 2
    assert exported.isascii()
    assert played(entries) == recorded(entries)


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", "[" * 100_000, '{"obsName":1}', '{"a":' * 980 + "1" + "}" * 980]
)
def test_an_entry_that_nobody_can_read_is_left_out(text: str) -> None:
    broken = Entry(START + 5, Kind.OBSERVER_MESSAGE, text)

    assert played((*kept.BEGINNING, broken, *WHOLE[8:])) == recorded(WHOLE)
    list(exports.replay_file(make_opening(), (broken,)))


PLAYERS = st.sampled_from(["l1", "r1", "r2"])


def entries_of_any_order(kinds: list[tuple[int, str]]) -> list[Entry]:
    """Return entries as a server writes them: an observer that is gone sends nothing before it is back."""
    entries = list(kept.BEGINNING)
    is_observed = True
    for index, (what, player_id) in enumerate(kinds):
        at = 2_000 + index * 700
        if what < 3 and not is_observed:
            entries.append(kept.happened(at, Kind.OBSERVER_ON, name="Caster", how="logon"))
            is_observed = True
        entries.append(
            [
                kept.kill(at, "l1", player_id),
                phase_of(at, index),
                kept.observed(at, "right_timeout"),
                kept.happened(at, Kind.OBSERVERS_GONE, name="Caster"),
                kept.happened(at, Kind.OBSERVER_ON, name="Second", how="take-over"),
                kept.happened(at, Kind.AUXILIARY_ON, name="Somebody", playerId=player_id),
                kept.happened(at, Kind.AUXILIARY_ON, name="Somebody", playerId=""),
                kept.happened(at, Kind.AUXILIARY_GONE, name="Somebody", playerId=player_id),
                kept.happened(at, Kind.AUXILIARY_BACK, name="Somebody", playerId=player_id),
                kept.told(at, player_id, "aux_health", index),
                kept.told(at, player_id, "aux_abilities", {"grenade": index, "ability_1": 1, "ability_2": 2}),
                kept.told(at, player_id, "aux_scoreboard", kept.board(player_id, kills=index, money=index)),
            ][what]
        )
        is_observed = what == 4 or (is_observed and what != 3)
    return entries


def phase_of(at: int, index: int) -> Entry:
    return kept.phase(at, 1 + index // 3, ("shopping", "combat", "end")[index % 3])


@settings(deadline=None)  # a busy machine is no fault of ours
@given(st.lists(st.tuples(st.integers(0, 11), PLAYERS), max_size=40))
def test_whoever_comes_and_goes_a_stream_gives_the_document_of_the_match(
    kinds: list[tuple[int, str]],
) -> None:
    entries = entries_of_any_order(kinds)

    assert played(entries) == recorded(entries)


# --- replay files ---------------------------------------------------------------------------------------------


def test_a_replay_file_is_the_logon_and_all_messages_with_their_receipt() -> None:
    text = "".join(exports.replay_file(make_opening(), WHOLE))

    header, *messages = json.loads(f"[{text}]")  # as the original reads it
    assert text.count(",\n") == len(messages) == sum(entry.kind in (1, 2) for entry in WHOLE)
    assert header["groupCode"] == "FINALS"
    assert header["leftTeam"]["name"] == "Alder"
    assert header["format"] == 1
    assert not {"key", "type", "groupSecret"} & set(header)
    assert messages[0] == {
        "obsName": "Caster",
        "groupCode": "FINALS",
        "type": "map",
        "data": "Ascent",
        "timestamp": START,
    }


def test_the_receipt_takes_the_place_of_what_a_client_said_of_the_time() -> None:
    text = "".join(exports.replay_file(make_opening(), [kept.observed(7, "map", "Ascent", timestamp=1)]))

    assert json.loads(f"[{text}]")[1]["timestamp"] == START + 7


# --- document and table ---------------------------------------------------------------------------------------


def test_the_document_is_the_one_that_overlays_got() -> None:
    match = match_after(make_opening(), WHOLE)

    assert json.loads("".join(exports.final_document(match))) == json.loads(json.dumps(document(match)))


def table(match: Match) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(exports.players_table(match)), newline="")))


def test_the_table_has_every_player_of_both_teams() -> None:
    rows = table(match_after(make_opening(), WHOLE))

    assert [row["player_id"] for row in rows] == ["l1", "l2", "r1", "r2"]
    assert rows[2] == {
        "seat": "right",
        "team": "Birch",
        "name": "ALD r1",
        "tagline": "EUW",
        "player_id": "r1",
        "agent": "Jett",
        "kills": "4",
        "deaths": "2",
        "assists": "0",
        "kd_ratio": "2.0",
        "headshots": "0",
        "team_kills": "0",
        "credits": "900",
        "spent_this_round": "0",
        "weapon": "Vandal",
        "armor": "Heavy",
        "ult_points": "3",
    }
    assert rows[0]["headshots"] == "1"
    assert rows[0]["kd_ratio"] == ""


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\t=", "\r-", " @"])
def test_no_name_becomes_a_formula(sign: str) -> None:
    entries = [kept.enrolled(0, "l1", name=f"{sign}1+1", tagline=f"{sign}1")]

    (row,) = table(match_after(make_opening(leftTeam={"name": f"{sign}cmd", "attackStart": True}), entries))

    for cell in (row["name"], row["tagline"], row["team"]):
        assert cell.startswith(f"'{sign.strip()}")


def test_a_name_is_one_cell_of_one_line() -> None:
    entries = [kept.enrolled(0, "l1", name='a,"b"\n\x1b[2Jc', tagline="\x9b2J")]

    text = "".join(exports.players_table(match_after(make_opening(), entries)))

    assert len(text.splitlines()) == 2
    assert text.replace("\r\n", "").isprintable()


# --- secrets --------------------------------------------------------------------------------------------------


def everything_of(opening: Opening, entries: Iterable[Entry]) -> str:
    entries = list(entries)
    match = match_after(opening, entries)
    return "".join(
        [
            *exports.stream(opening, entries),
            *exports.replay_file(opening, entries),
            *exports.final_document(match),
            *exports.players_table(match),
        ]
    )


def test_no_export_has_a_secret() -> None:
    secrets = {"key": kept.ACCESS_KEY, "groupSecret": kept.GROUP_SECRET, "secret": kept.CAM_SECRET}
    entries = [
        kept.observed(0, "map", "Ascent", **secrets),
        kept.observed(1, "match_start", MATCH_ID),
        kept.observed(2, "settings_of_tomorrow", {"list": [{"playercamsInfo": secrets}], **secrets}),
        kept.told(3, "l1", "aux_tomorrow", [[secrets]], **secrets),
    ]

    exported = everything_of(make_opening(), entries)

    assert "settings_of_tomorrow" in exported
    for secret in kept.SECRETS:
        assert secret not in exported
