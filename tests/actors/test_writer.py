import threading
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import psycopg
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.writer import Writer
from catalog.messages import TorrentsClassified
from catalog.model import ClassifiedTorrent
from catalog.receipts import Outcome, Receipt, Settled
from config.settings import DatabaseSettings, WriterSettings
from protocol.identifiers import InfoHash
from storage.database import Database
from storage.errors import DatabaseRefused, DatabaseUnavailable, StatementTimeout, TorrentRefused
from storage.torrents import StoreResult, Torrents
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from tests.fakes.classified import info_hash, torrent

SETTINGS = WriterSettings(batch_size=100, max_wait_s=0.5)


def named(*numbers: int) -> TorrentsClassified:
    return TorrentsClassified(tuple(torrent(f"Sintel {number}") for number in numbers))


class StoreInMemory(Torrents):
    """Stores in a dict, sooner or later: before that, each call takes one of `troubles`."""

    def __init__(self, troubles: Iterable[Exception | None] = ()) -> None:
        self.stored: dict[bytes, ClassifiedTorrent] = {}
        self.calls: list[tuple[float, int]] = []
        self.bad: set[bytes] = set()
        self.troubles = iter(troubles)

    async def store(self, batch: object) -> StoreResult:
        assert isinstance(batch, list)
        await trio.lowlevel.checkpoint()
        self.calls.append((trio.current_time(), len(batch)))
        if trouble := next(self.troubles, None):
            raise trouble
        if any(item.torrent.info_hash in self.bad for item in batch):
            raise DatabaseRefused("value too long", "22001")
        new = {item.torrent.info_hash: item for item in batch}
        known = self.stored.keys() & new.keys()
        self.stored |= new
        return StoreResult(len(new) - len(known), len(known))


@asynccontextmanager
async def running(torrents: Torrents, settings: WriterSettings = SETTINGS) -> AsyncIterator[tuple[Writer, Mailbox[TorrentsClassified]]]:
    mailbox = Mailbox[TorrentsClassified]("classified", 100)
    writer = Writer(Heart(), mailbox.open_inbox(), torrents, settings)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        yield writer, mailbox
        mailbox.close()


async def test_a_small_batch_is_stored_after_max_wait(autojump_clock: MockClock) -> None:
    store = StoreInMemory()
    async with running(store) as (_, mailbox):
        started = trio.current_time()
        await mailbox.send(named(1))
        await trio.sleep(0.4)
        await mailbox.send(named(2, 3))
        await trio.sleep(5)
        assert store.calls == [(started + 0.5, 3)]
        assert mailbox.statistics().held == 0


async def test_a_full_batch_is_stored_at_once(autojump_clock: MockClock) -> None:
    store = StoreInMemory()
    async with running(store) as (writer, mailbox):
        started = trio.current_time()
        await mailbox.send(named(*range(60)))
        await mailbox.send(named(*range(60, 120)))
        await wait_all_tasks_blocked()
        assert store.calls == [(started, 120)]
        assert writer.statistics().stored_new == 120


async def test_stopping_stores_the_last_batch(autojump_clock: MockClock) -> None:
    store = StoreInMemory()
    async with running(store) as (_, mailbox):
        for number in range(10):
            await mailbox.send(named(number))
    assert len(store.stored) == 10
    assert mailbox.statistics().held == 0


async def test_it_waits_for_the_database_and_beats_meanwhile(autojump_clock: MockClock) -> None:
    store = StoreInMemory([DatabaseUnavailable("down")] * 30)
    mailbox = Mailbox[TorrentsClassified]("classified", 100)
    heart = Heart()
    writer = Writer(heart, mailbox.open_inbox(), store, SETTINGS)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        await mailbox.send(named(1, 2))
        await trio.sleep(60)
        assert writer.statistics().in_hand == 2
        assert mailbox.statistics().held == 1
        assert trio.current_time() - heart.last_beat <= 10  # seconds: what every actor promises
        mailbox.close()  # even a stop waits
    assert len(store.stored) == 2
    assert writer.statistics().retries == 30
    pauses = [later - earlier for (earlier, _), (later, _) in zip(store.calls, store.calls[1:], strict=False)]
    assert pauses[0] < 0.2
    assert all(5 <= pause <= 10 for pause in pauses[-10:])
    assert len(set(pauses[-10:])) > 1, "pauses have no jitter"


