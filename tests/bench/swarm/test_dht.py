"""The simulated nodes answer truthfully, and the weather spoils answers at the rates it was told to."""

import math
from collections import Counter
from functools import partial

import pytest
import trio

from bench.swarm.options import SwarmOptions
from bench.swarm.plan import make_plan
from bench.swarm.swarm import SimulatedSwarm
from protocol.compact import pack_address, split
from protocol.dht import krpc
from tests.fakes.dht_visitor import NODE_ID, open_visitor

CLEAN = SwarmOptions(seed=2, torrents=60, nodes=300, interval_s=30.0).without_trouble()


@pytest.fixture
def start(nursery):
    def start_swarm(options=CLEAN, **how):
        swarm = SimulatedSwarm(make_plan(options), **how)
        nursery.start_soon(swarm.run)
        return swarm

    return start_swarm


def endpoints(swarm):
    return [pack_address((host, int(port))) for host, port in (text.split(":") for text in swarm.bootstrap)]


async def sweep(swarm, visitor, tries=1):
    """Ask every node for samples; the hashes they told of."""
    found = set()

    async def ask(endpoint):
        response = await visitor.ask(endpoint, "sample_infohashes", {b"target": bytes(20)}, tries=tries)
        if isinstance(response, krpc.Response):
            found.update(split(response.values.get(b"samples", b""), 20))

    for start in range(0, len(swarm.node_endpoints), 50):
        async with trio.open_nursery() as asking:
            for endpoint in swarm.node_endpoints[start : start + 50]:
                asking.start_soon(ask, endpoint)
    return found


@pytest.mark.parametrize("one_socket", [True, False], ids=["one_socket", "many_ports"])
async def test_a_walker_finds_the_peers_of_every_planted_hash(start, one_socket):
    swarm = start(one_socket=one_socket)
    with trio.fail_after(60):
        async with open_visitor() as visitor:
            for planted, expected in zip(swarm.plan.swarms, swarm.peer_endpoints, strict=True):
                for info_hash in planted.torrent.swarm_hashes:
                    assert await visitor.walk(endpoints(swarm)[:1], info_hash) == set(expected)


async def test_a_walker_gets_through_trouble(start):
    swarm = start(
        SwarmOptions(seed=4, torrents=40, nodes=400, loss=0.1, dead=0.3, malformed=0.05, delay_ms=5.0, wrong_ids=0.05, bogus=0.05)
    )
    findable = {swarm.plan.nodes.index(node) for node in swarm.plan.nodes if node.is_findable and not node.is_bogus}
    with trio.fail_after(120):
        async with open_visitor() as visitor:
            for planted, expected in zip(swarm.plan.swarms[:6], swarm.peer_endpoints, strict=False):
                if findable.intersection(planted.holders):
                    assert await visitor.walk(endpoints(swarm), planted.torrent.info_hash, within=0.1) == set(expected)


async def test_a_sweep_over_all_nodes_finds_exactly_the_reachable_hashes(start):
    swarm = start()
    with trio.fail_after(30):
        async with open_visitor() as visitor:
            found = await sweep(swarm, visitor)
    assert found == {info_hash for planted in swarm.plan.swarms for info_hash in planted.torrent.swarm_hashes}
    assert swarm.plan.reachable <= found
    counted = swarm.counters.report()
    assert counted["recall"]["sampled"] == counted["reachable"] == 60
    assert counted["queries"]["sample_infohashes"] == counted["queries_per_node"]["nodes"] == 300
    assert counted["missing"]["sampled"] == []
    assert len(counted["missing"]["peers_told"]) == 20  # as many as a report names
    assert counted["samples_early"] == 0


async def test_nodes_name_the_eight_closest_of_the_network(start):
    swarm = start()
    target = b"\x5a" * 20
    closest = sorted(swarm.plan.nodes, key=lambda node: int.from_bytes(node.node_id) ^ int.from_bytes(target))[:8]
    with trio.fail_after(5):
        async with open_visitor() as visitor:
            for endpoint in endpoints(swarm):
                response = await visitor.ask(endpoint, "find_node", {b"target": target})
                named = [compact[:20] for compact in split(response.values[b"nodes"], 26)]
                asked = swarm.plan.nodes[swarm.node_endpoints.index(endpoint)]
                assert named[:7] == [node.node_id for node in closest if node is not asked][:7]
                assert response.node_id == asked.node_id
                assert response.node_id not in named


async def test_an_announced_peer_is_told_to_the_next_who_asks(start):
    swarm = start()
    node = endpoints(swarm)[0]
    info_hash = b"announced in a test!"
    with trio.fail_after(5):
        async with open_visitor() as visitor:
            token = (await visitor.ask(node, "get_peers", {b"info_hash": info_hash})).values[b"token"]
            refused = await visitor.ask(node, "announce_peer", {b"info_hash": info_hash, b"port": 6881, b"token": b"made up"})
            assert refused.code == 203
            await visitor.ask(node, "announce_peer", {b"info_hash": info_hash, b"port": 6881, b"token": token})
            told = await visitor.ask(node, "get_peers", {b"info_hash": info_hash})
            assert told.values[b"values"] == [pack_address(("127.0.0.1", 6881))]
            samples = (await visitor.ask(node, "sample_infohashes", {b"target": bytes(20)})).values[b"samples"]
            assert info_hash in split(samples, 20)


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("find_node", {}, 203),
        ("get_peers", {b"info_hash": b"short"}, 203),
        ("vote", {b"target": bytes(20)}, 204),
        ("ping", {b"id": b"x"}, 203),
    ],
)
async def test_a_wrong_query_is_refused_as_bep_5_says(start, method, arguments, code):
    swarm = start()
    with trio.fail_after(5):
        async with open_visitor() as visitor:
            assert (await visitor.ask(endpoints(swarm)[0], method, arguments)).code == code


