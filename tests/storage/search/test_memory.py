"""What searches remember of each other."""

from storage.search.engine import Order, SearchQuery
from storage.search.memory import MANY_KEPT, MANY_LASTING_S, SearchMemory


def test_many_matches_are_remembered_for_every_page_and_order_and_for_a_while():
    now = 100.0
    memory = SearchMemory(lambda: now)
    memory.note_many(SearchQuery("sintel", categories=(2000,)))
    assert memory.has_many(SearchQuery("sintel", categories=(2000,), order=Order.SIZE, limit=7, offset=300))
    assert not memory.has_many(SearchQuery("sintel", categories=(5000,)))
    now += MANY_LASTING_S
    assert not memory.has_many(SearchQuery("sintel", categories=(2000,)))


def test_no_more_queries_are_remembered_than_allowed():
    memory = SearchMemory()
    for number in range(MANY_KEPT + 1):
        memory.note_many(SearchQuery(year=number))
    assert not memory.has_many(SearchQuery(year=0))
    assert memory.has_many(SearchQuery(year=1))
