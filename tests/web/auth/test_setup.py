"""The first visit: the token, the administrator, the first key; and what is open before."""

import stat
from pathlib import Path

import pytest
import trio

from config.settings import HttpSettings
from storage.accounts import Accounts
from storage.database import Database
from tests.fakes.browser import Browser, browsing
from tests.fakes.website import parts_over, serving
from web.auth.limits import SETUP_TRIES
from web.auth.setup_token import SetupToken

PHRASE = "correct horse battery"


@pytest.fixture
def token(tmp_path: Path) -> SetupToken:
    return SetupToken(tmp_path / "setup-token")


async def set_up(browser: Browser, token: str, name: str = "boss", **fields: str) -> int:
    passwords = {"password": PHRASE, "password_again": PHRASE}
    return (await browser.submit("/setup", "/setup", token=token, name=name, **{**passwords, **fields})).status_code


def test_the_token_is_for_its_owner_alone_and_read_in_any_writing(token: SetupToken, tmp_path: Path) -> None:
    assert not token.matches("")
    (tmp_path / "setup-token").write_text("left by an earlier start")
    (tmp_path / "setup-token").chmod(0o644)
    text = token.issue()
    assert (tmp_path / "setup-token").read_text() == text + "\n"
    assert stat.S_IMODE((tmp_path / "setup-token").stat().st_mode) == 0o600
    assert token.matches(f" {text.lower().replace('-', ' ')}\n")
    assert not token.matches(text[:-1])
    assert not token.matches("\ud800")
    assert text not in repr(token)
    token.spend()
    assert not token.matches(text)
    assert not (tmp_path / "setup-token").exists()


async def test_whoever_has_the_token_becomes_administrator_and_gets_a_key_once(
    database: Database, accounts: Accounts, token: SetupToken
) -> None:
    text = token.issue()
    async with serving(parts_over(database, accounts=accounts, setup_token=token)) as site, browsing(site.url) as browser:
        answer = await browser.submit("/setup", "/setup", token=text, name="boss", password=PHRASE, password_again=PHRASE)
        assert answer.status_code == 200
        (key,) = await accounts.keys()
        assert (key.scopes, key.owner) == ({"search"}, (await accounts.users())[0].id)
        text_of_key = answer.text.partition('<p class="secret"><code>')[2][:40]
        assert text_of_key.startswith(key.id)
        assert f"{site.url}/api" in answer.text
        assert (await site.get("/api", t="search", apikey=text_of_key)).status_code == 200
        assert (await browser.open("/account")).status_code == 200  # signed in
        assert text_of_key not in (await browser.open("/keys")).text
        async with browsing(site.url) as other:
            assert (await other.open("/setup")).status_code == 404
            assert (await other.post("/setup", token=text, name="evil", password=PHRASE, password_again=PHRASE)).status_code == 404
        assert not token.is_issued


async def test_a_wrong_form_says_so_and_makes_nobody(database: Database, accounts: Accounts, token: SetupToken) -> None:
    text = token.issue()
    async with serving(parts_over(database, accounts=accounts, setup_token=token)) as site, browsing(site.url) as browser:
        assert await set_up(browser, "AAAA-BBBB") == 403
        assert await set_up(browser, text, name=" ") == 400
        assert await set_up(browser, text, password_again=PHRASE + "!") == 400
        assert await set_up(browser, text, password="short", password_again="short") == 400
        assert await accounts.users() == ()
        assert await set_up(browser, text) == 200


async def test_tries_are_few(database: Database, accounts: Accounts, token: SetupToken) -> None:
    text = token.issue()
    async with serving(parts_over(database, accounts=accounts, setup_token=token)) as site, browsing(site.url) as browser:
        assert [await set_up(browser, "wrong") for _ in range(SETUP_TRIES)] == [403] * SETUP_TRIES
        assert await set_up(browser, text) == 429
    assert await accounts.users() == ()


async def test_of_two_who_race_with_the_same_token_one_wins(database: Database, accounts: Accounts, token: SetupToken) -> None:
    text, statuses = token.issue(), []

    async def race(name: str) -> None:
        async with browsing(site.url) as browser:
            answer = await browser.post("/setup", token=text, name=name, password=PHRASE, password_again=PHRASE)
            statuses.append(answer.status_code)

    async with serving(parts_over(database, accounts=accounts, setup_token=token)) as site, trio.open_nursery() as nursery:
        for name in ("a", "b", "c"):
            nursery.start_soon(race, name)
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 403, 404}
    assert len(await accounts.users()) == 1


async def test_before_anybody_administers_it_pages_are_open_to_this_machine_alone(database: Database, accounts: Accounts) -> None:
    async with serving(parts_over(database, accounts=accounts)) as site, browsing(site.url) as browser:
        page = await browser.open("/")
        assert page.status_code == 200
        assert "/setup" in page.text
        for path in ("/keys", "/account"):
            assert (await browser.open(path)).headers["Location"] == "/setup"
        assert (await browser.client.get("/api/v1/search")).status_code == 401
        for header in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Anything", "Via"):
            led = await browser.client.get("/", headers={header: "for=127.0.0.1"})
            assert (led.status_code, led.headers["Location"]) == (303, "/setup"), header
        await accounts.create_first_admin("boss", PHRASE)
        assert (await browser.open("/")).headers["Location"] == "/login"


@pytest.mark.parametrize(
    "settings",
    [
        HttpSettings(bind="0.0.0.0:0"),
        HttpSettings(bind="127.0.0.1:0", public_url="https://index.example"),
        HttpSettings(bind="127.0.0.1:0", trusted_proxies=("127.0.0.1",)),
    ],
)
async def test_where_others_can_come_pages_lead_to_the_set_up_only(database: Database, accounts: Accounts, settings: HttpSettings) -> None:
    key = (await accounts.create_key("sonarr", ["search"])).text
    async with serving(parts_over(database, settings, accounts=accounts)) as site:
        url = site.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - where it listens
        async with browsing(url) as browser:
            assert (await browser.open("/")).headers["Location"] == "/setup"
            assert (await browser.client.get("/", headers={"Accept": "*/*"})).status_code == 401
            assert (await browser.open("/setup")).status_code == 200
            assert (await browser.client.get("/api", params={"t": "search", "apikey": key})).status_code == 200


async def test_a_name_that_is_not_this_machines_opens_no_pages(database: Database, accounts: Accounts) -> None:
    """A proxy that says nothing but passes the name on."""
    settings = HttpSettings(bind="127.0.0.1:0", allowed_hosts=("index.example",))
    async with serving(parts_over(database, settings, accounts=accounts)) as site, browsing(site.url) as browser:
        assert (await browser.open("/")).status_code == 200
        assert (await browser.client.get("/", headers={"Host": "index.example"})).headers["Location"] == "/setup"
