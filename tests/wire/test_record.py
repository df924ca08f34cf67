import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from tests.storage.kept import START, make_opening, observed
from valo_ingest.game.state import MatchSetup
from valo_ingest.wire import exports
from valo_ingest.wire.record import FORMAT, Entry, KeyHolder, Kind, Opening, replay_opening

CREW = KeyHolder(key_name="crew", organization="Crew", is_supporter=True)


class OpeningOfVersion010(Struct, frozen=True, kw_only=True):
    """How 0.1.0 kept an opening. It stays as it is."""

    setup: MatchSetup
    at: int
    observer_name: str
    client_version: str
    format: int = 1


def test_an_opening_from_before_names_of_keys_is_nobody_s() -> None:
    opening = make_opening()
    older = OpeningOfVersion010(
        setup=opening.setup,
        at=opening.at,
        observer_name=opening.observer_name,
        client_version=opening.client_version,
    )

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(older), type=Opening) == opening
    assert opening.opened_by == KeyHolder()


def test_a_version_from_before_names_of_keys_reads_what_is_kept_today() -> None:
    opening = replace(make_opening(), opened_by=CREW)

    older = msgspec.msgpack.decode(msgspec.msgpack.encode(opening), type=OpeningOfVersion010)

    assert older.format == FORMAT == 1
    assert (older.setup, older.at) == (opening.setup, opening.at)


def test_an_entry_that_nobody_can_read_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    opening = make_opening()
    unreadable = Entry(START, Kind.OBSERVER_MESSAGE, "no JSON")

    match = replay_opening(opening, (unreadable, observed(5, "map", "Ascent")))

    assert match == replay_opening(opening, (observed(5, "map", "Ascent"),))
    assert "group_code=FINALS entry of a record left out: not_json" in caplog.text


def test_whose_key_it_was_is_kept_and_not_exported() -> None:
    opening = replace(make_opening(), opened_by=CREW)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(opening), type=Opening) == opening
    for export in (exports.stream, exports.replay_file):
        assert list(export(opening, ())) == list(export(make_opening(), ()))
