"""Profiles: addresses with habits of their own."""

import psycopg
import pytest
from lxml import etree

from catalog.model import Kind
from config.settings import TorznabProfile, TorznabSettings
from tests.fakes.library import ANIME, EBOOK, EPISODE, NIGHT, PACK, SINTEL, TEARS, classified, names, with_swarm
from tests.fakes.website import error_of, site_of

ADULT = classified("Some Adult Film", Kind.ADULT)
PROFILES = TorznabSettings(
    {
        "bare": TorznabProfile(),
        "anime": TorznabProfile(categories=(5070,)),
        "films": TorznabProfile(categories=(2000, 7020)),
        "alive": TorznabProfile(min_seeders=5),
        "settled": TorznabProfile(min_age_hours=1.5),
        "large": TorznabProfile(sort="size"),
        "grown-up": TorznabProfile(adult=True),
    }
)
INDEX = (
    [with_swarm(SINTEL, 4, 0), with_swarm(TEARS, 5, 0), with_swarm(NIGHT, 900, 0), EPISODE],
    [PACK],
    [ANIME, EBOOK, ADULT],
)
EVERYTHING = names(SINTEL, TEARS, NIGHT, EPISODE, PACK, ANIME, EBOOK)


class Profile:
    """One address of a site."""

    def __init__(self, site, name: str) -> None:
        self._site, self._path = site, f"/torznab/{name}/api"

    async def get(self, **parameters: str):
        return await self._site.get(self._path, apikey=self._site.key, **{"t": "search", **parameters})

    async def titles(self, **parameters: str) -> list[str]:
        response = await self.get(**parameters)
        assert response.status_code == 200, response.text
        return [element.text for element in etree.fromstring(response.content).iterfind("channel/item/title")]

    async def found(self, **parameters: str) -> set[str]:
        return set(await self.titles(**parameters))


@pytest.fixture
async def profiles(database):
    async with site_of(database, *INDEX, torznab=PROFILES) as site:
        yield lambda name: Profile(site, name)


async def test_a_profile_without_settings_answers_as_the_main_address(profiles):
    assert await profiles("bare").found() == EVERYTHING


async def test_a_profile_is_answered_with_and_without_a_slash_and_needs_the_key(profiles):
    site = profiles("bare")._site
    for path in ("/torznab/bare/api", "/torznab/bare/api/"):
        assert (await site.get(path, t="search", apikey=site.key)).status_code == 200
        assert error_of(await site.get(path, t="search"))[:2] == (401, 100)
        assert (await site.get(path, t="caps")).status_code == 200


async def test_an_unknown_profile_is_a_404_in_xml(profiles):
    site = profiles("nobody")._site
    for parameters in ({"t": "caps"}, {"t": "search", "apikey": site.key}):
        response = await site.get("/torznab/nobody/api", **parameters)
        assert error_of(response)[:2] == (404, 300)
        assert response.headers["Content-Type"].startswith("application/xml")


async def test_categories_are_those_of_the_profile_until_the_client_names_some(profiles):
    anime, films = profiles("anime"), profiles("films")
    assert await anime.found() == names(ANIME)
    assert await anime.found(cat="") == names(ANIME)
    assert await anime.found(cat="2040") == names(SINTEL, TEARS, NIGHT)
    assert await films.found() == names(SINTEL, TEARS, NIGHT, EBOOK)


async def test_a_function_searches_what_the_profile_and_it_have_in_common(profiles):
    assert await profiles("anime").found(t="tvsearch") == names(ANIME)
    assert await profiles("films").found(t="movie") == names(SINTEL, TEARS, NIGHT)
    assert await profiles("films").found(t="book") == names(EBOOK)
    assert await profiles("anime").found(t="movie") == names(SINTEL, TEARS, NIGHT)  # nothing in common: its own


async def test_minimum_seeders_always_hold_and_an_unknown_number_is_none(profiles):
    assert await profiles("alive").found() == names(NIGHT, TEARS)
    assert await profiles("alive").found(cat="2000", q="Sintel") == set()
    assert await profiles("alive").found(t="movie", imdbid="tt0063350", sort="stats_desc") == names(NIGHT)


async def test_a_minimum_age_always_holds(database, conninfo):
    async with site_of(database, *INDEX, torznab=PROFILES) as site:
        with psycopg.connect(conninfo) as connection:
            connection.execute("UPDATE torrent SET first_seen = first_seen - interval '2 hours' WHERE name LIKE 'Sintel%'")
            connection.execute("UPDATE search SET first_seen = torrent.first_seen FROM torrent WHERE torrent.id = search.id")
        assert await Profile(site, "settled").found() == names(SINTEL)
        assert await Profile(site, "settled").found(minage="0") == names(SINTEL)
        assert await Profile(site, "settled").found(minage="1") == set()
        assert await Profile(site, "settled").found(maxage="1") == names(SINTEL)


async def test_the_order_is_that_of_the_profile_until_the_client_asks_for_another(profiles):
    largest = [PACK.torrent.name, NIGHT.torrent.name, TEARS.torrent.name]
    assert (await profiles("large").titles())[:3] == largest
    assert (await profiles("large").titles(q="1080p"))[0] == NIGHT.torrent.name
    assert (await profiles("large").titles(sort="size_asc"))[-3:] == largest[::-1]


async def test_adult_content_is_shown_where_the_profile_says_so_and_nowhere_else(profiles):
    assert await profiles("grown-up").found() == EVERYTHING | names(ADULT)
    assert await profiles("grown-up").found(q="adult") == names(ADULT)
    assert await profiles("bare").found(cat="6000") == set()
    caps = [etree.fromstring((await profiles(name).get(t="caps")).content) for name in ("grown-up", "bare")]
    assert [root.find("categories/category[@id='6000']") is not None for root in caps] == [True, False]


async def test_an_item_is_the_same_at_every_address(profiles):
    texts = [(await profiles(name).get(q="Sintel")).text for name in ("bare", "grown-up")]
    items = [text[text.index("<item>") : text.index("</item>")] for text in texts]
    assert items[0] == items[1]
