"""Works, from the ids that torrents bring to the searches that find them."""

import pytest

from catalog.model import Kind
from catalog.works import Medium, folded
from protocol.identifiers import ExternalId
from storage.search.engine import Order, SearchQuery
from storage.search.postgres import PostgresSearch
from storage.torrents import Torrents
from storage.works import Works
from tests.fakes.classified import info_hash, torrent

IMDB, TMDB, TVDB = ExternalId("imdb", 1727587), ExternalId("tmdb", 45745), ExternalId("tvdb", 71471)


def film(name: str, *ids: ExternalId, year: int | None = 2010, **given):
    return torrent(name, title=given.pop("title", "Sintel"), year=year, ids=ids, **given)


def show(name: str, *ids: ExternalId, **given):
    given = {"title": "The Beverly Hillbillies", "seasons": (1,), "episodes": (2,), **given}
    return torrent(name, kind=Kind.TV, ids=ids, **given)


class Index:
    def __init__(self, database) -> None:
        self.database = database
        self.torrents, self.works, self.engine = Torrents(database), Works(database), PostgresSearch(database)

    async def store(self, *found) -> None:
        for one in found:
            await self.torrents.store([one])

    async def found(self, *ids: ExternalId, media=tuple(Medium), **query) -> set[str]:
        works = await self.works.resolve(ids, media)
        if not works:
            return set()
        return {row.name for row in (await self.engine.search(SearchQuery(works=works, **query))).rows}

    async def ids_of(self, found) -> set[tuple[str, int]]:
        row = await self.torrents.by_info_hash(found.torrent.info_hash)
        return {(given.authority, given.number) for given in row.ids}


@pytest.fixture
def index(database) -> Index:
    return Index(database)


async def test_a_torrent_is_found_by_every_number_it_brought(index):
    await index.store(film("Sintel.2010.1080p", IMDB, TMDB))
    for given in (IMDB, TMDB):
        assert await index.found(given) == {"Sintel.2010.1080p"}
    assert await index.found(TVDB) == set()
    assert await index.ids_of(film("Sintel.2010.1080p")) == {("imdb", 1727587), ("tmdb", 45745)}


async def test_a_torrent_without_ids_is_found_by_its_title_and_its_year_give_or_take_one(index):
    await index.store(
        film("known", IMDB),
        film("Sintel.2010.720p"),
        film("Sintel 2011 festival", year=2011),
        film("Sintel 1990 remake", year=1990),
        film("Sintel without a year", year=None),
        film("The Making of Sintel 2010", title="The Making of Sintel"),
        film("Other 2010", title="Other", files=()),
        show("Sintel S01E02", title="Sintel"),
    )
    assert await index.found(IMDB) == {"known", "Sintel.2010.720p", "Sintel 2011 festival"}
    assert await index.ids_of(film("Sintel.2010.720p")) == set()


async def test_words_of_files_are_no_title(index):
    from catalog.model import File

    await index.store(film("known", IMDB), film("Dragons 2010", title="Dragons", files=(File("Sintel.mkv", 5),)))
    assert await index.found(IMDB) == {"known"}


async def test_a_torrent_of_another_work_is_not_found_by_its_title(index):
    remake = ExternalId("imdb", 99)
    await index.store(film("known", IMDB), film("the other one", remake))
    assert await index.found(IMDB) == {"known"}
    assert await index.found(remake) == {"the other one"}
    assert await index.found(IMDB, remake) == {"known", "the other one"}


async def test_titles_of_a_work_add_up(index):
    await index.store(
        film("Sintel 2010", IMDB), film("Durian 2010", IMDB, title="Durian"), film("Durian.2010.1080p.x264", title="Durian", files=())
    )
    assert await index.found(IMDB) == {"Sintel 2010", "Durian 2010", "Durian.2010.1080p.x264"}


async def test_a_foreign_name_is_found_by_number_though_its_title_is_no_alias(index):
    await index.store(film("Kolyn", IMDB, title="Kolyn", confidence=0.5))
    assert await index.found(IMDB) == {"Kolyn"}
    ((work),) = await index.works.resolve([IMDB])
    assert work.titles == frozenset()


async def test_a_link_made_later_makes_an_old_row_findable_and_lasts(index):
    bare = show("Die Hinterwaeldler Folge 2", title="Die Hinterwaeldler")
    await index.store(bare, show("The.Beverly.Hillbillies.S01E02", TVDB))
    assert await index.found(TVDB) == {"The.Beverly.Hillbillies.S01E02"}
    linked = show("Die Hinterwaeldler Folge 2", TVDB, title="Die Hinterwaeldler", confidence=0.6)
    await index.store(linked)
    both = {"The.Beverly.Hillbillies.S01E02", "Die Hinterwaeldler Folge 2"}
    assert await index.found(TVDB) == both
    await index.store(bare)  # the crawler meets it again, without ids
    assert await index.found(TVDB) == both
    assert await index.found(TVDB, season=1, episode=2) == both
    assert await index.found(TVDB, season=2) == set()


async def test_movies_and_series_are_numbered_apart(index):
    await index.store(film("Sintel 2010", TMDB), show("The.Beverly.Hillbillies.S01E02", TMDB))
    assert await index.found(TMDB, media=[Medium.MOVIE]) == {"Sintel 2010"}
    assert await index.found(TMDB, media=[Medium.SERIES]) == {"The.Beverly.Hillbillies.S01E02"}


