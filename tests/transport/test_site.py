import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest

from tests.live.fakes import KEY
from tests.storage import kept
from tests.storage.kept import make_opening
from tests.transport.operated import FAR, LOCAL, PASSWORD, Operated
from valo_ingest.errors import InvalidMessage, JournalFault
from valo_ingest.game import events as happened
from valo_ingest.transport.guard import WRONG_PASSWORDS_BURST

PAGES = ["/", "/matches/A", "/older", "/exports/1.json"]
FOR_SCRIPTS = ["/api/matches", "/api/matches/A", "/api/events", "/events"]


@pytest.fixture
def made(tmp_path: Path) -> Operated:
    made = Operated(tmp_path)
    made.play()
    made.kept.keep(make_opening("A"))
    return made


# --- who may --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, *FOR_SCRIPTS])
def test_this_machine_may_read(made: Operated, path: str) -> None:
    assert made.ask(path).code == 200


@pytest.mark.parametrize("path", PAGES)
def test_others_are_asked_for_the_password_and_then_led_on(made: Operated, path: str) -> None:
    answer = made.ask(path, environ=FAR)

    assert answer.code == 401
    assert f'name="next" value="{path}"' in answer.text
    assert made.ask(path, environ=made.log_in()).code == 200


@pytest.mark.parametrize("path", FOR_SCRIPTS)
def test_scripts_bring_the_password_as_a_token(made: Operated, path: str) -> None:
    refused = made.ask(path, environ=FAR)
    assert refused.code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert "bearer token" in refused.json["error"]

    assert made.ask(path, environ={**FAR, "HTTP_AUTHORIZATION": f"Bearer {PASSWORD}"}).code == 200
    assert made.ask(path, environ={**FAR, "HTTP_AUTHORIZATION": "Bearer wrong"}).code == 401


@pytest.mark.parametrize("path", FOR_SCRIPTS)
def test_a_wrong_token_is_said_to_be_wrong_also_on_this_machine(made: Operated, path: str) -> None:
    assert made.ask(path).code == 200
    refused = made.ask(path, environ={**LOCAL, "HTTP_AUTHORIZATION": "Bearer wrong"})

    assert refused.code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_opens_the_api_and_no_page(made: Operated) -> None:
    environ = {**FAR, "HTTP_AUTHORIZATION": f"Bearer {PASSWORD}"}

    assert made.ask("/", environ=environ).code == 401
    assert made.post("/act", environ, number="1", do="end").code == 403


def test_a_script_that_is_wrong_too_often_has_to_wait(made: Operated) -> None:
    environ = {**FAR, "HTTP_AUTHORIZATION": "Bearer wrong"}
    for _ in range(WRONG_PASSWORDS_BURST + 1):
        made.ask("/api/matches", environ=environ)

    answer = made.ask("/api/matches", environ={**FAR, "HTTP_AUTHORIZATION": f"Bearer {PASSWORD}"})

    assert answer.code == 429
    assert answer.headers["Retry-After"] == "10"


def test_without_a_password_the_pages_are_for_this_machine_alone(tmp_path: Path) -> None:
    made = Operated(tmp_path, password=None)

    assert "no password is set" in made.ask("/").text
    assert "OPERATOR_PASSWORD" in made.ask("/", environ=FAR).text
    assert made.post("/login", FAR, password="").code == 401


