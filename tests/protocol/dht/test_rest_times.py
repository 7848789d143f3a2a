from hypothesis import given
from hypothesis import strategies as st

from protocol.dht.rest_times import RestTimes


def test_an_address_never_met_may_be_asked():
    assert RestTimes(1000)[b"\1\2\3\4\5\6"] == 0


@given(st.dictionaries(st.binary(min_size=6, max_size=6), st.floats(0.0, 4e9), max_size=20))
def test_nobody_rests_for_less_than_was_noted(rests):
    times = RestTimes()
    for address, until in rests.items():
        times.rest(address, until)
        assert until <= times[address] <= until + 1


def test_a_crowded_table_leaves_strangers_alone_and_takes_no_more_memory():
    times = RestTimes(100)
    for number in range(10_000):
        times.rest(number.to_bytes(6, "big"), 1000.0)
    assert times[b"another"] == 1000
