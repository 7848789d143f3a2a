from hypothesis import given
from hypothesis import strategies as st

from protocol.dht.address_votes import ENOUGH, AddressVotes
from protocol.dht.budget import MIN_BURST, TokenBucket, TwoGenerations
from protocol.dht.profile import PROFILES


@given(st.floats(0.5, 1000.0), st.lists(st.floats(0.0, 2.0), max_size=40))
def test_a_bucket_never_gives_more_than_its_rate_and_one_burst(rate, pauses):
    bucket = TokenBucket(rate, 0.0, burst_s=0.5)
    now = taken = 0
    for pause in pauses:
        now += pause
        while bucket.take(now):
            taken += 1
        assert taken <= now * rate + max(MIN_BURST, rate * 0.5) + 1e-6


def test_a_bucket_in_debt_gives_nothing_until_it_is_paid():
    bucket = TokenBucket(10.0, 0.0)
    bucket.spend(15)
    assert bucket.available(0.5) == 0
    assert not bucket.take(0.9)
    assert bucket.take(1.3)


def test_two_generations_remember_for_one_to_two_periods():
    remembered = TwoGenerations(10.0, 0.0)
    assert remembered.add_new({b"a", b"b"}) == {b"a", b"b"}
    assert remembered.add_new({b"b", b"c"}) == {b"c"}
    remembered.turn(9.9)
    assert b"a" in remembered
    remembered.turn(10.0)
    assert b"a" in remembered
    assert remembered.add_new({b"a"}) == set()
    remembered.turn(20.0)
    assert b"a" not in remembered
    remembered.add(b"d")
    remembered.turn(100.0)
    assert len(remembered) == 0


def test_two_generations_turn_early_when_full():
    remembered = TwoGenerations(1e9, 0.0, capacity=100)
    for number in range(1000):
        remembered.add(number.to_bytes(4, "big"))
        remembered.turn(1.0)
        assert len(remembered) <= 200


def test_an_address_is_decided_by_many_voters_that_agree():
    votes = AddressVotes()
    assert [votes.vote(b"mine", b"one voter") for _ in range(100)] == [None] * 100
    decided = [votes.vote(b"mine", bytes((number,))) for number in range(ENOUGH)]
    assert b"mine" in decided


def test_voters_who_disagree_decide_nothing():
    votes = AddressVotes()
    assert not any(votes.vote(bytes((number % 3,)), number.to_bytes(2, "big")) for number in range(1000))


def test_the_nodes_of_one_instance_divide_its_budgets():
    whole, part = PROFILES["home"], PROFILES["home"].divided(4)
    assert part.new_addresses_per_s * 4 == whole.new_addresses_per_s == 100
    assert part.packets_per_s * 4 == whole.packets_per_s
