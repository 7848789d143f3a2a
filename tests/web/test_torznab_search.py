"""What searches find: statements 45 to 71."""

import pytest

from catalog.model import Kind
from protocol.torznab.categories import is_within
from storage.accounts import Accounts
from storage.torrents import Torrents
from tests.fakes.library import (
    ALBUM,
    ANIME,
    APOSTROPHE,
    AUDIOBOOK,
    DAILY,
    DAILY_LATER,
    EBOOK,
    EPISODE,
    EPISODE_20,
    EPISODE_X,
    EPISODES_1_TO_3,
    MP3,
    PACK,
    PACK_1_TO_3,
    SEASON_2,
    SINTEL,
    SINTEL_SD,
    SPECIAL,
    TEARS,
    classified,
)  # fmt: skip
from tests.fakes.website import NEWZNAB, categories_of, error_of, parts_over, serving

SHOW = "The Beverly Hillbillies"


def names(*found) -> set[str]:
    return {torrent.torrent.name for torrent in found}


async def found_by(site, **parameters) -> set[str]:
    return set(await site.titles(**parameters))


@pytest.mark.parametrize(
    "text",
    [
        "Mike Judges Open Shorts and Butt Joints",
        "mike judge's open shorts & butt-joints",
        "MIKE.JUDGES.OPEN.SHORTS.BUTT.JOINTS",
        "The Mike Judges Open Shorts",
        "Mike Judgés Open Shorts",
    ],
)
async def test_45_words_match_without_case_accents_and_punctuation(site, text):
    assert await found_by(site, t="search", q=text) == names(APOSTROPHE)


async def test_45_a_dash_and_a_quote_in_the_text_are_punctuation(site):
    assert await found_by(site, t="search", q='Sintel -2010 "1080p"') == names(SINTEL)


async def test_46_a_year_in_the_text_finds_both_spellings(site):
    assert await found_by(site, t="search", q="Sintel 2010") == names(SINTEL, SINTEL_SD)
    assert await found_by(site, t="movie", q="Sintel 2010") == names(SINTEL, SINTEL_SD)


async def test_47_plus_percent_20_and_twice_encoded_spaces_are_spaces(site):
    for query in ("q=Sintel+2010", "q=Sintel%202010", "q=Sintel%25202010"):
        response = await site.client.get(f"/api?t=search&apikey={site.key}&{query}")
        assert response.text.count("<item>") == 2, query


async def test_48_a_parent_category_matches_its_children_and_several_are_united(site):
    everything = await found_by(site, t="search", cat="5000")
    assert names(EPISODE, PACK, ANIME, DAILY) <= everything
    assert names(PACK) <= await found_by(site, t="search", cat="5040")
    assert names(EPISODE).isdisjoint(await found_by(site, t="search", cat="5040"))
    union = await found_by(site, t="search", cat="5030,2000")
    assert names(EPISODE, SINTEL, TEARS) <= union
    assert names(PACK, ALBUM).isdisjoint(union)


async def test_49_unknown_categories_find_nothing_and_nonsense_is_refused(site):
    channel = await site.feed(t="search", cat="999999")
    assert channel.findall("item") == []
    assert channel.find(f"{NEWZNAB}response").get("total") == "0"
    assert await site.titles(t="search", cat="999999,5000") == await site.titles(t="search", cat="5000")
    assert error_of(await site.torznab(t="search", cat="abc"))[:2] == (400, 201)


async def test_50_the_category_counts_before_the_limit(database):
    torrents = Torrents(database)
    await torrents.store([SINTEL, TEARS])
    await torrents.store([classified(f"Open Show S01E{number:02}", Kind.TV, seasons=(1,), episodes=(number,)) for number in range(1, 121)])
    key = await Accounts(database).create_key("tests", ["search"])
    async with serving(parts_over(database), key.text) as site:
        assert await found_by(site, t="movie", cat="2000", limit="100") == names(SINTEL, TEARS)


async def test_51_every_item_carries_the_category_that_was_asked_for(site):
    for asked in ("2000", "2040", "5030,5040", "3000", "7000", "4000"):
        for item in await site.items(t="search", cat=asked):
            wanted = [int(category) for category in asked.split(",")]
            assert any(is_within(category, wanted) for category in categories_of(item))


async def test_52_a_function_stays_in_its_own_range(site):
    for function, top in (("movie", 2000), ("tvsearch", 5000), ("music", 3000)):
        items = await site.items(t=function)
        assert items
        assert all(any(top <= category < top + 1000 for category in categories_of(item)) for item in items)
    assert await found_by(site, t="book") == names(EBOOK, AUDIOBOOK)


async def test_adult_content_is_found_by_those_who_name_its_category(database):
    film = classified("Some Adult Film", Kind.ADULT)
    await Torrents(database).store([film, SINTEL])
    key = await Accounts(database).create_key("tests", ["search"])
    async with serving(parts_over(database), key.text) as site:
        assert await found_by(site, t="search") == names(SINTEL)
        assert await found_by(site, t="search", q="adult film") == set()
        assert await found_by(site, t="search", cat="6000") == names(film)


async def test_53_an_episode_is_found_in_every_spelling_without_packs(site):
    assert await found_by(site, t="tvsearch", q=SHOW, season="1", ep="2") == names(EPISODE, EPISODE_X, EPISODES_1_TO_3)


async def test_54_a_season_brings_packs_and_episodes(site):
    assert await found_by(site, t="tvsearch", q=SHOW, season="1") == names(
        EPISODE, EPISODE_X, EPISODES_1_TO_3, EPISODE_20, PACK, PACK_1_TO_3
    )
    assert await found_by(site, t="tvsearch", q=SHOW, season="2") == names(SEASON_2, PACK_1_TO_3)


