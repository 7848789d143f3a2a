"""/account: passwords, sessions, users."""

import pytest

from storage.accounts import Accounts
from tests.fakes.browser import Browser, browsing
from web.auth.limits import TRIES_PER_NAME

PHRASE, OTHER_PHRASE = "correct horse battery", "another horse altogether"


async def change(browser: Browser, old: str, new: str, again: str | None = None) -> int:
    fields = {"old": old, "password": new, "password_again": new if again is None else again}
    return (await browser.submit("/account", "/account/password", **fields)).status_code


async def test_a_new_password_ends_every_session_but_goes_on_here_under_a_new_text(jane: Browser, accounts: Accounts) -> None:
    before = jane.session
    async with browsing(jane.origin) as elsewhere:
        await elsewhere.sign_in("jane", PHRASE)
        assert await change(jane, "not her password", OTHER_PHRASE) == 403
        assert await change(jane, PHRASE, OTHER_PHRASE, PHRASE) == 400
        assert await change(jane, PHRASE, "short") == 400
        assert await change(jane, PHRASE, OTHER_PHRASE) == 303
        assert jane.session != before
        assert "The password is changed" in (await jane.open("/account?done=password")).text
        assert (await elsewhere.open("/account")).status_code == 303
    assert await accounts.check_password("jane", OTHER_PHRASE) is not None


async def test_whoever_finds_an_open_browser_cannot_try_old_passwords_for_long(jane: Browser) -> None:
    tried = [await change(jane, f"guess number {number}", OTHER_PHRASE) for number in range(TRIES_PER_NAME)]
    assert tried[-1] == 429 or await change(jane, "one more guess", OTHER_PHRASE) == 429


async def test_sessions_are_listed_and_ended(jane: Browser, boss: Browser, accounts: Accounts) -> None:
    async with browsing(jane.origin) as elsewhere:
        await elsewhere.sign_in("jane", PHRASE)
        page = (await jane.open("/account")).text
        assert page.count("Browser/1.0") == 2
        assert "<b>this browser</b>" in page
        assert "boss" not in page
        assert (await jane.submit("/account", "/account/sessions/end")).status_code == 303
        assert (await elsewhere.open("/account")).status_code == 303
        assert (await jane.open("/account")).status_code == 200
    bosses = next(session for session in await accounts.sessions() if session.user.name == "boss")
    token = (await jane.open("/account")).text.partition('name="csrf" value="')[2][:64]
    for number in (bosses.id, 10**30):
        assert (await jane.post(f"/account/sessions/{number}/end", csrf=token)).status_code == 404
    janes = next(session for session in await accounts.sessions() if session.user.name == "jane")
    assert (await boss.submit("/account", f"/account/sessions/{janes.id}/end")).status_code == 303
    assert (await jane.open("/account")).status_code == 303


async def test_administrators_add_and_remove_people(boss: Browser, jane: Browser, accounts: Accounts) -> None:
    assert (await boss.submit("/account", "/account/users", name="John", password=PHRASE)).status_code == 303
    assert (await boss.submit("/account", "/account/users", name="john", password=PHRASE)).status_code == 400
    john = await accounts.user_named("john")
    assert john is not None
    assert not john.is_admin
    token = (await jane.open("/account")).text.partition('name="csrf" value="')[2][:64]
    assert (await jane.post("/account/users", csrf=token, name="x", password=PHRASE)).status_code == 403
    assert (await jane.post(f"/account/users/{john.id}/remove", csrf=token)).status_code == 403
    assert (await boss.submit("/account", f"/account/users/{john.id}/remove")).status_code == 303
    me = await accounts.user_named("boss")
    assert me is not None
    refused = await boss.submit("/account", f"/account/users/{me.id}/remove")
    assert refused.status_code == 400
    assert "last administrator" in refused.text


@pytest.mark.parametrize("path", ["/account", "/keys"])
async def test_names_are_shown_as_text(boss: Browser, accounts: Accounts, path: str) -> None:
    await accounts.create_user("<b>x</b>", PHRASE)
    await accounts.create_key("<i>y</i>", ["search"])
    page = (await boss.open(path)).text
    assert "<b>x" not in page
    assert "<i>y" not in page