@pytest.mark.parametrize("path", [*PAGES, *FOR_SCRIPTS, "/login", "/static/page.css", "/act"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST", "PUT"])
def test_no_answer_is_for_scripts_of_other_sites(made: Operated, path: str, method: str) -> None:
    headers = made.ask(path, method=method).headers

    assert not any(name.lower().startswith("access-control") for name in headers)
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("path", [*PAGES, "/login", "/api/matches", "/nothing-there.css", "/matches/NONE"])
def test_every_answer_forbids_what_no_page_of_ours_does(made: Operated, path: str) -> None:
    answer = made.ask(path)
    if "X-Answered-By" in answer.headers:
        return
    policy = answer.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/status", "/healthz", "//matches", "/nothing", "/Matches", "/preview/ABCDEF"]
)
def test_everything_else_is_answered_elsewhere(made: Operated, path: str) -> None:
    assert made.ask(path).headers == {"X-Answered-By": "the extras"}


def test_a_wrong_method_is_told_which_are_right(made: Operated) -> None:
    answer = made.ask("/act")

    assert (answer.code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", [*PAGES, "/api/matches", "/login", "/static/page.js"])
def test_head_has_the_headers_of_get_and_no_body(made: Operated, path: str) -> None:
    get, head = made.ask(path), made.ask(path, method="HEAD")

    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


def test_head_of_a_feed_leaves_nobody_looking(made: Operated) -> None:
    made.ask("/events", method="HEAD")

    assert made.feeds.feed("dashboard", lambda: None).viewers == 0  # type: ignore[arg-type, return-value]


# --- logging in -----------------------------------------------------------------------------------------------


def test_a_wrong_password_is_said_to_be(made: Operated) -> None:
    answer = made.post("/login", FAR, password="wrong", next="/older")

    assert answer.code == 401
    assert "That is not the password." in answer.text
    assert 'value="/older"' in answer.text
    assert "Set-Cookie" not in answer.headers
    assert made.refusals.counts == {"wrong_password": 1}


def test_who_is_wrong_too_often_is_told_for_how_long(made: Operated) -> None:
    for _ in range(WRONG_PASSWORDS_BURST + 1):
        made.post("/login", FAR, password="wrong")
    answer = made.post("/login", FAR, password=PASSWORD)

    assert answer.code == 429
    assert "Try again in 10 s" in answer.text


@pytest.mark.parametrize("path", ["/older", "/matches/A%2FB?number=3", "/"])
def test_logging_in_leads_to_where_one_wanted_to_go(made: Operated, path: str) -> None:
    assert made.post("/login", FAR, password=PASSWORD, next=path).headers["Location"] == path


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil", "evil", "", "/a\r\nX: y"]
)
def test_logging_in_never_leads_elsewhere(made: Operated, path: str) -> None:
    assert made.post("/login", FAR, password=PASSWORD, next=path).headers["Location"] == "/"


def test_a_form_of_another_site_logs_nobody_in(made: Operated) -> None:
    environ = {**FAR, "HTTP_ORIGIN": "http://evil.example"}

    assert made.post("/login", environ, password=PASSWORD).code == 403


def test_logging_out_ends_the_session(made: Operated) -> None:
    environ = made.log_in()
    page = made.ask("/", environ=environ).text
    token = page.partition('name="token" value="')[2].partition('"')[0]

    answer = made.post("/logout", environ, token=token)

    assert (answer.code, answer.headers["Location"]) == (303, "/login")
    assert made.ask("/", environ=environ).code == 401


def test_nobody_is_logged_out_by_another_site(made: Operated) -> None:
    environ = made.log_in()

    assert made.post("/logout", environ, token="").code == 403
    assert made.ask("/", environ=environ).code == 200


def test_a_feed_ends_with_the_session_that_opened_it(made: Operated) -> None:
    environ = made.log_in()
    feed = iter(made.ask("/events", environ=environ).stream)
    next(feed)
    made.guard.log_out(environ)

    with pytest.raises(StopIteration):
        next(feed)


@pytest.mark.parametrize("body", [b"x" * 10_001, b"\xff\xfe", b"%ff=%00&&&", b""])
def test_a_form_that_cannot_be_read_is_an_empty_one(made: Operated, body: bytes) -> None:
    assert made.ask("/login", method="POST", environ=FAR, body=body).code == 401


# --- pages ----------------------------------------------------------------------------------------------------


def test_the_dashboard_shows_matches_and_what_is_wrong(made: Operated) -> None:
    made.controller.disconnect(made.join())
    made.overlays.add("a")
    page = made.ask("/").text

    assert "Client gone: Neo" in page
    assert "which no match has" in page
    assert 'href="/matches/A?number=1"' in page
    assert "<title>(2) valo-ingest</title>" in page
    assert "http://localhost:5100" in page


def test_a_card_tells_rate_and_last_event_of_its_match_in_page_and_feed(made: Operated) -> None:
    made.ask("/")
    made.start("B", "N")
    card = made.advance()["html"]["m2"]
    page = made.ask("/").text

    for text in (card, page):
        assert re.search(r'id="m2-rate">\d+\.\d<', text)
        assert re.search(r'id="m2-last"><time datetime="[^"]+" data-ago="\d+">', text)


def test_the_dashboard_says_under_which_name_it_was_asked_for(made: Operated) -> None:
    environ = {**made.log_in(), "HTTP_HOST": 'evil"><script>:5101'}

    assert "http://SERVER:5100" in made.ask("/", environ=environ).text


@pytest.mark.parametrize(
    "code", ["A/B", "..", ".", "a b", "ä☃", "<script>alert(1)</script>", "?x=1#y", "%41", '"']
)
def test_a_group_code_may_hold_anything(tmp_path: Path, code: str) -> None:
    made = Operated(tmp_path)
    made.play(code)
    dashboard = made.ask("/").text
    assert "<script>alert" not in dashboard
    path = dashboard.partition('id="m1-title"><a href="')[2].partition('"')[0].replace("&amp;", "&")
    quoted, _, asked = path.partition("?")

    page = made.ask("", environ={**LOCAL, "PATH_INFO": unquote(quoted, "latin-1"), "QUERY_STRING": asked})

    assert page.code == 200
    assert "<script>alert" not in page.text
    assert not quoted.endswith(".")


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    made = Operated(tmp_path)
    evil = "<img src=x onerror=alert(1)>"
    observer = made.observe("A")
    made.tell(
        observer,
        happened.RosterReported(
            team_number=0,
            player_id="P",
            name=evil,
            tagline=evil,
            agent_internal=evil,
            position=0,
            locked=True,
        ),
    )
    made.tell(observer, happened.MapChosen(evil))
    made.tell(observer, happened.MatchStarted(evil))
    made.tell(observer, happened.RoundPhaseChanged(number=1, phase=evil))
    made.overlays.add(evil)
    made.refusals.refuse_message(evil, InvalidMessage("invalid_field", evil, path=evil), address=evil)

    for path in ("/", "/matches/A"):
        page = made.ask(path).text
        assert "<img" not in page
        assert "&lt;img" in page
        made.advance("dashboard" if path == "/" else 1)


def test_the_page_of_a_match_shows_all_there_is_to_know(made: Operated) -> None:
    made.join()
    made.refusals.refuse_message("A", InvalidMessage("invalid_field", "not a number", path="data.team_0"))
    page = made.ask("/matches/A").text

    for words in ("Scoreboard", "Neo", "Economy", "Caster", "data.team_0", "Client of Player logged on"):
        assert words in page
    for extension in ("jsonl", "replay", "json", "csv"):
        assert f'href="/exports/1.{extension}"' in page


def test_buttons_are_for_who_is_logged_in(made: Operated) -> None:
    far = made.ask("/matches/A", environ=made.log_in()).text
    local = made.ask("/matches/A").text

    assert 'action="/act"' in far and 'class="may-act"' in far
    assert 'action="/act"' not in local and 'class="may-act"' not in local
    assert "/login?next=/matches/A%3Fnumber%3D1" in local


def test_a_code_means_the_live_match_and_a_number_any(made: Operated) -> None:
    older = made.kept.keep(make_opening("OLD"))
    made.kept.keep(make_opening("OLD"))

    assert "#1" in made.ask("/matches/A").text
    assert f"#{older + 1}" in made.ask("/matches/OLD").text
    page = made.ask(f"/matches/OLD?number={older}").text
    assert f"#{older}" in page
    assert "data-feed" not in page


def test_a_match_of_long_ago_is_told_from_the_journal(made: Operated) -> None:
    number = made.kept.keep(make_opening("OLD"))
    page = made.ask(f"/matches/?number={number}").text

    assert "Alder" in page
    assert "spike detonated" in page
    assert "Client of L One is gone" in page


@pytest.mark.parametrize(
    "path", ["/matches/NONE", "/matches/?number=99", "/matches/A?number=99", "/exports/99.json"]
)
def test_a_match_that_is_not_there_is_said_not_to_be(made: Operated, path: str) -> None:
    answer = made.ask(path)

    assert answer.code == 404
    assert "There is no such match" in answer.text


def test_without_a_match_the_page_leads_to_all(made: Operated) -> None:
    assert made.ask("/matches").headers["Location"] == "/"


def test_older_matches_are_listed(made: Operated) -> None:
    made.kept.keep(make_opening("OLD <b>"))
    page = made.ask("/older").text

    assert "OLD &lt;b&gt;" in page
    assert "BIR" in page


def test_a_journal_that_cannot_be_read_is_said_to_be(made: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise JournalFault("The journal", "cannot be read: disk I/O error.")

    monkeypatch.setattr("valo_ingest.storage.archive.Archive.latest", fail)

    answer = made.ask("/older")

    assert answer.code == 503
    assert "disk I/O error" in answer.text


def test_static_files_may_be_kept_for_ever(made: Operated) -> None:
    page = made.ask("/").text
    path = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]

    answer = made.ask(path, environ=FAR)

    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "name", ["", "nothing.css", "../pages.py", "..%2fpages.py", "/etc/passwd", "page.css/"]
)
def test_no_other_file_is_served(made: Operated, name: str) -> None:
    assert made.ask(f"/static/{name}").code == 404


