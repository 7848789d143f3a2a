"""What searches find by words, categories and numbers: statements 45 to 57 and 59."""

import pytest

from catalog.model import Kind
from protocol.torznab.categories import is_within
from tests.fakes.library import (
    ALBUM,
    ANIME,
    ANIME_SEASONAL,
    APOSTROPHE,
    AUDIOBOOK,
    DAILY,
    DAILY_LATER,
    EBOOK,
    EPISODE,
    EPISODE_20,
    EPISODE_X,
    EPISODES_1_TO_3,
    HILLBILLIES,
    PACK,
    PACK_1_TO_3,
    SEASON_2,
    SINTEL,
    SINTEL_SD,
    SPECIAL,
    TEARS,
    classified,
    names,
)  # fmt: skip
from tests.fakes.website import NEWZNAB, categories_of, error_of, site_of

SEASON_1_EPISODE_2 = names(EPISODE, EPISODE_X, EPISODES_1_TO_3)


@pytest.mark.parametrize(
    "text",
    [
        "Mike Judges Open Shorts and Butt Joints",
        "mike judge's open shorts & butt-joints",
        "MIKE.JUDGES.OPEN.SHORTS.BUTT.JOINTS",
        "The Mike Judges Open Shorts",
        "Mike_Judgés: Open Shorts",
    ],
)
async def test_statement_45_words_match_without_case_accents_and_punctuation(site, text):
    assert await site.found(t="search", q=text) == names(APOSTROPHE)


async def test_statement_45_a_dash_and_a_quote_in_the_text_are_punctuation(site):
    assert await site.found(t="search", q='Sintel -2010 "1080p"') == names(SINTEL)


async def test_statement_46_a_year_in_the_text_finds_both_spellings(site):
    for function in ("search", "movie"):
        assert await site.found(t=function, q="Sintel 2010") == names(SINTEL, SINTEL_SD)


async def test_statement_47_plus_percent_20_and_twice_encoded_spaces_are_spaces(site):
    for query in ("q=Sintel+2010", "q=Sintel%202010", "q=Sintel%25202010"):
        response = await site.client.get(f"/api?t=search&apikey={site.key}&{query}")
        assert response.text.count("<item>") == 2, query


async def test_statement_48_a_parent_category_matches_its_children_and_several_are_united(site):
    everything = await site.found(t="search", cat="5000")
    assert names(EPISODE, PACK, ANIME, DAILY) <= everything
    assert names(PACK) <= await site.found(t="search", cat="5040")
    assert names(EPISODE).isdisjoint(await site.found(t="search", cat="5040"))
    union = await site.found(t="search", cat="5030,2000")
    assert names(EPISODE, SINTEL, TEARS) <= union
    assert names(PACK, ALBUM).isdisjoint(union)


async def test_statement_49_unknown_categories_find_nothing_and_nonsense_is_refused(site):
    channel = await site.feed(t="search", cat="999999")
    assert channel.findall("item") == []
    assert channel.find(f"{NEWZNAB}response").get("total") == "0"
    assert await site.titles(t="search", cat="999999,5000") == await site.titles(t="search", cat="5000")
    assert error_of(await site.torznab(t="search", cat="abc"))[:2] == (400, 201)


async def test_statement_50_the_category_counts_before_the_limit(database):
    shows = [classified(f"Open Show S01E{number:02}", Kind.TV, seasons=(1,), episodes=(number,)) for number in range(1, 121)]
    async with site_of(database, [SINTEL, TEARS], shows) as site:
        assert await site.found(t="movie", cat="2000", limit="100") == names(SINTEL, TEARS)


async def test_statement_51_every_item_carries_the_category_that_was_asked_for(site):
    for asked in ("2000", "2040", "5030,5040", "5070", "3000", "7000", "4000"):
        items = await site.items(t="search", cat=asked)
        assert items
        for item in items:
            wanted = [int(category) for category in asked.split(",")]
            assert any(is_within(category, wanted) for category in categories_of(item))


async def test_statement_52_a_function_stays_in_its_own_range(site):
    for function, top in (("movie", 2000), ("tvsearch", 5000), ("music", 3000)):
        items = await site.items(t=function)
        assert items
        assert all(any(top <= category < top + 1000 for category in categories_of(item)) for item in items)
    assert await site.found(t="book") == names(EBOOK, AUDIOBOOK)


async def test_adult_content_is_found_by_those_who_name_its_category(database):
    film = classified("Some Adult Film", Kind.ADULT)
    async with site_of(database, [film, SINTEL]) as site:
        assert await site.found(t="search") == names(SINTEL)
        assert await site.found(t="search", q="adult film") == set()
        assert await site.found(t="search", cat="6000") == names(film)


async def test_statement_53_an_episode_is_found_in_every_spelling_without_packs(site):
    assert await site.found(t="tvsearch", q=HILLBILLIES, season="1", ep="2") == SEASON_1_EPISODE_2


async def test_statement_54_a_season_brings_packs_and_episodes(site):
    season_1 = SEASON_1_EPISODE_2 | names(EPISODE_20, PACK, PACK_1_TO_3)
    assert await site.found(t="tvsearch", q=HILLBILLIES, season="1") == season_1
    assert await site.found(t="tvsearch", q=HILLBILLIES, season="2") == names(SEASON_2, PACK_1_TO_3)


@pytest.mark.parametrize(("season", "episode"), [("01", "02"), ("S01", "E02"), ("1", "2"), ("s1", "e2")])
async def test_statement_55_spellings_of_season_and_episode_are_equal(site, season, episode):
    assert await site.found(t="tvsearch", q=HILLBILLIES, season=season, ep=episode) == SEASON_1_EPISODE_2


async def test_statement_56_season_00_finds_specials_only(site):
    assert await site.found(t="tvsearch", q=HILLBILLIES, season="00") == names(SPECIAL)
    assert await site.found(t="tvsearch", season="00", ep="5") == names(SPECIAL)
    assert await site.found(t="tvsearch", tvdbid="71471", season="00") == names(SPECIAL)


async def test_statement_57_daily_shows_are_found_by_date_and_by_year(site):
    for query in ("season=2017&ep=11/10", "season=2017&ep=11%2F10"):
        response = await site.client.get(f"/api?t=tvsearch&apikey={site.key}&q=Democracy+Now&{query}")
        assert response.text.count("<item>") == 1
        assert DAILY.torrent.name in response.text
    assert await site.found(t="tvsearch", q="Democracy Now", season="2017") == names(DAILY)
    assert await site.found(t="tvsearch", q="Democracy Now", season="2018") == names(DAILY_LATER)


async def test_statement_59_an_absolute_number_in_the_text_finds_both_numberings(site):
    assert await site.found(t="search", q="Pepper and Carrot 05") == names(ANIME, ANIME_SEASONAL)
    assert await site.found(t="tvsearch", q="Pepper & Carrot", ep="5") == names(ANIME, ANIME_SEASONAL)
    assert await site.found(t="tvsearch", q="Pepper & Carrot", season="1", ep="5") == names(ANIME_SEASONAL)


@pytest.mark.parametrize("text", ["-", '"', "...", "--", "“”", "!!!"])
async def test_a_text_without_words_finds_nothing_rather_than_everything(site, text):
    assert await site.titles(t="search", q=text) == []
