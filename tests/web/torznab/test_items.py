"""The shape of every item: statements 27 to 44."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from lxml import etree

from catalog.model import Kind
from protocol.identifiers import InfoHash, InfoHashV2
from protocol.magnet import parse_magnet
from storage.torrents import Torrents
from tests.fakes.library import (
    EPISODE,
    MP3,
    NIGHT,
    NIGHT_BARE,
    PACK,
    PACK_1_TO_3,
    SEASON_2,
    SINTEL,
    SPECIAL,
    TEARS,
    classified,
    hash_of,
    names,
)
from tests.fakes.website import TORZNAB, attributes_of, categories_of, site_of

IDS = ("imdb", "imdbid", "tmdbid", "tvdbid")


async def test_statement_27_every_item_has_each_element_once(site):
    for item in await site.items(t="search"):
        for name in ("title", "guid", "link", "pubDate", "size", "comments"):
            (element,) = item.findall(name)
            assert element.text
        assert item.findall("category")
        assert item.findall("enclosure")


async def test_statement_28_the_guid_is_bare_unique_and_stays(site):
    items = await site.items(t="search")
    first = [item.findtext("guid") for item in items]
    assert all(dict(item.find("guid").attrib) == {} for item in items)
    assert len(set(first)) == len(first)
    by_size = [item.findtext("guid") for item in await site.items(t="search", sort="size_desc")]
    assert by_size != first
    assert sorted(by_size) == sorted(first)


async def test_statement_29_title_link_size_and_date_are_bare(site):
    for item in await site.items(t="search"):
        for name in ("title", "link", "size", "pubDate"):
            assert dict(item.find(name).attrib) == {}


async def test_statement_30_dates_are_legible_and_never_in_the_future(site):
    for item in await site.items(t="search"):
        text = item.findtext("pubDate")
        assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", text)
        moment = parsedate_to_datetime(text)
        assert text.startswith(f"{moment:%a}")
        assert datetime(1990, 1, 1, tzinfo=UTC) <= moment <= datetime.now(UTC)


async def test_statement_31_sizes_agree(site):
    item = await site.item_of(SINTEL)
    assert item.findtext("size") == attributes_of(item)["size"] == item.find("enclosure").get("length") == "1200001514"


async def test_statement_31_an_item_of_unknown_size_waits_until_it_is_known(database):
    unknown = replace(SINTEL, torrent=replace(SINTEL.torrent, size=0, files=(), file_count=0))
    async with site_of(database, [unknown], [TEARS]) as site:
        assert await site.titles(t="search") == [TEARS.torrent.name]
        await Torrents(database).store([SINTEL])
        assert await site.found(t="search") == names(SINTEL, TEARS)


async def test_statement_32_categories_are_numbers_and_agree(site):
    for item in await site.items(t="search"):
        assert [int(element.text) for element in item.findall("category")] == categories_of(item)


async def test_statement_33_categories_name_parent_and_child_those_of_the_kind_first(site):
    for item in await site.items(t="search"):
        assert any(category % 1000 == 0 for category in categories_of(item))
        assert any(category % 1000 for category in categories_of(item))
    assert categories_of(await site.item_of(SINTEL))[:2] == [2000, 2040]
    assert categories_of(await site.item_of(EPISODE))[0] == 5000
    assert categories_of(await site.item_of(MP3))[:2] == [3000, 3010]


async def test_statement_34_the_enclosure_says_what_its_link_is(site):
    for item in await site.items(t="search"):
        enclosure = item.find("enclosure")
        assert enclosure.get("type") == "application/x-bittorrent;x-scheme-handler/magnet"
        assert enclosure.get("length")
        assert enclosure.get("url") == item.findtext("link")


async def test_statement_35_hash_and_magnet_link_agree(site):
    for item in await site.items(t="search"):
        attributes = attributes_of(item)
        assert re.fullmatch("[0-9a-f]{40}", attributes["infohash"])
        magnet = parse_magnet(attributes["magneturl"])
        assert magnet.info_hash is not None
        assert magnet.info_hash.hex() == attributes["infohash"] == item.findtext("guid")
        assert magnet.name == item.findtext("title")


async def test_statement_35_a_torrent_of_version_2_only_is_named_by_its_own_hash(database):
    v2 = InfoHashV2(bytes(range(32)))
    found = classified("Big Buck Bunny v2", Kind.MOVIE)
    found = replace(found, torrent=replace(found.torrent, info_hash=InfoHash(v2[:20]), info_hash_v2=v2))
    async with site_of(database, [found]) as site:
        (item,) = await site.items(t="search")
        assert attributes_of(item)["infohash"] == v2.hex()
        assert attributes_of(item)["magneturl"].startswith(f"magnet:?xt=urn:btmh:1220{v2.hex()}")


async def test_statement_36_the_prefix_is_literal(site):
    text = (await site.torznab(t="search")).text
    assert 'xmlns:torznab="http://torznab.com/schemas/2015/feed"' in text
    assert '<torznab:attr name="category" value="' in text


async def test_statement_37_an_unknown_swarm_is_absent_and_a_known_one_adds_up(site):
    unknown = attributes_of(await site.item_of(TEARS))
    assert {"seeders", "leechers", "peers"}.isdisjoint(unknown)
    known = await site.item_of(SINTEL)
    attributes = attributes_of(known)
    assert [attributes[name] for name in ("seeders", "leechers", "peers")] == ["12", "3", "15"]
    names = [attr.get("name") for attr in known.findall(f"{TORZNAB}attr")]
    assert names.index("leechers") < names.index("peers")


async def test_statement_38_ids_are_sent_in_both_spellings_where_they_are_certain(site):
    film = attributes_of(await site.item_of(NIGHT))
    assert {name: film.get(name) for name in IDS} == {"imdb": "0063350", "imdbid": "tt0063350", "tmdbid": "10331", "tvdbid": None}
    episode = attributes_of(await site.item_of(SEASON_2))
    assert {name: episode.get(name) for name in IDS} == {"imdb": "0055662", "imdbid": "tt0055662", "tmdbid": None, "tvdbid": "71471"}
    for unlinked in (NIGHT_BARE, EPISODE):  # found by the same id, and yet not certain
        assert set(IDS).isdisjoint(attributes_of(await site.item_of(unlinked)))


async def test_statement_39_numbers_are_sent_where_there_is_one_of_each(site):
    episode = attributes_of(await site.item_of(EPISODE))
    assert (episode["season"], episode["episode"]) == ("1", "2")
    special = attributes_of(await site.item_of(SPECIAL))
    assert (special["season"], special["episode"]) == ("0", "5")
    pack = attributes_of(await site.item_of(PACK))
    assert pack["season"] == "1"
    assert "episode" not in pack
    for item in (await site.item_of(PACK_1_TO_3), await site.item_of(SINTEL)):
        assert {"season", "episode"}.isdisjoint(attributes_of(item))


async def test_what_the_name_says_is_sent(site):
    film = attributes_of(await site.item_of(SINTEL))
    assert (film["year"], film["resolution"], film["video"], film["team"]) == ("2010", "1080p", "h264", "BLENDER")


async def test_statement_40_a_public_index_asks_for_no_ratio(site):
    for item in await site.items(t="search"):
        attributes = attributes_of(item)
        assert (attributes["downloadvolumefactor"], attributes["uploadvolumefactor"]) == ("0", "1")
        assert {"minimumratio", "minimumseedtime"}.isdisjoint(attributes)


NASTY = (
    ("Sintel <b>&\"']]> \x1b[31m \u202egpj.exe \U0001f3ac א", "Sintel <b>&\"']]> [31m gpj.exe \U0001f3ac א"),
    ("Sintel \x01\x08\x0b\x7f\x85\x9f|", "Sintel |"),
    ("Sintel \ud800 \ufffe \uffff \U0001ffff end", None),
    ("Sintel <![CDATA[ x ]]> <!-- -- --> &#0; &lt;", "Sintel <![CDATA[ x ]]> <!-- -- --> &#0; &lt;"),
)


@pytest.mark.parametrize(("name", "shown"), NASTY)
async def test_statement_41_a_nasty_name_leaves_the_feed_well_formed(database, name, shown):
    async with site_of(database, [replace(classified("x", Kind.MOVIE), torrent=replace(SINTEL.torrent, name=name, ids=()))]) as site:
        (title,) = await site.titles(t="search", q="Sintel")
        assert title == shown if shown else title.startswith("Sintel ")
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202e]", title)
        page = await site.get("/")
        assert "<b>&" not in page.text
        assert "\u202e" not in page.text


async def test_statement_42_an_item_without_a_legible_title_is_not_served(database):
    blank = replace(SINTEL, torrent=replace(SINTEL.torrent, name="\x01\u202e \ufffe", info_hash=hash_of("blank"), ids=()))
    async with site_of(database, [blank], [TEARS]) as site:
        assert await site.titles(t="search") == [TEARS.torrent.name]


async def test_statement_43_all_attributes_are_sent_whatever_is_asked_for(site):
    usual = attributes_of(await site.item_of(SINTEL))
    for extended in ("1", "0", "true"):
        assert attributes_of(await site.item_of(SINTEL, extended=extended)) == usual
    assert attributes_of(await site.item_of(SINTEL, attrs="size,foo")) == usual


async def test_statement_44_a_torrent_from_several_sources_appears_once(database):
    seen = [[replace(SINTEL, torrent=replace(SINTEL.torrent, source=source))] for source in ("dht", "knaben", "dht")]
    async with site_of(database, *seen, [seen[0][0], seen[1][0]]) as site:
        (item,) = await site.items(t="search")
        assert item.findtext("guid") == hash_of(SINTEL.torrent.name).hex()


async def test_statement_44_a_hybrid_torrent_known_by_two_hashes_appears_once(database):
    v2 = InfoHashV2(bytes(range(32)))
    by_v1 = replace(SINTEL.torrent, info_hash=hash_of("v1"), ids=())
    by_v2 = replace(by_v1, info_hash=InfoHash(v2[:20]), info_hash_v2=v2, source="knaben")
    both = replace(by_v1, info_hash_v2=v2)
    async with site_of(database, *([replace(SINTEL, torrent=torrent)] for torrent in (by_v1, by_v2, both))) as site:
        (item,) = await site.items(t="search", q="Sintel")
        assert item.findtext("guid") == hash_of("v1").hex()
        assert etree.tostring(item)
