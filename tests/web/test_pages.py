"""The pages as a browser without JavaScript sees them."""

from collections import Counter
from dataclasses import replace

import pytest
from lxml import html

from catalog.model import File, Kind
from storage.errors import DatabaseUnavailable
from storage.torrents import Torrents
from supervisor.snapshot import ChildSnapshot, State
from tests.fakes.classified import torrent
from tests.fakes.library import ALBUM, EPISODE, LIBRARY, OTHER, SINTEL, SINTEL_SD, TEARS, classified, hash_of
from tests.fakes.website import parts_over, serving


async def page_of(site, path, status=200):
    response = await site.get(path)
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    return html.fromstring(response.text)


def names_on(page) -> list[str]:
    return [link.text_content() for link in page.xpath("//td[@class='name']/a")]


def text_of(page) -> str:
    return " ".join(page.text_content().split())


async def test_the_first_page_shows_the_newest_torrents(site):
    page = await page_of(site, "/")
    assert names_on(page) == [found.torrent.name for found in reversed(LIBRARY)]
    assert f"1–{len(LIBRARY)} of {len(LIBRARY)}" in text_of(page)


async def test_a_row_shows_kind_size_files_swarm_age_and_magnet(site):
    page = await page_of(site, "/?q=sintel+1080p")
    (row,) = page.xpath("//tbody/tr")
    text = text_of(row)
    for shown in ("Movie", "2010", "1080p", "1.1 GiB", "12 / 3"):
        assert shown in text
    assert (
        row.xpath(".//a[starts-with(@href, 'magnet:?xt=urn:btih:')]")[0]
        .get("href")
        .startswith(f"magnet:?xt=urn:btih:{hash_of(SINTEL.torrent.name).hex()}")
    )
    assert row.xpath(".//time/@datetime")


async def test_the_search_box_keeps_what_was_typed(site):
    page = await page_of(site, "/?q=%22><script>alert(1)</script>&kind=movie&sort=size")
    assert page.xpath("//input[@name='q']/@value") == ['"><script>alert(1)</script>']
    assert page.xpath("//input[@name='kind']/@value") == ["movie"]
    assert page.xpath("//script") == []


async def test_kinds_and_orders_are_links_that_keep_the_rest(site):
    page = await page_of(site, "/?q=sintel&kind=movie&sort=size")
    assert names_on(page) == [SINTEL.torrent.name, SINTEL_SD.torrent.name]
    assert page.xpath("//nav[@class='kinds']/a[@aria-current]/text()") == ["Movies"]
    assert page.xpath("//nav[@class='sorts']/a[@aria-current]/text()") == ["Size"]
    assert "/?q=sintel&kind=music&sort=size" in page.xpath("//nav[@class='kinds']/a/@href")
    assert names_on(await page_of(site, "/?kind=music&sort=size"))[0] == ALBUM.torrent.name


async def test_the_kinds_show_how_many_there_are_while_nothing_is_searched(site):
    kinds = [text_of(link) for link in (await page_of(site, "/?kind=music")).xpath("//nav[@class='kinds']/a")]
    counted = Counter(found.kind for found in LIBRARY)
    movies, tv, anime, music = (counted[kind] for kind in (Kind.MOVIE, Kind.TV, Kind.ANIME, Kind.MUSIC))
    assert kinds[:5] == ["All", f"Movies {movies}", f"TV {tv}", f"Anime {anime}", f"Music {music}"]
    assert "Comics" in kinds
    assert "Movies" in [text_of(link) for link in (await page_of(site, "/?q=sintel")).xpath("//nav[@class='kinds']/a")]


async def test_no_hits_offers_a_way_out(site):
    page = await page_of(site, "/?q=sintel+xyzzy&kind=tv")
    assert "Nothing matches “sintel xyzzy”" in text_of(page)
    assert {"/?q=sintel&kind=tv", "/?q=sintel+xyzzy", "/"} <= set(page.xpath("//section//a/@href"))