async def test_55_spellings_of_season_and_episode_are_equal(site):
    for season, episode in (("01", "02"), ("S01", "E02"), ("1", "2")):
        assert await found_by(site, t="tvsearch", q=SHOW, season=season, ep=episode) == names(EPISODE, EPISODE_X, EPISODES_1_TO_3)


async def test_56_season_00_finds_specials_only(site):
    assert await found_by(site, t="tvsearch", q=SHOW, season="00") == names(SPECIAL)
    assert await found_by(site, t="tvsearch", season="00", ep="5") == names(SPECIAL)


async def test_57_daily_shows_are_found_by_date_and_by_year(site):
    for query in ("season=2017&ep=11/10", "season=2017&ep=11%2F10"):
        response = await site.client.get(f"/api?t=tvsearch&apikey={site.key}&q=Democracy+Now&{query}")
        assert response.text.count("<item>") == 1
        assert DAILY.torrent.name in response.text
    assert await found_by(site, t="tvsearch", q="Democracy Now", season="2017") == names(DAILY)
    assert await found_by(site, t="tvsearch", q="Democracy Now", season="2018") == names(DAILY_LATER)


async def test_58_digits_beside_an_id_are_never_searched_as_text(site):
    assert await site.titles(t="tvsearch", tvdbid="71471", q="05") == []


async def test_59_an_absolute_number_in_the_text_is_found(site):
    assert await found_by(site, t="search", q="Pepper and Carrot 05") == names(ANIME)
    assert await found_by(site, t="tvsearch", q="Pepper & Carrot", ep="5") == names(ANIME)


async def test_63_65_an_id_that_nobody_here_knows_finds_nothing(site):
    for parameters in ({"tvdbid": "71471"}, {"imdbid": "tt1727587"}, {"rid": "5"}, {"tvmazeid": "5"}):
        assert await site.titles(t="tvsearch", **parameters) == []
    assert await site.titles(t="movie", tmdbid="45745") == []


async def test_beside_words_an_id_is_ignored(site):
    assert await found_by(site, t="movie", q="Sintel", imdbid="tt1727587", cat="2000,2040") == names(SINTEL, SINTEL_SD)


async def test_66_artist_and_album_must_both_be_there(site):
    assert await found_by(site, t="music", q="", artist="Kevin MacLeod", album="Calming") == names(ALBUM)
    assert await found_by(site, t="music", artist="Kevin MacLeod") == names(ALBUM, MP3)
    assert await found_by(site, t="music", artist="Kevin MacLeod", year="2016") == names(ALBUM)
    assert await found_by(site, t="book", author="Mary Shelley", title="Frankenstein") == names(EBOOK, AUDIOBOOK)


async def test_67_unknown_parameters_change_nothing(site):
    usual = await site.titles(t="search")
    assert await site.titles(t="search", maxage="500", **{"del": "1"}, sort="cat_desc", configured="True", minsize="") == usual
    assert await site.titles(t="search", minage="5") == []
    assert await found_by(site, t="search", cat="2000", minsize=str(2**30 + 1)) == names(SINTEL, TEARS)
    assert (await site.titles(t="search", sort="size_desc"))[0] == PACK_1_TO_3.torrent.name


async def test_68_limits_and_offsets(site):
    assert len(await site.titles(t="search", limit="5")) == 5
    assert await site.titles(t="search", limit="0") == []
    assert await site.titles(t="search", offset="99999999") == []
    for parameters in ({"limit": "-1"}, {"offset": "x"}):
        assert error_of(await site.torznab(t="search", **parameters))[:2] == (400, 201)


@pytest.fixture
async def large_site(database):
    """256 torrents, some of which share their moment."""
    torrents = Torrents(database)
    for start in range(0, 256, 64):
        await torrents.store([classified(f"Open Lecture {number} 720p", Kind.OTHER) for number in range(start, start + 64)])
    key = await Accounts(database).create_key("tests", ["search"])
    async with serving(parts_over(database), key.text) as website:
        yield website


@pytest.mark.parametrize("text", ["", "open lecture"])
async def test_69_pages_are_exact(large_site, text):
    pages = [await large_site.items(t="search", q=text, offset=str(offset), limit="500") for offset in (0, 100, 200, 300)]
    assert [len(page) for page in pages] == [100, 100, 56, 0]
    assert len({item.findtext("guid") for page in pages for item in page}) == 256
    channel = await large_site.feed(t="search", q=text, offset="200")
    assert channel.find(f"{NEWZNAB}response").attrib == {"offset": "200", "total": "256"}


async def test_70_without_text_the_newest_comes_first_and_ties_are_broken_by_hash(large_site, database):
    from email.utils import parsedate_to_datetime

    items = await large_site.items(t="search")
    order = [(-parsedate_to_datetime(item.findtext("pubDate")).timestamp(), item.findtext("guid")) for item in items[:64]]
    assert [guid for _, guid in order] == sorted(guid for _, guid in order)
    await Torrents(database).store([SINTEL])
    assert (await large_site.titles(t="search"))[0] == SINTEL.torrent.name


async def test_71_with_text_better_matches_come_first(site):
    assert (await site.titles(t="search", q="Sintel"))[0] in names(SINTEL, SINTEL_SD)
    assert (await site.titles(t="search", q="frankenstein", limit="1")) == (await site.titles(t="search", q="frankenstein"))[:1]


@pytest.mark.parametrize("text", ["-", '"', "...", "--", "“”", "!!!"])
async def test_a_text_without_words_finds_nothing_rather_than_everything(site, text):
    assert await site.titles(t="search", q=text) == []
