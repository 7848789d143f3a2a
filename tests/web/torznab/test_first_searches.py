"""What the Test buttons of the clients ask: statements 20 to 26."""

from tests.fakes.library import LIBRARY
from tests.fakes.website import NEWZNAB


async def test_statement_20_sonarr_finds_something(site):
    assert await site.items(t="tvsearch", cat="5030,5040", extended="1", offset="0", limit="100")


async def test_statement_21_radarr_finds_something(site):
    assert await site.items(t="movie", cat="2000,2010,2020,2030,2040,2045,2050,2060", extended="1", offset="0", limit="100")


async def test_statement_22_lidarr_finds_something(site):
    assert await site.items(t="music", cat="3000,3010,3030,3040", extended="1", offset="0", limit="100")


async def test_readarr_finds_something(site):
    assert await site.items(t="book", cat="3030,7020,8010", extended="1")


async def test_statement_23_prowlarr_finds_something(site):
    assert await site.items(t="search", extended="1")


async def test_statement_24_an_empty_category_is_none_for_autobrr(site):
    assert await site.titles(t="search", extended="1", limit="100", cat="") == await site.titles(t="search")


async def test_statement_25_an_empty_text_gives_cross_seed_the_latest_items(site):
    latest = await site.titles(t="search", q="", limit="100", offset="0")
    assert latest == [found.torrent.name for found in reversed(LIBRARY)]


async def test_statement_26_an_empty_index_is_a_feed_without_items(empty_site):
    channel = await empty_site.feed(t="search")
    assert channel.find(f"{NEWZNAB}response").attrib == {"offset": "0", "total": "0"}
    assert channel.findall("item") == []
