from dataclasses import fields
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from catalog.model import Kind
from protocol.display import clean_text
from storage.search.engine import Order, SearchQuery
from web.filters import FIELDS
from web.form import PAGE_SIZE, SearchForm, read_form


def test_an_empty_form_shows_the_newest_of_everything_but_adult():
    query = read_form({}).query()
    assert (query.text, query.order, query.offset, query.limit) == ("", Order.NEWEST, 0, PAGE_SIZE)
    assert query.kinds == frozenset(Kind) - {Kind.ADULT}


def test_text_is_searched_by_relevance_unless_asked_otherwise():
    assert read_form({"q": " Sintel \n 2010 "}).query().order is Order.RELEVANCE
    assert read_form({"q": "Sintel"}).text == "Sintel"
    assert read_form({"q": "Sintel", "sort": "size"}).query().order is Order.SIZE
    assert read_form({"sort": "relevance"}).query().order is Order.NEWEST


def test_a_kind_is_searched_alone_and_adult_only_when_asked_for():
    assert read_form({"kind": "Movie"}).query().kinds == {Kind.MOVIE}
    assert read_form({"kind": "adult"}).query().kinds == {Kind.ADULT}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"kind": "film"}, "kind"),
        ({"sort": "up"}, "sort"),
        ({"page": "0"}, "page"),
        ({"page": "-1"}, "page"),
        ({"page": "9999"}, "page"),
        ({"page": "²"}, "page"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(arguments, named):
    with pytest.raises(BadRequest, match=f"^400 Bad Request: {named} must be"):
        read_form(arguments)


@given(
    st.builds(
        SearchForm,
        st.text(max_size=20).map(clean_text),
        st.none() | st.sampled_from(Kind),
        st.sampled_from(["", "size", "newest"]),
        st.integers(1, 200),
    )
)
def test_the_url_of_a_form_says_all_of_it(form):
    assert read_form(dict(parse_qsl(urlsplit(form.url(page=form.page)).query, keep_blank_values=True))) == form


def test_changing_a_filter_goes_back_to_the_first_page():
    assert SearchForm("Sintel", page=4).url(kind=Kind.MOVIE) == "/?q=Sintel&kind=movie"
    assert SearchForm().url() == "/"


def test_filters_are_read_as_people_write_them():
    query = read_form(
        {
            "category": "2040", "year_from": "2010", "season": "0", "min_size": "700 MB", "max_size": "1,5gib",
            "resolution": "1080P, 2160p",
            "language": "en", "found_by": "dht", "seen_after": "2026-01-31", "seen_before": "2026-01-31", "min_seeders": "3",
        }
    ).query()  # fmt: skip
    assert (query.categories, query.year_from, query.season) == ((2040,), 2010, 0)
    assert (query.min_size, query.max_size) == (700 << 20, 3 << 29)
    assert (query.resolutions, query.languages, query.found_by, query.min_seeders) == (("1080p", "2160p"), ("en",), "dht", 3)
    assert (query.seen_after, query.seen_before) == (datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert query.kinds == frozenset()  # whoever names a category means what is in it


def test_every_filter_is_a_field_of_the_query():
    assert {field.asks for field in FIELDS.values()} <= {field.name for field in fields(SearchQuery)}


@pytest.mark.parametrize("field", ["year_from", "season", "min_size", "resolution", "seen_after", "category", "min_files"])
def test_a_filter_that_makes_no_sense_is_named(field):
    with pytest.raises(BadRequest, match=f"^400 Bad Request: {field} must be"):
        read_form({field: "<script>"})


def test_filters_stay_over_pages_and_go_when_they_are_cleared():
    form = read_form({"q": "Sintel", "min_size": "1 GB", "page": "2"})
    assert form.is_narrowed
    assert read_form(dict(parse_qsl(urlsplit(form.url(page=2)).query))) == form
    assert form.without_filters() == SearchForm("Sintel")
