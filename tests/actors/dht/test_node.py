"""The I/O shell on real loopback sockets: our node among nodes of ours."""

import socket
from dataclasses import replace

import pytest
import trio

from actors.dht.node import DhtNode
from actors.dht.plan import plan_nodes
from catalog.messages import InfoHashesSampled, LookUpPeers, PeersAnnounced
from config.settings import DhtSettings
from protocol.dht import krpc
from protocol.identifiers import InfoHash
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox

ID = b"i" * 20


class Running:
    def __init__(self, nursery, bind: str = "127.51.0.1:0", routers=(), capacity: int = 100) -> None:
        self.orders = Mailbox[LookUpPeers]("orders", 100)
        self.findings = Mailbox[InfoHashesSampled | PeersAnnounced]("findings", capacity)
        settings = DhtSettings(
            bind=(bind,), nodes=1, allow_loopback=True, profile="lab", bootstrap=tuple(f"{host}:{port}" for host, port in routers)
        )
        [plan] = plan_nodes(settings)
        self.heart = Heart()
        self.actor = DhtNode(self.orders.open_inbox(), self.findings, plan, settings, self.heart)
        nursery.start_soon(self.actor.run)

    async def started(self) -> "Running":
        while self.actor.address[1] == 0:  # noqa: ASYNC110  (there is no event for it outside the tree)
            await trio.sleep(0.01)
        return self

    async def until(self, condition) -> None:
        while not condition(self.actor.statistics()):  # noqa: ASYNC110  (a counter has no event)
            await trio.sleep(0.01)


@pytest.fixture
async def nodes():
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            first = await Running(nursery, "127.51.0.1:0").started()
            second = await Running(nursery, "127.51.0.2:0", [first.actor.address]).started()
            await second.until(lambda statistics: statistics.core.table_good == 1)
            yield nursery, first, second
            nursery.cancel_scope.cancel()


async def announce(target, info_hash: InfoHash, host: str = "127.52.0.1") -> None:
    """A peer tells a node that it has something."""
    with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        await sock.bind((host, 0))
        await sock.sendto(krpc.get_peers(b"aa", ID, info_hash, is_read_only=True), target)
        token = krpc.parse((await sock.recvfrom(2048))[0]).values[b"token"]
        await sock.sendto(krpc.announce_peer(b"ab", ID, info_hash, 51413, token), target)
        assert isinstance(krpc.parse((await sock.recvfrom(2048))[0]), krpc.Response)


async def test_what_one_node_stores_the_other_samples_and_looks_up(nodes):
    _, first, second = nodes
    info_hash = InfoHash(b"h" * 20)
    await announce(first.actor.address, info_hash)
    inbox = first.findings.open_inbox()
    reported = {type(finding): finding for finding in [await inbox.receive(), await inbox.receive()]}
    assert reported[InfoHashesSampled].info_hashes == (info_hash,)
    assert reported[PeersAnnounced].announcements == ((info_hash, ("127.52.0.1", 51413)),)

    answers, found = trio.open_memory_channel(10)
    await second.orders.send(LookUpPeers(info_hash, answers))
    assert [group.peers async for group in found] == [(("127.52.0.1", 51413),)]
    assert second.orders.statistics().held == 0
    assert second.actor.statistics().lookups_ended == 1


async def test_a_full_mailbox_stops_the_asking_but_not_the_answering(nodes):
    nursery, first, _ = nodes
    running = await Running(nursery, "127.51.0.3:0", [first.actor.address], capacity=1).started()
    await running.until(lambda statistics: statistics.core.table_good >= 1)
    for number in range(3):
        await announce(running.actor.address, InfoHash(bytes((number,)) * 20), f"127.52.1.{number}")
        await trio.sleep(0.3)
    statistics = running.actor.statistics()
    assert statistics.is_held_back
    assert statistics.findings_dropped == running.findings.statistics().drops > 0
    inbox = running.findings.open_inbox()
    inbox.done(await inbox.receive())
    await running.until(lambda later: not later.is_held_back)


