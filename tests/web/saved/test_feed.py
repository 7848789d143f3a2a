from typing import TYPE_CHECKING

from lxml import etree

from catalog.model import Kind
from storage.torrents import Torrents
from tests.fakes.library import GAME, SINTEL, SINTEL_SD, TEARS, classified, with_swarm
from tests.fakes.website import attributes_of

if TYPE_CHECKING:
    from tests.web.saved.conftest import Reader


async def test_a_feed_shows_what_its_search_finds_newest_first(reader: "Reader") -> None:
    await reader.save(q="sintel")
    assert await reader.titles(1) == [SINTEL_SD.torrent.name, SINTEL.torrent.name]
    await reader.save(name="Games", kind="game")
    assert await reader.titles(2) == [GAME.torrent.name]
    newer = classified("Sintel.2010.720p", Kind.MOVIE, title="Sintel", year=2010)
    await Torrents(reader.database).store([newer])
    assert (await reader.titles(1))[0] == newer.torrent.name


async def test_it_is_rss_with_torznabs_attributes(reader: "Reader") -> None:
    await reader.save(q="tears of steel", name="<Tears> & 'Steel'")
    response = await reader.feed(1)
    assert response.headers["content-type"] == "application/rss+xml; charset=utf-8"
    rss = etree.fromstring(response.content)
    assert (rss.tag, rss.get("version")) == ("rss", "2.0")
    channel = rss.find("channel")
    assert channel is not None
    assert channel.findtext("title") == "<Tears> & 'Steel' – swarmdex"
    assert channel.findtext("link") == f"{reader.site.url}/?q=tears+of+steel"
    item = channel.find("item")
    assert item is not None
    assert attributes_of(item)["infohash"] == TEARS.torrent.info_hash.hex()


async def test_the_key_is_in_no_feed(reader: "Reader") -> None:
    await reader.save(q="sintel")
    assert reader.site.key not in (await reader.feed(1)).text


async def test_a_reader_that_has_it_gets_304(reader: "Reader") -> None:
    await reader.save(q="sintel")
    first = await reader.feed(1)
    assert (first.status_code, first.headers["cache-control"]) == (200, "private, no-cache")
    tag, changed = first.headers["etag"], first.headers["last-modified"]
    for headers in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"other", {tag}'},
        {"If-Modified-Since": changed},
        {"If-None-Match": tag, "If-Modified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"},
    ):
        again = await reader.feed(1, headers)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    for headers in (
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": changed},
        {"If-Modified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"},
        {"If-Modified-Since": "nonsense"},
    ):
        assert (await reader.feed(1, headers)).status_code == 200


async def test_what_changes_in_a_feed_changes_its_tag(reader: "Reader") -> None:
    await reader.save(q="sintel")
    tag = (await reader.feed(1)).headers["etag"]
    await Torrents(reader.database).store([with_swarm(SINTEL, 99, 1)])
    changed = await reader.feed(1, {"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)


async def test_the_tag_holds_in_gzip_and_without(reader: "Reader") -> None:
    await reader.save(q="hillbillies")
    packed, plain = await reader.feed(1, {"Accept-Encoding": "gzip"}), await reader.feed(1, {"Accept-Encoding": "identity"})
    assert (packed.headers["content-encoding"], packed.headers["etag"]) == ("gzip", plain.headers["etag"])
    assert packed.headers["etag"].startswith("W/")


async def test_every_feed_needs_a_key(reader: "Reader") -> None:
    await reader.save(q="sintel")
    for headers in ({}, {"Cookie": f"swx={reader.session}"}, {"X-Api-Key": "x" * 40}):
        response = await reader.site.get("/feeds/1", headers=headers)
        assert (response.status_code, response.headers["content-type"]) == (401, "application/xml; charset=utf-8")
        assert etree.fromstring(response.content).get("code") == "100"


async def test_a_feed_that_is_none_is_404_in_xml(reader: "Reader") -> None:
    for number in ("7", "99999999999999999999"):
        response = await reader.site.get(f"/feeds/{number}", apikey=reader.site.key)
        assert (response.status_code, response.headers["content-type"]) == (404, "application/xml; charset=utf-8")


async def test_a_field_that_means_nothing_any_more_ends_no_feed(reader: "Reader") -> None:
    await reader.save(q="sintel")
    await reader.database.run(
        lambda connection: connection.execute("""UPDATE saved_search SET fields = '{"q": "sintel", "kind": "hologram"}'""")
    )
    assert (await reader.feed(1)).status_code == 200
