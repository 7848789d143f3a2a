"""Signing in and out, and what a session is worth."""

import re

import pytest

from storage.accounts import Accounts
from storage.database import Database
from tests.fakes.browser import Browser, browsing
from tests.fakes.website import Website
from web.auth.limits import TRIES_PER_NAME, TRIES_PER_NETWORK
from web.auth.page import safe_next

PHRASE = "correct horse battery"


async def test_a_browser_is_led_to_sign_in_and_back_to_what_it_wanted(browser: Browser) -> None:
    led = await browser.open("/?q=sintel&kind=movie")
    assert (led.status_code, led.headers["Location"]) == (303, "/login?next=%2F%3Fq%3Dsintel%26kind%3Dmovie")
    page = await browser.open(led.headers["Location"])
    assert 'value="/?q=sintel&amp;kind=movie"' in page.text
    answer = await browser.submit(led.headers["Location"], "/login", name="Jane", password=PHRASE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?q=sintel&kind=movie")
    shown = await browser.open(answer.headers["Location"])
    assert shown.status_code == 200
    assert "Sign out" in shown.text
    assert "Sign in" not in shown.text


async def test_scripts_are_told_and_not_led(browser: Browser) -> None:
    answer = await browser.client.get("/", headers={"Accept": "*/*"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="swarmdex"')
    assert (await browser.client.get("/api/v1/search", headers={"Accept": "text/html"})).status_code == 401


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Browser) -> None:
    answer = await browser.sign_in("jane", PHRASE)
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(r"swx=[0-9A-Za-z_-]{43}; HttpOnly; Path=/; SameSite=Lax", cookie)
    kept = (await browser.sign_in("jane", PHRASE, keep="on")).headers["Set-Cookie"]
    assert "Max-Age=2592000" in kept


async def test_unknown_names_and_wrong_passwords_get_the_same_answer(browser: Browser) -> None:
    wrong = await browser.sign_in("jane", "not her password")
    unknown = await browser.sign_in("john", "not her password")
    assert wrong.status_code == unknown.status_code == 401
    number = re.compile(r"[0-9a-f]{12}")
    assert number.sub("", wrong.text.replace("jane", "")) == number.sub("", unknown.text.replace("john", ""))
    assert "The name or the password is wrong." in wrong.text
    assert "WWW-Authenticate" not in wrong.headers
    assert browser.session is None


async def test_a_planted_session_is_never_adopted(browser: Browser) -> None:
    """Session fixation: what somebody put into this browser before is worth nothing afterwards."""
    planted = "A" * 43
    browser.client.cookies.set("swx", planted)
    assert (await browser.open("/account")).status_code == 303
    answer = await browser.sign_in("jane", PHRASE)
    assert planted not in answer.headers["Set-Cookie"]
    async with browsing(browser.origin) as attacker:
        attacker.client.cookies.set("swx", planted)
        assert (await attacker.open("/account")).status_code == 303


async def test_signing_in_again_ends_the_session_before(jane: Browser, accounts: Accounts) -> None:
    before = jane.session
    await jane.sign_in("jane", PHRASE)
    assert jane.session != before
    assert before is not None
    assert await accounts.find_session(before) is None
    assert len(await accounts.sessions()) == 1


async def test_signing_out_ends_the_session_itself(jane: Browser, accounts: Accounts) -> None:
    before = jane.session
    assert before is not None
    answer = await jane.submit("/", "/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert await accounts.find_session(before) is None
    assert jane.session is None


async def test_a_session_ended_elsewhere_is_refused_at_once(jane: Browser, accounts: Accounts) -> None:
    assert (await jane.open("/account")).status_code == 200
    (session,) = await accounts.sessions()
    await accounts.revoke_session(session.id)
    assert (await jane.open("/account")).headers["Location"] == "/login?next=%2Faccount"


async def test_a_demoted_administrator_is_one_no_more(boss: Browser, database: Database) -> None:
    assert (await boss.client.get("/api/v1/status")).status_code == 200
    await database.run(lambda connection: connection.execute("UPDATE account SET is_admin = false"))
    assert (await boss.client.get("/api/v1/status")).status_code == 403


async def test_too_many_passwords_for_one_name_are_refused_with_the_seconds(browser: Browser) -> None:
    for _ in range(TRIES_PER_NAME):
        assert (await browser.sign_in("jane", "not her password")).status_code == 401
    refused = await browser.sign_in("JANE", PHRASE)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60 / TRIES_PER_NAME
    assert f"try again in {refused.headers['Retry-After']} second" in refused.text
    assert (await browser.sign_in("boss", PHRASE)).status_code == 303


async def test_too_many_names_from_one_address_are_refused(browser: Browser) -> None:
    answers = [
        (await browser.post("/login", name=f"name {number}", password="x" * 10)).status_code for number in range(TRIES_PER_NETWORK + 1)
    ]
    assert answers == [401] * TRIES_PER_NETWORK + [429]


async def test_passwords_and_typed_names_are_not_logged(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "swarmdex.web")
    await browser.sign_in("my secret typed as name", "my secret password")
    await browser.sign_in("jane", PHRASE)
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("swarmdex"))
    assert "somebody at 127.0.0.1 could not sign in" in ours
    assert "jane signed in" in ours
    for secret in ("my secret", PHRASE, str(browser.session)):
        assert secret not in ours


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/account", "/account"),
        ("/?q=a&page=2", "/?q=a&page=2"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("/a\r\nSet-Cookie: swx=x", "/"),
        ("/ /evil.example", "/"),
        ("", "/"),
        ("account", "/"),
        ("/" + "x" * 3000, "/"),
    ],
)
async def test_the_way_on_stays_on_this_instance(asked: str, led_to: str) -> None:
    assert safe_next(asked) == led_to


async def test_a_foreign_way_on_is_refused_over_http(browser: Browser) -> None:
    answer = await browser.sign_in("jane", PHRASE, next="//evil.example")
    assert answer.headers["Location"] == "/"
    assert 'value="/"' in (await browser.open("/login?next=//evil.example")).text


async def test_non_administrators_search_and_no_more(jane: Browser) -> None:
    assert (await jane.open("/")).status_code == 200
    assert (await jane.client.get("/api/v1/search")).status_code == 200
    assert (await jane.client.get("/api/v1/status")).status_code == 403


async def test_a_session_opens_no_feed(boss: Browser) -> None:
    """Feeds are read by programs, with a key of their own that can be ended."""
    assert (await boss.client.get("/api", params={"t": "search"})).status_code == 401


async def test_where_a_key_is_sent_the_session_counts_for_nothing(boss: Browser, accounts: Accounts) -> None:
    key = (await accounts.create_key("weak", ["search"])).text
    for headers, status in (({"X-Api-Key": key}, 403), ({"X-Api-Key": "0" * 40}, 401)):
        assert (await boss.client.get("/api/v1/status", headers=headers)).status_code == status
    assert (await boss.client.get("/account", headers={"X-Api-Key": key})).status_code == 403


async def test_nobody_signs_in_where_nobody_is(empty_site: Website) -> None:
    async with browsing(empty_site.url) as browser:
        assert (await browser.open("/login")).headers["Location"] == "/setup"
        assert (await browser.post("/login", name="jane", password=PHRASE)).status_code == 401
