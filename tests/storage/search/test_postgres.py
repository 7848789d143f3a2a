from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from catalog.model import ClassifiedTorrent, File, Kind
from storage.database import Database
from storage.search.engine import COUNT_CAP, Order, SearchPage, SearchQuery
from storage.search.postgres import PostgresSearch
from storage.swarms import SwarmCount, Swarms
from storage.torrents import Torrents
from tests.fakes.classified import torrent


class Index:
    """A store and its search."""

    def __init__(self, database: Database) -> None:
        self.torrents = Torrents(database)
        self.engine = PostgresSearch(database)

    async def add(self, *torrents: ClassifiedTorrent) -> None:
        await self.torrents.store(torrents)

    async def page(self, text: str = "", **given: Any) -> SearchPage:
        return await self.engine.search(SearchQuery(text, **given))

    async def names(self, text: str = "", **given: Any) -> list[str]:
        return [row.name for row in (await self.page(text, **given)).rows]


@pytest.fixture
def index(database: Database) -> Index:
    return Index(database)


def episode(name: str, seasons: Sequence[int] = (), episodes: Sequence[int] = (), **given: Any) -> ClassifiedTorrent:
    return torrent(name, title="The Beverly Hillbillies", kind=Kind.TV, seasons=tuple(seasons), episodes=tuple(episodes), **given)


@pytest.mark.parametrize(
    ("name", "queries", "not_queries"),
    [
        (
            "Mike.Judge's.Beavis.and.Butt-Head.S01E02.720p",
            ["Mike Judges Beavis and Butt Head", "mike judge", "Beavis & Butt-Head", "BEAVIS", "butt_head.720p"],
            ["Beavis Sintel", "beav", "butthead"],
        ),
        ("Sintel.2010.1080p.x264", ["Sintel 2010", "sintel (2010)", "1080p sintel", "The Sintel", "“Sintel”"], ["Sintel 2011"]),
        ("The Beverly Hillbillies", ["Beverly Hillbillies", "the beverly hillbillies"], ["a beverly"]),
        ("Amélie (2001)", ["amelie", "AMÉLIE 2001", "Ame\u0301lie"], ["amel"]),
        ("Agents.of.S.H.I.E.L.D.S01", ["Agents of SHIELD", "S.H.I.E.L.D.", "agents s h"], ["agents of s.h.i."]),
        ("Dead & Alive", ["Dead and Alive", "dead alive", "Dead & Alive"], ["dead or alive"]),
        ("进击的巨人 2013", ["巨人", "进击的巨人", "人", "击"], ["大巨人"]),
    ],
    ids=["apostrophe", "year", "the", "accents", "dotted", "ampersand", "Han"],
)
async def test_words_meet(index: Index, name: str, queries: Sequence[str], not_queries: Sequence[str]) -> None:
    await index.add(torrent(name), torrent("Big.Buck.Bunny.2008"))
    for query in queries:
        assert await index.names(query) == [name], query
    for query in not_queries:
        assert await index.names(query) == [], query


async def test_phrases_and_exclusions(index: Index) -> None:
    await index.add(torrent("Big.Buck.Bunny"), torrent("Buck.Big.Bunny"), torrent("Big Buck Bunny Sintel"))
    assert sorted(await index.names('"big buck" bunny')) == ["Big Buck Bunny Sintel", "Big.Buck.Bunny"]
    assert await index.names('"big buck" -sintel') == ["Big.Buck.Bunny"]
    assert sorted(await index.names('-"big buck"')) == ["Buck.Big.Bunny"]
    assert len(await index.names("big - buck -")) == 3


async def test_the_last_word_may_be_unfinished_when_asked(index: Index) -> None:
    await index.add(torrent("Sintel.2010"))
    assert await index.names("2010 sint", is_prefix=True) == ["Sintel.2010"]
    assert await index.names("sint 2010", is_prefix=True) == []
    assert await index.names("si", is_prefix=True) == [], "two characters are no prefix"
    assert await index.names("sint ", is_prefix=True) == [], "a space ends the word"
    assert await index.names("sint") == []


@pytest.mark.parametrize("text", ["???", "' & | ! <-> :*", "\0", "\ud800", "#2000", "-"])
async def test_a_text_without_words_finds_nothing(index: Index, text: str) -> None:
    await index.add(torrent())
    page = await index.page(text)
    assert (page.rows, page.total, page.total_is_exact) == ((), 0, True)


@pytest.mark.parametrize(
    "text", ["sintel' | 'x", "sintel\\", "sintel:*A", "(sintel", "sintel & !bunny", "%s %(a)s sintel", "sintel " * 5000]
)
async def test_no_text_breaks_the_query(index: Index, text: str) -> None:
    await index.page(text, order=Order.RELEVANCE, is_prefix=True)


