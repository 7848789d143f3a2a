from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.identifiers import ExternalId
from protocol.torznab.categories import Category
from protocol.torznab.errors import ErrorCode, TorznabError
from protocol.torznab.query import MAX_LIMIT, Function, Sort, TorznabQuery, parse


def query(**arguments: str) -> TorznabQuery:
    return parse(arguments.items())


def error_of(**arguments: str) -> TorznabError:
    with pytest.raises(TorznabError) as caught:
        query(**arguments)
    return caught.value


def test_06_parameter_names_are_read_in_any_case():
    assert query(T="SEARCH", Q="Sintel", CaT="2000") == query(t="search", q="Sintel", cat="2000")


def test_07_a_missing_function_is_a_missing_parameter():
    for error in (error_of(), error_of(t=""), error_of(q="Sintel")):
        assert (error.code, error.http_status) == (ErrorCode.MISSING_PARAMETER, 400)


def test_07_an_unknown_function_does_not_exist_and_newznab_extras_are_not_available():
    assert (error_of(t="dance").code, error_of(t="dance").http_status) == (202, 400)
    for name in ("details", "get", "getnfo", "register", "user", "cart-add"):
        assert error_of(t=name).code == ErrorCode.FUNCTION_NOT_AVAILABLE


def test_24_an_empty_value_counts_as_absent():
    assert query(t="search", extended="1", limit="100", cat="", q="", season="", minsize="") == query(t="search")


def test_43_extended_and_attrs_are_accepted_in_every_spelling():
    for extended in ("1", "0", "true", "FALSE", "yes", "no"):
        assert query(t="search", extended=extended, attrs="size,foo") == query(t="search")
    assert error_of(t="search", extended="perhaps").code == ErrorCode.INCORRECT_PARAMETER


def test_46_the_text_is_kept_as_it_was_typed():
    assert query(t="search", q=" Sintel 2010 ").text == "Sintel 2010"


def test_47_a_literal_percent_20_in_the_text_is_a_space():
    assert query(t="search", q="Big%20Buck%20Bunny").text == "Big Buck Bunny"


def test_48_categories_are_kept_as_asked():
    assert query(t="search", cat="5030,2000").categories == (5030, 2000)


def test_49_unknown_categories_are_ignored_and_only_unknown_ones_find_nothing():
    assert query(t="tvsearch", cat="999999,5000") == query(t="tvsearch", cat="5000")
    nothing = query(t="search", cat="999999")
    assert nothing.finds_nothing
    assert nothing.categories == ()
    for bad in ("abc", "5000,", "5000;2000", "-5000", "٥٠٠٠"):
        assert (error_of(t="search", cat=bad).code, error_of(t="search", cat=bad).http_status) == (201, 400)


def test_52_a_function_without_categories_searches_its_own_range():
    assert query(t="search").categories == ()
    assert query(t="movie").categories == (Category.MOVIES,)
    assert query(t="tvsearch").categories == (Category.TV,)
    assert query(t="music").categories == (Category.AUDIO,)
    assert query(t="book").categories == (Category.BOOKS, Category.AUDIO_AUDIOBOOK)


@pytest.mark.parametrize("season", ["1", "01", "S01", "s1"])
@pytest.mark.parametrize("episode", ["2", "02", "E02", "e2"])
def test_55_season_and_episode_are_read_in_every_spelling(season, episode):
    found = query(t="tvsearch", q="The Beverly Hillbillies", season=season, ep=episode)
    assert (found.season, found.episode) == (1, 2)


def test_56_season_00_means_the_specials():
    assert query(t="tvsearch", season="00").season == 0
    assert query(t="tvsearch", season="00", ep="5").episode == 5


def test_57_a_daily_show_is_asked_for_by_date_or_by_year():
    daily = query(t="tvsearch", q="Jeopardy", season="2017", ep="11/10")
    assert (daily.air_date, daily.season, daily.episode, daily.air_year) == (date(2017, 11, 10), None, None, None)
    assert query(t="tvsearch", season="2017").air_year == 2017
    assert (query(t="tvsearch", season="2017", ep="5").season, query(t="tvsearch", season="2017", ep="5").episode) == (2017, 5)


def test_an_episode_or_season_that_cannot_be_read_finds_nothing_rather_than_everything():
    for bad in ({"ep": "x"}, {"season": "one"}, {"season": "2017", "ep": "13/45"}, {"season": "1", "ep": "11/10/12"}):
        assert query(t="tvsearch", **bad).finds_nothing