# --- what changes ---------------------------------------------------------------------------------------------


def test_a_feed_tells_what_changed_since_the_page(made: Operated) -> None:
    made.ask("/")
    first = made.advance()
    assert "html" not in first and "order" not in first

    client = made.join()
    second = made.advance()
    assert list(second["html"]) == ["m1"]
    assert "connected" in second["html"]["m1"]

    made.controller.disconnect(client)
    third = made.advance()
    assert sorted(third["html"]) == ["m1", "problems"]
    assert third["title"] == "(1) valo-ingest"


def test_what_changes_with_every_event_is_no_reason_to_make_a_card_anew(made: Operated) -> None:
    observer = made.start("B", "N")
    made.ask("/")
    made.advance()
    for _ in range(10):
        made.tell(observer, happened.SpikePlanted())
    message = made.advance()

    assert "html" not in message
    assert message["text"] == {"m2-rate": "10.0"}
    assert list(message["ago"]) == ["m2-last"]


def test_matches_that_come_and_go_are_told_by_their_order(made: Operated) -> None:
    made.ask("/")
    made.advance()
    observer = made.play("B", "N")
    message = made.advance()
    assert message["order"] == {"live": ["m1", "m2"]}
    assert "m2" in message["html"]

    made.tell(observer, happened.RoundPhaseChanged(number=9, phase="game_end"))
    message = made.advance()
    assert message["order"] == {"live": ["m1"]}
    assert "finished" in message["html"]["ended"]


