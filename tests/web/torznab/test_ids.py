"""Searches by id: statements 58 and 60 to 65."""

import pytest
import trio

from tests.fakes.library import (
    ANIME,
    ANIME_SEASONAL,
    EPISODE,
    EPISODE_20,
    EPISODE_X,
    EPISODES_1_TO_3,
    NIGHT,
    NIGHT_BARE,
    NIGHT_FOREIGN,
    NIGHT_YEAR_OFF,
    PACK,
    PACK_1_TO_3,
    SEASON_2,
    SINTEL,
    SINTEL_SD,
    SPECIAL,
    names,
)  # fmt: skip
from tests.fakes.website import NEWZNAB, parts_over, serving, site_of

NIGHTS = names(NIGHT, NIGHT_BARE, NIGHT_YEAR_OFF, NIGHT_FOREIGN)


async def test_statement_58_digits_beside_an_id_are_an_absolute_number(site):
    assert await site.found(t="tvsearch", tvdbid="361000", q="05") == names(ANIME, ANIME_SEASONAL)
    assert await site.found(t="tvsearch", cat="5070", tvdbid="361000", q="5") == names(ANIME)
    assert await site.found(t="tvsearch", tvdbid="361000", q="07") == set()


@pytest.mark.parametrize("parameters", [{"tvdbid": "404404"}, {"tmdbid": "404404"}])
async def test_statement_58_digits_are_never_searched_as_text(site, parameters):
    assert await site.titles(t="tvsearch", q="05", **parameters) == []


async def test_statement_64_digits_beside_the_id_of_a_film_only_rank(site):
    assert await site.found(t="movie", imdbid="tt0063350", q="1968") == NIGHTS


async def test_statement_60_of_several_ids_any_matches(site):
    both = names(SINTEL, SINTEL_SD) | NIGHTS
    assert await site.found(t="movie", imdbid="tt0063350", tmdbid="45745") == both
    assert await site.found(t="movie", imdbid="tt0063350", tmdbid="404404") == NIGHTS
    assert await site.found(t="tvsearch", tvdbid="71471", imdbid="tt0404404", tmdbid="1", season="2") == names(SEASON_2, PACK_1_TO_3)


@pytest.mark.parametrize("spelling", ["0063350", "tt0063350", "63350", "TT0063350", "tt63350", "00063350"])
async def test_statement_61_spellings_of_an_imdb_id_are_equal(site, spelling):
    assert await site.found(t="movie", imdbid=spelling) == NIGHTS


async def test_statement_62_titles_without_ids_are_found_by_name_and_year(site):
    assert await site.found(t="movie", imdbid="tt0063350") == NIGHTS  # the remake of 1990 is not among them
    assert await site.found(t="movie", tmdbid="45745") == names(SINTEL, SINTEL_SD)
    known_by_name = names(EPISODE, EPISODE_X, EPISODES_1_TO_3, EPISODE_20, PACK, PACK_1_TO_3, SPECIAL)
    assert await site.found(t="tvsearch", tvdbid="71471") == known_by_name | names(SEASON_2)


async def test_statement_62_season_and_episode_filter_what_an_id_finds(site):
    assert await site.found(t="tvsearch", tvdbid="71471", season="1", ep="2") == names(EPISODE, EPISODE_X, EPISODES_1_TO_3)
    assert await site.found(t="tvsearch", imdbid="tt0055662", season="2") == names(SEASON_2, PACK_1_TO_3)
    assert await site.found(t="tvsearch", imdbid="tt0055662", season="9") == set()
    assert await site.found(t="movie", imdbid="tt0063350", cat="2040") == names(NIGHT)


async def test_statement_63_an_id_that_nobody_here_knows_finds_nothing(site):
    for parameters in ({"tvdbid": "404404"}, {"imdbid": "tt0404404"}):
        channel = await site.feed(t="tvsearch", **parameters)
        assert channel.findall("item") == []
        assert channel.find(f"{NEWZNAB}response").get("total") == "0"
    assert await site.titles(t="movie", tmdbid="404404") == []
    assert await site.titles(t="movie", imdbid="tt0404404", q="Sintel") == []
    assert await site.titles(t="movie", tvdbid="71471") == []  # a number of a series, not of a film


async def test_statement_63_nobody_is_asked_and_the_engine_neither(library_database, library):
    class Unasked:
        async def search(self, _query):
            raise AssertionError("an id that is unknown needs no search")

    async with serving(parts_over(library_database, search=Unasked()), library.search_key) as site:
        with trio.fail_after(3):
            assert await site.titles(t="movie", imdbid="tt0404404") == []


async def test_statement_64_beside_other_words_the_id_decides_and_the_words_rank(site):
    parameters = {"t": "movie", "imdbid": "tt0063350", "cat": "2000,2040"}
    assert await site.found(**parameters, q="Night of the Living Dead") == NIGHTS
    assert (await site.titles(**parameters, q="Nacht lebenden Toten"))[0] == NIGHT_FOREIGN.torrent.name
    assert (await site.titles(**parameters, q="PAL 1969"))[0] == NIGHT_YEAR_OFF.torrent.name
    assert await site.found(**parameters, q="!!!") == NIGHTS
    assert await site.found(**parameters, year="1968") == NIGHTS


async def test_statement_65_ids_of_a_kind_we_do_not_hold_find_nothing_alone(site):
    for parameters in ({"rid": "5"}, {"tvmazeid": "5"}, {"traktid": "5"}, {"tvdbid": "nonsense"}):
        assert await site.titles(t="tvsearch", **parameters) == []
    assert await site.titles(t="movie", doubanid="5") == []


async def test_statement_65_beside_ids_that_we_hold_they_are_ignored(site):
    assert await site.found(t="tvsearch", tvdbid="71471", rid="5", tvmazeid="6", season="2") == names(SEASON_2, PACK_1_TO_3)


async def test_beside_words_ids_of_which_an_index_holds_none_are_ignored(database):
    async with site_of(database, [SINTEL_SD]) as site:
        assert await site.found(t="movie", q="Sintel", imdbid="tt1727587") == names(SINTEL_SD)
        assert await site.found(t="movie", imdbid="tt1727587") == set()
        assert await site.found(t="movie", q="Sintel", rid="5") == names(SINTEL_SD)


async def test_pages_of_an_id_are_exact(site):
    everything = await site.titles(t="tvsearch", tvdbid="71471")
    pages = [await site.titles(t="tvsearch", tvdbid="71471", offset=str(offset), limit="3") for offset in range(0, 12, 3)]
    assert [title for page in pages for title in page] == everything
    assert (await site.feed(t="tvsearch", tvdbid="71471", limit="1")).find(f"{NEWZNAB}response").get("total") == str(len(everything))
