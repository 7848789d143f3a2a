"""Pages by position: each begins where the one before ended, however deep, and whatever is stored in between."""

import random

import pytest

from catalog.model import Kind
from storage.database import Database
from storage.search import postgres
from storage.search.engine import Order, SearchQuery
from storage.search.postgres import PostgresSearch
from storage.torrents import Torrents
from tests.fakes.classified import torrent

_DICE = random.Random(7)
ORDERS = (Order.NEWEST, Order.RELEVANCE, Order.SEEDERS, Order.SIZE)
"""Those of which a page can be told where it begins."""
_FORMATS = ("sintel.{}", "{}.sintel", "tears.of.steel.{}", "sintel.tears.{}")


def some(first: int, count: int) -> list:
    return [
        torrent(
            _DICE.choice(_FORMATS).format(number),
            title=_DICE.choice(("sintel", "sintel tears", "")),
            seeders=_DICE.choice((None, None, 0, 1, 2, 5, 17, 17, 300, 301)),
            size=_DICE.choice((700, 700, 701, 705, 90_000)),
            files=(),
        )
        for number in range(first, first + count)
    ]


async def walked(engine: PostgresSearch, query: SearchQuery, between=None) -> list[int]:
    """All pages, one after the other."""
    found: list[int] = []
    page = await engine.search(query)
    while True:
        found += [row.id for row in page.rows]
        if page.next is None:
            return found
        if between is not None:
            await between()
        page = await engine.search(SearchQuery(query.text, order=query.order, limit=query.limit, after=page.next))


@pytest.fixture
async def filled(database: Database) -> Database:
    torrents = Torrents(database)
    for start in range(0, 400, 80):
        await torrents.store(some(start, 80))
    return database


@pytest.mark.parametrize("order", [order for order in Order if order in postgres._POSITIONED])
async def test_pages_by_position_are_the_whole_in_order(filled, monkeypatch, order):
    """Also with caps so low that every way of finding is taken."""
    engine = PostgresSearch(filled)
    for caps in ((2000, 20_000, 200_000, 5000), (10, 60, 30, 500), (5, 0, 0, 0)):
        for name, value in zip(("HOT_ROWS", "SORT_CAP", "WALK_ROWS", "RANK_CAP"), caps, strict=True):
            monkeypatch.setattr(postgres, name, value)
        for text in ("", "sintel"):
            whole = [row.id for row in (await engine.search(SearchQuery(text, order=order, limit=1000))).rows]
            assert len(whole) == len(set(whole)) > 100
            assert await walked(engine, SearchQuery(text, order=order, limit=37)) == whole, (caps, text)


@pytest.mark.parametrize("order", [order for order in Order if order in postgres._POSITIONED])
async def test_what_is_stored_between_two_pages_neither_repeats_nor_loses_a_row(filled, monkeypatch, order):
    """Enough is stored that matches outgrow the cap under which relevance is weighed: the way of the first page is kept."""
    monkeypatch.setattr(postgres, "RANK_CAP", 340)
    engine, torrents = PostgresSearch(filled), Torrents(filled)
    before = [row.id for row in (await engine.search(SearchQuery("sintel", order=order, limit=1000))).rows]
    stored = 1000

    async def store_more() -> None:
        nonlocal stored
        stored += 10
        await torrents.store(some(stored, 10))

    found = await walked(engine, SearchQuery("sintel", order=order, limit=40), store_more)
    assert len(found) == len(set(found))
    assert [number for number in found if number in set(before)] == before


async def test_positions_reach_beyond_the_window_of_offsets(filled, monkeypatch):
    monkeypatch.setattr(postgres, "MAX_WINDOW", 50)
    engine = PostgresSearch(filled)
    assert len(await walked(engine, SearchQuery(limit=40))) == 400


async def test_filters_that_stand_with_the_torrent_alone(database: Database):
    torrents, engine = Torrents(database), PostgresSearch(database)
    plain = torrent("Sintel 2010", title="sintel", year=2010)
    rich = torrent(
        "Tears of Steel 2012", title="tears of steel", year=2012, resolution="1080p", video_codec="h264", medium="web",
        languages=("en", "de"), file_count=12, seeders=40, source="site",
    )  # fmt: skip
    await torrents.store([plain, rich])
    await torrents.store([torrent("Sintel 2010", title="sintel", year=2010, source="other-site")])

    async def names(**given) -> list[str]:
        return [row.name.partition(" 2")[0] for row in (await engine.search(SearchQuery(**given))).rows]

    for given in (
        {"resolutions": ("720p", "1080p")},
        {"video_codecs": ("h264",)},
        {"release_sources": ("web",)},
        {"languages": ("de",)},
        {"min_files": 12},
        {"min_seeders": 40},
        {"found_by": "site"},
        {"year_from": 2011, "year_to": 2030},
        {"text": "steel", "resolutions": ("1080p",), "order": Order.RELEVANCE},
    ):
        assert await names(**given) == ["Tears of Steel"], given
    for given in (
        {"languages": ("fr",)},
        {"min_files": 13},
        {"min_seeders": 41},
        {"found_by": "nobody"},
        {"year_from": 2013},
        {"year_from": 2012, "year_to": 2011},
    ):
        assert await names(**given) == [], given
    assert await names(found_by="other-site") == await names(year_to=2010) == ["Sintel"]
    assert sorted(await names(year_from=2010, kinds=frozenset({Kind.MOVIE}))) == ["Sintel", "Tears of Steel"]