def test_the_page_of_a_match_gets_new_events_as_rows_and_none_twice(made: Operated) -> None:
    observer = made.live("A").observers["obs-A"]
    made.ask("/matches/A")
    for number in (1, 2, 3):
        made.tell(observer, happened.ScoreReported(number, 0))
    message = made.advance(1)
    assert message["rows"]["events"].count("<tr>") == 3
    assert "timeline" not in message["html"]

    assert "rows" not in made.advance(1)


def test_a_page_that_is_opened_later_shows_no_event_that_its_next_message_brings(made: Operated) -> None:
    observer = made.live("A").observers["obs-A"]
    made.ask("/matches/A")
    stream = made.ask("/events?number=1").stream
    shown = made.ask("/matches/A").text.count("<td>observer</td>")
    made.tell(observer, happened.ScoreReported(1, 0))

    again = made.ask("/matches/A").text.count("<td>observer</td>")

    assert again == shown
    assert made.advance(1)["rows"]["events"].count("<tr>") == 1
    stream.close()


def test_a_match_that_ends_while_somebody_looks_is_shown_as_ended(made: Operated) -> None:
    made.ask("/matches/A")
    made.controller.end_match(1)
    message = made.advance(1)

    assert "given up" in message["html"]["head"]
    assert "hidden" in message["html"]["actions"]