async def test_files_are_found_below_names(index: Index) -> None:
    pack = torrent("Blender Open Movies", files=(File("films/Sintel.2010.mkv", 9), File("films/Tears.of.Steel.webm", 1)))
    await index.add(pack, torrent("The.Making.of.Sintel"), torrent("Sintel.2010"))
    assert (await index.names("steel webm")) == ["Blender Open Movies"]
    assert await index.names("sintel", order=Order.RELEVANCE) == ["Sintel.2010", "The.Making.of.Sintel", "Blender Open Movies"]


async def test_a_listing_without_files_keeps_the_files_findable(index: Index) -> None:
    first = torrent("Blender Open Movies", files=(File("Sintel.flac", 9),), kind=Kind.MUSIC)
    await index.add(first)
    await index.add(torrent("Open Movies of Blender", info_hash=first.torrent.info_hash, files=(), kind=Kind.MUSIC, source="site"))
    assert await index.names("sintel flac") == ["Open Movies of Blender"]
    assert await index.names(categories=(3040,)) == ["Open Movies of Blender"], "lossless, as the files say"


async def test_relevance_prefers_the_title_asked_for_then_seeders(index: Index) -> None:
    await index.add(
        torrent("Sintel.2010.720p", title="Sintel", seeders=1),
        torrent("Sintel.2010.1080p", title="Sintel", seeders=500),
        torrent("Sintel.2010.480p", title="Sintel"),
        torrent("The.Making.of.Sintel.2010", title="The Making of Sintel", seeders=100_000),
        torrent("Open.Movies.with.Sintel.2010", title="Open Movies", seeders=100_000),
    )
    assert await index.names("sintel 2010", order=Order.RELEVANCE) == [
        *("Sintel.2010.1080p", "Sintel.2010.720p", "Sintel.2010.480p"),
        *("The.Making.of.Sintel.2010", "Open.Movies.with.Sintel.2010"),
    ]


async def test_categories_are_alternatives_and_parents_stand_for_their_children(index: Index) -> None:
    await index.add(
        torrent("Sintel.2010.1080p", resolution="1080p"),
        torrent("Sintel.2010.480p", resolution="480p"),
        episode("Hillbillies.S01E01", (1,), (1,), resolution="720p"),
        torrent("Sintel OST", kind=Kind.MUSIC),
    )
    assert sorted(await index.names(categories=(2000,))) == ["Sintel.2010.1080p", "Sintel.2010.480p"]
    assert await index.names(categories=(2040,)) == ["Sintel.2010.1080p"]
    assert sorted(await index.names(categories=(2030, 5000))) == ["Hillbillies.S01E01", "Sintel.2010.480p"]
    assert await index.names("sintel", categories=(3000,)) == ["Sintel OST"]
    assert await index.names(categories=(7000,)) == []
    assert sorted(await index.names(kinds=frozenset({Kind.MUSIC, Kind.TV}))) == ["Hillbillies.S01E01", "Sintel OST"]
    for row in (await index.page(categories=(2030, 5000))).rows:
        assert {2030, 5000} & set(row.categories)


async def test_seasons_and_episodes(index: Index) -> None:
    await index.add(
        episode("S01E02", (1,), (2,)),
        episode("1x02", (1,), (2,)),
        episode("S01E01-E03", (1,), (1, 2, 3)),
        episode("S01 pack", (1,), files=(File("Show.S01E02.mkv", 1),)),
        episode("S01-S03 pack", (1, 2, 3)),
        episode("S01E20", (1,), (20,)),
        episode("S00E02", (0,), (2,)),
        episode("S02E02", (2,), (2,)),
        episode("E07", (), (), absolute_episodes=(7,)),
    )
    assert set(await index.names(season=1, episode=2)) == {"S01E02", "1x02", "S01E01-E03"}
    assert set(await index.names(season=1)) == {"S01E02", "1x02", "S01E01-E03", "S01 pack", "S01-S03 pack", "S01E20"}
    assert await index.names(season=0) == ["S00E02"]
    assert set(await index.names(season=2)) == {"S02E02", "S01-S03 pack"}
    assert await index.names(absolute_episode=7) == ["E07"]
    assert await index.names(absolute_episode=20) == ["S01E20"]
    assert await index.names(season=5) == []
    assert set(await index.names("s01e02")) >= {"S01E02", "1x02", "S01E01-E03"}
    assert "S01E20" in await index.names("hillbillies 20")


async def test_daily_shows_are_found_by_date_and_year(index: Index) -> None:
    await index.add(
        torrent("Daily.2017.11.10", kind=Kind.TV, date=date(2017, 11, 10)),
        torrent("Daily.2017.01.02", kind=Kind.TV, date=date(2017, 1, 2)),
        torrent("Daily.2018.11.10", kind=Kind.TV, date=date(2018, 11, 10)),
        episode("Season 2017", (2017,)),
    )
    assert await index.names(air_date=date(2017, 11, 10)) == ["Daily.2017.11.10"]
    assert set(await index.names(air_year=2017)) == {"Daily.2017.11.10", "Daily.2017.01.02", "Season 2017"}


