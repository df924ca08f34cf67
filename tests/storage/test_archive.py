import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.storage import kept
from tests.storage.kept import ENTRIES, GAME_END, START, KeptMatches, make_opening, match_after
from valo_ingest.errors import JournalFault, MatchIsLive, UnknownMatch
from valo_ingest.storage import archive as archives
from valo_ingest.storage.archive import DAY_MS, Archive
from valo_ingest.storage.journal import ENTRIES_PER_STATE, SqliteJournal
from valo_ingest.storage.tables import FILE_NAME
from valo_ingest.wire import exports
from valo_ingest.wire.record import KeyHolder, Kind

WHOLE = (*ENTRIES, GAME_END)

OLD_JOURNAL = Path(__file__).with_name("journal-format-1.sql")
"""A journal of format 1, as version 0.1.0 kept it. It stays as it is: whatever comes later has to read it."""


@pytest.fixture
def matches(tmp_path: Path) -> KeptMatches:
    return KeptMatches(tmp_path / "data of #1?%41")


@pytest.fixture
def archive(matches: KeptMatches) -> Archive:
    return Archive(matches.data_dir, now_ms=lambda: START)


def change(matches: KeptMatches, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(matches.data_dir / FILE_NAME, isolation_level=None)) as database:
        database.execute(statement, values)


# --- looking --------------------------------------------------------------------------------------------------


def test_a_directory_without_a_journal_keeps_no_match_and_is_left_alone(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "none", now_ms=lambda: START)

    assert not archive.matches().matches
    with pytest.raises(UnknownMatch):
        archive.find("FINALS")
    assert list(tmp_path.iterdir()) == []


def test_a_match_that_ended_is_listed_as_it_ended(matches: KeptMatches, archive: Archive) -> None:
    number = matches.keep()

    (found,) = archive.matches().matches

    assert found.number == number
    assert not found.is_live
    assert found.ended_at == START + 100_000
    assert found.entry_count == len(WHOLE)
    assert found.opening == make_opening()
    assert found.match == match_after(make_opening(), WHOLE)


@pytest.mark.parametrize("count", [0, 1, ENTRIES_PER_STATE, ENTRIES_PER_STATE + 7, 2 * ENTRIES_PER_STATE])
def test_a_live_match_is_brought_up_to_its_last_entry(
    matches: KeptMatches, archive: Archive, count: int
) -> None:
    entries = [kept.observed(at, "map", f"Map {at}") for at in range(count)]
    matches.keep(make_opening("OTHER"), entries, ended_at=None)
    matches.keep(make_opening(), entries, ended_at=None)
    matches.keep(make_opening("DONE"), entries[:1])

    found = archive.find("FINALS")

    assert found.is_live
    assert found.match == match_after(make_opening(), entries)
    assert found.entry_count == count
    assert list(archive.entries(found)) == entries
    assert archive.matches().matches[1] == found


def test_a_live_match_kept_by_another_version_is_played_from_its_beginning(
    matches: KeptMatches, archive: Archive
) -> None:
    matches.keep(
        entries=[kept.observed(at, "map", "Ascent") for at in range(ENTRIES_PER_STATE)], ended_at=None
    )
    change(matches, "UPDATE matches SET state_version = '0.0.1', state = x'80'")

    found = archive.find("FINALS")

    assert found.match.map == "Ascent"
    assert found.entry_count == ENTRIES_PER_STATE


def test_a_group_code_means_its_latest_match(matches: KeptMatches, archive: Archive) -> None:
    first, second = matches.keep(), matches.keep()

    assert archive.find("FINALS").number == second
    assert archive.find(str(first)).number == first
    assert archive.find(f"#{first}").number == first


def test_a_number_that_is_a_group_code_is_one_unless_it_is_marked(
    matches: KeptMatches, archive: Archive
) -> None:
    first = matches.keep(make_opening("2"))
    second = matches.keep(make_opening("#77"))

    assert archive.find("2").number == first
    assert archive.find("#2").number == second
    assert archive.find("#77").number == second


@pytest.mark.parametrize(
    "name",
    ["", "#", "-1", "#-1", "3", "#3", "9" * 400, "#" + "9" * 19, "²", "\udcff", "finals", "FINALS' --"],
)
def test_what_no_match_is_called_is_unknown(matches: KeptMatches, archive: Archive, name: str) -> None:
    matches.keep()

    with pytest.raises(UnknownMatch):
        archive.find(name)


@pytest.mark.parametrize("code", ["../../etc", "/", "a'b\"c", "line\nbreak", "\x1b[2J", "%_", "日本"])
def test_any_group_code_is_found(matches: KeptMatches, archive: Archive, code: str) -> None:
    matches.keep(make_opening(code))

    assert archive.find(code).match.group_code == code


