"""Test searches of the clients and the shape of every item: statements 20 to 44."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from catalog.model import Kind
from protocol.magnet import parse_magnet
from storage.torrents import Torrents
from tests.fakes.library import EPISODE, LIBRARY, MP3, PACK, SINTEL, TEARS, classified, hash_of
from tests.fakes.website import NEWZNAB, TORZNAB, attributes_of, categories_of, parts_over, serving


async def item_of(site, found, **parameters):
    name = found.torrent.name
    (item,) = [item for item in await site.items(t="search", q=name, **parameters) if item.findtext("title") == name]
    return item


async def test_20_to_23_the_test_buttons_of_the_clients_find_something(site):
    assert await site.items(t="tvsearch", cat="5030,5040", extended="1", offset="0", limit="100")  # Sonarr
    assert await site.items(t="movie", cat="2000,2010,2020,2030,2040,2045,2050,2060", extended="1", offset="0", limit="100")  # Radarr
    assert await site.items(t="music", cat="3000,3010,3030,3040", extended="1", offset="0", limit="100")  # Lidarr
    assert await site.items(t="book", cat="3030,7020,8010", extended="1")  # Readarr
    assert await site.items(t="search", extended="1")  # Prowlarr


async def test_24_25_empty_parameters_give_the_latest_items(site):
    latest = await site.titles(t="search")
    assert await site.titles(t="search", extended="1", limit="100", cat="") == latest  # autobrr
    assert await site.titles(t="search", q="", limit="100", offset="0") == latest  # cross-seed
    assert len(latest) == len(LIBRARY)


async def test_26_an_empty_index_is_a_feed_without_items(empty_site):
    channel = await empty_site.feed(t="search")
    assert channel.find(f"{NEWZNAB}response").attrib == {"offset": "0", "total": "0"}
    assert channel.findall("item") == []


async def test_27_to_29_every_item_has_each_element_once_and_bare(site):
    for item in await site.items(t="search"):
        for name in ("title", "guid", "link", "pubDate", "size", "comments"):
            (element,) = item.findall(name)
            assert element.text
            assert dict(element.attrib) == {}
        assert item.findall("category")
        assert item.findall("enclosure")


async def test_28_the_guid_is_unique_and_stays(site):
    first = [item.findtext("guid") for item in await site.items(t="search")]
    assert len(set(first)) == len(first)
    assert [item.findtext("guid") for item in await site.items(t="search", sort="size_desc")] != first
    assert sorted(item.findtext("guid") for item in await site.items(t="search", sort="size_desc")) == sorted(first)


async def test_30_dates_are_legible_and_never_in_the_future(site):
    for item in await site.items(t="search"):
        text = item.findtext("pubDate")
        assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000", text)
        assert parsedate_to_datetime(text) <= datetime.now(UTC)


async def test_31_sizes_agree(site):
    item = await item_of(site, SINTEL)
    assert item.findtext("size") == attributes_of(item)["size"] == item.find("enclosure").get("length") == "1200001514"


async def test_32_33_categories_agree_and_the_first_is_of_the_kind(site):
    for item in await site.items(t="search"):
        texts = [int(element.text) for element in item.findall("category")]
        assert texts == categories_of(item)
        assert any(category % 1000 == 0 for category in texts)
        assert any(category % 1000 for category in texts)
    assert categories_of(await item_of(site, SINTEL))[:2] == [2000, 2040]
    assert categories_of(await item_of(site, EPISODE))[0] == 5000
    assert categories_of(await item_of(site, MP3))[:2] == [3000, 3010]


async def test_34_35_the_enclosure_is_a_magnet_link_of_the_same_hash(site):
    for item in await site.items(t="search"):
        enclosure = item.find("enclosure")
        attributes = attributes_of(item)
        assert enclosure.get("type") == "application/x-bittorrent;x-scheme-handler/magnet"
        assert enclosure.get("url") == item.findtext("link") == attributes["magneturl"]
        magnet = parse_magnet(attributes["magneturl"])
        assert magnet.info_hash is not None
        assert magnet.info_hash.hex() == attributes["infohash"] == item.findtext("guid")
        assert magnet.name == item.findtext("title")


async def test_35_a_torrent_of_version_2_only_is_named_by_its_own_hash(database):
    from dataclasses import replace

    from protocol.identifiers import InfoHash, InfoHashV2
    from storage.accounts import Accounts

    v2 = InfoHashV2(bytes(range(32)))
    found = classified("Big Buck Bunny v2", Kind.MOVIE)
    found = replace(found, torrent=replace(found.torrent, info_hash=InfoHash(v2[:20]), info_hash_v2=v2))
    await Torrents(database).store([found])
    key = await Accounts(database).create_key("tests", ["search"])
    async with serving(parts_over(database), key.text) as site:
        (item,) = await site.items(t="search")
        assert attributes_of(item)["infohash"] == v2.hex()
        assert attributes_of(item)["magneturl"].startswith(f"magnet:?xt=urn:btmh:1220{v2.hex()}")


async def test_36_the_prefix_is_literal(site):
    assert '<torznab:attr name="category" value="' in (await site.torznab(t="search")).text


async def test_37_an_unknown_swarm_is_absent_and_a_known_one_adds_up(site):
    unknown = attributes_of(await item_of(site, TEARS))
    assert {"seeders", "leechers", "peers"}.isdisjoint(unknown)
    known = await item_of(site, SINTEL)
    assert {name: value for name, value in attributes_of(known).items() if name in {"seeders", "leechers", "peers"}} == {
        "seeders": "12",
        "leechers": "3",
        "peers": "15",
    }
    names = [attr.get("name") for attr in known.findall(f"{TORZNAB}attr")]
    assert names.index("leechers") < names.index("peers")


async def test_38_39_numbers_are_sent_where_the_name_says_them(site):
    episode = attributes_of(await item_of(site, EPISODE))
    assert (episode["season"], episode["episode"]) == ("1", "2")
    pack = attributes_of(await item_of(site, PACK))
    assert pack["season"] == "1"
    assert "episode" not in pack
    film = attributes_of(await item_of(site, SINTEL))
    assert {"season", "episode", "imdb", "imdbid", "tmdbid", "tvdbid"}.isdisjoint(film)
    assert (film["year"], film["resolution"], film["video"], film["team"]) == ("2010", "1080p", "h264", "BLENDER")


async def test_40_a_public_index_asks_for_no_ratio(site):
    for item in await site.items(t="search"):
        attributes = attributes_of(item)
        assert (attributes["downloadvolumefactor"], attributes["uploadvolumefactor"]) == ("0", "1")
        assert {"minimumratio", "minimumseedtime"}.isdisjoint(attributes)


async def test_41_a_nasty_name_leaves_the_feed_well_formed(database):
    from storage.accounts import Accounts

    name = "Sintel <b>&\"']]> \x1b[31m \u202egpj.exe \U0001f3ac א"
    await Torrents(database).store([classified(name, Kind.MOVIE)])
    key = await Accounts(database).create_key("tests", ["search"])
    async with serving(parts_over(database), key.text) as site:
        (title,) = await site.titles(t="search", q="Sintel")
        assert title == "Sintel <b>&\"']]> [31m gpj.exe \U0001f3ac א"
        page = await site.get("/")
        assert "<b>&" not in page.text
        assert "\u202e" not in page.text


async def test_43_all_attributes_are_sent_whatever_is_asked_for(site):
    usual = attributes_of(await item_of(site, SINTEL))
    for extended in ("1", "0", "true"):
        assert attributes_of(await item_of(site, SINTEL, extended=extended)) == usual
    assert attributes_of(await item_of(site, SINTEL, attrs="size,foo")) == usual


async def test_44_a_torrent_from_several_sources_appears_once(database):
    from dataclasses import replace

    from storage.accounts import Accounts

    torrents = Torrents(database)
    for source in ("dht", "knaben", "dht"):
        await torrents.store([replace(SINTEL, torrent=replace(SINTEL.torrent, source=source))])
    key = await Accounts(database).create_key("tests", ["search"])
    async with serving(parts_over(database), key.text) as site:
        (item,) = await site.items(t="search")
        assert item.findtext("guid") == hash_of(SINTEL.torrent.name).hex()
