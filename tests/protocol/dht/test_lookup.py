import random

from protocol.dht.address_policy import AddressPolicy
from protocol.dht.lookup import CLOSEST, MAX_QUERIES, PARALLEL, Lookup
from protocol.dht.node_id import distance

TARGET = bytes(20)
SLOW_AFTER_S = 1.5


def node(number: int) -> bytes:
    return number.to_bytes(20, "big") + bytes((127, number >> 16 & 255, number >> 8 & 255, number & 255, 1, 1))


def look_up(seeds, ends_at: float = 100.0) -> Lookup:
    return Lookup(TARGET, seeds, node_length=26, policy=AddressPolicy(allow_local=True), ends_at=ends_at)


def ask(lookup: Lookup, now: float = 0.0) -> list[bytes]:
    wanted = lookup.wanted(now, SLOW_AFTER_S, lambda _: True)
    for candidate in wanted:
        lookup.asked(candidate, now)
    return wanted


def test_the_nearest_are_asked_first_and_only_so_many_at_a_time():
    lookup = look_up([node(number) for number in (50, 10, 40, 20, 30)])
    assert ask(lookup) == [node(10), node(20), node(30), node(40)]
    assert ask(lookup) == []
    lookup.answered(node(10), b"", [])
    assert ask(lookup) == [node(50)]


def test_a_slow_node_no_longer_holds_its_place_but_its_answer_is_taken():
    lookup = look_up([node(number) for number in range(1, 9)])
    assert len(ask(lookup)) == PARALLEL
    assert ask(lookup, SLOW_AFTER_S - 0.1) == []
    assert len(ask(lookup, SLOW_AFTER_S)) == PARALLEL
    assert lookup.answered(node(1), b"", [b"\x7f\0\0\1\1\1"]) == [b"\x7f\0\0\1\1\1"]


def test_peers_are_named_once_and_only_usable_ones():
    lookup = look_up([node(1), node(2)])
    ask(lookup)
    good, never = b"\x7f\0\0\1\1\1", b"\xe0\0\0\1\1\1"
    assert lookup.answered(node(1), b"", [good, never, good]) == [good]
    assert lookup.answered(node(2), b"", [good]) == []
    assert lookup.peer_count == 1


def test_it_walks_to_the_closest_nodes_of_a_network_and_stops():
    dice = random.Random(4)
    network = sorted(dice.sample(range(1, 1 << 20), 500))
    lookup = look_up([node(number) for number in network[-3:]])
    asked = 0
    while not lookup.is_done(0.0, SLOW_AFTER_S):
        for candidate in ask(lookup):
            asked += 1
            own = int.from_bytes(candidate[:20], "big")
            # A node knows a random eight of those nearer to the target than itself, as its buckets would.
            nearer = [number for number in network if number < own]
            lookup.answered(candidate, b"".join(node(number) for number in dice.sample(nearer, min(8, len(nearer)))), [])
    closest = [candidate.node for candidate in lookup._candidates[:CLOSEST]]
    assert closest == sorted(closest, key=lambda found: distance(found[:20], TARGET))
    assert closest[0] == node(network[0])
    assert asked < 40


def test_failed_nodes_make_room_for_others():
    lookup = look_up([node(number) for number in range(1, 20)])
    for _ in range(5):
        for candidate in ask(lookup):
            lookup.failed(candidate)
    assert ask(lookup) == []
    assert lookup.is_done(0.0, SLOW_AFTER_S)


def test_it_ends_in_time_and_after_so_many_queries_however_many_nodes_are_invented():
    assert look_up([node(1)], ends_at=5.0).is_done(5.0, SLOW_AFTER_S)
    lookup = look_up([node(1 << 23)])
    number, asked = 1 << 23, 0
    while not lookup.is_done(0.0, SLOW_AFTER_S):
        for candidate in ask(lookup):
            asked += 1
            number -= 16
            lookup.answered(candidate, b"".join(node(number - step) for step in range(16)), [])
    assert asked == MAX_QUERIES


def test_nobody_to_ask_is_done_at_once():
    assert look_up([]).is_done(0.0, SLOW_AFTER_S)


def test_nodes_that_may_not_be_asked_now_do_not_hold_up_the_others():
    lookup = look_up([node(number) for number in range(1, 9)])
    assert lookup.wanted(0.0, SLOW_AFTER_S, lambda found: found != node(1)) == [node(number) for number in range(2, 2 + PARALLEL)]


def test_the_end_does_not_wait_for_slow_nodes():
    lookup = look_up([node(number) for number in range(1, 5)])
    for candidate in ask(lookup):
        if candidate != node(2):
            lookup.answered(candidate, b"", [])
    assert not lookup.is_done(SLOW_AFTER_S - 0.1, SLOW_AFTER_S)
    assert lookup.is_done(SLOW_AFTER_S, SLOW_AFTER_S)


def test_an_answer_of_a_node_that_was_pushed_out_meanwhile_is_taken():
    lookup = look_up([node((1 << 22) + number) for number in range(4)])
    far = ask(lookup)
    for start in range(0, 320, 16):
        lookup.answered(far[0], b"".join(node(1000 + start + step) for step in range(16)), [])
    assert lookup.asked_at(far[3]) is None
    assert lookup.answered(far[3], b"", [b"\x7f\0\0\1\1\1"]) == [b"\x7f\0\0\1\1\1"]
    lookup.failed(far[2])


def test_one_host_with_many_ids_has_one_place_in_a_look_up():
    def named(distance: int, ip: bytes, port: int) -> bytes:
        return distance.to_bytes(20, "big") + ip + port.to_bytes(2, "big")

    honest = [named(1000 + number, bytes((8, 8, 8, number)), 6881) for number in range(1, 9)]
    lookup = Lookup(bytes(20), honest[:1], node_length=26, policy=AddressPolicy(), ends_at=20.0)
    lookup.asked(honest[0], 0.0)
    sybils = [named(number, bytes((9, 9, 9, 9)), number) for number in range(1, 9)]
    lookup.answered(honest[0], b"".join(sybils + honest[1:]), [])
    assert lookup.wanted(0.0, 1.0, lambda _: True) == [sybils[0], *honest[1:4]]
