from hypothesis import given
from hypothesis import strategies as st

from protocol.dht.recent_nodes import RecentNodes

nodes = st.binary(min_size=26, max_size=26)


@given(st.lists(nodes, max_size=60), st.binary(min_size=20, max_size=20), st.integers(1, 20))
def test_those_near_the_target_are_given_nearest_prefixes_first(heard, target, count):
    recent = RecentNodes()
    for node in heard:
        recent.heard(node)
    last = {int.from_bytes(node[:2], "big") >> 4: node for node in heard}
    prefix = int.from_bytes(target[:2], "big") >> 4
    within_reach = sorted((place ^ prefix, node) for place, node in last.items() if (place ^ prefix) < 256)
    assert recent.near(target, count) == [node for _, node in within_reach[:count]]
    assert set(recent) == set(last.values())


def test_who_answers_displaces_who_was_only_named_and_silence_makes_room():
    recent = RecentNodes()
    named, heard, other = (bytes(20) + bytes((8, 8, 8, number, 1, 1)) for number in range(3))
    recent.named(named)
    assert recent.near(bytes(20), 4) == [named]
    recent.heard(heard)
    recent.named(other)
    recent.silent(named)
    assert recent.near(bytes(20), 4) == [heard]
    recent.silent(heard)
    recent.named(other)
    assert recent.near(bytes(20), 4) == [other]
