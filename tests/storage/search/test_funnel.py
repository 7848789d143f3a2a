from dataclasses import fields
from datetime import UTC, date, datetime

import pytest

from catalog.model import Kind
from catalog.works import Medium, Work
from storage.database import Database
from storage.search.engine import FilterStep, SearchQuery
from storage.search.funnel import FILTERS, only, stages, without
from storage.search.postgres import PostgresSearch
from storage.torrents import Torrents
from tests.fakes.library import (
    ALBUM,
    DAILY,
    EPISODE,
    EPISODE_20,
    EPISODE_X,
    EPISODES_1_TO_3,
    GAME,
    PACK,
    SEASON_2,
    SINTEL,
    SINTEL_SD,
    TEARS,
    with_swarm,
)  # fmt: skip

SHELF = (SINTEL, SINTEL_SD, TEARS, EPISODE, EPISODE_X, EPISODES_1_TO_3, EPISODE_20, PACK, SEASON_2, DAILY, GAME, ALBUM)
NOT_FILTERS = {"rank_text", "order", "limit", "offset", "after"}


@pytest.fixture
async def engine(database: Database) -> PostgresSearch:
    await Torrents(database).store([with_swarm(torrent, 12, 3) if torrent is SINTEL else torrent for torrent in SHELF])
    return PostgresSearch(database)


def shown(steps: tuple[FilterStep, ...]) -> list[tuple[str, int]]:
    assert all(step.is_exact for step in steps)
    return [(step.name, step.rows_left) for step in steps]


def test_every_field_of_a_query_belongs_to_one_filter() -> None:
    named = [name for part in FILTERS for name in part.fields]
    assert sorted(named) == sorted({field.name for field in fields(SearchQuery)} - NOT_FILTERS)


def test_the_stages_are_the_filters_given_and_each_holds_those_before() -> None:
    query = SearchQuery(text="sintel", categories=(2040, 5000), year=2010, min_size=5, limit=7, offset=3)
    named = [(stage.name, stage.value) for stage in stages(query)]
    assert named == [
        ("index", "every torrent"), ("categories", "2040 Movies/HD or 5000 TV"), ("words", "“sintel”"), ("year", "2010"),
        ("size", "from 5 bytes"),
    ]  # fmt: skip
    *_, words, _, last = stages(query)
    assert words.query == SearchQuery(text="sintel", categories=(2040, 5000))
    assert last.query == SearchQuery(text="sintel", categories=(2040, 5000), year=2010, min_size=5)
    assert only(query, "year") == SearchQuery(year=2010)
    assert without(query, "year") == SearchQuery(text="sintel", categories=(2040, 5000), min_size=5)


def test_every_value_is_said_in_words() -> None:
    moment = datetime(2026, 11, 20, 10, tzinfo=UTC)
    query = SearchQuery(
        text="a", is_prefix=True, kinds=frozenset(Kind) - {Kind.ADULT}, works=(Work(7, Medium.MOVIE, "Sintel", 2010, numbers={"imdb": 9}),),
        season=0, episode=2, absolute_episode=3, air_date=date(2017, 11, 10), year_from=1990, year_to=1999, max_size=1000,
        seen_after=moment, min_seeders=1, min_files=2, resolutions=("720p", "1080p"), video_codecs=("h264",), release_sources=("web",),
        languages=("en",), found_by="dht",
    )  # fmt: skip
    assert [stage.value for stage in stages(query)][1:] == [
        "all but adult", "“a” and what begins like it", "Sintel (2010), imdb 9", "0 (specials)", "2", "3", "2017-11-10",
        "from 1990 to 1999", "to 1,000 bytes", "first seen after 2026-11-20 10:00 UTC", "at least 1", "at least 2", "720p or 1080p", "h264",
        "web", "en", "dht",
    ]  # fmt: skip
    assert [stage.value for stage in stages(SearchQuery(kinds=frozenset({Kind.TV, Kind.ANIME})))][1:] == ["anime or tv"]


async def test_it_counts_what_each_filter_leaves(engine: PostgresSearch) -> None:
    query = SearchQuery(text="sintel", categories=(2000,), year=2010, min_size=1_000_000_000, min_seeders=20)
    assert shown(await engine.explain(query)) == [
        ("index", len(SHELF)), ("categories", 3), ("words", 2), ("year", 2), ("size", 1), ("seeders", 0),
    ]  # fmt: skip


async def test_the_last_count_is_the_total_of_the_search(engine: PostgresSearch) -> None:
    for query in (
        SearchQuery(),
        SearchQuery(text="hillbillies", season=1),
        SearchQuery(text="hillbillies", season=1, episode=2, kinds=frozenset({Kind.TV})),
        SearchQuery(kinds=frozenset(Kind) - {Kind.ADULT, Kind.TV}),
        SearchQuery(air_year=2017),
        SearchQuery(min_seeders=1),
    ):
        assert (await engine.explain(query))[-1].rows_left == (await engine.search(query)).total


async def test_after_the_filter_that_empties_it_all_are_empty(engine: PostgresSearch) -> None:
    steps = shown(await engine.explain(SearchQuery(text="nosferatu", season=1, year=1922)))
    assert steps == [("index", len(SHELF)), ("words", 0), ("season", 0), ("year", 0)]


async def test_punctuation_alone_finds_nothing(engine: PostgresSearch) -> None:
    assert shown(await engine.explain(SearchQuery(text="..."))) == [("index", len(SHELF)), ("words", 0)]


async def test_an_empty_index_is_the_first_thing_to_be_said(database: Database) -> None:
    assert shown(await PostgresSearch(database).explain(SearchQuery(text="sintel"))) == [("index", 0), ("words", 0)]


async def test_counts_beyond_the_cap_are_lower_bounds(engine: PostgresSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.search.postgres.COUNT_CAP", 5)
    steps = await engine.explain(SearchQuery(kinds=frozenset({Kind.TV}), text="hillbillies", episode=2))
    assert [(step.rows_left, step.is_exact) for step in steps] == [(len(SHELF), True), (5, False), (5, False), (4, True)]
