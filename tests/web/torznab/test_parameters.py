"""Fields, limits, pages and orders: statements 66 to 72; and every line of the table of parameters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import psycopg
import pytest

from catalog.model import Kind
from tests.fakes.library import (
    ALBUM,
    ANIME,
    ANIME_SEASONAL,
    AUDIOBOOK,
    DAILY,
    EBOOK,
    GIB,
    LIBRARY,
    MP3,
    NIGHT,
    PACK_1_TO_3,
    SINTEL,
    SINTEL_SD,
    TEARS,
    classified,
    hash_of,
    names,
    with_swarm,
)  # fmt: skip
from tests.fakes.website import NEWZNAB, error_of, site_of


async def test_statement_66_artist_and_album_must_both_be_there(site):
    assert await site.found(t="music", q="", artist="Kevin MacLeod", album="Calming") == names(ALBUM)
    assert await site.found(t="music", artist="Kevin MacLeod") == names(ALBUM, MP3)
    assert await site.found(t="music", artist="Kevin MacLeod", year="2016") == names(ALBUM)
    assert await site.found(t="music", artist="VA", album="Calming") == names(ALBUM)
    assert await site.found(t="music", artist="Kevin MacLeod", album="Unheard") == set()


async def test_statement_66_various_artists_are_found_however_they_are_written(database):
    samplers = [classified(f"{artist} - Open Sampler (2016) [FLAC]", Kind.MUSIC) for artist in ("VA", "Various Artists")]
    async with site_of(database, samplers) as site:
        assert await site.found(t="music", artist="VA", album="Open Sampler") == names(*samplers)
        assert await site.found(t="music", artist="Various Artists", album="Open Sampler") == names(*samplers)


async def test_statement_67_unknown_parameters_change_nothing(site):
    usual = await site.titles(t="search")
    assert await site.titles(t="search", maxage="500", **{"del": "1"}, sort="cat_desc", configured="True", minsize="") == usual


async def test_statement_67_an_age_counts_from_the_date_in_the_feed(database, conninfo):
    async with site_of(database, [SINTEL], [TEARS]) as site:
        with psycopg.connect(conninfo) as connection:
            for statement in ("UPDATE torrent SET first_seen = %s WHERE id = 1", "UPDATE search SET first_seen = %s WHERE id = 1"):
                connection.execute(statement, (datetime.now(UTC) - timedelta(days=10),))
        assert await site.found(t="search", maxage="5") == names(TEARS)
        assert await site.found(t="search", maxage="500") == names(SINTEL, TEARS)
        assert await site.found(t="search", minage="5") == names(SINTEL)


async def test_statement_68_limits_and_offsets(site):
    assert len(await site.titles(t="search", limit="5")) == 5
    assert len(await site.titles(t="search", limit="500")) == len(LIBRARY)
    assert await site.titles(t="search", limit="0") == []
    assert await site.titles(t="search", offset="99999999") == []
    for parameters in ({"limit": "-1"}, {"offset": "x"}):
        assert error_of(await site.torznab(t="search", **parameters))[:2] == (400, 201)


@pytest.fixture
async def large_site(database):
    """256 torrents, some of which share their moment."""
    batches = (
        [classified(f"Open Lecture {number} 720p", Kind.OTHER) for number in range(start, start + 64)] for start in range(0, 256, 64)
    )
    async with site_of(database, *batches) as website:
        yield website


@pytest.mark.parametrize("text", ["", "open lecture"])
async def test_statement_69_pages_are_exact(large_site, text):
    pages = [await large_site.items(t="search", q=text, offset=str(offset), limit="500") for offset in (0, 100, 200, 300)]
    assert [len(page) for page in pages] == [100, 100, 56, 0]
    assert len({item.findtext("guid") for page in pages for item in page}) == 256
    channel = await large_site.feed(t="search", q=text, offset="200")
    assert channel.find(f"{NEWZNAB}response").attrib == {"offset": "200", "total": "256"}


async def test_statement_70_without_text_the_newest_comes_first_and_ties_are_broken_by_hash(database):
    older, newer = (classified(f"{name} {number}", Kind.OTHER) for name in ("older", "newer") for number in (1,))
    batches = [[classified(f"Lecture {batch} {number}", Kind.OTHER) for number in range(8)] for batch in range(3)]
    async with site_of(database, [older], *batches, [newer]) as site:
        items = await site.items(t="search")
        dates = [parsedate_to_datetime(item.findtext("pubDate")) for item in items]
        assert dates == sorted(dates, reverse=True)
        expected = [newer.torrent.name]
        for batch in reversed(batches):
            expected += sorted((found.torrent.name for found in batch), key=hash_of)
        assert [item.findtext("title") for item in items] == [*expected, older.torrent.name]


async def test_statement_71_with_text_the_order_is_fit_then_seeders_then_date(database):
    exact = [classified(f"Sintel (2010) {number}", Kind.MOVIE, title="Sintel", year=2010) for number in range(4)]
    exact[1] = with_swarm(exact[1], 5, 0)
    making_of = with_swarm(classified("The Making of Sintel", Kind.MOVIE, title="The Making of Sintel"), 900, 0)
    async with site_of(database, [making_of], *([found] for found in exact)) as site:
        order = [exact[1], exact[3], exact[2], exact[0], making_of]
        assert await site.titles(t="search", q="sintel") == [found.torrent.name for found in order]
        pages = [await site.titles(t="search", q="sintel", offset=str(offset), limit="2") for offset in (0, 2, 4)]
        assert [title for page in pages for title in page] == [found.torrent.name for found in order]


async def test_statement_72_json_is_refused_rather_than_answered_in_xml(site):
    assert error_of(await site.torznab(t="search", o="json"))[:2] == (400, 201)
    assert (await site.torznab(t="search", o="xml")).status_code == 200


ALL = names(*LIBRARY)
SINTELS = names(SINTEL, SINTEL_SD)
HEAVY = {found.torrent.name for found in LIBRARY if found.torrent.size > GIB}
TABLE = [
    # What is asked, and what is found: the parameters in the order of the table, each given, absent or empty, and odd.
    ({"t": "search"}, ALL),
    ({"t": "search", "q": "Sintel"}, SINTELS),
    ({"t": "search", "q": ""}, ALL),
    ({"t": "search", "cat": "7000,3030"}, names(EBOOK, AUDIOBOOK)),
    ({"t": "search", "cat": ""}, ALL),
    ({"t": "search", "cat": "999999"}, set()),
    ({"t": "book"}, names(EBOOK, AUDIOBOOK)),
    ({"t": "tvsearch", "season": "2017", "ep": "11/10"}, names(DAILY)),
    ({"t": "tvsearch", "season": "one"}, set()),
    ({"t": "tvsearch", "season": "1", "ep": "two"}, set()),
    ({"t": "tvsearch", "season": "2017", "ep": "13/45"}, set()),
    ({"t": "tvsearch", "ep": "5", "q": "Pepper"}, names(ANIME, ANIME_SEASONAL)),
    ({"t": "movie", "tmdbid": "45745"}, SINTELS),
    ({"t": "movie", "tmdbid": ""}, {found.torrent.name for found in LIBRARY if found.kind is Kind.MOVIE}),
    ({"t": "movie", "tmdbid": "404404"}, set()),
    ({"t": "movie", "rid": "5"}, set()),
    ({"t": "movie", "year": "2012"}, names(TEARS)),
    ({"t": "movie", "year": "soon", "q": "Tears"}, names(TEARS)),
    ({"t": "music", "year": "2016"}, names(ALBUM)),
    ({"t": "music", "artist": "Kevin MacLeod", "album": "Calming"}, names(ALBUM)),
    ({"t": "music", "artist": "MacLeod", "label": "", "track": "Harder"}, names(MP3)),
    ({"t": "book", "author": "Mary Shelley", "title": "Frankenstein"}, names(EBOOK, AUDIOBOOK)),
    ({"t": "book", "publisher": "LibriVox"}, names(AUDIOBOOK)),
    ({"t": "tvsearch", "title": "Democracy Now", "season": "2017"}, names(DAILY)),
    ({"t": "movie", "q": "Sintel", "genre": "fantasy", "tag": "free"}, SINTELS),
    ({"t": "search", "q": "Sintel", "extended": "1", "attrs": "size"}, SINTELS),
    ({"t": "search", "maxage": "1"}, ALL),
    ({"t": "search", "minage": "1"}, set()),
    ({"t": "search", "maxage": "old", "minage": ""}, ALL),
    ({"t": "search", "minsize": str(GIB + 1)}, HEAVY),
    ({"t": "search", "maxsize": str(GIB), "minsize": "much"}, ALL - HEAVY),
    ({"t": "search", "q": "Sintel", "o": "XML"}, SINTELS),
]


@pytest.mark.parametrize(("asked", "expected"), TABLE)
async def test_the_table_of_parameters(site, asked, expected):
    assert await site.found(**asked) == expected


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"q": "Sintel"}, 200),
        ({"t": ""}, 200),
        ({"t": "dance"}, 202),
        ({"t": "search", "cat": "5030;5040"}, 201),
        ({"t": "search", "extended": "perhaps"}, 201),
        ({"t": "search", "offset": "1.5"}, 201),
        ({"t": "search", "limit": "many"}, 201),
        ({"t": "search", "o": "json"}, 201),
    ],
)
async def test_the_errors_of_the_table_of_parameters(site, asked, code):
    assert error_of(await site.torznab(**asked))[:2] == (400, code)


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("size_desc", PACK_1_TO_3),
        ("stats_desc", SINTEL),
        ("posted_desc", LIBRARY[-1]),
        ("posted_asc", LIBRARY[0]),
        ("POSTED_ASC", LIBRARY[0]),
        ("nonsense", LIBRARY[-1]),
    ],
)
async def test_the_orders_of_the_table_of_parameters(site, sort, first):
    assert (await site.titles(t="search", sort=sort))[0] == first.torrent.name


@pytest.mark.parametrize("field", ["posted", "size", "name", "files", "stats"])
async def test_an_order_may_be_turned_round(database, field):
    found = []
    for size, name in enumerate(("Lecture a", "Lecture B", "Lecture c"), 1):
        torrent = replace(NIGHT.torrent, ids=(), name=name, info_hash=hash_of(name), size=size * GIB, files=(), file_count=size)
        found.append(with_swarm(replace(classified(name, Kind.OTHER), torrent=torrent), size, 0))
    async with site_of(database, *([one] for one in found)) as site:
        ascending = [one.torrent.name for one in found]
        assert await site.titles(t="search", sort=f"{field}_asc") == ascending
        assert await site.titles(t="search", sort=f"{field}_desc") == ascending[::-1]
        assert await site.titles(t="search", sort=f"{field}_asc", q="lecture", limit="1", offset="1") == ascending[1:2]