def child(path: str, state: State = State.RUNNING) -> ChildSnapshot:
    return ChildSnapshot(path, "actor", state, 1, 0, 0, 0.5, 10.0, None, None, None)


async def test_an_empty_index_shows_how_the_crawler_is(database):
    children = (
        child("swarmdex/services/dht/node-0"),
        child("swarmdex/services/metadata/fetcher", State.DOWN),
        child("swarmdex/pipeline/writer"),
    )
    async with serving(parts_over(database, snapshot=children)) as site:
        page = await page_of(site, "/")
        assert "Nothing indexed yet" in text_of(page)
        assert [text_of(item) for item in page.xpath("//ul[@class='crawlers']/li")] == [
            "running services/dht/node-0",
            "down services/metadata/fetcher",
        ]
    async with serving(parts_over(database)) as site:
        assert "switched off" in text_of(await page_of(site, "/"))


async def test_pages_follow_each_other_without_gaps(database):
    torrents = Torrents(database)
    await torrents.store([classified(f"Open Lecture {number}", Kind.OTHER) for number in range(120)])
    async with serving(parts_over(database)) as site:
        path, seen = "/", []
        while path:
            page = await page_of(site, path)
            seen += names_on(page)
            path = next(iter(page.xpath("//a[@rel='next']/@href")), "")
        assert len(seen) == len(set(seen)) == 120
        assert "101–120 of 120" in text_of(page)


async def test_the_detail_page_tells_all_that_is_known(site):
    page = await page_of(site, f"/t/{hash_of(SINTEL.torrent.name).hex()}")
    text = text_of(page)
    for shown in (
        SINTEL.torrent.name,
        "Movie",
        "Movies/HD",
        "1.1 GiB in 2 files",
        "12 / 3",
        "dht",
        "read by our own rules, 90 % sure",
        hash_of(SINTEL.torrent.name).hex(),
    ):
        assert shown in text
    assert [text_of(item) for item in page.xpath("//li[@class='file']")] == ["Sintel.mkv 1.1 GiB", "Sintel.srt 1.5 KiB"]
    assert page.xpath("//a[@class='primary']/@href")[0].startswith("magnet:?")


async def test_the_detail_page_shows_folders_and_what_was_left_out(database):
    found = classified(
        "Open Course",
        Kind.OTHER,
        (File("Open Course/week 1/a.pdf", 10), File("Open Course/week 2/b.pdf", 20), File("Open Course/<i>.txt", 1)),
    )
    await Torrents(database).store([replace(found, torrent=replace(found.torrent, file_count=9000))])
    async with serving(parts_over(database)) as site:
        page = await page_of(site, f"/t/{hash_of('Open Course').hex().upper()}")
        assert "week 1 1 file, 10 B" in text_of(page)
        assert "3 of 9,000 files are shown" in text_of(page)
        assert page.xpath("//i") == []


@pytest.mark.parametrize(
    "path", ["/t/" + "00" * 20, "/t/xyz", "/t/" + "0" * 39, "/nowhere", "/static/../app.py", "/static/none.css", "/t/%ff%00"]
)
async def test_what_is_not_there_is_a_404_with_a_request_id(site, path):
    page = await page_of(site, path, 404)
    assert page.xpath("//code/text()")[-1]
    assert page.xpath("//a[@href='/']")


@pytest.mark.parametrize(("query", "named"), [("kind=film", "kind"), ("sort=up", "sort"), ("page=x", "page"), ("page=100000", "page")])
async def test_a_value_that_makes_no_sense_is_a_400_that_names_it(site, query, named):
    assert f"{named} must be" in text_of(await page_of(site, f"/?{query}", 400))


async def test_another_method_is_a_405(site):
    response = await site.get("/", method="POST")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


async def test_a_database_that_is_gone_is_a_503_page(library_database):
    class Gone:
        async def search(self, _query):
            raise DatabaseUnavailable("gone")

    async with serving(parts_over(library_database, search=Gone())) as site:
        assert "Not available right now" in text_of(await page_of(site, "/", 503))