async def test_year_size_and_time_narrow(index: Index) -> None:
    await index.add(torrent("Sintel.2010", year=2010, size=100), torrent("Bunny.2008", year=2008, size=200))
    seen = (await index.page("sintel")).rows[0].first_seen
    assert await index.names(year=2010) == ["Sintel.2010"]
    assert await index.names(min_size=150) == ["Bunny.2008"]
    assert await index.names(max_size=100) == ["Sintel.2010"]
    assert len(await index.names(seen_after=seen)) == 2
    assert await index.names(seen_after=seen + timedelta(seconds=1)) == []
    assert (await index.page(seen_before=seen)).total == 0
    assert len(await index.names("2010", seen_before=datetime(2200, 1, 1, tzinfo=UTC))) == 1


async def test_an_uncertain_reading_is_searched_by_words_only(index: Index) -> None:
    await index.add(episode("something s01e02", (1,), (2,), confidence=0.2))
    assert await index.names(season=1) == []
    assert await index.names("something s01e02") == ["something s01e02"]


async def test_orders(index: Index) -> None:
    await index.add(torrent("A.old", size=5, seeders=3), torrent("B.old", size=9))
    await index.add(torrent("C.new", size=1, seeders=2), torrent("D.new", size=9, seeders=0))
    rows = (await index.page(order=Order.NEWEST)).rows
    assert [row.first_seen for row in rows] == sorted((row.first_seen for row in rows), reverse=True)
    assert {row.name for row in rows[:2]} == {"C.new", "D.new"}
    assert [row.info_hash for row in rows[:2]] == sorted(row.info_hash for row in rows[:2])
    assert await index.names(order=Order.SEEDERS) == ["A.old", "C.new", "D.new", "B.old"]
    assert await index.names(order=Order.SIZE) == ["D.new", "B.old", "A.old", "C.new"]
    assert [row.name for row in (await index.page(order=Order.RELEVANCE)).rows] == [row.name for row in rows]


async def test_new_counts_move_a_torrent(index: Index, database: Database) -> None:
    await index.add(torrent("A", seeders=3), torrent("B", seeders=2))
    ids = {row.name: row.id for row in (await index.page()).rows}
    now = datetime.now(UTC) + timedelta(seconds=1)
    swarms = Swarms(database)
    assert await swarms.store([SwarmCount(ids["B"], 400, None, now), SwarmCount(999_999, 1, 1, now)]) == 1
    assert await swarms.store([SwarmCount(ids["B"], 1, 1, now - timedelta(hours=1))]) == 0, "older than what is stored"
    page = await index.page(order=Order.SEEDERS)
    assert [(row.name, row.seeders, row.leechers) for row in page.rows] == [("B", 400, None), ("A", 3, None)]
    await index.add(torrent("B", seeders=1))
    assert await index.names(order=Order.SEEDERS) == ["A", "B"]


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("text", ["", "sintel"])
async def test_pages_are_exact_and_disjoint(index: Index, order: Order, text: str) -> None:
    matching = [torrent(f"Sintel.{n}", seeders=n % 40 if n % 3 else None, size=n % 7 + 1) for n in range(256)]
    await index.add(*matching[:100], *[torrent(f"Hillbillies.{n}", kind=Kind.TV) for n in range(150)], *matching[100:])
    query = SearchQuery(text, categories=(2000,), order=order, limit=100)
    pages = [await index.engine.search(replace(query, offset=offset)) for offset in (0, 100, 200, 300)]
    assert [len(page.rows) for page in pages] == [100, 100, 56, 0]
    assert {row.name for page in pages for row in page.rows} == {item.torrent.name for item in matching}
    assert all((page.total, page.total_is_exact) == (256, True) for page in pages)
    assert await index.engine.search(replace(query, offset=100)) == pages[1]
    assert (await index.engine.search(replace(query, limit=0))).rows == ()
    assert (await index.engine.search(replace(query, offset=2**31 - 1))).rows == ()


async def test_the_category_filter_runs_before_the_limit(index: Index) -> None:
    await index.add(torrent("Sintel.2010"))
    await index.add(*[episode(f"Hillbillies.{n}", (1,), (n,)) for n in range(120)])
    assert await index.names(categories=(2000,), limit=100) == ["Sintel.2010"]


async def test_a_total_is_not_what_was_asked_for_beyond_the_end(index: Index) -> None:
    await index.add(*[torrent(f"Lecture {number}") for number in range(COUNT_CAP + 1)])
    page = await index.page("lecture", offset=2**31 - 1)
    assert (page.rows, page.total) == ((), COUNT_CAP + 1)
