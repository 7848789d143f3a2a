"""What searches read, on 20,000 torrents: counted in rows by EXPLAIN, so no clock decides."""

import json
import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import trio
from psycopg.conninfo import make_conninfo

from catalog.model import Kind
from config.settings import DatabaseSettings
from storage.database import Database
from storage.migrations.runner import migrate
from storage.search import postgres
from storage.search.engine import Order, SearchPage, SearchQuery
from storage.search.postgres import PostgresSearch
from storage.torrents import Torrents
from tests.fakes.classified import torrent

ROWS = 20_000
RARE, DEEP, COMMON = "zoetrope", "magic lantern", "sintel"
"""Words in 5 torrents here and there; in 400, all of them the oldest; in 6 of 10 torrents."""


def make_rows() -> list[Any]:
    rng = random.Random(1)
    rows = []
    for number in range(ROWS):
        words = [f"word{rng.randrange(3000)}" for _ in range(4)]
        words += [RARE] * (number % 4000 == 7) + DEEP.split() * (number < 400) + [COMMON] * (rng.random() < 0.6)
        seeders = rng.choice((None, None, 0, 1, 3, 20, 90, 600)) if rng.random() < 0.2 else None
        kind = Kind.AUDIOBOOK if number % 1000 == 3 else rng.choice((Kind.MOVIE, Kind.TV, Kind.MUSIC))
        rows.append(torrent(".".join([*words, str(number)]), title=words[0], kind=kind, seeders=seeders, files=(), size=number % 977 + 1))
    return rows


@pytest.fixture(scope="module")
def filled(postgres: str) -> Iterator[str]:
    """The conninfo of a database of 20,000 torrents."""
    with psycopg.connect(postgres, dbname="postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE plans")
        conninfo = make_conninfo(postgres, dbname="plans")
        migrate(conninfo)

        async def fill() -> None:
            async with Database(conninfo, DatabaseSettings()) as database:
                rows = make_rows()
                for start in range(0, ROWS, 1000):
                    await Torrents(database).store(rows[start : start + 1000])

        trio.run(fill)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield conninfo
        admin.execute("DROP DATABASE plans WITH (FORCE)")


