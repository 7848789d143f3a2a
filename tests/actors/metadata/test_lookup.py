import trio
import trio.testing

from actors.metadata.lookup import PeerLookup
from catalog.messages import LookUpPeers, PeersFound
from protocol.identifiers import Address, InfoHash
from supervisor.mailbox import Mailbox

HASH = InfoHash(bytes(20))
ONE: Address = ("192.0.2.1", 6881)
TWO: Address = ("192.0.2.2", 6881)


def mailboxes(count: int) -> list[Mailbox[LookUpPeers]]:
    return [Mailbox(f"orders-{number}", 4) for number in range(count)]


async def test_peers_are_handed_on_as_they_come_and_the_end_is_the_nodes(nursery: trio.Nursery, autojump_clock: object) -> None:
    [orders] = mailboxes(1)
    heard: list[tuple[float, tuple[Address, ...]]] = []

    async def node() -> None:
        order = await orders.open_inbox().receive()
        for seconds, peer in ((1.0, ONE), (2.0, TWO)):
            await trio.sleep(seconds)
            order.answers.send_nowait(PeersFound(order.info_hash, (peer,)))
        await trio.sleep(1.0)
        order.answers.close()

    nursery.start_soon(node)
    lookup = PeerLookup([[orders]], timeout_s=20.0)
    started = trio.current_time()
    await lookup.look_up(HASH, lambda peers: heard.append((trio.current_time() - started, peers)))
    assert heard == [(1.0, (ONE,)), (3.0, (TWO,))]
    assert trio.current_time() - started == 4.0
    statistics = lookup.statistics()
    assert (statistics.running, statistics.started, statistics.with_peers, statistics.peers, statistics.timed_out) == (0, 1, 1, 2, 0)


async def test_one_node_of_each_group_is_asked_in_turn(nursery: trio.Nursery) -> None:
    first, second, third = mailboxes(3)
    asked: list[str] = []

    async def node(orders: Mailbox[LookUpPeers]) -> None:
        inbox = orders.open_inbox()
        async for order in inbox:
            asked.append(orders.name)
            order.answers.close()
            inbox.done(order)

    for orders in (first, second, third):
        nursery.start_soon(node, orders)
    lookup = PeerLookup([[first, second], [third]], timeout_s=20.0)
    for _ in range(4):
        await lookup.look_up(HASH, lambda peers: None)
    assert sorted(asked) == ["orders-0"] * 2 + ["orders-1"] * 2 + ["orders-2"] * 4
    for orders in (first, second, third):
        orders.close()


async def test_a_stopped_node_is_passed_over(nursery: trio.Nursery, autojump_clock: object) -> None:
    first, second = mailboxes(2)
    first.close()
    lookup = PeerLookup([[first, second]], timeout_s=20.0)
    nursery.start_soon(lookup.look_up, HASH, lambda peers: None)
    order = await second.open_inbox().receive()
    order.answers.close()
    second.close()
    started = trio.current_time()
    await lookup.look_up(HASH, lambda peers: None)  # nobody left: it ends at once
    assert trio.current_time() == started


async def test_silence_and_full_mailboxes_end_at_the_timeout(autojump_clock: object) -> None:
    [orders] = mailboxes(1)
    lookup = PeerLookup([[orders]], timeout_s=20.0)
    for _ in range(6):  # four fit, the others wait to be sent
        started = trio.current_time()
        await lookup.look_up(HASH, lambda peers: None)
        assert trio.current_time() - started == 20.0
    assert lookup.statistics().timed_out == 6


async def test_a_cancelled_look_up_closes_its_channel_so_that_the_node_stops(nursery: trio.Nursery) -> None:
    [orders] = mailboxes(1)
    lookup = PeerLookup([[orders]], timeout_s=20.0)
    with trio.CancelScope() as scope:

        async def node() -> None:
            order = await orders.open_inbox().receive()
            scope.cancel()
            await trio.testing.wait_all_tasks_blocked()
            try:
                order.answers.send_nowait(PeersFound(HASH, (ONE,)))
            except trio.BrokenResourceError:
                stopped.set()

        stopped = trio.Event()
        nursery.start_soon(node)
        await lookup.look_up(HASH, lambda peers: None)
    with trio.fail_after(5):
        await stopped.wait()
    assert lookup.statistics().running == 0


async def test_slow_look_ups_make_room_for_fewer_quick_ones_for_more(nursery: trio.Nursery, autojump_clock: object) -> None:
    [orders] = mailboxes(1)
    pause = 0.1

    async def node() -> None:
        inbox = orders.open_inbox()
        async for order in inbox:
            await trio.sleep(pause)
            order.answers.close()
            inbox.done(order)

    nursery.start_soon(node)
    lookup = PeerLookup([[orders]], timeout_s=20.0)
    first = lookup.room
    for _ in range(20):
        await lookup.look_up(HASH, lambda peers: None)
    assert lookup.room >= first + 10
    pause = 11.0
    for _ in range(80):
        await lookup.look_up(HASH, lambda peers: None)
    assert lookup.room == 4
    orders.close()


async def test_a_look_up_without_peers_is_not_counted_for_those_of_another(nursery: trio.Nursery, autojump_clock: object) -> None:
    [orders] = mailboxes(1)

    async def node() -> None:
        inbox = orders.open_inbox()
        with (await inbox.receive()).answers as nothing, (await inbox.receive()).answers as something:
            something.send_nowait(PeersFound(HASH, (ONE,)))
            await trio.sleep(1.0)
            nothing.close()

    lookup = PeerLookup([[orders]], timeout_s=20.0)
    async with trio.open_nursery() as both:
        both.start_soon(lookup.look_up, HASH, lambda peers: None)
        both.start_soon(lookup.look_up, HASH, lambda peers: None)
        both.start_soon(node)
    assert (lookup.statistics().started, lookup.statistics().with_peers) == (2, 1)
