import pytest
import trio

from actors.dht.triage import BATCH_S, MAX_PEERS, REMEMBER_S, Triage
from catalog.messages import InfoHashesSampled, MetadataWanted, PeersAnnounced
from protocol.identifiers import InfoHash
from storage.errors import DatabaseUnavailable
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox


def hash_of(number: int) -> InfoHash:
    return InfoHash(number.to_bytes(20, "big"))


class Index:
    """Knows some hashes, and may be away."""

    def __init__(self) -> None:
        self.known: set[InfoHash] = set()
        self.is_away = False
        self.asked: list[list[InfoHash]] = []

    async def unknown(self, info_hashes):
        await trio.lowlevel.checkpoint()
        self.asked.append(list(info_hashes))
        if self.is_away:
            raise DatabaseUnavailable("restarting")
        return [info_hash for info_hash in info_hashes if info_hash not in self.known]


class Bench:
    def __init__(self, nursery) -> None:
        self.findings = Mailbox("findings", 100)
        self.wanted = Mailbox[MetadataWanted]("wanted", 3)
        self.index = Index()
        self.orders = self.wanted.open_inbox()
        self.heart = Heart()
        self.triage = Triage(self.findings.open_inbox(), self.wanted, self.index.unknown, self.heart)
        nursery.start_soon(self.triage.run)

    async def order(self) -> MetadataWanted:
        with trio.fail_after(10):
            item = await self.orders.receive()
        self.orders.done(item)
        return item


@pytest.fixture
def bench(nursery):
    return Bench(nursery)


async def test_new_hashes_are_wanted_once_and_within_a_quarter_second(bench, autojump_clock):
    started = trio.current_time()
    await bench.findings.send(InfoHashesSampled((hash_of(1), hash_of(2), hash_of(1))))
    await bench.findings.send(InfoHashesSampled((hash_of(2), hash_of(3))))
    order = await bench.order()
    assert sorted(order.info_hashes) == [hash_of(1), hash_of(2), hash_of(3)]
    assert trio.current_time() - started <= BATCH_S + 0.01
    assert bench.triage.statistics().repeated == 2
    await bench.findings.send(InfoHashesSampled((hash_of(1),)))
    await trio.sleep(5)
    assert len(bench.index.asked) == 1
    assert bench.findings.statistics().held == 0


async def test_a_full_batch_does_not_wait(bench, autojump_clock):
    started = trio.current_time()
    await bench.findings.send(InfoHashesSampled(tuple(map(hash_of, range(500)))))
    assert len((await bench.order()).info_hashes) == 500
    assert trio.current_time() == started


async def test_what_the_index_knows_goes_no_further(bench, autojump_clock):
    bench.index.known = {hash_of(1)}
    await bench.findings.send(InfoHashesSampled((hash_of(1), hash_of(2))))
    assert (await bench.order()).info_hashes == (hash_of(2),)
    await bench.findings.send(InfoHashesSampled((hash_of(1),)))
    await trio.sleep(1)
    statistics = bench.triage.statistics()
    assert (statistics.known, statistics.wanted, statistics.heard) == (1, 1, 3)


async def test_announced_peers_travel_with_their_hash_even_if_it_was_sampled_before(bench, autojump_clock):
    await bench.findings.send(InfoHashesSampled((hash_of(1),)))
    assert (await bench.order()).peers == ()
    announced = PeersAnnounced(tuple((hash_of(1), ("10.0.0.1", port)) for port in range(1, 100)))
    await bench.findings.send(announced)
    order = await bench.order()
    assert order.info_hashes == (hash_of(1),)
    assert len(order.peers) == MAX_PEERS
    assert set(order.peers) <= set(announced.announcements)
    await bench.findings.send(announced)  # a minute later its next peers announce
    await trio.sleep(60)
    assert bench.orders._mailbox.statistics().depth == 0


async def test_a_hash_comes_again_after_an_hour(bench, autojump_clock):
    await bench.findings.send(InfoHashesSampled((hash_of(1),)))
    await bench.order()
    for _ in range(2):
        await trio.sleep(REMEMBER_S)
        await bench.findings.send(InfoHashesSampled((hash_of(2),)))
    await bench.findings.send(InfoHashesSampled((hash_of(1),)))
    seen = set()
    while hash_of(1) not in seen:
        seen.update((await bench.order()).info_hashes)


async def test_a_database_that_is_away_loses_nothing(bench, autojump_clock):
    bench.index.is_away = True
    await bench.findings.send(InfoHashesSampled((hash_of(1),)))
    await trio.sleep(60)
    assert bench.findings.statistics().held == 1
    assert bench.triage.statistics().database_retries > 5
    bench.index.is_away = False
    assert (await bench.order()).info_hashes == (hash_of(1),)
    await trio.testing.wait_all_tasks_blocked()
    assert bench.findings.statistics().held == 0


async def test_full_fetchers_make_it_wait_and_its_own_mailbox_fill(bench, autojump_clock):
    for number in range(50):
        await bench.findings.send(InfoHashesSampled((hash_of(number),)))
        await trio.sleep(1)
    statistics = bench.wanted.statistics()
    assert (statistics.depth, statistics.drops) == (3, 0)
    assert bench.findings.statistics().depth > 40
    seen = set()
    while len(seen) < 50:
        seen.update((await bench.order()).info_hashes)


async def test_a_closed_inbox_is_drained_before_it_ends(autojump_clock):
    async with trio.open_nursery() as nursery:
        bench = Bench(nursery)
        for number in range(3):
            await bench.findings.send(InfoHashesSampled((hash_of(number),)))
        bench.findings.close()
        assert len((await bench.order()).info_hashes) == 3


async def test_what_was_not_passed_on_is_there_for_the_successor(autojump_clock):
    async with trio.open_nursery() as nursery:
        bench = Bench(nursery)
        bench.index.is_away = True
        await bench.findings.send(InfoHashesSampled((hash_of(1),)))
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    async with trio.open_nursery() as nursery:
        bench.index.is_away = False
        nursery.start_soon(Triage(bench.findings.open_inbox(), bench.wanted, bench.index.unknown, Heart()).run)
        assert (await bench.order()).info_hashes == (hash_of(1),)
        nursery.cancel_scope.cancel()


async def test_it_beats_without_work_and_while_the_fetchers_are_busy(bench, autojump_clock):
    for number in range(4):  # room for three orders
        await bench.findings.send(InfoHashesSampled((hash_of(number),)))
        await trio.sleep(120)
        assert trio.current_time() - bench.heart.last_beat <= 10
    assert bench.wanted.statistics().waits == 1