async def test_a_crash_brings_back_what_was_not_committed(autojump_clock: MockClock) -> None:
    store = StoreInMemory([None, RuntimeError("a bug")])
    mailbox = Mailbox[TorrentsClassified]("classified", 100)
    await mailbox.send(named(*range(100)))
    await mailbox.send(named(*range(100, 200)))
    with pytest.RaisesGroup(RuntimeError):
        await Writer(Heart(), mailbox.open_inbox(), store, SETTINGS).run()
    assert len(store.stored) == 100
    assert mailbox.statistics().held == 1
    second = Writer(Heart(), mailbox.open_inbox(), store, SETTINGS)
    mailbox.close()
    await second.run()
    assert len(store.stored) == 200
    assert second.statistics().stored_new == 100


async def test_bad_torrents_are_found_and_all_others_stored(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    store = StoreInMemory()
    store.bad = {info_hash("Sintel 17"), info_hash("Sintel 63")}
    async with running(store) as (writer, mailbox):
        await mailbox.send(named(*range(100)))
        await trio.sleep(1)
        assert writer.statistics().refused == 2
        assert mailbox.statistics().held == 0
    assert store.stored.keys() == {info_hash(f"Sintel {n}") for n in range(100)} - store.bad
    assert len(store.calls) < 30
    for bad in store.bad:
        assert bad.hex() in caplog.text


async def test_of_two_observations_in_a_halved_batch_the_newer_wins(autojump_clock: MockClock) -> None:
    store = StoreInMemory()
    store.bad = {info_hash("bad")}
    one = info_hash("one")
    batch = [torrent("older", info_hash=one), torrent("bad"), torrent("x"), torrent("y"), torrent("newer", info_hash=one)]
    async with running(store) as (_, mailbox):
        await mailbox.send(TorrentsClassified(tuple(batch)))
    assert store.stored[one].torrent.name == "newer"


async def test_a_torrent_refused_by_name_is_dropped_without_halving(autojump_clock: MockClock) -> None:
    store = StoreInMemory([TorrentRefused(info_hash("Sintel 5"), "too large")])
    async with running(store) as (writer, mailbox):
        await mailbox.send(named(*range(10)))
    assert [count for _, count in store.calls] == [10, 9]
    assert writer.statistics().refused == 1


@pytest.mark.parametrize(
    "trouble", [DatabaseRefused("no such table", "42P01"), StatementTimeout("too slow", "57014")], ids=["schema", "slow"]
)
async def test_no_torrent_is_dropped_for_what_is_not_its_fault(autojump_clock: MockClock, trouble: Exception) -> None:
    store = StoreInMemory([trouble] * 12)
    async with running(store) as (writer, mailbox):
        await mailbox.send(named(*range(8)))
        await trio.sleep(100)
        assert writer.statistics().refused == 0
        assert writer.statistics().retries == 12
    assert len(store.stored) == 8


def with_receipts(message: TorrentsClassified, told: list[Settled]) -> TorrentsClassified:
    """The same torrents, each with a receipt that is settled into `told`."""
    items = [
        replace(item, torrent=replace(item.torrent, receipt=Receipt(number, told.append))) for number, item in enumerate(message.torrents)
    ]
    return TorrentsClassified(tuple(items))


async def test_a_batch_that_somebody_waits_for_does_not_wait_for_company(autojump_clock: MockClock) -> None:
    store = StoreInMemory()
    async with running(store) as (_, mailbox):
        started = trio.current_time()
        for number in range(3):
            await mailbox.send(with_receipts(named(number), []))
            await trio.sleep(0.01)  # they come one upon the other
        await trio.sleep(5)
        assert store.calls == [(started + 0.02 + 0.02, 3)]


# With the real database, and so with the real clock.


async def count(database: Database) -> int:
    return (await Torrents(database).counts()).torrents


async def test_a_bad_torrent_in_a_real_batch_is_dropped(database: Database) -> None:
    await database.run(lambda connection: connection.execute("ALTER TABLE torrent ADD CHECK (name <> 'bad')"))
    async with running(Torrents(database)) as (writer, mailbox):
        await mailbox.send(named(*range(40)))
        await mailbox.send(TorrentsClassified((torrent("bad"), torrent("odd", info_hash=InfoHash(b"odd")), torrent("good"))))
    assert await count(database) == 41
    assert writer.statistics().refused == 2


async def test_who_waits_is_told_after_the_commit(database: Database, conninfo: str) -> None:
    told: list[tuple[Settled, int]] = []

    def tell(settled: Settled) -> None:
        with psycopg.connect(conninfo) as connection:
            (stored,) = connection.execute("SELECT count(*) FROM torrent").fetchone() or (0,)
        told.append((settled, stored))

    await Torrents(database).store(named(1).torrents)
    await Torrents(database).block([info_hash("Sintel 2")], "unwanted")
    await database.run(lambda connection: connection.execute("ALTER TABLE torrent ADD CHECK (name <> 'bad')"))
    message = TorrentsClassified((*named(1, 2, 3).torrents, torrent("bad"), torrent("odd", info_hash=InfoHash(b"odd"))))
    async with running(Torrents(database)) as (_, mailbox):
        items = [replace(item, torrent=replace(item.torrent, receipt=Receipt(n, tell))) for n, item in enumerate(message.torrents)]
        await mailbox.send(TorrentsClassified(tuple(items)))
    outcomes = {settled.index: (settled.outcome, bool(settled.reason)) for settled, _ in told}
    assert outcomes == {
        0: (Outcome.UPDATED, False),
        1: (Outcome.BLOCKED, False),
        2: (Outcome.NEW, False),
        3: (Outcome.REFUSED, True),
        4: (Outcome.REFUSED, True),
    }
    assert all(stored == 2 for settled, stored in told if settled.outcome is Outcome.NEW)


async def test_a_crash_between_commit_and_answer_tells_the_truth_later(database: Database) -> None:
    told: list[Settled] = []
    mailbox = Mailbox[TorrentsClassified]("classified", 100)
    await mailbox.send(with_receipts(named(1, 2), told))

    class Crashing(Torrents):
        async def store(self, batch: Sequence[ClassifiedTorrent]) -> StoreResult:
            await super().store(batch)
            raise RuntimeError("a bug, after the commit")

    with pytest.RaisesGroup(RuntimeError):
        await Writer(Heart(), mailbox.open_inbox(), Crashing(database), SETTINGS).run()
    assert told == []
    second = Writer(Heart(), mailbox.open_inbox(), Torrents(database), SETTINGS)
    mailbox.close()
    await second.run()
    assert told == [Settled(0, Outcome.NEW), Settled(1, Outcome.NEW)]


async def test_connections_killed_in_mid_batch_lose_nothing(database: Database, conninfo: str) -> None:
    def kill_in_mid_batch() -> None:
        """Lets the writer come as far as the table, and cuts all connections while it waits there."""
        with psycopg.connect(conninfo, autocommit=True) as admin, psycopg.connect(conninfo) as holder:
            holder.execute("LOCK TABLE torrent IN EXCLUSIVE MODE")
            locked.set()
            deadline = time.monotonic() + 10
            while not admin.execute(_WAITING).fetchone() and time.monotonic() < deadline:
                time.sleep(0.005)
            admin.execute(_KILL, (holder.info.backend_pid,))

    locked = threading.Event()
    with trio.fail_after(30):
        async with running(Torrents(database)) as (writer, mailbox):
            await mailbox.send(named(*range(100)))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.to_thread.run_sync, kill_in_mid_batch)
                await trio.to_thread.run_sync(locked.wait)
                await mailbox.send(named(*range(100, 200)))
    assert await count(database) == 200
    assert writer.statistics().retries > 0
    assert writer.statistics().refused == 0


_WAITING = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO torrent%'"
)
_KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)
"""


async def test_a_database_that_is_away_at_first_is_waited_for(conninfo: str) -> None:
    database = Database(conninfo, DatabaseSettings())  # nobody has opened it yet
    with trio.fail_after(20):
        async with running(Torrents(database)) as (writer, mailbox):
            await mailbox.send(named(1, 2, 3))
            while not writer.statistics().retries:  # noqa: ASYNC110 - a real thread fails there, no event does
                await trio.sleep(0.01)
            await database.open()
    assert await count(database) == 3
    await database.close()
