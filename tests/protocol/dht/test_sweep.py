import random

import pytest

from protocol.dht.address_policy import AddressPolicy
from protocol.dht.node_id import distance
from protocol.dht.sweep import MAX_POSTPONED, MIN_INTERVAL_S, POSTPONED_S, REFUSED_FOR_S, SECOND_CHANCES_S, SILENT_FOR_S, Share, Sweep


def sweep(share: str = "0/1", **options) -> Sweep:
    return Sweep(random.Random(1).getrandbits, node_length=26, policy=AddressPolicy(allow_local=True), share=Share.parse(share), **options)


def node(number: int, first: int = 0) -> bytes:
    return bytes((first,)) + number.to_bytes(19, "big") + bytes((127, 0, number >> 8, number & 255, 1, 1))


def drain(walk: Sweep, now: float) -> list[bytes]:
    return list(iter(lambda: walk.next_node(now), None))


def test_a_node_is_asked_once_however_often_it_is_named():
    walk = sweep()
    walk.hear(node(1) + node(2), 0.0)
    walk.hear(node(2) + node(3), 0.0)
    assert drain(walk, 0.0) == [node(1), node(2), node(3)]
    walk.hear(node(1), SILENT_FOR_S - 1)
    assert drain(walk, SILENT_FOR_S - 1) == []
    walk.hear(node(1), SILENT_FOR_S)
    assert drain(walk, SILENT_FOR_S) == [node(1)]


@pytest.mark.parametrize(
    ("interval", "waits"), [(300, 300.0), (21_600, 21_600.0), (10**9, 21_600.0), (0, MIN_INTERVAL_S), (-5, MIN_INTERVAL_S)]
)
def test_the_answered_interval_is_honoured(interval, waits):
    walk = sweep()
    walk.hear(node(1), 0.0)
    walk.next_node(0.0)
    walk.answered(node(1), interval, 1.0, gave_hashes=True)
    walk.hear(node(1), waits)
    assert drain(walk, waits) == []
    assert drain(walk, 1.0 + waits) == [node(1)]
    assert drain(walk, 1.0 + waits) == []


def test_a_node_without_hashes_or_without_bep_51_comes_again_only_when_named():
    walk = sweep()
    walk.hear(node(1) + node(2), 0.0)
    drain(walk, 0.0)
    walk.answered(node(1), 60, 0.0, gave_hashes=False)
    walk.refused(node(2), 0.0)
    assert drain(walk, 100.0) == []
    walk.hear(node(1) + node(2), 100.0)
    assert drain(walk, 100.0) == [node(1)]
    walk.hear(node(2), REFUSED_FOR_S)
    assert drain(walk, REFUSED_FOR_S) == [node(2)]


def test_a_silent_node_gets_a_second_chance_behind_everybody_else():
    walk = sweep()
    walk.hear(node(1), 0.0)
    now, asked = 0.0, 0
    while walk.next_node(now) == node(1):
        asked += 1
        walk.silent(node(1), now)
        now += max(SECOND_CHANCES_S)
        walk.hear(node(100 + asked), now)
        assert walk.next_node(now) == node(100 + asked)
    assert asked == 1 + len(SECOND_CHANCES_S)


def test_a_postponed_node_comes_again_soon():
    walk = sweep()
    walk.hear(node(1), 0.0)
    walk.postpone(walk.next_node(0.0), 0.0)
    assert drain(walk, POSTPONED_S - 0.1) == []
    assert drain(walk, POSTPONED_S) == [node(1)]


def test_a_host_that_plays_ten_thousand_nodes_wears_our_patience_out():
    walk = sweep()
    ports = [bytes(20) + bytes((8, 8, 8, 8)) + port.to_bytes(2, "big") for port in range(1, 10_001)]
    for start in range(0, len(ports), 16):
        walk.hear(b"".join(ports[start : start + 16]), 0.0)
    asked = looks = 0
    for second in range(200):
        found = drain(walk, float(second))
        looks += len(found)
        for late in found[1:]:  # one a second may be asked, the others have to wait
            walk.postpone(late, float(second))
        asked += bool(found)
    assert asked < 200
    assert looks <= len(ports) * (MAX_POSTPONED + 1)
    assert walk.statistics().waiting == 0


def test_only_the_share_is_swept_and_the_shares_cover_everything_once():
    nodes = [node(number, first=number) for number in range(256)]
    walks = [sweep(f"{part}/5") for part in range(5)]
    for walk in walks:
        for start in range(0, 256, 8):
            walk.hear(b"".join(nodes[start : start + 8]), 0.0)
    swept = [found for walk in walks for found in drain(walk, 0.0)]
    assert sorted(swept) == nodes
    for part, walk in enumerate(walks):
        assert all(part * 0x10000 // 5 <= int.from_bytes(walk.random_target()[:2], "big") < (part + 1) * 0x10000 // 5 for _ in range(50))


def test_the_nodes_of_one_instance_divide_its_share():
    assert [Share(1, 2).divided(index, 3) for index in range(3)] == [Share(3, 6), Share(4, 6), Share(5, 6)]


@pytest.mark.parametrize("text", ["", "1", "1/1", "-1/2", "2/2", "a/b", "0/0", "0/65537"])
def test_an_impossible_share_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        Share.parse(text)


def test_targets_differ_from_the_node_in_a_random_one_of_the_first_bits():
    walk = sweep()
    depths = [160 - distance(node(7), walk.target_for(node(7))).bit_length() for _ in range(2000)]
    assert set(depths) == set(range(24))


def test_everything_is_bounded():
    walk = sweep(max_frontier=100, max_waiting=50)
    for number in range(0, 4000, 8):
        walk.hear(b"".join(node(number + step) for step in range(8)), 0.0)
        while (asked := walk.next_node(0.0)) is not None and number % 16:
            walk.answered(asked, 100, 0.0, gave_hashes=True)
    counted = walk.statistics()
    assert counted.frontier < 108
    assert counted.waiting <= 50


def test_odd_lengths_unusable_addresses_and_stuffed_answers_are_left_out():
    walk = sweep()
    walk.hear(node(1) + b"x", 0.0)
    walk.hear(node(1)[:20] + bytes((224, 0, 0, 1, 1, 1)), 0.0)
    walk.hear(node(1)[:20] + bytes((127, 0, 0, 1, 0, 0)), 0.0)
    assert drain(walk, 0.0) == []
    walk.hear(b"".join(map(node, range(1, 70))), 0.0)
    assert len(drain(walk, 0.0)) == 16


def test_a_second_chance_is_off_once_the_node_has_answered():
    walk = sweep()
    walk.hear(node(1), 0.0)
    walk.silent(walk.next_node(0.0), 0.0)
    walk.hear(node(1), SILENT_FOR_S)  # somebody else was always there to ask, until it was named again
    assert walk.next_node(SILENT_FOR_S) == node(1)
    walk.answered(node(1), 21_600, SILENT_FOR_S, gave_hashes=True)
    assert node(1) not in drain(walk, SILENT_FOR_S + 100.0)


def test_an_interval_is_honoured_whatever_is_heard_in_between():
    walk = sweep()
    walk.hear(node(1), 0.0)
    walk.answered(walk.next_node(0.0), 21_600, 0.0, gave_hashes=True)
    dice, now = random.Random(2), 0.0
    for _ in range(1_500_000 // 16):
        now += 0.01
        walk.hear(dice.randbytes(26 * 16), now)
        while walk.next_node(now) is not None:
            pass
    walk.hear(node(1), now)
    assert walk.next_node(now) is None
