import logging
from pathlib import Path

import pytest

from valo_ingest.clock import ManualClock
from valo_ingest.errors import KeyStoreFault, LogonRefused
from valo_ingest.storage.access import COMPLAIN_MS, KeyAccess
from valo_ingest.storage.keys import AUTH_KEY_NAME
from valo_ingest.storage.keystore import KeyStore, StoredKey
from valo_ingest.wire.record import KeyHolder

OWN = KeyHolder(key_name=AUTH_KEY_NAME, organization="League")
CREW = KeyHolder(key_name="crew", organization="Crew", is_supporter=True)

LIFETIME_MS = 3_600_000


class FailingKeys:
    """A key store that can be read as long as `fault` is empty; it holds nothing."""

    def __init__(self, fault: str = "cannot be read: disk I/O error.") -> None:
        self.fault = fault
        self.asked: list[str] = []

    def find(self, key: str) -> StoredKey | None:
        self.asked.append(key)
        if self.fault:
            raise KeyStoreFault("data/keys.sqlite3", self.fault)
        return None


class Fixture:
    """Access by the key "own" and one that is kept, which expires after an hour."""

    def __init__(self, data_dir: Path) -> None:
        self.clock = ManualClock()
        self.store = KeyStore(data_dir, now_ms=self.clock.now_ms)
        self.key = self.store.create(
            name=CREW.key_name,
            organization=CREW.organization,
            expires_at=self.clock.now_ms() + LIFETIME_MS,
            is_supporter=CREW.is_supporter,
            note="",
        )
        self.access = self.with_keys(self.store)

    def with_keys(
        self, keys: KeyStore | FailingKeys, *, auth_key: str | None = "own", is_required: bool = True
    ) -> KeyAccess:
        return KeyAccess(
            auth_key=auth_key,
            is_required=is_required,
            organization=OWN.organization,
            keys=keys,
            now_ms=self.clock.now_ms,
        )


@pytest.fixture
def made(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


def reason(access: KeyAccess, key: str) -> tuple[str, str]:
    """Return why `key` is refused: the code and the text for the client."""
    with pytest.raises(LogonRefused) as caught:
        access.check(key)
    with pytest.raises(LogonRefused) as told:
        access.holder_of(key)
    assert str(told.value) == str(caught.value)
    return caught.value.code, str(caught.value)


def test_both_the_server_s_own_key_and_those_that_are_kept_are_good(made: Fixture) -> None:
    for ask in (made.access.check, made.access.holder_of):
        assert ask("own") == OWN
        assert ask(made.key) == CREW


@pytest.mark.parametrize("key", ["", "Own", "own ", "\udcff", "\u00f6wn", "crew"])
def test_any_other_key_is_not(made: Fixture, key: str) -> None:
    assert reason(made.access, key) == ("invalid_key", "Invalid Key")


def test_without_a_key_of_its_own_a_server_takes_those_that_are_kept(made: Fixture) -> None:
    access = made.with_keys(made.store, auth_key=None)

    assert access.check(made.key) == CREW
    assert reason(access, "") == ("invalid_key", "Invalid Key")


def test_a_revoked_key_is_refused_at_once_and_its_successor_taken(made: Fixture) -> None:
    made.store.revoke("crew")
    assert reason(made.access, made.key) == ("invalid_key", "Invalid Key")

    successor = made.store.create(
        name="crew", organization="Crew", expires_at=None, is_supporter=True, note=""
    )

    assert made.access.check(successor) == CREW
    assert reason(made.access, made.key) == ("invalid_key", "Invalid Key")


def test_a_key_is_refused_from_the_instant_on_in_which_it_expires(made: Fixture) -> None:
    made.clock.advance(LIFETIME_MS - 1)
    assert made.access.check(made.key) == CREW

    made.clock.advance(1)
    assert reason(made.access, made.key) == ("expired_key", "Expired Key")

    made.store.revoke("crew")
    assert reason(made.access, made.key) == ("invalid_key", "Invalid Key")


def test_where_no_key_is_required_everybody_is_let_in_and_known_keys_are_known(made: Fixture) -> None:
    access = made.with_keys(made.store, is_required=False)

    assert access.check("") == access.check("anything") == KeyHolder()
    assert (access.check("own"), access.check(made.key)) == (OWN, CREW)
    with pytest.raises(LogonRefused, match="Invalid Key"):
        access.holder_of("anything")
    made.clock.advance(LIFETIME_MS)
    assert access.check(made.key) == KeyHolder()


# --- keys that cannot be read ---------------------------------------------------------------------------------


def test_the_server_s_own_key_needs_no_store(made: Fixture) -> None:
    keys = FailingKeys()

    assert made.with_keys(keys).check("own") == OWN
    assert keys.asked == []


def test_where_keys_cannot_be_read_nobody_can_tell(made: Fixture) -> None:
    assert reason(made.with_keys(FailingKeys()), made.key) == ("keys_unreadable", "Unknown Error")


def test_where_no_key_is_required_it_does_not_matter_that_none_can_be_read(made: Fixture) -> None:
    assert made.with_keys(FailingKeys(), is_required=False).check("anything") == KeyHolder()


def test_the_operator_hears_once_a_minute_why_and_when_it_is_over(
    made: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    keys = FailingKeys()
    access = made.with_keys(keys)

    for _ in range(3):
        reason(access, "hunter3")
        made.clock.advance(COMPLAIN_MS // 3 - 1)
    (record,) = caplog.records
    assert record.exc_info is None
    assert record.message == (
        "The access keys in data/keys.sqlite3 cannot be read: disk I/O error. "
        "Until they can be, only the server's own key is known"
    )
    made.clock.advance(3)
    reason(access, "hunter3")
    assert len(caplog.records) == 2

    keys.fault = ""
    reason(access, "hunter3")
    reason(access, "hunter3")
    assert [record.message for record in caplog.records[2:]] == ["the access keys can be read again"]
    keys.fault = "cannot be read: database is locked."
    reason(access, "hunter3")
    assert "database is locked" in caplog.text
    assert "hunter3" not in caplog.text
