from typing import TYPE_CHECKING, Any

import trio

from config.settings import HttpSettings
from storage.accounts import Accounts
from storage.database import Database
from tests.fakes.library import LIBRARY
from tests.fakes.website import parts_over, serving

if TYPE_CHECKING:
    from tests.web.journal.conftest import Desk


async def explained(desk: "Desk", number: int) -> Any:
    """The summary, once the explainer has got to it by itself."""
    with trio.fail_after(10):
        while True:
            found = next(kept for kept in (await desk.journal())["requests"] if kept["id"] == number)
            if found["emptied_by"] is not None:
                return found
            await trio.sleep(0.02)


async def test_a_search_is_kept_with_its_parse_and_its_outcome(desk: "Desk") -> None:
    await desk.ask(t="tvsearch", q="hillbillies", season="1", ep="2", cat="5030,5040", limit="50")
    [kept] = (await desk.journal())["requests"]
    assert kept["understood_as"] == "TV, words “hillbillies”, season 1, episode 2, categories 5030 TV/SD, 5040 TV/HD; 50 items"
    assert (kept["items"], kept["total"], kept["status"], kept["key"], kept["agent"]) == (3, 3, 200, "sonarr", "Sonarr/4.0")
    assert {"name": "season", "value": "1"} in kept["parameters"]
    assert kept["duration_ms"] > 0


async def test_no_answer_of_the_journal_holds_a_key(desk: "Desk") -> None:
    await desk.ask(t="search", q=desk.site.key)
    await desk.site.get("/api", t="search", ApiKey=desk.site.key.lower(), headers={"User-Agent": desk.site.key})
    for text in ((await desk.page()).text, (await desk.page("/1")).text, str(await desk.journal("/2")), str(await desk.journal())):
        assert desk.site.key.lower()[8:] not in text.lower()


async def test_refusals_are_kept_with_their_code(desk: "Desk") -> None:
    await desk.site.get("/api", t="search")
    await desk.site.get("/api", t="search", apikey="wrong")
    await desk.ask(t="search", cat="abc")
    await desk.ask(t="details")
    await desk.site.get("/torznab/api", method="HEAD", t="caps")
    kept = [(one["status"], one["error_code"], one["key"]) for one in (await desk.journal())["requests"]]
    assert kept == [(200, None, ""), (400, 203, "sonarr"), (400, 201, "sonarr"), (401, 100, ""), (401, 100, "")]
    newest = (await desk.journal())["requests"][0]
    assert (newest["method"], newest["understood_as"], newest["emptied_by"]) == ("HEAD", "The capabilities", None)


async def test_other_addresses_are_not_kept(desk: "Desk") -> None:
    await desk.site.get("/")
    await desk.site.get("/api/v1/search", q="sintel")
    assert (await desk.journal())["requests"] == []


async def test_an_empty_answer_is_explained_without_being_looked_at(desk: "Desk") -> None:
    await desk.ask(t="tvsearch", q="hillbillies", season="3", ep="7")
    assert (await explained(desk, 1))["emptied_by"] == "episode"
    await desk.ask(t="search", q="nosferatu")
    assert (await explained(desk, 2))["emptied_by"] == "words"


async def test_an_answer_with_items_is_explained_when_looked_at(desk: "Desk") -> None:
    await desk.ask(t="movie", q="sintel")
    assert (await desk.journal())["requests"][0]["emptied_by"] is None
    detail = await desk.journal("/1")
    assert [step["name"] for step in detail["steps"]] == ["index", "categories", "words"]
    assert (detail["steps"][0]["rows_left"], detail["steps"][-1]["rows_left"]) == (len(LIBRARY), 2)
    assert (detail["hints"], detail["request"]["emptied_by"]) == ([], None)


async def test_a_request_that_needs_no_index_says_why(desk: "Desk") -> None:
    await desk.ask(t="search", cat="999999")
    detail = await desk.journal("/1")
    assert detail["steps"] == []
    assert "categories of which none exists" in detail["hints"][0]


async def test_only_as_many_as_the_setting_says_are_kept(database: Database) -> None:
    key = await Accounts(database).create_key("admin", ["admin"])
    async with serving(parts_over(database, HttpSettings(bind="127.0.0.1:0", kept_requests=2)), key.text) as site:
        for _ in range(5):
            await site.torznab(t="caps")
        answer = (await site.get("/api/v1/torznab/requests", apikey=site.key)).json()
        assert ([kept["id"] for kept in answer["requests"]], answer["seen"], answer["kept_at_most"]) == ([5, 4], 5, 2)
        gone = await site.get("/api/v1/torznab/requests/1", apikey=site.key)
        assert (gone.status_code, gone.headers["content-type"]) == (404, "application/problem+json")


async def test_replay_asks_again_now(desk: "Desk") -> None:
    await desk.ask(t="search", q="sintel 2010", limit="1")
    await desk.ask(t="search", cat="abc")
    again = await desk.journal("/1/replay", method="POST")
    assert (again["request"]["id"], again["request"]["items"], again["request"]["total"]) == (3, 1, 2)
    assert (again["request"]["key"], again["request"]["agent"]) == ("boss", "replay of request 1")
    refused = (await desk.journal("/2/replay", method="POST"))["request"]
    assert (refused["status"], refused["error_code"]) == (400, 201)
    assert [kept["id"] for kept in (await desk.journal())["requests"]] == [4, 3, 2, 1]


async def test_keys_without_admin_see_nothing(desk: "Desk") -> None:
    for method, path in (("GET", ""), ("GET", "/1"), ("POST", "/1/replay")):
        response = await desk.site.get(f"/api/v1/torznab/requests{path}", method=method, apikey=desk.site.key)
        assert response.status_code == 403