def test_an_episode_without_a_season_is_an_absolute_number():
    assert query(t="tvsearch", q="Sintel", ep="05").absolute_episode == 5


def test_58_digits_beside_an_id_are_an_absolute_episode_and_no_text():
    found = query(t="tvsearch", tvdbid="71471", q="05")
    assert (found.absolute_episode, found.text) == (5, "")
    assert query(t="tvsearch", q="05").text == "05"


def test_digits_beside_the_id_of_a_film_or_a_season_are_a_title():
    film = query(t="movie", imdbid="tt0026029", q="39")
    assert (film.absolute_episode, film.text) == (None, "39")
    series = query(t="tvsearch", tvdbid="71471", q="24", season="1", ep="2")
    assert (series.absolute_episode, series.season, series.episode, series.text) == (None, 1, 2, "24")


def test_60_several_ids_are_all_kept():
    found = query(t="tvsearch", tvdbid="71471", imdbid="tt1727587", tmdbid="45745")
    assert set(found.ids) == {ExternalId("tvdb", 71471), ExternalId("imdb", 1727587), ExternalId("tmdb", 45745)}


def test_61_imdb_ids_are_equal_with_and_without_tt_and_zeroes():
    assert query(t="movie", imdbid="0123456").ids == query(t="movie", imdbid="tt0123456").ids == query(t="movie", imdbid="123456").ids


def test_65_an_id_of_a_kind_we_never_hold_is_noticed():
    assert query(t="tvsearch", rid="5").has_unsupported_id
    assert query(t="tvsearch", tvmazeid="5").has_unsupported_id
    assert query(t="movie", tmdbid="abc").has_unsupported_id


def test_66_artist_and_album_are_both_required_and_an_empty_text_is_ignored():
    assert query(t="music", q="", artist="Kevin MacLeod", album="Calming", year="2016") == query(
        t="music", q="Kevin MacLeod Calming", year="2016"
    )
    assert query(t="music", artist="VA", album="Open Songs").text == "Open Songs"
    assert query(t="music", artist="VA").text == "VA"


def test_books_are_asked_for_by_author_and_title():
    assert query(t="book", author="Mary Shelley", title="Frankenstein").text == "Mary Shelley Frankenstein"


def test_67_unknown_parameters_and_odd_values_never_become_an_error():
    odd = query(t="search", maxage="500", minage="x", minsize="", maxsize="big", sort="cat_asc", configured="True")
    assert (odd.max_age_days, odd.min_age_days, odd.min_size, odd.max_size, odd.sort) == (500, None, None, None, None)
    assert query(t="search", **{"del": "1"}, group="alt", tag="x", genre="y", year="20x6") == query(t="search")
    assert query(t="search", sort="size_desc").sort is Sort.SIZE


def test_68_limits_are_clamped_and_nonsense_is_refused():
    assert query(t="search", limit="500").limit == MAX_LIMIT
    assert query(t="search", limit="0").limit == 0
    assert query(t="search", offset="300").offset == 300
    for bad in ({"limit": "-1"}, {"offset": "x"}, {"offset": "1.5"}, {"limit": "1e3"}, {"offset": "9" * 30}):
        assert (error_of(t="search", **bad).code, error_of(t="search", **bad).http_status) == (201, 400)


def test_72_json_is_not_answered_here():
    assert error_of(t="search", o="json").code == ErrorCode.INCORRECT_PARAMETER
    assert query(t="search", o="xml") == query(t="search")


def test_of_a_repeated_parameter_the_first_value_that_says_something_counts():
    assert parse([("t", "search"), ("q", ""), ("Q", "Sintel"), ("q", "Tears")]).text == "Sintel"


names = st.sampled_from(
    ["t", "q", "cat", "season", "ep", "limit", "offset", "imdbid", "tvdbid", "year", "minsize", "extended", "sort", "o"]
)
functions = st.sampled_from(["search", "tvsearch", "movie", "music", "book", "caps"])


@given(functions, st.lists(st.tuples(names | st.text(max_size=8), st.text(max_size=30) | st.integers().map(str)), max_size=12))
def test_any_parameters_give_a_query_or_a_torznab_error(function, arguments):
    try:
        found = parse([("t", function), *arguments])
    except TorznabError:
        return
    assert isinstance(found.function, Function)
    assert 0 <= found.limit <= MAX_LIMIT
    assert found.offset >= 0
