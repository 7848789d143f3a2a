"""One seed decides the whole swarm, and the plan says exactly what can be found."""

import itertools
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.swarm.keyspace import KeySpace
from bench.swarm.options import SwarmOptions
from bench.swarm.plan import PeerFault, make_plan
from bench.swarm.titles import releases
from bench.swarm.torrents import Hostility, Version
from protocol.metainfo import parse_info


@pytest.fixture(scope="module")
def plan():
    return make_plan(SwarmOptions(seed=3, torrents=1000, nodes=2000))


def test_the_same_seed_gives_the_same_swarm(plan):
    again = make_plan(SwarmOptions(seed=3, torrents=1000, nodes=2000))
    assert again.swarms == plan.swarms
    assert again.nodes == plan.nodes
    assert again.reachable == plan.reachable


def test_another_seed_gives_another_swarm(plan):
    other = make_plan(SwarmOptions(seed=4, torrents=1000, nodes=2000))
    assert other.reachable.isdisjoint(plan.reachable)
    assert {node.node_id for node in other.nodes}.isdisjoint({node.node_id for node in plan.nodes})


def test_a_perfect_swarm_is_reachable_as_a_whole():
    plan = make_plan(SwarmOptions(seed=1, torrents=200, nodes=300).without_trouble())
    assert len(plan.reachable) == 200
    assert {swarm.fault for swarm in plan.swarms} == {"none"}


def test_each_hash_is_stored_on_the_eight_closest_nodes(plan):
    stored = Counter(info_hash for node in plan.nodes for info_hash in node.stored)
    assert set(stored.values()) == {8}
    hashes = {info_hash for swarm in plan.swarms for info_hash in swarm.torrent.swarm_hashes}
    assert stored.keys() == hashes
    wanted = int.from_bytes(min(hashes))
    closest = sorted(plan.nodes, key=lambda node: int.from_bytes(node.node_id) ^ wanted)[:8]
    assert all(min(hashes) in node.stored for node in closest)


def test_traits_and_faults_come_at_the_set_shares():
    plan = make_plan(
        SwarmOptions(seed=9, torrents=3000, nodes=5000, dead=0.3, unsorted=0.2, wrong_ids=0.1, bogus=0.15, faulty_peers=0.1, hostile=0.05)
    )
    shares = {
        "dead": sum(node.is_dead for node in plan.nodes) / 5000,
        "unsorted": sum(node.is_unsorted for node in plan.nodes) / 5000,
        "wrong_ids": sum(node.spoken_id != node.node_id for node in plan.nodes) / 5000,
        "bogus": sum(node.is_bogus for node in plan.nodes) / 5000,
        "hostile": sum(swarm.torrent.hostility is not Hostility.NONE for swarm in plan.swarms) / 3000,
        "faulty": sum(all(peer.fault is not PeerFault.HONEST for peer in swarm.peers) for swarm in plan.swarms) / 3000,
    }
    expected = {"dead": 0.3, "unsorted": 0.2, "wrong_ids": 0.1, "bogus": 0.15, "hostile": 0.05, "faulty": 0.1}
    assert shares == pytest.approx(expected, abs=0.02)
    assert {peer.fault for swarm in plan.swarms for peer in swarm.peers} == set(PeerFault)


def test_unreachable_are_those_nobody_serves_or_nobody_stores(plan):
    for swarm in plan.swarms:
        honest = any(peer.fault is PeerFault.HONEST for peer in swarm.peers)
        stored = any(plan.nodes[index].is_findable for index in swarm.holders)
        assert swarm.is_reachable == (honest and stored and swarm.torrent.hostility is Hostility.NONE)


def test_every_node_and_every_peer_has_an_address_of_its_own_on_loopback(plan):
    nodes = [node.ip for node in plan.nodes]
    peers = [peer.ip for swarm in plan.swarms for peer in swarm.peers]
    assert len({*nodes, *peers}) == len(nodes) + len(peers)
    assert all(ip[0] == 127 for ip in (*nodes, *peers))
    assert len({ip[:3] for ip in nodes}) == len(nodes)  # a /24 each


def test_names_are_unique_even_when_the_catalogue_runs_dry():
    names = [release.name.casefold() for release in itertools.islice(releases(5), 5000)]
    assert len(set(names)) == 5000
    assert all("\0" not in name and "/" not in name for name in names)


def test_the_metadata_says_what_the_list_says(plan):
    honest = [swarm.torrent for swarm in plan.swarms if swarm.torrent.hostility is Hostility.NONE]
    for torrent in honest[:300]:
        info = parse_info(torrent.metadata(), max_files=10_000)
        assert info.name == torrent.release.name
        assert info.info_hash == (torrent.info_hash if torrent.version is not Version.V2 else None)
        assert info.info_hash_v2 == torrent.info_hash_v2
        assert set(info.files) == {("/".join(file.path), file.size) for file in torrent.release.files}
    versions = Counter(torrent.version for torrent in honest)
    assert versions[Version.V1] > versions[Version.HYBRID] > versions[Version.V2] > 20
    sizes = [torrent.metadata_size for torrent in honest]
    assert sum(size > 16384 for size in sizes) > 20  # several BEP 9 pieces


@pytest.mark.parametrize(
    ("hostility", "mark"),
    [
        (Hostility.LONG_NAME, b"x" * 99_000),
        (Hostility.NUL_BYTES, b"\0\0"),
        (Hostility.BIDI_CONTROLS, "\u202e".encode()),
        (Hostility.NESTED_BOMB, b"l" * 5000),
    ],
)
def test_hostile_metadata_carries_its_poison(plan, hostility, mark):
    torrents = [swarm.torrent for swarm in plan.swarms if swarm.torrent.hostility is hostility]
    assert torrents
    assert all(mark in torrent.metadata() for torrent in torrents)


@given(st.integers(1, 200), st.binary(min_size=20, max_size=20), st.integers(1, 12), st.integers())
def test_the_closest_are_the_closest(size, target, count, seed):
    rng = random.Random(seed)
    ids = [rng.randbytes(20) for _ in range(size)]
    wanted = int.from_bytes(target)
    expected = sorted(range(size), key=lambda index: int.from_bytes(ids[index]) ^ wanted)[:count]
    assert KeySpace(ids).closest(target, count) == expected


def test_the_closest_are_found_among_ids_that_share_long_prefixes():
    ids = [bytes(19) + bytes((number,)) for number in range(50)] + [b"\xff" * 20]
    assert KeySpace(ids).closest(b"\xff" * 20, 3)[0] == 50
    assert KeySpace(ids).closest(bytes(20), 3) == [0, 1, 2]
