"""Capabilities: statements 10 to 19."""

import re
import time

import pytest
import trio
from lxml import etree

from config.settings import DatabaseSettings
from protocol.torznab.categories import Category
from storage.database import Database
from storage.works import Works
from tests.fakes.library import EPISODE, LIBRARY, NIGHT, SEASON_2
from tests.fakes.website import categories_of, parts_over, serving, site_of

SEARCHES = ("search", "tv-search", "movie-search", "audio-search", "music-search", "book-search")


async def caps_of(site, address="/api"):
    return etree.fromstring((await site.get(address, t="caps")).content)


def parameters_of(root, element: str) -> list[str]:
    return root.find(f"searching/{element}").get("supportedParams").split(",")


async def test_statement_10_limits_are_whole_numbers(site):
    assert (await caps_of(site)).find("limits").attrib == {"default": "100", "max": "100"}


async def test_statement_11_the_server_tells_its_title_and_version(site):
    server = (await caps_of(site)).find("server")
    assert (server.get("title"), server.get("version")) == ("swarmdex", "0.1.0")


async def test_statement_12_every_search_is_named_and_says_whether_it_is_available(site):
    searching = {element.tag: element for element in (await caps_of(site)).find("searching")}
    assert set(searching) == set(SEARCHES)
    for element in searching.values():
        assert element.get("available") in {"yes", "no"}
        assert element.get("supportedParams")


async def test_statement_13_parameters_are_lower_case_begin_with_q_and_leave_out_the_standard_ones(site):
    root = await caps_of(site)
    for element in SEARCHES:
        assert re.fullmatch(r"q(,[a-z]+)*", root.find(f"searching/{element}").get("supportedParams"))
        assert {"cat", "limit", "offset", "apikey"}.isdisjoint(parameters_of(root, element))


async def test_statement_14_every_search_has_the_parameters_that_clients_look_for(site):
    root = await caps_of(site)
    assert parameters_of(root, "search") == ["q"]
    assert parameters_of(root, "tv-search") == ["q", "season", "ep", "tvdbid", "imdbid"]  # as the library's series are numbered
    assert parameters_of(root, "movie-search") == ["q", "year", "imdbid", "tmdbid"]
    for element in ("audio-search", "music-search"):
        assert set(parameters_of(root, element)) == {"q", "artist", "album", "label", "track", "year"}
    assert set(parameters_of(root, "book-search")) == {"q", "author", "title", "publisher"}


async def test_statement_15_an_index_without_ids_offers_none(database):
    async with site_of(database, [EPISODE]) as site:
        root = await caps_of(site)
        assert parameters_of(root, "tv-search") == ["q", "season", "ep"]
        assert parameters_of(root, "movie-search") == ["q", "year"]


async def test_statement_15_an_id_is_offered_where_it_numbers_something(database):
    works = Works(database)
    async with site_of(database, [NIGHT], works=works) as site:
        await works.refresh()
        root = await caps_of(site)
        assert parameters_of(root, "movie-search") == ["q", "year", "imdbid", "tmdbid"]
        assert parameters_of(root, "tv-search") == ["q", "season", "ep"]
        assert await site.titles(t="movie", imdbid="tt0063350") == [NIGHT.torrent.name]


async def test_statement_16_category_names_are_those_that_clients_match(site):
    root = await caps_of(site)
    tops = {element.get("name"): int(element.get("id")) for element in root.iterfind("categories/category")}
    assert tops == {
        "Console": 1000, "Movies": 2000, "Audio": 3000, "PC": 4000, "TV": 5000, "XXX": 6000, "Books": 7000, "Other": 8000,
    }  # fmt: skip
    for top in root.iterfind("categories/category"):
        for sub in top:
            assert sub.get("name").startswith(f"{top.get('name')}/")
    assert root.find("categories//subcat[@id='5040']").get("name") == "TV/HD"


async def test_statement_17_every_category_of_an_item_is_listed(site):
    listed = {int(element.get("id")) for element in (await caps_of(site)).iterfind("categories//*")}
    assert listed == {int(category) for category in Category}
    items = await site.items(t="search")
    assert len(items) == len(LIBRARY)
    for item in items:
        assert listed.issuperset(categories_of(item))


async def test_statement_18_the_categories_that_clients_ask_for_by_default_are_listed(site):
    listed = {int(element.get("id")) for element in (await caps_of(site)).iterfind("categories//*")}
    assert {2000, 2010, 2020, 2030, 2040, 2045, 2050, 2060, 3000, 3010, 3030, 3040, 5000, 5030, 5040, 5045, 5070} <= listed


@pytest.mark.parametrize("parameters", [{}, {"apikey": "0" * 40}])
async def test_statement_19_capabilities_answer_quickly_while_the_database_is_gone(parameters):
    nowhere = Database("host=/nonexistent dbname=x", DatabaseSettings())
    async with serving(parts_over(nowhere)) as site:
        await site.get("/api", t="caps")  # the first one loads the templates of the connection
        quickest = 1.0
        for _ in range(3):
            started = time.perf_counter()
            assert (await site.get("/api", t="caps", **parameters)).status_code == 200
            quickest = min(quickest, time.perf_counter() - started)
        assert quickest < 0.1


async def test_statement_19_capabilities_do_not_wait_for_a_database_that_hangs_and_remember_what_it_said(library_database, library):
    class Hanging:
        async def check_key(self, _key, **_known):
            await trio.sleep_forever()

    class Remembering(Works):
        async def refresh(self):
            await trio.sleep_forever()

    works = Works(library_database)
    await works.refresh()
    remembering = Remembering(library_database)
    remembering._held = works._held
    async with serving(parts_over(library_database, accounts=Hanging(), works=remembering)) as site:
        with trio.fail_after(2):
            response = await site.get("/api", t="caps", apikey="0" * 40)
        assert "tvdbid" in parameters_of(etree.fromstring(response.content), "tv-search")


def test_the_library_has_numbers_of_series_and_of_movies():
    assert SEASON_2.torrent.ids
    assert NIGHT.torrent.ids
