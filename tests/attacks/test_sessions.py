"""Session fixation, sessions that are stolen, over or out of place, and what their cookie says about itself."""

import pytest

from config.settings import HttpSettings
from storage.accounts import Accounts
from tests.attacks.hostile import PASSWORD
from tests.fakes.browser import Browser, browsing
from tests.fakes.passwords import cheap_passwords
from tests.fakes.website import parts_over, serving

PLANTED = "x" * 43
"""As long as one of ours."""


@pytest.fixture
async def jane(shop):
    """A site with an administrator, and her accounts."""
    site, accounts = shop
    user = await accounts.create_first_admin("Jane", PASSWORD)
    return site, accounts, user


async def is_signed_in(url: str, text: str, name: str = "swx") -> bool:
    async with browsing(url) as other:
        response = await other.client.get("/account", headers={"Cookie": f"{name}={text}"})
    return response.status_code == 200


async def signed_in(browser: Browser) -> str:
    assert (await browser.sign_in("Jane", PASSWORD)).status_code == 303
    assert browser.session
    return browser.session


async def test_a_planted_session_is_worth_nothing_after_signing_in(jane):
    """Fixation: the attacker knows the text that the victim's browser brings along."""
    site, accounts, user = jane
    ours = (await accounts.open_session(user.id)).text  # even one of a real session of somebody
    for planted in (PLANTED, ours):
        form, headers = {"name": "Jane", "password": PASSWORD}, {"Origin": site.url, "Cookie": f"swx={planted}"}
        answer = await site.client.post("/login", data=form, headers=headers)
        assert answer.status_code == 303
        assert planted not in answer.headers["set-cookie"]
        assert not await is_signed_in(site.url, planted)


async def test_a_text_we_never_made_is_nobodys_session(site):
    for text in ["", PLANTED, "0", "../../x", "' OR 1=1 --", "x" * 10_000, "%00", "a" * 42, "a" * 44, "a" * 42 + "\xe9", "admin", "1"]:
        async with browsing(site.url) as browser:
            response = await browser.client.get("/account", headers={"Cookie": f"swx={text}".encode("latin-1")})
        assert response.status_code in {303, 400, 401}


async def test_signing_out_ends_it_for_whoever_copied_it_too(jane):
    site, *_ = jane
    async with browsing(site.url) as victim:
        stolen = await signed_in(victim)
        assert await is_signed_in(site.url, stolen)
        await victim.submit("/account", "/logout")
        assert not await is_signed_in(site.url, stolen)


async def test_a_new_password_ends_every_session(jane):
    site, accounts, user = jane
    stolen = (await accounts.open_session(user.id)).text
    async with browsing(site.url) as victim:
        before = await signed_in(victim)
        new = "a much better password"
        done = await victim.submit("/account", "/account/password", old=PASSWORD, password=new, password_again=new)
        assert done.status_code == 303
        for text in (stolen, before):
            assert not await is_signed_in(site.url, text)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE session SET last_seen = now() - interval '7 days 1 minute'",
        "UPDATE session SET created = now() - interval '30 days 1 minute'",
    ],
    ids=["unused", "old"],
)
async def test_a_session_is_over_after_a_week_unused_and_after_a_month_in_any_case(jane, change):
    site, accounts, user = jane
    text = (await accounts.open_session(user.id)).text
    assert await is_signed_in(site.url, text)
    await accounts._database.run(lambda connection: connection.execute(change))
    assert not await is_signed_in(site.url, text)


async def test_who_is_removed_is_out_at_once(jane):
    site, accounts, _ = jane
    other = await accounts.create_user("Mallory", PASSWORD)
    text = (await accounts.open_session(other.id)).text
    assert await is_signed_in(site.url, text)
    await accounts.remove_user(other.id)
    assert not await is_signed_in(site.url, text)


async def test_a_session_counts_in_its_cookie_alone(jane):
    site, accounts, user = jane
    text = (await accounts.open_session(user.id)).text
    for headers, query in (
        ({"X-Api-Key": text}, {}),
        ({"Authorization": f"Bearer {text}"}, {}),
        ({"X-Session": text}, {}),
        ({}, {"swx": text, "apikey": text, "session": text}),
        ({"Cookie": f"SWX={text}"}, {}),
        ({"Cookie": f"__Host-swx={text}"}, {}),
    ):
        assert (await site.get("/account", headers=headers, **query)).status_code == 401
    assert (await site.get("/api", headers={"Cookie": f"swx={text}"}, t="search")).status_code == 401


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(jane):
    site, *_ = jane
    async with browsing(site.url) as browser:
        response = await browser.post("/login", name="Jane", password=PASSWORD)
    (cookie,) = response.headers.get_list("set-cookie")
    marks = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= marks
    assert not any(mark.startswith("domain") for mark in marks)
    assert response.headers["cache-control"] == "no-store"


async def test_over_https_only_a_cookie_that_came_over_https_counts(database):
    """`__Host-`: anybody on the line can plant a plain cookie, also for a site that speaks https."""
    accounts = Accounts(database, passwords=cheap_passwords())
    user = await accounts.create_first_admin("Jane", PASSWORD)
    settings = HttpSettings(bind="127.0.0.1:0", trusted_proxies=("127.0.0.1",), public_url="https://index.example")
    behind = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7", "Host": "index.example"}
    async with serving(parts_over(database, settings, accounts=accounts)) as site:
        answer = await site.client.post(
            "/login", data={"name": "Jane", "password": PASSWORD}, headers={**behind, "Origin": "https://index.example"}
        )
        (cookie,) = answer.headers.get_list("set-cookie")
        assert cookie.startswith("__Host-swx=")
        assert {"secure", "httponly"} <= {part.strip().lower() for part in cookie.split(";")}
        assert answer.headers["strict-transport-security"]
        text = (await accounts.open_session(user.id)).text
        planted = await site.get("/account", headers={**behind, "Cookie": f"swx={text}"})
        assert planted.status_code == 401
        assert (await site.get("/account", headers={**behind, "Cookie": f"__Host-swx={text}"})).status_code == 200


async def test_people_end_their_own_sessions_and_keys_and_nobody_elses(jane):
    site, accounts, user = jane
    hers, key = await accounts.open_session(user.id), await accounts.create_key("hers", ["search"], owner=user.id)
    await accounts.create_user("Mallory", PASSWORD)
    async with browsing(site.url) as mallory:
        await mallory.sign_in("Mallory", PASSWORD)
        page = await mallory.open("/account")
        token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        assert token
        for path, fields in (
            (f"/account/sessions/{hers.id}/end", {}),
            (f"/keys/{key.info.id}/revoke", {}),
            ("/account/users", {"name": "Trudy", "password": PASSWORD, "admin": "on"}),
            (f"/account/users/{user.id}/remove", {}),
            ("/keys", {"name": "more", "scope": ["search", "admin"]}),
            ("/keys", {"name": "more", "scope": "ingest"}),
        ):
            response = await mallory.post(path, csrf=token, **fields)
            assert response.status_code in {400, 403, 404}, path
        for path in ("/keys", "/account"):
            assert "hers" not in (await mallory.open(path)).text
    assert await accounts.check_key(key.text) is not None
    assert await accounts.find_session(hers.text) is not None
    assert {found.name for found in await accounts.users()} == {"Jane", "Mallory"}
