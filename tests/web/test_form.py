import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from catalog.model import Kind
from protocol.display import clean_text
from storage.search.engine import Order
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
    from urllib.parse import parse_qsl, urlsplit

    assert read_form(dict(parse_qsl(urlsplit(form.url(page=form.page)).query, keep_blank_values=True))) == form


def test_changing_a_filter_goes_back_to_the_first_page():
    assert SearchForm("Sintel", page=4).url(kind=Kind.MOVIE) == "/?q=Sintel&kind=movie"
    assert SearchForm().url() == "/"
