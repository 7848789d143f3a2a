"""Whole networks of node cores, without I/O: seeded loss, duplication and delay."""

import hashlib
import random

import pytest

from protocol.dht import krpc
from protocol.dht.events import InfoHashesHeard, LookupAdvanced, LookupEnded, PeersHeard
from protocol.dht.krpc import announce_peer, get_peers
from protocol.dht.profile import PROFILES
from tests.fakes.udp_network import UdpNetwork


def address_of(number: int) -> tuple[str, int]:
    return f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 6881


def hash_of(name: str) -> bytes:
    return hashlib.sha1(name.encode(), usedforsecurity=False).digest()


def plant(node, hashes, now):
    for info_hash in hashes:
        for peer in range(3):
            node._peers.announce(info_hash, bytes((127, 9, 9, peer)) + b"\x1a\xe1", now)


def hashes_heard(node):
    return {h for event in node.take_findings() if isinstance(event, InfoHashesHeard) for h in event.info_hashes}


@pytest.fixture
def network(make_node):
    """Forty serving nodes who know each other through one bootstrap node; each stores three hashes of its own."""
    net = UdpNetwork(7, loss=0.1, duplication=0.05, delay_s=(0.01, 0.2))
    nodes, planted = [], set()
    for number in range(1, 41):
        node = make_node(number, is_sweeping=False)
        hashes = [hash_of(f"{number}/{part}") for part in range(3)]
        plant(node, hashes, net.now)
        planted |= set(hashes)
        net.attach(address_of(number), node)
        nodes.append(node)
    for _attempt in range(4):
        for number, node in enumerate(nodes, 1):
            if number > 1 and node.is_lonely:
                node.bootstrap([address_of(1)], net.now)
                net.flush(address_of(number))
        net.run(3)
    assert not any(node.is_lonely for node in nodes)
    return net, nodes, planted


def test_a_crawler_finds_every_hash_of_a_lossy_network(network, make_node):
    net, _, planted = network
    crawler = make_node(1000)
    net.attach(address_of(1000), crawler)
    found = set()

    def all_found() -> bool:
        if crawler.is_lonely:
            crawler.bootstrap([address_of(1)], net.now)
        found.update(hashes_heard(crawler))
        return found >= planted

    net.run(120, until=all_found)
    assert found == planted


def test_a_lookup_finds_the_peers_an_announce_has_left(network, make_node):
    net, nodes, _ = network
    info_hash = hash_of("sintel")
    searcher, publisher = nodes[5], nodes[20]
    holders = sorted(nodes, key=lambda node: int.from_bytes(node.node_id, "big") ^ int.from_bytes(info_hash, "big"))[:4]
    asker = ("127.77.0.1", 7000)
    for holder in holders:
        holder.receive_datagram(get_peers(b"aa", publisher.node_id, info_hash), asker, net.now)
        [(answer, _)] = [pair for pair in holder.datagrams_to_send(net.now) if pair[1] == asker]
        token = answer.partition(b"5:token8:")[2][:8]
        holder.receive_datagram(announce_peer(b"ab", publisher.node_id, info_hash, 51413, token), asker, net.now)
        net.flush(address_of(nodes.index(holder) + 1))
        assert [event.announcements for event in holder.take_findings() if isinstance(event, PeersHeard)] == [
            ((info_hash, ("127.77.0.1", 51413)),)
        ]
    number = searcher.look_up(info_hash, net.now)
    net.run(20, until=lambda: not len(searcher._lookups))
    events = [event for event in searcher.take_events() if isinstance(event, LookupAdvanced | LookupEnded)]
    assert events == [LookupAdvanced(number, (("127.77.0.1", 51413),)), LookupEnded(number, 1)]


def test_a_lookup_of_a_lonely_node_ends_at_once(make_node):
    node = make_node(1)
    number = node.look_up(b"h" * 20, 1000.0)
    node.handle_timer(1000.0)
    assert node.take_events() == [LookupEnded(number, 0)]


def test_the_same_seed_gives_the_same_run(make_node):
    def run() -> list[bytes]:
        net = UdpNetwork(3, loss=0.2)
        nodes = [make_node(number) for number in range(1, 6)]
        for number, node in enumerate(nodes, 1):
            net.attach(address_of(number), node)
            node.bootstrap([address_of(1)], net.now)
        net.run(5)
        return [repr(node.statistics()) for node in nodes]

    assert run() == run()


@pytest.mark.parametrize("profile", ["gentle", "home"])
@pytest.mark.parametrize("looks_up", [False, True])
def test_nobody_is_asked_twice_within_a_second_and_the_rate_of_new_addresses_is_kept(make_node, profile, looks_up):
    dice = random.Random(5)
    node = make_node(1, profile=profile)
    sent, now, seconds = [], 1000.0, 10
    for step in range(seconds * 20):
        now += 0.05
        nodes = b"".join(dice.randbytes(20) + bytes((127, 0, dice.randrange(40), dice.randrange(1, 255))) + b"\x1a\xe1" for _ in range(160))
        for start in range(0, len(nodes), 26 * 8):
            node._sweep.hear(nodes[start : start + 26 * 8], now)
        node._recent.named(nodes[:26])
        if looks_up and step % 4 == 0:
            node.look_up(dice.randbytes(20), now)
        node.handle_timer(now)
        sent += [(now, address, krpc.parse(data).method) for data, address in node.datagrams_to_send(now)]
    last = {}
    for at, address, _ in sent:
        assert at - last.get(address, 0) >= 1.0
        last[address] = at
    rates = PROFILES[profile]
    assert rates.new_addresses_per_s * seconds * 0.8 < len(last) <= rates.new_addresses_per_s * (seconds + 0.5)
    assert len(sent) <= rates.packets_per_s * (seconds + 0.5)
    asked_for_peers = sum(method == b"get_peers" for *_, method in sent)
    assert (asked_for_peers > 100) == looks_up


@pytest.mark.parametrize("part", range(4))
def test_a_crawler_with_a_share_finds_the_way_into_it_and_samples_nobody_else(network, make_node, part):
    net, nodes, _ = network
    wanted = {info_hash for node in nodes if node.node_id[0] >> 6 == part for info_hash in node._peers._swarms}
    crawler = make_node(2000 + part, share=f"{part}/4")
    net.attach(address_of(2000), crawler)
    found = set()

    def all_found() -> bool:
        if crawler.is_lonely:
            crawler.bootstrap([address_of(1)], net.now)
        found.update(hashes_heard(crawler))
        return found >= wanted

    net.run(120, until=all_found)
    assert found == wanted