async def test_samples_are_at_most_twenty_and_stay_the_same_within_the_interval(start):
    swarm = start(SwarmOptions(seed=6, torrents=300, nodes=10, interval_s=3600.0).without_trouble())
    with trio.fail_after(5):
        async with open_visitor() as visitor:
            first, second = [(await visitor.ask(endpoints(swarm)[0], "sample_infohashes", {b"target": bytes(20)})).values for _ in range(2)]
    assert len(first[b"samples"]) == 400
    assert first == second
    assert first[b"num"] > 200
    assert 1800 <= first[b"interval"] <= 5400
    assert swarm.counters.report()["samples_early"] == 1


async def test_asking_one_node_too_fast_is_counted(start):
    swarm = start()
    with trio.fail_after(10):
        async with open_visitor() as visitor:
            for _ in range(60):
                await visitor.ask(endpoints(swarm)[0], "ping")
    counted = swarm.counters.report()
    assert counted["over_rate"] == 1
    assert counted["queries_per_node"]["max"] == 60


async def test_lost_broken_and_doubled_answers_come_at_the_set_rates(start):
    options = SwarmOptions(seed=8, torrents=10, nodes=1000, loss=0.2, malformed=0.1, duplicates=0.15, dead=0.0, delay_ms=0.0)
    swarm = start(options)
    with trio.fail_after(30):
        async with open_visitor() as visitor:
            for start_index in range(0, 1000, 100):
                async with trio.open_nursery() as asking:
                    for endpoint in swarm.node_endpoints[start_index : start_index + 100]:
                        asking.start_soon(partial(visitor.ask, endpoint, "ping", within=0.1))
            senders = Counter(sender for _, sender in visitor.received)
    assert len(senders) / 1000 == pytest.approx(0.8, abs=0.04)
    assert sum(count == 2 for count in senders.values()) / 1000 == pytest.approx(0.15, abs=0.04)
    assert swarm.counters.fates["malformed"] / 1000 == pytest.approx(0.1, abs=0.03)


async def test_unsorted_nodes_need_the_lenient_decoder(start):
    swarm = start(SwarmOptions(seed=2, torrents=5, nodes=50, unsorted=1.0, loss=0.0, malformed=0.0, dead=0.0))
    with trio.fail_after(5):
        async with open_visitor() as visitor:
            assert await visitor.ask(swarm.node_endpoints[0], "ping") is not None
            (datagram, _), *_ = visitor.received
    with pytest.raises(krpc.MalformedDatagram):
        krpc.parse(datagram)


async def test_answers_are_delayed_as_told(start):
    swarm = start(SwarmOptions(seed=2, torrents=5, nodes=50, delay_ms=100.0, loss=0.0, malformed=0.0, dead=0.0))
    with trio.fail_after(5):
        async with open_visitor() as visitor:
            started = trio.current_time()
            assert await visitor.ask(swarm.node_endpoints[0], "ping", within=3) is not None
            assert 0.04 < trio.current_time() - started < 1


async def test_invented_neighbours_stay_within_loopback(start):
    swarm = start(SwarmOptions(seed=2, torrents=5, nodes=30, bogus=1.0, loss=0.0, malformed=0.0, dead=0.0, delay_ms=0.0))
    with trio.fail_after(5):
        async with open_visitor() as visitor:
            named = []
            for endpoint in swarm.node_endpoints:
                response = await visitor.ask(endpoint, "find_node", {b"target": bytes(20)})
                named += split(response.values[b"nodes"], 26)
    assert named
    assert all(compact[20] == 127 for compact in named)
    assert not {compact[20:] for compact in named}.intersection(swarm.node_endpoints)


@pytest.mark.parametrize("one_socket", [True, False], ids=["one_socket", "many_ports"])
async def test_the_swarm_asks_back_and_announces_with_the_token_it_was_given(start, nursery, one_socket):
    swarm = start(
        SwarmOptions(seed=2, torrents=20, nodes=50, chatter_per_s=300.0, loss=0.0, dead=0.0, malformed=0.0), one_socket=one_socket
    )
    announced = []
    with trio.fail_after(10):
        async with open_visitor() as visitor:
            await visitor.ask(endpoints(swarm)[0], "ping")
            while len(announced) < 5:
                while visitor.queries:
                    query, sender = visitor.queries.pop()
                    if query.method == b"announce_peer":
                        assert query.arguments[b"token"] == b"t" + sender
                        announced.append((query.arguments[b"info_hash"], sender[:4] + query.arguments[b"port"].to_bytes(2)))
                    await visitor.answer(query, sender, {b"token": b"t" + sender})
                await trio.sleep(0.01)
    told = {planted.torrent.info_hash: set(peers) for planted, peers in zip(swarm.plan.swarms, swarm.peer_endpoints, strict=True)}
    assert all(peer in told[info_hash] for info_hash, peer in announced if one_socket)
    assert all(info_hash in swarm.plan.reachable for info_hash, _ in announced)


async def test_garbage_changes_nothing(start):
    swarm = start()
    with trio.fail_after(5):
        async with open_visitor() as visitor:
            for number in range(200):
                await visitor._socket.sendto(bytes((number,)) * (1 + number * 3), ("127.0.0.1", int(swarm.bootstrap[0].split(":")[1])))
                await visitor._socket.sendto(bytes((number,)) * (1 + number * 3), tuple(_address(swarm.bootstrap[0])))
            assert (await visitor.ask(endpoints(swarm)[0], "ping")).node_id != NODE_ID
    assert math.isfinite(swarm.counters.report()["seconds"])


def _address(text):
    host, port = text.split(":")
    return host, int(port)