async def test_a_node_that_knows_nobody_yet_keeps_the_orders_until_it_does(nodes):
    nursery, first, _ = nodes
    info_hash = InfoHash(b"h" * 20)
    await announce(first.actor.address, info_hash)
    restarted = Running(nursery, "127.51.0.5:0", [first.actor.address])  # as after a crash: an order waits, the table is empty
    answers, found = trio.open_memory_channel(10)
    restarted.orders.send_nowait(LookUpPeers(info_hash, answers))
    assert [group.peers async for group in found] == [(("127.52.0.1", 51413),)]


async def test_orders_that_nobody_can_be_asked_about_end_with_the_inbox():
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            alone = await Running(nursery, "127.51.0.6:0").started()
            answers, found = trio.open_memory_channel(10)
            await alone.orders.send(LookUpPeers(InfoHash(b"h" * 20), answers))
            alone.orders.close()
            assert [group async for group in found] == []
    assert alone.orders.statistics().held == 0


async def test_nobody_waiting_for_peers_ends_the_look_up(nodes):
    _, first, second = nodes
    await announce(first.actor.address, InfoHash(b"h" * 20))
    answers, found = trio.open_memory_channel(10)
    found.close()
    await second.orders.send(LookUpPeers(InfoHash(b"h" * 20), answers))
    await second.until(lambda statistics: statistics.lookups_ended == 1)
    assert second.orders.statistics().held == 0


async def test_the_end_of_the_inbox_ends_the_node_and_its_look_ups():
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as router:
                await router.bind(("127.51.1.1", 0))
                running = await Running(nursery, "127.51.0.4:0", [router.getsockname()]).started()
                await answer_once(router)
                await running.until(lambda statistics: statistics.core.table_good == 1)
                answers, found = trio.open_memory_channel(10)
                await running.orders.send(LookUpPeers(InfoHash(b"h" * 20), answers))  # the only node we know says nothing more
                await running.until(lambda statistics: statistics.core.lookups == 1)
                running.orders.close()
                assert [group async for group in found] == []
    assert running.orders.statistics().held == 0


async def answer_once(router) -> None:
    data, address = await router.recvfrom(2048)
    query = krpc.parse(data)
    assert query.method == b"find_node"
    await router.sendto(krpc.response(query.transaction_id, {b"id": ID, b"nodes": b""}, b"\x7f\0\0\1\0\1"), address)


async def test_an_empty_table_asks_the_routers_again_and_again():
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as router:
                await router.bind(("127.51.1.1", 0))
                running = await Running(nursery, "127.51.0.5:0", [router.getsockname(), ("name.invalid", 1)]).started()
                await router.recvfrom(2048)
                await answer_once(router)
                await running.until(lambda statistics: statistics.core.table_good == 1)
                assert running.actor.statistics().bootstraps == 2
                assert running.actor.statistics().failures["router_not_resolved"] == 2
                running.orders.close()


async def test_garbage_is_counted_and_the_heart_beats(nodes):
    _, first, _ = nodes
    with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for garbage in (b"", b"hello", b"l" * 1400, b"x" * 3000):
            await sock.sendto(garbage, first.actor.address)
    await first.until(lambda statistics: sum(statistics.core.dropped.values()) >= 4)
    dropped = first.actor.statistics().core.dropped
    assert {"not_bencode": 2, "too_deep": 1, "too_long": 1}.items() <= dropped.items()
    beat = first.heart.last_beat
    await trio.sleep(0.2)
    assert first.heart.last_beat > beat


async def test_ipv6_nodes_find_each_other():
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            first = await Running(nursery, "[::1]:0").started()
            second = await Running(nursery, "[::1]:0", []).started()
            second.actor._routers = [first.actor.address]
            await second.until(lambda statistics: statistics.core.table_good == 1)
            await first.until(lambda statistics: statistics.core.table_good == 1)
            first.orders.close()
            second.orders.close()
    assert replace(second.actor.statistics()).address[0] == "::1"
