from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import trio
import trio.testing

from catalog.model import Kind
from storage.database import Database
from storage.errors import DatabaseUnavailable
from storage.search.engine import FilterStep, SearchPage, SearchQuery
from storage.search.postgres import PostgresSearch
from storage.torrents import Torrents
from tests.fakes.library import LIBRARY
from web.journal.explainer import WAITING, Explainer, explained
from web.journal.journal import Asked, Entry, Journal


async def hints(database: Database, query: SearchQuery, **outcome: int) -> list[str]:
    return list((await explained(PostgresSearch(database), Asked("", query, **outcome))).hints)


@pytest.fixture
async def stocked(database: Database) -> Database:
    await Torrents(database).store(LIBRARY)
    return database


async def test_an_empty_index_is_named_as_the_reason_for_a_failing_test_button(database: Database) -> None:
    [hint] = await hints(database, SearchQuery(categories=(5030, 5040)))
    assert hint.startswith("The index is empty.")
    assert "Test button fails" in hint


async def test_a_category_without_torrents_is_named(stocked: Database) -> None:
    first, *_ = await hints(stocked, SearchQuery(categories=(1000,)))
    assert first == (
        f"The index holds no torrent in 1000 Console yet, {len(LIBRARY)} torrents in all. A client's Test button searches just "
        "these categories, and fails until there is one."
    )


async def test_the_filter_that_leaves_nothing_is_named_with_what_stood_before_it(stocked: Database) -> None:
    assert await hints(stocked, SearchQuery(text="hillbillies", categories=(5000,), season=3, episode=7)) == [
        "One torrent in 5000 TV with “hillbillies” of season 3, but none of them with episode 7.",
        "In the whole index there is no torrent with episode 7.",
        "Without this filter the search finds one torrent.",
    ]
    assert await hints(stocked, SearchQuery(text="sintel", year=1999)) == [
        "2 torrents with “sintel”, but none of them of the year 1999.",
        "In the whole index there is no torrent of the year 1999.",
        "Without this filter the search finds 2 torrents.",
    ]


async def test_words_that_occur_nowhere_are_named(stocked: Database) -> None:
    query = SearchQuery(text="Sintel Nosferatu 1922", kinds=frozenset(Kind) - {Kind.ADULT})
    assert (await hints(stocked, query))[1:] == [
        "No name in the index has the words “nosferatu”, “1922”.",
        f"Without this filter the search finds {len(LIBRARY)} torrents.",
    ]
    assert await hints(stocked, SearchQuery(text="Sintel Hillbillies")) == [
        "No torrent with “Sintel Hillbillies” is in the index.",
        "Each of the words occurs somewhere, but never all of them together.",
    ]


async def test_what_matches_by_now_is_no_riddle(stocked: Database) -> None:
    assert await hints(stocked, SearchQuery(text="sintel")) == ["By now the search finds 2 torrents: they were stored after it was asked."]
    assert await hints(stocked, SearchQuery(text="sintel"), total=2, items=2) == []
    [hint] = await hints(stocked, SearchQuery(text="sintel"), total=2)
    assert "because of offset or limit" in hint


def entry(number: int) -> Entry:
    return Entry(number, datetime.now(UTC), "GET", "/api", {}, (), "", "", 200, 1.0, asked=Asked("", SearchQuery(text="x")))


@dataclass
class Engine:
    """Answers when it may, and fails as often as it is told to."""

    may: trio.Event = field(default_factory=trio.Event)
    failures: int = 0
    asked: int = 0

    async def search(self, query: SearchQuery) -> SearchPage:
        raise NotImplementedError

    async def explain(self, query: SearchQuery) -> tuple[FilterStep, ...]:
        self.asked += 1
        await self.may.wait()
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("down")
        return (FilterStep("index", "every torrent", 0, True),)


async def test_what_finds_no_room_is_counted_and_nobody_waits(nursery: trio.Nursery, autojump_clock: object) -> None:
    journal, engine = Journal(1000), Engine()
    explainer = Explainer(journal, engine)
    await nursery.start(explainer.run)
    for number in range(WAITING + 11):
        journal.keep(entry(number))
        explainer.explain_soon(journal.newest()[0])
        if number == 0:
            await trio.testing.wait_all_tasks_blocked()  # it holds the first one
    assert explainer.statistics().dropped == 10
    engine.may.set()
    await trio.sleep(60)
    assert (explainer.statistics().explained, engine.asked) == (WAITING + 1, WAITING + 1)
    explainer.stop()


async def test_a_database_that_is_away_costs_an_explanation_and_not_the_explainer(nursery: trio.Nursery, autojump_clock: object) -> None:
    journal, engine = Journal(10), Engine(failures=1)
    engine.may.set()
    explainer = Explainer(journal, engine)
    await nursery.start(explainer.run)
    for number in (1, 2):
        journal.keep(entry(number))
        explainer.explain_soon(journal.newest()[0])
    await trio.sleep(5)
    statistics = explainer.statistics()
    assert (statistics.explained, statistics.failed) == (1, 1)
    first, second = journal.entry(1), journal.entry(2)
    assert first is not None and second is not None  # noqa: PT018
    assert (first.explanation, second.explanation is not None) == (None, True)
    explainer.stop()


async def test_it_can_be_run_again_after_a_stop(nursery: trio.Nursery, autojump_clock: object) -> None:
    journal, engine = Journal(10), Engine()
    engine.may.set()
    explainer = Explainer(journal, engine)
    await nursery.start(explainer.run)
    explainer.stop()
    journal.keep(entry(1))
    explainer.explain_soon(journal.newest()[0])
    await nursery.start(explainer.run)
    await trio.sleep(5)
    assert explainer.statistics().explained == 1
    explainer.stop()
