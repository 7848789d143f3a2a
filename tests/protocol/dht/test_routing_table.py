import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from protocol.compact import split
from protocol.dht.node_id import distance, is_secure, secure_id
from protocol.dht.routing_table import BAD_AFTER_FAILURES, FORGOTTEN_AFTER_FAILURES, QUESTIONABLE_AFTER_S, K, RoutingTable

OWN = bytes(20)


def node_id(number: int) -> bytes:
    """Ids spread over a few buckets: `number` in the first byte, so that the model can say who is where."""
    return bytes((number,)) + bytes(18) + b"\1"


def address_of(number: int) -> bytes:
    return bytes((127, 0, 0, number, 1, 1))


class TableAgainstModel(RuleBasedStateMachine):
    """The model: for each node, when it was heard last and how often it failed since; a bucket takes eight, first come first served."""

    numbers = st.integers(1, 255)

    @initialize()
    def start(self):
        self.table = RoutingTable(OWN)
        self.now = 1000.0
        self.model = {}  # number: [heard_at, failures]

    def bucket(self, number):
        return [other for other in self.model if other.bit_length() == number.bit_length()]

    @rule(number=numbers)
    def hears_an_answer(self, number):
        self.table.heard_response(node_id(number), address_of(number), self.now)
        if number in self.model or len(self.bucket(number)) < K:
            self.model[number] = [self.now, 0]
        else:
            bad = [other for other in self.bucket(number) if self.model[other][1] >= BAD_AFTER_FAILURES]
            if bad:
                self.sync_replacement(bad, number)

    def sync_replacement(self, bad, number):
        """Which of several bad ones goes is the table's choice; that exactly one goes is not."""
        gone = [other for other in bad if node_id(other) not in self.table]
        assert len(gone) == 1
        del self.model[gone[0]]
        self.model[number] = [self.now, 0]

    @rule(number=numbers)
    def hears_a_query(self, number):
        known = self.table.heard_query(node_id(number), address_of(number), self.now)
        assert known == (number in self.model)
        if known:
            self.model[number][0] = self.now

    @rule(number=numbers)
    def hears_nothing(self, number):
        before = {contact.node_id for contact in self.table}
        self.table.failed(node_id(number), address_of(number), self.now)
        if number not in self.model:
            assert {contact.node_id for contact in self.table} == before
            return
        self.model[number][1] += 1
        if node_id(number) not in self.table:
            failures = self.model.pop(number)[1]
            newcomers = {contact.node_id for contact in self.table} - before
            assert len(newcomers) <= 1
            if newcomers:  # somebody from the replacement cache, of the same bucket
                assert failures >= BAD_AFTER_FAILURES
                [newcomer] = [contact for contact in self.table if contact.node_id in newcomers]
                assert newcomer.node_id[0].bit_length() == number.bit_length()
                self.model[newcomer.node_id[0]] = [newcomer.heard_at, 0]
            else:
                assert failures >= FORGOTTEN_AFTER_FAILURES

    @rule(number=numbers)
    def an_impostor_answers(self, number):
        if number in self.model:
            self.table.heard_response(node_id(number), bytes((127, 1, 1, 1, 9, 9)), self.now)
            [contact] = [contact for contact in self.table if contact.node_id == node_id(number)]
            assert contact.address == address_of(number)

    @rule(seconds=st.sampled_from([1.0, 60.0, 500.0, 901.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def quiet_ones_are_pinged(self):
        for contact in self.table.to_ping(self.now, limit=100):
            assert not contact.is_good(self.now)
        assert self.table.to_ping(self.now, limit=100) == []

    @rule(wanted=st.binary(min_size=20, max_size=20))
    def is_asked_for_the_closest(self, wanted):
        good = [
            node_id(number) + address_of(number)
            for number, (heard_at, failures) in self.model.items()
            if failures < BAD_AFTER_FAILURES and self.now < heard_at + QUESTIONABLE_AFTER_S
        ]
        good.sort(key=lambda node: distance(node[:20], wanted))
        for _ in range(2):  # the second time from what was kept
            assert set(split(self.table.closest_compact(wanted, self.now), 26)) == set(good[:K])

    @invariant()
    def the_same_contacts_in_both(self):
        if hasattr(self, "table"):
            assert {contact.node_id[0] for contact in self.table} == set(self.model)
            assert all(len(self.bucket(number)) <= K for number in self.model)


TestTable = TableAgainstModel.TestCase
TestTable.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


def test_our_own_id_never_enters():
    table = RoutingTable(OWN)
    table.heard_response(OWN, address_of(1), 0.0)
    assert len(table) == 0
    assert not table.has_room_for(OWN)


def test_a_public_address_has_one_place_whatever_ids_it_claims():
    table = RoutingTable(OWN)
    for number in range(1, 100):
        table.heard_response(node_id(number), bytes((8, 8, 8, 8, number, 1)), 0.0)
    assert len(table) == 1


def test_room_is_told_before_somebody_is_pinged():
    table = RoutingTable(OWN)
    for number in range(128, 128 + K):
        assert table.has_room_for(node_id(number))
        table.heard_response(node_id(number), address_of(number), 0.0)
    assert not table.has_room_for(node_id(200))
    for _ in range(BAD_AFTER_FAILURES):
        table.failed(node_id(130), address_of(130), 1.0)
    assert table.has_room_for(node_id(200))


def test_a_bucket_without_change_is_refreshed_with_an_id_of_its_own_range():
    table = RoutingTable(OWN)
    table.heard_response(node_id(0x40), address_of(1), 0.0)
    dice = random.Random(1)
    assert table.to_refresh(899.0, dice.getrandbits) is None
    target = table.to_refresh(900.0, dice.getrandbits)
    assert target is not None
    assert distance(OWN, target).bit_length() == distance(OWN, node_id(0x40)).bit_length()
    assert table.to_refresh(901.0, dice.getrandbits) is None


def test_a_new_own_id_sorts_everybody_again():
    table = RoutingTable(OWN)
    for number in range(1, 40):
        table.heard_response(node_id(number), address_of(number), 5.0)
    size = len(table)
    fresh = secure_id(bytes((8, 8, 8, 8)), 7, random.Random(1).getrandbits)
    assert is_secure(fresh, bytes((8, 8, 8, 8, 1, 1)))
    table.change_own_id(fresh, 10.0)
    assert table.own_id == fresh
    assert 0 < len(table) <= size
    nodes = split(table.closest_compact(node_id(3), 10.0), 26)
    assert len(nodes) == min(K, len(table))