def test_no_form_token_is_in_what_all_who_look_get(made: Operated) -> None:
    environ = made.log_in()
    made.ask("/", environ=environ)
    made.ask("/matches/A", environ=environ)
    made.join()

    assert "token-" not in str(made.advance("dashboard")) + str(made.advance(1))


def test_a_feed_of_a_match_that_is_gone_is_none(made: Operated) -> None:
    assert made.ask("/events?number=99").code == 404


def test_too_many_who_look_are_told_so(made: Operated) -> None:
    answers = [made.ask("/events") for _ in range(30)]

    assert answers[0].code == 200
    assert answers[-1].code == 503
    assert "Retry-After" in answers[-1].headers


# --- the API --------------------------------------------------------------------------------------------------


def test_the_api_tells_all_matches(made: Operated) -> None:
    made.join()
    told = made.ask("/api/matches").json

    assert told["isWhole"] is True
    (match,) = told["matches"]
    assert (match["groupCode"], match["isLive"], match["roundNumber"]) == ("A", True, 1)
    assert match["observers"][0]["name"] == "Caster"
    assert match["players"][0]["auxiliary"]["state"] == "fresh"
    assert told["server"]["ingestPort"] == 5100


def test_the_api_tells_everything_of_one_match(made: Operated) -> None:
    told = made.ask("/api/matches/A").json

    assert told["match"]["number"] == 1
    assert told["rounds"] == [
        {
            "number": 1,
            "winner": "",
            "reason": "",
            "attackers": "",
            "left": {"spent": 0, "left": 0},
            "right": {"spent": 0, "left": 0},
        }
    ]
    assert set(told) == {"match", "rounds", "connections", "events", "refusals", "eachSecond"}


def test_the_api_tells_of_matches_of_long_ago(made: Operated) -> None:
    number = made.kept.keep(make_opening("OLD"))

    told = made.ask(f"/api/matches/OLD?number={number}").json

    assert told["match"]["isLive"] is False
    assert [each["reason"] for each in told["rounds"]] == ["detonated", "kills"]


@pytest.mark.parametrize("path", ["/api/matches/NONE", "/api", "/api/nothing", "/api/events/A"])
def test_what_the_api_has_not_is_said_in_json(made: Operated, path: str) -> None:
    answer = made.ask(path)

    assert answer.code == 404
    assert answer.json["error"]


def test_the_feed_of_the_api_begins_with_everything_and_goes_on_with_what_changed(made: Operated) -> None:
    stream = made.ask("/api/events").stream
    feed = iter(stream)
    first = msgspec.json.decode(next(feed).removeprefix(b"data: "))
    assert first["isWhole"] is True
    assert len(first["matches"]) == 1
    next(feed)  # when to come back

    made.clock.advance(1_000)
    made.feeds.tick()
    next(feed)
    made.join()
    made.clock.advance(1_000)
    made.feeds.tick()
    changed = msgspec.json.decode(next(feed).partition(b"data: ")[2])
    assert changed["isWhole"] is False
    assert [match["groupCode"] for match in changed["matches"]] == ["A"]
    made.clock.advance(1_000)
    made.feeds.tick()
    assert msgspec.json.decode(next(feed).partition(b"data: ")[2])["matches"] == []
    stream.close()


