"""What ids that come with torrents make of works: by claims alone, without a store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.model import Kind
from catalog.works import MAX_TITLES, Claim, Medium, Shelf, Work, are_near, claim_of, folded
from protocol.identifiers import ExternalId
from tests.fakes.classified import torrent

IMDB, TVDB = ExternalId("imdb", 55662), ExternalId("tvdb", 71471)


def series(*ids: ExternalId, title: str = "The Beverly Hillbillies") -> Claim:
    return Claim(Medium.SERIES, ids, title)


@pytest.mark.parametrize(
    ("kind", "ids", "parsed", "medium"),
    [
        (Kind.MOVIE, (IMDB,), {"year": 2010}, Medium.MOVIE),
        (Kind.TV, (IMDB,), {}, Medium.SERIES),
        (Kind.ANIME, (IMDB,), {"absolute_episodes": (5,)}, Medium.SERIES),
        (Kind.ANIME, (IMDB,), {}, None),  # a film or a whole series: the numbers of TMDb differ
        (Kind.ANIME, (TVDB,), {}, Medium.SERIES),
        (Kind.OTHER, (IMDB,), {}, None),
        (Kind.OTHER, (TVDB,), {}, Medium.SERIES),
        (Kind.ADULT, (TVDB,), {}, None),
        (Kind.MOVIE, (), {}, None),
    ],
)
def test_the_kind_and_the_numbers_tell_films_and_series_apart(kind, ids, parsed, medium):
    claim = claim_of(torrent("Sintel", kind=kind, ids=ids, **parsed))
    assert (claim.medium if claim is not None else None) is medium


def test_a_title_is_claimed_only_where_the_name_tells_it_for_sure():
    def title_of(**said):
        claim = claim_of(torrent("Sintel", title="Sintel", ids=(IMDB,), **said))
        return claim.title

    assert title_of(year=2010) == "Sintel"
    assert title_of() == ""  # a film without its year
    assert title_of(year=2010, confidence=0.6) == ""
    assert title_of(kind=Kind.TV, seasons=(1,)) == "Sintel"
    assert claim_of(torrent("Sintel", title="Sintel", kind=Kind.TV, year=2012, ids=(IMDB,))).year is None


def test_new_numbers_are_a_new_work_and_known_ones_the_known_work():
    shelf = Shelf([Work(7, Medium.SERIES, "The Beverly Hillbillies", numbers={"tvdb": 71471})])
    assert shelf.place(series(TVDB, IMDB)) == 7
    assert shelf.works[7].numbers == {"tvdb": 71471, "imdb": 55662}
    assert shelf.works[7].titles == {"beverly hillbillies"}
    assert shelf.place(series(ExternalId("tvdb", 1))) < 0
    assert shelf.place(Claim(Medium.MOVIE, (TVDB,))) not in {7, None}  # numbered apart


def test_a_claim_that_contradicts_itself_or_the_work_counts_for_nothing():
    shelf = Shelf([Work(7, Medium.SERIES, numbers={"tvdb": 71471, "imdb": 55662})])
    before = dict(shelf.works)
    assert shelf.place(series(TVDB, ExternalId("imdb", 1))) is None
    assert shelf.place(series(IMDB, ExternalId("imdb", 2))) is None
    assert shelf.works == before


@pytest.mark.parametrize(
    ("other", "is_joined"),
    [
        ({"titles": frozenset({"sintel"}), "numbers": {"imdb": 2}}, True),
        ({"titles": frozenset({"durian"}), "numbers": {"imdb": 2}}, False),  # no name in common
        ({"titles": frozenset({"sintel"}), "numbers": {"imdb": 2, "tmdb": 9}}, False),  # another number
        ({"titles": frozenset({"sintel"}), "numbers": {"imdb": 2}, "year": 1990}, False),
        ({"titles": frozenset({"sintel"}), "numbers": {"imdb": 2}, "year": 2011}, True),
    ],
)
def test_works_become_one_only_if_nothing_speaks_against_it(other, is_joined):
    known = Work(3, Medium.MOVIE, "Sintel", 2010, frozenset({"sintel"}), {"tmdb": 1})
    shelf = Shelf([known, Work(5, Medium.MOVIE, **other)])
    placed = shelf.place(Claim(Medium.MOVIE, (ExternalId("tmdb", 1), ExternalId("imdb", 2)), "Sintel", 2010))
    assert placed == (3 if is_joined else None)
    assert shelf.joined == ({5: 3} if is_joined else {})
    assert shelf.current(5) == (3 if is_joined else 5)


def test_a_work_has_so_many_names_and_no_more():
    shelf = Shelf([])
    for number in range(MAX_TITLES + 5):
        place = shelf.place(series(TVDB, title=f"Name {number}"))
    assert len(shelf.works[place].titles) == MAX_TITLES


def test_years_may_differ_by_one():
    assert are_near(2010, 2011)
    assert are_near(None, 1990)
    assert not are_near(2010, 2012)


NUMBERS = st.builds(ExternalId, st.sampled_from(["imdb", "tmdb", "tvdb"]), st.integers(1, 4))
CLAIMS = st.builds(
    Claim,
    st.sampled_from(Medium),
    st.lists(NUMBERS, min_size=1, max_size=3).map(tuple),
    st.sampled_from(["", "Sintel", "Durian", "The Sintel"]),
    st.sampled_from([None, 2010, 2011, 1990]),
)


@given(st.lists(CLAIMS, max_size=25))
def test_whatever_is_claimed_a_number_has_one_work_and_a_work_one_number_of_each_kind(claims):
    shelf = Shelf([])
    placed = [(claim, shelf.place(claim)) for claim in claims]
    owners = [(authority, number, work.medium) for work in shelf.works.values() for authority, number in work.numbers.items()]
    assert len(owners) == len(set(owners))
    for claim, place in placed:
        if place is not None:
            work = shelf.works[shelf.current(place)]
            assert work.medium is claim.medium
            assert all(work.numbers[given.authority] == given.number for given in claim.ids)
            assert not claim.title or not are_near(work.year, claim.year) or folded(claim.title) in work.titles