def walked(*plans: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of these plans."""
    waiting = list(plans)
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        yield node


class Reader:
    """Searches, and counts the rows of `search` that each search reads."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._engine = PostgresSearch(database)
        self.plans: list[dict[str, Any]] = []
        original = postgres._Finder._row

        def explained(finder: Any, statement: str) -> Any:
            explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
            found = finder._connection.execute(explain, finder._parameters, prepare=False).fetchone()[0]
            self.plans.append((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])
            return original(finder, statement)

        monkeypatch.setattr(postgres._Finder, "_row", explained)

    async def search(self, text: str = "", **given: Any) -> SearchPage:
        self.plans.clear()
        return await self._engine.search(SearchQuery(text, **given))

    def nodes(self) -> Iterator[dict[str, Any]]:
        return walked(*self.plans)

    def rows_read(self) -> int:
        """Rows of `search` fetched, whether they matched or not."""
        return sum(
            round(
                (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
                * node["Actual Loops"]
            )
            for node in self.nodes()
            if node.get("Relation Name") == "search"
        )

    def indexes(self) -> set[str]:
        return {node["Index Name"] for node in self.nodes() if "Index Name" in node}


@pytest.fixture
async def reader(filled: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    async with Database(filled, DatabaseSettings()) as database:
        yield Reader(database, monkeypatch)


async def test_the_feed_reads_what_it_shows(reader: Reader) -> None:
    page = await reader.search(limit=100)
    assert (len(page.rows), page.total, page.total_is_exact) == (100, ROWS, True)
    assert "search_feed" in reader.indexes()
    assert reader.rows_read() <= 1100  # the page, and the rest of the batch its last row came in


@pytest.mark.parametrize("order", Order)
async def test_a_rare_word_is_found_by_its_index(reader: Reader, order: Order) -> None:
    page = await reader.search(RARE, order=order)
    assert (page.total, page.total_is_exact) == (5, True)
    assert "search_words" in reader.indexes()
    assert reader.rows_read() <= postgres.HOT_ROWS + 1000 + 4 * 5


async def test_words_of_old_torrents_only_do_not_walk_the_index(reader: Reader) -> None:
    page = await reader.search(DEEP, limit=100)
    assert (page.total, page.total_is_exact, len(page.rows)) == (400, True, 100)
    assert "search_words" in reader.indexes()
    assert reader.rows_read() <= postgres.HOT_ROWS + 1000 + 400


async def test_a_common_word_is_not_read_to_its_end(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    page = await reader.search(COMMON, limit=100)
    assert not page.total_is_exact
    assert page.total >= 1000
    assert reader.rows_read() <= postgres.HOT_ROWS + 1000 + 1001 * 2  # the newest, and the count up to its cap


@pytest.mark.parametrize("text", [COMMON, ""])
async def test_the_largest_are_not_sorted_out_of_all(reader: Reader, text: str) -> None:
    page = await reader.search(text, order=Order.SIZE, limit=100)
    assert [row.size for row in page.rows] == sorted((row.size for row in page.rows), reverse=True)
    assert "search_size" in reader.indexes()
    assert reader.rows_read() <= postgres.HOT_ROWS + 1000 + 1001 * 2  # a whole class of sizes, and the count


async def test_a_category_nobody_asks_for_is_found_by_its_index(reader: Reader) -> None:
    page = await reader.search(categories=(3030,), limit=100)
    assert (page.total, len(page.rows)) == (20, 20)
    assert "search_words" in reader.indexes()
    assert reader.rows_read() <= postgres.HOT_ROWS + 1000 + 20


async def test_seeders_of_a_common_word_come_from_the_popular_tier(reader: Reader) -> None:
    page = await reader.search(COMMON, order=Order.SEEDERS, limit=100)
    assert [row.seeders for row in page.rows] == sorted((row.seeders or 0 for row in page.rows), reverse=True)
    assert reader.indexes() & {"search_pop", "search_words_pop9"}
    assert "search_words" not in reader.indexes()
    assert reader.rows_read() <= 600 + 1001 * 2  # whoever has 600 seeders, and the count


async def test_more_matches_than_can_be_ranked_are_neither_ranked_nor_joined_nor_counted_again(reader: Reader) -> None:
    page = await reader.search(COMMON, order=Order.RELEVANCE, limit=100)
    assert not page.total_is_exact
    ranking, *_ = reader.plans
    joined = [node for node in walked(ranking) if node.get("Relation Name") == "swarm" and node["Actual Loops"]]
    assert not joined
    assert reader.rows_read() <= 2 * (postgres.RANK_CAP + 1) + 600 + 1001  # what is too much, the popular ones, and no second count


async def test_the_pages_behind_are_read_in_order_too(reader: Reader) -> None:
    page = await reader.search(kinds=frozenset({Kind.TV}), limit=100, offset=900)
    assert len(page.rows) == 100
    assert "search_words" not in reader.indexes()
    assert reader.rows_read() <= postgres.HOT_ROWS + 1000 + postgres.PAGE_ROWS // 2


async def test_what_was_many_is_not_counted_again(reader: Reader) -> None:
    given = {"kinds": frozenset({Kind.TV}), "limit": 100}
    first = await reader.search(**given)
    assert len(reader.plans) == 2, "the newest, and the count"
    again = await reader.search(**given)
    assert len(reader.plans) == 1
    assert (again.rows, again.total, again.total_is_exact) == (first.rows, first.total, first.total_is_exact)
    assert all(one is other for one, other in zip(first.rows, again.rows, strict=True)), "nor are rows that stayed as they were built again"


@pytest.mark.parametrize("order", [order for order in Order if order not in postgres._SORTED_ORDERS])
@pytest.mark.parametrize("text", [COMMON, RARE, DEEP, f"{COMMON} -word1", ""])
async def test_every_way_of_finding_gives_the_same_pages(reader: Reader, monkeypatch: pytest.MonkeyPatch, order: Order, text: str) -> None:
    """The shortcuts against the plain way, which sorts all matches; with caps so low that every step is taken."""
    given = {"order": order, "limit": 70}
    offsets = (0, 70, 350, 1050, 4900)
    monkeypatch.setattr(postgres, "SORT_CAP", 10**9)
    monkeypatch.setattr(postgres, "RANK_CAP", 10**9 if order is not Order.RELEVANCE else 0)
    monkeypatch.setattr(postgres, "HOT_ROWS", 0)
    plain = [[row.id for row in (await reader.search(text, offset=offset, **given)).rows] for offset in offsets]
    for hot, cap, walk in ((2000, 500, 200_000), (10, 100, 50), (0, 0, 0)):
        monkeypatch.setattr(postgres, "HOT_ROWS", hot)
        monkeypatch.setattr(postgres, "SORT_CAP", cap)
        monkeypatch.setattr(postgres, "WALK_ROWS", walk)
        monkeypatch.setattr(postgres, "PAGE_ROWS", 10 * hot)
        quick = [[row.id for row in (await reader.search(text, offset=offset, **given)).rows] for offset in offsets]
        assert quick == plain, (hot, cap, walk)