# --- downloads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extension", "content_type"),
    [
        ("jsonl", "application/x-ndjson"),
        ("replay", "application/octet-stream"),
        ("json", "application/json"),
        ("csv", "text/csv; charset=utf-8"),
    ],
)
def test_every_export_can_be_downloaded(made: Operated, extension: str, content_type: str) -> None:
    answer = made.ask(f"/exports/1.{extension}")

    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Content-Disposition"] == f'attachment; filename="match-1-A.{extension}"'
    assert len(answer.body) > 100
    assert not any(secret in answer.text for secret in kept.SECRETS)


def test_a_file_name_holds_nothing_that_breaks_out(made: Operated) -> None:
    number = made.kept.keep(make_opening('../"\r\nX: y ü'))

    disposition = made.ask(f"/exports/{number}.csv").headers["Content-Disposition"]

    assert disposition == f'attachment; filename="match-{number}-Xy.csv"'


@pytest.mark.parametrize("name", ["1", "1.exe", ".json", "x.json", "1/2.json", "-1.json", "9" * 30 + ".json"])
def test_what_is_no_export_is_not_there(made: Operated, name: str) -> None:
    assert made.ask(f"/exports/{name}").code == 404


def test_an_export_that_breaks_off_does_not_look_whole(
    made: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise JournalFault("The journal", "cannot be read.")
        yield

    monkeypatch.setattr("valo_ingest.storage.archive.Archive.entries", fail)

    with pytest.raises(ConnectionAbortedError):
        made.ask("/exports/1.jsonl")


# --- acting ---------------------------------------------------------------------------------------------------


def test_a_match_is_ended_by_who_is_logged_in(made: Operated) -> None:
    answer = made.act(made.log_in(), "end")

    assert (answer.code, answer.headers["Location"]) == (303, "/matches/A?number=1")
    assert made.controller.running == 0


def test_a_client_is_disconnected(made: Operated) -> None:
    made.join()
    connection = made.controller.activities["aux"].connection

    assert made.act(made.log_in(), f"disconnect:{connection}").code == 303
    assert made.connections.disconnected == ["aux"]


def test_what_is_not_possible_is_said_in_words(made: Operated) -> None:
    answer = made.act(made.log_in(), "hand-over")

    assert answer.code == 409
    assert "Nobody stands by" in answer.text
    assert 'href="/matches/A?number=1"' in answer.text


@pytest.mark.parametrize("do", ["", "drop tables", "disconnect:", "disconnect:x", "disconnect:99"])
def test_what_is_no_action_does_nothing(made: Operated, do: str) -> None:
    assert made.act(made.log_in(), do).code == 409
    assert made.controller.running == 1
    assert made.connections.disconnected == []


@pytest.mark.parametrize(
    ("environ", "token"),
    [
        ({}, "wrong"),
        ({"HTTP_ORIGIN": "http://evil.example"}, None),
        ({"HTTP_COOKIE": ""}, None),
    ],
)
def test_nothing_is_done_for_who_must_not(made: Operated, environ: dict[str, str], token: str | None) -> None:
    session = made.log_in()
    known = made.guard.session(session)
    assert known is not None

    answer = made.post("/act", {**session, **environ}, token=token or known.form_token, number="1", do="end")

    assert answer.code == 403
    assert made.controller.running == 1


def test_this_machine_may_read_but_not_act_without_the_password(made: Operated) -> None:
    assert made.post("/act", dict(LOCAL), token="", number="1", do="end").code == 403
    assert made.controller.running == 1


def test_no_secret_is_on_any_page_or_in_the_api(made: Operated) -> None:
    environ = made.log_in()
    made.join()
    shown = "".join(
        made.ask(path, environ=environ).text
        for path in ("/", "/matches/A", "/older", "/api/matches", "/api/matches/A")
    )

    assert PASSWORD not in shown
    assert KEY not in shown
    assert "SECRET" not in shown
    assert "token-0" not in shown, "the token of the session"