async def test_numbers_that_contradict_link_nothing(index):
    other = ExternalId("imdb", 99)
    await index.store(film("Sintel 2010", IMDB, TMDB), film("Tears of Steel 2012", other, title="Tears of Steel", year=2012))
    confused = film("Which one 2010", other, TMDB, title="Which one")
    await index.store(confused)
    assert await index.ids_of(confused) == set()
    assert await index.found(TMDB) == {"Sintel 2010"}
    assert await index.found(other) == {"Tears of Steel 2012"}
    differing = film("Sintel 2010 elsewhere", IMDB, ExternalId("tmdb", 1))
    await index.store(differing)
    assert await index.ids_of(differing) == set()
    assert await index.found(ExternalId("tmdb", 1)) == set()
    assert "Sintel 2010 elsewhere" in await index.found(IMDB)  # by its title, as any other


async def test_two_works_become_one_when_a_torrent_names_both_and_they_share_a_name(index):
    first, second = show("Hillbillies A", TVDB), show("Hillbillies B", ExternalId("imdb", 55662))
    third = show("Hillbillies C", TVDB, ExternalId("imdb", 55662))
    await index.store(first, second)
    assert await index.ids_of(second) == {("imdb", 55662)}
    await index.store(third)
    assert await index.found(TVDB) == await index.found(ExternalId("imdb", 55662)) == {"Hillbillies A", "Hillbillies B", "Hillbillies C"}
    assert await index.ids_of(second) == await index.ids_of(first) == {("imdb", 55662), ("tvdb", 71471)}


async def test_one_batch_may_hold_all_of_it(index):
    ids = (TVDB, ExternalId("imdb", 55662))
    batch = [show("A", ids[0]), show("B", ids[1]), show("C", *ids), show("D"), film("E", IMDB), film("F", IMDB, TMDB)]
    await index.torrents.store(batch)
    assert await index.found(TVDB) == {"A", "B", "C", "D"}
    assert await index.found(TMDB) == {"E", "F"}
    await index.torrents.store(batch)
    assert await index.found(TVDB) == {"A", "B", "C", "D"}
    tables = await index.database.run(
        lambda connection: connection.execute("SELECT (SELECT count(*) FROM work), (SELECT count(*) FROM torrent_work)").fetchone()
    )
    assert tables == (2, 5)


async def test_the_newest_of_two_certain_links_counts(index):
    await index.store(film("Sintel 2010", IMDB), film("Tears 2012", TMDB, title="Tears", year=2012), film("Sintel 2010", TMDB))
    assert await index.ids_of(film("Sintel 2010")) == {("tmdb", 45745)}
    assert await index.found(TMDB, season=None) == {"Sintel 2010", "Tears 2012"}


async def test_a_link_follows_a_torrent_whose_two_hashes_meet(index):
    v2 = info_hash("v2") + bytes(12)
    await index.store(film("Sintel 2010", IMDB, info_hash=v2[:20], info_hash_v2=v2))
    await index.store(film("Sintel 2010", info_hash=info_hash("v1")), film("Sintel 2010", info_hash=info_hash("v1"), info_hash_v2=v2))
    row = await index.torrents.by_info_hash(info_hash("v1"))
    assert [given.number for given in row.ids] == [1727587]
    assert await index.found(IMDB) == {"Sintel 2010"}


async def test_a_deleted_torrent_leaves_its_work(index):
    await index.store(film("known", IMDB), film("Sintel.2010.720p"))
    await index.torrents.block([info_hash("known")], "a test")
    assert await index.found(IMDB) == {"Sintel.2010.720p"}


async def test_held_numbers_are_told_by_medium_after_a_refresh(index):
    assert index.works.held(Medium.MOVIE) == frozenset()
    await index.store(film("Sintel 2010", IMDB, TMDB), show("The.Beverly.Hillbillies.S01E02", TVDB))
    await index.works.refresh()
    assert index.works.held(Medium.MOVIE) == {"imdb", "tmdb"}
    assert index.works.held(Medium.SERIES) == {"tvdb"}


@pytest.mark.parametrize("order", list(Order))
async def test_every_order_is_paged_exactly(index, order):
    names = [f"Sintel 2010 part {number}" for number in range(7)]
    await index.torrents.store(
        [film(name, *((IMDB,) if number % 3 == 0 else ()), seeders=number or None) for number, name in enumerate(names)]
    )
    works = await index.works.resolve([IMDB])
    pages = []
    for offset in range(0, 8, 2):
        query = SearchQuery(works=works, rank_text="part 3", order=order, limit=2, offset=offset)
        pages.append([row.name for row in (await index.engine.search(query)).rows])
    assert sorted(name for page in pages for name in page) == names
    if order is Order.RELEVANCE:
        assert pages[0][0] == "Sintel 2010 part 3"


def test_spellings_of_a_title_are_equal_when_folded():
    assert folded("The Beverly Hillbillies") == folded("Beverly.Hillbillies") == "beverly hillbillies"
    assert folded("Pepper & Carrot") == folded("Pepper and Carrot")


async def test_a_query_for_works_can_be_remembered(index):
    await index.store(film("Sintel 2010", IMDB))
    first, second = [SearchQuery(works=await index.works.resolve([IMDB])) for _ in range(2)]
    assert {first: "remembered"}[second] == "remembered"
