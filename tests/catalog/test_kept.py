"""What is kept is what would be made anew."""

from hypothesis import given
from hypothesis import strategies as st

from catalog.kept import Kept


def test_what_has_not_changed_is_made_once():
    made = []
    kept = Kept(lambda source: made.append(source) or list(source), most=10)
    first = kept.of("key", "abc")
    assert first == ["a", "b", "c"]
    assert kept.of("key", "abc") is first
    assert made == ["abc"]


def test_what_has_changed_is_made_again():
    kept = Kept(str.upper, most=10)
    assert [kept.of(1, "a"), kept.of(1, "b"), kept.of(1, "a")] == ["A", "B", "A"]


def test_no_more_are_kept_than_allowed_and_the_oldest_goes_first():
    made = []
    kept = Kept(lambda source: made.append(source) or source, most=2)
    for source in (1, 2, 3, 2, 3, 1):
        assert kept.of(source, source) == source
    assert made == [1, 2, 3, 1]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3))), st.integers(1, 4))
def test_it_never_matters_what_was_asked_before(asked, most):
    kept = Kept(lambda source: source * 2, most=most)
    assert [kept.of(key, source) for key, source in asked] == [source * 2 for _, source in asked]
