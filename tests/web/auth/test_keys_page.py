"""/keys, and what keys made there are worth."""

from datetime import UTC, datetime, timedelta

from storage.accounts import Accounts
from tests.fakes.browser import Browser
from tests.fakes.website import Website, error_of


def key_in(page: str) -> str:
    return page.partition('<p class="secret"><code>')[2][:40]


async def test_a_key_is_shown_once_works_and_ends_when_revoked(boss: Browser, peopled: Website, accounts: Accounts) -> None:
    made = await boss.submit("/keys", "/keys", name="sonarr", scope=["search", "metrics"], days="30", rate="7")
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    text = key_in(made.text)
    (key,) = await accounts.keys()
    assert (key.name, key.scopes, key.requests_per_minute) == ("sonarr", {"search", "metrics"}, 7)
    assert key.expires is not None
    assert abs(key.expires - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
    assert (await peopled.get("/api", t="search", apikey=text)).status_code == 200
    table = (await boss.open("/keys")).text
    assert text not in table
    assert "127.0.0.1" in table  # where it was used from
    assert (await boss.submit("/keys", f"/keys/{key.id}/revoke")).status_code == 303
    assert (await peopled.get("/api", t="search", apikey=text)).status_code == 401
    assert "revoked" in (await boss.open("/keys")).text


async def test_others_make_keys_that_search_and_see_only_their_own(boss: Browser, jane: Browser, accounts: Accounts) -> None:
    await boss.submit("/keys", "/keys", name="of the boss", scope="admin", days="", rate="")
    assert (await jane.submit("/keys", "/keys", name="x", scope="admin", days="", rate="")).status_code == 400
    assert (await jane.submit("/keys", "/keys", name="of jane", scope="search", days="", rate="")).status_code == 200
    assert "of jane" in (await boss.open("/keys")).text
    assert "of the boss" not in (await jane.open("/keys")).text
    bosses = next(key for key in await accounts.keys() if key.name == "of the boss")
    token = (await jane.open("/keys")).text.partition('name="csrf" value="')[2][:64]
    assert (await jane.post(f"/keys/{bosses.id}/revoke", csrf=token)).status_code == 404
    assert (await jane.post("/keys/a%00b/revoke", csrf=token)).status_code == 404


async def test_a_wrong_form_says_what_is_wrong(boss: Browser, accounts: Accounts) -> None:
    good: dict[str, str | list[str]] = {"name": "x", "scope": "search", "days": "", "rate": ""}
    wrong: list[dict[str, str | list[str]]] = [
        {"name": ""},
        {"scope": []},
        {"scope": "root"},
        {"days": "-1"},
        {"rate": "many"},
        {"rate": "9" * 9},
    ]
    for change in wrong:
        answer = await boss.submit("/keys", "/keys", **{**good, **change})
        assert answer.status_code == 400, change
        assert "That did not work" in answer.text
    assert await accounts.keys() == ()


async def test_beyond_its_limit_a_key_is_told_when_to_come_back(peopled: Website, accounts: Accounts) -> None:
    limited = (await accounts.create_key("limited", ["search"], requests_per_minute=2)).text
    other = (await accounts.create_key("other", ["search"])).text
    assert [(await peopled.get("/api", t="search", apikey=limited)).status_code for _ in range(2)] == [200, 200]
    refused = await peopled.get("/api", t="search", apikey=limited)
    assert error_of(refused) == (429, 500, "Request limit reached")
    assert 1 <= int(refused.headers["Retry-After"]) <= 30
    problem = await peopled.get("/api/v1/search", headers={"X-Api-Key": limited})
    assert problem.status_code == 429
    assert "2 requests a minute" in problem.json()["detail"]
    assert (await peopled.get("/api", t="search", apikey=other)).status_code == 200


async def test_a_key_made_with_a_key_ends_with_the_same_person(boss: Browser, peopled: Website, accounts: Accounts) -> None:
    """Whoever is removed has no way back in, not even by an administrator's key that another one had made."""
    john = await accounts.create_user("john", "correct horse battery", is_admin=True)
    key = (await accounts.create_key("of john", ["admin"], owner=john.id)).text
    for _ in range(2):
        order = {"name": "way back", "scopes": ["admin"]}
        key = (await peopled.client.post("/api/v1/keys", json=order, headers={"X-Api-Key": key})).json()["key"]
    assert (await peopled.get("/api/v1/status", headers={"X-Api-Key": key})).status_code == 200
    assert (await boss.submit("/account", f"/account/users/{john.id}/remove")).status_code == 303
    assert (await peopled.get("/api/v1/status", headers={"X-Api-Key": key})).status_code == 401
    assert await accounts.keys() == ()
