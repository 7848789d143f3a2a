from typing import TYPE_CHECKING

import pytest
from lxml import html

from tests.fakes.library import SINTEL

if TYPE_CHECKING:
    from tests.web.saved.conftest import Reader


async def test_a_search_is_saved_from_its_page_and_listed_with_its_feed(reader: "Reader") -> None:
    page = html.fromstring((await reader.page("/?q=sintel&kind=movie&sort=seeders&min_size=1+GB")).text)
    form = page.xpath("//form[@action='/searches']")[0]
    fields = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    assert {name: value for name, value in fields.items() if name != "csrf"} == {
        "q": "sintel", "kind": "movie", "sort": "seeders", "min_size": "1 GB", "name": "sintel",
    }  # fmt: skip
    saved = await reader.post("/searches", **fields)
    assert (saved.status_code, saved.headers["location"]) == (303, "/searches")
    listed = html.fromstring((await reader.page("/searches")).text)
    row = listed.xpath("//table//tbody/tr")[0]
    assert row.xpath("string(.//code)") == f"{reader.site.url}/feeds/1?apikey="
    assert row.xpath(".//td[@class='name']/a/@href") == ["/?q=sintel&kind=movie&sort=seeders&min_size=1+GB"]
    assert await reader.titles(1) == [SINTEL.torrent.name]  # the other one is smaller
    assert reader.site.key not in listed.text_content()


async def test_deleting_takes_the_feed_along(reader: "Reader") -> None:
    await reader.save(q="sintel")
    assert (await reader.post("/searches/1/delete")).status_code == 303
    assert (await reader.feed(1)).status_code == 404
    assert (await reader.post("/searches/1/delete")).status_code == 404
    assert "Nothing saved yet" in (await reader.page("/searches")).text


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": "x", "kind": "hologram"}, {"name": "a\nb"}])
async def test_what_cannot_be_saved_is_said_on_the_page(reader: "Reader", fields: dict[str, str]) -> None:
    refused = await reader.post("/searches", q="sintel", **fields)
    assert refused.status_code == 400
    assert "That could not be saved" in refused.text


async def test_names_and_words_of_strangers_are_text(reader: "Reader") -> None:
    wicked = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>"""
    await reader.save(name=wicked, q=wicked)
    page = html.fromstring((await reader.page("/searches")).text)
    assert page.xpath("//script | //img[@onerror] | //*[@onerror]") == []


async def test_without_a_session_there_is_nothing_to_save_with(reader: "Reader") -> None:
    assert b"Save this search" not in (await reader.site.client.get("/?q=sintel", auth=("", reader.site.key))).content
    assert (await reader.site.client.post("/searches", data={"name": "x"})).status_code == 401


async def test_json_lists_saves_and_deletes(reader: "Reader") -> None:
    made = await reader.save(name="Movies", kind="movie", q=" sintel  2010 ")
    assert (made["id"], made["q"], made["kind"]) == (1, "sintel 2010", "movie")
    assert made["feed_url"] == f"{reader.site.url}/feeds/1"
    listed = (await reader.json("GET", key=reader.site.key)).json()
    assert listed == {"searches": [made]}
    assert (await reader.json("DELETE", "/1")).status_code == 204
    gone = await reader.json("DELETE", "/1")
    assert (gone.status_code, gone.headers["content-type"]) == (404, "application/problem+json")


async def test_json_saves_all_that_the_page_can_filter_by(reader: "Reader") -> None:
    made = (
        await reader.json("POST", "", {"name": "HD", "q": "sintel", "filters": {"resolution": "1080p, 2160p", "year_from": "2000"}})
    ).json()
    assert made["filters"] == {"resolution": "1080p, 2160p", "year_from": "2000"}
    assert await reader.titles(1) == [SINTEL.torrent.name]
    for filters, pointer in (({"year_from": "soon"}, "/filters"), ({"a/b": "1"}, "/filters/a~1b")):
        refused = await reader.json("POST", "", {"name": "x", "filters": filters})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, pointer)


async def test_json_that_is_wrong_says_where(reader: "Reader") -> None:
    for body, pointer in (({}, ""), ({"name": "x", "kind": "hologram"}, "/kind"), ({"name": 3}, "/name"), ({"name": "x", "page": 1}, "")):
        refused = await reader.json("POST", "", body)
        assert refused.status_code == 400
        assert refused.json()["errors"][0].get("pointer", "") == pointer
    assert (await reader.json("POST", "", {"name": "a\nb"})).status_code == 400


async def test_keys_that_may_only_search_change_nothing(reader: "Reader") -> None:
    for method, path in (("POST", ""), ("DELETE", "/1")):
        assert (await reader.json(method, path, {"name": "x"}, key=reader.site.key)).status_code == 403