async def test_every_answer_carries_the_security_headers(site):
    for path in ("/", f"/t/{hash_of(TEARS.torrent.name).hex()}", "/nowhere", "/api?t=caps", "/healthz", "/static/style.css"):
        headers = (await site.get(path)).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Request-Id"]
        assert "Server" not in headers


async def test_a_page_loads_nothing_that_the_policy_forbids(site):
    """No script, no inline style, nothing from elsewhere: the policy would block it silently."""
    for path in ("/", f"/t/{hash_of(EPISODE.torrent.name).hex()}", "/nowhere"):
        page = await page_of(site, path, 404 if path == "/nowhere" else 200)
        assert page.xpath("//script | //style | //iframe | //*[@style] | //@*[starts-with(name(), 'on')]") == []
        for address in page.xpath("//link/@href | //img/@src"):
            assert address.startswith("/static/")
            assert (await site.get(address)).status_code == 200


async def test_the_style_sheet_may_be_kept_for_ever_because_its_address_changes(site):
    page = await page_of(site, "/")
    address = page.xpath("//link[@rel='stylesheet']/@href")[0]
    response = await site.get(address)
    assert "?v=" in address
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Type"] == "text/css; charset=utf-8"
    assert (await site.get("/")).headers["Cache-Control"] == "no-store"


async def test_adult_content_is_shown_to_those_who_ask_for_it(database):
    await Torrents(database).store([OTHER, classified("Some Adult Film", Kind.ADULT)])
    async with serving(parts_over(database)) as site:
        assert names_on(await page_of(site, "/")) == [OTHER.torrent.name]
        assert names_on(await page_of(site, "/?kind=adult")) == ["Some Adult Film"]


async def test_an_index_of_what_is_not_shown_is_not_called_empty(empty_site, database):
    await Torrents(database).store([torrent("Fanny.Hill.1964", kind=Kind.ADULT)])
    assert "Nothing here" in text_of(await page_of(empty_site, "/"))


async def test_a_torrent_with_an_unreadable_file_list_is_shown_without_it(empty_site, database):
    found = torrent("Sintel.2010")
    await Torrents(database).store([found])
    await database.run(lambda connection: connection.execute("UPDATE torrent SET files_codec = 99"))
    page = await page_of(empty_site, f"/t/{found.torrent.info_hash.hex()}")
    assert "The file list is not known" in text_of(page)


async def test_of_very_many_files_the_first_are_shown(empty_site, database):
    found = torrent("Sintel.2010", files=tuple(File(f"frame-{number:04}.png", 1) for number in range(1500)))
    await Torrents(database).store([found])
    page = await page_of(empty_site, f"/t/{found.torrent.info_hash.hex()}")
    assert len(page.xpath("//li[@class='file']")) == 1000
    assert "1,000 of 1,500 files are shown" in text_of(page)


async def test_filters_are_one_form_with_the_words_and_stay_filled_in(site):
    page = await page_of(site, "/?q=sintel&category=2000&resolution=1080p&min_size=1+GB&season=")
    assert names_on(page) == [SINTEL.torrent.name]
    (filters,) = page.xpath("//details[@class='filters'][@open]")
    fields = filters.xpath(".//input | .//select")
    assert {field.get("form") for field in fields} == {"search"}
    assert page.xpath("//form[@id='search']//input[@name='q']/@value") == ["sintel"]
    assert {field.get("name"): field.get("value") for field in filters.xpath(".//input[@value!='']")} == {
        "resolution": "1080p",
        "min_size": "1 GB",
    }
    assert filters.xpath(".//option[@selected]/@value") == ["2000"]
    assert "/?q=sintel" in filters.xpath(".//a/@href")
    assert all("resolution=1080p" in href for href in page.xpath("//nav[@class='sorts']/a/@href"))
    assert not (await page_of(site, "/")).xpath("//details[@class='filters'][@open]")


async def test_a_filter_that_makes_no_sense_is_named_on_a_page(site):
    page = await page_of(site, "/?min_size=%3Cscript%3E", 400)
    assert "min_size must be a size" in text_of(page)
