import itertools
from typing import Any

import pytest

from valo_ingest.errors import WrongPassword
from valo_ingest.transport.guard import (
    COOKIE,
    MAX_SESSIONS,
    SESSION_S,
    WRONG_PASSWORDS_BURST,
    Guard,
    is_local,
)

PASSWORD = "correct horse"
LOCAL = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:5101"}
FAR = {"REMOTE_ADDR": "192.168.1.7", "HTTP_HOST": "192.168.1.2:5101"}


class Fixture:
    def __init__(self, password: str | None = PASSWORD, *, is_tls: bool = False) -> None:
        self.now = 0.0
        self.refused: list[tuple[str, str, str]] = []
        numbers = itertools.count()
        self.guard = Guard(
            password=password,
            is_tls=is_tls,
            new_token=lambda: f"token-{next(numbers)}",
            refuse=lambda *refusal: self.refused.append(refusal),
            now=lambda: self.now,
        )

    def log_in(self, environ: dict[str, Any] = FAR, password: str = PASSWORD) -> dict[str, Any]:
        """Log in; return the environment of later requests."""
        cookie = self.guard.log_in(environ, password)
        return {**environ, "HTTP_COOKIE": f"other=1; {cookie.partition(';')[0]}; more=2"}

    def fail(self, environ: dict[str, Any] = FAR, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(WrongPassword):
                self.guard.log_in(environ, "wrong")


@pytest.fixture
def made() -> Fixture:
    return Fixture()


# --- this machine ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:5101", "127.0.0.1:5101", "[::1]:5101"])
def test_this_machine_may_read(address: str, host: str) -> None:
    assert is_local({"REMOTE_ADDR": address, "HTTP_HOST": host})


@pytest.mark.parametrize(
    "address", ["192.168.1.7", "10.0.0.1", "fe80::1%eth0", "", "localhost", "127.0.0.1.evil"]
)
def test_another_machine_may_not(address: str) -> None:
    assert not is_local({**LOCAL, "REMOTE_ADDR": address})


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5101", "localhost.evil.example", "", "[", "a@b"]
)
def test_a_page_that_calls_this_machine_by_another_name_may_not(host: str) -> None:
    """DNS rebinding: the connection is local, but the browser believes to talk to somebody else."""
    assert not is_local({**LOCAL, "HTTP_HOST": host})


@pytest.mark.parametrize("header", ["X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP", "VIA", "X_FORWARDED_HOST"])
def test_what_a_proxy_passes_on_is_not_local(header: str) -> None:
    assert not is_local({**LOCAL, f"HTTP_{header}": "127.0.0.1"})


def test_no_header_makes_a_request_local(made: Fixture) -> None:
    assert not made.guard.may_read({**FAR, "HTTP_X_FORWARDED_FOR": "127.0.0.1", "HTTP_HOST": "localhost"})


# --- logging in -----------------------------------------------------------------------------------------------


def test_who_has_logged_in_may_read_until_he_logs_out(made: Fixture) -> None:
    assert not made.guard.may_read(FAR)
    environ = made.log_in()
    assert made.guard.may_read(environ)

    made.guard.log_out(environ)

    assert not made.guard.may_read(environ)


def test_a_session_ends_by_itself(made: Fixture) -> None:
    environ = made.log_in()
    made.now = SESSION_S - 1
    assert made.guard.may_read(environ)

    made.now = SESSION_S

    assert not made.guard.may_read(environ)


def test_a_made_up_session_is_none(made: Fixture) -> None:
    made.log_in()

    assert not made.guard.may_read({**FAR, "HTTP_COOKIE": f"{COOKIE}=token-99"})
    assert not made.guard.may_read({**FAR, "HTTP_COOKIE": f"{COOKIE}="})
    assert not made.guard.may_read({**FAR, "HTTP_COOKIE": COOKIE})


def test_the_cookie_is_for_no_script_no_other_site_and_with_tls_for_no_plain_connection() -> None:
    plain = Fixture().guard.log_in(FAR, PASSWORD)
    secure = Fixture(is_tls=True).guard.log_in(FAR, PASSWORD)

    assert "HttpOnly; SameSite=Strict" in plain
    assert "Secure" not in plain
    assert secure.endswith("; Secure")


def test_not_more_than_so_many_are_logged_in(made: Fixture) -> None:
    first = made.log_in()
    for _ in range(MAX_SESSIONS):
        latest = made.log_in()

    assert not made.guard.may_read(first)
    assert made.guard.may_read(latest)


def test_a_wrong_password_is_counted_and_not_repeated(made: Fixture) -> None:
    made.fail()

    ((address, code, text),) = made.refused
    assert (address, code) == ("192.168.1.7", "wrong_password")
    assert "wrong" not in text


@pytest.mark.parametrize("password", ["", PASSWORD + " ", PASSWORD[:-1], "ü" * 500])
def test_only_the_password_is_the_password(made: Fixture, password: str) -> None:
    with pytest.raises(WrongPassword):
        made.guard.log_in(FAR, password)


def test_a_password_may_hold_anything() -> None:
    made = Fixture("pässwörd \U0001f511 and more")

    assert made.guard.may_read(made.log_in(password="pässwörd \U0001f511 and more"))


def test_without_a_password_nobody_gets_in() -> None:
    made = Fixture(None)

    assert not made.guard.has_password
    made.fail()
    with pytest.raises(WrongPassword):
        made.guard.log_in(FAR, "")


def test_who_is_wrong_too_often_has_to_wait(made: Fixture) -> None:
    made.fail(times=WRONG_PASSWORDS_BURST + 1)
    with pytest.raises(WrongPassword) as refusal:
        made.guard.log_in(FAR, PASSWORD)
    assert refusal.value.wait_s == 10
    assert len(made.refused) == WRONG_PASSWORDS_BURST + 1, "it was looked at"

    made.now = 10

    assert made.guard.may_read(made.log_in())


def test_who_waits_is_not_waited_for_by_others(made: Fixture) -> None:
    made.fail(times=WRONG_PASSWORDS_BURST + 1)

    assert made.log_in({**FAR, "REMOTE_ADDR": "192.168.1.8"})


def test_who_is_logged_in_stays_so_whatever_others_try(made: Fixture) -> None:
    environ = made.log_in()
    made.fail(times=WRONG_PASSWORDS_BURST + 1)

    assert made.guard.may_read(environ)


def test_addresses_of_one_ipv6_network_are_counted_together(made: Fixture) -> None:
    for number in range(WRONG_PASSWORDS_BURST + 1):
        made.fail({**FAR, "REMOTE_ADDR": f"2001:db8::{number:x}"})

    with pytest.raises(WrongPassword) as refusal:
        made.guard.log_in({**FAR, "REMOTE_ADDR": "2001:db8::ffff"}, PASSWORD)
    assert refusal.value.wait_s


# --- scripts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_script_brings_the_password_as_a_token(made: Fixture, scheme: str) -> None:
    assert made.guard.check_bearer({**FAR, "HTTP_AUTHORIZATION": f"{scheme} {PASSWORD}"})
    assert not made.guard.check_bearer(FAR)
    assert not made.guard.check_bearer({**FAR, "HTTP_AUTHORIZATION": "Basic Zm9v"})


def test_a_wrong_token_is_a_wrong_password(made: Fixture) -> None:
    with pytest.raises(WrongPassword):
        made.guard.check_bearer({**FAR, "HTTP_AUTHORIZATION": "Bearer wrong"})

    assert [code for _, code, _ in made.refused] == ["wrong_password"]


# --- acting ---------------------------------------------------------------------------------------------------

ORIGIN = {"HTTP_ORIGIN": "http://192.168.1.2:5101"}


def test_acting_takes_a_session_its_token_and_our_origin(made: Fixture) -> None:
    environ = {**made.log_in(), **ORIGIN}
    session = made.guard.session(environ)
    assert session is not None

    assert made.guard.may_act(environ, session.form_token)
    assert not made.guard.may_act(environ, "")
    assert not made.guard.may_act(environ, "token-99")
    assert not made.guard.may_act({**FAR, **ORIGIN}, session.form_token)
    assert not made.guard.may_act({**LOCAL}, session.form_token)


def test_the_token_of_another_session_is_worth_nothing(made: Fixture) -> None:
    mine, other = made.log_in(), made.log_in()
    session = made.guard.session(other)
    assert session is not None

    assert not made.guard.may_act({**mine, **ORIGIN}, session.form_token)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://192.168.1.2:5102", "null", "", "http://192.168.1.2:5101.evil"]
)
def test_a_form_of_another_site_does_nothing(made: Fixture, origin: str) -> None:
    assert not made.guard.is_of_our_origin({**FAR, "HTTP_ORIGIN": origin})


def test_behind_a_proxy_with_tls_our_origin_is_that_of_the_proxy(made: Fixture) -> None:
    environ = {**FAR, "HTTP_HOST": "match.example", "HTTP_ORIGIN": "https://match.example"}

    assert made.guard.is_of_our_origin(environ)


@pytest.mark.parametrize(
    ("site", "is_ours"), [("same-origin", True), ("cross-site", False), ("same-site", False)]
)
def test_without_an_origin_the_browser_says_otherwise_where_it_comes_from(
    made: Fixture, site: str, is_ours: bool
) -> None:
    assert made.guard.is_of_our_origin({**FAR, "HTTP_SEC_FETCH_SITE": site}) is is_ours