@pytest.mark.parametrize("at_once", [1, 3, 1_000])
def test_entries_are_those_of_the_match_in_their_order(
    matches: KeptMatches, archive: Archive, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(archives, "READ_AT_ONCE", at_once)
    numbers = [matches.begin(make_opening(code)) for code in ("A", "FINALS", "B")]
    for entry in WHOLE:
        for number in numbers:
            matches.append(number, entry)
    matches.end(numbers[1], 100_000)

    assert list(archive.entries(archive.find("FINALS"))) == list(WHOLE)


def test_openings_are_those_of_all_matches_that_can_be_read(
    matches: KeptMatches, archive: Archive, tmp_path: Path
) -> None:
    assert archive.openings() == []
    crew = replace(make_opening("A"), opened_by=KeyHolder(key_name="crew"))
    matches.keep(crew)
    matches.keep(make_opening("B"))
    matches.keep(make_opening("C"), ended_at=None)
    change(matches, "UPDATE matches SET opening = x'c1' WHERE number = 2")

    assert archive.openings() == [crew, make_opening("C")]
    assert Archive(tmp_path / "none", now_ms=lambda: START).openings() == []


def test_entries_that_come_after_a_look_are_not_of_it(matches: KeptMatches, archive: Archive) -> None:
    number = matches.keep(entries=WHOLE[:5], ended_at=None)
    found = archive.find("FINALS")

    matches.append(number, *WHOLE[5:])

    assert list(archive.entries(found)) == list(WHOLE[:5])


def test_who_writes_meanwhile_is_not_in_the_way(matches: KeptMatches, archive: Archive) -> None:
    matches.keep()
    with closing(sqlite3.connect(matches.data_dir / FILE_NAME, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO entries VALUES (1000, 1, 0, 1, 'not committed')")

        found = archive.find("FINALS")
        pages = archive.entries(found)
        next(pages)
        writer.execute("COMMIT")

        assert list(pages) == list(WHOLE[1:])
        assert archive.matches().matches == [found]


def test_a_look_changes_nothing(matches: KeptMatches, archive: Archive) -> None:
    matches.keep()
    matches.journal.close()
    before = (matches.data_dir / FILE_NAME).read_bytes()

    archive.matches()
    list(archive.entries(archive.find("FINALS")))

    assert (matches.data_dir / FILE_NAME).read_bytes() == before


# --- what cannot be read --------------------------------------------------------------------------------------


def test_a_newer_format_is_refused_and_the_others_are_listed(matches: KeptMatches, archive: Archive) -> None:
    matches.keep(make_opening("OLD"))
    number = matches.keep(make_opening("NEW"))
    tomorrow = msgspec.msgpack.encode({"format": 2, "setup": "of another kind"})
    change(matches, "UPDATE matches SET opening = ? WHERE number = ?", tomorrow, number)

    listing = archive.matches()

    assert [found.match.group_code for found in listing.matches] == ["OLD"]
    (fault,) = listing.faults
    assert str(fault).startswith(f"Match #{number} 'NEW' is kept in format 2")
    with pytest.raises(JournalFault, match="reads formats up to 1"):
        archive.find("NEW")


@pytest.mark.parametrize("opening", [b"\xc1", b"", "text", None, b"\x80"])
def test_a_match_that_is_damaged_is_named(matches: KeptMatches, archive: Archive, opening: object) -> None:
    matches.keep()
    if opening is None:
        opening = 5
    change(matches, "UPDATE matches SET opening = ?", opening)

    assert not archive.matches().matches
    with pytest.raises(JournalFault, match=r"Match #1 'FINALS' is damaged"):
        archive.find("FINALS")


@pytest.mark.parametrize("state", [b"\xc1", b"\x80", 5])
def test_a_state_that_cannot_be_read_is_played_anew(
    matches: KeptMatches, archive: Archive, state: object
) -> None:
    matches.keep()
    before = archive.find("FINALS")

    change(matches, "UPDATE matches SET state = ?", state)

    assert archive.find("FINALS") == before
    assert archive.matches().matches == [before]


def test_a_kind_of_entry_that_is_not_known_yet_is_refused(matches: KeptMatches, archive: Archive) -> None:
    matches.keep()
    change(matches, "UPDATE entries SET kind = 99 WHERE id = 3")

    with pytest.raises(JournalFault, match="kind 99"):
        list(archive.entries(archive.find("FINALS")))


@pytest.mark.parametrize("content", [b"this is no database, " * 500, b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_journal_that_is_damaged_is_said_to_be(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    archive = Archive(tmp_path, now_ms=lambda: START)

    with pytest.raises(JournalFault, match="cannot be read"):
        archive.matches()
    with pytest.raises(JournalFault, match="cannot be read"):
        archive.find("FINALS")
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_journal_of_format_1_still_plays(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.executescript(OLD_JOURNAL.read_text(encoding="utf-8"))
    archive = Archive(tmp_path, now_ms=lambda: START)

    ended, live = archive.matches().matches

    assert (ended.number, ended.is_live, ended.entry_count, ended.opening.at) == (1, False, 36, START)
    assert [team.rounds_won for team in ended.match.teams] == [1, 1]
    assert [player.kills for player in ended.match.teams.right.players] == [4, 1]
    assert ended.match.map == "Ascent"
    assert ended.match.presentation.settings["crew"] == {"of": ["our", "own"]}
    assert {entry.kind for entry in archive.entries(ended)} >= {Kind.AUXILIARY_BACK, Kind.STANDBY_ON}
    assert len(list(exports.stream(ended.opening, archive.entries(ended)))) == 38
    assert (live.number, live.is_live, live.entry_count) == (2, True, 8)
    assert live.match.match_id == kept.MATCH_ID
    assert ended.opening.opened_by == live.opening.opened_by == KeyHolder()
    assert [player.name for player in live.match.teams.left.players] == ["l1", "l2"]


# --- deleting -------------------------------------------------------------------------------------------------


def count(matches: KeptMatches, table: str) -> int:
    with closing(sqlite3.connect(matches.data_dir / FILE_NAME)) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.mark.parametrize("at_once", [1, 7, 1_000])
def test_deleting_leaves_nothing_of_a_match_and_everything_of_the_others(
    matches: KeptMatches, archive: Archive, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(archives, "DELETED_AT_ONCE", at_once)
    numbers = [matches.begin(make_opening(code)) for code in ("A", "B", "C")]
    for entry in WHOLE:
        for number in numbers:
            matches.append(number, entry)
    for number in numbers[:2]:
        matches.end(number, 100_000)

    archive.delete([archive.find("B")])

    assert [found.number for found in archive.matches().matches] == [numbers[0], numbers[2]]
    assert count(matches, "entries") == 2 * len(WHOLE)
    for code in ("A", "C"):
        assert list(archive.entries(archive.find(code))) == list(WHOLE)


def test_a_live_match_is_not_deleted_nor_what_was_named_beside_it(
    matches: KeptMatches, archive: Archive
) -> None:
    matches.keep(make_opening("DONE"))
    number = matches.keep(entries=ENTRIES, ended_at=None)

    with pytest.raises(MatchIsLive, match=f"#{number} 'FINALS' is live"):
        archive.delete([archive.find("DONE"), archive.find("FINALS")])

    assert len(archive.matches().matches) == 2
    assert count(matches, "entries") == len(WHOLE) + len(ENTRIES)


def test_a_server_goes_on_while_matches_are_deleted(matches: KeptMatches, archive: Archive) -> None:
    live = matches.keep(make_opening("LIVE"), ENTRIES[:9], ended_at=None)
    matches.keep()

    archive.delete([archive.find("FINALS")])
    matches.append(live, *ENTRIES[9:])

    assert list(archive.entries(archive.find("LIVE"))) == list(ENTRIES)
    assert not matches.journal.health().fault


def test_a_match_without_an_entry_loses_none_when_those_before_it_are_deleted(
    matches: KeptMatches, archive: Archive
) -> None:
    matches.keep()
    number = matches.keep(make_opening("LIVE"), (), ended_at=None)
    archive.delete([archive.find("FINALS")])
    matches.journal.close()

    again = SqliteJournal(matches.data_dir, durability="process", now_ms=lambda: START)
    again.open(ended_since=0)
    again.append(number, ENTRIES[0], match_after(make_opening("LIVE"), ENTRIES[:1]))
    again.commit()

    assert list(archive.entries(archive.find("LIVE"))) == [ENTRIES[0]]
    again.close()


def test_matches_are_old_by_the_days_since_their_end(matches: KeptMatches) -> None:
    ended = [matches.keep(ended_at=days * DAY_MS) for days in (0, 1, 2)]
    matches.keep(ended_at=None)
    archive = Archive(matches.data_dir, now_ms=lambda: START + 3 * DAY_MS)

    def old(days: int) -> list[int]:
        return [found.number for found in archive.ended_before_days(days)]

    assert old(3) == []
    assert old(2) == ended[:1]
    assert old(0) == ended


def test_a_journal_that_cannot_be_changed_is_said_to_be(
    matches: KeptMatches, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    matches.keep()
    found = archive.find("FINALS")
    monkeypatch.setattr(archives, "BUSY_S", 0.01)
    with closing(sqlite3.connect(matches.data_dir / FILE_NAME, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")

        with pytest.raises(JournalFault, match="cannot be changed: database is locked"):
            archive.delete([found])


# --- the latest -----------------------------------------------------------------------------------------------


def test_the_latest_matches_that_ended_come_first_and_live_ones_not_at_all(
    matches: KeptMatches, archive: Archive
) -> None:
    for code in ("A", "B", "C"):
        matches.keep(make_opening(code))
    matches.keep(make_opening("LIVE"), ended_at=None)

    assert [found.match.group_code for found in archive.latest(2)] == ["C", "B"]


def test_a_match_that_cannot_be_read_is_not_among_the_latest(matches: KeptMatches, archive: Archive) -> None:
    matches.keep(make_opening("A"))
    number = matches.keep(make_opening("B"))
    change(matches, "UPDATE matches SET opening = x'c1' WHERE number = ?", number)

    assert [found.match.group_code for found in archive.latest(5)] == ["A"]


def test_without_a_journal_there_is_no_latest(tmp_path: Path) -> None:
    assert not Archive(tmp_path / "none", now_ms=lambda: START).latest(5)
