import random

from protocol.dht.query_book import Purpose, QueryBook

ADDRESS = ("127.0.0.1", 6881)
NODE = b"n" * 20 + bytes((127, 0, 0, 1, 26, 225))


def book() -> QueryBook:
    return QueryBook(random.Random(1).getrandbits, timeout_s=4.0)


def test_an_answer_matches_its_query_once():
    queries = book()
    transaction_id = queries.add(ADDRESS, NODE, Purpose.PING, None, 0.0)
    query = queries.answered(transaction_id, ADDRESS)
    assert (query.node, query.purpose) == (NODE, Purpose.PING)
    assert queries.answered(transaction_id, ADDRESS) is None


def test_an_answer_from_another_address_is_not_one():
    queries = book()
    transaction_id = queries.add(ADDRESS, NODE, Purpose.PING, None, 0.0)
    assert queries.answered(transaction_id, ("127.0.0.2", 6881)) is None
    assert queries.answered(transaction_id, ("127.0.0.1", 6882)) is None
    assert queries.answered(b"", ADDRESS) is None
    assert queries.answered(transaction_id, ADDRESS) is not None


def test_queries_expire_in_their_order():
    queries = book()
    for second in range(3):
        queries.add(ADDRESS, NODE, Purpose.SAMPLE, second, float(second))
    assert queries.expire(3.9) == []
    assert [query.context for query in queries.expire(5.0)] == [0, 1]
    assert len(queries) == 1
    assert [query.context for query in queries.expire(100.0)] == [2]
